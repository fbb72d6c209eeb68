"""PeakBench: tasks of local maxima whose ceilings are known, and one way to be judged by them."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names

if TYPE_CHECKING:
    from graphmax.benchmark.bench_run import run
    from graphmax.benchmark.bench_task import BenchmarkTask, load
    from graphmax.benchmark.metrics import Ceiling
    from graphmax.benchmark.result_files import submit
    from graphmax.benchmark.scoreboard import Measure, Score, evaluate
    from graphmax.benchmark.task_cards import card_of
    from graphmax.benchmark.task_export import export
    from graphmax.benchmark.task_list import tasks

_HOME = {
    "BenchmarkTask": "graphmax.benchmark.bench_task",
    "Ceiling": "graphmax.benchmark.metrics",
    "Measure": "graphmax.benchmark.scoreboard",
    "Score": "graphmax.benchmark.scoreboard",
    "card_of": "graphmax.benchmark.task_cards",
    "evaluate": "graphmax.benchmark.scoreboard",
    "export": "graphmax.benchmark.task_export",
    "load": "graphmax.benchmark.bench_task",
    "run": "graphmax.benchmark.bench_run",
    "submit": "graphmax.benchmark.result_files",
    "tasks": "graphmax.benchmark.task_list",
}

__all__ = [
    "BenchmarkTask",
    "Ceiling",
    "Measure",
    "Score",
    "card_of",
    "evaluate",
    "export",
    "load",
    "run",
    "submit",
    "tasks",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__, _HOME)
