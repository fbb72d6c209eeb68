"""`graphmax peaks`: the table of `find_peaks`, and a picture."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import (
    File,
    FileOptions,
    NodeNames,
    RuleOptions,
    TableOutput,
    Values,
    keep_apart,
    number,
)
from graphmax.cli.console import print_table, progress
from graphmax.cli.probability_columns import ProbabilityOptions, tell

if TYPE_CHECKING:
    from graphmax.graph import Graph
    from graphmax.peaks import Peaks
    from graphmax.rule import Rule

    Columns = Mapping[str, Any]

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
    from graphmax.cli.documents import rows

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
