"""`run` and `submit`: one JSON for each entry and task, which the table is made of.

A run has every entry on every task under one budget, in parallel processes, and is resumable.
"""

import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.benchmark.bench_task import BenchmarkTask, load
from graphmax.benchmark.scoreboard import ScoreTable, evaluate
from graphmax.benchmark.task_list import SPECS, TRACKS, VERSION, spec_of
from graphmax.checks import integer, near_names, one_of

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
    rows = [read_row(path) for path in sorted(folder.rglob("*.json"))]
    return [row for row in rows if row["version"] == VERSION]


def read_row(path: Path) -> dict[str, Any]:
    """Read one row, refusing a file that is none."""
    try:
        row: dict[str, Any] = json.loads(path.read_text())
        flaw = _flaw_of(row)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        flaw = f"{type(error).__name__}: {error}"[:120]
    if flaw is not None:
        raise ValueError(f"`folder` must hold results only, got {path} ({flaw})")
    return row


def _flaw_of(row: dict[str, Any]) -> str | None:
    """Say what of a row is of another kind than a run writes, None if nothing is."""
    if not all(isinstance(row[name], str) for name in ("entry", "task", "metric")):
        return "no words as entry, task or metric"
    if type(row["version"]) is not int or (row["version"] == VERSION and row["task"] not in SPECS):
        return f"version {row['version']!r} of {row['task'][:40]!r}"
    if not isinstance(row["failed"], list) or not all(isinstance(m, str) for m in row["failed"]):
        return "no list of marks"
    figures = [row.get("seconds"), *(test[row["metric"]]["way"] for test in row["tests"].values())]
    if not all(figure is None or _is_figure(figure) for figure in figures):
        return "a figure that is no number"
    return None


def _is_figure(figure: Any) -> bool:
    return type(figure) in (int, float) and abs(figure) < 1e9


def longest_runs(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep the row of the full track where an entry has been run on both tracks of a task."""
    kept: dict[tuple[str, str, bool], Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row.get("track") == "full"):
        kept[row["task"], row["entry"], row.get("track") == "submitted"] = row
    return list(kept.values())


def tracks_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Say of every task on which track its networks have been run: "quick", "full", or both."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.get("track") in TRACKS:
            found.setdefault(row["task"], set()).add(row["track"])
    return {task: " and ".join(sorted(found[task])) for task in SPECS if task in found}


def table_rows(rows: Iterable[Mapping[str, Any]], task: str) -> list[dict[str, Any]]:
    """Return the table of one task: the way to the ceiling in % on every test set, best first."""
    names = list(SPECS[task].test)
    lines = [
        {
            "entry": row["entry"],
            **{name: _percent(_way(row, name)) for name in names if name in row["tests"]},
            "seconds": row.get("seconds"),
            "failed": row["failed"],
        }
        for row in rows
        if row["task"] == task
    ]
    return sorted(lines, key=lambda line: -_mean(line.get(name) for name in names))


def summary_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one line per entry: its mean way in % over the test sets of every task."""
    lines: dict[str, dict[str, Any]] = {}
    ordered = sorted(rows, key=lambda row: list(SPECS).index(row["task"]))
    names = dict.fromkeys(row["task"] for row in ordered)
    for row in ordered:
        line = lines.setdefault(
            row["entry"], {"entry": row["entry"], **dict.fromkeys(names), "failed": []}
        )
        mean = _mean(_way(row, name) for name in row["tests"])
        line[row["task"]] = None if mean == _NEVER else _percent(mean)
        line["failed"] = sorted({*line["failed"], *row["failed"]})
    return sorted(lines.values(), key=lambda line: -_mean(line[name] for name in names))


_NEVER = -9.0


def _mean(ways: Iterable[float | None]) -> float:
    known = [way for way in ways if way is not None]
    return float(np.mean(known)) if known else _NEVER


def _percent(way: float | None) -> float | None:
    return None if way is None else round(100 * way, 1)


def _way(row: Mapping[str, Any], name: str) -> float | None:
    way: float | None = row["tests"][name][row["metric"]]["way"]
    return way


MARK = " *"
LEGEND = (
    "*: the scores change with another graph beside, or with what is far away (the probe failed)"
)


def marked(line: Mapping[str, Any]) -> str:
    """Return the name of an entry, with a mark if it failed the probe."""
    name: str = line["entry"]
    return name + (MARK if line["failed"] else "")


def figures_of(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the columns that hold figures, in their order."""
    names = dict.fromkeys(name for line in lines for name in line)
    return [name for name in names if name not in ("entry", "failed")]


def markdown_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Write the lines of `table_rows` or `summary_rows` as Markdown."""
    names = figures_of(lines)
    text = ["| " + " | ".join(["entry", *names]) + " |", "|" + "---|" * (1 + len(names))]
    for line in lines:
        cells = [marked(line), *(_written(line.get(name)) for name in names)]
        text.append("| " + " | ".join(cells) + " |")
    if any(line["failed"] for line in lines):
        text += ["", LEGEND]
    return "\n".join(text)


def _written(number: float | None) -> str:
    return "" if number is None else f"{number:.1f}"


CARD = "card.json"
_LONGEST_NAME = 100
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "entry": str, "task": str, "parameters": int, "budget": dict, "seeds": list, "code": str,
}  # fmt: skip


def submit(folder: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Check predictions and their card, evaluate them, and write one row of the results.

    Parameters
    ----------
    folder : str or path
        Holds ``card.json`` (``entry``, ``task``, ``parameters``, ``budget``, ``seeds``, ``code``: a
        link) and for each seed ``seed-<seed>.npz`` with an array for each test set, and ``probe``
        where the task has one.
    out : str or path
        Folder for the results.

    Returns
    -------
    pathlib.Path
        The row. Without scores for the probe, ``probed`` is false in it.

    Raises
    ------
    FileNotFoundError
        If the card, or the predictions of a seed, are missing.
    ValueError
        If a field of the card is missing or of another kind, or predictions do not fit the task.
    """
    place = Path(folder)
    card = _card(place / CARD)
    task = load(card["task"])
    predictions = [read_arrays(place / f"seed-{seed}.npz", "folder") for seed in card["seeds"]]
    path = result_path(Path(out), task.name, card["entry"])
    write_row(path, row_of(task, predictions, {**card, "track": "submitted"}))
    return path


def _card(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"`folder` must hold {CARD}, got none in {path.parent}")
    try:
        card = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"`{CARD}` must be JSON, got {error}") from None
    if not isinstance(card, dict):
        raise ValueError(f"`{CARD}` must be an object, got {type(card).__name__}")
    for name, kind in _FIELDS.items():
        if not isinstance(card.get(name), kind) or isinstance(card.get(name), bool):
            raise ValueError(f"`{CARD}` must have {name!r} ({kind}), got {card.get(name)!r}")
    if not 0 < len(card["entry"]) <= _LONGEST_NAME or not card["entry"].isprintable():
        raise ValueError(f"`{CARD}` must have a name as 'entry', got {card['entry'][:40]!r}")
    if not card["seeds"] or not all(type(seed) is int for seed in card["seeds"]):
        raise ValueError(f"`{CARD}` must have integers as seeds, got {card['seeds']}")
    return card


def read_arrays(path: Path, name: str) -> dict[str, Any]:
    """Read plain arrays; nothing of the file is executed."""
    if not path.is_file():
        raise FileNotFoundError(f"`{name}` must lead to a file, got no {path}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, AttributeError, EOFError) as error:
        raise ValueError(f"`{name}` must be an .npz file of arrays, got {error}") from None


Job = tuple[str, str]


def run(
    out: str | os.PathLike[str],
    *,
    track: str = "quick",
    tasks: Sequence[str] | None = None,
    entries: Sequence[str] | None = None,
    jobs: int = 1,
    device: str = "cpu",
    report: Callable[[str], Any] | None = None,
) -> list[Path]:
    """Run entries on tasks, each under the budget of a track, and write one JSON for each.

    Parameters
    ----------
    out : str or path
        Folder for the results. What is there already is not run again, except on the full track
        where the result is one of the quick track.
    track : {"quick", "full"}, default "quick"
        The budget, written into every result.
    tasks : sequence of str, optional
        Names of tasks; by default all whose packages are there.
    entries : sequence of str, optional
        Names of entries; by default all.
    jobs : int, default 1
        Parallel processes, each with its share of the cores.
    device : str, default "cpu"
        Where networks are trained.
    report : callable, optional
        Called with a line after every result.

    Returns
    -------
    list of pathlib.Path
        The files that were written.

    Raises
    ------
    ValueError
        If there is no such track, task or entry.

    Examples
    --------
    >>> import tempfile
    >>> from graphmax import benchmark
    >>> folder = tempfile.mkdtemp()
    >>> files = benchmark.run(folder, tasks=["real/countries"], entries=["constant"])
    >>> [file.name for file in files]
    ['constant.json']
    """
    from graphmax.benchmark.entries import ENTRIES, entries_of

    one_of(track, "track", tuple(TRACKS))
    count, folder = integer(jobs, "jobs", 1), Path(out)
    for entry in entries or ():
        if entry not in ENTRIES:
            near = near_names(str(entry), list(ENTRIES))
            raise ValueError(f"`entries` must be names of entries, got {entry!r}; {near}")
    asked = [spec_of(task).name for task in tasks or _possible()]
    todo = [
        (task, entry)
        for task in asked
        for entry in entries_of(task)
        if (entries is None or entry in entries)
        and not _is_run(result_path(folder, task, entry), track)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    say = report or _silently
    if count == 1:
        return [_reported(_play(folder, job, track, device), say) for job in todo]
    return _in_parallel(folder, todo, track, device, count, say)


def _is_run(path: Path, track: str) -> bool:
    return path.exists() and (track == "quick" or read_row(path).get("track") != "quick")


def _silently(line: str) -> None:
    del line


def _possible() -> list[str]:
    from importlib.util import find_spec

    lacking = find_spec("nilearn") is None or find_spec("nibabel") is None
    return [name for name in SPECS if not (lacking and name == "real/cortex")]


def _reported(path: Path, say: Callable[[str], Any]) -> Path:
    say(f"{path.parent.name}/{path.name}")
    return path


def _in_parallel(
    folder: Path, todo: list[Job], track: str, device: str, jobs: int, say: Callable[[str], Any]
) -> list[Path]:
    spawn = multiprocessing.get_context("spawn")  # forked threads of numba would abort
    threads = max((os.cpu_count() or 1) // jobs, 1)
    with ProcessPoolExecutor(
        jobs, mp_context=spawn, initializer=_threads, initargs=(threads,)
    ) as pool:
        waiting = [pool.submit(_play, folder, job, track, device) for job in todo]
        return [_reported(done.result(), say) for done in as_completed(waiting)]


def _threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _play(folder: Path, job: Job, track: str, device: str) -> Path:
    import torch

    from graphmax.benchmark.entries import ENTRIES

    name, entry = job
    task, budget, start = load(name), TRACKS[track], time.perf_counter()
    played = ENTRIES[entry].play(task, budget, device)
    card = {
        "entry": entry,
        "track": track,
        "command": f'graphmax bench run {name} --track {track} --entry "{entry}" --device {device}',
        "budget": budget._asdict(),
        "trials": played.trials,
        "chosen": played.chosen,
        "parameters": played.parameters,
        "seeds": list(range(len(played.predictions))),
        "seconds": round(time.perf_counter() - start, 1),
        "device": device if device == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
    }
    path = result_path(folder, name, entry)
    write_row(path, row_of(task, list(played.predictions), card))
    return path
