"""Pictures of rasters: a terrain with its peaks, what output pixels can see, centered windows."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphmax.plotting.curves import (
    INK,
    OUTLINE,
    PALETTE,
    VERMILION,
    Names,
    figure_of,
    new_axes,
    picture_path,
    plain_frame,
    save,
    settle,
)
from graphmax.plotting.graph_pictures import by_prominence, diameters

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from graphmax.peaks import Peaks


_WATER = "#D6E4EE"
_COLORS = "YlOrBr"
_PEAK = PALETTE[0]
_MOST_NAMES = 40


def plot_terrain(
    heights: Any,
    peaks: Peaks,
    *,
    path: str | Path | None = None,
    axes: Axes | None = None,
    title: str | None = None,
    x: Any = None,
    y: Any = None,
    sea_level: float | None = None,
    aspect: float = 1.0,
    names: bool = True,
    quantity: str = "height",
) -> Figure:
    """Draw a terrain as a shaded relief with its peaks, each tied to its parent.

    Peaks are triangles whose area grows with the prominence; a thin line leads over the key saddle
    to the parent.

    Parameters
    ----------
    heights : array, shape (rows, columns)
        The heights, in any unit; NaN where there is nothing.
    peaks : Peaks
        Peaks of ``heights.ravel()`` on ``grid_graph(heights.shape)``.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own otherwise.
    title : str, optional
        A line above the picture.
    x, y : array, shape (columns,) and (rows,), optional
        Coordinates of columns and rows, in any unit; their numbers by default.
    sea_level : float, optional
        What is not higher is drawn as water.
    aspect : float, default 1.0
        Length of a unit of `y` over one of `x`: 1 / cos(latitude) for degrees.
    names : bool, default True
        Write the label of each peak beside it, or, without labels, its height.
    quantity : str, default "height"
        What the heights are and their unit, for the scale.

    Returns
    -------
    matplotlib.figure.Figure
        The figure drawn on.

    Raises
    ------
    ValueError
        If `heights` is not two-dimensional, the peaks are of another number of nodes, a coordinate
        is of another length, or the ending of `path` is another one.
    FileNotFoundError
        If the folder of `path` does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.spatial import grid_graph
    >>> from graphmax.peaks import find_peaks
    >>> heights = np.array([[1, 2, 1], [0, 0, 0], [3, 1, 2]])
    >>> figure = plot_terrain(heights, find_peaks(grid_graph((3, 3), 4), heights.ravel()))
    >>> figure.axes[0].get_xlabel()
    'column'
    """
    target = picture_path(path)
    heights = _relief(heights, peaks)
    across = _coordinate(x, heights.shape[1], "x")
    along = _coordinate(y, heights.shape[0], "y")
    drawn = _axes_of(across, along, aspect) if axes is None else axes
    _draw_relief(drawn, heights, _Ground(across, along), quantity=quantity, sea_level=sea_level)
    drawn.set_aspect(aspect)
    if y is not None:
        drawn.set_ylim(*sorted(drawn.get_ylim()))
    drawn.set(xlabel="column" if x is None else "x", ylabel="row" if y is None else "y")
    plain_frame(drawn, title)
    _draw_peaks(drawn, peaks, _Ground(across, along), names=names)
    return save(figure_of(drawn), target)


class _Ground(NamedTuple):
    across: np.ndarray
    along: np.ndarray

    def places(self, nodes: np.ndarray) -> np.ndarray:
        """Return where nodes lie, in the coordinates of the picture."""
        width = self.across.size
        return np.stack([self.across[nodes % width], self.along[nodes // width]], axis=-1)


def _relief(heights: Any, peaks: Peaks) -> np.ndarray:
    relief: np.ndarray = np.ma.filled(np.ma.asarray(heights).astype(float), np.nan)
    if relief.ndim != 2:
        raise ValueError(f"`heights` must have shape (rows, columns), got {relief.shape}")
    if relief.size != peaks.mask.size:
        raise ValueError(
            f"`peaks` must be of these heights, got peaks of {peaks.mask.size} nodes and "
            f"{relief.size} heights"
        )
    return relief


def _coordinate(given: Any, count: int, name: str) -> np.ndarray:
    place = np.arange(count, dtype=float) if given is None else np.asarray(given, float)
    if place.shape != (count,):
        raise ValueError(f"`{name}` must have shape ({count},), got {place.shape}")
    return place


def _axes_of(across: np.ndarray, along: np.ndarray, aspect: float) -> Axes:
    wide, high = (abs(_step(place)) * max(place.size, 1) for place in (across, along))
    return new_axes(7.2, float(np.clip(0.8 + 6.0 * aspect * high / wide, 2.5, 9.0)))


def _draw_relief(
    axes: Axes, heights: np.ndarray, ground: _Ground, *, quantity: str, sea_level: float | None
) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    land = np.isfinite(heights) if sea_level is None else heights > sea_level
    shown = heights[land]
    scale = Normalize(shown.min(), shown.max()) if shown.size else Normalize(0, 1)
    colors = LinearSegmentedColormap.from_list("land", colormaps[_COLORS](np.linspace(0.04, 0.85)))
    picture = _lit(heights, land, colors(scale(np.where(land, heights, shown.min(initial=np.inf)))))
    axes.imshow(picture, extent=_extent(*ground), interpolation="bilinear")
    beside = axes.inset_axes((1.02, 0, 0.025, 1))
    bar = figure_of(axes).colorbar(ScalarMappable(scale, colors), cax=beside)
    bar.set_label(quantity, color=INK, fontsize=9, parse_math=False)
    bar.ax.tick_params(labelsize=8, colors=OUTLINE, width=0.5)
    beside.spines[:].set_visible(False)


def _lit(heights: np.ndarray, land: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Let light fall from the north-west; slopes are exaggerated to what an eye can see."""
    from matplotlib.colors import LightSource, to_rgb

    ground = np.where(land, heights, heights[land].min(initial=0) if land.any() else 0)
    if min(ground.shape) > 1:
        slope = np.hypot(*np.gradient(ground))
        steep = float(np.percentile(slope[land], 95)) if land.any() else 0.0
        shade = LightSource(315, 45).hillshade(ground, vert_exag=0.8 / (steep or 1.0))
        colors[..., :3] = np.clip(colors[..., :3] * (0.55 + 0.6 * shade[..., None]), 0, 1)
    colors[~land, :3] = to_rgb(_WATER)
    return colors


def _extent(across: np.ndarray, along: np.ndarray) -> tuple[float, float, float, float]:
    right, down = (_step(place) / 2 for place in (across, along))
    return (
        float(across[0] - right),
        float(across[-1] + right),
        float(along[-1] + down),
        float(along[0] - down),
    )


def _step(place: np.ndarray) -> float:
    return float(place[-1] - place[0]) / (place.size - 1) if place.size > 1 else 1.0


def _draw_peaks(axes: Axes, peaks: Peaks, ground: _Ground, *, names: bool) -> None:
    xy = ground.places(peaks.nodes)
    for row in np.flatnonzero(peaks.parent >= 0):
        walk = np.array([peaks.node[row], peaks.key_saddle[row], peaks.parent[row]])
        axes.plot(*ground.places(walk).T, color=INK, linewidth=0.6, alpha=0.7, zorder=3)
    size = diameters(peaks.prominence)
    marks = axes.scatter(xy[:, 0], xy[:, 1], s=size**2, marker="^", color=_PEAK)
    marks.set(edgecolor="white", linewidth=0.7, zorder=4)
    if names:
        _name(axes, peaks, xy, size)


def _name(axes: Axes, peaks: Peaks, xy: np.ndarray, size: np.ndarray) -> None:
    settle(axes)
    names = Names(axes, xy, np.ones(len(peaks), bool), 9, inside=True)
    for row in by_prominence(peaks)[:_MOST_NAMES]:
        names.diameter = float(size[row])
        text = peaks.label[row] if peaks.is_labelled else f"{peaks.value[row]:,.0f}"
        names.write(int(row), str(text))


BLUE = PALETTE[0]
_LARGEST = 64


def plot_receptive_field(
    seen: Any, *, path: str | Path | None = None, title: str | None = None
) -> Figure:
    """Draw, for each output pixel, which input pixels it can see.

    One small map of the input for each output pixel, laid out as the output is. Pixels that are
    seen are blue; the map counts them, and the pixel in the same place is framed.

    Parameters
    ----------
    seen : array of bool, shape (h, w, H, W)
        What `graphmax.images.receptive_field` returns.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    title : str, optional
        A line above the picture.

    Returns
    -------
    matplotlib.figure.Figure
        The figure drawn on.

    Raises
    ------
    ValueError
        If `seen` has another shape, more than 64 output pixels, or the ending of `path` is none of
        a picture.

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_receptive_field(np.eye(4, dtype=bool).reshape(2, 2, 2, 2))
    >>> len(figure.axes)
    4
    """
    from matplotlib.figure import Figure

    target = picture_path(path)
    maps = np.asarray(seen, bool)
    if maps.ndim != 4 or 0 in maps.shape or maps.shape[0] * maps.shape[1] > _LARGEST:
        raise ValueError(
            f"`seen` must have shape (h, w, H, W) with at most {_LARGEST} output pixels h * w, "
            f"got {maps.shape}"
        )
    rows, columns = maps.shape[:2]
    figure = Figure(figsize=(1.5 * columns + 0.4, 1.65 * rows + 0.5), dpi=200, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for (row, column), axes in np.ndenumerate(grid):
        same_size = maps.shape[:2] == maps.shape[2:]
        _draw_map(axes, maps[row, column], (row, column) if same_size else None)
    if title is not None:
        _write_title(figure, title)
    return save(figure, target)


def _write_title(figure: Figure, title: str) -> None:
    """Write a title in as many lines as the width of the figure asks for."""
    letters = int(12 * figure.get_figwidth())
    figure.suptitle(fill(title, letters), color=INK, fontsize=10)


def _draw_map(axes: Axes, seen: np.ndarray, own: tuple[int, int] | None) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    axes.pcolormesh(
        seen, cmap=ListedColormap(["#F2F3F5", BLUE]), vmin=0, vmax=1, edgecolor="white", linewidth=1
    )
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    axes.set_title(f"sees {int(seen.sum())} of {seen.size}", color=INK, fontsize=8, pad=3)
    if own is not None:
        frame = Rectangle((own[1], own[0]), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2)
        axes.add_patch(frame).set_clip_on(False)


def plot_pixels(
    image: Any, masks: dict[str, Any], *, path: str | Path | None = None, title: str | None = None
) -> Figure:
    """Draw an image once for each mask, its marked pixels on top.

    Parameters
    ----------
    image : (H, W)
        The pixels, in any unit.
    masks : dict of str to bool (H, W)
        A caption for each picture, and the pixels to mark.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    title : str, optional
        A line above the pictures.

    Returns
    -------
    matplotlib.figure.Figure
        The figure drawn on.

    Raises
    ------
    ValueError
        If a mask has another shape than the image, there is none, or the ending of `path` is none
        of a picture.

    Examples
    --------
    >>> import numpy as np
    >>> len(plot_pixels(np.eye(3), {"corners": np.eye(3) > 0}).axes)
    1
    """
    from matplotlib.figure import Figure

    target = picture_path(path)
    pixels = np.asarray(image)
    if not masks or pixels.ndim != 2:
        raise ValueError(f"`masks` must be at least one, of an image (H, W), got {pixels.shape}")
    height = 3.6 * pixels.shape[0] / pixels.shape[1] + 0.5
    figure = Figure(figsize=(3.6 * len(masks), height), dpi=200, layout="constrained")
    grid = figure.subplots(1, len(masks), squeeze=False)[0]
    for axes, (caption, mask) in zip(grid, masks.items(), strict=True):
        _draw_marked(axes, pixels, np.asarray(mask, bool), caption)
    if title is not None:
        _write_title(figure, title)
    return save(figure, target)


def _draw_marked(axes: Axes, pixels: np.ndarray, mask: np.ndarray, caption: str) -> None:
    if mask.shape != pixels.shape:
        raise ValueError(
            f"`masks` must have the shape of the image {pixels.shape}, got {mask.shape}"
        )
    axes.imshow(pixels, cmap="gray", interpolation="nearest")
    rows, columns = np.nonzero(mask)
    size = float(np.clip(3_000 / max(rows.size, 1), 1, 24))
    marks = axes.scatter(columns, rows, s=size, c=VERMILION, linewidths=0)
    marks.set_rasterized(True)
    axes.set(xticks=[], yticks=[])
    axes.set_title(caption, color=INK, fontsize=9, parse_math=False)
