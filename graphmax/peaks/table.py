"""`Peaks`: the table that `find_peaks` returns.

And what a table of peaks knows of its graph, and how it looks as text, HTML and GeoJSON.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import write_atomically
from graphmax.checks import frozen, integer
from graphmax.graph import Graph
from graphmax.kernels.ball import farthest_from_rim, most_central
from graphmax.node_values import complete_column
from graphmax.notebook import html_table
from graphmax.rule import FilledRule
from graphmax.values import order_key

if TYPE_CHECKING:
    import pandas


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


# --- `Peaks`: the table that `find_peaks` returns

_NODES = ("nearest_higher", "key_saddle", "parent")
_COLUMNS = (
    "node",
    "label",
    "value",
    "isolation",
    "nearest_higher",
    "prominence",
    "key_saddle",
    "key_saddle_value",
    "parent",
    "basin_size",
    "plateau_size",
)


class Peak(NamedTuple):
    """One row of the table: one peak."""

    node: int
    label: Any
    value: Any
    isolation: float
    nearest_higher: int
    prominence: float
    key_saddle: int
    key_saddle_value: Any
    parent: int
    basin_size: int
    plateau_size: int
    group: Any = None


class Persistence(NamedTuple):
    """Birth and death of every peak as water falls from the highest value to the lowest.

    ``birth`` and ``death`` are values, ``birth_node`` and ``death_node`` int64. A peak is born at
    itself and dies at its key saddle. The first peak of a component dies at `base`: with the
    lowest node of the graph (of its group), or at the level that was given, at no node (-1).
    Birth minus death is the prominence.
    """

    birth: NDArray[Any]
    death: NDArray[Any]
    birth_node: NDArray[np.int64]
    death_node: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Peaks:
    """Peaks of an attribute, one row per plateau, highest first.

    ``peaks[mask]``, ``peaks[start:stop]`` and ``peaks[rows]`` keep some rows, in the order asked
    for, as a filter of `find_peaks` would: a peak that goes gives its basin to its nearest
    ancestor that stays. ``peaks[i]`` is one `Peak`.

    Attributes
    ----------
    node : int64 (p,)
        The peak, by the lowest index of its plateau.
    label : (p,)
        The user's id of it.
    value : (p,)
        Its value.
    isolation : float64 (p,)
        Distance to its nearest challenger, in hops, or in edge weights where the rule has a
        radius; inf where there is none.
    nearest_higher : int64 (p,)
        That challenger (for minima a lower node), -1 for none.
    prominence : float64 (p,)
        Height above the key saddle, or above `base`, in the unit of the values.
    key_saddle : int64 (p,)
        The lowest node on the best path to higher ground, -1 for the first peak of a component.
    key_saddle_value : (p,)
        The value of the key saddle; `base` for the first peak of a component.
    parent : int64 (p,)
        The nearest ancestor in the merge tree that is in the table, -1 for none.
    basin_size : int64 (p,)
        Number of nodes whose steepest walk ends on the peak, or on one that left it its basin.
    plateau_size : int64 (p,)
        Number of nodes of equal value around the peak, itself included.
    rule : Rule
        The rule they were found under.

    Examples
    --------
    >>> import graphmax as gm
    >>> peaks = gm.find_peaks(gm.grid_graph(5), [1, 5, 2, 3, 0])
    >>> len(peaks), peaks.nodes.tolist(), peaks.prominence.tolist()
    (2, [1, 3], [5.0, 1.0])
    """

    node: NDArray[np.int64]
    label: NDArray[Any]
    value: NDArray[Any]
    isolation: NDArray[np.float64]
    nearest_higher: NDArray[np.int64]
    prominence: NDArray[np.float64]
    key_saddle: NDArray[np.int64]
    key_saddle_value: NDArray[Any]
    parent: NDArray[np.int64]
    basin_size: NDArray[np.int64]
    plateau_size: NDArray[np.int64]
    rule: FilledRule
    _death_node: NDArray[np.int64]
    _setting: Setting

    def __post_init__(self) -> None:
        for name in (*_COLUMNS, "_death_node"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __len__(self) -> int:
        return int(self.node.size)

    def __iter__(self) -> Iterator[Peak]:
        columns = [scalars(getattr(self, name)) for name in _COLUMNS]
        groups = [None] * len(self) if self.group is None else scalars(self.group)
        return map(Peak._make, zip(*columns, groups, strict=True))

    @overload
    def __getitem__(self, rows: int) -> Peak: ...
    @overload
    def __getitem__(self, rows: Any) -> "Peaks": ...
    def __getitem__(self, rows: Any) -> "Peak | Peaks":
        if isinstance(rows, int | np.integer) and not isinstance(rows, bool):
            return next(iter(self._kept(np.array([self._row(int(rows))]), rebuilt=False)))
        if isinstance(rows, slice):
            return self._kept(np.arange(len(self))[rows])
        asked = np.asarray(rows)
        if asked.dtype == bool and asked.shape == (len(self),):
            return self._kept(np.flatnonzero(asked))
        if asked.ndim != 1 or (asked.dtype.kind not in "iu" and asked.size):
            raise TypeError(
                f"`peaks[...]` must be given a row, a slice, a bool mask ({len(self)},) or an "
                f"integer array, got {asked.dtype} {asked.shape}"
            )
        chosen = np.array([self._row(int(row)) for row in asked.tolist()], np.int64)
        if np.unique(chosen).size < chosen.size:
            raise ValueError("`peaks[...]` must be given each row once, got a row again")
        return self._kept(chosen)

    def _row(self, row: int) -> int:
        if not -len(self) <= row < len(self):
            raise IndexError(f"`peaks[...]` must be given a row below {len(self)}, got {row}")
        return row % len(self)

    @property
    def nodes(self) -> NDArray[np.int64]:
        """The peaks as node indices, int64 (p,), highest first."""
        return self.node

    @property
    def graph(self) -> Graph:
        """The graph whose nodes the peaks are; for peaks among edges the one that joins edges."""
        return self._setting.graph

    @property
    def basins(self) -> NDArray[np.int64]:
        """The peak whose basin each node is in, int64 (num_nodes,), -1 for none."""
        return self._setting.basins

    @property
    def group(self) -> NDArray[Any] | None:
        """The group of each peak (p,) as `groups` called it; None without groups."""
        groups = self._setting.groups
        return None if groups is None else frozen(groups[self.node])

    @property
    def coordinates(self) -> NDArray[Any] | None:
        """Where the peaks are: int64 (p, axes) on a grid, else positions (p, d), or None."""
        return coordinates_of(self.graph, self.node)

    @property
    def is_labelled(self) -> bool:
        """Whether the nodes have ids of the user's own."""
        return self.graph.labels is not None or self._setting.edges_of is not None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which nodes belong to a peak, bool (num_nodes,), as in `local_maxima`: whole plateaus."""
        chosen = np.zeros(self.graph.num_nodes, np.bool_)
        chosen[self.node] = True
        is_whole = self.rule.ties == "plateau"
        return frozen(chosen[self._setting.plateau] if is_whole else chosen)

    @property
    def persistence(self) -> Persistence:
        """Birth and death of every peak, with their nodes, in the order of the table."""
        return Persistence(self.value, self.key_saddle_value, self.node, self._death_node)

    def members(self, row: int) -> NDArray[np.int64]:
        """Return the nodes of the plateau of a peak, ascending, int64 (plateau_size,)."""
        return self._setting.members(self._node(row))

    def center(self, row: int) -> int:
        """Return the middle of the plateau of a peak.

        It is the member with the smallest largest distance, in steps inside the plateau, to the
        other members, ties to the lowest index; of a plateau of more than 10,000 nodes the member
        farthest from its rim.
        """
        return self._setting.center(self._node(row))

    def _node(self, row: int) -> int:
        return int(self.node[self._row(integer(row, "row"))])

    def touches(self, mask: Any) -> NDArray[np.bool_]:
        """Tell which peaks lie beside some nodes, such as a border or the pixels of a mask.

        Parameters
        ----------
        mask : bool (num_nodes,), mapping or str
            The nodes.

        Returns
        -------
        bool (p,)
            Whether a member of the peak is in `mask` or a neighbor of a node in it.
        """
        return self._setting.plateaus_beside(mask)[self.node]

    def boundary(self) -> NDArray[np.bool_]:
        """Return which edges join two basins, bool (num_edges,), in the order of `graph.edges()`.

        Nodes without a basin have no boundary.
        """
        return self._setting.boundary()

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, -1 for no node.

        After the label come coordinates, where the graph has a shape or positions; last comes the
        group, where there are groups. Edges have the ids of both ends instead of a label.
        """
        columns = {name: getattr(self, name) for name in _COLUMNS}
        first = {"node": columns.pop("node")}
        label = columns.pop("label")
        if self._setting.edges_of is not None:
            first = {"edge": first["node"]}
            first |= {name: ids.data for name, ids in self._setting.ids(self.node, "label").items()}
        else:
            first |= {"label": label, **coordinate_columns(self.graph, self.node)}
        group = self.group
        return {**first, **columns, **({} if group is None else {"group": group})}

    def to_pandas(self, *, ids_as_index: bool = False) -> "pandas.DataFrame":
        """Return a pandas ``DataFrame`` of the columns, -1 for no node.

        With `ids_as_index` the user's ids are its index (for edges the ids of both ends).
        """
        import pandas

        frame = pandas.DataFrame(self.to_dict())
        if not ids_as_index:
            return frame
        return frame.set_index(["label"] if self._setting.edges_of is None else ["src", "dst"])

    def labelled(self, *, coordinates: bool = False) -> dict[str, NDArray[Any]]:
        """Return the columns with the user's ids of all nodes, masked where there is none.

        With `coordinates` the other nodes of a row have columns of coordinates too.
        """
        columns: dict[str, NDArray[Any]] = {}
        for name, column in self.to_dict().items():
            if name not in _NODES:
                columns[name] = column
                continue
            columns |= self._setting.ids(column, name)
            if coordinates:
                columns |= coordinate_columns(self.graph, column, f"{name}_")
        return columns

    def to_geojson(self) -> dict[str, Any]:
        """Return a GeoJSON FeatureCollection: a point per peak, the other columns as properties.

        Raises
        ------
        ValueError
            If the graph has no positions, or they are not longitude and latitude in degrees.
        """
        return feature_collection(self)

    def write(self, path: str | os.PathLike[str], *, coordinates: bool = False) -> None:
        """Write the table, its nodes by the user's ids, nothing where there is none.

        Parameters
        ----------
        path : str or path
            An ending that `write_table` knows (.csv, .parquet, .json, ...), or .geojson where
            positions are longitude and latitude. It appears complete or not at all.
        coordinates : bool, default False
            Whether nearest higher node, key saddle and parent have columns of coordinates too.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        ValueError
            If the ending is another one, or positions are no map coordinates.
        """
        from graphmax.files import write_table

        if Path(path).suffix.lower() == ".geojson":
            text = json.dumps(self.to_geojson(), allow_nan=False)
            write_atomically(Path(path), lambda file: file.write_text(text, encoding="utf-8"))
        else:
            write_table(self.labelled(coordinates=coordinates), path)

    def _kept(self, rows: NDArray[np.int64], *, rebuilt: bool = True) -> "Peaks":
        kept = {name: getattr(self, name)[rows] for name in (*_COLUMNS, "_death_node")}
        if not rebuilt:
            return replace(self, **kept)
        heir = self._heirs(rows)
        size = np.zeros(len(self), np.int64)
        np.add.at(size, heir[heir >= 0], self.basin_size[heir >= 0])
        node = np.append(self.node, -1)  # of row -1: no row
        kept["parent"] = node[_or_none(heir, self._parent_row[rows])]
        kept["basin_size"] = size[rows]
        basin = np.full(self.basins.size, -1)
        basin[self.node] = node[heir]
        setting = replace(self._setting, basins=frozen(_or_none(basin, self.basins)))
        return replace(self, **kept, _setting=setting)

    def _heirs(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return of each row the nearest ancestor, or itself, that is among `rows`; or -1."""
        heir = self._parent_row.copy()
        heir[rows] = rows
        while True:  # every round doubles the steps that were taken
            farther = _or_none(heir, heir)
            if np.array_equal(farther, heir):
                return heir
            heir = farther

    @cached_property
    def _parent_row(self) -> NDArray[np.int64]:
        by_node = np.argsort(self.node)
        row = by_node[np.searchsorted(self.node[by_node], self.parent) % max(len(self), 1)]
        return np.where(self.parent >= 0, row, -1)

    def __repr__(self) -> str:
        head = f"Peaks({self._title})"
        return "\n".join([head, *aligned(self._shown())]) if len(self) else head

    def _repr_html_(self) -> str:
        return html_table(self._shown(), f"Peaks: {self._title}")

    @property
    def _title(self) -> str:
        what = "nodes" if self._setting.edges_of is None else "edges"
        sorted_down = len(self) > 1 and bool((np.diff(self._rank) > 0).all())
        return f"{len(self)} of {self.graph.num_nodes} {what}" + ", highest first" * sorted_down

    @property
    def _rank(self) -> NDArray[np.int64]:
        """Order of the rows by height, then index."""
        key = order_key(np.ascontiguousarray(self.value)).key
        order = np.lexsort((self.node, key if self.rule.extremum == "min" else ~key))
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        return rank

    def _shown(self) -> dict[str, list[str]]:
        head = self._kept(np.arange(min(len(self), MOST_ROWS)), rebuilt=False)
        columns = head.to_dict()
        if not self.is_labelled:
            del columns["label"]
        return cells(columns, more=len(self) > MOST_ROWS)


def _or_none(table: NDArray[Any], at: NDArray[Any]) -> NDArray[np.int64]:
    """Look up, -1 where there is nothing to look up."""
    return np.where(at >= 0, table[at], -1) if table.size else np.full(at.shape, -1)
