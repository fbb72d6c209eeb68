"""The picture of a graph with its peaks sized by prominence and its basins colored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.convert import as_graph
from graphmax.plotting.canvas import (
    INK,
    OUTLINE,
    PALETTE,
    Names,
    axes_for,
    draw_lines,
    figure_of,
    picture_path,
    positions_of,
    save,
    settle,
    spoken,
)

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from graphmax.graph import Graph
    from graphmax.peaks import Peaks

_NOBODY = "#FFFFFF"
_PALE = 0.5
_SMALLEST, _LARGEST = 5.0, 17.0
_MOST_NAMES = 60


def plot_peaks(
    graph: Any,
    peaks: Peaks,
    *,
    path: str | Path | None = None,
    axes: Axes | None = None,
    title: str | None = None,
    positions: Any = None,
    seed: int = 0,
) -> Figure:
    """Draw a graph with its peaks sized by prominence and its nodes colored by basin.

    Basins that touch have different colors on every map, and wherever else seven colors suffice.
    Peaks have a dark outline; the area of the mark grows with the prominence. The most prominent
    ones are named.

    Parameters
    ----------
    graph : Graph or anything `as_graph` takes
        The graph the peaks were found on.
    peaks : Peaks
        The table.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    axes : matplotlib.axes.Axes, optional
        Where to draw, without a legend; a figure of its own with a legend otherwise.
    title : str, optional
        A line above the picture.
    positions : array, shape (num_nodes, 2), optional
        Where the nodes lie, in any unit. Otherwise the node attributes ``x`` and ``y``, ``lon`` and
        ``lat``, or ``pos``, else a layout by springs.
    seed : int, default 0
        Seed of the layout.

    Returns
    -------
    matplotlib.figure.Figure
        The figure drawn on.

    Raises
    ------
    TypeError
        If this is no graph.
    ValueError
        If the peaks are of a graph with another number of nodes, a shape does not fit, the ending
        of `path` is another one, or a graph of more than 2000 nodes has no positions.
    FileNotFoundError
        If the folder of `path` does not exist.

    Notes
    -----
    Nodes in no basin are white. Arrows are not drawn: peaks do not know them.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax.peaks import find_peaks
    >>> path = nx.path_graph(4)
    >>> len(plot_peaks(path, find_peaks(path, [1, 3, 2, 4])).axes)
    1
    """
    target = picture_path(path)
    graph = as_graph(graph, num_nodes=peaks.mask.size)
    if graph.num_nodes != peaks.mask.size:
        raise ValueError(
            f"`peaks` must be of this graph, got peaks of {peaks.mask.size} nodes and a graph of "
            f"{graph.num_nodes}"
        )
    xy = positions_of(graph, positions, seed)
    drawing = _Drawing(graph, peaks, xy, axes_for(xy) if axes is None else axes)
    drawing.draw(title, legend=axes is None)
    return save(figure_of(drawing.axes), target)


@dataclass(frozen=True)
class _Drawing:
    graph: Graph
    peaks: Peaks
    xy: np.ndarray
    axes: Axes

    def draw(self, title: str | None, *, legend: bool) -> None:
        self.axes.set_axis_off()
        self.axes.set_aspect("equal", adjustable="datalim")
        self.axes.margins(0.06)
        draw_lines(self.axes, self.graph, self.xy)
        colors = basin_colors(self.graph, self.peaks)
        self.draw_nodes(colors)
        self.draw_peaks(colors)
        if title is not None:
            self.axes.set_title(title, color=INK, fontsize=10, parse_math=False)
        if legend and len(self.peaks):
            self.draw_legend()
        self.name_peaks()

    def draw_nodes(self, colors: np.ndarray) -> None:
        size = float(np.clip(90 / np.sqrt(max(self.graph.num_nodes, 1)), 1.5, 9))
        pale = colors * [*[_PALE] * 3, 1] + [*[1 - _PALE] * 3, 0]
        x, y = self.xy.T
        nodes = self.axes.scatter(x, y, c=pale, s=size**2, zorder=2)
        nodes.set(edgecolor=OUTLINE, linewidth=min(0.5, size / 12))

    def draw_peaks(self, colors: np.ndarray) -> None:
        node = self.peaks.nodes[::-1]  # the highest lies on top
        size = diameters(self.peaks.prominence)[::-1]
        x, y = self.xy[node].T
        marks = self.axes.scatter(x, y, c=colors[node], s=size**2, zorder=3)
        marks.set(edgecolor=INK, linewidth=1.2)

    def draw_legend(self) -> None:
        from matplotlib.lines import Line2D

        shown = _three(self.peaks.prominence)
        sizes = diameters(self.peaks.prominence, shown)
        keys = [
            Line2D([], [], ls="", marker="o", mfc="none", mec=INK, mew=1.2, ms=size, label=label)
            for size, label in zip(sizes, map(spoken, shown), strict=True)
        ]
        legend = figure_of(self.axes).legend(
            handles=keys,
            loc="outside lower center",
            ncols=len(keys),
            fontsize=8,
            frameon=False,
            title="prominence of a peak; nodes have the color of their basin",
            title_fontsize=8,
            handletextpad=0.4,
            columnspacing=2.5,
        )
        legend.get_title().set_color(INK)

    def name_peaks(self) -> None:
        if self.graph.labels is None:
            return
        settle(self.axes)
        names = Names(self.axes, self.xy, self.peaks_alone, _SMALLEST)
        size = diameters(self.peaks.prominence)
        for row in by_prominence(self.peaks)[:_MOST_NAMES]:
            names.diameter = float(size[row])
            names.write(int(self.peaks.node[row]), str(self.peaks.label[row]))

    @property
    def peaks_alone(self) -> np.ndarray:
        mask = np.zeros(self.graph.num_nodes, bool)
        mask[self.peaks.nodes] = True
        return mask


def by_prominence(peaks: Peaks) -> np.ndarray:
    """Return the rows of a table, the most prominent first."""
    return np.argsort(-peaks.prominence, kind="stable")


def diameters(prominence: np.ndarray, shown: np.ndarray | None = None) -> np.ndarray:
    """Return the diameter of marks in points: their area grows with the prominence."""
    finite = prominence[np.isfinite(prominence)]
    largest = max(float(finite.max(initial=0)), 1e-300)
    share = np.clip((prominence if shown is None else shown) / largest, 0, 1.3)
    return np.sqrt(_SMALLEST**2 + share * (_LARGEST**2 - _SMALLEST**2))


def basin_colors(graph: Graph, peaks: Peaks) -> np.ndarray:
    """Give each node the color of its basin; basins that touch differ where they can."""
    from matplotlib.colors import to_rgba_array

    color = np.full(graph.num_nodes, len(PALETTE))
    touching, numbers = _touching(graph, peaks), range(len(PALETTE))
    for peak in _hardest_first(touching):
        taken, used = color[list(touching[peak])].tolist(), color[peaks.nodes].tolist()
        color[peak] = min(numbers, key=lambda number: (taken.count(number), used.count(number)))
    rgba = to_rgba_array([*PALETTE, _NOBODY])
    shown = rgba[np.where(peaks.basins >= 0, color[peaks.basins], len(PALETTE))]
    return np.asarray(shown)


def _touching(graph: Graph, peaks: Peaks) -> nx.Graph[int]:
    import networkx as nx

    first, second = peaks.basins[graph.edges()]
    pairs = np.stack([first, second])[:, (first != second) & (first >= 0) & (second >= 0)]
    touching: nx.Graph[int] = nx.empty_graph(peaks.nodes.tolist())
    touching.add_edges_from(np.unique(pairs, axis=1).T.tolist())
    return touching


def _hardest_first(touching: nx.Graph[int]) -> list[int]:
    """Order basins so that on a map each touches at most five that were colored before it."""
    from networkx.algorithms.coloring import strategy_smallest_last

    return list(strategy_smallest_last(touching, {}))


def _three(prominence: np.ndarray) -> np.ndarray:
    """Return a small, a middle and a large prominence, in round numbers, for the legend."""
    finite = prominence[np.isfinite(prominence)]
    largest = float(finite.max(initial=0))
    rounded = [float(f"{share * largest:.1g}") for share in (0.1, 0.3, 1)]
    return np.unique(rounded) if largest else np.zeros(1)
