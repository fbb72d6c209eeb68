"""`Peaks`: the table that `find_peaks` returns."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import write_atomically
from graphmax.checks import frozen, integer
from graphmax.graph import Graph
from graphmax.notebook import html_table
from graphmax.peaks.setting import (
    MOST_ROWS,
    Setting,
    aligned,
    cells,
    coordinate_columns,
    coordinates_of,
    feature_collection,
    scalars,
)
from graphmax.rule import FilledRule
from graphmax.values import order_key

if TYPE_CHECKING:
    import pandas

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
