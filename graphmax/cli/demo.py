"""A first look at the library, on the countries graph."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.cli.console import print_json, print_table, rows
from graphmax.cli.demo_detector import learned_powers, tell_learned_powers
from graphmax.cli.reports import expected_maxima, maxima_table
from graphmax.files import read_graph
from graphmax.maxima import local_maxima
from graphmax.peaks import find_peaks
from graphmax.rule import Rule
from graphmax.shipped_data import dataset_path

if TYPE_CHECKING:
    from pathlib import Path

    from graphmax.graph import Graph

COUNTRIES = "countries/countries.graphml"
PLACES = "countries/places.csv"


def run(folder: Path, *, as_json: bool) -> None:
    """Show the sections of the demo one after the other.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pictures go.
    as_json : bool
        Print one JSON document instead of tables.
    """
    graph = read_graph(dataset_path(COUNTRIES))
    powers, learned = regional_powers(graph, folder), learned_powers(graph)
    if as_json:
        print_json({"regional_powers": powers, "learned_powers": learned})
        return
    tell_regional_powers(powers)
    tell_learned_powers(learned)
    tell_what_next()


def regional_powers(graph: Graph, folder: Path) -> dict[str, Any]:
    """Find the countries with a larger economy than every country they border on.

    Parameters
    ----------
    graph : Graph
        The countries graph.
    folder : pathlib.Path
        Where the picture goes.

    Returns
    -------
    dict
        ``countries`` with a land border, ``expected_if_shuffled``, ``maxima`` (rows of the table)
        and ``picture``.
    """
    from graphmax.plotting import plot_peaks

    rule = Rule(isolated=False)
    mask = local_maxima(graph, "gdp", rule=rule)
    picture = folder / "graphmax-demo.png"
    title = "Regional economic powers: a larger GDP than every land neighbor"
    peaks = find_peaks(graph, "gdp", rule=rule)
    plot_peaks(graph, peaks, path=picture, positions=places(graph), title=title)
    bordering = np.diff(graph.indptr) > 0
    return {
        "countries": int(bordering.sum()),
        "expected_if_shuffled": round(expected_maxima(graph, bordering), 1),
        "maxima": rows(maxima_table(graph, "gdp", rule, mask)),
        "picture": str(picture),
    }


def places(graph: Graph) -> np.ndarray:
    """Return where the countries lie on the map.

    Parameters
    ----------
    graph : Graph
        The countries graph.

    Returns
    -------
    array of float64, shape (num_nodes, 2)
        Longitude and latitude in degrees.
    """
    with dataset_path(PLACES).open(encoding="utf-8", newline="") as lines:
        found = {row["id"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(lines)}
    return np.array([found[name] for name in graph.label_of(np.arange(graph.num_nodes))])


def tell_regional_powers(powers: dict[str, Any]) -> None:
    """Print the section on regional powers.

    Parameters
    ----------
    powers : dict
        What `regional_powers` found.
    """
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


def tell_what_next() -> None:
    """Print what to try next."""
    path = dataset_path(COUNTRIES)
    print()
    print("Try next:")
    print(f'  graphmax info "{path}"')
    print(f'  graphmax peaks "{path}" --values population --hops 2')
    print(f'  graphmax label "{path}" --values gdp --no-isolated --out labels.csv')
