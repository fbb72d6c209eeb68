"""`neighborhoods` and `iter_neighborhoods`: check a call, size the balls, write them."""

from collections.abc import Iterator
from typing import Any, Literal, Never, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer
from graphmax.extract.ball_extractor import BallExtractor, Layout, ball_extractor
from graphmax.extract.batch_layouts import DenseNeighborhoods, SparseNeighborhoods
from graphmax.extract.neighborhood_batch import NeighborhoodBatch
from graphmax.rule import Direction, Extremum, Nan, Rule, Ties

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
