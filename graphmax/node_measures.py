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
from graphmax.values import check_sums, widened

# Two fractions of [0, 1] whose denominators are at most this differ by more than float64 rounds.
_LARGEST_DENOMINATOR = 1 << 26
_EXACT_IN_FLOAT64 = 1 << 53
# ``neighbor_mean:height``: of an attribute, or of another measure.
NEIGHBOR_MEAN = "neighbor_mean:"
# Half of a float64: what is left of it times a count below 2**26 is exact.
_UPPER_HALF = np.int64(-1 << 27)


def measure(graph: Graph, name: str) -> NDArray[Any]:
    """Compute a measure of every node, exactly; int64 or float64 (num_nodes,).

    ``degree``: number of neighbors, in a directed graph of arrows in and out. ``strength``:
    sum of the weights of these edges, rounded once. ``core_number``: the largest k such that
    the node is in a subgraph of least degree k. ``clustering``: share of the pairs of
    neighbors that are neighbors, 0 for fewer than two. The last two ignore arrows. Equal nodes
    are equal whatever the order of their edges; shares that differ, differ, if need be by one
    unit in the last place.

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
    """Return the attribute of a name, else the measure of that name; errors call it `argument`."""
    if name in graph.attributes:
        return graph.attributes[name]
    if name in MEASURES:
        return measure(graph, name)
    if name.startswith(NEIGHBOR_MEAN):
        term = name.removeprefix(NEIGHBOR_MEAN)
        return neighbor_mean(graph, node_column(graph, term, argument), term)
    known = [*graph.attributes, *measures_of(graph)]
    raise ValueError(
        f"`{argument}` must name a node attribute, got {name!r}; {near_names(name, known)}"
    )


def neighbor_mean(graph: Graph, values: Any, name: str = "values") -> NDArray[np.float64]:
    """Compute the mean of a number over the edges of each node, 0 for a node without edges.

    In a directed graph arrows in and out count, as for ``degree``. Equal neighbors give what
    they have, whatever their number and order.

    Examples
    --------
    >>> from graphmax.graph import Graph
    >>> neighbor_mean(Graph.from_edges([0, 1], [1, 2], 4), [1.0, 5.0, 2.0, 7.0]).tolist()
    [5.0, 1.5, 5.0, 0.0]
    """
    terms = exact_terms(np.ma.asarray(values), name)
    rows = [graph.adjacency("in"), graph.adjacency("out")][: 1 + graph.directed]
    each = [terms[side.indices] for side in rows]
    indptr, terms = _joined(rows, each) if graph.directed else (rows[0].indptr, each[0])
    return row_means(indptr, terms, np.diff(indptr))


def exact_terms(values: Any, name: str) -> NDArray[np.float64]:
    """Return numbers as float64, refusing what is missing, no number, or not exact."""
    column = np.ma.getdata(values)
    if column.ndim != 1 or column.dtype.kind not in "biuf":
        raise TypeError(
            f"`{NEIGHBOR_MEAN}` must be of one number a node, got {column.dtype} of shape "
            f"{column.shape} in {name!r}"
        )
    narrow = column.dtype.kind == "f" and column.dtype.itemsize < 8
    terms = widened(column) if narrow else column.astype(np.float64)
    if np.ma.getmaskarray(values).any() or np.isnan(terms).any():
        raise ValueError(
            f"`{NEIGHBOR_MEAN}` must be of a number that every node has, got one missing in "
            f"{name!r}; fill it in"
        )
    wide = column.dtype.kind in "iu" and column.dtype.itemsize == 8
    if wide and ((column > _EXACT_IN_FLOAT64) | (column < -_EXACT_IN_FLOAT64)).any():
        raise ValueError(
            f"`{NEIGHBOR_MEAN}` must be of numbers exact in float64, got one beyond 2**53 in "
            f"{name!r}"
        )
    check_sums(terms)
    return terms


def row_means(
    indptr: NDArray[Any], terms: NDArray[np.float64], count: NDArray[Any]
) -> NDArray[np.float64]:
    """Divide the exact sum of each row by its count; 0 where that is 0."""
    count = np.maximum(count, 1).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean: NDArray[np.float64] = np.asarray(row_sums(indptr, terms)) / count
        # What the quotient leaves of the sum, exactly, divided once more.
        upper = (mean.view(np.int64) & _UPPER_HALF).view(np.float64)
        taken = np.stack([-count * upper, -count * (mean - upper)], axis=1)
        rest = np.asarray(row_sums(*_with_two(indptr, terms, taken)))
        better = mean + rest / count
    return np.where(np.isfinite(better), better, mean)


def _with_two(
    indptr: NDArray[Any], terms: NDArray[np.float64], two: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Put two more terms behind those of each row."""
    number = np.arange(indptr.size)
    longer = indptr + 2 * number
    every = np.empty(longer[-1])
    every[np.arange(terms.size) + 2 * np.repeat(number[:-1], np.diff(indptr))] = terms
    every[longer[1:] - 2], every[longer[1:] - 1] = two.T
    return longer, every


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
