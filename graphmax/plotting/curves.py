"""Pictures of how good answers are: probabilities, whether they can be trusted, and PeakBench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.plotting.canvas import (
    INK,
    OUTLINE,
    PALETTE,
    axes_for,
    draw_lines,
    figure_of,
    new_axes,
    picture_path,
    plain_frame,
    positions_of,
    save,
    spoken,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from graphmax.posterior import ModelChecks, PeakProbability


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
