"""`load`: a task with its graphs, the ceiling of each of its test sets, and a probe of locality."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_graphs import LabelledGraph, labelled_graph
from graphmax.benchmark.task_list import HELD_OUT, Part, TaskSpec, spec_of
from graphmax.benchmark.task_parts import (
    Ceiling,
    LazyMapping,
    TaskParts,
    ceilings_of,
    compute_ceilings,
    posterior_of,
    untrained_baselines,
)
from graphmax.graph import Graph
from graphmax.kernels.ball import ball

if TYPE_CHECKING:
    from torch_geometric.data import Data


RADIUS = 12
_NODES = 1_200
_ROOTS = 20
_PART = Part(2, _NODES, HELD_OUT[:1])
_ASKED = ("rule", "hidden", "noisy")
TOLERANCE = 1e-3


class Probed(NamedTuple):
    """The largest change of a score, as a share of their standard deviation.

    ``union``: side by side with another graph as one graph. ``locality``: cut out with the ball of
    12 hops. Above 1e-3 a test has failed.
    """

    union: float
    locality: float

    @property
    def failed(self) -> list[str]:
        """The tests that failed: ``disjoint union``, ``locality``."""
        names = ("disjoint union", "locality")
        return [name for name, change in zip(names, self, strict=True) if not change <= TOLERANCE]


def probe_graphs(spec: TaskSpec) -> list[LabelledGraph]:
    """Return two graphs, both as one, and balls of the first; none where it is not asked."""
    if spec.attribute not in _ASKED:
        return []
    one, two = (labelled_graph(spec, "probe", _PART, number) for number in range(2))
    return [one, two, _union(one, two), *(_cut(one, root) for root in _roots(one))]


def probed(task: "BenchmarkTask", scores: NDArray[np.float64]) -> Probed:
    """Compare the scores of the probe's graphs, given one after the other."""
    graphs = probe_graphs(task.spec)
    parts = np.split(scores, np.cumsum([each.y.size for each in graphs])[:-1])
    spread = max(float(parts[0].std()), 1e-12)
    with np.errstate(invalid="ignore"):
        union = np.abs(np.concatenate(parts[:2]) - parts[2])
        roots, cut = _roots(graphs[0]), zip(_roots(graphs[0]), parts[3:], strict=True)
        inside = [part[np.searchsorted(_ball(graphs[0].graph, root), root)] for root, part in cut]
        local = np.abs(parts[0][roots] - np.array(inside))
    return Probed(float(np.nanmax(union) / spread), float(np.nanmax(local) / spread))


def _roots(one: LabelledGraph) -> NDArray[np.int64]:
    return np.linspace(0, one.graph.num_nodes - 1, _ROOTS).astype(np.int64)


def _ball(graph: Graph, root: int) -> NDArray[np.int64]:
    nodes, *_ = ball((graph.indptr, graph.indices, None), np.array([root]), RADIUS)
    return np.sort(nodes)


def _cut(one: LabelledGraph, root: int) -> LabelledGraph:
    nodes = _ball(one.graph, int(root))
    mask = np.zeros(one.graph.num_nodes, np.bool_)
    mask[nodes] = True
    inner = one.graph.subgraph(mask)
    near = Graph(inner.indptr, inner.indices)
    return LabelledGraph(near, one.x[nodes], one.y[nodes], one.judged[nodes])


def _union(one: LabelledGraph, two: LabelledGraph) -> LabelledGraph:
    first, second = one.graph, two.graph
    indptr = np.concatenate([first.indptr, first.indptr[-1] + second.indptr[1:]])
    indices = np.concatenate([first.indices, second.indices + first.num_nodes])
    return LabelledGraph(
        Graph(indptr, indices),
        np.concatenate([one.x, two.x]),
        np.concatenate([one.y, two.y]),
        np.concatenate([one.judged, two.judged]),
    )


_MASKS = {"train": "train_mask", "val": "val_mask"}


@dataclass(frozen=True, eq=False, repr=False)
class BenchmarkTask:
    """A task of the benchmark.

    Parameters
    ----------
    spec : TaskSpec
        What it asks, and how its parts are made.
    parts : mapping of str to list of LabelledGraph
        ``train``, ``val``, each test set, and other levels; each is made when it is asked for.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> task = benchmark.load("noisy/first-order")
    >>> task
    BenchmarkTask('noisy/first-order', 60 graphs, test: noise-0.3, noise-1, noise-2, two-hops)
    >>> task.ceiling["noise-1"].value
    0.61026
    """

    spec: TaskSpec
    parts: Mapping[str, list[LabelledGraph]]

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.spec.name

    @property
    def metric(self) -> str:
        """What is compared with the ceiling first: ``average_precision`` or ``f1``."""
        return self.spec.metric

    @property
    def unit(self) -> str:
        """What gets a score: each ``node``, each ``edge``, or each ``graph``."""
        return self.spec.unit

    @cached_property
    def train(self) -> "list[Data]":
        """Graphs to learn from."""
        return self._data("train")

    @cached_property
    def val(self) -> "list[Data]":
        """Graphs to choose by."""
        return self._data("val")

    @cached_property
    def test(self) -> "Mapping[str, list[Data]]":
        """Graphs to be judged by, for each test set; made when one is asked for."""
        return LazyMapping(self.spec.test, self._data)

    @cached_property
    def budgets(self) -> "dict[int, list[Data]]":
        """The first training graphs that hold so many labelled nodes, for each budget."""
        held = np.cumsum([graph.y.size for graph in self.parts["train"]])
        return {
            budget: self.train[: int(np.searchsorted(held, budget)) + 1]
            for budget in self.spec.budgets
        }

    @cached_property
    def difficulty(self) -> "Mapping[str, tuple[list[Data], list[Data]]]":
        """Training and validation graphs of each level, for the same test sets.

        ``easy`` is `train` and `val` themselves, of six families; ``medium`` has three of them,
        ``hard`` one (Erdos-Renyi). Empty where a task has no levels.
        """
        names = ("easy", *self.spec.levels) if self.spec.levels else ()
        return LazyMapping(names, self._level)

    def _level(self, name: str) -> "tuple[list[Data], list[Data]]":
        if name == "easy":
            return self.train, self.val
        return self._data(f"train-{name}"), self._data(f"val-{name}")

    @cached_property
    def probe(self) -> "list[Data]":
        """Graphs that show whether answers depend on other graphs or on what is far away.

        Two graphs, both side by side as one graph, and the balls of 20 nodes of the first. Scores
        for them, given to `evaluate` as ``"probe"``, are tested; empty where that is not asked.
        """
        return [as_data(each, "probe", self.unit) for each in probe_graphs(self.spec)]

    @cached_property
    def ceiling(self) -> Mapping[str, Ceiling]:
        """The ceiling of the metric for each test set: exact, or recorded from samples."""
        return LazyMapping(self.spec.test, lambda name: self.ceilings(name)[self.metric])

    def ceilings(self, test_set: str) -> dict[str, Ceiling]:
        """Return the best that is possible on a test set, for each metric."""
        return ceilings_of(self, test_set)

    def compute_ceilings(self, test_set: str, seed: int = 0) -> dict[str, Ceiling]:
        """Compute the ceilings of a test set of a noisy task again, from samples of one's own.

        Parameters
        ----------
        test_set : str
            Its name.
        seed : int, default 0
            Seed of the samples.

        Returns
        -------
        dict of str to Ceiling
            For each metric that of the exact posterior probability, and its Monte-Carlo error.
        """
        return compute_ceilings(self, test_set, seed)

    def posterior(self, test_set: str, seed: int = 0) -> NDArray[np.float64]:
        """Return P(node is a maximum | what is shown) under the true model.

        Parameters
        ----------
        test_set : str
            Name of a test set.
        seed : int, default 0
            Seed of the samples of a noisy task.

        Returns
        -------
        float64 (nodes of the test set,)
            Probabilities: sampled in a noisy task, in closed form where the hops are unknown.

        Raises
        ------
        ValueError
            If the task has neither noise nor unknown hops.
        """
        return posterior_of(self, test_set, seed)

    def labels(self, part: str) -> NDArray[np.bool_]:
        """Return the labels of all that gets a score in a part, graph after graph."""
        return np.concatenate([graph.y for graph in self.parts[part]])

    def judged(self, part: str) -> NDArray[np.bool_]:
        """Return which of these count."""
        return np.concatenate([graph.judged for graph in self.parts[part]])

    @cached_property
    def base_rate(self) -> float:
        """The share of maxima among the training labels."""
        return float(self.labels("train")[self.judged("train")].mean())

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 over edges and labels of each part, as recorded and checked."""
        return self.parts.digests if isinstance(self.parts, TaskParts) else {}

    @property
    def baselines(self) -> Mapping[str, dict[str, NDArray[np.float64]]]:
        """Predictions that need no training: nothing, the degree, the rule on what is shown."""
        return untrained_baselines(self)

    def _data(self, part: str) -> "list[Data]":
        return [as_data(each, part, self.unit) for each in self.parts[part]]

    def __repr__(self) -> str:
        sets = ", ".join(self.spec.test)
        return f"BenchmarkTask({self.name!r}, {self.spec.train.graphs} graphs, test: {sets})"


def as_data(each: LabelledGraph, part: str, unit: str) -> "Data":
    """Return a graph of a task as PyG ``Data``."""
    import torch
    from torch_geometric.data import Data

    x, y = torch.from_numpy(each.x), torch.from_numpy(each.y)
    data = Data(edge_index=each.graph.to_data().edge_index, y=y)
    data.num_nodes = each.graph.num_nodes
    if unit == "edge":
        data.edge_label_index = torch.from_numpy(np.ascontiguousarray(each.graph.edges()))
        data.edge_label_attr = x
    else:
        data.x = x
    if not each.judged.all():
        data[_MASKS.get(part, "test_mask")] = torch.from_numpy(each.judged)
    return data


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
    ModuleNotFoundError
        If a package is lacking whose data ``real/cortex`` is made of.

    Notes
    -----
    What was made is kept as ``.npz`` files in the folder that ``GRAPHMAX_CACHE`` names, by default
    ``~/.cache/graphmax``, and checked again whenever it is read. Nothing is downloaded. The test
    set ``size-1m`` and the levels of difficulty are made when they are asked for.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> benchmark.load("hidden/quadratic").ceiling["same"]
    Ceiling(value=1.0, error=0.0, source='the exact rule on the hidden function')
    """
    spec = spec_of(task)
    parts = TaskParts(spec)
    parts.make_all()
    return BenchmarkTask(spec, parts)


def loaded(task: "str | BenchmarkTask") -> BenchmarkTask:
    """Return a task that is given by its name or itself."""
    return load(task) if isinstance(task, str) else task
