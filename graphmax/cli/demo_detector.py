"""The demo's section on learning: train on sampled graphs, score the countries, validate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.cli.console import print_table
from graphmax.cli.documents import rows

if TYPE_CHECKING:
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
