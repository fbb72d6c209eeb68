"""`load` and `export`: a task with its graphs and ceilings, its card and its tables."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import write_atomically
from graphmax.benchmark.task_graphs import LabelledGraph, labelled_graph
from graphmax.benchmark.task_list import HELD_OUT, VERSION, Part, TaskSpec, spec_of
from graphmax.benchmark.task_parts import (
    Ceiling,
    LazyMapping,
    TaskParts,
    ceilings_of,
    compute_ceilings,
    posterior_of,
    untrained_baselines,
)
from graphmax.files import write_table
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


# --- A task for people and other tools: its card, Parquet tables and a Croissant description


class About(NamedTuple):
    """What is shown and hidden in a kind of task, and what fails there."""

    shown: str
    hidden: str
    fails: str


ABOUT = {
    "rule": About(
        "the attribute, one column of `x`",
        "nothing: the rule could be written down",
        "Networks on raw values when all values are shifted: what they learned to compare is not "
        "there. On ranks they survive, but a rank changes with every other graph beside it. At two "
        "hops a network that cannot leave a node out of its own maximum.",
    ),
    "hidden": About(
        "eight independent features of each node",
        "the attribute, one function of the features for all graphs of the task",
        "Whoever has no graph: the highest values of all are known, not who stands beside them. At "
        "degree 30 small errors of the function decide among 30 rivals.",
    ),
    "noisy": About(
        "a Gaussian field plus noise, whose sizes are not told; training shows noise 1 and one hop",
        "the field itself",
        "The rule on what is shown: noise makes maxima. Detectors that learned one size of noise, "
        "at noise .3 and 2; all that compare with neighbors alone, at two hops.",
    ),
    "unknown": About(
        "the attribute, which nodes have a label, and the label: three columns of `x`",
        "the hops, 1 to 4, one number for each graph, and which labels are wrong",
        "Networks that cannot find out from the labels of a graph how far that graph looks.",
    ),
    "edges": About(
        "the weight of each edge (`edge_label_attr`, in the order of `edge_label_index`)",
        "nothing: the rule could be written down",
        "Networks on the line graph: the rule also looks at edges between the neighbors of both "
        "ends. Raw values that are shifted.",
    ),
    "windows": About(
        "a graph of pixels, or a ball around a node, its rows in random order; the attribute",
        "where the center is",
        "Networks that answer with the highest value, wherever it is: the center can be told from "
        "the adjacency alone, as the node that is nearest to all others.",
    ),
    "real": About(
        "features and structure of one real graph, and 30 % of the labels",
        "the attribute that the labels were made of",
        "Nearly everybody where the features say little of the attribute: one graph, few maxima "
        "among its labels. A test of what is learned from little, with wide intervals.",
    ),
}


def card_of(task: str | BenchmarkTask) -> str:
    """Write the card of a task.

    Parameters
    ----------
    task : str or BenchmarkTask
        The task, or its name. Test sets that are not optional are made.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> print(benchmark.card_of("real/countries").splitlines()[0])
    # real/countries
    """
    made = loaded(task)
    about = ABOUT[made.spec.attribute]
    return "\n".join([
        f"# {made.name}",
        "",
        made.spec.about,
        "",
        f"- Shown: {about.shown}.",
        f"- Hidden: {about.hidden}.",
        f"- Asked: a score for each {made.unit} that is judged. Metric: {made.metric}.",
        f"- Ceiling: {made.ceiling[next(iter(made.spec.test))].source}.",
        f"- Fails: {about.fails}",
        f"- Version {VERSION}: the names of the task and of its test sets are frozen.",
        "",
        f"| part | graphs | nodes | judged {made.unit}s | maxima among them | ceiling |",
        "|---|---|---|---|---|---|",
        *_lines(made),
        "",
    ])  # fmt: skip


def _lines(task: BenchmarkTask) -> Iterator[str]:
    shown = {"train": task.spec.train, "val": task.spec.val, **task.spec.test}
    for name, part in shown.items():
        yield _optional_line(name, part) if part.optional else _line(task, name)


def _line(task: BenchmarkTask, name: str) -> str:
    graphs, judged = task.parts[name], task.judged(name)
    nodes = sum(each.graph.num_nodes for each in graphs)
    counts = f"{len(graphs)} | {nodes:,} | {judged.sum():,} | {task.labels(name)[judged].sum():,}"
    if name not in task.spec.test:
        return f"| {name} | {counts} | |"
    ceiling = task.ceiling[name]
    error = f" ± {ceiling.error:.4f}" if ceiling.error else ""
    return f"| {name} | {counts} | {ceiling.value:.4f}{error} |"


def _optional_line(name: str, part: Part) -> str:
    return f"| {name} (made on demand) | {part.graphs} | {part.graphs * part.num_nodes:,} | | | |"


_LABELS = ("y", "judged")
_TYPES = {"i": "sc:Integer", "f": "sc:Float", "b": "sc:Boolean"}


def export(task: str | BenchmarkTask, folder: str | os.PathLike[str]) -> Path:
    """Write a task as Parquet tables and a Croissant description (JSON-LD).

    Parameters
    ----------
    task : str or BenchmarkTask
        The task, or its name.
    folder : str or path
        Where to; it is made if need be.

    Returns
    -------
    pathlib.Path
        The description, ``croissant.json``. Beside it lie ``<part>.nodes.parquet`` (graph, node,
        x0, x1, ...) and ``<part>.edges.parquet`` (graph, src, dst; each undirected edge once) for
        ``train``, ``val`` and each test set that is not optional. Labels ``y``, and ``judged``
        (whether one counts), are columns of the nodes; of the edges in a task of edges, with x0,
        their weight; and a table of its own, ``<part>.graphs.parquet``, in a task of graphs.
        ``README.md`` is the card of the task.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    made = loaded(task)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files, records = [], []
    for part in (name for name, each in made.spec.parts.items() if not each.optional):
        for kind, columns in _tables(made.parts[part], made.unit).items():
            path = place / f"{part}.{kind}.parquet"
            write_table(columns, path)
            files.append(_file(path))
            records.append(_record(path.name, columns))
    description = place / "croissant.json"
    text = json.dumps(_croissant(made, files, records), indent=1)
    write_atomically(description, lambda file: Path(file).write_text(text + "\n"))
    card = card_of(made)
    write_atomically(place / "README.md", lambda file: Path(file).write_text(card))
    return description


def _tables(graphs: list[LabelledGraph], unit: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a part: shown columns and labels beside what they belong to."""
    tables = {"nodes": _nodes(graphs), "edges": _edges(graphs)}
    shown = tables["edges" if unit == "edge" else "nodes"]
    x = np.concatenate([each.x for each in graphs])
    shown.update({f"x{column}": x[:, column] for column in range(x.shape[1])})
    labels = {key: np.concatenate([getattr(each, key) for each in graphs]) for key in _LABELS}
    if unit == "graph":
        tables["graphs"] = {"graph": np.arange(len(graphs)), **labels}
    else:
        shown.update(labels)
    return tables


def _nodes(graphs: list[LabelledGraph]) -> dict[str, Any]:
    sizes = [each.graph.num_nodes for each in graphs]
    return {
        "graph": np.repeat(np.arange(len(graphs)), sizes),
        "node": np.concatenate([np.arange(size) for size in sizes]),
    }


def _edges(graphs: list[LabelledGraph]) -> dict[str, Any]:
    edges = [each.graph.edges() for each in graphs]
    src, dst = np.concatenate(edges, axis=1)
    counts = [pair.shape[1] for pair in edges]
    return {"graph": np.repeat(np.arange(len(graphs)), counts), "src": src, "dst": dst}


def _file(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "encodingFormat": "application/vnd.apache.parquet",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _record(name: str, columns: dict[str, Any]) -> dict[str, Any]:
    stem = name.removesuffix(".parquet")
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{stem}/{label}",
            "name": label,
            "dataType": _TYPES[column.dtype.kind],
            "source": {"fileObject": {"@id": name}, "extract": {"column": label}},
        }
        for label, column in columns.items()
    ]
    return {"@type": "cr:RecordSet", "@id": stem, "name": stem, "field": fields}


def _croissant(task: BenchmarkTask, files: list[Any], records: list[Any]) -> dict[str, Any]:
    return {
        "@context": {
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "conformsTo": "http://purl.org/dc/terms/conformsTo",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"peakbench-{task.name.replace('/', '-')}",
        "description": task.spec.about,
        "license": "https://spdx.org/licenses/MIT.html",
        "version": str(VERSION),
        "digests": dict(task.digests),
        "distribution": files,
        "recordSet": records,
    }
