"""Pictures of how good answers are: probabilities, whether they can be trusted, and PeakBench.

And what all pictures share: colors, a page, a file to end in, and names that cover nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.layout import coordinates, spring_layout
from graphmax.values import Attribute, read_attribute

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from graphmax.graph import Graph
    from graphmax.posterior import ModelChecks, PeakProbability


# Okabe and Ito's palette, distinguishable with every kind of color vision.
VERMILION = "#D55E00"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442", VERMILION)
INK = "#1A1A1A"
EDGE = "#B8BDC4"
ARROW = "#80868F"
OUTLINE = "#5B6470"

_FORMATS = (".png", ".pdf", ".svg")


def new_axes(width: float, height: float) -> Axes:
    """Return the axes of a new page, in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=200, layout="constrained")
    return figure.add_subplot()


def axes_for(xy: np.ndarray) -> Axes:
    """Return the axes of a new page of the shape of a drawing."""
    wide, high = np.ptp(xy, axis=0) if len(xy) else (1.0, 1.0)
    return new_axes(7.2, float(np.clip(7.2 * high / max(wide, 1e-9), 3.0, 7.2)))


def figure_of(axes: Axes) -> Figure:
    """Return the whole figure that axes are on."""
    return cast("Figure", axes.get_figure(root=True))


def plain_frame(axes: Axes, title: str | None) -> None:
    """Leave two spines, in quiet colors, and write the title."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(OUTLINE)
    axes.tick_params(colors=OUTLINE, labelsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(color=INK, fontsize=9, parse_math=False)  # names are no formulas
        axis.set_major_formatter(lambda number, _: spoken(number))
    if title is not None:
        axes.set_title(title, color=INK, fontsize=10, parse_math=False)


def spoken(number: float) -> str:
    """Write a number as people do: 21,140,000 and 0.25."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def settle(axes: Axes) -> None:
    """Fix the layout, so that names can be placed by their pixels."""
    figure = figure_of(axes)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # a later pass would move nodes from under names


def draw_lines(axes: Axes, graph: Graph, xy: np.ndarray) -> None:
    """Draw the edges of a graph as straight lines."""
    from matplotlib.collections import LineCollection

    src, dst = graph.edges()
    segments: Any = np.stack([xy[src], xy[dst]], axis=1)
    lines = LineCollection(segments)
    lines.set(color=EDGE, linewidth=0.8 if len(src) < 2_000 else 0.3, zorder=1)
    lines.set_rasterized(len(src) > 20_000)
    axes.add_collection(lines)


def save(figure: Figure, path: Path | None) -> Figure:
    """Write a figure, if a path is given: complete or not at all."""
    if path is not None:
        write_atomically(path, lambda file: figure.savefig(file, format=path.suffix[1:].lower()))
    return figure


def picture_path(path: str | Path | None) -> Path | None:
    """Return the path of a picture, refusing an ending that is no picture's."""
    if path is None:
        return None
    if Path(path).suffix.lower() not in _FORMATS:
        raise ValueError(f"`path` must end in one of {', '.join(_FORMATS)}, got {str(path)!r}")
    return Path(path)


def positions_of(graph: Graph, positions: Any, seed: int) -> np.ndarray:
    """Return where the nodes lie: as given, as the node attributes say, or laid out by springs."""
    if positions is not None:
        return fitting(positions, "positions", (graph.num_nodes, 2)).astype(float)
    found = coordinates(graph)
    return spring_layout(graph, seed) if found is None else found


def fitting(array: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array, refusing another shape."""
    attribute = read_attribute(array, name)
    if attribute.array.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape}, got {attribute.array.shape}")
    return masked(attribute)


def masked(attribute: Attribute) -> np.ndarray:
    """Return the array of an attribute, masked where nodes lack it."""
    if attribute.missing is None:
        return attribute.array
    return np.ma.MaskedArray(attribute.array, attribute.missing)


_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


class Names:
    """Write names one after the other, each where it covers the fewest nodes, or nowhere."""

    def __init__(
        self,
        axes: Axes,
        xy: np.ndarray,
        marked: np.ndarray,
        diameter: float,
        *,
        inside: bool = False,
    ) -> None:
        self.axes, self.xy, self.diameter = axes, xy, diameter
        self.picture = axes.bbox if inside else axes.figure.bbox
        self.pixels = axes.transData.transform(xy)
        self.taken = [self.around(pixel) for pixel in self.pixels[marked]]

    def around(self, pixel: np.ndarray) -> Bbox:
        """Return the box of a marked node."""
        from matplotlib.transforms import Bbox

        half = self.diameter / 2 * self.axes.figure.dpi / 72
        return Bbox([pixel - half, pixel + half])

    def write(self, node: int, name: str) -> None:
        """Write a name beside a node, unless it would cover another name or a marked node."""
        text = self.axes.annotate(
            name, self.xy[node], (0, 0), textcoords="offset points", fontsize=7.5, zorder=5
        )
        text.set(in_layout=False, path_effects=_halo(), parse_math=False)
        free = [side for side in _SIDES if self.is_free(self.box(text, side))]
        if not free:
            text.remove()
            return
        best = min(free, key=lambda side: self.covered(self.box(text, side)))
        self.taken.append(self.box(text, best).padded(2 * self.axes.figure.dpi / 72))

    def box(self, text: Annotation, side: tuple[int, int]) -> Bbox:
        """Move a name to a side of its node and return the pixels it takes there."""
        right, up = side
        reach = (self.diameter / 2 + 2) * (1.0 if 0 in side else 0.7)
        text.set_position((right * reach, up * reach))
        text.set_horizontalalignment(("center", "left", "right")[right])
        text.set_verticalalignment(("center", "bottom", "top")[up])
        return text.get_window_extent()

    def is_free(self, box: Bbox) -> bool:
        """Report whether a box lies in the picture and covers nothing that is taken."""
        picture = self.picture
        inside = picture.x0 <= box.x0 and box.x1 <= picture.x1
        inside = inside and picture.y0 <= box.y0 and box.y1 <= picture.y1
        return inside and not any(box.overlaps(other) for other in self.taken)

    def covered(self, box: Bbox) -> int:
        """Count the nodes under a box."""
        low, high = np.array(box)
        return int(((self.pixels >= low) & (self.pixels <= high)).all(axis=1).sum())


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2, foreground="white", alpha=0.8)]


# --- Pictures of how good answers are: probabilities, whether they can be trusted

_BINS = 20
_LEVELS = np.linspace(0.05, 0.95, 19)
_COLORS = "viridis"


def plot_probability(
    answer: PeakProbability,
    *,
    path: str | Path | None = None,
    axes: Axes | None = None,
    title: str | None = None,
    positions: Any = None,
    seed: int = 0,
) -> Figure:
    """Draw a graph colored by the probability that each node is a peak.

    Parameters
    ----------
    answer : PeakProbability
        What `peak_probability` returned.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own otherwise.
    title : str, optional
        A line above the picture; the expected number of peaks otherwise.
    positions : array, shape (num_nodes, 2), optional
        Where the nodes lie, in any unit. Otherwise a grid of two axes is drawn as an image, and
        other graphs by their own positions or a layout by springs.
    seed : int, default 0
        Seed of the layout.

    Returns
    -------
    matplotlib.figure.Figure
        The figure drawn on.

    Raises
    ------
    ValueError
        If the ending of `path` is another one, or a graph of more than 2,000 nodes has no
        positions.

    Examples
    --------
    >>> import numpy as np
    >>> import graphmax as gm
    >>> y = np.sin(np.arange(40) / 4) + 0.1 * np.random.default_rng(0).normal(size=40)
    >>> figure = plot_probability(gm.peak_probability(gm.grid_graph(40), y, noise=0.1))
    >>> len(figure.axes)
    2
    """
    target = picture_path(path)
    graph = answer.graph
    is_image = positions is None and graph.shape is not None and len(graph.shape) == 2
    if is_image:
        page = new_axes(7.2, 6.0) if axes is None else axes
        pixels = answer.probability.reshape(graph.shape)
        colored: Any = page.imshow(pixels, cmap=_COLORS, vmin=0, vmax=1, interpolation="nearest")
    else:
        xy = positions_of(graph, positions, seed)
        page = axes_for(xy) if axes is None else axes
        colored = _draw_nodes(page, answer, xy)
    page.set_axis_off()
    bar = figure_of(page).colorbar(colored, ax=page, shrink=0.7)
    bar.set_label("probability of a peak", color=INK, fontsize=9)
    bar.ax.tick_params(colors=OUTLINE, labelsize=8)
    text = f"{spoken(answer.expected_number)} peaks expected" if title is None else title
    page.set_title(text, color=INK, fontsize=10, parse_math=False)
    return save(figure_of(page), target)


def _draw_nodes(axes: Axes, answer: PeakProbability, xy: np.ndarray) -> Any:
    """Draw likely peaks last and large, so that they cannot be covered."""
    draw_lines(axes, answer.graph, xy)
    axes.set_aspect("equal", adjustable="datalim")
    order = np.argsort(answer.probability, kind="stable")
    base = float(np.clip(3000 / max(len(xy), 1), 4, 60))
    sizes = base * (0.5 + 1.5 * answer.probability[order])
    x, y = xy[order].T
    nodes = axes.scatter(x, y, c=answer.probability[order], s=sizes, cmap=_COLORS)
    nodes.set(clim=(0, 1), zorder=2, edgecolor=OUTLINE, linewidth=0.3)
    return nodes


def plot_calibration(
    checks: ModelChecks | PeakProbability,
    *,
    path: str | Path | None = None,
    title: str | None = None,
) -> Figure:
    """Draw whether a fitted model predicts each measured node from all the others.

    On the left how often measured values fell into each part of their predicted distribution:
    flat where the model is right, a hill where predictions are too wide, a valley where they are
    too narrow. On the right the share of measurements inside predicted intervals: on the diagonal
    where the model is right.

    Parameters
    ----------
    checks : ModelChecks or PeakProbability
        What `peak_probability` returned, or its `checks`.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    title : str, optional
        A line above the picture; the concerns otherwise.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, of two axes.

    Raises
    ------
    ValueError
        If the ending of `path` is another one.

    Examples
    --------
    >>> import numpy as np
    >>> import graphmax as gm
    >>> y = np.sin(np.arange(40) / 4) + 0.1 * np.random.default_rng(0).normal(size=40)
    >>> figure = plot_calibration(gm.peak_probability(gm.grid_graph(40), y, noise=0.1))
    >>> len(figure.axes)
    2
    """
    from matplotlib.figure import Figure

    target = picture_path(path)
    found: ModelChecks = vars(checks).get("checks", checks)  # only an answer has checks
    figure = Figure(figsize=(7.2, 3.2), dpi=200, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_histogram(left, found.pit)
    _draw_coverage(right, found)
    text = "; ".join(found.concerns) if title is None else title
    if text:
        figure.suptitle(text, color=INK, fontsize=9, wrap=True, parse_math=False)
    return save(figure, target)


def _draw_histogram(axes: Axes, pit: np.ndarray) -> None:
    """Draw the transform with the band that chance leaves a right model in, bin by bin."""
    expected = pit.size / _BINS
    doubt = 2 * np.sqrt(expected * (1 - 1 / _BINS))
    axes.axhspan(expected - doubt, expected + doubt, color="#E3E6EA", zorder=0)
    axes.hist(pit, bins=_BINS, range=(0, 1), color=PALETTE[0], edgecolor="white", linewidth=0.4)
    axes.set(xlabel="predicted probability of less than measured", ylabel="nodes", xlim=(0, 1))
    plain_frame(axes, None)


def _draw_coverage(axes: Axes, checks: ModelChecks) -> None:
    covered = [checks.coverage(float(level)) for level in _LEVELS]
    axes.plot([0, 1], [0, 1], color=OUTLINE, linewidth=0.8, linestyle="--")
    axes.plot(_LEVELS, covered, color=PALETTE[0], marker="o", markersize=3)
    axes.set(xlabel="probability of the interval", ylabel="share of nodes inside")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    plain_frame(axes, None)


def plot_benchmark(
    scores: Mapping[str, Any],
    *,
    metric: str | None = None,
    path: str | Path | None = None,
    axes: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a metric over the test sets of a task, the ceiling as a line.

    Parameters
    ----------
    scores : mapping of str to dict of str to Score
        For each entry what `benchmark.evaluate` returned; all of one task. A single such answer is
        drawn too.
    metric : str, optional
        One of its measures; by default the metric of the task.
    path : str or pathlib.Path, optional
        Where to write the picture: .png, .pdf or .svg. It appears complete or not at all.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own otherwise.
    title : str, optional
        A line above the picture.

    Returns
    -------
    matplotlib.figure.Figure
        The picture: test sets in the order of the task (sizes first, then degree, families,
        values), one line an entry with its 95 % interval, the ceiling dashed.

    Raises
    ------
    ValueError
        If there is nothing to draw, entries are of other test sets, there is no such metric, or the
        path has another ending.

    Examples
    --------
    >>> from graphmax import benchmark, plotting
    >>> task = benchmark.load("real/countries")
    >>> scores = benchmark.evaluate(task, task.baselines["degree"], resamples=20)
    >>> plotting.plot_benchmark({"degree": scores}).axes[0].get_ylabel()
    'average precision'
    """
    file, entries = picture_path(path), _entries(scores)
    names = list(next(iter(entries.values())))
    chosen = metric or next(iter(entries.values()))[names[0]].metric
    measures = {entry: _measures(entry, table, names, chosen) for entry, table in entries.items()}
    axes = new_axes(max(4.5, 0.6 * len(names) + 2), 3.6) if axes is None else axes
    places = np.arange(len(names))
    for number, (entry, found) in enumerate(measures.items()):
        values = np.array([each.value for each in found])
        ends = np.array([each.interval for each in found]).T
        color = PALETTE[number % len(PALETTE)]
        axes.errorbar(
            places, values, np.nan_to_num(np.abs(ends - values)), color=color, marker="o",
            markersize=4, linewidth=1.2, label=entry,
        )  # fmt: skip
    ceiling = [each.ceiling for each in next(iter(measures.values()))]
    axes.plot(places, ceiling, color=INK, linestyle="--", linewidth=1, label="ceiling")
    axes.set_ylabel(chosen.replace("_", " "))
    axes.legend(frameon=False, fontsize=8)
    plain_frame(axes, title)
    axes.set_xticks(places, names, rotation=40, ha="right")
    return save(figure_of(axes), file)


def _entries(scores: Any) -> dict[str, Mapping[str, Any]]:
    """Return score tables by entry, also where a single one was given."""
    if not isinstance(scores, Mapping) or not scores:
        raise ValueError("`scores` must map entries to what benchmark.evaluate returned, got none")
    single = all(hasattr(each, "measures") for each in scores.values())
    return {"": scores} if single else dict(scores)


def _measures(entry: str, table: Mapping[str, Any], names: list[str], metric: str) -> list[Any]:
    if list(table) != names:
        raise ValueError(
            f"`scores` must all have the test sets {names}, got {list(table)} of {entry!r}"
        )
    lacking = [name for name in names if metric not in table[name].measures]
    if lacking:
        measures = sorted(table[lacking[0]].measures)
        raise ValueError(f"`metric` must be one of {measures}, got {metric!r} for {entry!r}")
    return [table[name].measures[metric] for name in names]
