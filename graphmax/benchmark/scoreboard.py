"""`evaluate`: predictions of a task against its labels, as a share of what is possible."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.bench_task import BenchmarkTask, Probed, loaded, probed
from graphmax.benchmark.task_parts import LOSSES, PERFECT, JudgedGraphs, figures_of, judged_graphs
from graphmax.checks import integer, near_names, to_numpy
from graphmax.notebook import html_table

_LEAST_GRAPHS = 20
PROBE = "probe"


class Measure(NamedTuple):
    """One metric on one test set.

    ``value``; ``trivial``, that of one score for all; ``ceiling``, the best that is possible;
    ``share`` of the ceiling (for losses ceiling / value); ``way`` from trivial (0) to the ceiling
    (1), NaN where these are equal; ``interval``, 95 % by bootstrap over graphs if there are at
    least 20, else over what is judged.
    """

    value: float
    trivial: float
    ceiling: float
    share: float
    way: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Score:
    """How good predictions are on one test set.

    Parameters
    ----------
    metric : str
        What is compared with the ceiling first.
    measures : dict of str to Measure
        ``average_precision``, ``f1``, ``exact_graphs`` (share of graphs without a wrong decision)
        and, where the scores are probabilities, ``log_loss`` in nats and ``calibration``, the
        expected calibration error over 15 bins.
    positives, count, graphs : int
        How many maxima, judged nodes (edges, graphs) and graphs there are.
    """

    metric: str
    measures: dict[str, Measure] = field(repr=False)
    positives: int
    count: int
    graphs: int

    @property
    def _first(self) -> Measure:
        return self.measures[self.metric]

    @property
    def value(self) -> float:
        """The metric."""
        return self._first.value

    @property
    def trivial(self) -> float:
        """The metric of one score for all."""
        return self._first.trivial

    @property
    def ceiling(self) -> float:
        """The best that is possible."""
        return self._first.ceiling

    @property
    def share(self) -> float:
        """The metric as a share of the ceiling."""
        return self._first.share

    @property
    def way(self) -> float:
        """How far from trivial (0) to the ceiling (1); NaN where these are equal."""
        return self._first.way

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of the metric."""
        return self._first.interval


class ScoreTable(dict[str, Score]):
    """A `Score` for each test set; ``probed`` where the probe was predicted, else None."""

    probed: Probed | None = None

    def _repr_html_(self) -> str:
        """Show all test sets in a notebook."""
        names = ("value", "ceiling", "way", "positives", "count")
        columns: dict[str, Any] = {"test set": list(self)}
        columns |= {name: [getattr(score, name) for score in self.values()] for name in names}
        return html_table(columns, "PeakBench")


def evaluate(
    task: str | BenchmarkTask,
    predictions: Mapping[str, Any],
    *,
    resamples: int = 200,
    seed: int = 0,
) -> ScoreTable:
    """Judge predictions of a task.

    Parameters
    ----------
    task : str or BenchmarkTask
        The task, or its name.
    predictions : mapping of str to array, or to list of arrays
        For each test set one score per node (edge, graph: `BenchmarkTask.unit`), higher for "a
        maximum": those of its graphs one after the other, or an array for each graph, of any
        framework. Numbers from 0 to 1 are probabilities. An optional test set may be left out;
        ``"probe"`` may hold scores for `BenchmarkTask.probe`.
    resamples : int, default 200
        Bootstrap resamples for the interval; 0 for none.
    seed : int, default 0
        Seed of the resamples.

    Returns
    -------
    dict of str to Score
        For each test set.

    Raises
    ------
    TypeError
        If predictions are no mapping or hold no numbers.
    ValueError
        If there is no such task, a test set is missing or unknown, or predictions are of another
        length or hold NaN.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> task = benchmark.load("noisy/first-order")
    >>> scores = benchmark.evaluate(task, task.baselines["rule on what is shown"], resamples=0)
    >>> round(scores["noise-0.3"].way, 2)
    0.69
    """
    judged = loaded(task)
    count = integer(resamples, "resamples", 0)
    checked = _checked(judged, predictions)
    probe = checked.pop(PROBE, None)
    table = ScoreTable(
        {name: _score(judged, name, scores, count, seed) for name, scores in checked.items()}
    )
    table.probed = None if probe is None else probed(judged, probe)
    return table


def _checked(task: BenchmarkTask, predictions: Any) -> dict[str, NDArray[np.float64]]:
    if not isinstance(predictions, Mapping):
        raise TypeError(
            f"`predictions` must be a mapping of test sets, got {type(predictions).__name__}"
        )
    needed = {name: not part.optional for name, part in task.spec.test.items()}
    if PROBE in predictions and task.probe:
        needed[PROBE] = False
    for name in predictions:
        if name not in needed:
            raise ValueError(
                f"`predictions` must be of test sets of {task.name}, got {name!r}; "
                + near_names(str(name), list(needed))
            )
    missing = [name for name in task.spec.test if needed[name] and name not in predictions]
    if missing:
        raise ValueError(f"`predictions` must hold every test set, got none of {missing}")
    return {
        name: _one_score_each(task, name, predictions[name])
        for name in needed
        if name in predictions
    }


def _one_score_each(task: BenchmarkTask, name: str, given: Any) -> NDArray[np.float64]:
    graphs = task.probe if name == PROBE else task.parts[name]
    sizes = [len(graph.y) for graph in graphs]
    if isinstance(given, list) and given and np.ndim(given[0]) > 0:
        parts = [to_numpy(part).reshape(-1) for part in given]
        found = [part.size for part in parts]
        if found != sizes:
            raise ValueError(
                f"`predictions[{name!r}]` must be arrays of the sizes of its {len(sizes)} graphs, "
                f"got {len(found)} of another size"
            )
        given = np.concatenate(parts)
    array = to_numpy(given)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`predictions[{name!r}]` must be numbers, got dtype {array.dtype}")
    scores: NDArray[np.float64] = array.reshape(-1).astype(np.float64)
    if scores.size != sum(sizes):
        raise ValueError(
            f"`predictions[{name!r}]` must have one score per {task.unit} ({sum(sizes)}), "
            f"got {scores.size}"
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"`predictions[{name!r}]` must not be NaN, got {int(np.isnan(scores).sum())} NaN"
        )
    return scores


def _score(
    task: BenchmarkTask, name: str, scores: NDArray[np.float64], resamples: int, seed: int
) -> Score:
    judged = judged_graphs(task, name, scores)
    constant = judged._replace(scores=np.full(judged.y.size, task.base_rate))
    trivial, ceilings = figures_of(constant), task.ceilings(name)
    found, intervals = figures_of(judged), _intervals(judged, resamples, seed)
    measures = {
        each: _measure(each, value, trivial[each], ceilings[each].value, intervals[each])
        for each, value in found.items()
    }
    graphs = len(task.parts[name])
    return Score(task.metric, measures, int(judged.y.sum()), judged.y.size, graphs)


def _measure(
    name: str, value: float, trivial: float, ceiling: float, interval: tuple[float, float]
) -> Measure:
    if name == "calibration":  # one score for all can be calibrated: there is no way to go
        return Measure(value, trivial, ceiling, float("nan"), float("nan"), interval)
    upper, lower = (ceiling, value) if name in LOSSES else (value, ceiling)
    share = 1.0 if upper == lower else upper / lower if lower else float("nan")
    room = ceiling - trivial
    way = (value - trivial) / room if abs(room) > 1e-12 else float("nan")
    return Measure(value, trivial, ceiling, share, way, interval)


def _intervals(judged: JudgedGraphs, resamples: int, seed: int) -> dict[str, tuple[float, float]]:
    if not resamples:
        return dict.fromkeys(PERFECT, (float("nan"), float("nan")))
    rng = np.random.default_rng(seed)
    ends = np.flatnonzero(np.diff(judged.graph)) + 1
    graphs = np.split(np.arange(judged.y.size), ends)
    found = [figures_of(judged.taken(_drawn(graphs, judged.y.size, rng))) for _ in range(resamples)]
    spread = {name: [each[name] for each in found if name in each] for name in PERFECT}
    return {name: _quantiles(values) for name, values in spread.items() if values}


def _drawn(
    graphs: list[NDArray[np.int64]], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    if len(graphs) < _LEAST_GRAPHS:
        return rng.integers(0, count, count)
    return np.concatenate([graphs[each] for each in rng.integers(0, len(graphs), len(graphs))])


def _quantiles(values: list[float]) -> tuple[float, float]:
    present = np.array(values)[~np.isnan(values)]
    if not present.size:
        return float("nan"), float("nan")
    low, high = np.quantile(present, [0.025, 0.975])
    return float(low), float(high)
