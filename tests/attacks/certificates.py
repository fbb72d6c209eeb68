"""Certificates with one forged field: none that is untrue may verify, and none may raise."""

import copy
import warnings
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import oracles
from oracles import Network
from random_graphs import graph_of, random_floats, random_network, random_rule
from tally import Tally

import graphmax as gm

STRANGE = (
    None, True, False, "challenger", "", 0, -1, 1, 2, 99, 2**63, -(2**63), 2**64, 0.5, -0.0,
    float("nan"), float("inf"), -float("inf"), 1j, b"0", [], [0], {}, (0, 1), np.int8(1),
    np.uint64(2**63), np.float32(1), np.bool_(True), np.array(1), np.array([1]), np.array([1, 1]),
    np.array([]), np.array([0.0, 1.0]), np.array([[0, 1]]), np.array(["a"]), object(), gm.Rule(),
)  # fmt: skip


def attack(count, seed, folder):
    """Forge so many certificates that are untrue."""
    warnings.simplefilter("ignore")
    rng, tally = np.random.default_rng(seed), Tally()
    while tally.tried < count:
        network = random_network(rng, 6)
        values, plain = random_floats(rng, network.num_nodes, "float64")
        names = ("ties", "direction", "isolated", "extremum")
        asked = {**random_rule(rng, network, *names), "nan": "omit"}
        asked["absent"] = str(rng.choice(["pass", "block"]))
        graph, node = graph_of(network), int(rng.integers(network.num_nodes))
        certificate = gm.explain(graph, values, node, **asked)
        if not is_true(certificate, network, plain) or not certificate.verify(graph, values):
            tally.fail(f"not true before it is forged: {certificate} on {network}, {plain}")
        for _ in range(30):
            judge(forged(rng, certificate, network.num_nodes), graph, network, values, tally)
    return tally


def judge(certificate, graph, network, values, tally):
    """Ask the library about a forged certificate, unless it is true all the same."""
    if is_true(certificate, network, values):
        tally.note("true all the same")
        return
    tally.tried += 1
    try:
        accepted = certificate.verify(graph, values)
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is wrong
        tally.fail(f"{type(failure).__name__}: {failure} for {certificate} on {network}")
        return
    if accepted is not False:
        tally.fail(f"accepted: {certificate} on {network} with {values.tolist()}")
    tally.note("rejected")


def forged(rng, certificate, size):
    """Return a copy with one field of another value, likely or strange."""
    name = str(rng.choice([one.name for one in fields(certificate)]))
    if name == "rule":
        return replace(certificate, rule=forged_rule(rng, certificate.rule))
    if rng.random() < 0.3:
        return replace(certificate, **{name: STRANGE[rng.integers(len(STRANGE))]})
    node = int(rng.integers(-2, size + 2))
    likely = {
        "node": node, "witness": node, "rival": node, "ball_size": int(rng.integers(-1, size + 2)),
        "is_maximum": not certificate.is_maximum, "plateau_steps": int(rng.integers(-2, 4)),
        "reason": [None, "challenger", "isolated", "nan"][rng.integers(4)],
        "distance": float(rng.choice([0, 0.1, 0.3, 1, 2, 3, np.nan, np.inf, -1])),
        "path": forged_path(rng, certificate.path, size),
    }  # fmt: skip
    return replace(certificate, **{name: likely[name]})


def forged_path(rng, path, size):
    """Change a node of a path, leave one out, put one in, or draw another path."""
    kind, path = rng.integers(4), path.copy()
    if kind == 0 and path.size:
        path[rng.integers(path.size)] = rng.integers(-1, size + 1)
    elif kind == 1 and path.size:
        path = np.delete(path, rng.integers(path.size))
    elif kind == 2:
        path = np.insert(path, rng.integers(path.size + 1), rng.integers(-1, size + 1))
    else:
        path = rng.integers(-1, size + 1, rng.integers(0, 5))
    return path.astype(rng.choice(["i8", "i8", "i4", "u8"]))


def forged_rule(rng, rule):
    """Change a field of the rule to a likely or a strange value, past all checks."""
    likely = {
        "hops": [None, 0, 1, 2, 3, 10**30, True, 1.0], "radius": [None, 0.3, 0.0, -1.0, np.nan],
        "ties": ["strict", "weak", "plateau", "index", "none"], "direction": ["in", "out", "both"],
        "isolated": [True, False, 1], "nan": ["raise", "omit"], "absent": ["pass", "block"],
        "extremum": ["max", "min"],
    }  # fmt: skip
    name = str(rng.choice(list(likely)))
    pool = STRANGE if rng.random() < 0.3 else likely[name]
    changed = copy.copy(rule)
    object.__setattr__(changed, name, pool[rng.integers(len(pool))])
    return changed


# --- the truth, by the definitions alone


def is_true(certificate, network, values):
    """Tell whether everything that a certificate says is so, and is said in the right kind."""
    if not is_well_typed(certificate) or not 0 <= certificate.node < network.num_nodes:
        return False
    rule, node = certificate.rule, certificate.node
    if rule.radius is not None and network.weights is None:
        return False
    if rule.radius == np.inf:  # the definition compares two infinities
        return True
    level = oracles.levels(values, extremum=rule.extremum)
    if rule.absent == "block":
        network = without_absent(network, level)
    if certificate.is_maximum is not maximum(network, values, rule)[node]:
        return False
    if certificate.is_maximum:
        said = (certificate.ball_size, certificate.rival) == beaten(network, level, node, rule)
        return said and certificate.reason is None and is_silent(certificate, "ball")
    if not (certificate.ball_size == 0 and certificate.rival == -1):
        return False
    if certificate.reason == "challenger":
        return level[node] is not None and walks(certificate, network, level)
    if level[node] is None:
        return certificate.reason == "nan" and is_silent(certificate, "path")
    alone = not rule.isolated and not oracles.steps(network, rule.direction)[node]
    return alone and certificate.reason == "isolated" and is_silent(certificate, "path")


def is_well_typed(certificate):
    """Tell whether every field is of its kind and the rule is one."""
    counts = ("node", "witness", "plateau_steps", "ball_size", "rival")
    values = [getattr(certificate, name) for name in counts]
    if any(isinstance(v, bool | np.bool_) or not isinstance(v, int | np.integer) for v in values):
        return False
    distance, path = certificate.distance, certificate.path
    if isinstance(distance, bool | np.bool_) or not isinstance(distance, int | float):
        return False
    if not isinstance(path, np.ndarray) or path.ndim != 1 or path.dtype.kind not in "iu":
        return False
    if type(certificate.is_maximum) is not bool:
        return False
    if not isinstance(certificate.reason, str | None):
        return False
    return is_rule(certificate.rule)


def is_rule(rule):
    """Tell whether a rule could be made by its constructor and has every field filled in."""
    if not isinstance(rule, gm.Rule):
        return False
    said = {one.name: getattr(rule, one.name) for one in fields(rule)}
    kinds = {"hops": int, "isolated": bool, "radius": float}
    for name, value in said.items():
        if value is not None and type(value) is not kinds.get(name, str):
            return False
    try:
        made = gm.Rule(**said)
    except (TypeError, ValueError):
        return False
    return made == made.filled() and all(
        getattr(made.filled(), name) == value for name, value in said.items()
    )


def is_silent(certificate, part):
    """Tell whether a certificate says nothing of a path."""
    nothing = certificate.path.size == 0 and certificate.witness == -1
    return nothing and certificate.plateau_steps == 0 and certificate.distance == np.inf


def without_absent(network, level):
    """Return the network without the edges of absent nodes."""
    kept = [at for at, ends in enumerate(network.edges) if None not in [level[v] for v in ends]]
    weights = network.weights and tuple(network.weights[at] for at in kept)
    edges = tuple(network.edges[at] for at in kept)
    return Network(network.num_nodes, edges, weights, network.directed)


def maximum(network, values, rule):
    """Return the labels by the oracle."""
    said = {one.name: getattr(rule, one.name) for one in fields(rule)}
    return oracles.local_maxima(
        network, values, **{k: v for k, v in said.items() if k not in ("nan", "absent")}
    )


def sources(network, level, node, rule):
    """Return the nodes that a node speaks for."""
    if rule.ties != "plateau":
        return {node}
    return oracles.plateau(network, node, level, rule.direction)


def beaten(network, level, node, rule):
    """Return the size of the ball that was beaten and its highest other node."""
    size = {"hops": rule.hops, "radius": rule.radius, "direction": rule.direction}
    ball = set()
    for source in sources(network, level, node, rule):
        ball |= oracles.ball(network, source, **size)
    ranked = [(-level[u], u) for u in ball - {node} if level[u] is not None]
    return len(ball), min(ranked, default=(0, -1))[1]


def walks(certificate, network, level):
    """Tell whether the path is a walk of its length to a challenger within the rule."""
    rule, node, path = certificate.rule, certificate.node, [int(v) for v in certificate.path]
    steps, lead = oracles.steps(network, rule.direction), certificate.plateau_steps
    if not path or path[0] != node or path[-1] != certificate.witness or not 0 <= lead < len(path):
        return False
    if not all(0 <= v < network.num_nodes for v in path):
        return False
    if any(u not in steps[v] for v, u in pairwise(path)):
        return False
    if lead and (rule.ties != "plateau" or {level[v] for v in path[: lead + 1]} != {level[node]}):
        return False
    if rule.absent == "block" and any(level[v] is None for v in path):
        return False
    length = 0.0
    for v, u in zip(path[lead:], path[lead + 1 :], strict=False):
        length += 1.0 if rule.radius is None else steps[v][u]
    is_within = length == certificate.distance <= oracles.reach(rule.hops, rule.radius)
    return is_within and oracles.challenges(certificate.witness, node, level, rule.ties)
