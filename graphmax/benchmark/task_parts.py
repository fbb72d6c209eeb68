"""The parts of a task: made when asked for, kept on disk, checked against what was recorded.

Here too are the metrics of a test set and the best that any detector can have there (ceilings are
exact, in closed form, or from samples of the posterior), and the entries that need no training.
"""

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import write_atomically
from graphmax.benchmark import task_list
from graphmax.benchmark.task_graphs import (
    MOST_HOPS,
    LabelledGraph,
    center_of,
    digest_of,
    graphs_of,
    scaled_precision,
)
from graphmax.benchmark.task_list import Part, TaskSpec
from graphmax.edges import edge_maxima
from graphmax.graph import Graph
from graphmax.machine import dataset_path
from graphmax.maxima import local_maxima

if TYPE_CHECKING:
    from graphmax.benchmark.bench_task import BenchmarkTask


RECORD = "peakbench/recorded.json"
CACHE = "GRAPHMAX_CACHE"
_Made = TypeVar("_Made")


class LazyMapping(Mapping[str, _Made], Generic[_Made]):
    """A dictionary with fixed names whose entries are made on first use."""

    def __init__(self, names: Iterable[str], make: Callable[[str], _Made]) -> None:
        self._names, self._make = tuple(names), make
        self._made: dict[str, _Made] = {}

    def __getitem__(self, name: str) -> _Made:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names  # without making it

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: ...' for name in self._names)}}}"


class TaskParts(LazyMapping[list[LabelledGraph]]):
    """``train``, ``val``, the test sets and other levels of a task."""

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec.parts, self._checked)
        self._spec = spec

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 over edges and labels of each part, as recorded."""
        found: dict[str, str] = recorded(self._spec.name)["digests"]
        return found

    def make_all(self) -> None:
        """Make every part that is not optional."""
        for name, part in self._spec.parts.items():
            if not part.optional:
                self[name]

    def _checked(self, name: str) -> list[LabelledGraph]:
        wanted = self.digests.get(name)
        path = _cache_of(self._spec.name, name)
        kept = _read(path)
        if kept is not None and digest_of(kept) == wanted:
            return kept
        made = graphs_of(self._spec, name, self._spec.parts[name])
        if digest_of(made) != wanted:
            raise ValueError(
                f"`task` must be made as it was recorded, got other edges or labels of "
                f"{self._spec.name!r} in {name!r}; the generators of NumPy or graphmax, or data of "
                "another package, have changed, so that results do not compare"
            )
        _keep(path, made)
        return made


def recorded(name: str) -> dict[str, Any]:
    """Return what was recorded of a task when its version was made."""
    record = json.loads(dataset_path(RECORD).read_text())
    if record["version"] != task_list.VERSION:
        raise ValueError(
            f"`{RECORD}` must be of version {task_list.VERSION}, got {record['version']}"
        )
    found: dict[str, Any] = record["tasks"][name]
    return found


def _cache_of(task: str, part: str) -> Path:
    folder = os.environ.get(CACHE) or Path.home() / ".cache" / "graphmax"
    version = f"version-{task_list.VERSION}"
    return Path(folder) / "peakbench" / version / task.replace("/", "-") / f"{part}.npz"


def _keep(path: Path, graphs: list[LabelledGraph]) -> None:
    """Write graphs as plain arrays; a folder that cannot be written is no reason to stop."""
    arrays = {
        "nodes": np.array([each.graph.num_nodes for each in graphs]),
        "scores": np.array([each.y.size for each in graphs]),
        "rows": np.array([len(each.x) for each in graphs]),
        "entries": np.array([each.graph.indices.size for each in graphs]),
        "degrees": np.concatenate([np.diff(each.graph.indptr) for each in graphs]),
        "indices": np.concatenate([each.graph.indices for each in graphs]),
        **{key: np.concatenate([getattr(g, key) for g in graphs]) for key in ("x", "y", "judged")},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: _save(file, arrays))
    except OSError:
        return


def _save(path: Path, arrays: Mapping[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path) -> list[LabelledGraph] | None:
    """Read graphs that were kept; None where there are none, or the file is damaged."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
        return _taken_apart(kept)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _taken_apart(kept: Mapping[str, Any]) -> list[LabelledGraph]:
    def split(name: str, sizes: str) -> list[Any]:
        return np.split(kept[name], np.cumsum(kept[sizes])[:-1])

    columns = (
        split("degrees", "nodes"), split("indices", "entries"),
        split("x", "rows"), split("y", "scores"), split("judged", "scores"),
    )  # fmt: skip
    return [
        LabelledGraph(Graph(np.concatenate([[0], np.cumsum(degrees)]), indices), x, y, judged)
        for degrees, indices, x, y, judged in zip(*columns, strict=True)
    ]


Figures = dict[str, float]

PERFECT: Figures = {
    "average_precision": 1.0, "f1": 1.0, "exact_graphs": 1.0, "log_loss": 0.0, "calibration": 0.0,
}  # fmt: skip
LOSSES = ("log_loss", "calibration")
_BINS = 15


class JudgedGraphs(NamedTuple):
    """Labels and scores of all that counts in a test set, and the graph of each."""

    y: NDArray[np.bool_]
    scores: NDArray[np.float64]
    graph: NDArray[np.int64]

    def taken(self, where: NDArray[np.int64]) -> "JudgedGraphs":
        """Return those at these places."""
        return JudgedGraphs(self.y[where], self.scores[where], self.graph[where])


def judged_graphs(
    task: "BenchmarkTask", test_set: str, scores: NDArray[np.float64]
) -> JudgedGraphs:
    """Leave out what is not judged."""
    sizes = [each.y.size for each in task.parts[test_set]]
    where = task.judged(test_set)
    graph = np.repeat(np.arange(len(sizes)), sizes)
    return JudgedGraphs(task.labels(test_set)[where], scores[where], graph[where])


def figures_of(judged: JudgedGraphs) -> Figures:
    """Return every metric; those of probabilities only where the scores are some.

    Probabilities above 1/2 are a yes, other scores (logits, margins) above 0.
    """
    y, scores, graph = judged
    chances = bool(scores.size and scores.min() >= 0 and scores.max() <= 1)
    yes = scores > (0.5 if chances else 0.0)
    wrong = np.bincount(graph, y != yes)
    found = {
        "average_precision": average_precision(y, scores),
        "f1": _f1(y, yes),
        "exact_graphs": float((wrong[np.unique(graph)] == 0).mean()),
    }
    if chances:
        chance = np.clip(np.where(y, scores, 1 - scores), 1e-15, 1)
        found["log_loss"] = float(0.0 - np.log(chance).mean())
        found["calibration"] = calibration_error(y, scores)
    return found


def average_precision(y: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the area under the precision-recall curve, NaN where nothing is a maximum."""
    positives = int(y.sum())
    if not positives:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(y[order])
    ranked = scores[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), scores.size - 1)  # ties together
    gained = np.diff(hits[last], prepend=0)
    return float((gained * (hits[last] / (last + 1))).sum() / positives)


def calibration_error(y: NDArray[np.bool_], chances: NDArray[np.float64]) -> float:
    """Return the expected calibration error over 15 bins of equal width."""
    place = np.minimum((chances * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(place, chances - y, _BINS)
    return float(np.abs(gaps).sum() / y.size)


def _f1(y: NDArray[np.bool_], yes: NDArray[np.bool_]) -> float:
    both = int(y.sum() + yes.sum())
    return float(2 * (y & yes).sum() / both) if both else 1.0


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

    return figures_of(judged_graphs(task, test_set, scores))


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
