"""`neighborhoods` and `iter_neighborhoods`: check a call, size the balls, write what is in them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Never, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import frozen, integer, is_tensor, node_indices, one_of, to_numpy, unmasked
from graphmax.convert import as_graph
from graphmax.extract.neighborhood_batch import (
    DenseNeighborhoods,
    NeighborhoodBatch,
    SparseNeighborhoods,
    padded,
    union_of,
)
from graphmax.graph import Graph
from graphmax.kernels import neighborhoods as loops
from graphmax.question import CALLS, Question, ask
from graphmax.rule import Direction, Extremum, FilledRule, Nan, Rule, Ties
from graphmax.values import Attribute, order_key, read_attribute

LAYOUTS = ("sparse", "dense")
SCRATCH_BYTES = 1 << 30
_NODE_BYTES, _ENTRY_BYTES, _WEIGHT_BYTES = 40, 32, 24
_NO_WEIGHTS = frozen(np.empty(0))


@dataclass(frozen=True)
class Layout:
    """How balls are laid out: sparse or dense, of how many nodes at most, padded to how many."""

    kind: str = "sparse"
    most: int = np.iinfo(np.int64).max
    pad_to: int = 0

    @classmethod
    def of(cls, kind: Any, max_nodes: Any, pad_to: Any) -> "Layout":
        """Check the arguments of a call."""
        one_of(kind, "layout", LAYOUTS)
        if pad_to is not None and kind == "sparse":
            raise ValueError('`pad_to` must be used with layout="dense", got layout="sparse"')
        return cls(
            kind,
            cls.most if max_nodes is None else integer(max_nodes, "max_nodes", 1),
            0 if pad_to is None else integer(pad_to, "pad_to", 1),
        )


@dataclass(frozen=True)
class BallExtractor:
    """A checked call: around which roots the balls are, and how they are laid out."""

    question: Question
    attribute: Attribute
    has_values: bool
    chosen: NDArray[np.int64] | None
    layout: Layout
    lanes: loops.Lanes
    starts: NDArray[np.int64] | None = None

    @property
    def graph(self) -> Graph:
        """The graph, or the union of several."""
        return self.question.graph

    @property
    def rule(self) -> FilledRule:
        """The rule, every field filled in."""
        return self.question.rule

    @property
    def num_roots(self) -> int:
        """Number of roots."""
        return self.graph.num_nodes if self.chosen is None else self.chosen.size

    def roots(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return some of the roots."""
        if self.chosen is None:
            return np.arange(start, min(stop, self.graph.num_nodes))
        return self.chosen[start:stop]

    @property
    def rows(self) -> tuple[Any, ...]:
        """Rows of the counted steps, and of the entries that are extracted."""
        rows, inner = self.graph.adjacency(self.rule.direction), self.graph.adjacency("in")
        sized = [part._replace(weights=_or_none(part.weights)) for part in (rows, inner)]
        return sized[0], sized[1]

    @property
    def limit(self) -> tuple[float, bool, int]:
        """Radius, whether it is in weights, and the largest number of nodes."""
        reach = self.rule.reach
        by_weight = reach is None
        length = float(self.rule.radius or 0 if reach is None else reach)
        return length, by_weight, self.layout.most

    def count(self, centers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many nodes each ball has, and a bound of its entries."""
        rows, inner = self.rows
        counted: tuple[Any, Any] = loops.count(rows, inner, centers, *self.limit, self.lanes)
        return counted

    def bytes_of(self, found: NDArray[np.int64], room: NDArray[np.int64]) -> int:
        """Return the size of a batch of these balls, their entries taken at the bound."""
        sizes = np.minimum(found, self.layout.most)
        taken = int(sizes.sum()) * self._node_bytes + int(room.sum()) * self._entry_bytes
        if self.layout.kind == "sparse" or not sizes.size:
            return taken
        largest = max(int(sizes.max()), self.layout.pad_to)
        return taken + sizes.size * largest**2 * self._cell_bytes

    def group_end(
        self, found: NDArray[np.int64], room: NDArray[np.int64], start: int, *most: int
    ) -> int:
        """Return where the batch that starts at a root must end."""
        cell = 0 if self.layout.kind == "sparse" else self._cell_bytes
        sizes = np.minimum(found, self.layout.most)
        if cell:
            sizes = np.maximum(sizes, self.layout.pad_to)
        size_of = self._node_bytes, self._entry_bytes, cell
        return int(loops.group_end(sizes, room, start, *size_of, *most))

    @property
    def _node_bytes(self) -> int:
        array = self.attribute.array
        return _NODE_BYTES + array.nbytes // max(len(array), 1)

    @property
    def _cell_bytes(self) -> int:
        return 4 if self.graph.weights is None else 8

    @property
    def _entry_bytes(self) -> int:
        return _ENTRY_BYTES + (0 if self.graph.weights is None else _WEIGHT_BYTES)

    def fill(
        self, centers: NDArray[np.int64], found: NDArray[np.int64], room: NDArray[np.int64]
    ) -> NeighborhoodBatch:
        """Write the batch of balls that were counted."""
        sizes = np.minimum(found, self.layout.most)
        rows, inner = self.rows
        ptr, node, distance, edge_index, lengths = loops.fill(
            rows, inner, centers, *self.limit, self.lanes, sizes, room
        )
        batch = np.repeat(np.arange(centers.size), sizes)
        graph, root, own = self._own_numbers(centers, node, batch)
        sparse = SparseNeighborhoods(
            root=root,
            degree=rows.indptr[centers + 1] - rows.indptr[centers],
            cut=found > sizes,
            rule=self.rule,
            graph=graph,
            absent=self._absent(node),
            x=self._columns(node),
            edge_index=edge_index,
            edge_weight=lengths if inner.weights.size else None,
            batch=batch,
            ptr=ptr,
            node=own,
            distance=distance,
        )
        laid_out = sparse if self.layout.kind == "sparse" else padded(sparse, self.layout.pad_to)
        return laid_out._map(self.attribute.restore)

    def _own_numbers(
        self, centers: NDArray[np.int64], node: NDArray[np.int64], batch: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64] | None, NDArray[np.int64], NDArray[np.int64]]:
        """Return of which graph each root is, and roots and nodes as that graph numbers them."""
        if self.starts is None:
            return None, centers, node
        graph = np.searchsorted(self.starts, centers, side="right") - 1
        first = self.starts[graph]
        return graph, centers - first, node - first[batch]

    def _absent(self, node: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        absents = self.question.absents
        return absents.T[node] if len(absents) and self.has_values else None

    def _columns(self, node: NDArray[np.int64]) -> NDArray[Any] | None:
        if not self.has_values:
            return None
        columns = self.attribute.array[node]
        return columns[:, None] if columns.ndim == 1 else columns


def _or_none(weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return _NO_WEIGHTS if weights is None else weights


def ball_extractor(
    graph: Any,
    values: Any,
    roots: Any,
    hops: Any,
    layout: Layout,
    *,
    scratch: int = SCRATCH_BYTES,
    where: Any = None,
    **fields: Any,
) -> BallExtractor:
    """Check a call."""
    if "groups" in fields:
        raise TypeError(
            "`groups` must not be given to neighborhoods; "
            + CALLS["neighborhoods"].way_out["groups"]
        )
    starts = None
    given = values
    if isinstance(graph, list):
        union = union_of(graph, values)
        starts, graph, attribute = union.starts, union.graph, union.attribute
        where = union.join(where, "where")
        roots = None if roots is None else union.number(roots, "roots")
        if attribute is not None:
            values = np.ma.MaskedArray(attribute.array, _or_nomask(attribute.missing))
    if given is None:
        graph = as_graph(graph)
        values = np.zeros(graph.num_nodes, np.bool_)
    question = ask("neighborhoods", graph, values, hops, where=where, **fields)
    named = question.attribute if starts is None or attribute is None else attribute
    known = replace(_with_nan(question.attribute), restore=_of_any_length(named))
    count = question.graph.num_nodes
    chosen = None if roots is None else node_roots(roots, count)
    lanes = loops.Lanes(count, count if chosen is None else chosen.size, scratch)
    return BallExtractor(question, known, given is not None, chosen, layout, lanes, starts)


def _or_nomask(missing: NDArray[np.bool_] | None) -> Any:
    return np.ma.nomask if missing is None else missing


def _of_any_length(attribute: Attribute) -> Callable[[NDArray[Any]], Any]:
    """Return the way back to the user's kind of array for arrays that are not one per node."""
    answer = attribute.restore(np.zeros(attribute.array.shape, np.bool_))
    if not is_tensor(answer):
        return lambda array: array
    return read_attribute(answer[:0]).restore


def node_roots(roots: Any, num_nodes: int) -> NDArray[np.int64]:
    """Return node indices that are in range, each once."""
    array = np.atleast_1d(to_numpy(unmasked(roots, "roots")))
    if array.dtype == bool:
        raise TypeError("`roots` must hold node indices, got a mask; pass np.flatnonzero(mask)")
    chosen = node_indices(array, "roots").astype(np.int64)
    bad = chosen[(chosen < 0) | (chosen >= num_nodes)]
    if bad.size:
        raise ValueError(
            f"`roots` must hold node indices from 0 to {num_nodes - 1}, got {bad[0]} "
            f"({bad.size} out of range)"
        )
    ordered = np.sort(chosen)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if repeated.size:
        raise ValueError(
            f"`roots` must hold each node once, got {repeated[0]} more than once; "
            "pass np.unique(roots)"
        )
    return chosen


def _with_nan(attribute: Attribute) -> Attribute:
    """Write missing values as NaN, so that an array without a mask holds them."""
    array, missing = attribute.array, attribute.missing
    if missing is None or not missing.any():
        return replace(attribute, missing=None)
    if array.dtype.kind in "biu":
        floats = array.astype(np.float64)
        present = ~missing
        if (order_key(array).key != order_key(floats.astype(array.dtype)).key)[present].any():
            raise ValueError(
                f"`{attribute.name}` must be exact in float64 where nodes lack it, got an integer "
                "beyond 2**53; fill the missing ones in"
            )
        array = floats
    filled = array.copy()
    filled[missing] = np.array("NaT" if array.dtype.kind in "mM" else np.nan).astype(array.dtype)
    return replace(attribute, array=filled, missing=None)


# --- `neighborhoods` and `iter_neighborhoods`: check a call, size the balls, write them

MOST_BYTES = 8 << 30
ROOTS_AT_ONCE = 1 << 14
# `room` bounds the entries from above, by far where the graph is sparse
SLACK = 4


class NeighborhoodFields(TypedDict, total=False):
    """What both calls take by keyword besides the layout, for signatures."""

    rule: Rule | None
    where: Any
    max_nodes: int | None
    pad_to: int | None
    radius: float | None
    ties: Ties | None
    direction: Direction | None
    isolated: bool | None
    nan: Nan | None
    extremum: Extremum | None


class StreamFields(NeighborhoodFields, total=False):
    """What `iter_neighborhoods` takes by keyword besides the layout."""

    batch_nodes: int
    memory: int


@overload
def neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: Literal["sparse"] = "sparse",
    **fields: Unpack[NeighborhoodFields],
) -> SparseNeighborhoods: ...
@overload
def neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: Literal["dense"],
    **fields: Unpack[NeighborhoodFields],
) -> DenseNeighborhoods: ...
@overload
def neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: str,
    **fields: Unpack[NeighborhoodFields],
) -> NeighborhoodBatch: ...
def neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: str = "sparse",
    rule: Rule | None = None,
    where: Any = None,
    max_nodes: int | None = None,
    pad_to: int | None = None,
    radius: float | None = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> NeighborhoodBatch:
    """Cut out the neighborhood of each root: the subgraph induced by its ball, the root first.

    The ball of v holds every node u with d(v, u) <= k; nodes stand by distance, then by index.

    Parameters
    ----------
    graph : Graph or graph of another library, or list of graphs
        See `as_graph`. With a list, `values`, `roots` and `where` are lists with an entry each.
    values : str, mapping, array (num_nodes,) or (num_nodes, F), or None
        The attribute, in any unit, or F features per node, or none.
    roots : int (B,), optional
        Node indices, each once; all nodes by default.
    hops : int or Rule, optional
        Radius of the ball in hops; 1 unless a `radius` is given. A `Rule` in its place is the rule.
    layout : {"sparse", "dense"}, default "sparse"
        One disjoint union in PyG's names, or matrices padded to the largest ball.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside are in the neighborhoods, but never a maximum and never a challenger.
    max_nodes : int, optional
        Keep no more nodes of a ball than this, the nearest; the batch says whose ball was cut.
    pad_to : int, optional
        Rows of the matrices of the dense layout; by default those of the largest ball of the batch.
    radius : float, optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    ties : {"strict", "weak", "index"}, optional
        Which nodes of equal value challenge a root: all (``strict``, the default), none, or those
        of lower index. Plateaus are not local and are refused.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (the default), along it, or either.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum; True by default.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or let such nodes take no part.
    extremum : {"max", "min"}, optional
        Which side.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    NeighborhoodBatch
        `SparseNeighborhoods` or `DenseNeighborhoods`.

    Raises
    ------
    TypeError
        If the graph or a dtype is of no known kind, or a field stands beside a whole rule or is
        none.
    ValueError
        If a root is out of range or repeated, values hold NaN under ``nan="raise"``, an argument
        has no such value, a weight is 0 in the dense layout, or the batch would take more than
        about 8 GiB.

    Notes
    -----
    Two passes over each ball, O(entries of its rows), parallel over roots; at most 5 bytes per node
    of the whole graph and thread. On a graph with weights the entries carry them under `hops` too.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax import neighborhoods
    >>> batch = neighborhoods(nx.path_graph(5), [4, 1, 2, 9, 3], roots=[2, 0], hops=1)
    >>> batch.node, batch.ptr
    (array([2, 1, 3, 0, 1]), array([0, 3, 5]))
    >>> batch.labels()
    array([False,  True])
    """
    balls = ball_extractor(
        graph,
        values,
        roots,
        hops,
        Layout.of(layout, max_nodes, pad_to),
        rule=rule,
        where=where,
        radius=radius,
        ties=ties,
        direction=direction,
        isolated=isolated,
        nan=nan,
        extremum=extremum,
        **others,
    )
    centers = balls.roots(0, balls.num_roots)
    found, room = balls.count(centers)
    taken = balls.bytes_of(found, room // SLACK)
    if taken > MOST_BYTES:
        raise ValueError(
            f"`roots` must have neighborhoods of at most {MOST_BYTES >> 30} GiB together, "
            f"got {taken / (1 << 30):.1f} GiB for {centers.size} roots; use iter_neighborhoods"
        )
    return balls.fill(centers, found, room)


@overload
def iter_neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: Literal["sparse"] = "sparse",
    **fields: Unpack[StreamFields],
) -> Iterator[SparseNeighborhoods]: ...
@overload
def iter_neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: Literal["dense"],
    **fields: Unpack[StreamFields],
) -> Iterator[DenseNeighborhoods]: ...
@overload
def iter_neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: str,
    **fields: Unpack[StreamFields],
) -> Iterator[NeighborhoodBatch]: ...
def iter_neighborhoods(
    graph: Any,
    values: Any,
    roots: Any = None,
    hops: int | Rule | None = None,
    *,
    layout: str = "sparse",
    rule: Rule | None = None,
    where: Any = None,
    max_nodes: int | None = None,
    pad_to: int | None = None,
    batch_nodes: int = 1 << 16,
    memory: int = 256 << 20,
    radius: float | None = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Iterator[NeighborhoodBatch]:
    """Cut out the neighborhoods of all roots, batch after batch, within a memory budget.

    Parameters
    ----------
    graph : Graph or graph of another library, or list of graphs
        See `as_graph`. With a list, `values`, `roots` and `where` are lists with an entry each.
    values : str, mapping, array (num_nodes,) or (num_nodes, F), or None
        The attribute, in any unit, or F features per node, or none.
    roots : int (B,), optional
        Node indices, each once; all nodes by default.
    hops : int or Rule, optional
        Radius of the ball in hops; 1 unless a `radius` is given. A `Rule` in its place is the rule.
    layout : {"sparse", "dense"}, default "sparse"
        One disjoint union in PyG's names, or matrices padded to the largest ball.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside are in the neighborhoods, but never a maximum and never a challenger.
    max_nodes : int, optional
        Keep no more nodes of a ball than this, the nearest; the batch says whose ball was cut.
    pad_to : int, optional
        Rows of the matrices of the dense layout; by default those of the largest ball of the batch.
    batch_nodes : int, default 65536
        Close a batch before it has more nodes than this, padding included.
    memory : int, default 256 MiB
        Bytes beyond the graph and the values: scratch (5 bytes per node of the graph and thread,
        at least one thread), the batch that was handed out and the one that is being made.
    radius : float, optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    ties : {"strict", "weak", "index"}, optional
        Which nodes of equal value challenge a root: all (``strict``, the default), none, or those
        of lower index. Plateaus are not local and are refused.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (the default), along it, or either.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum; True by default.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or let such nodes take no part.
    extremum : {"max", "min"}, optional
        Which side.
    **others
        Nothing: a name that is no field is refused.

    Yields
    ------
    NeighborhoodBatch
        At least one root each, in the order of `roots`.

    Raises
    ------
    TypeError
        If the graph or a dtype is of no known kind, or a field stands beside a whole rule or is
        none.
    ValueError
        If a root is out of range or repeated, values hold NaN under ``nan="raise"``, an argument
        has no such value, a weight is 0 in the dense layout, or a budget is below 1. While it
        runs: if the neighborhood of one root alone is larger than the memory budget allows.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax import iter_neighborhoods
    >>> star = nx.star_graph(4)
    >>> [len(batch) for batch in iter_neighborhoods(star, [4, 0, 1, 2, 3], batch_nodes=5)]
    [1, 2, 2]
    """
    bounds = integer(batch_nodes, "batch_nodes", 1), integer(memory, "memory", 1)
    balls = ball_extractor(
        graph,
        values,
        roots,
        hops,
        Layout.of(layout, max_nodes, pad_to),
        scratch=memory // 2,
        rule=rule,
        where=where,
        radius=radius,
        ties=ties,
        direction=direction,
        isolated=isolated,
        nan=nan,
        extremum=extremum,
        **others,
    )
    return _stream(balls, *bounds)


def _stream(balls: BallExtractor, batch_nodes: int, memory: int) -> Iterator[NeighborhoodBatch]:
    share = max((memory - balls.lanes.nbytes) // 2, 1)
    for start in range(0, balls.num_roots, ROOTS_AT_ONCE):
        centers = balls.roots(start, start + ROOTS_AT_ONCE)
        found, room = balls.count(centers)
        first = 0
        while first < centers.size:
            last = balls.group_end(found, room, first, batch_nodes, share)
            group = slice(first, last)
            _refuse_beyond(balls, found[group], room[group], centers[first], share)
            yield balls.fill(centers[group], found[group], room[group])
            first = last


def _refuse_beyond(
    balls: BallExtractor, found: NDArray[np.int64], room: NDArray[np.int64], root: int, share: int
) -> None:
    taken = balls.bytes_of(found, room)
    if taken > share:
        raise ValueError(
            f"`memory` must hold scratch and twice the largest neighborhood, got one of {taken} "
            f"bytes around node {root} and {share} for it; raise memory, or pass max_nodes"
        )
