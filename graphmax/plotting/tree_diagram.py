"""The merge tree: which peak joins which, and how high, as the water falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graphmax.checks import integer
from graphmax.plotting.canvas import (
    INK,
    OUTLINE,
    VERMILION,
    figure_of,
    new_axes,
    picture_path,
    plain_frame,
    save,
)
from graphmax.plotting.peaks import by_prominence

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from graphmax.peaks import MergeTree, Peaks

_MOST_PEAKS = 40
_LONGEST_NAME = 24


def plot_merge_tree(
    peaks: Peaks | MergeTree,
    *,
    path: str | Path | None = None,
    axes: Axes | None = None,
    title: str | None = None,
    quantity: str = "value",
    num_peaks: int = _MOST_PEAKS,
) -> Figure:
    """Draw the merge tree of peaks: a line from each peak down to its key saddle.

    There a level line joins it to its parent. The length of the upright line is the prominence.
    The first peak of a component ends at `base`, the lowest value of all unless it was given.

    Parameters
    ----------
    peaks : Peaks or MergeTree
        The table, or the tree with all its peaks.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own otherwise.
    title : str, optional
        A line above the picture.
    quantity : str, default "value"
        What the values are and their unit, for the axis.
    num_peaks : int, default 40
        Draw so many of the most prominent peaks.

    Returns
    -------
    matplotlib.figure.Figure
        The figure drawn on.

    Raises
    ------
    ValueError
        If `num_peaks` is below 1, or the ending of `path` is another one.
    FileNotFoundError
        If the folder of `path` does not exist.

    Notes
    -----
    Times are drawn as ticks of their unit; peaks and saddles of infinite value are left out.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax.peaks import find_peaks
    >>> figure = plot_merge_tree(find_peaks(nx.path_graph(4), [1, 3, 2, 4]))
    >>> len(figure.axes)
    1
    """
    target = picture_path(path)
    table: Peaks = peaks.peaks if hasattr(peaks, "peaks") else peaks
    shown = _shown(table, integer(num_peaks, "num_peaks", 1))
    drawn = new_axes(max(4.0, min(10.0, 1.2 + 0.24 * len(shown))), 4.2) if axes is None else axes
    place = _places(shown)
    _draw_tree(drawn, shown, place)
    drawn.set(ylabel=quantity, xlim=(-0.7, max(len(shown), 1) - 0.3), xticks=[])
    plain_frame(drawn, title)
    drawn.spines["bottom"].set_visible(False)
    return save(figure_of(drawn), target)


def _shown(peaks: Peaks, most: int) -> Peaks:
    values = np.stack([_heights(peaks.persistence.birth), _heights(peaks.persistence.death)])
    kept = np.zeros(len(peaks), bool)
    kept[by_prominence(peaks)[:most]] = True
    shown: Peaks = peaks[kept & np.isfinite(values).all(axis=0)]
    return shown


def _heights(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int64).astype(float) if values.dtype.kind in "mM" else values * 1.0


def _places(peaks: Peaks) -> np.ndarray:
    """Place each peak to the right of its parent, those that meet it last farthest: no crossing."""
    death = _heights(peaks.persistence.death)
    sign = -1 if peaks.rule.extremum == "min" else 1
    children: dict[int, list[int]] = {}
    for row, parent in enumerate(peaks.parent.tolist()):
        children.setdefault(parent, []).append(row)
    order: list[int] = []
    waiting = children.get(-1, [])[::-1]
    while waiting:
        row = waiting.pop()
        order.append(row)
        late_first = sorted(children.get(int(peaks.node[row]), []), key=lambda r: sign * death[r])
        waiting.extend(late_first)
    place = np.empty(len(peaks), int)
    place[order] = np.arange(len(peaks))
    return place


def _draw_tree(axes: Axes, peaks: Peaks, place: np.ndarray) -> None:
    birth, death = _heights(peaks.persistence.birth), _heights(peaks.persistence.death)
    axes.vlines(place, death, birth, color=OUTLINE, linewidth=1.3, zorder=2)
    row_of = {node: row for row, node in enumerate(peaks.nodes.tolist())}
    joined = [
        (row, row_of[parent]) for row, parent in enumerate(peaks.parent.tolist()) if parent >= 0
    ]
    for row, parent in joined:
        axes.hlines(death[row], place[parent], place[row], color=OUTLINE, linewidth=0.8, zorder=1)
    marks = axes.scatter(place, birth, s=26, color=VERMILION, zorder=3)
    marks.set(edgecolor=INK, linewidth=0.7)
    for x, y, label in zip(place, birth, peaks.label, strict=True):
        name = str(label)[:_LONGEST_NAME]
        axes.annotate(
            name,
            (x, y),
            (0, 6),
            textcoords="offset points",
            rotation=90,
            fontsize=7.5,
            ha="center",
            va="bottom",
            color=INK,
            parse_math=False,
        )
