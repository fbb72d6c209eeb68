"""`graphmax bench`: the tasks of PeakBench, who has been measured on them, and how to take part."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graphmax.cli.command_options import Json
from graphmax.cli.output import print_json, print_table, progress, say

ACTIONS = ("list", "load", "run", "score", "table", "submit")
_TAKEN_BY = {
    "--out": ("load", "run", "submit"),
    "--predictions": ("score",),
    "--results": ("table",),
}
_COLUMNS = 7  # beside the name: as many as a terminal has room for
_SHOWN = ("value", "ceiling", "share", "way", "positives", "count", "graphs")


def bench(
    action: Annotated[str, typer.Argument(help="list, load, run, score, table or submit.")],
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK|FOLDER]",
            help="A task of the list, say noisy/first-order; submit: the folder with card.json.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="load, run, submit: folder for what is written.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", help="score: .npz file with an array for each test set."),
    ] = None,
    resamples: Annotated[
        int, typer.Option("--resamples", help="score: bootstrap resamples for the interval.")
    ] = 200,
    quick: Annotated[bool, typer.Option("--quick", help="run: the quick track.")] = False,
    track: Annotated[str, typer.Option("--track", help="run: quick or full.")] = "full",
    entry: Annotated[
        list[str] | None, typer.Option("--entry", help="run: only this entry; may be repeated.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="run: parallel processes.")] = 1,
    device: Annotated[str, typer.Option("--device", help="run: cpu or cuda.")] = "cpu",
    results: Annotated[
        Path | None, typer.Option("--results", help="table: folder of results; default: shipped.")
    ] = None,
    json: Json = False,
) -> None:
    """List the tasks of PeakBench, write one as tables, run or judge entries, and compare them.

    way: how far from one score for all (0) to the best that is possible (1). run writes one JSON
    for each task and entry and goes on where it stopped.
    """
    from graphmax.checks import one_of

    one_of(action, "action", ACTIONS)
    _refuse_options_of_others(
        action,
        {
            "--out": out is not None,
            "--predictions": predictions is not None,
            "--quick": quick,
            "--track": track != "full",
            "--entry": bool(entry),
            "--jobs": jobs != 1,
            "--device": device != "cpu",
            "--results": results is not None,
        },
    )
    if action == "list":
        _show(_tasks(), json)
    elif action == "load":
        _write(_named(subject, action), _needed(out, action))
    elif action == "run":
        _run(subject, _needed(out, action), "quick" if quick else track, entry, jobs, device)
    elif action == "score":
        _show(_scores(_named(subject, action), predictions, resamples), json)
    elif action == "table":
        _show_table(subject, results, json)
    else:
        _submit(_named(subject, action, "folder"), _needed(out, action))


def _refuse_options_of_others(action: str, given: dict[str, bool]) -> None:
    """Refuse an option that an action would leave unread."""
    for option, said in given.items():
        if said and action not in _TAKEN_BY.get(option, ("run",)):
            takers = " and ".join(_TAKEN_BY.get(option, ("run",)))
            raise ValueError(f"`{option}` must be given to {takers} only, got it with {action}")


def _named(subject: str | None, action: str, name: str = "task") -> str:
    if subject is None:
        raise ValueError(f"`{name}` must be given to {action}; graphmax bench list names the tasks")
    return subject


def _needed(out: Path | None, action: str) -> Path:
    if out is None:
        raise ValueError(f"`--out` must be given to {action}, got none")
    return out


def _tasks() -> list[dict[str, Any]]:
    from graphmax.benchmark import tasks

    return [{"task": name, "about": about} for name, about in tasks().items()]


def _write(task: str, out: Path) -> None:
    from graphmax.benchmark import export

    with progress(f"making {task}"):
        description = export(task, out)
    say(f"{task} written to {out}, described in {description.name}")


def _run(
    task: str | None, out: Path, track: str, entries: list[str] | None, jobs: int, device: str
) -> None:
    from graphmax.benchmark import run

    files = run(
        out,
        track=track,
        tasks=None if task is None else [task],
        entries=entries,
        jobs=jobs,
        device=device,
        report=say,
    )
    say(f"{len(files)} results written to {out}")


def _scores(task: str, predictions: Path | None, resamples: int) -> list[dict[str, Any]]:
    from graphmax.benchmark import evaluate, load
    from graphmax.benchmark.bench_run import read_arrays

    if predictions is None:
        raise ValueError("`--predictions` must be given to score, got none")
    arrays = read_arrays(predictions, "--predictions")
    with progress(f"scoring {task}"):
        table = evaluate(load(task), arrays, resamples=resamples)
    return [
        {"test set": name, "metric": score.metric}
        | {column: getattr(score, column) for column in _SHOWN}
        for name, score in table.items()
    ]


def _show_table(task: str | None, results: Path | None, json: bool) -> None:
    """Show the ways of all entries: on the test sets of a task, or in the mean of every task."""
    from graphmax.benchmark.bench_run import (
        LEGEND,
        figures_of,
        longest_runs,
        marked,
        read_rows,
        summary_rows,
        table_rows,
        tracks_of,
    )
    from graphmax.benchmark.task_list import spec_of
    from graphmax.machine import dataset_path

    folder = results or dataset_path("peakbench/results")
    rows = longest_runs(read_rows(folder))
    lines = summary_rows(rows) if task is None else table_rows(rows, spec_of(task).name)
    if json:
        _show(lines, json)
        return
    if not lines:
        about = "" if task is None else f" of {task}"
        raise FileNotFoundError(
            f"`--results` must hold results{about}, got none in {folder}; "
            f"graphmax bench run {task or ''} --out {folder} makes them"
        )
    names = figures_of(lines)
    for first in range(0, len(names), _COLUMNS):
        shown = names[first : first + _COLUMNS]
        print_table([{"entry": marked(line)} | {n: line.get(n) for n in shown} for line in lines])
    if any(line["failed"] for line in lines):
        say(LEGEND)
    tracks = tracks_of(rows)
    for track in sorted({tracks[name] for name in tracks if task in (None, name)}):
        names = [name for name in tracks if tracks[name] == track and task in (None, name)]
        say(f"{track} track: {', '.join(names)}")


def _submit(folder: str, out: Path) -> None:
    from graphmax.benchmark import submit

    with progress(f"evaluating {folder}"):
        path = submit(folder, out)
    say(f"written to {path}")


def _show(rows: list[dict[str, Any]], json: bool) -> None:

    if json:
        print_json(rows)
    else:
        print_table(rows)
