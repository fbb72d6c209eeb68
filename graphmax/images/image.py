"""An image as a plain array with any number of axes, and the way back to the user's array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from graphmax.checks import integer, is_tensor, to_numpy
from graphmax.typed_columns import column_of
from graphmax.values import read_attribute

_COLORS = (3, 4)
_LEAST_SIDE = 8


@dataclass(frozen=True)
class Image:
    """Pixels, where they are masked, and `restore`: from a NumPy answer to the user's kind."""

    pixels: NDArray[Any]
    missing: NDArray[np.bool_] | None
    restore: Callable[[NDArray[Any]], Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        return self.pixels.shape

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Which pixels are NaN, NaT or masked."""
        absent = np.zeros(self.shape, np.bool_)
        if self.pixels.dtype.kind in "fmM":
            absent |= np.isnan(self.pixels)
        return absent if self.missing is None else absent | self.missing


def read_image(image: Any, *, volume: bool = False) -> Image:
    """Take an array, tensor, masked array or nested sequence as an image of one channel."""
    _refuse_what_is_no_array(image)
    array = image if hasattr(image, "reshape") else _exact(image)
    shape = tuple(int(side) for side in array.shape)
    if not shape:
        raise ValueError(f"`image` must have at least one axis of pixels, got {image!r}")
    if not volume:
        _refuse_colors(shape)
    attribute = read_attribute(array.reshape(-1), "image")
    missing = None if attribute.missing is None else attribute.missing.reshape(shape)
    return Image(attribute.array.reshape(shape), missing, attribute.restore)


def _exact(image: Any) -> Any:
    """Return nested sequences as an array that loses no digit; objects are refused where read."""
    return column_of(list(image)) if isinstance(image, list | tuple) else np.asarray(image)


def _refuse_what_is_no_array(image: Any) -> None:
    """Refuse what holds pixels elsewhere: sparse matrices, files of NIfTI, pictures of Pillow."""
    in_torch = is_tensor(image) and str(image.layout) != "torch.strided"
    if in_torch or issparse(image):
        raise TypeError(
            f"`image` must be dense, got a sparse {type(image).__name__}: pixels that are not "
            f"stored are pixels of value 0; pass image.{'to_dense' if in_torch else 'toarray'}()"
        )
    if not hasattr(image, "__array__") and not isinstance(image, Sequence | Number):
        way = "image.get_fdata()" if hasattr(image, "get_fdata") else "the array of its pixels"
        raise TypeError(f"`image` must be an array, got {type(image).__name__}; pass {way}")


def _refuse_colors(shape: tuple[int, ...]) -> None:
    """Refuse an axis of 3 or 4 pixels, last or where a batch of pictures has its channels."""
    for axis in {3: (2, 0), 4: (3, 1)}.get(len(shape), ()):
        others = [side for at, side in enumerate(shape) if at not in (axis, len(shape) - 4)]
        if shape[axis] in _COLORS and min(others) > _LEAST_SIDE:
            raise ValueError(
                f"`image` must have one channel, got shape {shape} whose axis {axis} looks like "
                f"{shape[axis]} color channels; take one of them, or their mean over "
                f"axis={axis}, or pass volume=True if it is an axis of space"
            )


def window_sides(size: Any, axes: int) -> tuple[int, ...]:
    """Return the side of a window along each axis, odd, one or more."""
    given = [size] * axes if np.ndim(size) == 0 else list(size)
    if len(given) != axes:
        raise ValueError(f"`size` must be one number or one per axis ({axes}), got {size!r}")
    sides = tuple(integer(side, "size", 1) for side in given)
    if any(side % 2 == 0 for side in sides):
        raise ValueError(
            f"`size` must be odd, got {size}; a window of an even side has no center pixel"
        )
    return sides


def inner_window_sides(size: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sides of a window that has to fit into the image whole."""
    sides = window_sides(size, len(shape))
    if any(side > most for side, most in zip(sides, shape, strict=True) if most):
        raise ValueError(
            f"`size` must be at most the sides of the image {shape} for whole windows, got {size}"
        )
    return sides


def pixel_mask(where: Any, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Return which pixels are asked about, None for all."""
    if where is None:
        return None
    mask = to_numpy(where) if is_tensor(where) else np.asarray(where)
    if mask.dtype != bool:
        raise TypeError(f"`where` must be bool, got dtype {mask.dtype}; pass a mask of pixels")
    if mask.shape != shape:
        raise ValueError(f"`where` must have the shape of the image {shape}, got {mask.shape}")
    if isinstance(where, np.ma.MaskedArray):
        raise TypeError("`where` must be known for every pixel, got a masked array")
    return mask


def nan_refused(absent: NDArray[np.bool_]) -> ValueError:
    """Return the error for an image with NaN or masked pixels."""
    first = tuple(int(i) for i in np.argwhere(absent)[0])
    shown = first[0] if len(first) == 1 else first
    return ValueError(
        f"`image` must not be NaN or masked, got {int(absent.sum())} NaN (first: pixel {shown}); "
        "fill them in, or pass nan='omit' to leave those pixels out"
    )
