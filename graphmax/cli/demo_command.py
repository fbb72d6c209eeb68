"""`graphmax demo`: a first look at the library, on the countries graph.

Its section on learning trains on sampled graphs, scores the countries and validates.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphmax.cli.command_options import Json
from graphmax.cli.output import announcing, print_json, print_table, rows

if TYPE_CHECKING:
    import numpy as np
    from torch_geometric.data import Data

    from graphmax.graph import Graph
    from graphmax.nn import PeakDetector


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
