"""Graphs of points in space: within a radius, or of the Delaunay triangulation."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from graphmax.generators.drawing import node_count, positive, stream, whole
from graphmax.graph import Graph

_AXES = "xyz"


def random_geometric(
    num_nodes: int, radius: float, *, dimension: int = 2, generator: np.random.Generator
) -> Graph:
    """Scatter points over the unit square (cube) and join those within a radius.

    Parameters
    ----------
    num_nodes : int
        Number of points.
    radius : float
        Largest distance of two joined points, inclusive, in sides of the square.
    dimension : {2, 3}, default 2
        Square or cube.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected; weights are the distances, attributes ``x``, ``y`` (and ``z``) the points.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `num_nodes`, `radius` or `dimension` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import random_geometric
    >>> random_geometric(4, 2.0, generator=np.random.default_rng(0)).num_edges
    6
    """
    from scipy.spatial import cKDTree

    points = _points(num_nodes, dimension, generator)
    reach = positive(radius, "radius")
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    return _joined(points, pairs)


def delaunay(num_nodes: int, *, dimension: int = 2, generator: np.random.Generator) -> Graph:
    """Scatter points over the unit square (cube) and join those of one Delaunay triangle.

    Parameters
    ----------
    num_nodes : int
        Number of points, at least ``dimension + 1``.
    dimension : {2, 3}, default 2
        Square or cube.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected and connected; weights are the distances, attributes ``x``, ``y`` (and ``z``)
        the points.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `num_nodes` or `dimension` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import delaunay
    >>> delaunay(3, generator=np.random.default_rng(0)).num_edges
    3
    """
    from scipy.spatial import Delaunay

    points = _points(num_nodes, dimension, generator)
    whole(num_nodes, "num_nodes", least=dimension + 1)
    simplices = Delaunay(points).simplices
    sides = combinations(range(dimension + 1), 2)
    pairs = np.concatenate([simplices[:, list(side)] for side in sides])
    return _joined(points, np.unique(np.sort(pairs, axis=1), axis=0))


def _points(num_nodes: int, dimension: int, generator: np.random.Generator) -> NDArray[np.float64]:
    dimension = whole(dimension, "dimension", least=2, most=3)
    return stream(generator).random((node_count(num_nodes), dimension))


def _joined(points: NDArray[np.float64], pairs: NDArray[np.int64]) -> Graph:
    src, dst = pairs[:, 0], pairs[:, 1]
    lengths = np.linalg.norm(points[src] - points[dst], axis=1)
    columns = {_AXES[axis]: points[:, axis].copy() for axis in range(points.shape[1])}
    return Graph.from_edges(src, dst, len(points), weights=lengths, attributes=columns)
