"""Who takes part in PeakBench: every entry by name, and how `PeakDetector` answers a task."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import Data

from graphmax.benchmark.bench_task import BenchmarkTask, probe_graphs
from graphmax.benchmark.reference_networks import (
    NAMES,
    NO_GRAPH,
    first_graphs,
    play_network,
    view_of,
)
from graphmax.benchmark.scoreboard import PROBE
from graphmax.benchmark.task_graphs import MOST_HOPS, LabelledGraph, center_of
from graphmax.benchmark.task_list import SPECS, Budget, TaskSpec
from graphmax.benchmark.task_parts import RULE, Played
from graphmax.maxima import local_maxima
from graphmax.nn import PeakDetector
from graphmax.training import fit

# A score that is linear in its weights takes large steps: at .01 it is at .66 after 40 epochs.
_LEARNING_RATE_OF_THE_FORM = 0.1


class _Quadratic(nn.Module):
    """a . x + x . A x of a node, and, where neighbors count, that of their mean."""

    def __init__(self, width: int, near: bool) -> None:
        super().__init__()
        self.near, pairs = near, torch.tril_indices(width, width)
        self.pairs: Tensor
        self.register_buffer("pairs", pairs)
        self.own = nn.Linear(width + pairs.shape[1], 1, bias=False)
        self.other = nn.Linear(width + pairs.shape[1], 1, bias=False)

    def reset_parameters(self) -> None:
        """Start anew."""
        self.own.reset_parameters()
        self.other.reset_parameters()

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        terms = torch.cat([x, x[:, self.pairs[0]] * x[:, self.pairs[1]]], dim=1)
        own: Tensor = self.own(terms.to(self.own.weight.dtype))[:, 0]
        if not self.near:
            return own
        other: Tensor = self.other(terms.to(self.other.weight.dtype))[:, 0]
        src, dst = edge_index
        sums = torch.zeros_like(own).index_add(0, dst, other[src])
        return own + sums / torch.bincount(dst, minlength=len(own)).clamp(min=1)


def play_detector(
    task: BenchmarkTask, budget: Budget, *, oracle: bool = False, device: str = "cpu"
) -> Played:
    """Train a detector with its defaults, one training per seed, and score all test sets."""
    if task.spec.attribute == "unknown":
        return _each_graph(task, budget)
    graphs = first_graphs(task.parts["train"], budget.train_nodes)
    train = [_as_nodes(each, task.unit, "train_mask") for each in graphs]
    val = [_as_nodes(each, task.unit, "val_mask") for each in task.parts["val"]]
    predictions, size = [], 0
    for seed in range(budget.seeds):
        detector = _detector(task, oracle)
        fit(
            detector, train, validation=val, seed=seed, device=device, progress=False,
            epochs=budget.epochs, lr=_LEARNING_RATE_OF_THE_FORM if oracle else None,
        )  # fmt: skip
        detector.cpu()
        size = sum(parameter.numel() for parameter in detector.parameters())
        predictions.append(_predictions(task, detector))
    return Played(predictions, size, 1, {"epochs": budget.epochs})


def _detector(task: BenchmarkTask, oracle: bool) -> PeakDetector:
    width, kind = task.parts["train"][0].x.shape[1], task.spec.attribute
    if oracle:
        near = task.spec.options["kind"] == "neighborhood"
        return PeakDetector(width, encoder=_Quadratic(width, near))
    if kind == "noisy":
        return PeakDetector(denoise=True, head="normal")
    hops = {"edges": 2, "windows": 2}.get(kind, task.spec.train.hops)
    return PeakDetector(width, hops)


def _as_nodes(each: LabelledGraph, unit: str, mask: str = "train_mask") -> Data:
    """Return what a detector reads: edges as nodes of the line graph, a window by its center."""
    view = view_of([each], unit)
    data = Data(x=torch.from_numpy(each.x), edge_index=view.edge_index, y=view.y)
    judged = torch.from_numpy(each.judged)
    if unit == "graph":
        judged = torch.zeros(len(each.x), dtype=torch.bool)
        judged[_center(each)] = True
        data.y = torch.full((len(each.x),), bool(each.y[0]))
    if not bool(judged.all()):
        data[mask] = judged
    return data


def _center(each: LabelledGraph) -> int:
    center = center_of(each.graph, 1)
    found = center_of(each.graph, 2) if center is None else center
    return 0 if found is None else found


def _predictions(task: BenchmarkTask, detector: PeakDetector) -> dict[str, NDArray[np.float64]]:
    found = {
        name: np.concatenate([_scored(detector, each, task.unit) for each in task.parts[name]])
        for name, part in task.spec.test.items()
        if not part.optional
    }
    probe = probe_graphs(task.spec)
    if probe:
        found[PROBE] = np.concatenate([_scored(detector, each, task.unit) for each in probe])
    return found


def _scored(detector: PeakDetector, each: LabelledGraph, unit: str) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = detector.predict_proba(_as_nodes(each, unit)).double().numpy()
    return chances[[_center(each)]] if unit == "graph" else chances


def _each_graph(task: BenchmarkTask, budget: Budget) -> Played:
    """Learn the hops of every test graph from the labels that it shows."""
    predictions = []
    for seed in range(budget.seeds):
        found = {
            name: np.concatenate([decided_by_learned_hops(each, seed) for each in task.parts[name]])
            for name in task.spec.test
        }
        predictions.append(found)
    return Played(predictions, 8, 1, {"fit": "one for each test graph"})


def decided_by_learned_hops(each: LabelledGraph, seed: int) -> NDArray[np.float64]:
    """Learn the hops of a graph from the labels that it shows, and decide with them."""
    values, shown, label = torch.from_numpy(each.x).T
    data = Data(x=values[:, None], edge_index=view_of([each], "node").edge_index, y=label > 0)
    data.train_mask = shown > 0
    if not data.y[data.train_mask].any():  # without a maximum the widest ball fits best
        widest = local_maxima(each.graph, each.x[:, 0], MOST_HOPS)
        return np.asarray(widest, np.float64)
    detector = PeakDetector(hops="learn", max_hops=MOST_HOPS)
    fit(detector, [data], seed=seed, progress=False)
    decided: NDArray[np.float64] = detector.predict(data).numpy().astype(np.float64)
    return decided


DETECTOR, ORACLE, CEILING = "PeakDetector", "oracle of the form", "ceiling"
_ATTRIBUTE_SHOWN = ("rule", "noisy", "unknown", "edges", "windows")
_SAMPLED = ("noisy", "unknown")
Play = Callable[[BenchmarkTask, Budget, str], Played]


class Entry(NamedTuple):
    """How an entry answers, and which tasks it is asked."""

    play: Play
    fits: Callable[[TaskSpec], bool]


def _anywhere(spec: TaskSpec) -> bool:
    del spec
    return True


def _untrained(name: str) -> Play:
    def play(task: BenchmarkTask, budget: Budget, device: str) -> Played:
        del budget, device
        return Played([dict(task.baselines[name])], 0, 0, {})

    return play


def _network(name: str, ranks: bool) -> Play:
    def play(task: BenchmarkTask, budget: Budget, device: str) -> Played:
        return play_network(task, name, budget, ranks=ranks, device=device)

    return play


def _at(labels: int, play: Play) -> Play:
    """Learn from so many labels only."""

    def limited(task: BenchmarkTask, budget: Budget, device: str) -> Played:
        return play(task, budget._replace(train_nodes=labels), device)

    return limited


def _play_detector(task: BenchmarkTask, budget: Budget, device: str) -> Played:
    return play_detector(task, budget, device=device)


def _oracle(task: BenchmarkTask, budget: Budget, device: str) -> Played:
    return play_detector(task, budget, oracle=True, device=device)


def _ceiling(task: BenchmarkTask, budget: Budget, device: str) -> Played:
    """Give the labels, or the posterior: what nobody beats."""
    del budget, device
    sampled = task.spec.attribute in _SAMPLED
    best = {
        name: task.posterior(name) if sampled else task.labels(name).astype(float)
        for name, part in task.spec.test.items()
        if not part.optional
    }
    return Played([best], 0, 0, {})


def _shows_attribute(spec: TaskSpec) -> bool:
    return spec.attribute in _ATTRIBUTE_SHOWN


def _form_is_known(spec: TaskSpec) -> bool:
    return spec.options.get("kind") in ("quadratic", "neighborhood")


def _has_budgets(spec: TaskSpec) -> bool:
    return bool(spec.budgets)


def _every_entry() -> dict[str, Entry]:
    found = {
        "constant": Entry(_untrained("constant"), _anywhere),
        "degree": Entry(_untrained("degree"), _anywhere),
        RULE: Entry(_untrained(RULE), _shows_attribute),
        NO_GRAPH: Entry(_network(NO_GRAPH, ranks=False), _anywhere),
    }
    for name in NAMES:
        found[name] = Entry(_network(name, ranks=False), _anywhere)
        found[f"{name}, ranks"] = Entry(_network(name, ranks=True), _shows_attribute)
    found[DETECTOR] = Entry(_play_detector, _anywhere)
    found[ORACLE] = Entry(_oracle, _form_is_known)
    for labels in (500, 2_000, 10_000):
        curve = {
            DETECTOR: (_play_detector, _has_budgets),
            ORACLE: (_oracle, _form_is_known),
            "SAGE max": (_network("SAGE max", ranks=False), _has_budgets),
        }
        for name, (play, fits) in curve.items():
            found[f"{name}, {labels:,} labels"] = Entry(_at(labels, play), fits)
    return {**found, CEILING: Entry(_ceiling, _anywhere)}


ENTRIES: Mapping[str, Entry] = _every_entry()


def entries_of(task: str) -> list[str]:
    """Return the names of those that take part in a task."""
    return [name for name, entry in ENTRIES.items() if entry.fits(SPECS[task])]
