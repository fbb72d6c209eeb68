"""PeakBench: tasks of local maxima whose ceilings are known, and one way to be judged by them."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names

if TYPE_CHECKING:
    from graphmax.benchmark.bench_run import Measure, Score, evaluate, run, submit
    from graphmax.benchmark.bench_task import BenchmarkTask, card_of, export, load
    from graphmax.benchmark.task_list import tasks
    from graphmax.benchmark.task_parts import Ceiling

_HOME = {
    "BenchmarkTask": "graphmax.benchmark.bench_task",
    "Ceiling": "graphmax.benchmark.task_parts",
    "Measure": "graphmax.benchmark.bench_run",
    "Score": "graphmax.benchmark.bench_run",
    "card_of": "graphmax.benchmark.bench_task",
    "evaluate": "graphmax.benchmark.bench_run",
    "export": "graphmax.benchmark.bench_task",
    "load": "graphmax.benchmark.bench_task",
    "run": "graphmax.benchmark.bench_run",
    "submit": "graphmax.benchmark.bench_run",
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
