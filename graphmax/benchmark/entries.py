"""Who takes part in PeakBench: every entry by name, and on which tasks."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphmax.benchmark.bench_task import BenchmarkTask
from graphmax.benchmark.detector_entries import play_detector
from graphmax.benchmark.network_entries import NO_GRAPH, play_network
from graphmax.benchmark.reference_networks import NAMES
from graphmax.benchmark.task_list import SPECS, Budget, TaskSpec
from graphmax.benchmark.untrained import RULE, Played

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


def _detector(task: BenchmarkTask, budget: Budget, device: str) -> Played:
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
    found[DETECTOR] = Entry(_detector, _anywhere)
    found[ORACLE] = Entry(_oracle, _form_is_known)
    for labels in (500, 2_000, 10_000):
        curve = {
            DETECTOR: (_detector, _has_budgets),
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
