"""Graphs in space: grids of pixels, nearest neighbors, all within a radius, a triangulation."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import comb, dist, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.checks import MOST_NODES, boolean, integer, number, to_numpy, unmasked
from graphmax.graph import Graph
from graphmax.machine import check_room

# Pairs of neighbors, their concatenation, and the rows made of them.
_BYTES_PER_PAIR = 24
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
    steps = list(_half_steps(sides, most))
    check_room(prod(sides) * len(steps) * _BYTES_PER_PAIR, f"the neighbors of {prod(sides)} pixels")
    numbers = np.arange(prod(sides), dtype=np.int32).reshape(sides)
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


# The tree and NumPy may round a distance differently; ties are decided by NumPy alone.
_SLACK = 1e-12


def knn_graph(points: ArrayLike, k: int, *, mutual: bool = False) -> Graph:
    """Join each point with its nearest neighbors.

    Two points are neighbors where either is among the `k` nearest of the other (unlike in PyG,
    whose edges are arrows); `mutual`: where both are.

    Parameters
    ----------
    points : float (n, d)
        The points, in a unit of length.
    k : int
        Number of nearest points that each point lists, from 1 to n - 1.
    mutual : bool, default False
        Whether both have to list each other.

    Returns
    -------
    Graph
        Undirected; weights are Euclidean distances, `Graph.positions` the points.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `points` has another shape or holds NaN or infinity, or `k` is out of range.

    Notes
    -----
    Of points at the same distance the one of lower index is nearer. O(n (log n + k)) in few
    dimensions, by SciPy's k-d tree.

    Examples
    --------
    >>> from graphmax import knn_graph
    >>> knn_graph([[0.0], [1.0], [3.0], [7.0]], 1).edges()
    array([[0, 1, 2],
           [1, 2, 3]])
    >>> knn_graph([[0.0], [1.0], [3.0], [7.0]], 1, mutual=True).edges()
    array([[0],
           [1]])
    """
    places, wants_both = _points(points), boolean(mutual, "mutual")
    count = len(places)
    listed = _nearest(places, integer(k, "k", 1, max(count - 1, 1)))
    src, dst = np.repeat(np.arange(count), listed.shape[1]), listed.ravel()
    keys = np.minimum(src, dst) * count + np.maximum(src, dst)
    once, times = np.unique(keys, return_counts=True)
    kept = once[times == 2] if wants_both else once
    return _joined(places, np.stack(np.divmod(kept, max(count, 1)), axis=1))


def radius_graph(points: ArrayLike, radius: float) -> Graph:
    """Join all points within a radius of each other.

    Parameters
    ----------
    points : float (n, d)
        The points, in a unit of length.
    radius : float
        Largest distance of two neighbors, inclusive, in the same unit.

    Returns
    -------
    Graph
        Undirected; weights are Euclidean distances, `Graph.positions` the points.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `points` has another shape or holds NaN or infinity, or `radius` is not above 0.

    Notes
    -----
    O(n log n + m) in few dimensions, by SciPy's k-d tree.

    Examples
    --------
    >>> from graphmax import radius_graph
    >>> radius_graph([[0.0, 0.0], [0.0, 1.0], [3.0, 1.0]], 3.0).edges()
    array([[0, 1],
           [1, 2]])
    """
    from scipy.spatial import cKDTree

    places, reach = _points(points), number(radius, "radius", above=0)
    if len(places) < 2:
        return _joined(places, np.empty((0, 2), np.int64))
    pairs = cKDTree(places).query_pairs(reach * (1 + _SLACK), output_type="ndarray")
    return _joined(places, pairs[_distances(places, pairs) <= reach])


def delaunay_graph(points: ArrayLike) -> Graph:
    """Join the points of each triangle (simplex) of the Delaunay triangulation.

    Parameters
    ----------
    points : float (n, d)
        The points, all different, in a unit of length.

    Returns
    -------
    Graph
        Undirected and connected; weights are Euclidean distances, `Graph.positions` the points.

    Raises
    ------
    TypeError
        If the points are of the wrong kind.
    ValueError
        If `points` has another shape or holds NaN or infinity, two points coincide (for float64),
        or they lie on a line (plane) so that there is no triangulation.

    Notes
    -----
    On one axis neighbors are consecutive points. Where more than d + 1 points lie on one circle
    (sphere) the triangulation is not unique; it is that of SciPy (Qhull). O(n log n) in the plane.

    Examples
    --------
    >>> from graphmax import delaunay_graph
    >>> delaunay_graph([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [3.0, 3.0]]).edges()
    array([[0, 0, 1, 1, 2],
           [1, 2, 2, 3, 3]])
    """
    places = _points(points)
    _check_distinct(places)
    count, dimension = places.shape
    if dimension == 1:
        order = np.argsort(places[:, 0])
        return _joined(places, np.stack([order[:-1], order[1:]], axis=1))
    simplices = _few(places) if count <= dimension else _simplices(places)
    sides = combinations(range(simplices.shape[1]), 2)
    pairs = [np.empty((0, 2), np.int64), *(simplices[:, list(side)] for side in sides)]
    return _joined(places, np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0))


def _points(points: ArrayLike) -> NDArray[np.float64]:
    """Return points as finite float64 (n, d)."""
    array = to_numpy(unmasked(points, "points"))
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`points` must be real numbers, got dtype {array.dtype}")
    if array.ndim != 2 or not array.shape[1]:
        hint = "; pass points[:, None] for points on a line" if array.ndim == 1 else ""
        raise ValueError(f"`points` must have shape (n, d), got {array.shape}{hint}")
    places = np.ascontiguousarray(array, np.float64)
    bad = ~np.isfinite(places).all(axis=1)
    if bad.any():
        raise ValueError(
            f"`points` must be finite, got {int(bad.sum())} points that are not (first: point "
            f"{int(bad.argmax())}); leave them out"
        )
    return places


def _nearest(places: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Return the k nearest other points of each, by distance, then by index."""
    from scipy.spatial import cKDTree

    count = len(places)
    if count < 2:
        return np.empty((count, 0), np.int64)
    tree = cKDTree(places)
    distance, listed = tree.query(places, min(k + 2, count), workers=-1)
    own = listed == np.arange(count)[:, None]
    # where many points coincide a point need not be among its own nearest
    own[~own.any(axis=1), -1] = True
    others = listed[~own].reshape(count, -1)
    reach = distance[~own].reshape(count, -1)
    if others.shape[1] > k:
        tied = np.flatnonzero(reach[:, k] <= reach[:, k - 1] * (1 + _SLACK))
        for v, nodes in zip(tied, _within(tree, places, tied, reach[:, k - 1]), strict=True):
            others[v, :k] = _closest(places, int(v), np.asarray(nodes, np.int64), k)
    nearest: NDArray[np.int64] = others[:, :k]
    return nearest


def _within(tree: Any, places: Any, nodes: Any, reach: Any) -> Any:
    return tree.query_ball_point(places[nodes], reach[nodes] * (1 + _SLACK), workers=-1)


def _closest(
    places: NDArray[np.float64], v: int, nodes: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    nodes = nodes[nodes != v]
    distance = _distances(places, np.stack([np.full(nodes.size, v), nodes], axis=1))
    return nodes[np.lexsort([nodes, distance])[:k]]


def _simplices(places: NDArray[np.float64]) -> NDArray[np.int64]:
    from scipy.spatial import Delaunay, QhullError

    try:
        triangulation = Delaunay(places)
    except QhullError:
        raise _flat(places) from None
    left_out = np.unique(triangulation.coplanar[:, 0])
    if left_out.size:
        raise ValueError(
            f"`points` must be far enough apart to be triangulated in float64, got {left_out.size} "
            f"that coincide with others (first: point {left_out[0]}); leave them out"
        )
    return np.asarray(triangulation.simplices, np.int64)


def _few(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the one simplex of as many points as there are axes, or fewer."""
    if len(places) and np.linalg.matrix_rank(places[1:] - places[0]) < len(places) - 1:
        raise _flat(places)
    return np.arange(len(places))[None]


def _flat(places: NDArray[np.float64]) -> ValueError:
    count, dimension = places.shape
    return ValueError(
        f"`points` must span a simplex to be triangulated, got {count} points in {dimension} "
        "dimensions that lie on a line or plane; drop an axis, or use knn_graph"
    )


def _check_distinct(places: NDArray[np.float64]) -> None:
    _, first = np.unique(places, axis=0, return_index=True)
    if first.size < len(places):
        repeated = np.setdiff1d(np.arange(len(places)), first)
        raise ValueError(
            f"`points` must all be different to be triangulated, got {repeated.size} that repeat "
            f"others (first: point {repeated[0]}); pass np.unique(points, axis=0)"
        )


def _distances(places: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.linalg.norm(
        places[pairs[:, 0]] - places[pairs[:, 1]], axis=1
    )
    return distance


def _joined(places: NDArray[np.float64], pairs: NDArray[np.int64]) -> Graph:
    weights = _distances(places, pairs)
    graph = Graph.from_edges(pairs[:, 0], pairs[:, 1], len(places), weights=weights)
    return graph.replace(positions=places)
