"""The metrics of a test set, from the labels and scores of what is judged."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from graphmax.benchmark.bench_task import BenchmarkTask

Figures = dict[str, float]

PERFECT: Figures = {
    "average_precision": 1.0, "f1": 1.0, "exact_graphs": 1.0, "log_loss": 0.0, "calibration": 0.0,
}  # fmt: skip
LOSSES = ("log_loss", "calibration")
_BINS = 15


class JudgedGraphs(NamedTuple):
    """Labels and scores of all that counts in a test set, and the graph of each."""

    y: NDArray[np.bool_]
    scores: NDArray[np.float64]
    graph: NDArray[np.int64]

    def taken(self, where: NDArray[np.int64]) -> "JudgedGraphs":
        """Return those at these places."""
        return JudgedGraphs(self.y[where], self.scores[where], self.graph[where])


def judged_graphs(
    task: "BenchmarkTask", test_set: str, scores: NDArray[np.float64]
) -> JudgedGraphs:
    """Leave out what is not judged."""
    sizes = [each.y.size for each in task.parts[test_set]]
    where = task.judged(test_set)
    graph = np.repeat(np.arange(len(sizes)), sizes)
    return JudgedGraphs(task.labels(test_set)[where], scores[where], graph[where])


def figures_of(judged: JudgedGraphs) -> Figures:
    """Return every metric; those of probabilities only where the scores are some.

    Probabilities above 1/2 are a yes, other scores (logits, margins) above 0.
    """
    y, scores, graph = judged
    chances = bool(scores.size and scores.min() >= 0 and scores.max() <= 1)
    yes = scores > (0.5 if chances else 0.0)
    wrong = np.bincount(graph, y != yes)
    found = {
        "average_precision": average_precision(y, scores),
        "f1": _f1(y, yes),
        "exact_graphs": float((wrong[np.unique(graph)] == 0).mean()),
    }
    if chances:
        chance = np.clip(np.where(y, scores, 1 - scores), 1e-15, 1)
        found["log_loss"] = float(0.0 - np.log(chance).mean())
        found["calibration"] = calibration_error(y, scores)
    return found


def average_precision(y: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the area under the precision-recall curve, NaN where nothing is a maximum."""
    positives = int(y.sum())
    if not positives:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(y[order])
    ranked = scores[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), scores.size - 1)  # ties together
    gained = np.diff(hits[last], prepend=0)
    return float((gained * (hits[last] / (last + 1))).sum() / positives)


def calibration_error(y: NDArray[np.bool_], chances: NDArray[np.float64]) -> float:
    """Return the expected calibration error over 15 bins of equal width."""
    place = np.minimum((chances * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(place, chances - y, _BINS)
    return float(np.abs(gaps).sum() / y.size)


def _f1(y: NDArray[np.bool_], yes: NDArray[np.bool_]) -> float:
    both = int(y.sum() + yes.sum())
    return float(2 * (y & yes).sum() / both) if both else 1.0
