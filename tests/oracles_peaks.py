"""What `find_peaks` and greedy suppression mean, put together from the definitions, slowly."""

from dataclasses import replace
from typing import Any

import oracles
from oracles import Network


def only_present(network: Network, level: list[Any]) -> Network:
    """Return the graph without the edges of absent nodes: nothing walks through them."""
    weights = network.weights or (None,) * len(network.edges)
    kept = [
        (edge, weight)
        for edge, weight in zip(network.edges, weights, strict=True)
        if level[edge[0]] is not None and level[edge[1]] is not None
    ]
    edges = tuple(edge for edge, _ in kept)
    lengths = None if network.weights is None else tuple(weight for _, weight in kept)
    return replace(network, edges=edges, weights=lengths)


def keeping(level: list[Any], v: int, threshold: Any) -> bool:
    """Tell whether a node is as high as an inclusive threshold, given as a level."""
    return threshold is None or level[v] >= threshold


def peak_nodes(network: Network, values: Any, *, ties: str, where: Any, **rule: Any) -> list[int]:
    """Return the peaks of a rule, each plateau by its lowest index, highest first."""
    level = oracles.levels(values, extremum=rule["extremum"], where=where)
    mask = oracles.local_maxima(
        network, values, ties=ties, where=where, direction="both", nan="omit", **rule
    )
    found = [v for v in range(network.num_nodes) if mask[v]]
    if ties == "plateau":
        found = [v for v in found if min(oracles.plateau(network, v, level, "both")) == v]
    return sorted(found, key=lambda v: oracles.position(level, v))


def peak_table(
    network: Network,
    values: Any,
    *,
    ties: str = "plateau",
    where: Any = None,
    min_height: Any = None,
    min_prominence: float | None = None,
    min_isolation: float | None = None,
    num_peaks: int | None = None,
    extremum: str = "max",
    **size: Any,
) -> dict[str, list[Any]]:
    """Return the columns of the table, and the basin of every node."""
    level = oracles.levels(values, extremum=extremum, where=where)
    network = only_present(network, level)
    weighted = size.get("radius") is not None
    rule = {"extremum": extremum, **size}
    distance, witness = oracles.isolation(
        network, values, weighted=weighted, ties=ties, where=where, direction="both",
        extremum=extremum,
    )  # fmt: skip
    prominence = {}
    nodes = []
    for v in peak_nodes(network, values, ties=ties, where=where, **rule):
        prominence[v] = oracles.prominence(network, level, v)
        high = min_height is None or oracles.exact(values[v]) is not None
        if min_height is not None and high:
            bound = oracles.exact(min_height)
            own = oracles.exact(values[v])
            high = own <= bound if extremum == "min" else own >= bound
        far = min_isolation is None or distance[v] >= min_isolation
        if high and far and (min_prominence is None or prominence[v] >= min_prominence):
            nodes.append(v)
    nodes = nodes[:num_peaks]
    basins = [oracles.basin(network, level, v, set(nodes)) for v in range(network.num_nodes)]
    return {
        "node": nodes,
        "value": [values[v] for v in nodes],
        "isolation": [distance[v] for v in nodes],
        "nearest_higher": [witness[v] for v in nodes],
        "prominence": [prominence[v] for v in nodes],
        "key_saddle": [oracles.key_saddle(network, level, v) for v in nodes],
        "parent": [oracles.parent(network, level, v, set(nodes)) for v in nodes],
        "basin_size": [basins.count(v) for v in nodes],
        "plateau_size": [len(oracles.plateau(network, v, level, "both")) for v in nodes],
        "basins": basins,
    }


def suppression(
    network: Network, scores: Any, *, hops: int, threshold: Any = None, where: Any = None
) -> list[int]:
    """Take the best candidate, strike out its ball, and so on."""
    level = oracles.levels(scores, where=where)
    network = only_present(network, level)
    bound = None if threshold is None else oracles.exact(threshold)
    left = {v for v in range(network.num_nodes) if level[v] is not None}
    left = {v for v in left if bound is None or level[v] >= bound}
    kept = []
    while left:
        kept.append(min(left, key=lambda v: oracles.position(level, v)))
        left -= oracles.ball(network, kept[-1], hops=hops, direction="both")
    return kept
