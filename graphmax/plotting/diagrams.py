"""The persistence diagram and the merge tree: where peaks are born, and where they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.checks import integer, number
from graphmax.plotting.curves import (
    EDGE,
    INK,
    OUTLINE,
    VERMILION,
    Names,
    figure_of,
    new_axes,
    picture_path,
    plain_frame,
    save,
    settle,
    spoken,
)
from graphmax.plotting.graph_pictures import by_prominence

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from graphmax.peaks import MergeTree, Peaks


_MOST_NAMES = 25
_ENDS = 0.06


def plot_persistence(
    peaks: Peaks,
    *,
    threshold: float | None = None,
    path: str | Path | None = None,
    axes: Axes | None = None,
    title: str | None = None,
    quantity: str = "value",
) -> Figure:
    """Draw the persistence diagram of peaks, with the prominence one chose to ask for.

    Each peak is a point: its own value to the right, the value of its key saddle upwards. How far
    it lies from the diagonal is its prominence; noise lies near the diagonal. The first peak of a
    component, a triangle, stands on the lowest node of the component.

    Parameters
    ----------
    peaks : Peaks
        The table, best without a filter on prominence.
    threshold : float, optional
        A prominence, in the unit of the values: its line is drawn and the peaks of at least this
        prominence are marked.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own otherwise.
    title : str, optional
        A line above the picture.
    quantity : str, default "value"
        What the values are and their unit, for the axes.

    Returns
    -------
    matplotlib.figure.Figure
        The figure drawn on.

    Raises
    ------
    ValueError
        If `threshold` is negative or NaN, or the ending of `path` is another one.
    FileNotFoundError
        If the folder of `path` does not exist.

    Notes
    -----
    Times are drawn as ticks of their unit. Infinite values are drawn at the rim.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax.peaks import find_peaks
    >>> figure = plot_persistence(find_peaks(nx.path_graph(4), [1, 3, 2, 4]), threshold=2)
    >>> len(figure.axes)
    1
    """
    target = picture_path(path)
    threshold = None if threshold is None else number(threshold, "threshold", least=0)
    drawn = new_axes(5.2, 5.0) if axes is None else axes
    points = np.stack([_plain(peaks.persistence.birth), _plain(peaks.persistence.death)], axis=1)
    low, high = _ends(points)
    chosen = peaks.prominence >= (0 if threshold is None else threshold)
    _draw_lines(drawn, (low, high), threshold, sign=_sign(peaks))
    _draw_points(drawn, np.clip(points, low, high), chosen, peaks.key_saddle < 0)
    drawn.set(xlabel=f"{quantity} of the peak", ylabel=f"{quantity} of its key saddle")
    plain_frame(drawn, title)
    if len(peaks):
        _draw_legend(drawn, threshold, chosen)
    _name(drawn, peaks, np.clip(points, low, high), chosen)
    return save(figure_of(drawn), target)


def _sign(peaks: Peaks) -> int:
    """Whether peaks die below (1) or, for minima, above (-1) where they were born."""
    return -1 if peaks.rule.extremum == "min" else 1


def _plain(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int64).astype(float) if values.dtype.kind in "mM" else values * 1.0


def _ends(points: np.ndarray) -> tuple[float, float]:
    finite = points[np.isfinite(points)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    margin = _ENDS * (high - low or 1.0)
    return float(low - margin), float(high + margin)


def _draw_lines(
    axes: Axes, ends: tuple[float, float], threshold: float | None, *, sign: int
) -> None:
    axes.plot(ends, ends, color=EDGE, linewidth=1, zorder=1)
    if threshold is not None:
        shifted = [end - sign * threshold for end in ends]
        axes.plot(ends, shifted, color=INK, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
    axes.set(xlim=ends, ylim=ends, aspect="equal")


def _draw_points(axes: Axes, points: np.ndarray, chosen: np.ndarray, first: np.ndarray) -> None:
    for marker, shape in (("o", ~first), ("^", first)):
        for kept, color, size in ((False, EDGE, 14), (True, VERMILION, 32)):
            rows = shape & (chosen == kept)
            x, y = points[rows].T
            marks = axes.scatter(x, y, marker=marker, s=size, color=color, zorder=2 + kept)
            marks.set(edgecolor=INK if kept else OUTLINE, linewidth=0.7 if kept else 0.3)


def _draw_legend(axes: Axes, threshold: float | None, chosen: np.ndarray) -> None:
    from matplotlib.lines import Line2D

    def key(marker: str, color: str, label: str) -> Any:
        return Line2D(
            [], [], ls="", marker=marker, mfc=color, mec=INK, mew=0.6, ms=5.5, label=label
        )

    keys = [key("o", VERMILION, "peak"), key("^", VERMILION, "first peak of a component")]
    if threshold is not None:
        keys[0].set_label(f"prominence of at least {spoken(threshold)}: {int(chosen.sum())} peaks")
        keys.append(key("o", EDGE, f"less: {int((~chosen).sum())} peaks"))
    axes.legend(handles=keys, fontsize=8, frameon=False, loc="upper left", handletextpad=0.2)


def _name(axes: Axes, peaks: Peaks, points: np.ndarray, chosen: np.ndarray) -> None:
    if not peaks.is_labelled:
        return
    settle(axes)
    names = Names(axes, points, chosen, 6, inside=True)
    rows = by_prominence(peaks)
    for row in rows[chosen[rows]][:_MOST_NAMES]:
        names.write(int(row), str(peaks.label[row]))


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
