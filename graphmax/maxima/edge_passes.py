"""Maxima from edges in any order, without rows: a pass a hop, and when that is the cheaper way."""

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import first_outside
from graphmax.convert import EdgeList
from graphmax.kernels import stream
from graphmax.kernels.stream_order import ranked
from graphmax.kernels.stream_rounds import Hops
from graphmax.question import Question

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
