"""The question of windows, whether the highest value is in the center or beside it."""

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_list import Part
from graphmax.generators import erdos_renyi, random_geometric
from graphmax.graph import Graph
from graphmax.grid import grid_graph
from graphmax.kernels.ball import ball
from graphmax.maxima import local_maxima

_LEAST = 4  # nodes of a ball


def centered_or_shifted(
    part: Part, number: int, rng: np.random.Generator
) -> tuple[Graph, NDArray[np.float64], bool]:
    """Return a small graph, its values in random order, and whether the highest is in the center.

    The center is the one node that is within the radius of every other; nothing else tells it.
    """
    kind, options = part.families[number % len(part.families)]
    centered = bool(rng.integers(2))
    make = _window if kind == "window" else _ball
    while True:
        graph, values, center = make(part.num_nodes, next(iter(options.values())), centered, rng)
        if center is not None and bool(values.argmax() == center) == centered:
            order = rng.permutation(graph.num_nodes)
            place = np.argsort(order)
            src, dst = graph.edges()
            moved = Graph.from_edges(place[src], place[dst], graph.num_nodes)
            return moved, values[order], centered


def _window(
    count: int, radius: int, centered: bool, rng: np.random.Generator
) -> tuple[Graph, NDArray[np.float64], int | None]:
    """Cut a window of uniform noise around a maximum, or beside one that stays inside."""
    side = round(count**0.5)
    image = rng.random((side, side))
    grid = grid_graph((side, side))
    inside = np.zeros((side, side), np.bool_)
    inside[2 * radius : -2 * radius, 2 * radius : -2 * radius] = True
    peaks = np.flatnonzero(local_maxima(grid, image, radius).ravel() & inside.ravel())
    if not peaks.size:
        return grid, image, None
    row, column = np.divmod(int(rng.choice(peaks)), side)
    if not centered:
        down, right = rng.integers(-radius, radius + 1, 2)
        row, column = row + down, column + right
    sides = slice(row - radius, row + radius + 1), slice(column - radius, column + radius + 1)
    width = 2 * radius + 1
    window = grid_graph((width, width))
    return Graph(window.indptr, window.indices), image[sides].ravel(), width * width // 2


def _ball(
    count: int, hops: int, centered: bool, rng: np.random.Generator
) -> tuple[Graph, NDArray[np.float64], int | None]:
    """Cut the ball of a maximum, or of a node near one, out of a random graph."""
    size = count // 4
    if rng.integers(2):
        graph = erdos_renyi(size, 5 / size, generator=rng)
    else:
        graph = random_geometric(size, (6 / (np.pi * size)) ** 0.5, generator=rng)
    values = rng.random(size)
    peaks = np.flatnonzero(local_maxima(graph, values, hops, isolated=False))
    root = int(rng.choice(peaks))
    if not centered:
        root = int(rng.choice(np.flatnonzero(_near(graph, root, hops))))
    mask = _near(graph, root, hops)
    cut = graph.subgraph(mask)
    if cut.num_nodes < _LEAST:
        return cut, values[mask], None
    return Graph(cut.indptr, cut.indices), values[mask], center_of(cut, hops)


def _near(graph: Graph, root: int, hops: int) -> NDArray[np.bool_]:
    nodes, *_ = ball((graph.indptr, graph.indices, None), np.array([root]), hops)
    near = np.zeros(graph.num_nodes, np.bool_)
    near[nodes] = True
    return near


def center_of(graph: Graph, hops: int) -> int | None:
    """Return the one node within so many hops of every other, None where there is not one."""
    step = np.eye(graph.num_nodes, dtype=np.int64)
    step[np.repeat(np.arange(graph.num_nodes), np.diff(graph.indptr)), graph.indices] = 1
    reach = np.linalg.matrix_power(step, hops) > 0
    found = np.flatnonzero(reach.all(axis=1))
    return int(found[0]) if found.size == 1 else None
