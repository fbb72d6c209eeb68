"""Local maxima of an image, an array with any number of axes, and the table of its peaks.

Max pooling that says *where*; `images.find_peaks` adds prominence, isolation and coordinates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Number
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, issparse

from graphmax.checks import integer, is_tensor, to_numpy, unmasked
from graphmax.kernels import pixels
from graphmax.kernels.pixels import highest_of_boxes
from graphmax.peaks import Peaks
from graphmax.peaks import find_peaks as peaks_of_graph
from graphmax.peaks.finding import PeakOrder, PeakTies
from graphmax.peaks.suppression import Metric
from graphmax.question import rule_of
from graphmax.rule import Extremum, FilledRule, Nan, Rule, Ties
from graphmax.spatial import grid_graph
from graphmax.ties import TIES, TieRule
from graphmax.values import column_of, order_key, read_attribute, takes_subnormals_for_zero

if TYPE_CHECKING:
    from torch import Tensor


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


# --- `images.find_peaks`: the peaks of an array with their prominence


def find_peaks(
    image: Any,
    hops: int | Rule | None = None,
    *,
    connectivity: int | None = None,
    spacing: float | Sequence[float] | None = None,
    periodic: bool | Sequence[bool] = False,
    volume: bool = False,
    rule: Rule | None = None,
    min_height: Any = None,
    min_prominence: float | None = None,
    min_isolation: float | None = None,
    min_distance: float | None = None,
    metric: Metric | None = None,
    num_peaks: int | None = None,
    by: PeakOrder = "height",
    base: Any = None,
    where: Any = None,
    groups: Any = None,
    radius: float | None = None,
    ties: PeakTies | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    extremum: Extremum | None = None,
) -> Peaks:
    """Find the peaks of a signal, an image or a volume and how much each of them matters.

    The answer is that of `graphmax.find_peaks` on the grid graph of the pixels: one row per peak,
    highest first, with its coordinates, prominence, isolation, key saddle, parent and basin.

    Parameters
    ----------
    image : (n,), (H, W), (D, H, W) or more axes
        The pixels, in any unit and any comparable dtype; one channel. NaN and masked pixels are
        absent.
    hops : int or Rule, optional
        A peak is the highest pixel within so many steps; 1 unless a `radius` is given. A `Rule` in
        its place is the rule.
    connectivity : int, optional
        Which pixels touch; see `grid_graph`. All by default.
    spacing : float or sequence of float, optional
        Distance between pixels along each axis, in a unit of length: a radius, isolation under a
        radius and ``metric="euclidean"`` are then in this unit.
    periodic : bool or sequence of bool, default False
        Whether opposite borders touch.
    volume : bool, default False
        Whether an axis of 3 or 4 pixels is one of space and not the channels of a color image.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    min_height : number, optional
        Keep peaks of at least this value, in the unit of the pixels.
    min_prominence : float, optional
        Keep peaks of at least this prominence: the h-maxima of the image.
    min_isolation : float, optional
        Keep peaks at least this far from higher ground, in steps, or in lengths under a `radius`.
    min_distance : float, optional
        After the other thresholds keep only peaks at least so far from a better one that is kept.
    metric : {"hops", "weight", "euclidean"}, optional
        What `min_distance` measures.
    num_peaks : int, optional
        Keep so many of the peaks that pass all other filters, the first in the order `by`.
    by : {"height", "prominence", "isolation"}, default "height"
        Which peaks go first for `num_peaks` and `min_distance`.
    base : number, optional
        Level from which the highest peak is measured; by default the lowest pixel.
    where : bool, shape of the image, optional
        Pixels outside are absent.
    groups : shape of the image, optional
        Labels of regions; each is asked on its own.
    radius : float, optional
        Radius of the neighborhood in lengths, instead of `hops`; needs a `spacing`.
    ties : {"plateau", "strict"}, optional
        Whether a flat top is one peak (``plateau``, the default) or none.
    isolated : bool, optional
        Whether a pixel without neighbors is a peak.
    nan : {"omit", "raise"}, optional
        Leave NaN and masked pixels out (the default), or refuse them.
    extremum : {"max", "min"}, optional
        Which side.

    Returns
    -------
    Peaks
        The table; ``peaks.coordinates`` int (peaks, axes), and in pandas a column per axis.

    Raises
    ------
    TypeError
        If the dtype has no exact order, or an argument is of the wrong kind.
    ValueError
        If the image has color channels, `where` or `groups` has another shape, or an argument has
        no such value.

    Notes
    -----
    For the mask alone `peak_pixels` is faster and builds no graph. O(n log n) for n pixels.

    Examples
    --------
    >>> from graphmax import images
    >>> peaks = images.find_peaks([[0, 9, 0, 0], [0, 0, 0, 5], [7, 6, 0, 6]], min_prominence=2)
    >>> peaks.coordinates.tolist(), peaks.prominence.tolist()
    ([[0, 1], [2, 0], [2, 3]], [9.0, 7.0, 6.0])
    """
    read = read_image(image, volume=volume)
    inside = pixel_mask(where, read.shape)
    return peaks_of_graph(
        grid_graph(read.shape, connectivity, spacing=spacing, periodic=periodic),
        _values(read),
        hops,
        rule=rule,
        min_height=min_height,
        min_prominence=min_prominence,
        min_isolation=min_isolation,
        min_distance=min_distance,
        metric=metric,
        num_peaks=num_peaks,
        by=by,
        base=base,
        where=None if inside is None else inside.ravel(),
        groups=None if groups is None else _regions(groups, read.shape),
        radius=radius,
        ties=ties,
        isolated=isolated,
        nan=nan,
        extremum=extremum,
    )


def _values(read: Image) -> NDArray[Any]:
    if read.missing is None:
        return read.pixels.ravel()
    return np.ma.MaskedArray(read.pixels.ravel(), read.missing.ravel())


def _regions(groups: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    labels = to_numpy(unmasked(groups, "groups"))
    if labels.shape != shape:
        raise ValueError(f"`groups` must have the shape of the image {shape}, got {labels.shape}")
    return labels.ravel()
