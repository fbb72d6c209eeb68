"""How many peaks chance would give at every reach: the same values, shuffled over the nodes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.peaks import Peaks, find_peaks

_WORK = 2_000_000
_FEWEST_ROUNDS, _MOST_ROUNDS = 2, 50
_FEWEST_HOPS, _STEPS = 8, 33


def chance_counts(
    graph: Graph,
    column: NDArray[Any],
    peaks: Peaks,
    said: dict[str, Any],
    selection: dict[str, Any],
    seed: int = 0,
) -> dict[str, Any]:
    """Return `reach`, `count` and `rounds`: the mean number of peaks beyond each reach.

    The rule is that of the page, `said` and `selection` are what `find_peaks` was asked; values
    stay in their group and on the nodes that have one. One round answers every reach.
    """
    reach = _reaches(peaks)
    work = graph.num_nodes + graph.indices.size
    rounds = int(np.clip(_WORK // max(work, 1), _FEWEST_ROUNDS, _MOST_ROUNDS))
    rng, counts = np.random.default_rng(seed), np.zeros(reach.size)
    for _ in range(rounds):
        shuffled = _shuffled(column, selection, rng)
        far = np.sort(find_peaks(graph, shuffled, **said, **selection).isolation)
        counts += far.size - np.searchsorted(far, reach, side="right")
    count = np.round(counts / rounds, 2)
    return {"reach": reach.tolist(), "count": count.tolist(), "rounds": rounds}


def _reaches(peaks: Peaks) -> NDArray[Any]:
    """Return where the slider can stand: every number of hops, or even steps of a radius."""
    finite = peaks.isolation[np.isfinite(peaks.isolation)]
    farthest, radius = float(finite.max(initial=1)), peaks.rule.radius
    if radius is None:
        return np.arange(1, max(_FEWEST_HOPS, int(farthest)) + 1)
    return np.linspace(radius, max(farthest, radius), _STEPS)


def _shuffled(
    column: NDArray[Any], selection: dict[str, Any], rng: np.random.Generator
) -> NDArray[Any]:
    """Return the column with its present values shuffled inside each group."""
    data = np.ma.getdata(column)
    present = ~np.ma.getmaskarray(column)
    if data.dtype.kind in "fmM":
        present &= ~np.isnan(data)
    if selection["where"] is not None:
        present &= selection["where"]
    nodes = np.flatnonzero(present)
    codes = np.zeros(nodes.size, np.int64)
    if selection["groups"] is not None:
        _, codes = np.unique(
            np.asarray(selection["groups"]).astype(str)[nodes], return_inverse=True
        )
    shuffled = column.copy()
    sources = nodes[np.lexsort((rng.random(nodes.size), codes))]
    shuffled[nodes[np.argsort(codes, kind="stable")]] = data[sources]
    return shuffled
