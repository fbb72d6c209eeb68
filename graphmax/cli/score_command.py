"""`graphmax score`: how likely each node is a maximum, in the eyes of a trained detector."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import (
    Device,
    File,
    FileOptions,
    Label,
    TableOutput,
    files_of_model,
    keep_apart,
    with_names,
)
from graphmax.cli.console import progress, say
from graphmax.cli.train_command import Features, KnownValues, available_device, column_names

if TYPE_CHECKING:
    from graphmax.nn import PeakDetector


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
    from graphmax.cli.documents import print_csv
    from graphmax.nn import PeakDetector
    from graphmax.training.detector_columns import expanded, features_of, score_table

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


def _names(detector: "PeakDetector", given: list[str]) -> list[Any]:
    """Return the attributes to score by: those of the training unless others are given."""
    names = given or list(detector.columns)
    if len(names) != detector.score.in_channels:
        raise ValueError(
            f"`--values` or `--features` must name {detector.score.in_channels} for this detector, "
            f"got {len(names)}"
        )
    return names
