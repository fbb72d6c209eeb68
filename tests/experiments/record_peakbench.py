"""Record hashes of all parts and ceilings of the noisy tasks of PeakBench, when its version rises.

Run: python -m tests.experiments.record_peakbench datasets/peakbench/recorded.json [TASK ...]
"""

import json
import sys
from pathlib import Path

import numpy as np

from graphmax.benchmark.bench_task import BenchmarkTask
from graphmax.benchmark.task_graphs import digest_of, graphs_of
from graphmax.benchmark.task_list import SPECS, VERSION
from graphmax.benchmark.task_parts import SAMPLES, posterior_of, summary_of_halves


def record_of(spec):
    """Return hashes and ceilings of one task."""
    parts = {name: graphs_of(spec, name, part) for name, part in spec.parts.items()}
    found = {"digests": {name: digest_of(graphs) for name, graphs in parts.items()}}
    if spec.attribute == "noisy":
        found["ceilings"] = ceilings_of(BenchmarkTask(spec, parts))
    counts = {name: int(sum(g.y[g.judged].sum() for g in parts[name])) for name in spec.test}
    print(spec.name, counts, flush=True)
    return found


def ceilings_of(task):
    """Return the ceilings of each test set of a noisy task, from fresh samples."""
    found = {}
    for name in task.spec.test:
        halves = np.stack([posterior_of(task, name, half) for half in range(2)])
        summary = summary_of_halves(task, name, halves)
        found[name] = {
            metric: {"value": round(each.value, 5), "error": round(each.error, 6)}
            for metric, each in summary.items()
        }
    return found


def main():
    """Write the record; other tasks, and those whose packages are lacking, keep what was there."""
    path = Path(sys.argv[1])
    old = json.loads(path.read_text())["tasks"] if path.exists() else {}
    tasks = {}
    for name, spec in SPECS.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            tasks[name] = old[name]
            continue
        try:
            tasks[name] = record_of(spec)
        except ModuleNotFoundError as error:
            print(name, error, "(kept)")
            tasks[name] = old[name]
    record = {"samples": 2 * SAMPLES, "version": VERSION, "tasks": tasks}
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
