"""Answers of the library on random graphs, rules and 20 kinds of values beside the definitions."""

import warnings

import numpy as np
import oracles
from random_graphs import DTYPES, graph_of, random_network, random_rule, random_values
from tally import Tally

import graphmax as gm


def attack(count, seed, folder):
    """Compare so many answers: one a node and a question."""
    warnings.simplefilter("ignore")
    rng, tally = np.random.default_rng(seed), Tally()
    while tally.tried < count:
        network = random_network(rng)
        kind = str(rng.choice(DTYPES))
        values, plain = random_values(rng, network.num_nodes, kind)
        case = (network, kind, np.asarray(plain).tolist())
        where = rng.random(network.num_nodes) < 0.8 if rng.random() < 0.2 else None
        for question, found, expected in questions(rng, network, values, plain, where):
            tally.tried += network.num_nodes
            tally.note(question.partition(" ")[0], network.num_nodes)
            for node, (one, other) in enumerate(zip(found, expected, strict=True)):
                if one != other and not (one != one and other != other):
                    tally.fail(f"{question} of node {node}: {one} is not {other} on {case}")
    return tally


def questions(rng, network, values, plain, where):
    """Yield what is asked, the answers and the true ones."""
    graph, given = graph_of(network), {"nan": "omit", "where": where}
    same = {"where": where}
    rule = random_rule(rng, network, "ties", "direction", "isolated", "extremum")
    mask = gm.local_maxima(graph, values, **rule, **given)
    yield (
        f"local_maxima {rule} {where}",
        listed(mask),
        oracles.local_maxima(network, plain, **rule, **same),
    )
    rule = random_rule(rng, network, "ties", "direction", "extremum")
    weighted = "radius" in rule
    limit = rule.pop("radius", None) or rule.pop("hops")
    limit = None if rng.random() < 0.5 else limit
    far = gm.isolation(
        graph, values, weighted=weighted, max_distance=limit, where=where, nan="omit", **rule
    )
    distance, witness = oracles.isolation(
        network, plain, weighted=weighted, max_distance=limit, **rule, **same
    )
    yield f"isolation {rule} {limit} {where}", listed(far.distance), distance
    yield f"witness {rule} {limit} {where}", listed(far.witness), witness
    rule = random_rule(rng, network, "direction", "extremum")
    margin = gm.margin(graph, values, **rule, **given)
    yield f"margin {rule} {where}", listed(margin), oracles.margin(network, plain, **rule, **same)
    yield from topography(graph, network, values, plain, where)


def topography(graph, network, values, plain, where):
    """Yield prominence, parents and basins of the peaks of a graph without arrows."""
    if network.directed:
        return
    level = oracles.levels(plain, where=where)
    peaks = gm.find_peaks(graph, values, where=where)
    nodes = listed(peaks.nodes)
    flat = oracles.local_maxima(network, plain, ties="plateau", where=where)
    named = {min(oracles.plateau(network, v, level)) for v in np.flatnonzero(flat).tolist()}
    yield (
        "find_peaks",
        [v in nodes for v in range(network.num_nodes)],
        [v in named for v in range(network.num_nodes)],
    )
    heights = dict(zip(nodes, listed(peaks.prominence), strict=True))
    parents = dict(zip(nodes, listed(peaks.parent), strict=True))
    yield (
        "prominence",
        [heights.get(v, 0) for v in range(network.num_nodes)],
        [
            oracles.prominence(network, level, v) if v in named else 0
            for v in range(network.num_nodes)
        ],
    )
    yield (
        "parent",
        [parents.get(v, -1) for v in range(network.num_nodes)],
        [
            oracles.parent(network, level, v, named) if v in named else -1
            for v in range(network.num_nodes)
        ],
    )
    basins = gm.basins(graph, values, where=where)
    yield (
        "basins",
        listed(basins),
        [oracles.basin(network, level, v) for v in range(network.num_nodes)],
    )


def listed(answer):
    """Return an answer of any library as a list."""
    return answer.tolist() if hasattr(answer, "tolist") else list(answer)
