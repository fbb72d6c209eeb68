"""Transformations of images: shifts, quarter turns, mirrors. The last two axes are the pixels."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphmax.checks import integer, one_of
from graphmax.symmetry.sample import Picture, Sample
from graphmax.symmetry.transformation import Move, Transformation


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
