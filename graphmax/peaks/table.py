"""`Peaks`: the table that `find_peaks` returns."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import frozen
from graphmax.graph import Graph
from graphmax.kernels.merge import ancestors
from graphmax.rule import FilledRule

if TYPE_CHECKING:
    import pandas

_SHOWN = 10
_NODES = ("nearest_higher", "key_saddle", "parent")


class Peak(NamedTuple):
    """One row of the table: one peak."""

    node: int
    label: Any
    value: Any
    isolation: float
    nearest_higher: int
    prominence: float
    key_saddle: int
    parent: int
    basin_size: int
    plateau_size: int


class Persistence(NamedTuple):
    """Birth and death of every peak as water falls from the highest value to the lowest.

    ``birth`` and ``death`` have the dtype of the values, ``birth_node`` and ``death_node`` are
    int64. A peak is born at itself and dies at its key saddle; the first peak of a component dies
    with the component's lowest node. Birth minus death is the prominence.
    """

    birth: NDArray[Any]
    death: NDArray[Any]
    birth_node: NDArray[np.int64]
    death_node: NDArray[np.int64]


class Setting(NamedTuple):
    """What a table knows of the graph: whose walk ends where, and who stands on which plateau."""

    graph: Graph
    values: NDArray[Any]
    basins: NDArray[np.int64]
    plateau: NDArray[np.int32]


@dataclass(frozen=True, eq=False, repr=False)
class Peaks:
    """Peaks of an attribute, one row a plateau, highest first.

    ``peaks[mask]`` and ``peaks[start:stop]`` keep some rows, as a filter of `find_peaks` would: a
    peak that goes gives its basin to its nearest ancestor that stays. ``peaks[i]`` is one `Peak`.

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
        Height above the key saddle, in the unit of the values.
    key_saddle : int64 (p,)
        The lowest node on the best path to higher ground, -1 for the first peak of a component.
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
    parent: NDArray[np.int64]
    basin_size: NDArray[np.int64]
    plateau_size: NDArray[np.int64]
    rule: FilledRule
    _death_node: NDArray[np.int64]
    _setting: Setting

    def __post_init__(self) -> None:
        for name in (*Peak._fields, "_death_node"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __len__(self) -> int:
        return int(self.node.size)

    def __iter__(self) -> Iterator[Peak]:
        columns = (getattr(self, name) for name in Peak._fields)
        return map(Peak._make, zip(*(_scalars(column) for column in columns), strict=True))

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, int | np.integer) and not isinstance(rows, bool):
            return self._row(int(rows))
        if isinstance(rows, slice):
            return self._kept(np.sort(np.arange(len(self))[rows]))
        mask = np.asarray(rows)
        if mask.dtype != bool or mask.shape != (len(self),):
            raise TypeError(
                f"`peaks[...]` must be given a row, a slice or a bool mask ({len(self)},), "
                f"got {mask.dtype} {mask.shape}"
            )
        return self._kept(np.flatnonzero(mask))

    def _row(self, row: int) -> Peak:
        if not -len(self) <= row < len(self):
            raise IndexError(f"`peaks[...]` must be given a row below {len(self)}, got {row}")
        columns = (getattr(self, name)[[row]] for name in Peak._fields)
        return Peak(*(_scalars(column)[0] for column in columns))

    @property
    def nodes(self) -> NDArray[np.int64]:
        """The peaks as node indices, int64 (p,), highest first."""
        return self.node

    @property
    def basins(self) -> NDArray[np.int64]:
        """The peak whose basin each node is in, int64 (num_nodes,), -1 for none."""
        return self._setting.basins

    @property
    def is_labelled(self) -> bool:
        """Whether the nodes have ids of the user's own."""
        return self._setting.graph.labels is not None

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Which nodes belong to a peak, bool (num_nodes,), as in `local_maxima`: whole plateaus."""
        plateau = self._setting.plateau
        chosen = np.zeros(plateau.size, np.bool_)
        chosen[self.node] = True
        return frozen(chosen[plateau] if self.rule.ties == "plateau" else chosen)

    @property
    def persistence(self) -> Persistence:
        """Birth and death of every peak, with their nodes, in the order of the table."""
        return Persistence(
            self.value, self._setting.values[self._death_node], self.node, self._death_node
        )

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, -1 for no node."""
        return {name: getattr(self, name) for name in Peak._fields}

    def to_pandas(self) -> "pandas.DataFrame":
        """Return a pandas ``DataFrame`` of the columns, -1 for no node."""
        import pandas

        return pandas.DataFrame(self.to_dict())

    def labelled(self) -> dict[str, NDArray[Any]]:
        """Return the columns with the user's ids of all nodes, masked where there is none."""
        columns = self.to_dict()
        for name in _NODES:
            ids = self._setting.graph.label_of(columns[name])
            columns[name] = np.ma.MaskedArray(ids, columns[name] < 0)
        return columns

    def write(self, path: str | Path) -> None:
        """Write the table, its nodes by the user's ids, nothing where there is none.

        Parameters
        ----------
        path : str or pathlib.Path
            .csv, .tsv, .parquet or .json; it appears complete or not at all.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        ValueError
            If the ending is another one.
        """
        from graphmax.files import write_table

        write_table(self.labelled(), path)

    def _kept(self, rows: NDArray[np.int64]) -> "Peaks":
        chosen = np.zeros(len(self), np.bool_)
        chosen[rows] = True
        heir = ancestors(np.arange(len(self)), self._parent_row, chosen)
        size = np.zeros(len(self), np.int64)
        np.add.at(size, heir[heir >= 0], self.basin_size[heir >= 0])
        node = np.append(self.node, -1)  # of row -1: no row
        kept = {name: getattr(self, name)[rows] for name in (*Peak._fields, "_death_node")}
        kept["parent"] = node[_or_none(heir, self._parent_row[rows])]
        kept["basin_size"] = size[rows]
        basin = np.full(self.basins.size, -1)
        basin[self.node] = node[heir]
        setting = self._setting._replace(basins=frozen(_or_none(basin, self.basins)))
        return replace(self, **kept, _setting=setting)

    @cached_property
    def _parent_row(self) -> NDArray[np.int64]:
        by_node = np.argsort(self.node)
        found = by_node[np.searchsorted(self.node[by_node], self.parent) % max(len(self), 1)]
        return np.where(self.parent >= 0, found, -1)

    def __repr__(self) -> str:
        head = f"Peaks({self._title})"
        return "\n".join([head, *_aligned(self._shown_columns())]) if len(self) else head

    @property
    def _title(self) -> str:
        total = self._setting.plateau.size
        return f"{len(self)} of {total} nodes" + ", highest first" * (len(self) > 1)

    def _shown_columns(self) -> dict[str, list[str]]:
        rows = slice(_SHOWN)
        columns = {name: column[rows] for name, column in self.to_dict().items()}
        if not self.is_labelled:
            del columns["label"]
        shown = {name: [_spoken(item) for item in column] for name, column in columns.items()}
        if len(self) > _SHOWN:
            shown = {name: [*cells, "..."] for name, cells in shown.items()}
        return shown

    def _repr_html_(self) -> str:
        shown = self._shown_columns()
        head = "".join(f"<th>{name}</th>" for name in shown)
        rows = zip(*shown.values(), strict=True)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        return (
            f"<table><caption>Peaks: {self._title}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _or_none(table: NDArray[Any], at: NDArray[Any]) -> NDArray[np.int64]:
    """Look up, -1 where there is nothing to look up."""
    return np.where(at >= 0, table[at], -1) if table.size else np.full(at.shape, -1)


def _scalars(column: NDArray[Any]) -> list[Any]:
    return list(column) if column.dtype.kind in "mM" else column.tolist()


def _spoken(item: Any) -> str:
    return f"{item:.6g}" if isinstance(item, np.floating) else str(item)


def _aligned(columns: dict[str, list[str]]) -> list[str]:
    wide = {name: max(len(name), *map(len, cells)) for name, cells in columns.items()}
    rows = zip(*([name, *cells] for name, cells in columns.items()), strict=True)
    return [
        " ".join(cell.rjust(width) for cell, width in zip(row, wide.values(), strict=True))
        for row in rows
    ]
