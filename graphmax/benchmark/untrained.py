"""What an entry answers on a task, and the entries that need no training."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_graphs import LabelledGraph, center_of
from graphmax.benchmark.task_parts import LazyMapping
from graphmax.edges import edge_maxima
from graphmax.maxima import local_maxima

if TYPE_CHECKING:
    from graphmax.benchmark.bench_task import BenchmarkTask


class Played(NamedTuple):
    """Predictions of each seed, number of parameters, trials that were made, what was chosen."""

    predictions: list[dict[str, NDArray[np.float64]]]
    parameters: int
    trials: int
    chosen: dict[str, Any]


Scores = NDArray[np.float64]
RULE = "rule on what is shown"


def untrained_baselines(task: "BenchmarkTask") -> LazyMapping[dict[str, Scores]]:
    """Return the predictions of each, for every test set that is not optional."""
    makers = {"constant": _constant, "degree": _degree}
    if task.spec.attribute not in ("hidden", "real"):
        makers[RULE] = _rule
    return LazyMapping(makers, lambda name: predictions(task, makers[name]))


def predictions(
    task: "BenchmarkTask", score: Callable[["BenchmarkTask", str, LabelledGraph], Scores]
) -> dict[str, Scores]:
    """Score every graph of each test set that is not optional."""
    return {
        name: np.concatenate([score(task, name, each) for each in task.parts[name]])
        for name, part in task.spec.test.items()
        if not part.optional
    }


def _constant(task: "BenchmarkTask", name: str, each: LabelledGraph) -> Scores:
    del name
    return np.full(each.y.size, task.base_rate)


def _degree(task: "BenchmarkTask", name: str, each: LabelledGraph) -> Scores:
    del name
    degree = np.diff(each.graph.indptr).astype(np.float64)
    if task.unit == "graph":
        return np.array([-degree.mean()])
    return -degree if task.unit == "node" else -degree[each.graph.edges()].sum(axis=0)


def _rule(task: "BenchmarkTask", name: str, each: LabelledGraph) -> Scores:
    shown = each.x[:, 0]
    if task.unit == "edge":
        return np.asarray(edge_maxima(each.graph, shown), np.float64)
    if task.unit == "graph":
        return np.array([_center_is_highest(each, shown)], np.float64)
    hops = task.spec.test[name].hops
    return np.asarray(local_maxima(each.graph, shown, hops), np.float64)


def _center_is_highest(each: LabelledGraph, shown: Scores) -> bool:
    center = center_of(each.graph, 1)
    center = center_of(each.graph, 2) if center is None else center
    return center is not None and int(shown.argmax()) == center
