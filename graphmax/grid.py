"""Images as graphs: one node a pixel, an edge between pixels that touch."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph

# How many axes two touching pixels may differ in, by dimension and number of neighbors.
_AXES = {
    (1, 2): 1, (2, 4): 1, (2, 8): 2, (3, 6): 1, (3, 18): 2, (3, 26): 3,
}  # fmt: skip


def grid_graph(shape: int | Sequence[int], connectivity: int | None = None) -> Graph:
    """Build the grid graph of the pixels of an image.

    Pixels are numbered in C order: ``image.ravel()`` is an attribute of the graph. A window of
    side 2r + 1, cut at the border, is the ball of radius r of the fully connected grid.

    Parameters
    ----------
    shape : int or sequence of int
        Number of pixels along each of one to three axes.
    connectivity : int, optional
        Neighbors of an inner pixel: 2 in one dimension, 4 or 8 in two, 6, 18 or 26 in three; None
        means all touching pixels.

    Returns
    -------
    Graph
        Undirected, with ``prod(shape)`` nodes.

    Raises
    ------
    TypeError
        If `shape` does not hold integers.
    ValueError
        If `shape` has no or more than three axes or a negative entry, or there is no such
        connectivity.

    Examples
    --------
    >>> from graphmax import grid_graph
    >>> grid_graph((2, 2)).edges()
    array([[0, 0, 0, 1, 1, 2],
           [1, 2, 3, 2, 3, 3]])
    >>> grid_graph((2, 2), connectivity=4).num_edges
    4
    """
    sides = _sides(shape)
    most = _most_axes(len(sides), connectivity)
    number = np.arange(int(np.prod(sides)), dtype=np.int32).reshape(sides)
    pairs = [_neighbors(number, offset) for offset in _half_offsets(len(sides), most)]
    src = np.concatenate([pair[0] for pair in pairs])
    dst = np.concatenate([pair[1] for pair in pairs])
    return Graph.from_edges(src, dst, number.size).replace(shape=sides)


def _sides(shape: Any) -> tuple[int, ...]:
    sides = tuple(shape) if isinstance(shape, Sequence | np.ndarray) else (shape,)
    if not all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in sides):
        raise TypeError(f"`shape` must hold integers, got {shape!r}")
    if not 1 <= len(sides) <= 3 or min(sides) < 0:
        raise ValueError(
            f"`shape` must have one to three axes of at least 0 pixels, got {shape!r}; "
            "a color image must be reduced to one channel first"
        )
    return tuple(int(side) for side in sides)


def _most_axes(dimension: int, connectivity: int | None) -> int:
    if connectivity is None:
        return dimension
    if (dimension, connectivity) not in _AXES:
        known = [number for d, number in _AXES if d == dimension]
        raise ValueError(
            f"`connectivity` must be one of {known} in {dimension} dimensions, got {connectivity}"
        )
    return _AXES[dimension, connectivity]


def _half_offsets(dimension: int, most: int) -> list[tuple[int, ...]]:
    """List one of each pair of opposite steps to a touching pixel."""
    steps = product((-1, 0, 1), repeat=dimension)
    return [step for step in steps if step > (0,) * dimension and sum(map(abs, step)) <= most]


def _neighbors(
    number: NDArray[np.int32], offset: tuple[int, ...]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    first = tuple(slice(max(0, -step), -step if step > 0 else None) for step in offset)
    second = tuple(slice(max(0, step), step if step < 0 else None) for step in offset)
    return number[first].ravel(), number[second].ravel()
