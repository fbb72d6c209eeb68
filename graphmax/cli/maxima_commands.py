"""`graphmax info`, `label`, `peaks`, `convert`, `generate`: from a file to a file or table."""

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
    Json,
    Label,
    NodeNames,
    ProbabilityOptions,
    RuleOptions,
    TableOutput,
    Values,
    keep_apart,
    number,
    tell,
    with_names,
)
from graphmax.cli.output import (
    arguments_named,
    print_csv,
    print_json,
    print_table,
    progress,
    rows,
    say,
    visible,
)

if TYPE_CHECKING:
    from graphmax.graph import Graph
    from graphmax.peaks import Peaks
    from graphmax.rule import Rule
    from graphmax.tables import TableAnswer

    Columns = Mapping[str, Any]


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


IDS = ("label", "nearest_higher", "nearest_lower", "key_saddle", "parent")


def peaks(
    file: File,
    values: Values,
    rule: RuleOptions,
    reading: FileOptions,
    output: TableOutput,
    sureness: ProbabilityOptions,
    min_height: Annotated[
        Any, typer.Option("--min-height", parser=number, help="Leave out peaks that are lower.")
    ] = None,
    min_prominence: Annotated[
        float | None,
        typer.Option("--min-prominence", help="Leave out peaks that stand out less."),
    ] = None,
    min_isolation: Annotated[
        float | None,
        typer.Option("--min-isolation", help="Leave out peaks nearer to higher ground than this."),
    ] = None,
    min_distance: Annotated[
        float | None,
        typer.Option("--min-distance", help="Of peaks nearer to each other keep the first."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", help="How --min-distance is measured: hops, weight, euclidean."),
    ] = None,
    num_peaks: Annotated[
        int | None, typer.Option("--num-peaks", help="Keep so many, the first by --by.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Which go first: height, prominence or isolation.")
    ] = None,
    base: Annotated[
        Any,
        typer.Option(
            "--base", parser=number, help="Sea level of prominences; the lowest value by default."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the graph here: .png, .pdf or .svg.")
    ] = None,
    top: Annotated[int, typer.Option("--top", help="Print so many rows; 0 prints all.")] = 50,
    label: NodeNames = None,
) -> None:
    """List the peaks, highest first, and tell how much each of them matters.

    A flat top is one peak, and nodes without a value are left out (as in `find_peaks`). isolation:
    distance to the nearest higher node, in hops (in edge weights with --radius); Infinity where no
    node that can be reached is higher. prominence: height above the key saddle, the lowest node on
    the best path to higher ground. parent: the peak met there. basin size: how many nodes lie on
    the slopes of the peak. With --minima the lowest comes first, and the nearest lower node beside
    it. Without prominence: --ties weak or index, and arrows that count one way. With --probability
    the values have noise: probability, mean and deviation say how sure each peak is.
    """
    keep_apart(output.out, file, reading.nodes)
    keep_apart(plot, file, reading.nodes, name="--plot")
    filters = {
        "min_height": min_height,
        "min_prominence": min_prominence,
        "min_isolation": min_isolation,
        "min_distance": min_distance,
        "metric": metric,
        "num_peaks": num_peaks,
        "by": by,
        "base": base,
    }
    with progress(f"reading {file.name}"):
        graph = reading.read(file)
        table, used = _answer(graph, values, rule, filters, plot)
        added, fitted = _sureness(graph, values, rule, sureness, table)
    tell(fitted)
    read = None if graph.source is None else graph.source.to_dict()
    document = {"file": str(file), "reading": read, "values": values, "rule": asdict(used)}
    table, document = {**table, **added}, {**document, **fitted}
    output.deliver("maxima", table, document, lambda shown: _show(_named(shown, graph, label), top))


def _answer(
    graph: "Graph", values: str, options: RuleOptions, filters: Mapping[str, Any], plot: Path | None
) -> tuple["Columns", "Rule"]:
    """Return the table of peaks and their rule, and draw them if there is a path."""
    from graphmax.node_measures import with_column
    from graphmax.peaks import find_peaks
    from graphmax.question import rule_of
    from graphmax.rule import Rule
    from graphmax.summary import has_topography, maxima_table

    graph, selection = with_column(graph, values), options.selection(graph)
    asked = {name: bound for name, bound in filters.items() if bound is not None}
    if asked or has_topography(graph, Rule(**options.said())):
        found = find_peaks(graph, values, **asked, **options.said(), **selection)
        if plot is not None:
            _draw_peaks(graph, values, found, plot)
        return _renamed(_columns(found), found.rule), found.rule
    from graphmax.maxima import local_maxima

    # Nodes that are left out are left out as in the table of peaks.
    rule = rule_of("local_maxima", **{"nan": "omit", "absent": "block", **options.said()})
    mask = local_maxima(graph, values, rule=rule, **selection)
    if plot is not None:
        _draw_maxima(graph, values, mask, plot)
    return _renamed(maxima_table(graph, values, rule, mask, **selection), rule), rule


def _sureness(
    graph: "Graph",
    values: str,
    options: RuleOptions,
    sureness: ProbabilityOptions,
    table: "Columns",
) -> tuple["Columns", Mapping[str, Any]]:
    """Return how sure each row of the table is, and what was fitted."""
    from graphmax.node_measures import with_column

    graph = with_column(graph, values)
    columns, fitted = sureness.columns(graph, values, options, options.selection(graph))
    labels = graph.label_of(range(graph.num_nodes)).tolist() if columns else []
    node_of = {label: node for node, label in enumerate(labels)}
    nodes = [node_of[label] for label in table["label"].tolist()] if columns else []
    return {name: column[nodes] for name, column in columns.items()}, fitted


def _columns(found: "Peaks") -> "Columns":
    """Return the table without the index of nodes, which a file does not know."""
    return {name: column for name, column in found.labelled().items() if name != "node"}


def _renamed(table: "Columns", rule: "Rule") -> "Columns":
    """Call the nearest challenger of a minimum a lower node."""
    if rule.extremum != "min":
        return table
    return {name.replace("nearest_higher", "nearest_lower"): table[name] for name in table}


def _named(table: "Columns", graph: "Graph", label: str | None) -> "Columns":
    """Put names in the place of the ids that a person reads."""
    from graphmax.summary import named_ids

    return {
        name: named_ids(graph, column, label) if name in IDS else column
        for name, column in table.items()
    }


def _show(table: "Columns", top: int) -> None:
    """Print the columns that a terminal has room for; files and JSON have them all."""
    sizes = table.get("plateau_size")
    hidden = {"key_saddle_value", "mean", "deviation"}  # the first is value less prominence
    if sizes is not None and not (sizes > 1).any():
        hidden.add("plateau_size")
    shown = {name: table[name] for name in table if name not in hidden}
    if "probability" in shown:
        sure = shown.pop("probability").round(3)  # samples tell no more
        shown = {"label": shown.pop("label"), "probability": sure, **shown}
    print_table(rows(shown), ids=IDS, top=top)


def _draw_peaks(graph: "Graph", values: str, found: "Peaks", path: Path) -> None:
    """Draw the graph with its peaks."""
    from graphmax.plotting import plot_peaks

    plot_peaks(graph, found, path=path, title=f"Peaks of {values}")


def _draw_maxima(graph: "Graph", values: str, mask: Any, path: Path) -> None:
    """Draw the graph with its maxima."""
    from graphmax.plotting import plot_maxima

    plot_maxima(graph, values, mask, path=path, title=f"Local maxima of {values}")


# --- `graphmax info`, `convert` and `generate`: what is in a file, another format


def info(file: File, reading: FileOptions, json: Json = False) -> None:
    """Tell what is in a graph file, and how many maxima each attribute has.

    maxima: strict, 1 hop. expected: how many there would be on average if the values were
    shuffled over the nodes. ties: nodes with a neighbor of equal value.
    """
    from graphmax.summary import summarize

    with progress(f"reading {file.name}"):
        graph = reading.read(file)
        summary = summarize(graph)
    if json:
        print_json({"file": str(file), "reading": graph.source.to_dict(), **summary})
        return
    attributes, measures = summary.pop("attributes"), summary.pop("measures")
    print_table([{"": name.replace("_", " "), "count": summary[name]} for name in summary])
    print_table(attributes)
    typer.echo(f"--values also takes: {', '.join(measures) or 'nothing else'}")


Out = Annotated[Path, typer.Argument(help="File to write: WRITTEN ENDINGS.")]


def convert(file: File, out: Out, reading: FileOptions, json: Json = False) -> None:
    """Read a graph file in any format and write it in another, with ids and attributes.

    The file appears whole or not at all. A .csv or .parquet file gets a table of the nodes beside
    it.
    """
    from graphmax.files import write_graph
    from graphmax.files.reading import PAIR_ENDINGS, nodes_name

    keep_apart(out, file, reading.nodes, name="OUT")
    if out.suffix.lower().removeprefix(".") in PAIR_ENDINGS:
        keep_apart(Path(nodes_name(str(out))), file, reading.nodes, name="OUT")
    with progress(f"reading {file.name}"):
        graph = reading.read(file)
    with arguments_named(path="OUT"):
        write_graph(graph, out)
    counts = {"nodes": graph.num_nodes, "edges": graph.num_edges, "directed": graph.directed}
    if json:
        read = graph.source.to_dict()
        print_json({"file": str(file), "reading": read, "out": str(out), **counts})
        return
    say(f"{graph.num_nodes} nodes and {graph.num_edges} edges written to {out}")


COUNTS = ("graphs", "fewest_nodes", "most_nodes", "nodes", "edges", "maxima", "ties", "isolated")


def generate(
    name: Annotated[str, typer.Argument(help="A named set, or a recipe file that ends in .toml.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the set; a new one is made.")],
    json: Json = False,
) -> None:
    """Make a labelled set of graphs: files, labels, split, versions and SHA-256.

    An interrupted call goes on where it stopped. The folder of another recipe is refused.
    maxima, ties, isolated: shares of nodes that are maxima, have a neighbor of equal value, have
    no neighbor.
    """
    from graphmax.datasets.recipe import generate as make
    from graphmax.datasets.recipe import named_recipe

    recipe = named_recipe(name)
    with progress(f"generating {recipe.name}"):
        manifest = make(recipe, out)
    if json:
        print_json(manifest)
        return
    typer.echo(visible(f"{recipe.name} version {recipe.version} in {out}"))
    print_table([_row(split, counts) for split, counts in manifest["counts"].items()])


def _row(split: str, counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a split."""
    return {"split": split, **{name: counts[name] for name in COUNTS}}
