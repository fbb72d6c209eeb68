"""Real graphs and attributes that ship with packages, 30 % of the nodes labelled."""

import csv
import gzip
import importlib.util
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from graphmax.benchmark.labelled_graph import LabelledGraph, seeded
from graphmax.datasets.node_split import split_nodes
from graphmax.graph import Graph
from graphmax.grid import grid_graph
from graphmax.maxima import local_maxima
from graphmax.points import knn_graph
from graphmax.rule import Rule
from graphmax.shipped_data import dataset_path

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
