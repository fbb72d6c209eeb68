"""`edge_maxima`: local maxima of the subgraph adjacency matrix itself."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.kernels import edges
from graphmax.question import rule_of
from graphmax.rule import Ties
from graphmax.ties import TIES
from graphmax.values import Attribute, order_key, read_attribute


def edge_maxima(graph: Any, weights: Any = None, hops: int = 1, *, ties: Ties = "strict") -> Any:
    """Find the edges that are the maximum of their own sub-adjacency matrix.

    An edge (u, v) of weight w is a k-hop edge maximum if no other edge of the subgraph induced by
    ball(u, k) united with ball(v, k) has a weight >= w (``ties="weak"``: > w). Of the stored
    entries of that sub-adjacency matrix, (u, v) is the maximum.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    weights : array (num_edges,), optional
        One value a column of ``graph.edges()``, in any unit, of any comparable dtype, negative
        ones allowed; the graph's own weights by default.
    hops : int, default 1
        Radius of the two balls. Arrows are ignored by the balls.
    ties : {"strict", "weak"}, default "strict"
        Whether another edge of equal weight stands against an edge.

    Returns
    -------
    bool (num_edges,)
        Mask over ``graph.edges()``; an array or tensor like `weights`.

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
    first; ``as_graph(graph).edges()`` tells the order of the weights. Edges that beat all others
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
    resolved = as_graph(graph)
    attribute = _weights(resolved, weights)
    rows, ball_rows = resolved.adjacency("out"), resolved.adjacency("both")
    mask: NDArray[np.bool_] = edges.edge_maxima(
        (ball_rows.indptr, ball_rows.indices), (rows.indptr, rows.indices),
        _key(attribute, resolved), directed=resolved.directed, ties=TIES[rule.ties].code,
        hops=rule.reach,
    )  # fmt: skip
    return attribute.restore(mask)


def _weights(graph: Graph, weights: Any) -> Attribute:
    if weights is None:
        weights = graph.edge_weights()
    if weights is None:
        raise ValueError(
            "`weights` must be given for a graph without edge weights; one value a column of "
            "graph.edges()"
        )
    attribute = read_attribute(weights, "weights")
    if attribute.array.shape != (graph.num_edges,):
        raise ValueError(
            f"`weights` must have one entry per edge ({graph.num_edges},), got "
            f"{attribute.array.shape}; their order is that of graph.edges()"
        )
    return attribute


def _key(attribute: Attribute, graph: Graph) -> NDArray[np.int64]:
    key, absent = order_key(attribute.array)
    if attribute.missing is not None:
        absent = attribute.missing if absent is None else absent | attribute.missing
    if absent is not None and absent.any():
        first = int(absent.argmax())
        u, v = graph.label_of(graph.edges()[:, first]).tolist()
        raise ValueError(
            f"`weights` must not be NaN, got {int(absent.sum())} NaN (first: edge {first}, "
            f"{u} - {v}); fill them in, or build the graph without those edges"
        )
    return key
