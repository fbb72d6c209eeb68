"""Values that a graph knows without an attribute: degree, strength, core number, clustering.

Only measures that are computed exactly: an iterated one such as PageRank would make maxima out of
rounding where nodes are equal.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.graph import Graph
from graphmax.kernels.node_measures import core_numbers, row_sums, triangles
from graphmax.values import check_sums

# Two fractions of [0, 1] whose denominators are at most this differ by more than float64 rounds.
_LARGEST_DENOMINATOR = 1 << 26
_EXACT_IN_FLOAT64 = 1 << 53


def measure(graph: Graph, name: str) -> NDArray[Any]:
    """Compute a measure of every node, exactly.

    Parameters
    ----------
    graph : Graph
        The graph.
    name : {"degree", "in_degree", "out_degree", "strength", "core_number", "clustering"}
        ``degree``: number of neighbors, in a directed graph of arrows in and out. ``strength``:
        sum of the weights of these edges, rounded once. ``core_number``: the largest k such that
        the node is in a subgraph of least degree k. ``clustering``: share of the pairs of
        neighbors that are neighbors, 0 for fewer than two. The last two ignore arrows.

    Returns
    -------
    int64 or float64 (num_nodes,)
        The measure. Equal nodes are equal whatever the order of their edges; shares that differ,
        differ, if need be by one unit in the last place.

    Raises
    ------
    ValueError
        If there is no such measure, or no weights for ``strength``.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> graph = Graph.from_edges([0, 1, 2, 2], [1, 2, 0, 3])
    >>> measure(graph, "degree").tolist(), measure(graph, "clustering").tolist()
    ([2, 2, 3, 1], [1.0, 1.0, 0.3333333333333333, 0.0])
    """
    if name not in MEASURES:
        raise ValueError(
            f"`name` must be one of {', '.join(MEASURES)}, got {name!r}; "
            + near_names(name, list(MEASURES))
        )
    return MEASURES[name](graph)


def measures_of(graph: Graph) -> list[str]:
    """Return the measures that a graph has and no attribute hides."""
    return [
        name
        for name in MEASURES
        if name not in graph.attributes
        and (name != "strength" or graph.weights is not None)
        and (name not in ("in_degree", "out_degree") or graph.directed)
    ]


def node_column(graph: Graph, name: str, argument: str = "values") -> NDArray[Any]:
    """Return the attribute of a name, else the measure of that name.

    Parameters
    ----------
    graph : Graph
        The graph.
    name : str
        An attribute goes first.
    argument : str
        How errors call the name.

    Returns
    -------
    (num_nodes,) or (num_nodes, F)
        The column.

    Raises
    ------
    ValueError
        If there is neither; with the near names.
    """
    if name in graph.attributes:
        return graph.attributes[name]
    if name in MEASURES:
        return measure(graph, name)
    known = [*graph.attributes, *measures_of(graph)]
    raise ValueError(
        f"`{argument}` must name a node attribute, got {name!r}; {near_names(name, known)}"
    )


def with_column(graph: Graph, name: str, argument: str = "values") -> Graph:
    """Return the graph with a measure of this name among its attributes, if it has no such."""
    if name in graph.attributes:
        return graph
    column = node_column(graph, name, argument)
    return graph.replace(attributes={**graph.attributes, name: column})


def _in_degree(graph: Graph) -> NDArray[np.int64]:
    """Count the arrows into each node."""
    return np.asarray(np.diff(graph.adjacency("in").indptr))


def _out_degree(graph: Graph) -> NDArray[np.int64]:
    """Count the arrows out of each node."""
    return np.diff(graph.adjacency("out").indptr)


def _degree(graph: Graph) -> NDArray[np.int64]:
    """Count the edges of each node, a pair of opposite arrows twice."""
    return _in_degree(graph) + _out_degree(graph) if graph.directed else _in_degree(graph)


def _strength(graph: Graph) -> NDArray[np.float64]:
    """Sum the weights of the edges of each node, the sum rounded once."""
    rows = [graph.adjacency("in"), graph.adjacency("out")][: 1 + graph.directed]
    weights = [side.weights for side in rows if side.weights is not None]
    if not weights:
        raise ValueError(
            "`strength` must be asked of a graph with edge weights, got one without; use degree"
        )
    check_sums(np.concatenate(weights))
    if len(weights) == 1:
        return np.asarray(row_sums(rows[0].indptr, weights[0]))
    return np.asarray(row_sums(*_joined(rows, weights)))


def _joined(rows: list[Any], weights: list[NDArray[np.float64]]) -> tuple[Any, Any]:
    """Put the terms of each node behind each other, whichever way the arrow goes."""
    sizes = [np.diff(side.indptr) for side in rows]
    ends = np.concatenate([np.repeat(np.arange(size.size), size) for size in sizes])
    order = np.argsort(ends, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(sizes[0] + sizes[1])])
    return indptr, np.concatenate(weights)[order]


def _core_number(graph: Graph) -> NDArray[np.int64]:
    """Return the core number of each node."""
    rows = graph.adjacency("both")
    return np.asarray(core_numbers(rows.indptr, rows.indices))


def _clustering(graph: Graph) -> NDArray[np.float64]:
    """Return the share of the pairs of neighbors that are neighbors."""
    rows = graph.adjacency("both")
    degree = np.diff(rows.indptr)
    closed, pairs = triangles(rows.indptr, rows.indices), degree * (degree - 1) // 2
    shares: NDArray[np.float64] = closed / np.maximum(pairs, 1)
    if pairs.max(initial=0) > _LARGEST_DENOMINATOR:
        _tell_apart(shares, closed, np.maximum(pairs, 1))
    return shares


def _tell_apart(
    shares: NDArray[np.float64], closed: NDArray[np.int64], pairs: NDArray[np.int64]
) -> None:
    """Move shares that rounding made equal, or swapped, to the next float, in place."""
    divisor = np.gcd(closed, pairs)
    terms, place = np.unique(
        np.stack([closed // divisor, pairs // divisor]), axis=1, return_inverse=True
    )
    floats = terms[0] / terms[1]
    if terms[1].max() < _EXACT_IN_FLOAT64 and (np.diff(np.sort(floats)) > 0).all():
        return
    fractions = [Fraction(*map(int, fraction)) for fraction in terms.T]
    ranked = sorted(range(len(fractions)), key=fractions.__getitem__)
    for below, above in pairwise(ranked):
        if floats[above] <= floats[below]:
            floats[above] = np.nextafter(floats[below], np.inf)
    shares[:] = floats[place.reshape(-1)]


MEASURES: Mapping[str, Callable[[Graph], NDArray[Any]]] = {
    "degree": _degree,
    "in_degree": _in_degree,
    "out_degree": _out_degree,
    "strength": _strength,
    "core_number": _core_number,
    "clustering": _clustering,
}
