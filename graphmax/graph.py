"""The one graph value: sorted adjacency rows with weights, labels and node attributes.

The rows are made from edges, checked, reversed and merged here too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.checks import (
    MOST_NODES,
    edge_weights,
    first_outside,
    frozen,
    grid_shape,
    group_codes,
    node_column,
    node_count,
    node_count_of,
    node_indices,
    node_labels,
    node_mask,
    node_positions,
    row_numbers,
    unchanging,
)
from graphmax.kernels import csr
from graphmax.kernels import csr as loops
from graphmax.machine import check_room
from graphmax.notebook import fact_table

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data


_NO_WEIGHTS = np.empty(0)
# While rows are built: the entries twice.
_BYTES_PER_ENTRY = 12
_FLAWS = {
    1: "have pointers that do not decrease and stay inside `indices`",
    2: "hold node indices from 0 to num_nodes - 1",
    3: "be sorted without repeats",
    4: "hold no self-loop",
}


class Dropped(NamedTuple):
    """What was left out when a graph was built."""

    self_loops: int
    repeats: int

    def __str__(self) -> str:
        loops, repeats = self
        return f"{loops} self-loop{'s' * (loops != 1)}, {repeats} repeat{'s' * (repeats != 1)}"


class Adjacency(NamedTuple):
    """Rows of neighbors: row v is ``indices[indptr[v]:indptr[v + 1]]``, ascending.

    ``indptr`` is int64 (num_nodes + 1,), ``indices`` int32 (entries,), ``weights`` float64
    (entries,) or None.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float64] | None

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Weights for kernels, which take an empty array for none."""
        return _NO_WEIGHTS if self.weights is None else self.weights

    @property
    def symmetric(self) -> bool:
        """Whether every entry has its reverse, with equal weight."""
        return bool(loops.is_symmetric(self.indptr, self.indices, self.lengths))

    def reversed(self) -> "Adjacency":
        """Return the rows of the reversed edges."""
        return self._like(loops.transpose(self.indptr, self.indices, self.lengths))

    def merged(self, other: "Adjacency") -> "Adjacency":
        """Return rows with the entries of both, the smaller weight where both have one."""
        return self._like(loops.union(*self[:2], self.lengths, *other[:2], other.lengths))

    def without(self, absent: NDArray[np.bool_]) -> "Adjacency":
        """Return the rows without the entries that touch an absent node."""
        absent = np.ascontiguousarray(absent)
        return self._like(loops.filtered(*self[:2], self.lengths, absent=absent))

    def within(self, groups: NDArray[np.int64]) -> "Adjacency":
        """Return the rows without the entries that join nodes of different groups."""
        groups = np.ascontiguousarray(groups, np.int64)
        return self._like(loops.filtered(*self[:2], self.lengths, groups=groups))

    def _like(self, built: tuple[Any, Any, Any]) -> "Adjacency":
        indptr, indices, weights = (frozen(array) for array in built)
        return Adjacency(indptr, indices, None if self.weights is None else weights)


def matching_ends(src: ArrayLike, dst: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both ends of the edges as integer arrays of one length and dtype."""
    first, second = node_indices(src, "src"), node_indices(dst, "dst")
    if first.size != second.size:
        raise ValueError(f"`dst` must be as long as `src`, got {second.size} and {first.size}")
    if first.dtype != second.dtype:
        return first.astype(np.int64), second.astype(np.int64)
    return first, second


def rows_of(
    ends: tuple[NDArray[Any], NDArray[Any]],
    weights: NDArray[np.float64] | None,
    count: int,
    directed: bool,
) -> tuple[Adjacency, Dropped]:
    """Build the rows of in-neighbors of `count` nodes and count what was dropped."""
    entries = ends[0].size * (1 if directed else 2)
    size = 8 * count + entries * (_BYTES_PER_ENTRY + (0 if weights is None else weights.itemsize))
    check_room(size, f"the rows of {count} nodes and {ends[0].size} edges")
    built = csr.build(*ends, _NO_WEIGHTS if weights is None else weights, count, not directed)
    if isinstance(built, int):
        raise first_outside(ends, count, built)
    indptr, indices, lengths, entries = built
    each = 1 if directed else 2
    dropped = Dropped(ends[0].size - entries // each, (entries - indices.size) // each)
    return Adjacency(indptr, indices, None if weights is None else lengths), dropped


def symmetric_rows(
    indptr: NDArray[Any], indices: NDArray[Any], weights: NDArray[np.float64] | None
) -> Adjacency | None:
    """Return rows that are valid and symmetric as they are, copied; None if they are not."""
    starts = np.array(indptr, np.int64)
    if starts[-1] != indices.size or loops.first_flaw(starts, indices)[1]:
        return None
    # Copies: the arrays of somebody else may change.
    lengths = None if weights is None else weights.copy()
    rows = Adjacency(starts, indices.astype(np.int32), lengths)
    return rows if rows.symmetric else None


def check_rows(rows: Adjacency, directed: bool) -> None:
    """Refuse rows that are not sorted, in range, without loops and, undirected, symmetric."""
    if rows.indptr.ndim != 1 or rows.indptr.size == 0 or rows.indptr[0] != 0:
        raise ValueError("`indptr` must be one-dimensional and start with 0")
    row, kind = loops.first_flaw(rows.indptr, rows.indices)
    if kind:
        raise ValueError(f"`indices` must {_FLAWS[kind]}, got another in row {row}")
    if rows.indptr[-1] != rows.indices.size:
        raise ValueError(
            f"`indptr` must end with the number of entries {rows.indices.size}, "
            f"got {rows.indptr[-1]}"
        )
    if not directed and not rows.symmetric:
        raise ValueError(
            "`indices` must hold both directions of every edge with equal weight, "
            "got an edge without its reverse; pass directed=True"
        )


# --- The one graph value: sorted adjacency rows with weights, labels and node attributes

__all__ = ["Adjacency", "Dropped", "Graph"]


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """An immutable graph: who are the neighbors of a node, how far, and what is known of it.

    Row v of the adjacency lists the in-neighbors of v, as messages flow; an undirected graph
    stores every edge in both rows. Use `from_edges`, `as_graph` or `read_graph` to make one.

    Parameters
    ----------
    indptr : int64 (num_nodes + 1,)
        Where each row starts in `indices`.
    indices : int32 (entries,)
        The in-neighbors of all nodes, each row ascending, without self-loops and repeats.
    weights : float64 (entries,), optional
        Weight of each edge, in any unit, not NaN. Where weights are lengths (a radius, weighted
        distances) negative ones are refused.
    directed : bool, default False
        Whether edges have an arrow.
    labels : int64 or object (num_nodes,), optional
        The user's ids of the nodes.
    attributes : mapping of str to (num_nodes,) or (num_nodes, F) array, optional
        Node attributes. A `numpy.ma.MaskedArray` marks nodes that lack the attribute.
    dropped : Dropped, default (0, 0)
        Self-loops and repeated edges that were left out.
    shape : tuple of int, optional
        Sides of the grid whose pixels are the nodes, in C order.
    positions : float64 (num_nodes, d), optional
        Where each node is.
    source : optional
        How a file was read, if the graph comes from one: what `read_graph` leaves.

    Raises
    ------
    ValueError
        If the rows are not valid, an undirected graph is not symmetric, a weight is NaN, or
        labels, attributes, `shape` or `positions` do not fit the number of nodes.

    Notes
    -----
    At most 2**31 - 1 nodes; any number of edges. All arrays are read-only.

    Examples
    --------
    >>> from graphmax import Graph
    >>> Graph.from_edges([0, 1, 1], [1, 2, 2])
    Graph(num_nodes=3, num_edges=2, undirected, dropped: 0 self-loops, 1 repeat)
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float64] | None = None
    directed: bool = False
    labels: NDArray[Any] | None = None
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    dropped: Dropped = field(default=Dropped(0, 0))
    shape: tuple[int, ...] | None = None
    positions: NDArray[np.float64] | None = None
    source: Any = None

    def __post_init__(self) -> None:
        indices = np.asarray(self.indices)
        is_integer = indices.size and indices.dtype.kind in "iu"
        if is_integer and not 0 <= indices.min() <= indices.max() < MOST_NODES:
            raise ValueError("`indices` must hold node indices from 0 to num_nodes - 1")
        self._set("indptr", row_numbers(self.indptr, "indptr", np.int64))
        self._set("indices", row_numbers(indices, "indices", np.int32))
        if self.weights is not None:
            weights = edge_weights(self.weights, self.indices.size)
            self._set("weights", unchanging(weights))
        check_rows(Adjacency(self.indptr, self.indices, self.weights), self.directed)
        self._settle()

    @classmethod
    def from_edges(
        cls,
        src: ArrayLike,
        dst: ArrayLike,
        num_nodes: int | None = None,
        *,
        weights: ArrayLike | None = None,
        directed: bool = False,
        labels: ArrayLike | None = None,
        attributes: Mapping[str, ArrayLike] | None = None,
    ) -> "Graph":
        """Build a graph from its edges, each given once.

        Self-loops and repeated edges are dropped and counted; of several weights of one edge the
        smallest is kept. Undirected: (u, v) and (v, u) are the same edge.

        Parameters
        ----------
        src, dst : int (num_edges,)
            The ends of each edge, node indices from 0.
        num_nodes : int, optional
            Number of nodes; without it the length of `labels`, else of an attribute, else the
            largest index plus one.
        weights : float (num_edges,), optional
            Weight of each edge, in any unit, not NaN.
        directed : bool, default False
            Whether an edge goes from `src` to `dst` only.
        labels : (num_nodes,), optional
            The user's ids of the nodes, unique.
        attributes : mapping of str to (num_nodes,) or (num_nodes, F), optional
            Node attributes.

        Returns
        -------
        Graph
            The graph.

        Raises
        ------
        TypeError
            If node indices are not integers.
        ValueError
            If an index is negative or not below `num_nodes`, or lengths differ, or a weight is
            NaN, or `num_nodes` would follow from an index far above the edge count.

        Notes
        -----
        Two-level counting sort: O(num_nodes + num_edges) time, 8 to 16 bytes an entry on top of
        the result.

        Examples
        --------
        >>> from graphmax import Graph
        >>> Graph.from_edges([0, 2], [1, 1], directed=True).edges()
        array([[0, 2],
               [1, 1]])
        """
        ends = matching_ends(src, dst)
        if num_nodes is None:
            columns = ([] if labels is None else [labels]) + list((attributes or {}).values())
            count = len(columns[0]) if columns else node_count_of(ends)  # type: ignore[arg-type]
        else:
            count = node_count(num_nodes)
        lengths = None if weights is None else edge_weights(weights, ends[0].size)
        rows, dropped = rows_of(ends, lengths, count, directed)
        return _unchecked(rows, directed, dropped)._with(labels, attributes)

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return int(self.indptr.size - 1)

    @property
    def num_edges(self) -> int:
        """Number of edges; an undirected edge counts once."""
        return int(self.indices.size if self.directed else self.indices.size // 2)

    def edges(self) -> NDArray[np.int64]:
        """List the edges.

        Returns
        -------
        int64 (2, num_edges)
            Undirected: each edge once, the smaller index first. Directed: source and target.
            Sorted by the first row, then by the second.

        Examples
        --------
        >>> from graphmax import Graph
        >>> Graph.from_edges([2, 1], [0, 0]).edges()
        array([[0, 0],
               [1, 2]])
        """
        rows = self._rows_by_source
        source = np.repeat(np.arange(self.num_nodes), np.diff(rows.indptr))
        pairs = np.stack([source, rows.indices.astype(np.int64)])
        return pairs if self.directed else pairs[:, pairs[0] < pairs[1]]

    def edge_weights(self) -> NDArray[np.float64] | None:
        """Weights in the order of `edges()`, float64 (num_edges,), or None without weights."""
        rows = self._rows_by_source
        if rows.weights is None or self.directed:
            return rows.weights
        source = np.repeat(np.arange(self.num_nodes), np.diff(rows.indptr))
        return rows.weights[source < rows.indices]

    def adjacency(self, direction: str = "in") -> Adjacency:
        """Return the rows whose entries are one counted step away.

        Parameters
        ----------
        direction : {"in", "out", "both"}, default "in"
            ``in``: against the arrow, ``out``: along it, ``both``: either way. An undirected
            graph has one answer.

        Returns
        -------
        Adjacency
            Sorted rows; the reversed and the merged ones are built on first use and kept.
        """
        if direction == "in" or not self.directed:
            return self._rows_in
        return self._rows_out if direction == "out" else self._rows_both

    def label_of(self, nodes: ArrayLike) -> NDArray[Any]:
        """Return the user's ids of node indices; the indices themselves without labels."""
        nodes = np.asarray(nodes)
        return nodes if self.labels is None else self.labels[nodes]

    @cached_property
    def has_negative_weights(self) -> bool:
        """Whether a weight is below 0, so that weights are no lengths."""
        return self.weights is not None and bool((self.weights < 0).any())

    @cached_property
    def place_of_label(self) -> dict[Any, int]:
        """Node index of every id."""
        ids = range(self.num_nodes) if self.labels is None else self.labels.tolist()
        return dict(zip(ids, range(self.num_nodes), strict=True))

    def replace(
        self,
        *,
        labels: ArrayLike | None = None,
        attributes: Mapping[str, ArrayLike] | None = None,
        shape: tuple[int, ...] | None = None,
        positions: ArrayLike | None = None,
        source: Any = None,
    ) -> "Graph":
        """Return the same graph with other labels, attributes or places (None: as they are).

        Parameters
        ----------
        labels : (num_nodes,), optional
            The user's ids of the nodes, unique.
        attributes : mapping of str to (num_nodes,) or (num_nodes, F), optional
            All node attributes of the new graph.
        shape : tuple of int, optional
            Sides of the grid whose pixels are the nodes.
        positions : float (num_nodes, d), optional
            Where each node is.
        source : optional
            How a file was read.

        Returns
        -------
        Graph
            A graph that shares the adjacency.

        Raises
        ------
        ValueError
            If a length is not the number of nodes, or labels repeat.
        """
        labels = self.labels if labels is None else labels
        attributes = self.attributes if attributes is None else attributes
        return self._with(labels, attributes, shape or self.shape, positions, source)

    def degree(self, *, weighted: bool = False) -> NDArray[Any]:
        """Count the neighbors of every node, or add up the weights of its edges.

        Parameters
        ----------
        weighted : bool, default False
            Add up weights, exactly, rounded once; on a directed graph of arrows in and out.

        Returns
        -------
        int64 or float64 (num_nodes,)
            Degrees, or strengths in the unit of the weights.

        Raises
        ------
        ValueError
            If weights are asked for and the graph has none.

        Examples
        --------
        >>> from graphmax import Graph
        >>> Graph.from_edges([0, 1], [1, 2], weights=[0.5, 2]).degree(weighted=True)
        array([0.5, 2.5, 2. ])
        """
        from graphmax.node_measures import measure

        return measure(self, "strength" if weighted else "degree")

    def subgraph(self, mask: ArrayLike) -> "Graph":
        """Return the subgraph induced by some nodes.

        Parameters
        ----------
        mask : bool (num_nodes,)
            The nodes that stay.

        Returns
        -------
        Graph
            Their edges, weights, attributes and positions, in the same order; its ids are those
            of this graph, its node indices where it has no ids.

        Raises
        ------
        TypeError
            If the mask is not bool.
        ValueError
            If it has another length.

        Examples
        --------
        >>> from graphmax import Graph
        >>> part = Graph.from_edges([0, 1, 2], [1, 2, 3]).subgraph([False, True, True, True])
        >>> part.edges().tolist(), part.labels.tolist()
        ([[0, 1], [1, 2]], [1, 2, 3])
        """
        inside = node_mask(mask, self.num_nodes)
        kept = np.flatnonzero(inside)
        number = np.cumsum(inside) - 1
        rows = self._rows_in.without(~inside)
        indptr = np.append(rows.indptr[:-1][kept], rows.indptr[-1])
        indices = number[rows.indices].astype(np.int32)
        part = _unchecked(Adjacency(indptr, indices, rows.weights), self.directed, Dropped(0, 0))
        return part.replace(
            labels=self.label_of(kept),
            attributes={name: column[kept] for name, column in self.attributes.items()},
            positions=None if self.positions is None else self.positions[kept],
        )

    def split(self, groups: ArrayLike) -> "Graph":
        """Return the graph without the edges that join nodes of different groups.

        Parameters
        ----------
        groups : (num_nodes,)
            Labels of any kind, compared by equality.

        Returns
        -------
        Graph
            The same nodes with everything that is known of them.

        Raises
        ------
        ValueError
            If there is not one label per node.

        Examples
        --------
        >>> from graphmax import Graph
        >>> Graph.from_edges([0, 1, 2], [1, 2, 3]).split(["a", "a", "b", "b"]).edges().tolist()
        [[0, 2], [1, 3]]
        """
        codes = group_codes(groups, self.num_nodes)
        parts = _unchecked(self._rows_in.within(codes), self.directed, self.dropped)
        return parts._with(self.labels, self.attributes, self.shape, self.positions)

    def to_networkx(self) -> "networkx.Graph[Any]":
        """Return a networkx ``Graph`` or ``DiGraph`` of the labels, with attributes.

        Edge weights are the edge attribute ``weight``; a node that lacks an attribute has none.
        """
        from graphmax.convert import to_networkx

        return to_networkx(self)

    def to_igraph(self) -> Any:
        """Return an igraph ``Graph``: ids as vertex attribute ``name``, weights as ``weight``."""
        from graphmax.convert import to_igraph

        return to_igraph(self)

    def to_data(self) -> "Data":
        """Return a PyG ``Data`` with ``edge_index``, ``num_nodes``, ``edge_weight``, attributes.

        An undirected edge appears in both directions. Text attributes and labels stay behind.
        """
        from graphmax.convert import to_data

        return to_data(self)

    def to_scipy(self) -> "scipy.sparse.csr_array[Any, tuple[int, int]]":
        """Return ``A`` as ``scipy.sparse.csr_array``, ``A[u, v]`` the edge u -> v.

        Entries are the weights, True without weights.
        """
        from graphmax.convert import to_scipy

        return to_scipy(self)

    def _repr_html_(self) -> str:
        """Show the graph in a notebook."""
        labels = None if self.labels is None else ", ".join(map(str, self.labels[:5]))
        facts = {
            "nodes": self.num_nodes,
            "edges": self.num_edges,
            "directed": self.directed,
            "weights": self.weights is not None,
            "labels": labels if labels is None or self.num_nodes <= 5 else labels + ", ...",
            "shape": self.shape,
            "positions": None if self.positions is None else f"{self.positions.shape[1]} axes",
            "attributes": ", ".join(self.attributes) or None,
            "dropped": str(self.dropped) if any(self.dropped) else None,
        }
        return fact_table(facts, "Graph")

    def __repr__(self) -> str:
        kind = "directed" if self.directed else "undirected"
        parts = [f"num_nodes={self.num_nodes}", f"num_edges={self.num_edges}", kind]
        parts += ["weighted"] * (self.weights is not None)
        parts += ["labelled"] * (self.labels is not None)
        parts += [f"shape={self.shape}"] * (self.shape is not None)
        parts += [f"attributes={list(self.attributes)}"] * bool(self.attributes)
        if any(self.dropped):
            parts.append(f"dropped: {self.dropped}")
        return f"Graph({', '.join(parts)})"

    @cached_property
    def _rows_in(self) -> Adjacency:
        return Adjacency(self.indptr, self.indices, self.weights)

    @cached_property
    def _rows_out(self) -> Adjacency:
        return self._rows_in.reversed()

    @cached_property
    def _rows_both(self) -> Adjacency:
        return self._rows_in.merged(self._rows_out)

    @property
    def _rows_by_source(self) -> Adjacency:
        return self.adjacency("out")

    def _with(
        self,
        labels: ArrayLike | None,
        attributes: Mapping[str, ArrayLike] | None,
        shape: tuple[int, ...] | None = None,
        positions: ArrayLike | None = None,
        source: Any = None,
    ) -> "Graph":
        graph = object.__new__(Graph)
        graph._set("source", self.source if source is None else source)
        for name in ("indptr", "indices", "weights", "directed", "dropped"):
            graph._set(name, getattr(self, name))
        graph._set("labels", labels)
        graph._set("attributes", attributes or {})
        graph._set("shape", shape)
        graph._set("positions", self.positions if positions is None else positions)
        kept = {name: rows for name, rows in self.__dict__.items() if name.startswith("_rows")}
        graph.__dict__.update(kept)
        graph._settle()
        return graph

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def as_undirected(self) -> "Graph":
        """Return the symmetric directed graph as an undirected one, without looking again."""
        return _unchecked(self._rows_in, False, self.dropped)

    def _settle(self) -> None:
        if self.labels is not None:
            self._set("labels", node_labels(self.labels, self.num_nodes))
        columns = {
            str(name): node_column(str(name), column, self.num_nodes)
            for name, column in self.attributes.items()
        }
        self._set("attributes", MappingProxyType(columns))
        self._set("indptr", frozen(self.indptr))
        self._set("indices", frozen(self.indices))
        if self.weights is not None:
            self._set("weights", frozen(self.weights))
        if self.shape is not None:
            self._set("shape", grid_shape(self.shape, self.num_nodes))
        if self.positions is not None:
            self._set("positions", node_positions(self.positions, self.num_nodes))

    def __reduce__(self) -> tuple[Any, ...]:
        rows = (self.indptr, self.indices, self.weights, self.directed)
        known = (self.labels, dict(self.attributes), self.dropped, self.shape, self.positions)
        return Graph, (*rows, *known, self.source)


def undirected_graph(rows: Adjacency) -> Graph:
    """Return the graph of rows that are known to be valid and symmetric, without looking again."""
    return _unchecked(rows, False, Dropped(0, 0))


def _unchecked(rows: Adjacency, directed: bool, dropped: Dropped) -> Graph:
    graph = object.__new__(Graph)
    fields = {**rows._asdict(), "directed": directed, "dropped": dropped}
    unknown = dict.fromkeys(("labels", "shape", "positions", "source"))
    for name, value in {**fields, **unknown, "attributes": {}}.items():
        object.__setattr__(graph, name, value)
    graph._settle()
    return graph
