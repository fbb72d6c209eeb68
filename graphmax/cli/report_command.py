"""`graphmax report` and `demo`: one HTML file to explore peaks, and a first look at the library.

The section of `demo` on learning trains on sampled graphs, scores the countries and validates.
"""

from __future__ import annotations

import csv
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
    Json,
    NodeNames,
    ProbabilityOptions,
    RuleOptions,
    files_of_model,
    keep_apart,
)
from graphmax.cli.output import (
    announcing,
    arguments_named,
    print_json,
    print_table,
    progress,
    rows,
    say,
)

if TYPE_CHECKING:
    import numpy as np
    from torch_geometric.data import Data

    from graphmax.graph import Graph
    from graphmax.nn import PeakDetector


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
    graph: Graph,
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
    graph: Graph, names: list[str], file: Path, model: str, device: str | None
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


# --- `graphmax demo`: a first look at the library, on the countries graph

HOPS, GRAPHS, NODES = 2, 40, 30
_SHOWN = 8


def learned_powers(graph: Graph) -> dict[str, Any]:
    """Train a detector on sampled graphs, and hold it against the exact rule on the countries.

    Returns ``trained_on``, ``true_hops``, ``learned_hops``, ``errors`` among all countries, and
    ``highest``: the countries of the highest probability, with the exact answer.
    """
    import numpy as np

    from graphmax.maxima import local_maxima

    detector = _trained()
    gdp = np.ma.getdata(graph.attributes["gdp"]).astype(np.float64)
    chance, decided = detector.predict_proba((graph, gdp)), detector.predict((graph, gdp))
    exact = local_maxima(graph, gdp, HOPS)
    bordering = np.diff(graph.indptr) > 0
    order = [v for v in np.lexsort((-gdp, -chance)) if bordering[v]][:_SHOWN]
    table = {
        "country": graph.label_of(order),
        "gdp": gdp[order],
        "probability": chance[order].round(3),
        "detector": decided[order],
        "exact": exact[order],
    }
    return {
        "trained_on": f"{GRAPHS} random graphs of {NODES} nodes",
        "true_hops": HOPS,
        "learned_hops": detector.hops_,
        "countries": graph.num_nodes,
        "errors": int((decided != exact).sum()),
        "highest": rows(table),
    }


def _trained() -> PeakDetector:
    """Return a detector that saw a few small graphs."""
    import numpy as np

    from graphmax.nn import PeakDetector
    from graphmax.training import fit

    rng = np.random.default_rng(0)
    detector = PeakDetector(hops="learn")
    fit(detector, [_sampled(rng) for _ in range(GRAPHS)])
    return detector


def _sampled(rng: np.random.Generator) -> Data:
    """Return a random graph with its exact labels."""
    import torch

    from graphmax.generators import erdos_renyi
    from graphmax.maxima import local_maxima

    graph = erdos_renyi(NODES, 3 / NODES, generator=rng)
    values = rng.normal(size=NODES)
    data = graph.to_data()
    data.x = torch.from_numpy(values)[:, None]
    data.y = torch.from_numpy(local_maxima(graph, values, HOPS))
    return data


def print_learned_powers(learned: dict[str, Any]) -> None:
    """Print the section on learning."""
    print()
    print("Can a network learn the rule from examples?")
    print(
        f"Trained on {learned['trained_on']}, labelled within {learned['true_hops']} hops; "
        f"it was not told how far, and learned {learned['learned_hops']}."
    )
    print_table(learned["highest"], ids=("country",))
    print(
        f"Against the exact rule: {learned['errors']} errors on {learned['countries']} countries."
    )


COUNTRIES = "countries/countries.graphml"
PLACES = "countries/places.csv"


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path(),
    json: Json = False,
) -> None:
    """Find the regional economic powers among the countries of the world."""
    from graphmax.files import read_graph
    from graphmax.machine import dataset_path

    with announcing():
        graph = read_graph(dataset_path(COUNTRIES))
        powers, learned = regional_powers(graph, out), learned_powers(graph)
    if json:
        print_json({"regional_powers": powers, "learned_powers": learned})
        return
    print_regional_powers(powers)
    print_learned_powers(learned)
    print_what_next(str(dataset_path(COUNTRIES)))


def regional_powers(graph: Graph, folder: Path) -> dict[str, Any]:
    """Find the countries with a larger economy than every country they border on.

    Returns ``countries`` with a land border, ``expected_if_shuffled``, ``maxima`` (rows of the
    table), ``picture`` and ``page``.
    """
    from graphmax.page import report
    from graphmax.peaks import find_peaks
    from graphmax.plotting import plot_peaks
    from graphmax.summary import expected_maxima

    picture, page = folder / "graphmax-demo.png", folder / "graphmax-demo.html"
    title = "Regional economic powers: a larger GDP than every land neighbor"
    peaks = find_peaks(graph, "gdp", isolated=False)
    plot_peaks(graph, peaks, path=picture, positions=places(graph), title=title)
    placed = graph.replace(positions=places(graph))
    report(placed, ["gdp", "population"], page, title=title, isolated=False, force=True)
    bordering = graph.indptr[1:] > graph.indptr[:-1]
    shown = ("label", "value", "isolation", "nearest_higher")
    table = peaks.labelled()
    return {
        "countries": int(bordering.sum()),
        "expected_if_shuffled": round(expected_maxima(graph, bordering), 1),
        "maxima": rows({name: table[name] for name in shown}),
        "picture": str(picture),
        "page": str(page),
    }


def places(graph: Graph) -> np.ndarray:
    """Return where the countries lie on the map: longitude and latitude in degrees."""
    import numpy as np

    from graphmax.machine import dataset_path

    with dataset_path(PLACES).open(encoding="utf-8", newline="") as lines:
        place = {row["id"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(lines)}
    return np.array([place[name] for name in graph.label_of(range(graph.num_nodes))])


def print_regional_powers(powers: dict[str, Any]) -> None:
    """Print the section on regional powers."""
    print("Which countries are regional economic powers?")
    print("Those with a larger GDP (million US$) than every country they share a land border with.")
    print()
    print_table(powers["maxima"], ids=("label", "nearest_higher"))
    print(
        f"{len(powers['maxima'])} of {powers['countries']} countries with a land border; "
        f"{powers['expected_if_shuffled']} expected if the values were shuffled."
    )
    print("isolation: how many borders away the nearest country with a larger GDP lies.")
    print(f"Picture: {powers['picture']}")
    print(f"Page to explore in a browser: {powers['page']}")


def print_what_next(path: str) -> None:
    """Print what to try next."""
    print()
    print("Try next:")
    print(f'  graphmax info "{path}"')
    print(f'  graphmax peaks "{path}" --values population --hops 2')
    print(f'  graphmax label "{path}" --values gdp --no-isolated --out labels.csv')
