"""`graphmax train`: learn from labelled graph files what makes a node a maximum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.console import announce_compilation, print_json, print_table, progress
from graphmax.cli.options import Directed, Direction, Json, Ties

if TYPE_CHECKING:
    from graphmax.nn import PeakDetector

CHECKPOINT = "checkpoint.safetensors"


def train(
    files: Annotated[list[Path], typer.Argument(help="Graph files with labelled nodes.")],
    labels: Annotated[
        str, typer.Option("--labels", help="Node attribute that says which nodes are maxima.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the trained detector.")],
    values: Annotated[
        str | None, typer.Option("--values", help="The attribute, where it is known.")
    ] = None,
    features: Annotated[
        str | None, typer.Option("--features", help="A,B,C: features of a hidden attribute.")
    ] = None,
    hops: Annotated[str, typer.Option("--hops", help="Radius in steps, or learn.")] = "learn",
    head: Annotated[str, typer.Option("--head", help="sign, choice or normal.")] = "sign",
    denoise: Annotated[
        bool, typer.Option("--denoise", help="The attribute is noisy: average over near nodes.")
    ] = False,
    ties: Ties = "strict",
    direction: Direction = "in",
    directed: Directed = False,
    validation: Annotated[
        list[Path] | None, typer.Option("--validation", help="Labelled graph to stop early by.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Most passes.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds, equal weights (CPU).")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from --out.")] = False,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, ...")] = None,
    json: Json = False,
) -> None:
    """Train a detector on files whose nodes carry labels; nodes without one do not count.

    Ctrl-C saves what was learned so far; the same command with --resume goes on from there.
    """
    from graphmax.cli.learning import column_names, device_of

    names = column_names(values, features)
    if not names:
        raise ValueError("`--values` or `--features` must be given, got neither")
    detector = _detector(len(names), hops, head, denoise, ties, direction)
    detector.columns = tuple(names)
    where = device_of(device)
    announce_compilation("csr", "hopmax")
    with progress("reading"):
        graphs = [_read(file, names, labels, directed) for file in files]
        held = [_read(file, names, labels, directed) for file in validation or []]
    told = _fit(detector, graphs, held, out, epochs=epochs, seed=seed, resume=resume, device=where)
    if json:
        print_json({"out": str(out), **told})
        return
    print_table([told])
    if told["stopped"] == "interrupt":
        typer.echo("interrupted: the same command with --resume goes on from here", err=True)


def _detector(
    channels: int, hops: str, head: str, denoise: bool, ties: str, direction: str
) -> PeakDetector:
    from graphmax.nn import PeakDetector
    from graphmax.rule import Rule

    radius: int | str = int(hops) if hops.lstrip("-").isdigit() else hops
    if radius == "learn" and head != "sign":
        radius = 1
    rule = Rule(ties=ties, direction=direction)
    return PeakDetector(channels, radius, denoise=denoise, head=head, rule=rule)


def _read(file: Path, names: list[str], labels: str, directed: bool) -> Any:
    from graphmax.cli.learning import labelled
    from graphmax.files import read_graph

    return labelled(read_graph(file, directed=True if directed else None), names, labels, file)


def _fit(
    detector: PeakDetector, graphs: list[Any], held: list[Any], out: Path, *, epochs: int | None,
    seed: int, resume: bool, device: str,
) -> dict[str, Any]:  # fmt: skip
    from graphmax.training import evaluate, fit

    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"`--out` must be a folder, got the file {out}")
    if (out / "config.json").exists() and not resume:
        raise ValueError(f"`--out` must not hold a detector yet, got {out}; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    result = fit(
        detector, graphs, validation=held or None, epochs=epochs, seed=seed, device=device,
        checkpoint=out / CHECKPOINT, resume=resume,
    )  # fmt: skip
    detector.save_pretrained(out)
    if result.stopped != "interrupt":
        (out / CHECKPOINT).unlink(missing_ok=True)
    judged = evaluate(detector, held or graphs)
    return {
        "epochs": result.epochs, "stopped": result.stopped, "hops": result.hops,
        "flip_rate": round(result.flip_rate, 4), "loss": round(result.history[-1]["loss"], 4),
        "judged_on": "validation" if held else "training", "f1": round(judged.f1, 4),
        "average_precision": round(judged.average_precision, 4),
    }  # fmt: skip
