"""Grids as graphs: one node per pixel, an edge between pixels that touch."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import comb, dist, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import MOST_NODES, boolean, integer, number, to_numpy
from graphmax.graph import Graph

_Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]


def grid_graph(
    shape: int | Sequence[int],
    connectivity: int | None = None,
    *,
    spacing: float | Sequence[float] | None = None,
    periodic: bool | Sequence[bool] = False,
) -> Graph:
    """Build the grid graph of the pixels of an image, with any number of axes.

    Pixels are numbered in C order: ``image.ravel()`` is an attribute of the graph. A window of
    side 2r + 1, cut at the border, is the ball of radius r of the fully connected grid.

    Parameters
    ----------
    shape : int or sequence of int
        Number of pixels along each axis.
    connectivity : int, optional
        Number of neighbors of an inner pixel: 2 in one dimension, 4 or 8 in two, 6, 18 or 26 in
        three, and so on. Or, as in scikit-image, number of axes along which two neighbors may
        differ, from 1 to the number of axes. None means all touching pixels.
    spacing : float or sequence of float, optional
        Distance between neighbors along each axis (one number: along all), in a unit of length. It
        gives the graph positions, and every edge its Euclidean length as weight.
    periodic : bool or sequence of bool, default False
        Whether opposite borders touch, along all axes or along each.

    Returns
    -------
    Graph
        Undirected, with ``prod(shape)`` nodes and `Graph.shape`; `Graph.positions` and weights
        where there is a spacing.

    Raises
    ------
    TypeError
        If `shape` does not hold integers, or another argument is of the wrong kind.
    ValueError
        If there is no axis, a side is negative, a spacing is not above 0, an argument has another
        number of entries than there are axes, or there is no such connectivity.

    Notes
    -----
    Along a periodic axis of two pixels both steps lead to the same neighbor, which is one edge;
    one of a single pixel has no neighbors. Positions are those of the grid laid flat: a step over
    a periodic border has the length of a step.

    Examples
    --------
    >>> from graphmax import grid_graph
    >>> grid_graph((2, 2)).edges()
    array([[0, 0, 0, 1, 1, 2],
           [1, 2, 3, 2, 3, 3]])
    >>> grid_graph((2, 2), connectivity=4).num_edges
    4
    >>> grid_graph(5, periodic=True).edges()
    array([[0, 0, 1, 2, 3],
           [1, 4, 2, 3, 4]])
    >>> grid_graph((1, 3), spacing=(1.0, 0.5)).positions
    array([[0. , 0. ],
           [0. , 0.5],
           [0. , 1. ]])
    """
    sides = _sides(shape)
    most = _most_axes(len(sides), connectivity)
    wraps = tuple(boolean(wrap, "periodic") for wrap in _per_axis(periodic, "periodic", len(sides)))
    lengths = None if spacing is None else _lengths(spacing, len(sides))
    numbers = np.arange(prod(sides), dtype=np.int32).reshape(sides)
    steps = list(_half_steps(sides, most))
    pairs = [_neighbors(numbers, step, wraps) for step in steps]
    src, dst = (np.concatenate([pair[end] for pair in pairs] or [numbers[:0]]) for end in (0, 1))
    weights = None
    if lengths is not None:
        reach = [_length(step, lengths) for step in steps]
        weights = np.repeat(reach, [pair[0].size for pair in pairs])
    if any(wrap and side == 2 for wrap, side in zip(wraps, sides, strict=True)):
        src, dst, weights = _each_once(src, dst, weights)
    graph = Graph.from_edges(src, dst, numbers.size, weights=weights)
    return graph.replace(shape=sides, positions=_positions(sides, lengths))


def _sides(shape: Any) -> tuple[int, ...]:
    listed = tuple(shape) if isinstance(shape, Sequence | np.ndarray) else (shape,)
    hint = "a color image must be reduced to one channel first"
    sides = tuple(integer(side, "shape", 0, MOST_NODES, hint=hint) for side in listed)
    if not sides:
        raise ValueError("`shape` must have at least one axis, got ()")
    if prod(sides) > MOST_NODES:
        raise ValueError(f"`shape` must have at most 2**31 - 1 pixels, got {sides}")
    return sides


def _per_axis(given: Any, name: str, axes: int) -> list[Any]:
    """Return one entry per axis, where one for all or a sequence was given."""
    entries = to_numpy(given)
    if entries.ndim == 0:
        return [given] * axes
    if entries.shape != (axes,):
        raise ValueError(f"`{name}` must have one entry per axis ({axes}), got {given!r}")
    return list(entries)


def _lengths(spacing: Any, axes: int) -> list[float]:
    return [
        number(length, "spacing", above=0, most=np.finfo(np.float64).max)
        for length in _per_axis(spacing, "spacing", axes)
    ]


def _most_axes(axes: int, connectivity: int | None) -> int:
    """Return along how many axes two neighbors may differ."""
    if connectivity is None:
        return axes
    count = integer(connectivity, "connectivity")
    # of the neighbors that differ along exactly j axes there are comb(axes, j) * 2**j; the fewest,
    # 2 * axes, are more than there are axes, so that no number has two meanings
    counts = np.cumsum([comb(axes, j) << j for j in range(1, axes + 1)]).tolist()
    if count in counts:
        return int(counts.index(count)) + 1
    if not 1 <= count <= axes:
        raise ValueError(
            f"`connectivity` must be a number of neighbors, one of {counts} with {axes} axes, or "
            f"the number of axes along which neighbors may differ, from 1 to {axes}, got {count}"
        )
    return count


def _half_steps(sides: tuple[int, ...], most: int) -> Iterator[tuple[int, ...]]:
    """List one of each pair of opposite steps to a touching pixel."""
    wide = [axis for axis, side in enumerate(sides) if side > 1]
    for count in range(1, min(most, len(wide)) + 1):
        for axes in combinations(wide, count):
            for signs in product((-1, 1), repeat=count - 1):
                step = [0] * len(sides)
                for axis, sign in zip(axes, (1, *signs), strict=True):
                    step[axis] = sign
                yield tuple(step)


def _length(step: tuple[int, ...], lengths: list[float]) -> float:
    """Return the Euclidean length of a step; the same for every step of its kind."""
    moves = [abs(sign) * length for sign, length in zip(step, lengths, strict=True)]
    return dist(moves, [0.0] * len(moves))


def _neighbors(
    numbers: NDArray[np.int32], step: tuple[int, ...], wraps: tuple[bool, ...]
) -> _Pairs:
    """Return the pixels that have a neighbor by a step, and these neighbors."""
    inner = [0 if wrap else sign for sign, wrap in zip(step, wraps, strict=True)]
    around = [-sign if wrap else 0 for sign, wrap in zip(step, wraps, strict=True)]
    first = tuple(slice(max(0, -sign), -sign if sign > 0 else None) for sign in inner)
    second = tuple(slice(max(0, sign), sign if sign < 0 else None) for sign in inner)
    moved = np.roll(numbers, around, range(numbers.ndim)) if any(around) else numbers
    return numbers[first].ravel(), moved[second].ravel()


def _each_once(
    src: NDArray[np.int32], dst: NDArray[np.int32], weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64] | None]:
    """Drop edges that are there twice: round an axis of two pixels both steps meet."""
    low, high = np.minimum(src, dst).astype(np.int64), np.maximum(src, dst).astype(np.int64)
    _, first = np.unique(low << 31 | high, return_index=True)
    return src[first], dst[first], None if weights is None else weights[first]


def _positions(sides: tuple[int, ...], lengths: list[float] | None) -> NDArray[np.float64] | None:
    if lengths is None:
        return None
    places = [np.arange(side) * length for side, length in zip(sides, lengths, strict=True)]
    return np.stack(np.meshgrid(*places, indexing="ij"), axis=-1).reshape(-1, len(sides))
