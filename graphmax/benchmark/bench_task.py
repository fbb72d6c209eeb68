"""`load`: a task with its graphs, and the ceiling of each of its test sets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_graphs import LabelledGraph, digest_of, graphs_of, scaled_precision
from graphmax.benchmark.task_list import VERSION, TaskSpec, spec_of
from graphmax.shipped_data import dataset_path

if TYPE_CHECKING:
    from torch_geometric.data import Data

METRIC = "average precision"
RECORD = "peakbench/recorded.json"
SAMPLES = 800
_HALVES = 2


class Ceiling(NamedTuple):
    """The best average precision that any detector can have, its error, and how it is known."""

    value: float
    error: float
    source: str


@dataclass(frozen=True, eq=False, repr=False)
class BenchmarkTask:
    """A task of the benchmark.

    Parameters
    ----------
    spec : TaskSpec
        What it asks, and how its parts are made.
    parts : mapping of str to list of LabelledGraph
        ``train``, ``val`` and each test set.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> task = benchmark.load("noisy/first-order")
    >>> task
    BenchmarkTask('noisy/first-order', 60 graphs, test: noise-0.3, noise-1, noise-2, two-hops)
    >>> task.ceiling["noise-1"].value
    0.63271
    """

    spec: TaskSpec
    parts: Mapping[str, list[LabelledGraph]]

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.spec.name

    @property
    def metric(self) -> str:
        """What is compared with the ceiling."""
        return METRIC

    @cached_property
    def train(self) -> "list[Data]":
        """Graphs to learn from."""
        return _data(self.parts["train"])

    @cached_property
    def val(self) -> "list[Data]":
        """Graphs to choose by."""
        return _data(self.parts["val"])

    @cached_property
    def test(self) -> "dict[str, list[Data]]":
        """Graphs to be judged by, for each test set."""
        return {name: _data(self.parts[name]) for name in self.spec.test}

    @cached_property
    def budgets(self) -> "dict[int, list[Data]]":
        """The first training graphs that hold so many labelled nodes, for each budget."""
        held = np.cumsum([graph.y.size for graph in self.parts["train"]])
        return {
            budget: self.train[: int(np.searchsorted(held, budget)) + 1]
            for budget in self.spec.budgets
        }

    @cached_property
    def ceiling(self) -> dict[str, Ceiling]:
        """The ceiling of each test set: exact, or recorded where it takes long to compute."""
        return {name: self._ceiling_of(name) for name in self.spec.test}

    def _ceiling_of(self, test_set: str) -> Ceiling:
        if self.spec.attribute == "rule":
            return Ceiling(1.0, 0.0, "the exact rule on what is shown")
        if self.spec.attribute == "hidden":
            return Ceiling(1.0, 0.0, "the exact rule on the hidden function")
        recorded = _recorded(self.name)["ceilings"][test_set]
        samples = f"posterior from {_HALVES * SAMPLES} samples"
        return Ceiling(recorded["value"], recorded["error"], samples)

    def compute_ceiling(self, test_set: str, seed: int = 0) -> Ceiling:
        """Compute the ceiling of a test set of a noisy task again, from samples of one's own.

        Parameters
        ----------
        test_set : str
            Its name.
        seed : int, default 0
            Seed of the samples.

        Returns
        -------
        Ceiling
            The average precision of the exact posterior probability, and the spread of it between
            two halves of the samples.
        """
        from sklearn.metrics import average_precision_score

        y = self.labels(test_set)
        halves = np.stack(
            [self.posterior(test_set, _HALVES * seed + half) for half in range(_HALVES)]
        )
        whole = float(average_precision_score(y, halves.mean(axis=0)))
        spread = [float(average_precision_score(y, half)) for half in halves]
        error = float(np.std(spread) / np.sqrt(_HALVES))
        return Ceiling(whole, error, f"posterior from {_HALVES * SAMPLES} samples")

    def posterior(self, test_set: str, seed: int = 0) -> NDArray[np.float64]:
        """Return P(node is a maximum | what is shown) under the true model of a noisy task.

        Parameters
        ----------
        test_set : str
            Name of a test set.
        seed : int, default 0
            Seed of the samples.

        Returns
        -------
        float64 (nodes of the test set,)
            Probabilities.

        Raises
        ------
        ValueError
            If the task has no noise.
        """
        from graphmax.posterior import sample_probability

        if self.spec.attribute != "noisy":
            raise ValueError(f"`task` must be a noisy one to have a posterior, got {self.name!r}")
        part = self.spec.test[test_set]
        chances = []
        for number, (graph, x, _) in enumerate(self.parts[test_set]):
            precision, root = scaled_precision(graph, **self.spec.options)
            options = {"hops": part.hops, "samples": SAMPLES, "root": root}
            chances.append(
                sample_probability(
                    graph, x[:, 0], precision, part.noise, seed=1_000 * number + seed, **options
                )
            )
        return np.concatenate(chances)

    def labels(self, test_set: str) -> NDArray[np.bool_]:
        """Return the labels of all nodes of a test set, graph after graph."""
        return np.concatenate([graph.y for graph in self.parts[test_set]])

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 over edges and labels of each part."""
        return {name: digest_of(graphs) for name, graphs in self.parts.items()}

    @property
    def baselines(self) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Predictions that need no training: nothing, the degree, the rule on what is shown."""
        found: dict[str, dict[str, NDArray[np.float64]]] = {"constant": {}, "degree": {}}
        if self.spec.attribute != "hidden":
            found["rule on what is shown"] = {}
        for test_set, part in self.spec.test.items():
            graphs = self.parts[test_set]
            degree = np.concatenate([np.diff(graph.indptr) for graph, _, _ in graphs])
            found["constant"][test_set] = np.zeros(degree.size)
            found["degree"][test_set] = -degree.astype(np.float64)
            if self.spec.attribute != "hidden":
                found["rule on what is shown"][test_set] = _by_rule(graphs, part.hops)
        return found

    def __repr__(self) -> str:
        sets = ", ".join(self.spec.test)
        return f"BenchmarkTask({self.name!r}, {len(self.parts['train'])} graphs, test: {sets})"


def _by_rule(graphs: list[LabelledGraph], hops: int) -> NDArray[np.float64]:
    from graphmax.maxima import local_maxima

    masks = [local_maxima(graph, x[:, 0], hops) for graph, x, _ in graphs]
    return np.concatenate(masks).astype(np.float64)


def _data(graphs: list[LabelledGraph]) -> "list[Data]":
    import torch
    from torch_geometric.data import Data

    return [
        Data(
            x=torch.from_numpy(x),
            edge_index=graph.to_data().edge_index,
            y=torch.from_numpy(y),
        )
        for graph, x, y in graphs
    ]


def load(task: str) -> BenchmarkTask:
    """Make a task: its graphs, labels and test sets, the same on every machine.

    Parameters
    ----------
    task : str
        A name of `tasks`.

    Returns
    -------
    BenchmarkTask
        ``train`` and ``val``, lists of PyG ``Data``; ``test``, a list for each test set;
        ``ceiling`` of each test set, ``metric`` and ``baselines``.

    Raises
    ------
    ValueError
        If there is no such task (near names are listed), or its edges and labels are not those
        that were recorded.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> benchmark.load("hidden/quadratic").ceiling["same"]
    Ceiling(value=1.0, error=0.0, source='the exact rule on the hidden function')
    """
    spec = spec_of(task)
    named: Mapping[str, Any] = {"train": spec.train, "val": spec.val, **spec.test}
    made = BenchmarkTask(spec, {name: graphs_of(spec, name, part) for name, part in named.items()})
    recorded = _recorded(spec.name)["digests"]
    changed = [name for name, digest in made.digests.items() if digest != recorded[name]]
    if changed:
        raise ValueError(
            f"`task` must be made as it was recorded, got other edges or labels of {spec.name!r} "
            f"in {changed}; the generators of NumPy or graphmax have changed, so that results do "
            "not compare"
        )
    return made


def _recorded(name: str) -> dict[str, Any]:
    """Return what was recorded of a task when its version was made."""
    record = json.loads(dataset_path(RECORD).read_text())
    if record["version"] != VERSION:
        raise ValueError(f"`{RECORD}` must be of version {VERSION}, got {record['version']}")
    found: dict[str, Any] = record["tasks"][name]
    return found
