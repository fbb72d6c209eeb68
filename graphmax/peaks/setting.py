"""What a table of peaks knows of its graph, and how it looks as text, HTML and GeoJSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import frozen
from graphmax.graph import Graph
from graphmax.kernels.ball import farthest_from_rim, most_central
from graphmax.node_values import complete_column

if TYPE_CHECKING:
    from graphmax.peaks.table import Peaks


_GRID_NAMES = {2: ("row", "column")}
_POSITION_NAMES = {2: ("x", "y"), 3: ("x", "y", "z")}


def coordinates_of(graph: Graph, nodes: NDArray[np.int64]) -> NDArray[Any] | None:
    """Return int64 (nodes, axes) on a grid, positions float64 (nodes, d) of points, else None."""
    if graph.shape is not None:
        axes = np.unravel_index(nodes, graph.shape)
        return np.stack(axes, axis=-1).astype(np.int64).reshape(nodes.size, len(graph.shape))
    return None if graph.positions is None else graph.positions[nodes]


def axis_names(graph: Graph) -> tuple[str, ...]:
    """Return what the columns of coordinates are called."""
    if graph.shape is not None:
        return _named(_GRID_NAMES, len(graph.shape))
    return () if graph.positions is None else _named(_POSITION_NAMES, graph.positions.shape[1])


def _named(known: Mapping[int, tuple[str, ...]], count: int) -> tuple[str, ...]:
    return known.get(count) or tuple(f"axis_{axis}" for axis in range(count))


def coordinate_columns(
    graph: Graph, nodes: NDArray[np.int64], prefix: str = ""
) -> dict[str, NDArray[Any]]:
    """Return a column per axis, masked for nodes that are -1."""
    coordinates = coordinates_of(graph, np.maximum(nodes, 0)) if nodes.size else None
    if nodes.size == 0:
        kind = np.int64 if graph.shape is not None else np.float64
        coordinates = np.empty((0, len(axis_names(graph))), kind)
    if coordinates is None:
        return {}
    columns = {}
    for name, column in zip(axis_names(graph), coordinates.T, strict=True):
        none = nodes < 0
        columns[prefix + name] = np.ma.MaskedArray(column, none) if none.any() else column
    return columns


def positions_of(graph: Graph, call: str) -> NDArray[np.float64]:
    """Return the positions that straight lines are measured between."""
    if graph.positions is not None:
        return np.ascontiguousarray(graph.positions, np.float64)
    if graph.shape is not None:
        pixels = np.unravel_index(np.arange(graph.num_nodes), graph.shape)
        return np.stack(pixels, -1).astype(np.float64)
    raise ValueError(
        f"`metric` must not be 'euclidean' for {call} on a graph without positions; "
        "pass graph.replace(positions=...), or measure in hops or weights"
    )


MOST_MEMBERS_SEARCHED = 10_000


@dataclass(frozen=True)
class Setting:
    """The surroundings of peaks.

    `basins` is the peak of each node or -1, `plateau` the lowest index of its plateau, `groups`
    the user's label of its group. `edges_of` is the graph whose edges the nodes are, if they are.
    """

    graph: Graph
    basins: NDArray[np.int64]
    plateau: NDArray[np.int32]
    groups: NDArray[Any] | None = None
    edges_of: Graph | None = None

    def label_of(self, nodes: NDArray[np.int64]) -> NDArray[Any]:
        """Return the user's id of each node, of an edge a tuple of both ends."""
        if self.edges_of is None:
            return self.graph.label_of(nodes)
        labels = np.empty(nodes.size, object)
        labels[:] = list(zip(*self._ends(nodes).tolist(), strict=True))
        return labels

    def _ends(self, edges: NDArray[np.int64]) -> NDArray[Any]:
        graph = self.edges_of or self.graph
        return graph.label_of(graph.edges()[:, edges])

    def ids(self, nodes: NDArray[np.int64], name: str) -> dict[str, NDArray[Any]]:
        """Return the user's ids of nodes (of both ends of edges) as columns, masked where -1."""
        none = nodes < 0
        if self.edges_of is None:
            columns = {name: self.graph.label_of(nodes)}
        else:
            src, dst = self._ends(nodes)
            prefix = "" if name == "label" else f"{name}_"
            columns = {f"{prefix}src": src, f"{prefix}dst": dst}
        return {key: np.ma.MaskedArray(ids, none) for key, ids in columns.items()}

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the members of each plateau start, and all nodes plateau by plateau."""
        sizes = np.bincount(self.plateau, minlength=self.plateau.size)
        return np.concatenate([[0], np.cumsum(sizes)]), np.argsort(self.plateau, kind="stable")

    def members(self, node: int) -> NDArray[np.int64]:
        """Return the plateau that is named by a node, ascending."""
        starts, nodes = self._members
        return frozen(nodes[starts[node] : starts[node + 1]])

    def center(self, node: int) -> int:
        """Return the middle of the plateau that is named by a node."""
        members, number = self.members(node), np.full(self.graph.num_nodes, -1, np.int64)
        number[members] = np.arange(members.size)
        rows = self.graph.adjacency("both")
        search = most_central if members.size <= MOST_MEMBERS_SEARCHED else farthest_from_rim
        return int(search(rows.indptr, rows.indices, number, members))

    def plateaus_beside(self, mask: Any) -> NDArray[np.bool_]:
        """Tell, at the name of each plateau, whether a member is in a mask or next to it."""
        inside = complete_column(self.graph, mask, "mask")
        if inside.dtype != bool:
            raise TypeError(f"`mask` must be bool, got dtype {inside.dtype}")
        rows = self.graph.adjacency("both")
        nodes = np.flatnonzero(inside)
        counts = rows.indptr[nodes + 1] - rows.indptr[nodes]
        entries = np.repeat(rows.indptr[nodes] - np.cumsum(counts) + counts, counts)
        neighbors = rows.indices[entries + np.arange(entries.size)]
        beside = np.zeros(self.plateau.size, np.bool_)
        beside[self.plateau[nodes]] = beside[self.plateau[neighbors]] = True
        return beside

    def boundary(self) -> NDArray[np.bool_]:
        """Tell which edges join two basins."""
        src, dst = self.basins[self.graph.edges()]
        return np.asarray((src != dst) & (src >= 0) & (dst >= 0))


MOST_ROWS = 10


def scalars(column: NDArray[Any]) -> list[Any]:
    """Return the entries as Python's own, times as NumPy's."""
    return list(column) if column.dtype.kind in "mM" else column.tolist()


def cells(columns: Mapping[str, NDArray[Any]], *, more: bool) -> dict[str, list[str]]:
    """Return the entries of every column as text, and dots where there are more."""
    dots = ["..."] * more
    return {
        name: [_text(item) for item in column[:MOST_ROWS]] + dots
        for name, column in columns.items()
    }


def _text(item: Any) -> str:
    return f"{item:.6g}" if isinstance(item, np.floating) else str(item)


def aligned(columns: Mapping[str, list[str]]) -> list[str]:
    """Return lines with every column to the right."""
    wide = {name: max(len(name), *map(len, column)) for name, column in columns.items()}
    rows = zip(*([name, *column] for name, column in columns.items()), strict=True)
    return [
        " ".join(cell.rjust(width) for cell, width in zip(row, wide.values(), strict=True))
        for row in rows
    ]


def feature_collection(peaks: "Peaks") -> dict[str, Any]:
    """Return a FeatureCollection (RFC 7946), refusing what is not longitude and latitude."""
    places = _longitude_latitude(peaks)
    columns = {name: _plain(column) for name, column in peaks.labelled().items()}
    names = [name for name in columns if name not in ("x", "y", "z")]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": place},
                "properties": {name: columns[name][row] for name in names},
            }
            for row, place in enumerate(places.tolist())
        ],
    }


def _longitude_latitude(peaks: "Peaks") -> NDArray[np.float64]:
    graph = peaks.graph
    if graph.positions is None or graph.positions.shape[1] not in (2, 3):
        raise ValueError(
            "`graph` must have positions (longitude, latitude) to be written as GeoJSON; "
            "pass graph.replace(positions=...) to find_peaks"
        )
    places = graph.positions[peaks.nodes]
    outside = (np.abs(places[:, 0]) > 180) | (np.abs(places[:, 1]) > 90)
    if outside.any():
        x, y = places[outside.argmax(), :2]
        raise ValueError(
            "`positions` must be longitude and latitude in degrees to be written as GeoJSON, got "
            f"({x:g}, {y:g}); GeoJSON knows no other coordinates: transform them first"
        )
    return places


def _plain(column: NDArray[Any]) -> list[Any]:
    """Return what JSON can hold: None for no node, infinities and masked entries."""
    if column.dtype.kind in "mM":
        column = column.astype(str)
    return [_finite(item) for item in column.tolist()]


def _finite(item: Any) -> Any:
    return None if isinstance(item, float) and not math.isfinite(item) else item
