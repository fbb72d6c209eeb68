"""The graphs of a task: each follows from the name of its task, its part and its number."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_list import VERSION, Part, TaskSpec
from graphmax.datasets.families import FAMILIES
from graphmax.generators import HiddenAttribute, field_precision, gaussian_field
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.rule import Rule


class LabelledGraph(NamedTuple):
    """A graph, what is shown of it (num_nodes, F), and which nodes are maxima."""

    graph: Graph
    x: NDArray[np.float64]
    y: NDArray[np.bool_]


def graphs_of(spec: TaskSpec, split: str, part: Part) -> list[LabelledGraph]:
    """Make the graphs of one part of a task."""
    return [_labelled(spec, split, part, number) for number in range(part.graphs)]


def _seed(*words: Any) -> np.random.Generator:
    """Return a stream of random numbers of its own for words that name it."""
    text = "/".join(map(str, ("peakbench", VERSION, *words)))
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))


def _labelled(spec: TaskSpec, split: str, part: Part, number: int) -> LabelledGraph:
    rng = _seed(spec.name, split, number)
    family, options = part.families[number % len(part.families)]
    drawn = FAMILIES[family].make(part.num_nodes, **options, rng=rng)
    graph = Graph(drawn.indptr, drawn.indices)  # without weights and positions: nobody uses them
    x, values = _attribute(spec, part, graph, rng)
    return LabelledGraph(graph, x, local_maxima(graph, values, rule=Rule(part.hops)))


def _attribute(
    spec: TaskSpec, part: Part, graph: Graph, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is shown and what the question is about."""
    count = graph.num_nodes
    if spec.attribute == "hidden":
        f = HiddenAttribute.draw(**spec.options, generator=_seed(spec.name, "function"))
        x = f.features(count, generator=rng) + part.shift
        return x, f(x)
    if spec.attribute == "noisy":
        values = gaussian_field(graph, **spec.options, generator=rng)
        values = values / field_scale(graph, **spec.options)
        return (values + part.noise * rng.standard_normal(count))[:, None], values
    values = _changed(rng.standard_normal(count), part.values)
    return values[:, None], values


def _changed(values: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    if how == "shifted":
        return values + 1e4
    if how == "scaled":
        return values * 1e-3
    if how == "monotone":
        return np.exp(3 * values)
    if how == "near-ties":
        return 1 + 1e-3 * np.argsort(np.argsort(values)) / 10
    if how == "quantized":
        return np.round(2 * values)
    return values


def field_scale(graph: Graph, kappa: float, order: int) -> float:
    """Return a typical standard deviation of a field, so that noise of 1 means noise as large."""
    degree = 2 * graph.num_edges / max(graph.num_nodes, 1)
    return float((kappa**2 + degree) ** (-order / 2))


def scaled_precision(graph: Graph, kappa: float, order: int) -> tuple[Any, Any]:
    """Return the precision of the field as the task shows it, and a root of it."""
    scale = field_scale(graph, kappa, order)
    once = field_precision(graph, kappa)
    if order == 1:
        return once * scale**2, None
    return (once @ once) * scale**2, once * scale


def digest_of(graphs: list[LabelledGraph]) -> str:
    """Return a SHA-256 over edges and labels."""
    digest = hashlib.sha256()
    for each in graphs:
        digest.update(each.graph.edges().astype("<i8").tobytes())
        digest.update(np.packbits(each.y).tobytes())
    return digest.hexdigest()
