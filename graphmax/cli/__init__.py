"""The command ``graphmax``: every command is one call of the library.

Modules that compute are imported by the command that needs them, so that ``--help`` is immediate
and no command on files waits for torch.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.check import check
from graphmax.cli.console import (
    Commands,
    announce_compilation,
    print_csv,
    print_json,
    print_table,
    progress,
    rows,
)
from graphmax.cli.convert import convert
from graphmax.cli.generate import generate
from graphmax.cli.options import (
    Directed,
    Direction,
    Engine,
    Explain,
    File,
    Hops,
    Isolated,
    Json,
    Master,
    MemoryLimit,
    Minima,
    MinIsolation,
    MinProminence,
    Nan,
    Nodes,
    NumPeaks,
    Out,
    Radius,
    Ties,
    Values,
)
from graphmax.cli.score import score
from graphmax.cli.train import train

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graphmax.graph import Graph
    from graphmax.rule import Rule

    Table = dict[str, NDArray[Any]]

IDS = ("label", "nearest_higher", "nearest_lower", "key_saddle", "parent")

app = typer.Typer(
    cls=Commands,
    name="graphmax",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"graphmax {version('graphmax')}")
        raise typer.Exit


@app.callback()
def front(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Find the local maxima of a node attribute on a graph, exactly.

    Exit code 0: fine. Exit code 2: bad input, with one sentence on stderr.
    """


@app.command()
def info(file: File, nodes: Nodes = None, directed: Directed = False, json: Json = False) -> None:
    """Tell what is in a graph file, and how many maxima each attribute has.

    maxima: strict, 1 hop. expected: how many there would be on average if the values were
    shuffled over the nodes. ties: nodes with a neighbor of equal value.
    """
    announce_compilation("csr", "scan")
    from graphmax.cli.reports import describe

    with progress(f"reading {file.name}"):
        told = describe(_read(file, nodes, directed))
    if json:
        print_json({"file": str(file), **told})
        return
    attributes = told.pop("attributes")
    print_table([{"": name.replace("_", " "), "count": told[name]} for name in told])
    print_table(attributes)


@app.command()
def peaks(
    file: File,
    values: Values,
    hops: Hops = None,
    radius: Radius = None,
    ties: Ties = "strict",
    direction: Direction = "in",
    isolated: Isolated = True,
    nan: Nan = "raise",
    minima: Minima = False,
    directed: Directed = False,
    nodes: Nodes = None,
    min_prominence: MinProminence = None,
    min_isolation: MinIsolation = None,
    num_peaks: NumPeaks = None,
    out: Out = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the graph here: .png, .pdf or .svg.")
    ] = None,
    top: Annotated[int, typer.Option("--top", help="Print so many rows; 0 prints all.")] = 50,
    json: Json = False,
) -> None:
    """List the maxima, highest first, and tell how much each of them matters.

    isolation: distance to the nearest higher node, in steps (in edge weights with --radius);
    Infinity where no node that can be reached is higher. prominence: height above the key saddle,
    the lowest node on the best path to higher ground. parent: the peak met there. basin size: how
    many nodes lie on the slopes of the peak. With --minima the lowest comes first, and the nearest
    lower node beside it. Prominence needs --ties strict or plateau, and --direction both where
    edges are arrows.
    """
    rule = _rule(hops, radius, ties, direction, isolated=isolated, nan=nan, minima=minima)
    announce_compilation("csr", *_loops_of_peaks(rule))
    from graphmax.cli.topography import shown, tell_peaks

    filters = {
        "min_prominence": min_prominence,
        "min_isolation": min_isolation,
        "num_peaks": num_peaks,
    }
    with progress(f"reading {file.name}"):
        graph = _read(file, nodes, directed)
        table = tell_peaks(graph, values, rule, filters=filters, plot=plot)
    if out is not None:
        _save(table, out)
    if json:
        print_json({**_document(file, values, rule), "maxima": rows(table)})
    elif out is None:
        print_table(rows(shown(table)), ids=IDS, top=top)


@app.command()
def label(
    file: File,
    values: Values,
    hops: Hops = None,
    radius: Radius = None,
    ties: Ties = "strict",
    direction: Direction = "in",
    isolated: Isolated = True,
    nan: Nan = "raise",
    minima: Minima = False,
    directed: Directed = False,
    nodes: Nodes = None,
    engine: Engine = "memory",
    memory_limit: MemoryLimit = None,
    explain: Explain = False,
    master: Master = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Tell of every node whether it is a maximum: the columns id and is_maximum.

    Tables larger than memory, folders and patterns: give --nodes and --engine duckdb, or spark
    for a cluster. --out then takes a .parquet or .csv file, or a new folder.
    """
    rule = _rule(hops, radius, ties, direction, isolated=isolated, nan=nan, minima=minima)
    from graphmax.cli.tables import are_tables, label_tables

    if are_tables(file, engine, memory_limit, explain, master):
        label_tables(
            file, nodes, values, rule, as_json=json, engine=engine, memory_limit=memory_limit,
            explain=explain, master=master, out=out, directed=True if directed else None,
        )  # fmt: skip
        return
    is_one_hop = rule.reach == 1
    announce_compilation("csr", "scan" if is_one_hop else "search", *_plateau_loops(rule))
    from graphmax.cli.reports import label_table

    with progress(f"reading {file.name}"):
        graph = _read(file, nodes, directed)
        table = label_table(graph, _maxima(graph, values, rule))
    if out is not None:
        _save(table, out)
    if json:
        print_json({**_document(file, values, rule), "labels": rows(table)})
    elif out is None:
        print_csv(table)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path(),
    json: Json = False,
) -> None:
    """Find the regional economic powers among the countries of the world."""
    announce_compilation("csr", "scan", "search")
    from graphmax.cli.demo import run

    run(out, as_json=json)


app.command()(convert)
app.command()(generate)
app.command()(train)
app.command()(score)
app.command()(check)


def _rule(
    hops: int | None,
    radius: float | None,
    ties: str,
    direction: str,
    *,
    isolated: bool,
    nan: str,
    minima: bool,
) -> "Rule":
    from graphmax.rule import Rule

    extremum = "min" if minima else "max"
    return Rule(hops, radius, ties, direction, isolated, nan, extremum)


def _loops_of_peaks(rule: "Rule") -> list[str]:
    if rule.ties not in ("strict", "plateau"):
        return ["scan", "search"]
    if rule.radius is None:
        return ["ascent", "merge", "isolate"]
    return ["ascent", "merge", "scan", "search", *_plateau_loops(rule)]


def _plateau_loops(rule: "Rule") -> list[str]:
    return ["plateau"] if rule.ties == "plateau" else []


def _read(file: Path, nodes: Path | None, directed: bool) -> "Graph":
    from graphmax.files import read_graph

    return read_graph(file, nodes=nodes, directed=True if directed else None)


def _maxima(graph: "Graph", values: str, rule: "Rule") -> "NDArray[np.bool_]":
    from graphmax.maxima import local_maxima

    mask: NDArray[np.bool_] = local_maxima(graph, values, rule=rule)
    if mask.ndim != 1:
        raise ValueError(
            f"`values` must name an attribute with one number a node, got {values!r} with "
            f"{mask.shape[1]}"
        )
    return mask


def _document(file: Path, values: str, rule: "Rule") -> dict[str, Any]:
    from dataclasses import asdict

    return {"file": str(file), "values": values, "rule": asdict(rule)}


def _save(table: "Table", out: Path) -> None:
    from graphmax.files import write_table

    write_table(table, out)
    typer.echo(f"{len(next(iter(table.values())))} rows written to {out}", err=True)
