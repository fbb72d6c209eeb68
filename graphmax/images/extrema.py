"""Local maxima of an image, straight from its array: max pooling that says *where*."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.images.image import nan_refused, read_image, window_side
from graphmax.kernels import pixels
from graphmax.question import rule_of
from graphmax.ties import TIES
from graphmax.values import order_key

_WIDER = {
    "bool": "uint8", "int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64",
    "float16": "float32",
}  # fmt: skip


def peak_pixels(
    image: Any, size: int = 3, *, ties: str = "strict", nan: str = "raise", volume: bool = False
) -> Any:
    """Find the pixels that are the maximum of the window centered on them.

    The window of side ``size``, cut at the border, is the ball of radius ``(size - 1) / 2`` of the
    fully connected grid: the answer is that of
    ``local_maxima(grid_graph(image.shape), image.ravel(), hops=(size - 1) // 2)``, without a graph.

    Parameters
    ----------
    image : (H, W) or (D, H, W)
        The pixels, in any unit and any comparable dtype; one channel.
    size : int, default 3
        Side of the window in pixels, odd.
    ties : {"strict", "weak", "plateau", "index"}, default "strict"
        Who challenges a pixel; see `Rule`. ``index`` is what max pooling with
        ``return_indices=True`` computes, ``plateau`` at size 3 scikit-image's ``local_maxima``.
    nan : {"raise", "omit"}, default "raise"
        Refuse NaN pixels, or leave them out: never a maximum, never a challenger.
    volume : bool, default False
        Whether an axis of 3 or 4 pixels is one of space and not the channels of a color image.

    Returns
    -------
    bool, shape of the image
        An array or tensor like `image`; ``argwhere`` of it gives the positions.

    Raises
    ------
    TypeError
        If the dtype has no exact order, or `size` is no integer.
    ValueError
        If the size is even, below 1 or larger than the image, the image has color channels or NaN
        under ``nan="raise"``, or `ties` is no rule.

    Notes
    -----
    A constant image: nobody under ``strict``, everybody under ``weak`` and ``plateau`` (where
    scikit-image says nobody), the first pixel alone under ``index``. Time for n pixels and
    radius r: O(n log r) for ``strict`` and ``index``, O(n r) for the others; memory: one byte a
    pixel, for ``weak`` and ``plateau`` with r > 1 two more images.

    Examples
    --------
    >>> from graphmax.images import peak_pixels
    >>> peak_pixels([[0, 1, 0], [0, 0, 0], [5, 0, 2]]).astype(int)
    array([[0, 1, 0],
           [0, 0, 0],
           [1, 0, 1]])
    """
    rule_of("pixels", ties=ties, nan=nan)
    taken = read_image(image, volume=volume)
    radius = window_side(size, taken.shape) // 2
    if taken.pixels.size == 0:
        return taken.restore(np.zeros(taken.shape, np.bool_))
    mask = _mask(taken.pixels, radius, ties, nan)
    return taken.restore(mask.reshape(taken.shape))


def _mask(array: NDArray[Any], radius: int, ties: str, nan: str) -> NDArray[np.bool_]:
    planes = _comparable(array).reshape(-1, *array.shape[-2:])
    mask: NDArray[np.bool_]
    mask, rows = pixels.beats_window(planes, radius, TIES[ties].code)
    absent = np.isnat(array) if array.dtype.kind in "mM" else _nan(planes, rows)
    if nan == "raise" and absent.any():
        raise nan_refused(absent.reshape(array.shape))
    if absent.size:
        mask &= ~absent.reshape(planes.shape)
    if TIES[ties].by_plateau:
        pixels.defeat_plateaus(planes, mask)
    return mask


def _nan(planes: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where NaN pixels are, an empty array if the kernel saw none."""
    return np.asarray(np.isnan(planes) if rows.any() else np.zeros(0), np.bool_)


def _comparable(array: NDArray[Any]) -> NDArray[Any]:
    """Return the image in one of the five dtypes that the kernels are compiled for, exactly."""
    if array.dtype == np.uint64:
        array = order_key(np.ascontiguousarray(array)).key
    elif array.dtype.kind in "mM":
        array = array.view(np.int64)  # NaT is the lowest
    wide = np.dtype(_WIDER.get(array.dtype.name, array.dtype))
    return np.ascontiguousarray(array, wide)
