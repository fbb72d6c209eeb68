"""The graphs of a task: each follows from the name of its task, its part and its number."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.centered_windows import centered_or_shifted
from graphmax.benchmark.labelled_graph import LabelledGraph, seeded
from graphmax.benchmark.real_graphs import real_graph
from graphmax.benchmark.task_list import Part, TaskSpec
from graphmax.datasets.families import FAMILIES
from graphmax.edges import edge_maxima
from graphmax.generators import HiddenAttribute, field_precision, gaussian_field
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.rule import Rule

MOST_HOPS = 4


def graphs_of(spec: TaskSpec, split: str, part: Part) -> list[LabelledGraph]:
    """Make the graphs of one part of a task."""
    return [labelled_graph(spec, split, part, number) for number in range(part.graphs)]


def labelled_graph(spec: TaskSpec, split: str, part: Part, number: int) -> LabelledGraph:
    """Make one graph of a part."""
    rng = seeded(spec.name, split, number)
    if spec.attribute == "real":
        return real_graph(spec.name, split)
    if spec.attribute == "windows":
        graph, shown, y = centered_or_shifted(part, number, rng)
        shown = changed(shown, part.values)
        return LabelledGraph(graph, shown[:, None], np.array([y]), np.ones(1, np.bool_))
    graph = drawn_graph(part, number, rng)
    if spec.attribute == "unknown":
        return _with_shown_labels(graph, part, number, rng)
    if spec.attribute == "edges":
        weights = changed(rng.standard_normal(graph.num_edges), part.values)
        return _all_judged(graph, weights[:, None], edge_maxima(graph, weights))
    x, values = _attribute(spec, part, graph, rng)
    return _all_judged(graph, x, local_maxima(graph, values, rule=Rule(part.hops)))


def drawn_graph(part: Part, number: int, rng: np.random.Generator) -> Graph:
    """Draw a graph of the family whose turn it is, without weights and positions."""
    family, options = part.families[number % len(part.families)]
    drawn = FAMILIES[family].make(part.num_nodes, **options, rng=rng)
    return Graph(drawn.indptr, drawn.indices)


def _all_judged(graph: Graph, x: NDArray[np.float64], y: NDArray[np.bool_]) -> LabelledGraph:
    return LabelledGraph(graph, x, y, np.ones(y.size, np.bool_))


def _with_shown_labels(
    graph: Graph, part: Part, number: int, rng: np.random.Generator
) -> LabelledGraph:
    """Show values, whether a label is shown (1 or 0), and the label, which may be wrong."""
    hops, values = int(rng.integers(1, MOST_HOPS + 1)), rng.standard_normal(graph.num_nodes)
    y = local_maxima(graph, values, hops)
    shown = rng.permutation(graph.num_nodes) < graph.num_nodes // 2
    wrong = rng.random(graph.num_nodes) < part.flipped[number % len(part.flipped)]
    x = np.stack([values, shown, (y ^ wrong) & shown], axis=1).astype(np.float64)
    return LabelledGraph(graph, x, y, ~shown)


def _attribute(
    spec: TaskSpec, part: Part, graph: Graph, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is shown and what the question is about."""
    count = graph.num_nodes
    if spec.options.get("kind") == "neighborhood":
        return _of_neighbors(spec, part, graph, rng)
    if spec.attribute == "hidden":
        f = HiddenAttribute.draw(**spec.options, generator=seeded(spec.name, "function"))
        x = f.features(count, generator=rng) + part.shift
        return x, f(x)
    if spec.attribute == "noisy":
        values = gaussian_field(graph, **spec.options, generator=rng)
        values = values / field_scale(graph, **spec.options)
        return (values + part.noise * rng.standard_normal(count))[:, None], values
    values = changed(rng.standard_normal(count), part.values)
    return values[:, None], values


def _of_neighbors(
    spec: TaskSpec, part: Part, graph: Graph, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return features, and f of one's own plus the mean of g over those of the neighbors."""
    size = {"kind": "quadratic", "num_features": spec.options["num_features"]}
    f, g = (
        HiddenAttribute.draw(**size, generator=seeded(spec.name, word)) for word in ("own", "other")
    )
    x = f.features(graph.num_nodes, generator=rng) + part.shift
    rows = np.repeat(np.arange(graph.num_nodes), np.diff(graph.indptr))
    sums = np.bincount(rows, g(x)[graph.indices], graph.num_nodes)
    return x, f(x) + sums / np.maximum(np.diff(graph.indptr), 1)


def changed(values: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    """Return the values as a test set shows them."""
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
        if not each.judged.all():
            digest.update(np.packbits(each.judged).tobytes())
    return digest.hexdigest()
