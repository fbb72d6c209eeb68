"""`images.find_peaks`: the peaks of an array with their prominence, isolation and coordinates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import to_numpy, unmasked
from graphmax.images.extrema import Image, pixel_mask, read_image
from graphmax.peaks import Peaks
from graphmax.peaks import find_peaks as peaks_of_graph
from graphmax.peaks.finding import PeakOrder, PeakTies
from graphmax.peaks.suppression import Metric
from graphmax.rule import Extremum, Nan, Rule
from graphmax.spatial import grid_graph


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
