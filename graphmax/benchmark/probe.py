"""Graphs that show whether answers depend on other graphs, or on what is far away."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.labelled_graph import LabelledGraph
from graphmax.benchmark.task_graphs import labelled_graph
from graphmax.benchmark.task_list import HELD_OUT, Part, TaskSpec
from graphmax.graph import Graph
from graphmax.kernels.ball import ball

if TYPE_CHECKING:
    from graphmax.benchmark.bench_task import BenchmarkTask

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
