"""The picture of a graph with its local maxima, and with peaks by prominence and their basins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.convert import as_graph
from graphmax.node_values import graph_and_attribute
from graphmax.plotting.curves import (
    ARROW,
    INK,
    OUTLINE,
    PALETTE,
    VERMILION,
    Names,
    axes_for,
    draw_lines,
    figure_of,
    fitting,
    masked,
    picture_path,
    positions_of,
    save,
    settle,
    spoken,
)

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from graphmax.graph import Graph
    from graphmax.peaks import Peaks


_LARGEST_WITH_VALUES = 30
_MOST_NAMED_MAXIMA = 200


def plot_maxima(
    graph: Any,
    values: Any,
    mask: Any,
    *,
    path: str | Path | None = None,
    axes: Axes | None = None,
    title: str | None = None,
    positions: Any = None,
    seed: int = 0,
) -> Figure:
    """Draw a graph with its local maxima marked.

    Nodes are shaded by the rank of their value, light to dark; maxima are large, orange and, where
    the graph has labels, named. A graph of up to 30 nodes shows the value of every node inside it.

    Parameters
    ----------
    graph : Graph or anything `as_graph` takes
        The graph.
    values : str, mapping or array, shape (num_nodes,)
        The attribute, its name, or a value for every node.
    mask : array of bool, shape (num_nodes,)
        Which nodes to mark.
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
        If this is no graph, or the attribute has no order.
    ValueError
        If a shape does not fit the graph, an attribute is unknown, the ending of `path` is
        another one, or a graph of more than 2000 nodes has no positions.
    FileNotFoundError
        If the folder of `path` does not exist.

    Notes
    -----
    A node whose value is NaN or missing is drawn white. A name that would cover another name or a
    maximum is left out, those of the lowest maxima first. The layout takes O(n^2) time and memory.

    Examples
    --------
    >>> import networkx as nx
    >>> figure = plot_maxima(nx.path_graph(3), [1, 3, 2], [False, True, False])
    >>> len(figure.axes)
    1
    """
    target = picture_path(path)
    graph, attribute = graph_and_attribute(graph, values)
    xy = positions_of(graph, positions, seed)
    drawing = _MaximaDrawing(
        graph=graph,
        values=fitting(masked(attribute), "values", (graph.num_nodes,)),
        mask=fitting(mask, "mask", (graph.num_nodes,)).astype(bool),
        xy=xy,
        axes=axes_for(xy) if axes is None else axes,
    )
    drawing.draw(title, legend=axes is None)
    return save(drawing.figure, target)


@dataclass(frozen=True)
class _MaximaDrawing:
    graph: Graph
    values: np.ndarray
    mask: np.ndarray
    xy: np.ndarray
    axes: Axes

    @property
    def figure(self) -> Figure:
        return figure_of(self.axes)

    @property
    def is_small(self) -> bool:
        return self.graph.num_nodes <= _LARGEST_WITH_VALUES

    def draw(self, title: str | None, *, legend: bool) -> None:
        self.axes.set_axis_off()
        self.axes.set_aspect("equal", adjustable="datalim")
        self.axes.margins(0.15 if self.is_small else 0.04)
        self.draw_edges()
        self.draw_nodes()
        if title is not None:
            self.axes.set_title(title, color=INK, fontsize=10, parse_math=False)
        if legend:
            self.draw_legend()
        if self.is_small:
            self.write_values()
        if self.graph.labels is not None:
            self.name_maxima()

    def draw_edges(self) -> None:
        if self.graph.directed and self.is_small:
            self.draw_arrows(*self.graph.edges())
        else:
            draw_lines(self.axes, self.graph, self.xy)

    def draw_arrows(self, src: np.ndarray, dst: np.ndarray) -> None:
        gap = self.diameter(maxima=True) / 2
        style = {"arrowstyle": "-|>", "color": ARROW, "shrinkA": gap, "shrinkB": gap}
        for tail, head in zip(self.xy[src], self.xy[dst], strict=True):
            self.axes.annotate("", xy=head, xytext=tail, arrowprops=style, zorder=1)

    def draw_nodes(self) -> None:
        others = ~self.mask
        x, y = self.xy.T
        nodes = self.axes.scatter(x[others], y[others], c=_shades(self.values)[others], zorder=2)
        nodes.set(edgecolor=OUTLINE, linewidth=0.5, sizes=[self.diameter(maxima=False) ** 2])
        maxima = self.axes.scatter(x[self.mask], y[self.mask], c=VERMILION, zorder=3)
        maxima.set(edgecolor=INK, linewidth=1.2, sizes=[self.diameter(maxima=True) ** 2])

    def diameter(self, *, maxima: bool) -> float:
        """Diameter of a node in points."""
        if self.is_small:
            return 23.0 if maxima else 20.0
        other = float(np.clip(60 / np.sqrt(self.graph.num_nodes), 1.5, 6))
        return other + 3.5 if maxima else other

    def draw_legend(self) -> None:
        low, high = _shades(np.array([0, 1]))
        keys = [
            _key("local maximum", VERMILION, INK),
            _key("low value", low, OUTLINE),
            _key("high value", high, OUTLINE),
        ]
        legend = self.figure.legend(
            handles=keys, loc="outside lower center", ncols=3, fontsize=8, handletextpad=0.2
        )
        legend.set_frame_on(False)

    def write_values(self) -> None:
        for node, (x, y) in enumerate(self.xy):
            color, weight = ("white", "bold") if self.mask[node] else (INK, "normal")
            text = self.axes.text(x, y, _short(self.values[node]), ha="center", va="center")
            text.set(color=color, weight=weight, fontsize=8, zorder=4)

    def name_maxima(self) -> None:
        settle(self.axes)
        names = Names(self.axes, self.xy, self.mask, self.diameter(maxima=True))
        order = np.argsort(_ranks(self.values), kind="stable")[::-1]
        for node in order[self.mask[order]][:_MOST_NAMED_MAXIMA]:
            names.write(int(node), str(self.graph.label_of(node)))


def _key(label: str, color: Any, outline: str) -> Line2D:
    from matplotlib.lines import Line2D

    key = Line2D([], [], linestyle="none", marker="o", color=color, label=label)
    is_maximum = outline == INK
    key.set(mec=outline, mew=1.2 if is_maximum else 0.5, ms=8 if is_maximum else 6)
    return key


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank from 0 to 1, equal values alike; NaN for NaN and missing values."""
    absent = np.ma.getmaskarray(values) | np.ma.getdata(values != values)
    ranks = np.full(len(values), np.nan)
    _, dense = np.unique(np.ma.getdata(values)[~absent], return_inverse=True)
    ranks[~absent] = dense / max(dense.max(initial=0), 1)
    return ranks


def _shades(values: np.ndarray) -> np.ndarray:
    from matplotlib import colormaps

    ranks = _ranks(values)
    shades = colormaps["Blues"](0.08 + 0.72 * ranks)
    shades[np.isnan(ranks)] = 1.0
    return shades


def _short(value: Any) -> str:
    if np.ma.is_masked(value):
        return ""
    return f"{value:.3g}" if isinstance(value, np.floating) else str(value)


_NOBODY = "#FFFFFF"
_PALE = 0.5
_SMALLEST, _LARGEST = 5.0, 17.0
_MOST_NAMED_PEAKS = 60


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
    drawing = _PeaksDrawing(graph, peaks, xy, axes_for(xy) if axes is None else axes)
    drawing.draw(title, legend=axes is None)
    return save(figure_of(drawing.axes), target)


@dataclass(frozen=True)
class _PeaksDrawing:
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
        for row in by_prominence(self.peaks)[:_MOST_NAMED_PEAKS]:
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
