"""Graphs of points in space: within a radius, or of the Delaunay triangulation."""

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, node_count, random_generator
from graphmax.graph import Graph
from graphmax.spatial import delaunay_graph, radius_graph

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
        Undirected; weights are the distances, `Graph.positions` and the attributes ``x``,
        ``y`` (and ``z``) the points.

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
    points = _points(num_nodes, dimension, generator)
    return _with_attributes(radius_graph(points, radius))


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
        Undirected and connected; weights are the distances, `Graph.positions` and the
        attributes ``x``, ``y`` (and ``z``) the points.

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
    points = _points(num_nodes, dimension, generator)
    integer(num_nodes, "num_nodes", dimension + 1)
    return _with_attributes(delaunay_graph(points))


def _points(num_nodes: int, dimension: int, generator: np.random.Generator) -> NDArray[np.float64]:
    dimension = integer(dimension, "dimension", 2, 3)
    return random_generator(generator).random((node_count(num_nodes), dimension))


def _with_attributes(graph: Graph) -> Graph:
    """Return the graph with its positions as attributes too: these are written to files."""
    columns = {} if graph.positions is None else dict(zip(_AXES, graph.positions.T, strict=False))
    return graph.replace(attributes={name: column.copy() for name, column in columns.items()})
