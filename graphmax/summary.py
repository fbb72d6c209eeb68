"""What is said of a graph: its counts, the names of its nodes, and its maxima as columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.graph import Graph
from graphmax.maxima import isolation, local_maxima
from graphmax.node_measures import measures_of
from graphmax.rule import Rule
from graphmax.values import order_key, read_attribute

# Attributes that name nodes, the first one that is there.
_USUAL = ("label", "name", "title", "shared name", "Label", "Name")


def names_of(graph: Graph, label: str | None = None) -> NDArray[Any] | None:
    """Return the attribute that names the nodes: the one asked for, else a usual one of text.

    A node without a name has its id.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> graph = Graph.from_edges([0], [1], labels=["n0", "n1"], attributes={"name": ["Ann", "Bob"]})
    >>> names_of(graph).tolist()
    ['Ann', 'Bob']
    """
    if label is not None and label not in graph.attributes:
        near = near_names(label, list(graph.attributes))
        raise ValueError(f"`label` must be an attribute of the nodes, got {label!r}; {near}")
    usual = (name for name in _USUAL if name in graph.attributes)
    name = label if label is not None else next(usual, None)
    column = None if name is None else graph.attributes[name]
    if column is None or column.ndim != 1 or (label is None and column.dtype.kind not in "OU"):
        return None
    missing, plain = np.ma.getmaskarray(column), np.ma.getdata(column)
    ids = graph.label_of(np.arange(graph.num_nodes))
    names = np.empty(graph.num_nodes, object)
    names[:] = [
        str(key) if absent or text in ("", None) else str(text)
        for key, text, absent in zip(ids.tolist(), plain.tolist(), missing.tolist(), strict=True)
    ]
    # Names that nobody asked for stand in for ids only where they tell all nodes apart.
    return names if label is not None or np.unique(names).size == names.size else None


def named_ids(graph: Graph, ids: NDArray[Any], label: str | None = None) -> NDArray[Any]:
    """Return a column of ids as names; the ids themselves where the graph has no names.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> graph = Graph.from_edges([0], [1], labels=["n0", "n1"], attributes={"name": ["Ann", "Bob"]})
    >>> named_ids(graph, np.array(["n1", "n0"], object)).tolist()
    ['Bob', 'Ann']
    """
    names = names_of(graph, label)
    if names is None:
        return ids
    known = graph.label_of(np.arange(graph.num_nodes)).tolist()
    name_of = dict(zip(known, names.tolist(), strict=True))
    missing, plain = np.ma.getmaskarray(ids), np.ma.getdata(ids)
    found = np.empty(plain.size, object)
    found[:] = [name_of.get(key, str(key)) for key in plain.tolist()]
    return np.ma.MaskedArray(found, missing) if missing.any() else found


Columns = dict[str, NDArray[Any]]
_OF_ISOLATION = ("ties", "direction", "nan", "absent", "extremum")


def label_table(graph: Graph, values: str, rule: Rule, **selection: Any) -> Columns:
    """Say for every node whether it is a maximum: columns ``id`` and ``is_maximum``."""
    mask = np.asarray(local_maxima(graph, values, rule=rule, **selection))
    if mask.ndim != 1:
        raise ValueError(
            f"`values` must name an attribute with one number per node, got {values!r} with "
            f"{mask.shape[1]}"
        )
    return {"id": graph.label_of(np.arange(graph.num_nodes)), "is_maximum": mask}


def maxima_table(
    graph: Graph, values: str, rule: Rule, mask: NDArray[np.bool_], **selection: Any
) -> Columns:
    """Say for every maximum how high it is and how far the nearest higher node lies.

    The columns are ``label``, ``value``, ``isolation`` (in hops, or in edge weights under a
    radius; infinite where no node is higher) and ``nearest_higher`` (an id, masked where there
    is none; for minima a lower node), highest first, for minima lowest first.
    """
    said = {name: field for name, field in rule.said.items() if name in _OF_ISOLATION}
    nearest = isolation(graph, values, weighted=rule.radius is not None, **said, **selection)
    nodes = _extreme_first(graph.attributes[values], np.flatnonzero(mask), rule)
    witness = nearest.witness[nodes]
    return {
        "label": graph.label_of(nodes),
        "value": graph.attributes[values][nodes],
        "isolation": nearest.distance[nodes],
        "nearest_higher": np.ma.MaskedArray(graph.label_of(witness), witness < 0),
    }


def has_topography(graph: Graph, rule: Rule) -> bool:
    """Say whether maxima under a rule have prominence, parent and basin.

    They have none where an arrow counts one way, and for weak and index ties, under which one
    flat top can have several maxima.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> has_topography(Graph.from_edges([0], [1]), Rule(ties="index"))
    False
    """
    is_walkable = not graph.directed or rule.direction == "both"
    return is_walkable and rule.ties in ("strict", "plateau", None)


def _extreme_first(column: NDArray[Any], nodes: NDArray[Any], rule: Rule) -> NDArray[Any]:
    """Sort nodes by value, highest first, for minima lowest first; ties by index."""
    key = order_key(read_attribute(column).array[nodes]).key
    return nodes[np.argsort(key if rule.extremum == "min" else ~key, kind="stable")]


_COMPARABLE = "biufmM"


def summarize(graph: Graph) -> dict[str, Any]:
    """Count what is in a graph.

    The entries are ``nodes``, ``edges``, ``directed``, ``weighted``, ``components`` (arrows
    ignored), ``dropped_self_loops``, ``dropped_repeats``, ``attributes``, a list of what
    `summarize_attribute` returns, and ``measures``, the names that stand for values without an
    attribute.

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

    The entries are ``attribute``, ``dtype``, ``missing`` (no value, NaN or NaT), ``ties``
    (nodes with a neighbor of equal value), ``maxima`` and ``expected_if_shuffled``: the sum of
    1 / |ball|, the mean number of maxima if distinct values were shuffled over the nodes. The
    last three are None for an attribute without an order.
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

    This is the sum over the nodes that are `present` of 1 / (1 + number of neighbors among them).

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
