"""Windows of an image, and the exact label of each: centered on its maximum, or shifted."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from graphmax.images.extrema import peak_pixels
from graphmax.images.image import read_image, window_side

BOUNDARIES = ("valid", "cut")


def windows(
    image: Any, size: int = 3, stride: int = 1, *, boundary: str = "valid", volume: bool = False
) -> Any:
    """Tile an image with windows.

    Parameters
    ----------
    image : (H, W) or (D, H, W)
        The pixels; one channel.
    size : int, default 3
        Side of the windows in pixels, odd: only then is there a center.
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
    array or tensor, (h, w, size, size) or (d, h, w, size, size, size)
        Like `image`, on the same device. Under ``valid`` a view: no pixel is copied, and of an
        array it is read-only.

    Raises
    ------
    TypeError
        If `size` or `stride` is no integer, or the dtype has no exact order.
    ValueError
        If the size is even, below 1 or larger than the image, the stride is below 1, or the image
        has color channels.

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
    taken = read_image(image, volume=volume)
    side, step = window_side(size, taken.shape), _stride(stride)
    array = image if hasattr(image, "untyped_storage") else taken.pixels
    if _boundary(boundary) == "cut":
        array = _padded(array, taken.pixels, side // 2)
    return _tiled(array, side, step)


def _tiled(array: Any, side: int, step: int) -> Any:
    if isinstance(array, np.ndarray):
        every = (slice(None, None, step),) * array.ndim
        return sliding_window_view(array, (side,) * array.ndim)[every]
    for axis in range(array.ndim):
        array = array.unfold(axis, side, step)
    return array


def _padded(array: Any, pixels: NDArray[Any], radius: int) -> Any:
    shape = tuple(side + 2 * radius for side in pixels.shape)
    inside = (slice(radius, -radius or None),) * pixels.ndim
    if isinstance(array, np.ndarray):
        filled = np.full(shape, _lowest(pixels.dtype), pixels.dtype)
    else:
        filled = array.new_full(shape, _lowest(pixels.dtype))
    filled[inside] = array
    return filled


def _lowest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return -np.inf
    if dtype.kind in "mM":
        return np.array(np.iinfo(np.int64).min + 1).astype(np.int64).view(dtype)[()]
    return False if dtype.kind == "b" else int(np.iinfo(dtype).min)


def centered(
    image: Any,
    size: int = 3,
    *,
    stride: int = 1,
    boundary: str = "cut",
    ties: str = "strict",
    nan: str = "raise",
    volume: bool = False,
) -> Any:
    """Report, for every window, whether it is centered on its maximum (else it is shifted).

    The label is the exact rule: the center pixel is the maximum of its window if and only if it is
    a local maximum of the fully connected grid graph with ``hops=(size - 1) // 2``.

    Parameters
    ----------
    image : (H, W) or (D, H, W)
        The pixels; one channel.
    size : int, default 3
        Side of the windows in pixels, odd.
    stride : int, default 1
        Pixels from one window to the next.
    boundary : {"cut", "valid"}, default "cut"
        ``cut``: a label for every pixel, of its window cut at the border. ``valid``: a label for
        every window that ``windows(image, size, stride)`` returns.
    ties : {"strict", "weak", "plateau", "index"}, default "strict"
        Who challenges the center; see `Rule`.
    nan : {"raise", "omit"}, default "raise"
        Refuse NaN pixels, or leave them out.
    volume : bool, default False
        Whether an axis of 3 or 4 pixels is one of space and not the channels of a color image.

    Returns
    -------
    bool (h, w) or (d, h, w)
        An array or tensor like `image`.

    Raises
    ------
    TypeError
        As for `windows`.
    ValueError
        As for `windows` and `peak_pixels`.

    Examples
    --------
    >>> from graphmax.images import centered
    >>> centered([[1, 2, 3, 4], [1, 9, 3, 4], [1, 2, 3, 4]], boundary="valid")
    array([[ True, False]])
    """
    taken = read_image(image, volume=volume)
    radius, step = window_side(size, taken.shape) // 2, _stride(stride)
    mask = peak_pixels(image, size, ties=ties, nan=nan, volume=volume)
    first = radius if _boundary(boundary) == "valid" else 0
    return mask[(slice(first, -first or None, step),) * len(taken.shape)]


def _stride(stride: Any) -> int:
    if isinstance(stride, bool | np.bool_) or not isinstance(stride, int | np.integer):
        raise TypeError(f"`stride` must be an integer of at least 1, got {stride!r}")
    if stride < 1:
        raise ValueError(f"`stride` must be at least 1, got {stride}")
    return int(stride)


def _boundary(boundary: Any) -> str:
    if boundary not in BOUNDARIES:
        raise ValueError(f"`boundary` must be one of 'valid', 'cut', got {boundary!r}")
    return str(boundary)
