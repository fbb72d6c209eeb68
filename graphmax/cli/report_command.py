"""`graphmax report`: one HTML file to explore the peaks of a graph, offline."""

import shlex
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import (
    Device,
    File,
    FileOptions,
    NodeNames,
    ProbabilityOptions,
    RuleOptions,
    files_of_model,
    keep_apart,
)
from graphmax.cli.guard import arguments_named
from graphmax.cli.output import progress, say

if TYPE_CHECKING:
    from graphmax.graph import Graph


def report(
    file: File,
    values: Annotated[
        str,
        typer.Option(
            "--values",
            help="Node attributes to switch between: A,B,C; without one of that name degree, "
            "strength, core_number, clustering and so on are measured.",
            show_default=False,
        ),
    ],
    rule: RuleOptions,
    reading: FileOptions,
    sureness: ProbabilityOptions,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Compare with a detector (its folder, or the name of a shipped one): true, found "
            "and missed peaks in three colors. It is asked once for each of --values, or once for "
            "all where it was trained on columns of its own.",
        ),
    ] = None,
    device: Device = None,
    label: NodeNames = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    browse: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write one page to look at instead of a table: map, sliders, charts, why and why not.

    It works offline in any browser. The sliders for hops, prominence, isolation, height and number
    of peaks answer at once; the address keeps what is set, so that it can be shared. With
    --probability or --model each node has a probability beside the decision.
    """
    from graphmax.node_measures import with_column
    from graphmax.page import report as write_report

    keep_apart(out, file, reading.nodes, *(files_of_model(model) if model else ()))
    names = [name.strip() for name in values.split(",") if name.strip()]
    with progress(f"reading {file.name}"):
        graph = reading.read(file)
        for name in names:
            graph = with_column(graph, name)
        chance = _probabilities(graph, names, rule, sureness, file, model, device)
        with arguments_named(path="--out", force="--force"):
            write_report(
                graph,
                names,
                out,
                title=title,
                source=file,
                command=_command(),
                probability=chance,
                label=label,
                force=force,
                **rule.said(),
                **rule.selection(graph),
            )
    say(f"{graph.num_nodes} nodes and {graph.num_edges} edges written to {out}")
    if browse:
        _open(out)


def _command() -> str:
    """Return the command line that made the page."""
    return shlex.join(["graphmax", *sys.argv[1:]])


def _open(page: Path) -> None:
    """Show a page in the browser of the person, or say where it is."""
    address = page.resolve().as_uri()
    if not webbrowser.open(address):
        say(f"no browser could be started here; open {address}")


def _probabilities(
    graph: "Graph",
    names: list[str],
    rule: RuleOptions,
    sureness: ProbabilityOptions,
    file: Path,
    model: str | None,
    device: str | None,
) -> dict[str, Any] | None:
    """Return for each of the values how likely each node is a maximum, None where nobody asked."""
    if model is not None and sureness.probability:
        raise ValueError("`--model` must be left out with --probability, got both; ask one of them")
    if model is not None:
        return _by_model(graph, names, file, model, device)
    selection, chances = rule.selection(graph), {}
    for name in names:
        columns, _ = sureness.columns(graph, name, rule, selection)
        chances.update({name: columns["probability"]} if columns else {})
    return chances or None


def _by_model(
    graph: "Graph", names: list[str], file: Path, model: str, device: str | None
) -> dict[str, Any]:
    """Ask a detector for each of the values, once for all if it has columns of its own."""
    from graphmax.cli.detector_commands import available_device
    from graphmax.nn import PeakDetector
    from graphmax.node_measures import with_column
    from graphmax.training.scorers import features_of

    detector = PeakDetector.from_pretrained(model).to(available_device(device))
    if detector.columns:
        for name in detector.columns:
            graph = with_column(graph, name)
        features = features_of(graph, list(detector.columns), file)
        return dict.fromkeys(names, detector.predict_proba((graph, features)))
    return {
        name: detector.predict_proba((graph, features_of(graph, [name], file))) for name in names
    }
