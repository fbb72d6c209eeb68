"""What each output pixel of a network can see, and which windows are centered."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.plotting.canvas import INK, PALETTE, VERMILION, picture_path, save

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
