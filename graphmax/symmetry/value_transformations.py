"""Transformations of values: what is compared changes, where it is does not."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import is_tensor
from graphmax.symmetry.sample import Move, Sample, Transformation, as_numpy

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
