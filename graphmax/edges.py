"""`edge_maxima`: local maxima of the subgraph adjacency matrix itself."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.calls import rule_of
from graphmax.checks import first_five, first_outside, group_codes, node_count_of
from graphmax.convert import EdgeList, as_graph, edge_list_of
from graphmax.graph import Graph
from graphmax.kernels import edges
from graphmax.node_values import complete_column
from graphmax.rule import FilledRule, Ties
from graphmax.ties import TIES
from graphmax.values import Attribute, order_key, read_attribute

if TYPE_CHECKING:
    from torch import Tensor


@overload
def edge_maxima(
    graph: Any,
    weights: "Tensor",
    hops: int = 1,
    *,
    ties: Ties = "strict",
    groups: Any = None,
) -> "Tensor": ...
@overload
def edge_maxima(
    graph: Any,
    weights: Any = None,
    hops: int = 1,
    *,
    ties: Ties = "strict",
    groups: Any = None,
) -> Any: ...
def edge_maxima(
    graph: Any,
    weights: Any = None,
    hops: int = 1,
    *,
    ties: Ties = "strict",
    groups: Any = None,
) -> Any:
    """Find the edges that are the maximum of their own sub-adjacency matrix.

    An edge (u, v) of weight w is a k-hop edge maximum if no other edge of the subgraph induced by
    ball(u, k) united with ball(v, k) has a weight >= w (``ties="weak"``: > w). Of the stored
    entries of that sub-adjacency matrix, (u, v) is the maximum.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse and others; see `as_graph`.
    weights : array (num_edges,), mapping of (u, v), or str, optional
        One value per edge, in any unit, of any comparable dtype, negative ones allowed: in the
        order of ``graph.edges()``, for PyG, sparse matrices and pairs of arrays in the order of
        the entries that came in; by the ids of its ends; or the name of an edge attribute. The
        graph's own weights by default.
    hops : int, default 1
        Radius of the two balls. Arrows are ignored by the balls.
    ties : {"strict", "weak"}, default "strict"
        Whether another edge of equal weight stands against an edge.
    groups : (num_nodes,), optional
        Labels of any kind: edges between different groups are not there, and no maxima.

    Returns
    -------
    bool (num_edges,)
        Mask over ``graph.edges()``, or over the entries that came in, where both directions of an
        edge agree and a self-loop is no maximum; an array or tensor like `weights`.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or `hops` is no integer.
    ValueError
        If there are no weights, their number is not the number of edges, they hold NaN, `hops` is
        below 1, or `ties` is another rule.

    Notes
    -----
    On a directed graph the reverse edge is a competitor. Not the node maximum of the line graph:
    edges between two neighbors of u compete here too. Graphs of other libraries are converted
    first; ``as_graph(graph).edges()`` tells the order of the weights. Entries that came in both
    ways with equal weight are one undirected edge; of repeated entries the smallest weight counts.
    Edges that beat all others
    at their two ends are the candidates; each is refuted by the first node within hops - 1 that
    has an edge as heavy: on random weights most of the work is the one pass over the edges.

    Examples
    --------
    >>> import graphmax as gm
    >>> path = gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4])
    >>> gm.edge_maxima(path, [3, 1, 2, 5]).tolist()
    [True, False, False, True]
    >>> gm.edge_maxima(path, [3, 1, 2, 5], hops=3).tolist()
    [False, False, False, True]
    """
    rule = rule_of("edge_maxima", hops, ties=ties)
    edges = None if isinstance(graph, Graph) else edge_list_of(graph)
    asked = weighted_graph(graph, weights) if edges is None else _of_columns(edges, weights)
    mask = _mask(asked, rule, groups)
    answer = mask if asked.place is None else np.append(mask, False)[asked.place]
    return asked.attribute.convert(answer)


class _Asked(NamedTuple):
    """A graph, one key per edge, and the edge of every column that came in (-1 for a loop)."""

    graph: Graph
    key: NDArray[np.int64]
    attribute: Attribute
    place: NDArray[np.int64] | None


def _mask(asked: _Asked, rule: FilledRule, groups: Any) -> NDArray[np.bool_]:
    """Answer edge by edge; an edge between two groups is not there and is no maximum."""
    graph, key = asked.graph, asked.key
    inside = slice(None)
    if groups is not None:
        column = complete_column(graph, groups, "groups", any_kind=True)
        codes = group_codes(column, graph.num_nodes)
        ends = graph.edges()
        inside = codes[ends[0]] == codes[ends[1]]
        graph = graph.split(codes)
    rows, ball_rows = graph.adjacency("out"), graph.adjacency("both")
    found = edges.edge_maxima(
        (ball_rows.indptr, ball_rows.indices),
        (rows.indptr, rows.indices),
        key[inside],
        directed=graph.directed,
        ties=TIES[rule.ties].code,
        hops=rule.reach,
    )
    mask = np.zeros(key.size, np.bool_)
    mask[inside] = found
    return mask


def weighted_graph(obj: Any, weights: Any) -> _Asked:
    """Weights in the order of ``graph.edges()``, or by the ends of each edge."""
    graph = as_graph(obj, weight=weights) if isinstance(weights, str) else as_graph(obj)
    if weights is None or isinstance(weights, str):
        weights = graph.edge_weights()
    if weights is None:
        raise ValueError(
            "`weights` must be given for a graph without edge weights; one value per column of "
            "graph.edges()"
        )
    if isinstance(weights, Mapping):
        weights = _by_ends(graph, weights)
    attribute = read_attribute(weights, "weights")
    if attribute.array.shape != (graph.num_edges,):
        raise ValueError(
            f"`weights` must have one entry per edge ({graph.num_edges},), got "
            f"{attribute.array.shape}; their order is that of graph.edges()"
        )
    return _Asked(graph, _key(attribute, lambda: graph.label_of(graph.edges())), attribute, None)


def _by_ends(graph: Graph, weights: Mapping[Any, Any]) -> list[Any]:
    """Return the weights of a mapping of (u, v) in the order of the edges."""
    pairs = graph.label_of(graph.edges()).T.tolist()
    left = dict(weights)
    column = []
    missing = []
    for u, v in pairs:
        weight = left.pop((u, v), None)
        if weight is None and not graph.directed:
            weight = left.pop((v, u), None)
        column.append(weight)
        if weight is None:
            missing.append((u, v))
    for kind, pairs_of_kind in (("lack", missing), ("hold pairs that are no", list(left))):
        if pairs_of_kind:
            raise ValueError(
                f"`weights` must have every edge once as key (u, v), they {kind} "
                f"{len(pairs_of_kind)} edges (first five: {first_five(pairs_of_kind)})"
            )
    return column


def _of_columns(edge_list: EdgeList, weights: Any) -> _Asked:
    """Weights in the order of the entries that came in; both directions of an edge are one."""
    if weights is None or isinstance(weights, str):
        weights = None if edge_list.weights is None else edge_list.weights()
    if weights is None:
        raise ValueError(
            "`weights` must be given for a graph without edge weights; one value per column of "
            "edge_index"
        )
    src, dst = (end.astype(np.int64) for end in edge_list.ends)
    attribute = read_attribute(weights, "weights")
    if attribute.array.shape != src.shape:
        raise ValueError(
            f"`weights` must have one entry per column of edge_index ({src.size},), got "
            f"{attribute.array.shape}"
        )
    key = _key(attribute, lambda: np.stack([src, dst]))
    count = edge_list.num_nodes
    if count is None:
        count = node_count_of((src, dst))
    bad = (np.minimum(src, dst) < 0) | (np.maximum(src, dst) >= count)
    if bad.any():
        raise first_outside((src, dst), count, int(bad.argmax()))
    codes, place, lowest = _distinct(src * count + dst, key, src != dst)
    back = (codes % max(count, 1)) * count + codes // max(count, 1)
    order = np.argsort(back)
    if np.array_equal(back[order], codes) and np.array_equal(lowest[order], lowest):
        low, high = np.minimum(src, dst), np.maximum(src, dst)
        codes, place, lowest = _distinct(low * count + high, key, src != dst)
        directed = False
    else:
        directed = True
    ends = np.divmod(codes, max(count, 1))
    return _Asked(Graph.from_edges(*ends, count, directed=directed), lowest, attribute, place)


def _distinct(
    codes: NDArray[np.int64], key: NDArray[np.int64], is_edge: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return distinct edges in order, the edge of every column, and the lowest key of each."""
    distinct, edge = np.unique(codes[is_edge], return_inverse=True)
    lowest = np.full(distinct.size, np.iinfo(np.int64).max)
    np.minimum.at(lowest, edge, key[is_edge])
    place = np.full(codes.size, -1)
    place[is_edge] = edge
    return distinct, place, lowest


def _key(attribute: Attribute, ends: Callable[[], NDArray[Any]]) -> NDArray[np.int64]:
    """Return the order of the weights; the ends of all edges are listed for an error only."""
    key, absent = order_key(attribute.array)
    if attribute.missing is not None:
        absent = attribute.missing if absent is None else absent | attribute.missing
    if absent is not None and absent.any():
        first = int(absent.argmax())
        u, v = ends()[:, first].tolist()
        raise ValueError(
            f"`weights` must not be NaN, got {int(absent.sum())} NaN (first: edge {first}, "
            f"{u} - {v}); fill them in, or build the graph without those edges"
        )
    return key
