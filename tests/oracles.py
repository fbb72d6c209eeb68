"""The definitions, written out slowly: one function each, the ground truth of every test.

Plain Python, networkx and numpy; no code of the package. Fit for graphs of a dozen nodes.

Words: a *level* is the value of a node as an exact Python number (int, Fraction or an infinity),
negated for minima, so that higher always wins; None stands for a node that is NaN, NaT or outside
`where`. `fields` are the names and defaults of a rule.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf, isinf, isnan
from operator import le, lt
from typing import Any

import networkx as nx
import numpy as np

Level = int | Fraction | float | None


@dataclass(frozen=True)
class Network:
    """A graph as a person writes it down: a number of nodes and a list of edges."""

    num_nodes: int
    edges: tuple[tuple[int, int], ...] = ()
    weights: tuple[float, ...] | None = None
    directed: bool = False


# --- values


def exact(value: Any) -> Level:
    """Return one entry of an array or tensor as an exact number; None for NaN and NaT."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return None if np.isnat(value) else int(value.astype(np.int64))
    number = value.item() if hasattr(value, "item") else value
    if not isinstance(number, float):
        return int(number)
    if isnan(number):
        return None
    return number if isinf(number) else Fraction(number)


def levels(values: Any, *, extremum: str = "max", where: Any = None) -> list[Level]:
    """Return what is compared: exact numbers, mirrored for minima, None where nothing is there."""
    sign = 1 if extremum == "max" else -1
    found = [exact(value) for value in values]
    inside = [True] * len(found) if where is None else where
    return [
        None if level is None or not here else sign * level
        for level, here in zip(found, inside, strict=True)
    ]


# --- steps and balls


def steps(network: Network, direction: str = "in") -> list[dict[int, float]]:
    """Return for every node v the counted steps {u: smallest weight of a step from v to u}."""
    found: list[dict[int, float]] = [{} for _ in range(network.num_nodes)]
    weights = network.weights or [1.0] * len(network.edges)
    for (source, target), weight in zip(network.edges, weights, strict=True):
        pairs = []
        if direction in ("out", "both") or not network.directed:
            pairs.append((source, target))
        if direction in ("in", "both") or not network.directed:
            pairs.append((target, source))
        for v, u in pairs:
            if v != u:
                found[v][u] = min(float(weight), found[v].get(u, inf))
    return found


def distances(
    network: Network, v: int, *, direction: str = "in", weighted: bool = False
) -> list[float]:
    """Return d(v, u) for every u: relax steps, adding from v outwards, until nothing changes."""
    found = [inf] * network.num_nodes
    found[v] = 0.0
    table = steps(network, direction)
    changed = True
    while changed:
        changed = False
        for a in range(network.num_nodes):
            for b, weight in table[a].items():
                there = found[a] + (weight if weighted else 1.0)
                if there < found[b]:
                    found[b], changed = there, True
    return found


def distance_matrix(
    network: Network, *, direction: str = "in", weighted: bool = False
) -> np.ndarray:
    """Return d(v, u) in row v and column u."""
    size = network.num_nodes
    rows = [distances(network, v, direction=direction, weighted=weighted) for v in range(size)]
    return np.array(rows, dtype=np.float64).reshape(size, size)


def reach(hops: int | None, radius: float | None) -> float:
    """Return the size of the ball: hops, or the radius, or the one hop that is meant by neither."""
    if radius is not None:
        return radius
    return 1 if hops is None else hops


def ball(
    network: Network,
    v: int,
    *,
    hops: int | None = None,
    radius: float | None = None,
    direction: str = "in",
) -> set[int]:
    """Return the nodes u with d(v, u) <= k."""
    row = distances(network, v, direction=direction, weighted=radius is not None)
    return {u for u, distance in enumerate(row) if distance <= reach(hops, radius)}


# --- challengers and isolation


def challenges(u: int, v: int, level: Sequence[Level], ties: str) -> bool:
    """Tell whether u is a challenger of v (under `plateau`: strictly higher than v's plateau)."""
    if u == v or level[u] is None:
        return False
    if ties == "strict":
        return level[u] >= level[v]
    if ties == "index":
        return (-level[u], u) < (-level[v], v)
    return level[u] > level[v]


def plateau(network: Network, v: int, level: Sequence[Level], direction: str = "in") -> set[int]:
    """Return v and every node reached from v by counted steps through nodes of equal value."""
    table = steps(network, direction)
    found, frontier = {v}, [v]
    while frontier:
        for u in table[frontier.pop()]:
            if u not in found and level[u] is not None and level[u] == level[v]:
                found.add(u)
                frontier.append(u)
    return found


def isolation(
    network: Network,
    values: Any,
    *,
    weighted: bool = False,
    max_distance: float | None = None,
    ties: str = "strict",
    direction: str = "in",
    extremum: str = "max",
    where: Any = None,
    nan: str = "omit",
) -> tuple[list[float], list[int]]:
    """Return the distance to the nearest challenger, and the witness: nearest, highest, lowest."""
    level = levels(values, extremum=extremum, where=where)
    matrix = distance_matrix(network, direction=direction, weighted=weighted)
    limit = inf if max_distance is None else max_distance
    answers = []
    for v in range(network.num_nodes):
        if level[v] is None:
            answers.append((float("nan"), 0, -1))
            continue
        members = plateau(network, v, level, direction) if ties == "plateau" else {v}
        near = [
            (min(matrix[w, u] for w in members), -level[u], u)
            for u in range(network.num_nodes)
            if challenges(u, v, level, ties)
        ]
        reached = [entry for entry in near if entry[0] <= limit and entry[0] < inf]
        answers.append(min(reached, default=(inf, 0, -1)))
    return [float(answer[0]) for answer in answers], [answer[2] for answer in answers]


def local_maxima(
    network: Network,
    values: Any,
    *,
    hops: int | None = None,
    radius: float | None = None,
    isolated: bool = True,
    direction: str = "in",
    **fields: Any,
) -> list[bool]:
    """Return the label: isolation greater than k and, under `isolated=False`, a neighbor."""
    weighted = radius is not None
    distance, _ = isolation(network, values, weighted=weighted, direction=direction, **fields)
    table = steps(network, direction)
    return [
        distance[v] > reach(hops, radius) and (isolated or len(table[v]) > 0)
        for v in range(network.num_nodes)
    ]


# --- rival and margin


def rival(
    network: Network, level: Sequence[Level], v: int, *, direction: str = "in", **size: Any
) -> int:
    """Return the holder of the largest value among the other nodes of the ball; -1 for nobody."""
    others = ball(network, v, direction=direction, **size) - {v}
    ranked = [(-level[u], u) for u in others if level[u] is not None]
    return min(ranked, default=(0, -1))[1]


def difference(a: Level, b: Level) -> float:
    """Return a - b exactly, rounded once; 0 for two equal infinities."""
    if a == b:
        return 0.0
    if isinstance(a, float) or isinstance(b, float):
        return inf if a > b else -inf
    try:
        return float(Fraction(a) - Fraction(b))
    except OverflowError:
        return inf if a > b else -inf


def margin(
    network: Network,
    values: Any,
    *,
    hops: int | None = None,
    radius: float | None = None,
    direction: str = "in",
    extremum: str = "max",
    where: Any = None,
    nan: str = "omit",
) -> list[float]:
    """Return value minus the rival's value (rival minus value for minima); inf without a rival."""
    level = levels(values, extremum=extremum, where=where)
    found = []
    for v in range(network.num_nodes):
        if level[v] is None:
            found.append(float("nan"))
            continue
        other = rival(network, level, v, hops=hops, radius=radius, direction=direction)
        found.append(inf if other == -1 else difference(level[v], level[other]))
    return found


# --- topography (arrows are dropped)


def position(level: Sequence[Level], v: int) -> tuple[Level, int]:
    """Return the place of v in the order "value descending, then index ascending"."""
    return (-level[v], v)


def ground(network: Network, level: Sequence[Level]) -> nx.Graph:
    """Return the graph without arrows, self-loops and absent nodes."""
    graph = nx.Graph()
    graph.add_nodes_from(v for v in range(network.num_nodes) if level[v] is not None)
    graph.add_edges_from((u, v) for u, v in network.edges if u != v and u in graph and v in graph)
    return graph


def flooded(graph: nx.Graph, level: Sequence[Level], peak: int, saddle: int) -> set[int]:
    """Return what one can walk to from the peak without going below (after) the saddle."""
    dry = [v for v in graph if position(level, v) <= position(level, saddle)]
    return set(nx.node_connected_component(graph.subgraph(dry), peak))


def key_saddle(network: Network, level: Sequence[Level], peak: int) -> int:
    """Return the first node of the order at whose height the peak meets ground before it; or -1."""
    graph = ground(network, level)
    for saddle in sorted(graph, key=lambda v: position(level, v)):
        if position(level, saddle) < position(level, peak):
            continue
        if min(flooded(graph, level, peak, saddle), key=lambda v: position(level, v)) != peak:
            return saddle
    return -1


def prominence(
    network: Network, level: Sequence[Level], peak: int, base: Level | None = None
) -> float:
    """Return the height above the key saddle; without one above `base`, the lowest level of all."""
    saddle = key_saddle(network, level, peak)
    if saddle >= 0:
        return difference(level[peak], level[saddle])
    sea = min(height for height in level if height is not None) if base is None else base
    return difference(level[peak], sea)


def parent(network: Network, level: Sequence[Level], peak: int, table: Collection[int]) -> int:
    """Return the nearest ancestor in the merge tree that is in the table; or -1."""
    saddle = key_saddle(network, level, peak)
    if saddle < 0:
        return -1
    merged = flooded(ground(network, level), level, peak, saddle)
    elder = min(merged, key=lambda v: position(level, v))
    return elder if elder in table else parent(network, level, elder, table)


def summit(network: Network, level: Sequence[Level], v: int) -> int:
    """Return the lowest index of the plateau where the walk to ever highest neighbors ends."""
    undirected = steps(network, "both")
    here = plateau(network, v, level, "both")
    higher = {
        u for w in here for u in undirected[w] if level[u] is not None and level[u] > level[v]
    }
    if not higher:
        return min(here)
    return summit(network, level, min(higher, key=lambda u: position(level, u)))


def basin(
    network: Network, level: Sequence[Level], v: int, table: Collection[int] | None = None
) -> int:
    """Return the peak whose basin v is in: its summit, or that one's ancestor in the table."""
    if level[v] is None:
        return -1
    top = summit(network, level, v)
    if table is None or top in table:
        return top
    return parent(network, level, top, table)


# --- edge maxima


def edge_maxima(
    network: Network, weights: Any, *, hops: int = 1, ties: str = "strict"
) -> list[bool]:
    """Tell for each of the distinct edges whether it beats the others between its two balls."""
    level = levels(weights)
    found = []
    for e, (u, v) in enumerate(network.edges):
        nodes = ball(network, u, hops=hops, direction="both")
        nodes |= ball(network, v, hops=hops, direction="both")
        others = [level[f] for f, (a, b) in enumerate(network.edges) if f != e and {a, b} <= nodes]
        allowed = lt if ties == "strict" else le
        found.append(all(allowed(weight, level[e]) for weight in others))
    return found


# --- many patterns at once, for proofs by exhaustion


def weak_orderings(size: int) -> np.ndarray:
    """Return every pattern of ties of `size` nodes as a column of ranks 0..m without a gap."""
    ranks: Iterator[tuple[int, ...]] = product(range(size), repeat=size)
    return np.array([r for r in ranks if set(r) == set(range(max(r) + 1))], dtype=np.int8).T


def matrix_maxima(distance: np.ndarray, patterns: np.ndarray, hops: int, ties: str) -> np.ndarray:
    """Return the labels of every column of `patterns`, from the matrix of hop distances alone."""
    size = len(distance)
    mine, theirs = patterns[:, None, :], patterns[None, :, :]
    other = ~np.eye(size, dtype=bool)[:, :, None]
    near = (distance <= hops)[:, :, None] & other
    if ties == "strict":
        return ~(near & (theirs >= mine)).any(axis=1)
    if ties == "index":
        before = (np.arange(size)[None, :] < np.arange(size)[:, None])[:, :, None]
        return ~(near & ((theirs > mine) | ((theirs == mine) & before))).any(axis=1)
    beaten = (near & (theirs > mine)).any(axis=1)
    return ~(beaten if ties == "weak" else beaten_together(distance, patterns, beaten))


def beaten_together(distance: np.ndarray, patterns: np.ndarray, beaten: np.ndarray) -> np.ndarray:
    """Return where some member of a node's plateau is beaten (closure of equal steps)."""
    together = (distance <= 1)[:, :, None] & (patterns[:, None, :] == patterns[None, :, :])
    for middle in range(len(distance)):
        together |= together[:, middle, None, :] & together[None, middle, :, :]
    return (together & beaten[None, :, :]).any(axis=1)
