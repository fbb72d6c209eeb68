"""Windows of an image, and the exact label of each: centered on its maximum, or shifted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from graphmax.checks import integer, is_tensor, one_of
from graphmax.images.extrema import inner_window_sides, peak_pixels, read_image, window_sides
from graphmax.rule import Extremum, Nan, Rule, Ties

if TYPE_CHECKING:
    from torch import Tensor

Boundary = Literal["valid", "cut"]
BOUNDARIES = ("valid", "cut")


@overload
def windows(
    image: "Tensor",
    size: int | Sequence[int] = 3,
    stride: int = 1,
    *,
    boundary: Boundary = "valid",
    volume: bool = False,
) -> "Tensor": ...


@overload
def windows(
    image: NDArray[Any] | Sequence[Any],
    size: int | Sequence[int] = 3,
    stride: int = 1,
    *,
    boundary: Boundary = "valid",
    volume: bool = False,
) -> NDArray[Any]: ...


def windows(
    image: Any,
    size: int | Sequence[int] = 3,
    stride: int = 1,
    *,
    boundary: Boundary = "valid",
    volume: bool = False,
) -> Any:
    """Tile an image with windows.

    Parameters
    ----------
    image : (n,), (H, W), (D, H, W) or more axes
        The pixels; one channel.
    size : int or sequence of int, default 3
        Side of the windows in pixels, odd: only then is there a center. One number for all axes,
        or one per axis.
    stride : int, default 1
        Pixels from one window to the next, along every axis.
    boundary : {"valid", "cut"}, default "valid"
        ``valid``: the windows that lie inside the image. ``cut``: one window per pixel (every
        `stride` pixels), cut at the border: what lies outside is filled with the lowest value of
        the dtype, which never beats the center.
    volume : bool, default False
        Whether an axis of 3 or 4 pixels is one of space and not the channels of a color image.

    Returns
    -------
    array or tensor, (h, w, size, size) for two axes, and so on
        Like `image`, on the same device; masked where the pixels of a masked array are. Under
        ``valid`` a view: no pixel is copied, and of an array it is read-only.

    Raises
    ------
    TypeError
        If `size` or `stride` is no integer, or the dtype has no exact order.
    ValueError
        If a size is even, below 1 or, under ``valid``, larger than the image, the stride is below
        1, or the image has color channels.

    Notes
    -----
    ``windows(image, size, boundary="cut")[i, j]`` is the window of pixel (i, j): the ball of radius
    ``(size - 1) / 2`` of the fully connected grid. O(1) time and memory under ``valid``.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.images import windows
    >>> windows(np.arange(16).reshape(4, 4), 3)[1, 0]
    array([[ 4,  5,  6],
           [ 8,  9, 10],
           [12, 13, 14]])
    """
    read, step = read_image(image, volume=volume), integer(stride, "stride", 1)
    is_cut = one_of(boundary, "boundary", BOUNDARIES) == "cut"
    sides = window_sides(size, len(read.shape)) if is_cut else inner_window_sides(size, read.shape)
    array = image if is_tensor(image) else read.pixels
    if is_cut:
        array = _padded(array, _lowest(read.pixels.dtype), sides)
    tiles = _tiled(array, sides, step)
    if read.missing is None:
        return tiles
    missing = _padded(read.missing, False, sides) if is_cut else read.missing
    return np.ma.MaskedArray(tiles, _tiled(missing, sides, step))


def _tiled(array: Any, sides: tuple[int, ...], step: int) -> Any:
    if isinstance(array, np.ndarray):
        return sliding_window_view(array, sides)[(slice(None, None, step),) * array.ndim]
    for axis, side in enumerate(sides):
        array = array.unfold(axis, side, step)
    return array


def _padded(array: Any, filler: Any, sides: tuple[int, ...]) -> Any:
    """Put half a window of a filler around an array or tensor."""
    shape = tuple(most + side - 1 for most, side in zip(array.shape, sides, strict=True))
    inside = tuple(slice(side // 2, -(side // 2) or None) for side in sides)
    if isinstance(array, np.ndarray):
        filled = np.full(shape, filler, array.dtype)
    else:
        filled = array.new_full(shape, filler)
    filled[inside] = array
    return filled


def _lowest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return -np.inf
    if dtype.kind in "mM":
        return np.array(np.iinfo(np.int64).min + 1).astype(np.int64).view(dtype)[()]
    return False if dtype.kind == "b" else int(np.iinfo(dtype).min)


@overload
def centered(
    image: "Tensor",
    size: int | Sequence[int] = 3,
    *,
    rule: Rule | None = None,
    where: Any = None,
    stride: int = 1,
    boundary: Boundary = "cut",
    ties: Ties | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    volume: bool = False,
) -> "Tensor": ...


@overload
def centered(
    image: NDArray[Any] | Sequence[Any],
    size: int | Sequence[int] = 3,
    *,
    rule: Rule | None = None,
    where: Any = None,
    stride: int = 1,
    boundary: Boundary = "cut",
    ties: Ties | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    volume: bool = False,
) -> NDArray[np.bool_]: ...


def centered(
    image: Any,
    size: int | Sequence[int] = 3,
    *,
    rule: Rule | None = None,
    where: Any = None,
    stride: int = 1,
    boundary: Boundary = "cut",
    ties: Ties | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    volume: bool = False,
) -> Any:
    """Report, for every window, whether it is centered on its maximum (else it is shifted).

    The label is the exact rule: the center pixel is the maximum of its window if and only if it is
    a local maximum of the fully connected grid graph with ``hops=(size - 1) // 2``.

    Parameters
    ----------
    image : (n,), (H, W), (D, H, W) or more axes
        The pixels; one channel.
    size : int or sequence of int, default 3
        Side of the windows in pixels, odd, for all axes or one per axis.
    rule : Rule, optional
        A whole rule, instead of the fields below; the size is no part of it.
    where : bool, shape of the image, optional
        Pixels that are asked about; the others are never a maximum and never a challenger.
    stride : int, default 1
        Pixels from one window to the next.
    boundary : {"cut", "valid"}, default "cut"
        ``cut``: a label for every pixel, of its window cut at the border. ``valid``: a label for
        every window that ``windows(image, size, stride)`` returns.
    ties : {"strict", "weak", "plateau", "index"}, default "strict"
        Who challenges the center; see `Rule`.
    nan : {"raise", "omit"}, default "raise"
        Refuse NaN and masked pixels, or leave them out.
    extremum : {"max", "min"}, default "max"
        Maxima or minima.
    volume : bool, default False
        Whether an axis of 3 or 4 pixels is one of space and not the channels of a color image.

    Returns
    -------
    bool, (h, w) for two axes, and so on
        An array or tensor like `image`.

    Raises
    ------
    TypeError
        If a size or the stride is no integer, the dtype has no exact order, or `where` is not bool.
    ValueError
        If a size is even, below 1 or, under ``valid``, larger than the image, the stride is below
        1, the image has color channels, or NaN or masked pixels under ``nan="raise"``, or a field
        has no such value.

    Examples
    --------
    >>> from graphmax.images import centered
    >>> centered([[1, 2, 3, 4], [1, 9, 3, 4], [1, 2, 3, 4]], boundary="valid")
    array([[ True, False]])
    """
    shape, step = read_image(image, volume=volume).shape, integer(stride, "stride", 1)
    is_valid = one_of(boundary, "boundary", BOUNDARIES) == "valid"
    sides = inner_window_sides(size, shape) if is_valid else window_sides(size, len(shape))
    mask = peak_pixels(
        image, size, rule=rule, where=where, ties=ties, nan=nan, extremum=extremum, volume=volume
    )
    margins = [side // 2 if is_valid else 0 for side in sides]
    return mask[tuple(slice(margin, -margin or None, step) for margin in margins)]
