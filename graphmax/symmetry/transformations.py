"""Transformations of values, and of where they are: nodes renumbered, edges shuffled, pixels moved.

Of images the last two axes are the pixels.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, is_tensor, one_of
from graphmax.graph import Graph
from graphmax.symmetry.sample import Move, Net, Picture, Sample, Transformation, as_numpy


def permutation() -> Transformation:
    """Renumber the nodes at random and shuffle the edges.

    Without the shuffle every layer passes: the messages would be added in the same order. An array
    without edges is a set; its first axis is the nodes.

    Returns
    -------
    Transformation
        On outputs it moves the entries of the node axis.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> question = nx.path_graph(4), [0, 3, 1, 2]
    >>> gm.symmetry.check(gm.local_maxima, gm.symmetry.permutation(), question).kind
    'equivariant'
    """
    return Transformation("permutation()", _permuted, "any")


def _permuted(rng: np.random.Generator, sample: Sample) -> Move:
    count = len(sample.values)
    order = _moving_order(rng, count)
    description = f"new node i was node {order.tolist()}[i]"
    if isinstance(sample, Picture):
        return Move(Picture(sample.array[order]), lambda output: output[order], description)
    edges = rng.permutation(sample.edges.shape[1])
    return Move(_ends_swapped(rng, sample.take(order, edges)), lambda out: out[order], description)


def _moving_order(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Draw an order other than the one there is, if there is another."""
    order = rng.permutation(count)
    while count > 1 and (order == np.arange(count)).all():
        order = rng.permutation(count)
    return order


def _ends_swapped(rng: np.random.Generator, net: Net) -> Net:
    """Write some undirected edges the other way around."""
    if net.directed:
        return net
    turned = rng.random(net.edges.shape[1]) < 0.5
    return replace(net, edges=np.where(turned, net.edges[::-1], net.edges))


def edge_order() -> Transformation:
    """Shuffle the edges and leave the nodes as they are.

    Returns
    -------
    Transformation
        It does not act on outputs: only invariance is asked.

    Examples
    --------
    >>> from graphmax.symmetry import edge_order
    >>> edge_order().on
    'graph'
    """
    return Transformation("edge_order()", _reordered, "graph")


def _reordered(rng: np.random.Generator, sample: Sample) -> Move:
    net = _net(sample)
    order = _moving_order(rng, net.edges.shape[1])
    moved = _ends_swapped(rng, net.take(np.arange(net.num_nodes), order))
    return Move(moved, None, f"new edge i was edge {order.tolist()}[i]")


def disjoint_union() -> Transformation:
    """Put a second graph beside the first, without an edge between them.

    The second is a random renumbering of the first with its values drawn anew from the same values.

    Returns
    -------
    Transformation
        On an output with the node axis it appends the output of the second graph: an operator is
        equivariant if the answer of the union is the union of the answers.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> question = nx.path_graph(4), [0, 3, 1, 2]
    >>> gm.symmetry.check(gm.local_maxima, gm.symmetry.disjoint_union(), question).kind
    'equivariant'
    """
    return Transformation("disjoint_union()", _united, "graph")


def _united(rng: np.random.Generator, sample: Sample) -> Move:
    net = _net(sample)
    count, edges = net.num_nodes, net.edges.shape[1]
    other = net.take(rng.permutation(count), rng.permutation(edges))
    other = other.with_values(other.values[rng.integers(0, max(count, 1), count)])
    both = replace(
        net,
        values=_joined(net.values, other.values),
        edges=np.hstack([net.edges, other.edges + count]),
        node_columns=_joined_columns(net.node_columns, other.node_columns),
        edge_columns=_joined_columns(net.edge_columns, other.edge_columns),
    )
    description = f"beside it a {other.describe()}"
    return Move(both, _joined, description, companion=other)


def _joined_columns(first: Any, second: Any) -> dict[str, Any]:
    return {name: _joined(column, second[name]) for name, column in first.items()}


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    import torch

    return torch.cat([first, second])


def outside_ball(hops: int) -> Transformation:
    """Change what lies outside the ball of a random node, or outside the window of a pixel.

    Values outside are drawn anew from the same values, and edges with an end outside are dropped at
    random: the subgraph induced by the ball stays as it is. Only the output at that node (pixel) is
    compared, so an operator is invariant if it is local.

    Parameters
    ----------
    hops : int
        Radius of the ball against the arrows, as messages flow; of pixels (2 hops + 1)-windows.

    Returns
    -------
    Transformation
        It does not act on outputs: only invariance is asked.

    Raises
    ------
    ValueError
        If `hops` is below 0.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> question = nx.path_graph(7), [0, 3, 1, 2, 5, 4, 6]
    >>> gm.symmetry.check(gm.local_maxima, gm.symmetry.outside_ball(1), question).kind
    'invariant'
    """
    hops = integer(hops, "hops", 0)

    def draw(rng: np.random.Generator, sample: Sample) -> Move:
        if isinstance(sample, Picture):
            return _outside_window(rng, sample, hops)
        return _outside(rng, sample, hops)

    return Transformation(f"outside_ball({hops})", draw, "any")


def _outside(rng: np.random.Generator, net: Net, hops: int) -> Move:
    if net.num_nodes == 0:
        return Move(net)
    center = int(rng.integers(net.num_nodes))
    inside = _ball(net, center, hops)
    crossing = ~inside[net.edges].all(axis=0)
    kept = np.flatnonzero(~crossing | (rng.random(crossing.size) < 0.5))
    moved = net.take(np.arange(net.num_nodes), kept)
    values = moved.values[np.where(inside, np.arange(inside.size), _redrawn(rng, inside.size))]
    description = f"changed outside the ball of node {center}"
    return Move(moved.with_values(values), None, description, lambda output: output[center])


def _redrawn(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    return rng.integers(0, count, count)


def _ball(net: Net, center: int, hops: int) -> NDArray[np.bool_]:
    graph = Graph.from_edges(net.edges[0], net.edges[1], net.num_nodes, directed=net.directed)
    rows = graph.adjacency("in")
    inside = np.zeros(net.num_nodes, np.bool_)
    inside[center] = True
    for _ in range(hops):
        neighbors = [
            rows.indices[rows.indptr[v] : rows.indptr[v + 1]] for v in np.flatnonzero(inside)
        ]
        inside[np.concatenate(neighbors)] = True
    return inside


def _outside_window(rng: np.random.Generator, picture: Picture, hops: int) -> Move:
    height, width = picture.array.shape[-2:]
    row, column = int(rng.integers(height)), int(rng.integers(width))
    y, x = np.indices((height, width))
    inside = np.maximum(np.abs(y - row), np.abs(x - column)) <= hops
    source = np.where(inside.ravel(), np.arange(inside.size), _redrawn(rng, inside.size))
    flat = picture.array.reshape(*picture.array.shape[:-2], -1)
    moved = flat[..., source].reshape(picture.array.shape)
    description = f"changed outside the window of pixel ({row}, {column})"
    return Move(
        Picture(moved), None, description, lambda output: output[..., row, column], axes="pixels"
    )


def _net(sample: Sample) -> Net:
    if not isinstance(sample, Net):
        raise TypeError(
            f"`inputs` must be graphs for this transformation, got an array of shape "
            f"{as_numpy(sample.values).shape}; pass Data, (x, edge_index) or (graph, values)"
        )
    return sample


def translation(dy: int, dx: int, boundary: str = "circular") -> Transformation:
    """Move every pixel by dy rows and dx columns.

    Parameters
    ----------
    dy, dx : int
        Rows down and columns to the right.
    boundary : {"circular", "zero"}, default "circular"
        What leaves on one side comes in on the other, or is lost and replaced by zeros.

    Returns
    -------
    Transformation
        It acts on outputs that have both pixel axes at the size of the input.

    Raises
    ------
    ValueError
        If there is no such boundary.

    Examples
    --------
    >>> from graphmax.symmetry import check, translation
    >>> import numpy as np
    >>> check(np.max, translation(1, 0), np.eye(4)).kind
    'invariant'
    """
    dy, dx = integer(dy, "dy"), integer(dx, "dx")
    one_of(boundary, "boundary", ("circular", "zero"))

    def act(array: Any) -> Any:
        moved = _rolled(array, dy, dx)
        if boundary == "zero":
            _blanked(moved, dy, -2)
            _blanked(moved, dx, -1)
        return moved

    suffix = "" if boundary == "circular" else ", 'zero'"
    return _of_pixels(f"translation({dy}, {dx}{suffix})", act)


def _rolled(array: Any, dy: int, dx: int) -> Any:
    if isinstance(array, np.ndarray):
        return np.roll(array, (dy, dx), (-2, -1))
    return array.roll((dy, dx), (-2, -1))


def _blanked(array: Any, step: int, axis: int) -> None:
    band = slice(0, step) if step > 0 else slice(step, None)
    if step:
        array[(..., band) if axis == -1 else (..., band, slice(None))] = 0


def rotation(quarter_turns: int) -> Transformation:
    """Turn the image counterclockwise by quarter turns.

    Parameters
    ----------
    quarter_turns : int
        How many; negative ones turn clockwise.

    Returns
    -------
    Transformation
        It acts on outputs that have both pixel axes at the size of the input.

    Examples
    --------
    >>> from graphmax.symmetry import check, rotation
    >>> import numpy as np
    >>> image = np.arange(9.0).reshape(3, 3)
    >>> check(lambda x: np.cumsum(x, axis=0), rotation(1), image).kind
    'neither'
    """
    quarter_turns = integer(quarter_turns, "quarter_turns")

    def act(array: Any) -> Any:
        if isinstance(array, np.ndarray):
            return np.rot90(array, quarter_turns, (-2, -1)).copy()
        return array.rot90(quarter_turns, (-2, -1))

    return _of_pixels(f"rotation({quarter_turns})", act)


def flip(axis: int) -> Transformation:
    """Mirror the image.

    Parameters
    ----------
    axis : {0, 1}
        0 swaps top and bottom, 1 left and right.

    Returns
    -------
    Transformation
        It acts on outputs that have both pixel axes at the size of the input.

    Raises
    ------
    ValueError
        If there is no such axis of pixels.

    Examples
    --------
    >>> from graphmax.symmetry import check, flip
    >>> import numpy as np
    >>> check(np.negative, flip(1), np.eye(3, 4)).kind
    'equivariant'
    """
    axis = integer(axis, "axis", -2, 1, hint="0 swaps rows, 1 columns")
    last = -2 + axis if axis >= 0 else axis

    def act(array: Any) -> Any:
        if isinstance(array, np.ndarray):
            return np.flip(array, last).copy()
        return array.flip(last)

    return _of_pixels(f"flip({axis})", act)


def _of_pixels(name: str, act: Callable[[Any], Any]) -> Transformation:
    def draw(rng: np.random.Generator, sample: Sample) -> Move:
        del rng
        if not isinstance(sample, Picture) or sample.array.ndim < 2:
            raise TypeError(
                f"`inputs` must be images for {name}, whose last two axes are pixels, got "
                f"{sample.describe().splitlines()[0]}"
            )
        return Move(Picture(act(sample.array)), act, name, axes="pixels")

    return Transformation(name, draw, "image")


# --- Transformations of values: what is compared changes, where it is does not

Map = Callable[[NDArray[Any]], NDArray[Any]]


def increasing() -> Transformation:
    """Map the values by a random strictly increasing map.

    The distinct values stay distinct and in order, and equal ones stay equal, in their own dtype.

    Returns
    -------
    Transformation
        On outputs of numbers it acts entry by entry, between known values by straight lines.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> question = nx.path_graph(4), [0, 3, 1, 2]
    >>> gm.symmetry.check(gm.local_maxima, gm.symmetry.increasing(), question).kind
    'invariant'
    """

    def draw(rng: np.random.Generator, sample: Sample) -> Move:
        values = as_numpy(sample.values)
        return _mapped(sample, _increasing_map(rng, values), "a random increasing map")

    return Transformation("increasing()", draw)


def _increasing_map(rng: np.random.Generator, values: NDArray[Any]) -> Map:
    known = np.unique(values)
    if values.dtype.kind in "iub":
        images = _whole_knots(rng, known)
    else:
        gaps = rng.integers(1, 9, known.size)
        images = (np.cumsum(gaps) * 0.125 + rng.integers(-4, 5)).astype(known.dtype)

    def apply(array: NDArray[Any]) -> NDArray[Any]:
        place = np.searchsorted(known, array).clip(0, max(known.size - 1, 0))
        exact = known.size > 0 and bool((known[place] == array).all())
        if exact:
            return np.asarray(images[place])
        return _by_lines(array, known.astype(np.float64), images.astype(np.float64))

    return apply


def _whole_knots(rng: np.random.Generator, known: NDArray[Any]) -> NDArray[Any]:
    """Draw as many distinct numbers of the dtype, in order."""
    if known.dtype.kind == "b":
        return known
    low, high = int(np.iinfo(known.dtype).min), int(np.iinfo(known.dtype).max)
    if known.dtype.itemsize <= 2:
        pool = np.arange(low, high + 1)
        return np.sort(rng.choice(pool, known.size, replace=False)).astype(known.dtype)
    return (np.cumsum(rng.integers(1, 9, known.size)) - 1).astype(known.dtype)


def _by_lines(
    array: NDArray[Any], known: NDArray[np.float64], images: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate between knots; beyond them with slope 1."""
    if known.size == 0:
        return np.asarray(array, np.float64)
    plain = np.asarray(array, np.float64)
    inside = np.interp(plain, known, images)
    found = inside + np.minimum(plain - known[0], 0) + np.maximum(plain - known[-1], 0)
    return np.asarray(found, array.dtype if array.dtype.kind == "f" else np.float64)


def offset(constant: float) -> Transformation:
    """Add a constant to every value.

    Parameters
    ----------
    constant : float
        In the unit of the values; whole for integers.

    Returns
    -------
    Transformation
        On outputs of numbers it acts entry by entry.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.symmetry import check, offset
    >>> check(lambda image: image - image.mean(), offset(1.0), np.eye(3)).kind
    'invariant'
    """
    return _fixed(
        f"offset({constant:g})", lambda array: _within(array, _wide(array) + _whole(constant))
    )


def shift(constant: float) -> Transformation:
    """Add a constant to every value: the old name of `offset`.

    Parameters
    ----------
    constant : float
        In the unit of the values; whole for integers.

    Returns
    -------
    Transformation
        That of `offset`.

    Warns
    -----
    DeprecationWarning
        Always: a shifted window is one that was moved, so that the name had two meanings.
    """
    warnings.warn(
        "graphmax.symmetry.shift is now called offset: it adds a constant, it moves nothing",
        DeprecationWarning,
        stacklevel=2,
    )
    return offset(constant)


def scaling(factor: float) -> Transformation:
    """Multiply every value by a factor.

    Parameters
    ----------
    factor : float
        Without a unit; whole for integers.

    Returns
    -------
    Transformation
        On outputs of numbers it acts entry by entry.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.symmetry import check, scaling
    >>> check(np.cumsum, scaling(2.0), np.eye(3)).kind
    'neither'
    >>> check(np.cumsum, scaling(2.0), np.eye(3), output_transformation=lambda y: 2 * y).kind
    'equivariant'
    """
    return _fixed(
        f"scaling({factor:g})", lambda array: _within(array, _wide(array) * _whole(factor))
    )


def negation() -> Transformation:
    """Turn the values upside down: v to -v, of unsigned integers v to largest - v.

    Returns
    -------
    Transformation
        On outputs of numbers it acts entry by entry.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.symmetry import check, negation
    >>> check(np.abs, negation(), np.arange(-3, 3)).kind
    'invariant'
    """
    return _fixed("negation()", _turned)


def _turned(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "u":
        return np.asarray(np.iinfo(array.dtype).max - array, array.dtype)
    return _within(array, -_wide(array))


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers as Python's, which do not overflow."""
    if array.dtype.kind == "b":
        raise TypeError("`inputs` must be numbers to be shifted, scaled or negated, got bool")
    return array.astype(object) if array.dtype.kind in "iu" else array


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _within(array: NDArray[Any], moved: NDArray[Any]) -> NDArray[Any]:
    """Return the moved values in the dtype of the old ones, refusing what does not fit."""
    if array.dtype.kind not in "iu":
        return moved.astype(array.dtype)
    limits = np.iinfo(array.dtype)
    for value in moved.flat:
        if value != int(value) or not limits.min <= value <= limits.max:
            raise ValueError(
                f"`inputs` must stay within {array.dtype} when they are transformed, got {value}; "
                "pass floats, or another constant or factor"
            )
    return moved.astype(array.dtype)


def _fixed(name: str, change: Map) -> Transformation:
    def draw(rng: np.random.Generator, sample: Sample) -> Move:
        del rng
        return _mapped(sample, change, name)

    return Transformation(name, draw)


def _mapped(sample: Sample, change: Map, description: str) -> Move:
    moved = sample.with_values(_like(sample.values, change))
    return Move(moved, lambda output: _like(output, _free(change)), description, axes="entries")


def _free(change: Map) -> Map:
    """Return the map for outputs: whole numbers need not stay within their dtype there."""

    def apply(array: NDArray[Any]) -> NDArray[Any]:
        if array.dtype.kind in "iu":
            try:
                return change(array)
            except ValueError:
                return change(array.astype(np.float64))
        return change(array)

    return apply


def _like(array: Any, change: Map) -> Any:
    """Apply a map of NumPy arrays to an array or tensor."""
    if not is_tensor(array):
        return change(np.asarray(array))
    import torch

    changed = torch.from_numpy(np.ascontiguousarray(change(as_numpy(array)))).to(array.device)
    return changed.to(array.dtype) if array.dtype == torch.bfloat16 else changed
