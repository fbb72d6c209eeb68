"""An image as a plain array of two or three axes, and the way back to the user's kind of array."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.values import read_attribute

_COLORS = (3, 4)
_LEAST_SIDE = 8


@dataclass(frozen=True)
class Image:
    """Pixels of two or three axes; `restore` turns a NumPy answer into what the user handed in."""

    pixels: NDArray[Any]
    restore: Callable[[NDArray[Any]], Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        return self.pixels.shape


def read_image(image: Any, *, volume: bool = False) -> Image:
    """Take an array, tensor or nested sequence as an image of one channel."""
    array = image if hasattr(image, "reshape") else np.asarray(image)
    shape = tuple(int(side) for side in array.shape)
    if len(shape) not in (2, 3):
        raise ValueError(f"`image` must have two or three axes of pixels, got shape {shape}")
    if not volume:
        _refuse_colors(shape)
    attribute = read_attribute(array.reshape(-1), "image")
    return Image(attribute.array.reshape(shape), attribute.restore)


def _refuse_colors(shape: tuple[int, ...]) -> None:
    for axis in (2, 0) if len(shape) == 3 else ():
        others = [side for at, side in enumerate(shape) if at != axis]
        if shape[axis] in _COLORS and min(others) > _LEAST_SIDE:
            raise ValueError(
                f"`image` must have one channel, got shape {shape} whose axis {axis} looks like "
                f"{shape[axis]} color channels; take one of them, or their mean over "
                f"axis={axis}, or pass volume=True if it is an axis of space"
            )


def window_side(size: Any, shape: tuple[int, ...]) -> int:
    """Return the side of a window as an odd int that fits into the image."""
    if isinstance(size, bool | np.bool_) or not isinstance(size, int | np.integer):
        raise TypeError(f"`size` must be an odd integer, got {size!r}")
    if size < 1:
        raise ValueError(f"`size` must be at least 1, got {size}")
    if size % 2 == 0:
        raise ValueError(
            f"`size` must be odd, got {size}; a window of an even side has no center pixel"
        )
    if shape and 0 < min(shape) < size:
        raise ValueError(
            f"`size` must be at most the shortest side of the image {shape}, got {size}"
        )
    return int(size)


def nan_refused(absent: NDArray[np.bool_]) -> ValueError:
    """Return the error for an image with NaN pixels."""
    first = tuple(int(i) for i in np.argwhere(absent)[0])
    return ValueError(
        f"`image` must not be NaN, got {int(absent.sum())} NaN (first: pixel {first}); fill them "
        "in, or pass nan='omit' to leave those pixels out"
    )
