"""The best that any detector can have on a test set: exact, in closed form, or from samples."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.figures import PERFECT, Figures, figures_of
from graphmax.benchmark.labelled_graph import LabelledGraph
from graphmax.benchmark.task_graphs import MOST_HOPS, scaled_precision
from graphmax.benchmark.task_list import Part
from graphmax.benchmark.task_parts import recorded
from graphmax.maxima import local_maxima

if TYPE_CHECKING:
    from graphmax.benchmark.bench_task import BenchmarkTask

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
    from graphmax.benchmark.figures import judged_graphs

    return figures_of(judged_graphs(task, test_set, scores))
