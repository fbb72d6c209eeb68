"""`evaluate`: predictions of a task against its labels, as a share of what is possible."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.bench_task import BenchmarkTask, load
from graphmax.checks import integer, near_names, to_numpy
from graphmax.notebook import html_table

_LEAST_GRAPHS = 20


@dataclass(frozen=True)
class Score:
    """How good predictions are on one test set.

    Parameters
    ----------
    average_precision : float
        Area under the precision-recall curve of the scores.
    log_loss : float or None
        Mean of -log P(label) in nats, where the scores are probabilities.
    trivial : float
        Average precision of one score for all: the share of maxima.
    ceiling : float
        The best that is possible.
    share : float
        Average precision as a share of the ceiling.
    way : float
        How far from trivial (0) to the ceiling (1); NaN where these are equal.
    interval : tuple of float
        95 % bootstrap interval of the average precision, over graphs if there are at least 20,
        else over nodes.
    positives, nodes, graphs : int
        How many maxima, nodes and graphs there are.
    """

    average_precision: float
    log_loss: float | None
    trivial: float
    ceiling: float
    share: float
    way: float
    interval: tuple[float, float]
    positives: int
    nodes: int
    graphs: int


class ScoreTable(dict[str, Score]):
    """A `Score` for each test set."""

    def _repr_html_(self) -> str:
        """Show all test sets in a notebook."""
        names = ("average_precision", "ceiling", "way", "positives", "nodes")
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
        For each test set one score per node, higher for "a maximum": those of its graphs one after
        the other, or an array for each graph. Of any framework.
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
    0.73
    """
    loaded = load(task) if isinstance(task, str) else task
    count = integer(resamples, "resamples", 0)
    checked = _checked(loaded, predictions)
    return ScoreTable(
        {name: _score(loaded, name, scores, count, seed) for name, scores in checked.items()}
    )


def _checked(task: BenchmarkTask, predictions: Any) -> dict[str, NDArray[np.float64]]:
    if not isinstance(predictions, Mapping):
        raise TypeError(
            f"`predictions` must be a mapping of test sets, got {type(predictions).__name__}"
        )
    wanted = list(task.spec.test)
    for name in predictions:
        if name not in wanted:
            raise ValueError(
                f"`predictions` must be of test sets of {task.name}, got {name!r}; "
                + near_names(str(name), wanted)
            )
    missing = [name for name in wanted if name not in predictions]
    if missing:
        raise ValueError(f"`predictions` must hold every test set, got none of {missing}")
    return {name: _one_score_each(task, name, predictions[name]) for name in wanted}


def _one_score_each(task: BenchmarkTask, name: str, given: Any) -> NDArray[np.float64]:
    sizes = [graph.y.size for graph in task.parts[name]]
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
            f"`predictions[{name!r}]` must have one score per node ({sum(sizes)}), "
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
    y = task.labels(name)
    achieved, trivial = _average_precision(y, scores), float(y.mean())
    ceiling = task.ceiling[name].value
    room = ceiling - trivial
    return Score(
        average_precision=achieved,
        log_loss=_log_loss(y, scores),
        trivial=trivial,
        ceiling=ceiling,
        share=achieved / ceiling,
        way=(achieved - trivial) / room if room > 0 else float("nan"),
        interval=_interval(task, name, scores, resamples, seed),
        positives=int(y.sum()),
        nodes=y.size,
        graphs=len(task.parts[name]),
    )


def _average_precision(y: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    from sklearn.metrics import average_precision_score

    # infinite margins are the surest; their order is all that counts
    ranks = np.unique(scores, return_inverse=True)[1]
    return float(average_precision_score(y, ranks)) if y.any() else float("nan")


def _log_loss(y: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    if ((scores < 0) | (scores > 1)).any():
        return None
    chance = np.clip(np.where(y, scores, 1 - scores), 1e-15, 1)
    return float(-np.log(chance).mean())


def _interval(
    task: BenchmarkTask, name: str, scores: NDArray[np.float64], resamples: int, seed: int
) -> tuple[float, float]:
    if not resamples:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    y = task.labels(name)
    sizes = [graph.y.size for graph in task.parts[name]]
    graphs = np.split(np.arange(y.size), np.cumsum(sizes)[:-1])
    found = []
    for _ in range(resamples):
        if len(graphs) >= _LEAST_GRAPHS:
            drawn = rng.integers(0, len(graphs), len(graphs))
            nodes = np.concatenate([graphs[number] for number in drawn])
        else:
            nodes = rng.integers(0, y.size, y.size)
        found.append(_average_precision(y[nodes], scores[nodes]))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)
