"""`graphmax bench`: the tasks of PeakBench, and how good predictions of one are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from graphmax.cli.command_options import Json
from graphmax.cli.console import print_table, progress, say

ACTIONS = ("list", "load", "score")
_SHOWN = ("value", "ceiling", "share", "way", "positives", "count", "graphs")


def bench(
    action: Annotated[str, typer.Argument(help="list, load or score.")],
    task: Annotated[
        str | None, typer.Argument(help="A task of the list, say noisy/first-order.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="load: folder for Parquet tables and description.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", help="score: .npz file with an array for each test set."),
    ] = None,
    resamples: Annotated[
        int, typer.Option("--resamples", help="score: bootstrap resamples for the interval.")
    ] = 200,
    json: Json = False,
) -> None:
    """List the tasks of PeakBench, write one as tables, or judge predictions of one.

    way: how far from one score for all (0) to the best that is possible (1).
    """
    from graphmax.checks import one_of

    one_of(action, "action", ACTIONS)
    if action == "list":
        _show(_tasks(), json)
        return
    if task is None:
        raise ValueError(f"`task` must be given to {action}; graphmax bench list names them")
    if action == "load":
        _write(task, out)
    else:
        _show(_scores(task, predictions, resamples), json)


def _tasks() -> list[dict[str, Any]]:
    from graphmax.benchmark import tasks

    return [{"task": name, "about": about} for name, about in tasks().items()]


def _write(task: str, out: Path | None) -> None:
    from graphmax.benchmark import export

    if out is None:
        raise ValueError("`--out` must be given to load, got none")
    with progress(f"making {task}"):
        description = export(task, out)
    say(f"{task} written to {out}, described in {description.name}")


def _scores(task: str, predictions: Path | None, resamples: int) -> list[dict[str, Any]]:
    from graphmax.benchmark import evaluate, load

    if predictions is None:
        raise ValueError("`--predictions` must be given to score, got none")
    arrays = _arrays(predictions)
    with progress(f"scoring {task}"):
        table = evaluate(load(task), arrays, resamples=resamples)
    return [
        {"test set": name, "metric": score.metric}
        | {column: getattr(score, column) for column in _SHOWN}
        for name, score in table.items()
    ]


def _arrays(path: Path) -> Mapping[str, Any]:
    """Read plain arrays; nothing of the file is executed."""
    import numpy as np

    if not path.is_file():
        raise FileNotFoundError(f"`--predictions` must be a file, got {path}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"`--predictions` must be an .npz file of arrays, got {error}") from None


def _show(rows: list[dict[str, Any]], json: bool) -> None:
    from graphmax.cli.documents import print_json

    if json:
        print_json(rows)
    else:
        print_table(rows)
