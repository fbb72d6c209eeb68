"""`graphmax label`: the mask of `local_maxima`, of a graph file or of tables beyond memory."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import (
    File,
    FileOptions,
    Label,
    RuleOptions,
    TableOutput,
    Values,
    keep_apart,
    with_names,
)
from graphmax.cli.console import progress, say
from graphmax.cli.probability_columns import ProbabilityOptions, tell

if TYPE_CHECKING:
    from graphmax.tables import TableAnswer

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+):/(?!/)")
_COLUMNS = ("src", "dst", "id")


def label(
    file: File,
    values: Values,
    rule: RuleOptions,
    reading: FileOptions,
    output: TableOutput,
    sureness: ProbabilityOptions,
    engine: Annotated[
        str,
        typer.Option(
            "--engine", help="What answers: memory, stream, spark, or auto (what is fastest here)."
        ),
    ] = "memory",
    memory_limit: Annotated[
        str | None,
        typer.Option("--memory-limit", help="What a stream or Spark may hold: 1GB, 512MiB."),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Add the rival, the highest other node of the ball."),
    ] = False,
    master: Annotated[
        str | None, typer.Option("--master", help="Spark master to start at, such as local[4].")
    ] = None,
    names: Label = None,
) -> None:
    """Tell of every node whether it is a maximum: the columns id and is_maximum.

    As `local_maxima`: strict, and a node without a value is refused. Tables larger than memory,
    folders and patterns: give --nodes and --engine stream, or spark for a cluster. Edges may then
    also be pairs of numbers: .npy, .int32.bin, .int64.bin. --out takes a .parquet or .csv file, or
    a new folder. With --probability also probability, mean and deviation, as `peak_probability`.
    """
    keep_apart(output.out, file, reading.nodes)
    several = file.is_dir() or (has_magic(str(file)) and not file.exists())
    several |= file.suffix in (".npy", ".bin")
    if several or engine != "memory" or memory_limit or explain or master:
        means = {"engine": engine, "memory_limit": memory_limit, "explain": explain}
        sureness.refuse_tables()
        if names is not None:
            raise ValueError("`--label` must be left out for tables beyond memory, got one")
        _label_tables(file, values, rule, reading, output, {**means, "master": master})
        return
    from graphmax.cli.documents import print_csv
    from graphmax.node_measures import with_column
    from graphmax.question import rule_of
    from graphmax.summary import label_table

    made = rule_of("local_maxima", **rule.said())
    with progress(f"reading {file.name}"):
        graph = with_column(reading.read(file), values)
        selection = rule.selection(graph)
        table = with_names(label_table(graph, values, made, **selection), graph, names)
        added, fitted = sureness.columns(graph, values, rule, selection)
    tell(fitted)
    read = None if graph.source is None else graph.source.to_dict()
    document = {"file": str(file), "reading": read, "values": values, "rule": asdict(made)}
    output.deliver("labels", {**table, **added}, {**document, **fitted}, print_csv)


def _label_tables(
    file: Path,
    values: str,
    options: RuleOptions,
    reading: FileOptions,
    output: TableOutput,
    means: Mapping[str, Any],
) -> None:
    """Label tables that may be larger than memory, and tell of it."""
    from graphmax.node_measures import NEIGHBOR_MEAN
    from graphmax.question import rule_of
    from graphmax.rule import Rule
    from graphmax.tables import local_maxima_tables

    if reading.nodes is None:
        raise ValueError(
            "`--nodes` must name the table of nodes when the edges are a table, got none"
        )
    if options.where or options.groups:
        raise ValueError(
            "`--where` and `--groups` must be left out for tables beyond memory, got one; leave "
            "those rows out of the tables"
        )
    rule = Rule(**options.said())
    columns = {name: getattr(reading, name) for name in _COLUMNS}
    if values.removeprefix(NEIGHBOR_MEAN) == "strength":
        columns["weight"] = reading.weight
    with progress(f"reading {file.name}"):
        answer = local_maxima_tables(
            _path(file),
            _path(reading.nodes),
            values,
            rule=rule,
            directed=reading.directed,
            out=None if output.out is None else _path(output.out),
            **{name: column for name, column in columns.items() if column is not None},
            **means,
        )
    used = asdict(rule_of("local_maxima_tables", rule))
    _tell(answer, {"file": str(file), "values": values, "rule": used}, output)


def _path(path: Path) -> str:
    """Write a path as the user did: `pathlib` takes a slash away from ``s3a://bucket``."""
    return _SCHEME.sub(r"\1://", str(path))


def _tell(answer: "TableAnswer", document: Mapping[str, Any], output: TableOutput) -> None:
    """Print what an engine answered, or say where it wrote it."""
    from graphmax.cli.documents import print_csv, print_json, rows

    out = None if output.out is None else _path(output.out)
    if out is not None:
        written = f"{answer.num_nodes} rows written to {out} by {answer.engine}"
        say(f"{written}, {answer.num_maxima} maxima")
    if output.json:
        labels = {"labels": rows(answer.columns())} if out is None else {"out": out}
        sizes = {"nodes": answer.num_nodes, "edges": answer.num_edges, "maxima": answer.num_maxima}
        stages = [stage._asdict() for stage in answer.stages]
        print_json({**document, "engine": answer.engine, **sizes, "stages": stages, **labels})
    elif out is None:
        print_csv(answer.columns())
