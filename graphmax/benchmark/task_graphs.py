"""The graphs of a task, made or real: each follows from the name of its task, part and number."""

import csv
import gzip
import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.task_list import VERSION, Part, TaskSpec
from graphmax.datasets.hard_examples import FAMILIES
from graphmax.datasets.labelled_graphs import split_nodes
from graphmax.edges import edge_maxima
from graphmax.generators import (
    HiddenAttribute,
    erdos_renyi,
    field_precision,
    gaussian_field,
    random_geometric,
)
from graphmax.graph import Graph
from graphmax.kernels.ball import ball
from graphmax.machine import dataset_path
from graphmax.maxima import local_maxima
from graphmax.rule import Rule
from graphmax.spatial import grid_graph, knn_graph


class LabelledGraph(NamedTuple):
    """A graph, what is shown of it, which nodes are maxima, and which of them are judged.

    What is shown is one row per node, for tasks of edges one per edge; a task of whole graphs has
    one label.
    """

    graph: Graph
    x: NDArray[np.float64]
    y: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def seeded(*words: Any) -> np.random.Generator:
    """Return a stream of random numbers of its own for words that name it."""
    text = "/".join(map(str, ("peakbench", VERSION, *words)))
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))


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


_LEAST = 4  # nodes of a ball


def centered_or_shifted(
    part: Part, number: int, rng: np.random.Generator
) -> tuple[Graph, NDArray[np.float64], bool]:
    """Return a small graph, its values in random order, and whether the highest is in the center.

    The center is the one node that is within the radius of every other; nothing else tells it.
    """
    kind, options = part.families[number % len(part.families)]
    centered = bool(rng.integers(2))
    make = _window if kind == "window" else _ball
    while True:
        graph, values, center = make(part.num_nodes, next(iter(options.values())), centered, rng)
        if center is not None and bool(values.argmax() == center) == centered:
            order = rng.permutation(graph.num_nodes)
            place = np.argsort(order)
            src, dst = graph.edges()
            moved = Graph.from_edges(place[src], place[dst], graph.num_nodes)
            return moved, values[order], centered


def _window(
    count: int, radius: int, centered: bool, rng: np.random.Generator
) -> tuple[Graph, NDArray[np.float64], int | None]:
    """Cut a window of uniform noise around a maximum, or beside one that stays inside."""
    side = round(count**0.5)
    image = rng.random((side, side))
    grid = grid_graph((side, side))
    inside = np.zeros((side, side), np.bool_)
    inside[2 * radius : -2 * radius, 2 * radius : -2 * radius] = True
    peaks = np.flatnonzero(local_maxima(grid, image, radius).ravel() & inside.ravel())
    if not peaks.size:
        return grid, image, None
    row, column = np.divmod(int(rng.choice(peaks)), side)
    if not centered:
        down, right = rng.integers(-radius, radius + 1, 2)
        row, column = row + down, column + right
    sides = slice(row - radius, row + radius + 1), slice(column - radius, column + radius + 1)
    width = 2 * radius + 1
    window = grid_graph((width, width))
    return Graph(window.indptr, window.indices), image[sides].ravel(), width * width // 2


def _ball(
    count: int, hops: int, centered: bool, rng: np.random.Generator
) -> tuple[Graph, NDArray[np.float64], int | None]:
    """Cut the ball of a maximum, or of a node near one, out of a random graph."""
    size = count // 4
    if rng.integers(2):
        graph = erdos_renyi(size, 5 / size, generator=rng)
    else:
        graph = random_geometric(size, (6 / (np.pi * size)) ** 0.5, generator=rng)
    values = rng.random(size)
    peaks = np.flatnonzero(local_maxima(graph, values, hops, isolated=False))
    root = int(rng.choice(peaks))
    if not centered:
        root = int(rng.choice(np.flatnonzero(_within(graph, root, hops))))
    mask = _within(graph, root, hops)
    cut = graph.subgraph(mask)
    if cut.num_nodes < _LEAST:
        return cut, values[mask], None
    return Graph(cut.indptr, cut.indices), values[mask], center_of(cut, hops)


def _within(graph: Graph, root: int, hops: int) -> NDArray[np.bool_]:
    nodes, *_ = ball((graph.indptr, graph.indices, None), np.array([root]), hops)
    near = np.zeros(graph.num_nodes, np.bool_)
    near[nodes] = True
    return near


def center_of(graph: Graph, hops: int) -> int | None:
    """Return the one node within so many hops of every other, None where there is not one."""
    step = np.eye(graph.num_nodes, dtype=np.int64)
    step[np.repeat(np.arange(graph.num_nodes), np.diff(graph.indptr)), graph.indices] = 1
    reach = np.linalg.matrix_power(step, hops) > 0
    found = np.flatnonzero(reach.all(axis=1))
    return int(found[0]) if found.size == 1 else None


SHARES = (0.2, 0.1, 0.7)  # training, validation, the rest
_SPLITS = {"train": 0, "val": 1}
_FEW = 300
_NEIGHBORS = 10
_TERRAIN = 100
Shown = tuple[Graph, NDArray[np.float64], NDArray[np.float64]]


def real_graph(task: str, split: str) -> LabelledGraph:
    """Return the graph of a task with the nodes of one part judged."""
    graph, x, values = _shown(task)
    part = _parts(graph, seeded(task, "split"))
    return LabelledGraph(graph, x, local_maxima(graph, values), part == _SPLITS.get(split, 2))


def _parts(graph: Graph, rng: np.random.Generator) -> NDArray[np.int64]:
    """Deal connected blocks of nodes; single nodes where a graph is too small for blocks."""
    if graph.num_nodes < _FEW:
        share = np.argsort(rng.permutation(graph.num_nodes)) / graph.num_nodes
        return np.searchsorted(np.cumsum(SHARES[:2]), share, side="right")
    parts = split_nodes(graph, Rule(), SHARES, generator=rng)
    return np.where(parts.train, 0, np.where(parts.validation, 1, 2))


@lru_cache(maxsize=1)
def _shown(task: str) -> Shown:
    graph, x, values = _MAKERS[task](seeded(task))
    spread = np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    return Graph(graph.indptr, graph.indices), (x - x.mean(axis=0)) / spread, values


def _digits(rng: np.random.Generator) -> Shown:
    """Density: minus the mean distance to the ten nearest; noise of a thousandth breaks ties."""
    from sklearn.datasets import load_digits

    pixels = load_digits().data.astype(np.float64)
    graph = knn_graph(pixels + 1e-3 * rng.standard_normal(pixels.shape), _NEIGHBORS)
    lengths = np.split(np.asarray(graph.weights), graph.indptr[1:-1])
    nearest = [np.sort(row)[:_NEIGHBORS].mean() for row in lengths]
    return graph, pixels, -np.array(nearest)


def _les_miserables(rng: np.random.Generator) -> Shown:
    """Show degree, core number and clustering; hide meetings per acquaintance."""
    del rng
    story = nx.convert_node_labels_to_integers(nx.les_miserables_graph(), ordering="sorted")
    src, dst = np.array(story.edges()).T
    graph = Graph.from_edges(src, dst, len(story))
    columns = (story.degree(), nx.core_number(story), nx.clustering(story))
    x = np.stack([[dict(each)[node] for node in range(len(story))] for each in columns], axis=1)
    meetings = dict(story.degree(weight="weight"))
    each = np.array([meetings[node] / story.degree(node) for node in range(len(story))])
    return graph, x.astype(np.float64), each


def _countries(rng: np.random.Generator) -> Shown:
    """Show logarithm of population, place and continent; hide the gross domestic product."""
    del rng
    world = nx.read_graphml(dataset_path("countries/countries.graphml"))
    names = sorted(world)
    with dataset_path("countries/places.csv").open(newline="", encoding="utf-8") as file:
        places = {row["id"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)}
    continents = sorted({world.nodes[name]["continent"] for name in names})
    x = [
        [np.log1p(world.nodes[name]["population"]), *places[name]]
        + [float(world.nodes[name]["continent"] == each) for each in continents]
        for name in names
    ]
    number = {name: i for i, name in enumerate(names)}
    src, dst = np.array([[number[u], number[v]] for u, v in world.edges()]).T
    values = np.array([world.nodes[name]["gdp"] for name in names], np.float64)
    return Graph.from_edges(src, dst, len(names)), np.array(x), values


def _terrain(rng: np.random.Generator) -> Shown:
    """Show heights blurred over five cells, and their slopes; noise below a tenth breaks ties."""
    from matplotlib.cbook import get_sample_data
    from scipy.ndimage import uniform_filter

    file: Any = get_sample_data("jacksboro_fault_dem.npz")
    with file:
        heights = file["elevation"][:_TERRAIN, :_TERRAIN].astype(np.float64)
    heights += rng.uniform(0, 0.1, heights.shape)
    blurred = uniform_filter(heights, 5)
    x = np.stack([blurred, *np.gradient(blurred), heights - uniform_filter(heights, 15)])
    x[3] = uniform_filter(x[3], 5)
    return grid_graph(heights.shape), x.reshape(4, -1).T, heights.ravel()


def _cortex(rng: np.random.Generator) -> Shown:
    """Show curvature, thickness and area of the left half of fsaverage5; hide its depth."""
    del rng
    lacking = [name for name in ("nilearn", "nibabel") if importlib.util.find_spec(name) is None]
    if lacking:
        raise ModuleNotFoundError(
            f"`real/cortex` must have nilearn and nibabel, got no {lacking[0]}; install them with "
            "pip install nilearn"
        )
    faces = _gifti("pial_left")[1].astype(np.int64)
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [0, 2]]]).T
    x = np.stack([_gifti(f"{name}_left")[0] for name in ("curv", "thick", "area")], axis=1)
    depth = _gifti("sulc_left")[0].astype(np.float64)
    return Graph.from_edges(pairs[0], pairs[1], len(depth)), x.astype(np.float64), -depth


def _gifti(name: str) -> list[NDArray[Any]]:
    """Read the arrays of a file that nilearn ships, without importing all of it."""
    import nibabel

    spec = importlib.util.find_spec("nilearn")
    places = [] if spec is None else spec.submodule_search_locations or []
    path = Path(next(iter(places))) / "datasets" / "data" / "fsaverage5" / f"{name}.gii.gz"
    image = nibabel.gifti.GiftiImage.from_bytes(gzip.decompress(path.read_bytes()))
    return [np.asarray(array.data) for array in image.darrays]


_MAKERS: Mapping[str, Callable[[np.random.Generator], Shown]] = {
    "real/digits": _digits,
    "real/les-miserables": _les_miserables,
    "real/countries": _countries,
    "real/terrain": _terrain,
    "real/cortex": _cortex,
}
