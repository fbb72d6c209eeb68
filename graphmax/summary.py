"""`summarize`: what is in a graph, and how many maxima each of its attributes has."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.node_measures import measures_of
from graphmax.values import order_key, read_attribute

_COMPARABLE = "biufmM"


def summarize(graph: Graph) -> dict[str, Any]:
    """Count what is in a graph.

    Parameters
    ----------
    graph : Graph
        The graph.

    Returns
    -------
    dict
        ``nodes``, ``edges``, ``directed``, ``weighted``, ``components`` (arrows ignored),
        ``dropped_self_loops``, ``dropped_repeats``, ``attributes``, a list of what
        `summarize_attribute` returns, and ``measures``, the names that stand for values without
        an attribute.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> summarize(Graph.from_edges([0, 1], [1, 2]))["components"]
    1
    """
    return {
        "nodes": graph.num_nodes,
        "edges": graph.num_edges,
        "directed": graph.directed,
        "weighted": graph.weights is not None,
        "components": _num_components(graph),
        "dropped_self_loops": graph.dropped.self_loops,
        "dropped_repeats": graph.dropped.repeats,
        "attributes": [summarize_attribute(graph, name) for name in graph.attributes],
        "measures": measures_of(graph),
    }


def summarize_attribute(graph: Graph, name: str) -> dict[str, Any]:
    """Count the ties and the strict 1-hop maxima of a node attribute.

    Parameters
    ----------
    graph : Graph
        The graph.
    name : str
        The name of the attribute.

    Returns
    -------
    dict
        ``attribute``, ``dtype``, ``missing`` (no value, NaN or NaT), ``ties`` (nodes with a
        neighbor of equal value), ``maxima`` and ``expected_if_shuffled``: the sum of 1 / |ball|,
        the mean number of maxima if distinct values were shuffled over the nodes. The last three
        are None for an attribute without an order.
    """
    column = graph.attributes[name]
    dtype = "text" if column.dtype.kind in "OUS" else str(column.dtype)
    if column.ndim != 1 or column.dtype.kind not in _COMPARABLE:
        shape = "" if column.ndim == 1 else f" {column.shape[1:]}"
        counts = {"missing": _num_masked(column), "ties": None, "maxima": None}
        return {"attribute": name, "dtype": dtype + shape, **counts, "expected_if_shuffled": None}
    key, present = _key_and_presence(column)
    mask = local_maxima(graph, np.ma.getdata(column), where=present, nan="omit")
    return {
        "attribute": name,
        "dtype": dtype,
        "missing": int((~present).sum()),
        "ties": _num_tied(graph, key, present),
        "maxima": int(mask.sum()),
        "expected_if_shuffled": round(expected_maxima(graph, present), 1),
    }


def expected_maxima(graph: Graph, present: NDArray[np.bool_] | None = None) -> float:
    """Expect so many strict 1-hop maxima if distinct values were shuffled over the nodes.

    Parameters
    ----------
    graph : Graph
        The graph.
    present : bool (num_nodes,), optional
        Nodes that have a value; all by default.

    Returns
    -------
    float
        The sum over these nodes of 1 / (1 + number of neighbors among them).

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> round(expected_maxima(Graph.from_edges([0, 1], [1, 2])), 4)
    1.3333
    """
    rows = graph.adjacency("in")
    inside = np.ones(graph.num_nodes, np.bool_) if present is None else present
    before = np.concatenate([[0], np.cumsum(inside[rows.indices])])
    neighbors = np.diff(before[rows.indptr])
    return float((1 / (1 + neighbors))[inside].sum())


def _num_masked(column: NDArray[Any]) -> int:
    """Count the nodes that lack at least one number."""
    return int(np.ma.getmaskarray(column).any(axis=tuple(range(1, column.ndim))).sum())


def _key_and_presence(column: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the order of the values as integers, and which nodes have one."""
    keyed = order_key(read_attribute(np.ma.getdata(column)).array)
    present = ~np.ma.getmaskarray(column)
    if keyed.absent is not None:
        present &= ~keyed.absent
    return keyed.key, present


def _num_tied(graph: Graph, key: NDArray[np.int64], present: NDArray[np.bool_]) -> int:
    """Count the nodes that have a neighbor of equal value."""
    rows = graph.adjacency("in")
    node = np.repeat(np.arange(graph.num_nodes), np.diff(rows.indptr))
    tied = (key[node] == key[rows.indices]) & present[node] & present[rows.indices]
    return int(np.unique(node[tied]).size)


def _num_components(graph: Graph) -> int:
    """Count the components, arrows ignored."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows = graph.adjacency("in")
    ones = np.ones(rows.indices.size, np.int8)  # weights may be 0, which is no edge to SciPy
    shape = (graph.num_nodes, graph.num_nodes)
    matrix = csr_array((ones, rows.indices, rows.indptr), shape=shape)
    count, _ = connected_components(matrix, directed=False)
    return int(count)
