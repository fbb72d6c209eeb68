"""Local maxima of an image, straight from its array: max pooling that says *where*."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.images.image import Image, nan_refused, pixel_mask, read_image, window_sides
from graphmax.kernels import pixels
from graphmax.kernels.boxes import highest_of_boxes
from graphmax.question import rule_of
from graphmax.rule import Extremum, FilledRule, Nan, Rule, Ties
from graphmax.ties import TIES, TieRule
from graphmax.values import order_key, takes_subnormals_for_zero

if TYPE_CHECKING:
    from torch import Tensor

_WIDER = {
    "bool": "uint8",
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "float16": "float32",
}


@overload
def peak_pixels(
    image: "Tensor",
    size: int | Sequence[int] = 3,
    *,
    rule: Rule | None = None,
    where: Any = None,
    ties: Ties | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    volume: bool = False,
) -> "Tensor": ...


@overload
def peak_pixels(
    image: NDArray[Any] | Sequence[Any],
    size: int | Sequence[int] = 3,
    *,
    rule: Rule | None = None,
    where: Any = None,
    ties: Ties | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    volume: bool = False,
) -> NDArray[np.bool_]: ...


def peak_pixels(
    image: Any,
    size: int | Sequence[int] = 3,
    *,
    rule: Rule | None = None,
    where: Any = None,
    ties: Ties | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
    volume: bool = False,
) -> Any:
    """Find the pixels that are the maximum of the window centered on them.

    The window of side ``size``, cut at the border, is the ball of radius ``(size - 1) / 2`` of the
    fully connected grid: the answer is that of
    ``local_maxima(grid_graph(image.shape), image.ravel(), hops=(size - 1) // 2)``, without a graph.

    Parameters
    ----------
    image : (n,), (H, W), (D, H, W) or more axes
        The pixels, in any unit and any comparable dtype; one channel.
    size : int or sequence of int, default 3
        Side of the window in pixels, odd; one per axis for a window that is no square. What is
        larger than the image is cut.
    rule : Rule, optional
        A whole rule, instead of the fields below; the size is no part of it.
    where : bool, shape of the image, optional
        Pixels that are asked about; the others are never a maximum and never a challenger.
    ties : {"strict", "weak", "plateau", "index"}, default "strict"
        Who challenges a pixel; see `Rule`. ``index`` is what max pooling with
        ``return_indices=True`` computes, ``plateau`` at size 3 scikit-image's ``local_maxima``.
    nan : {"raise", "omit"}, default "raise"
        Refuse NaN and masked pixels, or leave them out as those outside `where`.
    extremum : {"max", "min"}, default "max"
        Maxima or minima.
    volume : bool, default False
        Whether an axis of 3 or 4 pixels is one of space and not the channels of a color image.

    Returns
    -------
    bool, shape of the image
        An array or tensor like `image`; ``argwhere`` of it gives the positions.

    Raises
    ------
    TypeError
        If the dtype has no exact order, `size` is no integer, or `where` is not bool.
    ValueError
        If a size is even or below 1, the image has color channels, or NaN or masked pixels under
        ``nan="raise"``, `where` has another shape, or a field has no such value.

    Notes
    -----
    A constant image: nobody under ``strict``, everybody under ``weak`` and ``plateau`` (where
    scikit-image says nobody), the first pixel alone under ``index``. A plateau holds the equal
    pixels that touch, along axes where the size is above 1. Time for n pixels and
    radius r: O(n log r) for ``strict`` and ``index``, O(n r) for the others, for more than three
    axes, windows that are no squares, and integers of which some are left out; memory: one byte a
    pixel, for ``weak`` and ``plateau`` with r > 1 two more images, else six.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.images import peak_pixels
    >>> peak_pixels([[0, 1, 0], [0, 0, 0], [5, 0, 2]]).astype(int)
    array([[0, 1, 0],
           [0, 0, 0],
           [1, 0, 1]])
    >>> np.flatnonzero(peak_pixels([3, 1, 2, 5, 4], 5, extremum="min"))
    array([1])
    """
    asked = rule_of("pixels", None, rule, ties=ties, nan=nan, extremum=extremum)
    read = read_image(image, volume=volume)
    sides = window_sides(size, len(read.shape))
    radii = tuple(
        min(side // 2, max(most - 1, 0)) for side, most in zip(sides, read.shape, strict=True)
    )
    absent = _absent(read, pixel_mask(where, read.shape), asked)
    if read.pixels.size == 0:
        return read.restore(np.zeros(read.shape, np.bool_))
    is_square = len(set(sides)) == 1 and len(read.shape) <= 3
    is_by_bits = read.pixels.dtype.kind == "f" and takes_subnormals_for_zero()
    array = _with_nan(read.pixels, absent) if is_square and not is_by_bits else None
    if array is None:
        return read.restore(_beats_box(read, radii, asked, absent))
    return read.restore(_beats_square(array, max(radii), asked, refuses=absent is None))


def _absent(
    read: Image, inside: NDArray[np.bool_] | None, rule: FilledRule
) -> NDArray[np.bool_] | None:
    """Return which pixels take no part, None where only the kernel can tell whether any is NaN."""
    if read.missing is None and inside is None:
        return None
    absent = read.absent
    refused = absent if inside is None else absent & inside
    if rule.nan == "raise" and refused.any():
        raise nan_refused(refused)
    return absent if inside is None else absent | ~inside


def _with_nan(array: NDArray[Any], absent: NDArray[np.bool_] | None) -> NDArray[Any] | None:
    """Return the image with NaN where pixels are absent; None where no float holds it exactly."""
    if absent is None or not absent.any():
        return array
    if array.dtype.kind in "mM" or (array.dtype.kind in "iu" and array.dtype.itemsize == 8):
        return None
    if array.dtype.kind in "biu":
        array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    return np.where(absent, array.dtype.type(np.nan), array)


def _beats_square(
    array: NDArray[Any], radius: int, rule: FilledRule, *, refuses: bool
) -> NDArray[np.bool_]:
    """Answer for squares and cubes by the kernels on the array itself."""
    shape = (1,) * (3 - array.ndim) + array.shape
    planes = _comparable(array, rule.extremum).reshape(shape)
    ties = TIES[rule.ties]
    mask: NDArray[np.bool_]
    mask, rows = pixels.beats_window(planes, radius, ties.code)
    absent = np.isnat(array) if array.dtype.kind in "mM" else _nan(planes, rows)
    if refuses and rule.nan == "raise" and absent.any():
        raise nan_refused(absent.reshape(array.shape))
    if absent.size:
        mask &= ~absent.reshape(shape)
    if ties.by_plateau and radius:
        pixels.defeat_plateaus(planes, mask)
    return mask.reshape(array.shape)


def _nan(planes: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where NaN pixels are, an empty array if the kernel saw none."""
    return np.asarray(np.isnan(planes) if rows.any() else np.zeros(0), np.bool_)


def _comparable(array: NDArray[Any], extremum: str) -> NDArray[Any]:
    """Return the image in one of the five dtypes that the kernels are compiled for, exactly."""
    if array.dtype == np.uint64:
        array = order_key(np.ascontiguousarray(array)).key
    elif array.dtype.kind in "mM":
        array = _lowest_where_missing(array, extremum)
    wide = np.dtype(_WIDER.get(array.dtype.name, array.dtype))
    planes = np.ascontiguousarray(array, wide)
    if extremum == "max":
        return planes
    return -planes if planes.dtype.kind == "f" else ~planes


def _lowest_where_missing(times: NDArray[Any], extremum: str) -> NDArray[np.int64]:
    """Return times as integers in which NaT challenges nobody."""
    ticks = times.view(np.int64)  # NaT is the lowest
    return ticks if extremum == "max" else np.where(np.isnat(times), np.iinfo(np.int64).max, ticks)


def _beats_box(
    read: Image, radii: tuple[int, ...], rule: FilledRule, absent: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Answer for windows of any shape, and for integers of which some pixels are left out."""
    if absent is None:
        absent = read.absent
        if rule.nan == "raise" and absent.any():
            raise nan_refused(absent)
    key = order_key(np.ascontiguousarray(read.pixels).reshape(-1)).key.reshape(read.shape)
    key = ~key if rule.extremum == "min" else key
    highest, first, last = highest_of_boxes(key, absent, radii)
    ties = TIES[rule.ties]
    mask: NDArray[np.bool_] = (key == highest) & ~absent & _holds(ties, first, last)
    return _undefeated(key, absent, mask, radii) if ties.by_plateau else mask


def _holds(
    ties: TieRule, first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.bool_] | bool:
    """Report whether no equal pixel of its window stands against a highest pixel."""
    own = np.arange(first.size).reshape(first.shape)
    if ties.equals == "none":
        return True
    alone: NDArray[np.bool_] = first == own
    return alone if ties.equals == "earlier" else alone & (last == own)


def _undefeated(
    key: NDArray[np.int64],
    absent: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    radii: tuple[int, ...],
) -> NDArray[np.bool_]:
    """Take out every plateau with a beaten pixel."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = np.arange(key.size).reshape(key.shape)
    pairs = [np.empty((2, 0), np.int64)]
    for step in product(*[(-1, 0, 1) if radius else (0,) for radius in radii]):
        if step > (0,) * key.ndim:
            here = tuple(slice(max(0, -sign), -sign if sign > 0 else None) for sign in step)
            there = tuple(slice(max(0, sign), sign if sign < 0 else None) for sign in step)
            equal = (key[here] == key[there]) & ~absent[here] & ~absent[there]
            pairs.append(np.stack([number[here][equal], number[there][equal]]))
    src, dst = np.concatenate(pairs, axis=1)
    ones = np.ones(src.size, np.int8)
    joined = coo_array((ones, (src, dst)), shape=(key.size, key.size))
    count, plateau = connected_components(joined, directed=False)
    beaten = np.zeros(count, np.bool_)
    beaten[plateau[(~mask & ~absent).ravel()]] = True
    mask &= ~beaten[plateau].reshape(key.shape)
    return mask
