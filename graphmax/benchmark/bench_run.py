"""`evaluate`, `run` and `submit`: what predictions are worth, one JSON for each entry and task.

Predictions are judged as a share of what is possible. A run has every entry on every task under
one budget, in parallel processes, and is resumable; the table is made of its files.
"""

import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import write_atomically
from graphmax.benchmark.bench_task import BenchmarkTask, Probed, load, loaded, probed
from graphmax.benchmark.task_list import SPECS, TRACKS, VERSION, spec_of
from graphmax.benchmark.task_parts import LOSSES, PERFECT, JudgedGraphs, figures_of, judged_graphs
from graphmax.checks import integer, near_names, one_of, to_numpy
from graphmax.notebook import html_table

_LEAST_GRAPHS = 20
PROBE = "probe"


class Measure(NamedTuple):
    """One metric on one test set.

    ``value``; ``trivial``, that of one score for all; ``ceiling``, the best that is possible;
    ``share`` of the ceiling (for losses ceiling / value); ``way`` from trivial (0) to the ceiling
    (1), NaN where these are equal; ``interval``, 95 % by bootstrap over graphs if there are at
    least 20, else over what is judged.
    """

    value: float
    trivial: float
    ceiling: float
    share: float
    way: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Score:
    """How good predictions are on one test set.

    Parameters
    ----------
    metric : str
        What is compared with the ceiling first.
    measures : dict of str to Measure
        ``average_precision``, ``f1``, ``exact_graphs`` (share of graphs without a wrong decision)
        and, where the scores are probabilities, ``log_loss`` in nats and ``calibration``, the
        expected calibration error over 15 bins.
    positives, count, graphs : int
        How many maxima, judged nodes (edges, graphs) and graphs there are.
    """

    metric: str
    measures: dict[str, Measure] = field(repr=False)
    positives: int
    count: int
    graphs: int

    @property
    def _first(self) -> Measure:
        return self.measures[self.metric]

    @property
    def value(self) -> float:
        """The metric."""
        return self._first.value

    @property
    def trivial(self) -> float:
        """The metric of one score for all."""
        return self._first.trivial

    @property
    def ceiling(self) -> float:
        """The best that is possible."""
        return self._first.ceiling

    @property
    def share(self) -> float:
        """The metric as a share of the ceiling."""
        return self._first.share

    @property
    def way(self) -> float:
        """How far from trivial (0) to the ceiling (1); NaN where these are equal."""
        return self._first.way

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of the metric."""
        return self._first.interval


class ScoreTable(dict[str, Score]):
    """A `Score` for each test set; ``probed`` where the probe was predicted, else None."""

    probed: Probed | None = None

    def _repr_html_(self) -> str:
        """Show all test sets in a notebook."""
        names = ("value", "ceiling", "way", "positives", "count")
        columns: dict[str, Any] = {"test set": list(self)}
        columns |= {name: [getattr(score, name) for score in self.values()] for name in names}
        return html_table(columns, "PeakBench")


def evaluate(
    task: str | BenchmarkTask,
    predictions: Mapping[str, Any],
    *,
    resamples: int = 200,
    seed: int = 0,
) -> ScoreTable:
    """Judge predictions of a task.

    Parameters
    ----------
    task : str or BenchmarkTask
        The task, or its name.
    predictions : mapping of str to array, or to list of arrays
        For each test set one score per node (edge, graph: `BenchmarkTask.unit`), higher for "a
        maximum": those of its graphs one after the other, or an array for each graph, of any
        framework. Numbers from 0 to 1 are probabilities. An optional test set may be left out;
        ``"probe"`` may hold scores for `BenchmarkTask.probe`.
    resamples : int, default 200
        Bootstrap resamples for the interval; 0 for none.
    seed : int, default 0
        Seed of the resamples.

    Returns
    -------
    dict of str to Score
        For each test set.

    Raises
    ------
    TypeError
        If predictions are no mapping or hold no numbers.
    ValueError
        If there is no such task, a test set is missing or unknown, or predictions are of another
        length or hold NaN.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> task = benchmark.load("noisy/first-order")
    >>> scores = benchmark.evaluate(task, task.baselines["rule on what is shown"], resamples=0)
    >>> round(scores["noise-0.3"].way, 2)
    0.69
    """
    judged = loaded(task)
    count = integer(resamples, "resamples", 0)
    checked = _checked(judged, predictions)
    probe = checked.pop(PROBE, None)
    table = ScoreTable(
        {name: _score(judged, name, scores, count, seed) for name, scores in checked.items()}
    )
    table.probed = None if probe is None else probed(judged, probe)
    return table


def _checked(task: BenchmarkTask, predictions: Any) -> dict[str, NDArray[np.float64]]:
    if not isinstance(predictions, Mapping):
        raise TypeError(
            f"`predictions` must be a mapping of test sets, got {type(predictions).__name__}"
        )
    needed = {name: not part.optional for name, part in task.spec.test.items()}
    if PROBE in predictions and task.probe:
        needed[PROBE] = False
    for name in predictions:
        if name not in needed:
            raise ValueError(
                f"`predictions` must be of test sets of {task.name}, got {name!r}; "
                + near_names(str(name), list(needed))
            )
    missing = [name for name in task.spec.test if needed[name] and name not in predictions]
    if missing:
        raise ValueError(f"`predictions` must hold every test set, got none of {missing}")
    return {
        name: _one_score_each(task, name, predictions[name])
        for name in needed
        if name in predictions
    }


def _one_score_each(task: BenchmarkTask, name: str, given: Any) -> NDArray[np.float64]:
    graphs = task.probe if name == PROBE else task.parts[name]
    sizes = [len(graph.y) for graph in graphs]
    if isinstance(given, list) and given and np.ndim(given[0]) > 0:
        parts = [to_numpy(part).reshape(-1) for part in given]
        found = [part.size for part in parts]
        if found != sizes:
            raise ValueError(
                f"`predictions[{name!r}]` must be arrays of the sizes of its {len(sizes)} graphs, "
                f"got {len(found)} of another size"
            )
        given = np.concatenate(parts)
    array = to_numpy(given)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`predictions[{name!r}]` must be numbers, got dtype {array.dtype}")
    scores: NDArray[np.float64] = array.reshape(-1).astype(np.float64)
    if scores.size != sum(sizes):
        raise ValueError(
            f"`predictions[{name!r}]` must have one score per {task.unit} ({sum(sizes)}), "
            f"got {scores.size}"
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"`predictions[{name!r}]` must not be NaN, got {int(np.isnan(scores).sum())} NaN"
        )
    return scores


def _score(
    task: BenchmarkTask, name: str, scores: NDArray[np.float64], resamples: int, seed: int
) -> Score:
    judged = judged_graphs(task, name, scores)
    constant = judged._replace(scores=np.full(judged.y.size, task.base_rate))
    trivial, ceilings = figures_of(constant), task.ceilings(name)
    found, intervals = figures_of(judged), _intervals(judged, resamples, seed)
    measures = {
        each: _measure(each, value, trivial[each], ceilings[each].value, intervals[each])
        for each, value in found.items()
    }
    graphs = len(task.parts[name])
    return Score(task.metric, measures, int(judged.y.sum()), judged.y.size, graphs)


def _measure(
    name: str, value: float, trivial: float, ceiling: float, interval: tuple[float, float]
) -> Measure:
    if name == "calibration":  # one score for all can be calibrated: there is no way to go
        return Measure(value, trivial, ceiling, float("nan"), float("nan"), interval)
    upper, lower = (ceiling, value) if name in LOSSES else (value, ceiling)
    share = 1.0 if upper == lower else upper / lower if lower else float("nan")
    room = ceiling - trivial
    way = (value - trivial) / room if abs(room) > 1e-12 else float("nan")
    return Measure(value, trivial, ceiling, share, way, interval)


def _intervals(judged: JudgedGraphs, resamples: int, seed: int) -> dict[str, tuple[float, float]]:
    if not resamples:
        return dict.fromkeys(PERFECT, (float("nan"), float("nan")))
    rng = np.random.default_rng(seed)
    ends = np.flatnonzero(np.diff(judged.graph)) + 1
    graphs = np.split(np.arange(judged.y.size), ends)
    found = [figures_of(judged.taken(_drawn(graphs, judged.y.size, rng))) for _ in range(resamples)]
    spread = {name: [each[name] for each in found if name in each] for name in PERFECT}
    return {name: _quantiles(values) for name, values in spread.items() if values}


def _drawn(
    graphs: list[NDArray[np.int64]], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    if len(graphs) < _LEAST_GRAPHS:
        return rng.integers(0, count, count)
    return np.concatenate([graphs[each] for each in rng.integers(0, len(graphs), len(graphs))])


def _quantiles(values: list[float]) -> tuple[float, float]:
    present = np.array(values)[~np.isnan(values)]
    if not present.size:
        return float("nan"), float("nan")
    low, high = np.quantile(present, [0.025, 0.975])
    return float(low), float(high)


# --- `run` and `submit`: one JSON for each entry and task, which the table is made of

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


def named_figures(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the columns that hold figures, in their order."""
    names = dict.fromkeys(name for line in lines for name in line)
    return [name for name in names if name not in ("entry", "failed")]


def markdown_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Write the lines of `table_rows` or `summary_rows` as Markdown."""
    names = named_figures(lines)
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
