"""One JSON for each entry and task: what the table is made of."""

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.benchmark.bench_task import BenchmarkTask
from graphmax.benchmark.scoreboard import ScoreTable, evaluate
from graphmax.benchmark.task_list import SPECS, VERSION

_PACKAGES = ("numpy", "torch", "torch-geometric", "graphmax")


def slug(name: str) -> str:
    """Return a name as a file is called."""
    return "-".join(name.lower().replace(",", " ").replace("/", " ").split())


def result_path(folder: Path, task: str, entry: str) -> Path:
    """Return where the result of an entry on a task is written."""
    return folder / slug(task) / f"{slug(entry)}.json"


def row_of(
    task: BenchmarkTask,
    predictions: Sequence[Mapping[str, Any]],
    card: Mapping[str, Any],
    *,
    resamples: int = 200,
) -> dict[str, Any]:
    """Evaluate the predictions of every seed and return a row of the results."""
    tables = [evaluate(task, each, resamples=resamples) for each in predictions]
    probes = [table.probed for table in tables if table.probed is not None]
    marks = sorted({mark for probe in probes for mark in probe.failed})
    return {
        **card,
        "task": task.name,
        "version": VERSION,
        "metric": task.metric,
        "tests": {name: _figures(tables, name) for name in tables[0]},
        "failed": marks,
        "probed": bool(probes),
        "digests": {name: task.digests.get(name) for name in tables[0]},
        "versions": {name: version(name) for name in _PACKAGES}
        | {"python": platform.python_version()},
    }


def _figures(tables: list[ScoreTable], name: str) -> dict[str, Any]:
    scores = [table[name] for table in tables]
    found: dict[str, Any] = {"positives": scores[0].positives, "count": scores[0].count}
    shared = [each for each in scores[0].measures if all(each in s.measures for s in scores)]
    for each in shared:
        measures = [score.measures[each] for score in scores]
        found[each] = {
            "values": [_short(measure.value) for measure in measures],
            "ceiling": _short(measures[0].ceiling),
            "way": _short(float(np.mean([measure.way for measure in measures]))),
            "interval": [_short(end) for end in measures[0].interval],
        }
    return found


def _short(number: float) -> float | None:
    return None if np.isnan(number) else round(float(number), 5)


def write_row(path: Path, row: Mapping[str, Any]) -> None:
    """Write a row: the whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(row, indent=1) + "\n"
    write_atomically(path, lambda file: file.write_text(text))


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Read every row below a folder, refusing files that are none."""
    rows = []
    for path in sorted(folder.rglob("*.json")):
        try:
            row = json.loads(path.read_text())
            row["entry"], row["task"], row["tests"], row["metric"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"`folder` must hold results only, got {path} ({error!r})") from None
        if row["version"] == VERSION:
            rows.append(row)
    return rows


def table_rows(rows: Iterable[Mapping[str, Any]], task: str) -> list[dict[str, Any]]:
    """Return the table of one task: the way to the ceiling in % on every test set, best first."""
    names = list(SPECS[task].test)
    found = []
    for row in (row for row in rows if row["task"] == task):
        ways = {name: _way(row, name) for name in names if name in row["tests"]}
        mean = np.mean([way for way in ways.values() if way is not None] or [np.nan])
        mark = f" [{', '.join(row['failed'])} failed]" if row["failed"] else ""
        shown = {name: "" if way is None else f"{100 * way:.1f}" for name, way in ways.items()}
        seconds = row.get("seconds")
        found.append((float(mean), {"entry": row["entry"] + mark, **shown, "seconds": seconds}))
    return [shown for _, shown in sorted(found, key=lambda each: -np.nan_to_num(each[0], nan=-9))]


def _way(row: Mapping[str, Any], name: str) -> float | None:
    way: float | None = row["tests"][name][row["metric"]]["way"]
    return way


def markdown_table(rows: Iterable[Mapping[str, Any]], task: str) -> str:
    """Write the table of one task as Markdown."""
    lines = table_rows(rows, task)
    names = ["entry", *(n for n, p in SPECS[task].test.items() if not p.optional), "seconds"]
    text = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    text += ["| " + " | ".join(str(line.get(name, "")) for name in names) + " |" for line in lines]
    return "\n".join(text)
