"""What the commands tell of a graph: the table of its maxima, and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.maxima import isolation, local_maxima
from graphmax.values import order_key, read_attribute

if TYPE_CHECKING:
    from graphmax.graph import Graph
    from graphmax.rule import Rule

_COMPARABLE = "biufmM"


def maxima_table(graph: Graph, values: str, rule: Rule, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Tell of every maximum how high it is and how far the nearest higher node.

    Parameters
    ----------
    graph : Graph
        The graph.
    values : str
        The name of the attribute.
    rule : Rule
        The rule the maxima were found under.
    mask : array of bool, shape (num_nodes,)
        The maxima.

    Returns
    -------
    dict of str to array
        ``label``, ``value``, ``isolation`` (steps, or edge weights under a radius; infinite where
        no node is higher) and ``nearest_higher`` (a label, masked where there is none), highest
        first. Under minima ``nearest_lower``, lowest first.
    """
    nearest = isolation(
        graph,
        values,
        weighted=rule.radius is not None,
        ties=rule.ties,
        direction=rule.direction,
        nan=rule.nan,
        extremum=rule.extremum,
    )
    nodes = _extreme_first(graph.attributes[values], np.flatnonzero(mask), rule)
    witness = nearest.witness[nodes]
    nearest_name = "nearest_lower" if rule.extremum == "min" else "nearest_higher"
    return {
        "label": graph.label_of(nodes),
        "value": graph.attributes[values][nodes],
        "isolation": nearest.distance[nodes],
        nearest_name: np.ma.MaskedArray(graph.label_of(witness), witness < 0),
    }


def _extreme_first(attribute: np.ndarray, nodes: np.ndarray, rule: Rule) -> np.ndarray:
    key = order_key(read_attribute(attribute).array[nodes]).key
    return nodes[np.argsort(key if rule.extremum == "min" else ~key, kind="stable")]


def label_table(graph: Graph, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Tell of every node whether it is a maximum.

    Parameters
    ----------
    graph : Graph
        The graph.
    mask : array of bool, shape (num_nodes,)
        The maxima.

    Returns
    -------
    dict of str to array
        ``id`` and ``is_maximum``, in the order of the nodes.
    """
    return {"id": graph.label_of(np.arange(graph.num_nodes)), "is_maximum": mask}


def describe(graph: Graph) -> dict[str, Any]:
    """Count what is in a graph.

    Parameters
    ----------
    graph : Graph
        The graph.

    Returns
    -------
    dict
        ``nodes``, ``edges``, ``directed``, ``weighted``, ``components`` (arrows ignored),
        ``dropped_self_loops``, ``dropped_repeats`` and ``attributes``, a list of what
        `describe_attribute` tells.
    """
    return {
        "nodes": graph.num_nodes,
        "edges": graph.num_edges,
        "directed": graph.directed,
        "weighted": graph.weights is not None,
        "components": _count_components(graph),
        "dropped_self_loops": graph.dropped.self_loops,
        "dropped_repeats": graph.dropped.repeats,
        "attributes": [describe_attribute(graph, name) for name in graph.attributes],
    }


def describe_attribute(graph: Graph, name: str) -> dict[str, Any]:
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
        told = {"attribute": name, "dtype": dtype + shape, "missing": _count_masked(column)}
        return {**told, "ties": None, "maxima": None, "expected_if_shuffled": None}
    key, present = _key_and_presence(column)
    mask = local_maxima(graph, np.ma.getdata(column), where=present, nan="omit")
    return {
        "attribute": name,
        "dtype": dtype,
        "missing": int((~present).sum()),
        "ties": _count_tied(graph, key, present),
        "maxima": int(mask.sum()),
        "expected_if_shuffled": round(expected_maxima(graph, present), 1),
    }


def _count_masked(column: np.ndarray) -> int:
    return int(np.ma.getmaskarray(column).any(axis=tuple(range(1, column.ndim))).sum())


def _key_and_presence(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keyed = order_key(read_attribute(np.ma.getdata(column)).array)
    present = ~np.ma.getmaskarray(column)
    if keyed.absent is not None:
        present &= ~keyed.absent
    return keyed.key, present


def _count_tied(graph: Graph, key: np.ndarray, present: np.ndarray) -> int:
    rows = graph.adjacency("in")
    node = np.repeat(np.arange(graph.num_nodes), np.diff(rows.indptr))
    tied = (key[node] == key[rows.indices]) & present[node] & present[rows.indices]
    return int(np.unique(node[tied]).size)


def expected_maxima(graph: Graph, present: np.ndarray) -> float:
    """Expect so many strict 1-hop maxima if distinct values were shuffled over the nodes.

    Parameters
    ----------
    graph : Graph
        The graph.
    present : array of bool, shape (num_nodes,)
        Nodes that have a value.

    Returns
    -------
    float
        The sum over these nodes of 1 / (1 + number of neighbors among them).

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> path = Graph.from_edges([0, 1], [1, 2])
    >>> round(expected_maxima(path, np.ones(3, bool)), 4)
    1.3333
    """
    rows = graph.adjacency("in")
    before = np.concatenate([[0], np.cumsum(present[rows.indices])])
    neighbors = np.diff(before[rows.indptr])
    return float((1 / (1 + neighbors))[present].sum())


def _count_components(graph: Graph) -> int:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows = graph.adjacency("in")
    ones = np.ones(rows.indices.size, np.int8)  # weights may be 0, which is no edge to SciPy
    shape = (graph.num_nodes, graph.num_nodes)
    matrix = csr_array((ones, rows.indices, rows.indptr), shape=shape)
    count, _ = connected_components(matrix, directed=False)
    return int(count)
