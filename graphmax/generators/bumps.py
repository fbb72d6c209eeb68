"""Attributes with planted maxima: bumps whose summits are known beforehand."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, random_generator
from graphmax.graph import Graph
from graphmax.kernels.ball import ball
from graphmax.kernels.suppress import spread

_SLOPE = 1e-3


class Planted(NamedTuple):
    """An attribute float64 (num_nodes,) and the nodes int64 (peaks,) that are its maxima."""

    values: NDArray[np.float64]
    peaks: NDArray[np.int64]


def planted_bumps(
    graph: Graph,
    num_peaks: int | None = None,
    *,
    width: int = 2,
    hops: int = 1,
    generator: np.random.Generator,
) -> Planted:
    """Plant bumps at random nodes, so that these and no others are the local maxima.

    A sum of cones of random heights from 1 to 2 and a given width, on a ground that slopes gently
    down away from the nearest planted node. Every connected component has at least one.

    Parameters
    ----------
    graph : Graph
        The graph; arrows and weights are not looked at.
    num_peaks : int, optional
        How many bumps; as many as find room by default.
    width : int, default 2
        How many steps a bump reaches, at least 0.
    hops : int, default 1
        The planted nodes are the k-hop maxima for every k up to this.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Planted
        ``values`` and ``peaks``, ascending.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the graph has more components than `num_peaks`, or no room for so many.

    Notes
    -----
    Two planted nodes are more than ``width + max(width, hops)`` steps apart. The maxima are the
    planted nodes for every tie rule.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax import grid_graph, local_maxima
    >>> from graphmax.generators import planted_bumps
    >>> grid = grid_graph((30, 30))
    >>> values, peaks = planted_bumps(grid, 5, generator=np.random.default_rng(0))
    >>> np.array_equal(np.flatnonzero(local_maxima(grid, values)), peaks)
    True
    """
    width, hops = integer(width, "width", 0), integer(hops, "hops", 1)
    rng, rows = random_generator(generator), graph.adjacency("both")
    peaks = np.sort(_places(graph, num_peaks, width + max(width, hops), rng))
    heights = rng.uniform(1.0, 2.0, peaks.size)
    if not peaks.size:
        return Planted(np.zeros(graph.num_nodes), peaks)
    order, distance, parent = ball((rows.indptr, rows.indices, None), peaks, np.inf)
    owner = np.full(graph.num_nodes, -1)
    owner[peaks] = np.arange(peaks.size)
    steps = np.empty(graph.num_nodes)
    steps[order] = distance
    for depth in range(1, width + 1):
        level = order[distance == depth]
        owner[level] = owner[parent[level]]
    cone = np.maximum(1 - steps / (width + 1), 0)
    return Planted(np.where(owner >= 0, heights[owner] * cone, 0.0) - _SLOPE * steps, peaks)


def _places(
    graph: Graph, num_peaks: int | None, separation: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw nodes that keep their distance, at least one per component."""
    rows, count = graph.adjacency("both"), graph.num_nodes
    order, components = _one_a_component_first(graph, rng.permutation(count))
    most = count if num_peaks is None else integer(num_peaks, "num_peaks", 0)
    if most < components:
        raise ValueError(
            f"`num_peaks` must be at least the number of components, got {most} and {components}; "
            "leave it out to plant as many as find room"
        )
    chosen, queue = np.empty(count, np.int64), np.empty(count, np.int64)
    blocked, stamp = np.zeros(count, np.bool_), np.zeros(count, np.int64)
    found = spread(
        rows.indptr, rows.indices, order, separation, most, chosen, blocked, stamp, queue
    )
    if num_peaks is not None and found < num_peaks:
        raise ValueError(
            f"`num_peaks` must be no more than find room, got {num_peaks} where {found} are more "
            f"than {separation} steps apart; ask for fewer, or for a smaller width"
        )
    return chosen[:found]


def _one_a_component_first(graph: Graph, order: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows = graph.adjacency("both")  # not the weights: to SciPy a weight of 0 is no edge
    entries = np.ones(rows.indices.size, np.int8)
    matrix = csr_array((entries, rows.indices, rows.indptr), shape=(order.size, order.size))
    number, component = connected_components(matrix, directed=False)
    _, first = np.unique(component[order], return_index=True)
    leading = np.zeros(order.size, np.bool_)
    leading[first] = True
    return np.concatenate([order[leading], order[~leading]]), int(number)
