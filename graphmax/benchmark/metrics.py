"""The metrics of a test set, and the best that any detector can have there.

Ceilings are exact, in closed form, or from samples of the posterior.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_graphs import MOST_HOPS, LabelledGraph, scaled_precision
from graphmax.benchmark.task_list import Part
from graphmax.benchmark.task_parts import recorded
from graphmax.maxima import local_maxima

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


SAMPLES = 800
_HALVES = 2
_SAMPLED = f"posterior from {_HALVES * SAMPLES} samples"
_SOURCES = {
    "rule": "the exact rule on what is shown",
    "edges": "the exact rule on what is shown",
    "windows": "the exact rule on what is shown",
    "hidden": "the exact rule on the hidden function",
    "real": "a bound: the exact rule on the hidden attribute",
}


class Ceiling(NamedTuple):
    """The best value of a metric that any detector can have, its error, and how it is known."""

    value: float
    error: float
    source: str


def ceilings_of(task: "BenchmarkTask", test_set: str) -> dict[str, Ceiling]:
    """Return the ceiling of each metric."""
    kind = task.spec.attribute
    if kind in _SOURCES:
        return {name: Ceiling(value, 0.0, _SOURCES[kind]) for name, value in PERFECT.items()}
    if kind == "unknown":
        source = "posterior over the hops in closed form"
        exact = _figures(task, test_set, posterior_of(task, test_set))
        return {name: Ceiling(value, 0.0, source) for name, value in exact.items()}
    found: Mapping[str, Any] = recorded(task.name)["ceilings"][test_set]
    return {name: Ceiling(each["value"], each["error"], _SAMPLED) for name, each in found.items()}


def compute_ceilings(task: "BenchmarkTask", test_set: str, seed: int = 0) -> dict[str, Ceiling]:
    """Compute the ceilings of a noisy task again, from samples of one's own.

    The error of each is the spread between two halves of the samples, over the root of two.
    """
    halves = np.stack([posterior_of(task, test_set, _HALVES * seed + i) for i in range(_HALVES)])
    return summary_of_halves(task, test_set, halves)


def summary_of_halves(
    task: "BenchmarkTask", test_set: str, halves: NDArray[np.float64]
) -> dict[str, Ceiling]:
    """Return the metrics of the mean of the halves, and their spread."""
    whole = _figures(task, test_set, halves.mean(axis=0))
    each = [_figures(task, test_set, half) for half in halves]
    return {
        name: Ceiling(value, float(np.std([one[name] for one in each]) / _HALVES**0.5), _SAMPLED)
        for name, value in whole.items()
    }


def posterior_of(task: "BenchmarkTask", test_set: str, seed: int = 0) -> NDArray[np.float64]:
    """Return P(maximum | what is shown) for every node of a test set."""
    part = task.spec.test[test_set]
    if task.spec.attribute == "unknown":
        share = part.flipped[0]
        return np.concatenate([_over_hops(each, share) for each in task.parts[test_set]])
    if task.spec.attribute != "noisy":
        raise ValueError(
            "`task` must be a noisy one, or of unknown hops, to have a posterior, "
            f"got {task.name!r}"
        )
    chances = [
        _of_noise(task, part, each, 1_000 * number + seed)
        for number, each in enumerate(task.parts[test_set])
    ]
    return np.concatenate(chances)


def _of_noise(
    task: "BenchmarkTask", part: Part, each: LabelledGraph, seed: int
) -> NDArray[np.float64]:
    from graphmax.posterior import sample_probability

    precision, root = scaled_precision(each.graph, **task.spec.options)
    options = {"hops": part.hops, "samples": SAMPLES, "root": root, "seed": seed}
    return sample_probability(each.graph, each.x[:, 0], precision, part.noise, **options)


def _over_hops(each: LabelledGraph, flipped: float) -> NDArray[np.float64]:
    """Weigh the answer of each radius by how well it explains the labels that are shown."""
    values, shown, label = each.x.T
    answers = np.stack([local_maxima(each.graph, values, k + 1) for k in range(MOST_HOPS)])
    wrong = ((answers != (label > 0)) & (shown > 0)).sum(axis=1)
    odds = np.log(max(flipped, 1e-9)) - np.log1p(-max(flipped, 1e-9))
    weight = np.exp((wrong - wrong.min()) * odds)
    chances: NDArray[np.float64] = weight @ answers / weight.sum()
    return np.minimum(chances, 1)  # a sum may be above by a rounding


def _figures(task: "BenchmarkTask", test_set: str, scores: NDArray[np.float64]) -> Figures:

    return figures_of(judged_graphs(task, test_set, scores))
