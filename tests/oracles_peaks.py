"""What tables of peaks, suppression, watersheds and merge trees mean, put together slowly."""

from collections.abc import Callable, Iterable, Sequence
from math import dist
from typing import Any

import networkx as nx
import oracles
from oracles import Level, Network

Distance = Callable[[int, int], float]


def induced(network: Network, level: Sequence[Level]) -> Network:
    """Return the graph without the edges of absent nodes: no walk crosses them."""
    kept = [e for e, (u, v) in enumerate(network.edges) if None not in (level[u], level[v])]
    weights = None if network.weights is None else tuple(network.weights[e] for e in kept)
    edges = tuple(network.edges[e] for e in kept)
    return Network(network.num_nodes, edges, weights, network.directed)


def inside_groups(network: Network, groups: Sequence[Any]) -> Network:
    """Return the graph without the edges that join different groups."""
    kept = [e for e, (u, v) in enumerate(network.edges) if groups[u] == groups[v]]
    weights = None if network.weights is None else tuple(network.weights[e] for e in kept)
    edges = tuple(network.edges[e] for e in kept)
    return Network(network.num_nodes, edges, weights, network.directed)


def walks(network: Network, *, weighted: bool = False) -> Distance:
    """Return the function d(v, u), measured from v outwards without arrows."""
    matrix = oracles.distance_matrix(network, direction="both", weighted=weighted)
    return lambda v, u: float(matrix[v, u])


def lines(positions: Sequence[Sequence[float]]) -> Distance:
    """Return the function that measures straight lines."""
    return lambda v, u: dist(positions[v], positions[u])


def peak_nodes(
    network: Network,
    level: Sequence[Level],
    distance: Sequence[float],
    *,
    ties: str,
    reach: Any,
    isolated: bool = True,
) -> list[int]:
    """Return the nodes beyond whose reach the isolation is, a plateau once, highest first.

    `reach` is a number, or one per node, of which the largest of a plateau counts.
    """
    steps = oracles.steps(network, "both")
    peaks = []
    for v in range(network.num_nodes):
        members = oracles.plateau(network, v, level, "both") if ties == "plateau" else {v}
        own = max(reach[w] for w in members) if hasattr(reach, "__len__") else reach
        if distance[v] > own and (isolated or steps[v]) and min(members) == v:
            peaks.append(v)
    return sorted(peaks, key=lambda v: oracles.position(level, v))


def tops(network: Network, level: Sequence[Level]) -> list[int]:
    """Return the plateaus that no neighbor is higher than, by their lowest index."""
    present = [v for v in range(network.num_nodes) if level[v] is not None]
    return [v for v in present if oracles.summit(network, level, v) == v]


def thinned(nodes: Iterable[int], distance: Distance, least: float) -> list[int]:
    """Keep nodes in order, each at least so far from all that were kept before."""
    kept: list[int] = []
    for v in nodes:
        if all(distance(u, v) >= least for u in kept):
            kept.append(v)
    return kept


def peak_table(
    network: Network,
    values: Any,
    *,
    ties: str = "plateau",
    where: Any = None,
    min_height: Any = None,
    min_prominence: float | None = None,
    min_isolation: float | None = None,
    min_distance: float | None = None,
    metric: str | None = None,
    positions: Any = None,
    num_peaks: int | None = None,
    by: str = "height",
    base: Any = None,
    extremum: str = "max",
    hops: Any = None,
    radius: Any = None,
    isolated: bool = True,
    allowed: Any = None,
) -> dict[str, list[Any]]:
    """Return the columns of the table, and the basin of every node."""
    sign = -1 if extremum == "min" else 1
    level = oracles.levels(values, extremum=extremum, where=where)
    network = induced(network, level)
    weighted = radius is not None
    distance, witness = oracles.isolation(
        network, values, weighted=weighted, ties=ties, where=where, direction="both",
        extremum=extremum,
    )  # fmt: skip
    sea = None if base is None else sign * oracles.exact(base)
    prominence, nodes = {}, []
    reach = oracles.reach(hops, radius) if radius is None else radius
    for v in peak_nodes(network, level, distance, ties=ties, reach=reach, isolated=isolated):
        prominence[v] = oracles.prominence(network, level, v, sea)
        high = min_height is None or level[v] >= sign * oracles.exact(min_height)
        far = min_isolation is None or distance[v] >= min_isolation
        prominent = min_prominence is None or prominence[v] >= min_prominence
        if high and far and prominent and (allowed is None or allowed[v]):
            nodes.append(v)
    keys = {
        "height": lambda v: oracles.position(level, v),
        "prominence": lambda v: (-prominence[v], oracles.position(level, v)),
        "isolation": lambda v: (-distance[v], oracles.position(level, v)),
    }
    nodes.sort(key=keys[by])
    if min_distance is not None:
        measured = walks(network, weighted=metric == "weight" if metric else weighted)
        nodes = thinned(
            nodes, lines(positions) if metric == "euclidean" else measured, min_distance
        )
    nodes = sorted(nodes[:num_peaks], key=keys["height"])
    basins = [oracles.basin(network, level, v, set(nodes)) for v in range(network.num_nodes)]
    saddles = [oracles.key_saddle(network, level, v) for v in nodes]
    lowest = min((height for height in level if height is not None), default=None)
    ground = base if base is not None else None if lowest is None else sign * lowest
    return {
        "node": nodes,
        "value": [values[v] for v in nodes],
        "isolation": [distance[v] for v in nodes],
        "nearest_higher": [witness[v] for v in nodes],
        "prominence": [prominence[v] for v in nodes],
        "key_saddle": saddles,
        "key_saddle_value": [float(values[s] if s >= 0 else ground) for s in saddles],
        "parent": [oracles.parent(network, level, v, set(nodes)) for v in nodes],
        "basin_size": [basins.count(v) for v in nodes],
        "plateau_size": [len(oracles.plateau(network, v, level, "both")) for v in nodes],
        "basins": basins,
    }


def suppression(
    candidates: Iterable[int], distance: Distance, reach: Callable[[int], float]
) -> list[int]:
    """Take the best candidate, strike out what its reach holds, and so on."""
    kept: list[int] = []
    for v in candidates:
        if all(distance(u, v) > reach(u) for u in kept):
            kept.append(v)
    return kept


# --- watersheds


def watershed(
    network: Network, level: Sequence[Level], markers: dict[int, int], *, every: bool = False
) -> list[set[int]]:
    """Return the label of each node, level by level and wave by wave: the lowest of its neighbors.

    With `every` all labels that some order of equal steps could give.
    """
    steps = oracles.steps(network, "both")
    labels: dict[int, set[int]] = {}
    for height in sorted({h for h in level if h is not None}, reverse=True):
        labels |= {v: {own} for v, own in markers.items() if level[v] == height}
        wave = {-1: set()}
        while wave:
            wave = {}
            for v in range(network.num_nodes):
                if level[v] is None or level[v] < height or v in labels or v in markers:
                    continue
                sources = set().union(*(labels.get(u, set()) for u in steps[v]))
                if sources:
                    wave[v] = sources if every else {min(sources)}
            labels |= wave
    return [labels.get(v, {-1}) for v in range(network.num_nodes)]


def bottleneck(network: Network, level: Sequence[Level], v: int, sources: Iterable[int]) -> Level:
    """Return the highest level at which v is joined to one of the sources, or None."""
    graph = oracles.ground(network, level)
    for height in sorted({h for h in level if h is not None}, reverse=True):
        dry = graph.subgraph([u for u in graph if level[u] >= height])
        if v in dry and any(s in dry and nx.has_path(dry, v, s) for s in sources):
            return height
    return None


def divided(network: Network, level: Sequence[Level], *, every: bool = False) -> list[set[int]]:
    """Return the basin of each node, plateaus divided by steps from their rim, the lowest of them.

    With `every` all basins that some order of equal neighbors and steps could give.
    """
    steps = oracles.steps(network, "both")
    basins: list[set[int]] = [set() for _ in level]
    present = [v for v in range(network.num_nodes) if level[v] is not None]
    for height in sorted({level[v] for v in present}, reverse=True):
        plateau = [v for v in present if level[v] == height]
        for v in plateau:
            higher = [u for u in steps[v] if level[u] is not None and level[u] > height]
            highest = [u for u in higher if level[u] == max(level[w] for w in higher)]
            for u in highest if every else sorted(highest)[:1]:
                basins[v] |= basins[u]
        dry = [v for v in plateau if not basins[v]]
        while dry:
            wave = {}
            for v in dry:
                sources = set().union(*(basins[u] for u in steps[v] if level[u] == height))
                if sources:
                    wave[v] = sources if every else {min(sources)}
            for v, own in (wave or {dry[0]: {dry[0]}}).items():
                basins[v] = own
            dry = [v for v in dry if not basins[v]]
    return basins


# --- the merge tree


def components(network: Network, level: Sequence[Level], height: Level) -> list[frozenset[int]]:
    """Return the components of the nodes that are at least so high."""
    graph = oracles.ground(network, level)
    dry = graph.subgraph([v for v in graph if level[v] >= height])
    return [frozenset(component) for component in nx.connected_components(dry)]


def merge_tree(network: Network, level: Sequence[Level]) -> set[tuple[int, int]]:
    """Return the pairs (vertex, vertex below or -1), vertices called by their nodes."""
    below: dict[int, int] = {}
    current: dict[frozenset[int], int] = {}
    for height in sorted({h for h in level if h is not None}, reverse=True):
        found = {}
        for component in components(network, level, height):
            children = [old for old in current if old <= component]
            if not children:
                vertex = min(component)
            elif len(children) == 1:
                vertex = current[children[0]]
            else:
                vertex = first_meeting(network, level, component, children)
                below |= {current[child]: vertex for child in children}
            found[component] = vertex
        current = found
    for component, vertex in current.items():
        lowest = max(component, key=lambda v: oracles.position(level, v))
        if level[lowest] < level[vertex]:
            below |= {vertex: lowest, lowest: -1}
        else:
            below[vertex] = -1
    return set(below.items())


def first_meeting(
    network: Network, level: Sequence[Level], component: Iterable[int], children: list[Any]
) -> int:
    """Return the lowest node of the new level after which fewer pieces hold the children."""
    graph = oracles.ground(network, level)
    dry = set().union(*children)
    for v in sorted(set(component) - dry):
        dry.add(v)
        pieces = list(nx.connected_components(graph.subgraph(dry)))
        if sum(any(child <= piece for child in children) for piece in pieces) < len(children):
            return v
    raise AssertionError("nothing meets")


def repaired(network: Network, level: Sequence[Level], least: float) -> list[Level]:
    """Return levels lowered to the highest at which a node is joined to a peak that stays."""
    stay = [
        v
        for v in tops(network, level)
        if oracles.key_saddle(network, level, v) < 0
        or oracles.prominence(network, level, v) >= least
    ]
    return [
        None if level[v] is None else bottleneck(network, level, v, stay)
        for v in range(network.num_nodes)
    ]
