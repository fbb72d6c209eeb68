"""A picture of PeakBench: a metric over the sizes and degrees of test sets, with the ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.plotting.canvas import (
    INK,
    PALETTE,
    figure_of,
    new_axes,
    picture_path,
    plain_frame,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
