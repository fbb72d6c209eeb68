"""From a question to masks, distances and rivals, by the cheapest kernel that is exact.

Edges in any order are answered without rows, a pass a hop, where that is the cheaper way.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import first_outside
from graphmax.convert import EdgeList
from graphmax.kernels import search, stream
from graphmax.kernels.compare import EVERYONE
from graphmax.kernels.hopmax import rivals_within
from graphmax.kernels.stream import ranked
from graphmax.kernels.stream_rounds import Hops
from graphmax.question import Question
from graphmax.rule import Rule

_WAYS = {"in": stream.FORWARD, "out": stream.BACKWARD, "both": stream.BOTH_WAYS}

# Nanoseconds on two cores, fitted by least squares of relative errors to 210 pairs of whole calls:
# random edges, with arrows and symmetric, with weights and without, 3,000 to 10**6 nodes, 1 to 32
# entries a node, 2, 3 and 5 hops (`tests/benchmarks/test_bench_rounds.py`). The choice by these
# costs 2 % more than always the faster way; always rows costs 49 % more, always rounds 44 %.
ROWS, ROWS_A_NODE, ROWS_AN_ENTRY, ROWS_A_WEIGHT = 3.3e5, 81.0, 7.7, 8.9
# A search for each node that one hop leaves: the fewer neighbors, the more of them.
SEARCH = 156.0
ROUNDS, ROUNDS_A_NODE = 1.35e6, 27.0
A_ROUND_A_NODE, A_ROUND_AN_ENTRY = 4.4, 9.4


def edges_worth_rounds(question: Question) -> EdgeList | None:
    """Return edges that a pass a hop answers sooner than rows and a search, None where rows pay.

    Nothing is known of them yet but how many there are.
    """
    edges, reach = question.raw_edges, question.rule.reach
    # Rows that the source has already cost nothing.
    if edges is None or reach is None or reach == 1 or edges.compressed is not None:
        return None
    columns, num_nodes = question.keys.shape
    size = num_nodes, edges.src.size
    rows = cost_of_rows(*size, columns, weighted=edges.weights is not None)
    return edges if columns * cost_of_rounds(*size, reach) < rows else None


def cost_of_rows(num_nodes: int, entries: int, columns: int = 1, *, weighted: bool) -> float:
    """Estimate what rows and a search in them take, in nanoseconds."""
    left = num_nodes**2 / (num_nodes + entries) if num_nodes else 0.0
    build = ROWS_A_NODE * num_nodes + (ROWS_AN_ENTRY + ROWS_A_WEIGHT * weighted) * entries
    return ROWS + build + columns * SEARCH * left


def cost_of_rounds(num_nodes: int, entries: int, hops: int) -> float:
    """Estimate what the rounds of one column take, in nanoseconds."""
    a_round = A_ROUND_A_NODE * num_nodes + A_ROUND_AN_ENTRY * entries
    return ROUNDS + ROUNDS_A_NODE * num_nodes + (hops - 1) * a_round


def one_hop_mask(question: Question, edges: EdgeList) -> NDArray[np.bool_]:
    """Answer one hop: a node is beaten by any edge that says so."""
    ends, rule = edges.ends, question.rule
    mask = np.empty(question.keys.shape, np.bool_)
    for column, key in enumerate(question.keys):
        found = stream.one_hop(
            *ends,
            key,
            question.absent(column),
            question.ties.code,
            _WAYS[rule.direction],
            neighbors=not rule.isolated,
        )
        if isinstance(found, int):
            raise first_outside(ends, key.size, found)
        mask[column], has_neighbor = found
        if has_neighbor is not None:
            mask[column] &= has_neighbor
    return mask


def rounds_mask(question: Question, edges: EdgeList) -> NDArray[np.bool_]:
    """Answer several hops: every node hears of the two highest within one hop more."""
    ends, rule = edges.ends, question.rule
    mask = np.empty(question.keys.shape, np.bool_)
    ways, apart = _WAYS[rule.direction], not rule.isolated
    for column, key in enumerate(question.keys):
        order = ranked(key, question.absent(column))
        hops = Hops(order, key.size, question.ties.code, ways, neighbors=apart, rivals=False)
        bad = hops.over(*ends, rule.reach)
        if bad != stream.NO_EDGE:
            raise first_outside(ends, key.size, bad)
        mask[column] = hops.open & hops.joined if apart else hops.open
    return mask


# A search gives up for rounds of hop_max when it has looked at this share of the edges of all the
# rounds, so that it never costs much more than them: many ties, or expanders and many hops.
SEARCH_SHARE = 0.5
LEAST_SEARCH = 1 << 16


def maxima_mask(question: Question) -> NDArray[np.bool_]:
    """Return who is a local maximum, bool (F, num_nodes)."""
    if question.edges is not None:
        return one_hop_mask(question, question.edges)
    if (edges := edges_worth_rounds(question)) is not None:
        return rounds_mask(question, edges)
    if question.reach is not None:
        return _beyond_own_reach(question, question.reach)
    mask = _unchallenged(question)
    if question.ties.by_plateau:
        rows, back = question.rows, question.reversed_rows
        for column, key in enumerate(question.keys):
            search.defeat(
                rows.indptr,
                rows.indices,
                back.indptr,
                back.indices,
                key,
                question.absent(column),
                mask[column],
            )
    if not question.rule.isolated:
        mask &= np.diff(question.rows.indptr) > 0
    return mask


def _beyond_own_reach(question: Question, reach: NDArray[Any]) -> NDArray[np.bool_]:
    """Each node asks as far as its own reach; the rule holds the largest."""
    rows, by_weight = question.rows, question.rule.radius is not None
    mask = _present(question)
    if not by_weight:
        code = question.ties.code
        mask = search.scan(rows.indptr, rows.indices, question.keys, question.absents, code)
    distance, _ = nearest_challengers(question, limit_of(question.rule), by_weight, mask)
    mask &= distance > reach_of_plateaus(question, reach)
    if not question.rule.isolated:
        mask &= np.diff(rows.indptr) > 0
    return mask


def limit_of(rule: Rule) -> int | float:
    """Return how far a rule reaches, in its unit."""
    reach = rule.reach
    return rule.radius or 0.0 if reach is None else reach


def reach_of_plateaus(question: Question, reach: NDArray[Any]) -> NDArray[Any]:
    """Return the reach of every node (F, num_nodes): under plateau the largest of its plateau."""
    shape = question.keys.shape
    if not question.ties.by_plateau:
        return np.broadcast_to(reach, shape)
    back, largest = question.reversed_rows, np.tile(reach.astype(np.float64), (shape[0], 1))
    farthest_first, nobody = np.argsort(-reach, kind="stable"), np.empty(shape[1], np.int64)
    for column, key in enumerate(question.keys):
        search.spread_nearest(
            back.indptr,
            back.indices,
            key,
            question.absent(column),
            farthest_first,
            largest[column],
            nobody,
        )
    return largest


def _unchallenged(question: Question) -> NDArray[np.bool_]:
    rows, reach = question.rows, question.rule.reach
    arrays = question.keys, question.absents, question.ties.code
    if reach is None:
        return _without_challenger(question, _present(question), question.rule.radius or 0.0)
    mask: NDArray[np.bool_] = search.scan(rows.indptr, rows.indices, *arrays)
    if reach == 1 or not mask.any():
        return mask
    return _without_challenger(question, mask, reach)


def _without_challenger(
    question: Question, mask: NDArray[np.bool_], limit: int | float
) -> NDArray[np.bool_]:
    """Keep in `mask` the candidates that no node within `limit` challenges."""
    rows, by_hops = question.rows, question.rule.radius is None
    weights = None if by_hops else question.lengths
    items = np.flatnonzero(mask)
    give_up = search.UNLIMITED
    if by_hops:
        rounds = int(SEARCH_SHARE * (rows.indices.size + mask.shape[1]) * limit)
        give_up = len(mask) * max(rounds, LEAST_SEARCH)
    _, witness, finished = search.search(
        (rows.indptr, rows.indices, weights),
        question.keys,
        question.absents,
        question.ties.code,
        items,
        limit=limit,
        stop=search.FIRST,
        cleared=1,  # hops; lengths know none
        stop_after=give_up,
    )
    if not finished:
        return mask & _unchallenged_by_rounds(question, min(int(limit), mask.shape[1]))
    mask.reshape(-1)[items] = witness < 0
    return mask


def _unchallenged_by_rounds(question: Question, hops: int) -> NDArray[np.bool_]:
    """Compare every node with its rival: dearer for few candidates, bounded for many."""
    rows, number = question.rows, np.arange(question.keys.shape[1])
    mask = np.empty(question.keys.shape, np.bool_)
    for column, key in enumerate(question.keys):
        rival = rivals_within(rows.indptr, rows.indices, key, question.absent(column), hops)
        beaten = question.ties.challenges(key, key[rival], number, rival)
        mask[column] = ~(beaten & (rival >= 0))
    return mask


def _present(question: Question) -> NDArray[np.bool_]:
    if len(question.absents):
        return ~question.absents
    return np.ones(question.keys.shape, np.bool_)


def nearest_challengers(
    question: Question, limit: int | float, weighted: bool, nodes: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance (F, num_nodes) to the nearest challenger within `limit`, and who that is.

    The distance is float64, inf where there is none, NaN for absent nodes; the witness is
    int64, -1 where there is none. Under plateau the whole plateau of each of `nodes` is
    answered.
    """
    wanted = _present(question) if nodes is None else nodes & _present(question)
    shape = question.keys.shape
    distance, witness = np.full(shape, np.inf), np.full(shape, -1, np.int64)
    if len(question.absents):
        distance[question.absents] = np.nan
    if not weighted and limit < 1:
        return distance, witness
    if question.ties.by_plateau:
        joined = _joined_plateaus if question.is_symmetric else _reached_plateaus
        joined(question, wanted, distance, witness, limit, weighted)
    else:
        _search(question, wanted, distance, witness, limit, weighted, search.NODE)
    return distance, witness


def _search(
    question: Question,
    wanted: NDArray[np.bool_],
    distance: NDArray[np.float64],
    witness: NDArray[np.int64],
    limit: int | float,
    weighted: bool,
    start: int,
) -> None:
    rows = question.rows
    weights = question.lengths if weighted else None
    items = np.flatnonzero(wanted)
    found = search.search(
        (rows.indptr, rows.indices, weights),
        question.keys,
        question.absents,
        question.ties.code,
        items,
        limit=limit,
        start=start,
    )
    distance.reshape(-1)[items], witness.reshape(-1)[items] = found[0], found[1]


def _joined_plateaus(
    question: Question,
    wanted: NDArray[np.bool_],
    distance: NDArray[np.float64],
    witness: NDArray[np.int64],
    limit: int | float,
    weighted: bool,
) -> None:
    """One search a plateau, from all its nodes at once."""
    rows = question.rows
    lowest = np.empty(question.keys.shape, np.int64)
    for column, key in enumerate(question.keys):
        lowest[column] = search.plateaus(rows.indptr, rows.indices, key, question.absent(column))
    asked = np.zeros_like(wanted)
    columns, nodes = np.nonzero(wanted)
    asked[columns, lowest[columns, nodes]] = True
    _search(question, asked, distance, witness, limit, weighted, search.PLATEAU)
    columns, nodes = np.nonzero(lowest >= 0)
    speakers = lowest[columns, nodes]
    distance[columns, nodes] = distance[columns, speakers]
    witness[columns, nodes] = witness[columns, speakers]


def _reached_plateaus(
    question: Question,
    wanted: NDArray[np.bool_],
    distance: NDArray[np.float64],
    witness: NDArray[np.int64],
    limit: int | float,
    weighted: bool,
) -> None:
    """Each node searches for itself, then the best answer spreads over equal steps backwards."""
    del wanted  # a node's answer may come from any node of its plateau
    back = question.reversed_rows
    _search(question, _present(question), distance, witness, limit, weighted, search.RIM)
    for column, key in enumerate(question.keys):
        found = np.flatnonzero(witness[column] >= 0)
        ends = witness[column, found]
        order = found[np.lexsort((ends, ~key[ends], distance[column, found]))]
        search.spread_nearest(
            back.indptr,
            back.indices,
            key,
            question.absent(column),
            order,
            distance[column],
            witness[column],
        )


def rival_nodes(question: Question) -> NDArray[np.int64]:
    """Return the rival of every node, int64 (F, num_nodes), -1 where there is none."""
    rows, reach = question.rows, question.rule.reach
    if reach is None:
        items = np.arange(question.keys.size)
        found = search.search(
            (rows.indptr, rows.indices, question.lengths),
            question.keys,
            question.absents,
            EVERYONE,
            items,
            limit=question.rule.radius,
            stop=search.NEVER,
        )
        return np.asarray(found[1]).reshape(question.keys.shape)
    hops = min(reach, max(rows.indptr.size - 1, 1))  # no shortest path has more steps
    rival = np.empty(question.keys.shape, np.int64)
    for column, key in enumerate(question.keys):
        rival[column] = rivals_within(rows.indptr, rows.indices, key, question.absent(column), hops)
    return rival
