"""`graphmax train`, `score` and `bench`: learn what makes a maximum, judge, and be compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import (
    Device,
    File,
    FileOptions,
    Json,
    Label,
    TableOutput,
    files_of_model,
    keep_apart,
    with_names,
)
from graphmax.cli.output import announcing, print_csv, print_json, print_table, progress, say

if TYPE_CHECKING:
    from graphmax.nn import PeakDetector


CHECKPOINT = "checkpoint.safetensors"

KnownValues = Annotated[
    str | None, typer.Option("--values", help="The attribute, where it is known.")
]
Features = Annotated[
    str | None, typer.Option("--features", help="A,B,C or x.*: features of a hidden attribute.")
]


def train(
    files: Annotated[list[Path], typer.Argument(help="Graph files with labelled nodes: ENDINGS.")],
    labels: Annotated[
        str, typer.Option("--labels", help="Node attribute that says which nodes are maxima.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the trained detector.")],
    reading: FileOptions,
    values: KnownValues = None,
    features: Features = None,
    hops: Annotated[str, typer.Option("--hops", help="Largest distance, or learn.")] = "learn",
    head: Annotated[str, typer.Option("--head", help="sign, choice or normal.")] = "sign",
    denoise: Annotated[
        bool, typer.Option("--denoise", help="The attribute is noisy: average over near nodes.")
    ] = False,
    ties: Annotated[str, typer.Option("--ties", help="strict or weak.")] = "strict",
    direction: Annotated[
        str, typer.Option("--direction", help="Which arrows count: in, out or both.")
    ] = "in",
    validation: Annotated[
        list[Path] | None, typer.Option("--validation", help="Labelled graph to stop early by.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Most passes.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds, equal weights (CPU).")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from --out.")] = False,
    device: Device = None,
    json: Json = False,
) -> None:
    """Train a detector on files whose nodes carry labels; nodes without one do not count.

    Ctrl-C saves what was learned so far; the same command with --resume goes on from there.
    """
    from graphmax.training.scorers import expanded, labelled_data

    given = column_names(values, features)
    if not given:
        raise ValueError("`--values` or `--features` must be given, got neither")
    where = available_device(device)
    for written in files_of_model(str(out)):
        keep_apart(written, *files, *(validation or []), reading.nodes)
    with progress("reading"):
        first = reading.read(files[0])
        names = expanded(first, given, files[0])
        detector = _detector(len(names), hops, head, denoise, ties, direction)
        detector.columns = tuple(names)
        graphs = [labelled_data(first, names, labels, files[0])]
        graphs += [_read(file, reading, names, labels) for file in files[1:]]
        held = [_read(file, reading, names, labels) for file in validation or []]
    with announcing():  # training shows its own progress
        result = _fit(
            detector, graphs, held, out, epochs=epochs, seed=seed, resume=resume, device=where
        )
    if json:
        print_json({"out": str(out), **result})
        return
    print_table([result])
    if result["stopped"] == "interrupt":
        say("interrupted: the same command with --resume goes on from here")


def column_names(values: str | None, features: str | None) -> list[str]:
    """Return the attributes that the user named, none if there are none."""
    if values is not None and features is not None:
        raise ValueError("`--values` must not be given beside --features, got both; choose one")
    if values is not None:
        return [values]
    return [name.strip() for name in (features or "").split(",") if name.strip()]


def available_device(name: str | None) -> str:
    """Return a device that is there."""
    import torch

    if name is None:
        return "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError):
        raise ValueError(f"`--device` must be there, got {name!r}; leave it out for cpu") from None
    return name


def _detector(
    channels: int, hops: str, head: str, denoise: bool, ties: str, direction: str
) -> PeakDetector:
    """Make the detector that the options describe."""
    from graphmax.nn import PeakDetector
    from graphmax.rule import Rule

    reach: int | str = int(hops) if hops.lstrip("-").isdigit() else hops
    if reach == "learn" and head == "normal":
        reach = 1
    fields: dict[str, Any] = {"ties": ties, "direction": direction}
    return PeakDetector(channels, reach, denoise=denoise, head=head, rule=Rule(**fields))


def _read(file: Path, reading: FileOptions, names: list[str], labels: str) -> Any:
    """Read a file as labelled data."""
    from graphmax.training.scorers import labelled_data

    return labelled_data(reading.read(file), names, labels, file)


def _fit(
    detector: PeakDetector,
    graphs: list[Any],
    held: list[Any],
    out: Path,
    *,
    epochs: int | None,
    seed: int,
    resume: bool,
    device: str,
) -> dict[str, Any]:
    """Train, save, and judge on the validation graphs if there are any."""
    from graphmax.training import evaluate, fit

    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"`--out` must be a folder, got the file {out}")
    if (out / "config.json").exists() and not resume:
        raise ValueError(f"`--out` must not hold a detector yet, got {out}; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    result = fit(
        detector,
        graphs,
        validation=held or None,
        epochs=epochs,
        seed=seed,
        device=device,
        checkpoint=out / CHECKPOINT,
        resume=resume,
    )
    detector.save_pretrained(out)
    if result.stopped != "interrupt":
        (out / CHECKPOINT).unlink(missing_ok=True)
    judged = evaluate(detector, held or graphs)
    return {
        "epochs": result.epochs,
        "stopped": result.stopped,
        "hops": result.hops,
        "flip_rate": round(result.flip_rate, 4),
        "loss": round(result.history[-1]["loss"], 4),
        "judged_on": "validation" if held else "training",
        "f1": round(judged.f1, 4),
        "average_precision": round(judged.average_precision, 4),
    }


def score(
    file: File,
    model: Annotated[
        str, typer.Option("--model", help="Folder of a detector, or the name of a shipped one.")
    ],
    reading: FileOptions,
    output: TableOutput,
    values: KnownValues = None,
    features: Features = None,
    device: Device = None,
    engine: Annotated[
        str, typer.Option("--engine", help="What answers: memory, or stream for a table of edges.")
    ] = "memory",
    memory_limit: Annotated[
        str | None, typer.Option("--memory-limit", help="What a stream may hold: 1GB, 512MiB.")
    ] = None,
    label: Label = None,
) -> None:
    """Score every node: the columns id, probability, margin and rival.

    The attribute or features are those of the training by default. margin: the node's score minus
    that of its rival, the other node that decided; both are empty for a node without one. With
    --engine stream the edges may exceed memory: give --nodes and --out, both Parquet.
    """
    from graphmax.checks import one_of

    if one_of(engine, "engine", ("memory", "stream")) == "stream":
        if label is not None:
            raise ValueError("`--label` must be left out for tables beyond memory, got one")
        _score_tables(file, model, reading, output, column_names(values, features), memory_limit)
        return
    from graphmax.nn import PeakDetector
    from graphmax.training.scorers import expanded, features_of, score_table

    keep_apart(output.out, file, reading.nodes, *files_of_model(model))
    with progress(f"scoring {file.name}"):
        detector = PeakDetector.from_pretrained(model).to(available_device(device))
        graph = reading.read(file)
        given = expanded(graph, column_names(values, features), file)
        names = _names(detector, given)
        scores = score_table(detector, graph, features_of(graph, names, file))
        table = with_names(scores, graph, label)
    document = {"file": str(file), "model": model, "hops": detector.hops_}
    output.deliver("scores", table, document, print_csv)


def _score_tables(
    file: Path,
    model: str,
    reading: FileOptions,
    output: TableOutput,
    features: list[str],
    memory_limit: str | None,
) -> None:
    """Score tables that may be larger than memory, and tell of it."""
    from graphmax.nn import PeakDetector
    from graphmax.tables.score_stream import score_tables

    if reading.nodes is None or output.out is None:
        raise ValueError("`--nodes` and `--out` must be given for a stream, got one less")
    keep_apart(output.out, file, reading.nodes, *files_of_model(model))
    with progress(f"scoring {file.name}"):
        answer = score_tables(
            file,
            reading.nodes,
            PeakDetector.from_pretrained(model),
            features,
            out=output.out,
            directed=reading.directed,
            memory_limit=memory_limit,
            src=reading.src,
            dst=reading.dst,
            id=reading.id,
        )
    say(f"{answer.num_nodes} rows written to {output.out} by stream, {answer.num_maxima} maxima")


def _names(detector: PeakDetector, given: list[str]) -> list[Any]:
    """Return the attributes to score by: those of the training unless others are given."""
    names = given or list(detector.columns)
    if len(names) != detector.score.in_channels:
        raise ValueError(
            f"`--values` or `--features` must name {detector.score.in_channels} for this detector, "
            f"got {len(names)}"
        )
    return names


# --- `graphmax bench`: the tasks of PeakBench, who has been measured on them

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
        longest_runs,
        marked,
        named_figures,
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
    names = named_figures(lines)
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
