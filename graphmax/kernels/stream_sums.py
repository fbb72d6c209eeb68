"""Sums over a stream of edges: how many neighbors, their sum, and sums of weights rounded once.

A maximum may meet an edge twice, a sum may not. So edges are first dealt to parts by a mix of both
ends (`deal`): repeats meet in one part, which fits in memory and keeps each edge once
(`only_once`). An edge is one number from then on: source << 32 | target, both below 2**32.

Threads share the edges of a batch but not the nodes: each looks at every edge and adds up where the
target lies on one of its own cache lines. Sums are the same whatever the number of threads.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.prefetch import prefetch
from graphmax.kernels.progress import threads
from graphmax.kernels.stream import BACKWARD, FORWARD, NO_EDGE
from graphmax.kernels.stream_rounds import EDGES_AHEAD, EDGES_PER_BLOCK

# Odd, so that the product with it can be undone: neighbors land far apart.
SPREAD = np.uint64(0x9E3779B97F4A7C15)
GATHER = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
# Sixteen nodes of eight bytes fill two cache lines, which no two threads share.
NODES_PER_LINE_BITS = 4
# Spreads lines over threads (the golden ratio times 2**32), so that hubs do not meet on one.
MIX = 0x9E3779B1
HALF, LOW_HALF, NO_PAIR = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0)


@kernel
def _mixed(src, dst, num_nodes, merged, mixed):
    """Write what each edge is dealt by, 0 for a loop; the position of a bad edge, or NO_EDGE."""
    n = np.uint64(num_nodes)
    for e in range(src.size):
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u >= n or v >= n:
            return e
        if merged:
            u, v = min(u, v), max(u, v)
        # A loop is the only edge that becomes 0: its ends are cleared, and no other has two equal.
        # (A plain 0 would make a float of the two.)
        mixed[e] = NO_PAIR if u == v else (u << HALF | v) * SPREAD
    return NO_EDGE


@kernel
def _deal(mixed, weight, bits, start, dealt, dealt_weight):
    """Sort edges by the part they belong to; `start[p]` is where part p begins, loops left out."""
    shift = np.uint64(64 - bits)
    for e in range(mixed.size):
        if mixed[e]:
            start[np.int64(mixed[e] >> shift) + 1 if bits else 1] += 1
    for part in range(1, start.size):
        start[part] += start[part - 1]
    filled = start.copy()
    for e in range(mixed.size):
        if mixed[e]:
            part = np.int64(mixed[e] >> shift) if bits else 0
            dealt[filled[part]] = mixed[e]
            if weight.size:
                dealt_weight[filled[part]] = weight[e]
            filled[part] += 1


def deal(src, dst, weight, num_nodes, merged, bits):
    """Deal a batch to ``2**bits`` parts.

    Parameters
    ----------
    src, dst : int32 or int64 (e,)
        The ends of each edge.
    weight : float64 (e,) or (0,)
        What comes along.
    num_nodes : int
        Ends are below it.
    merged : bool
        Whether an edge and its reverse are the same.
    bits : int
        0 to 16.

    Returns
    -------
    tuple or int
        Mixed edges, their weights, and where each part starts, int64 (2**bits + 1,); or the
        position of an edge with an end outside.
    """
    mixed = np.empty(src.size, np.uint64)
    bad = _mixed(src, dst, num_nodes, merged, mixed)
    if bad != NO_EDGE:
        return int(bad)
    start = np.zeros((1 << bits) + 1, np.int64)
    dealt, dealt_weight = np.empty(src.size, np.uint64), np.empty(weight.size)
    _deal(mixed, weight, bits, start, dealt, dealt_weight)
    return dealt[: start[-1]], dealt_weight[: start[-1]], start


def only_once(mixed, weight):
    """Return each edge of a part once, packed and in a fixed order, with its smallest weight."""
    if weight.size:
        order = np.argsort(mixed, kind="stable")
        mixed = mixed[order]
    else:
        mixed.sort()
    first = np.ones(mixed.size, np.bool_)
    np.not_equal(mixed[1:], mixed[:-1], out=first[1:])
    if weight.size:
        weight = np.minimum.reduceat(weight[order], np.flatnonzero(first))
    return mixed[first] * GATHER, weight


@kernel(inline="always")
def _lane_of(v, lanes):
    line = np.uint64(NODES_PER_LINE_BITS)
    return (((v >> line) * np.uint64(MIX) & LOW_HALF) * lanes) >> HALF


@kernel(inline="always")
def _picked(packed, ways, lane, lanes, first, last, sources, targets, at):
    """Pick the steps of some edges whose target this lane owns, and where each edge stands."""
    forward, backward = np.int64((ways & FORWARD) != 0), np.int64((ways & BACKWARD) != 0)
    picked = 0
    for e in range(first, last):
        u, v = packed[e] >> HALF, packed[e] & LOW_HALF
        sources[picked], targets[picked], at[picked] = np.int64(u), np.int64(v), e
        picked += forward & np.int64(_lane_of(v, lanes) == lane)
        sources[picked], targets[picked], at[picked] = np.int64(v), np.int64(u), e
        picked += backward & np.int64(_lane_of(u, lanes) == lane)
    return picked


@kernel
def _add_lane(packed, ways, terms, sums, count, lane, lanes):
    sources = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    targets = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    at = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    columns = terms.shape[1]
    for first in range(0, packed.size, EDGES_PER_BLOCK):
        last = min(first + EDGES_PER_BLOCK, packed.size)
        picked = _picked(packed, ways, lane, lanes, first, last, sources, targets, at)
        for i in range(picked):
            if i + EDGES_AHEAD < picked:
                prefetch(terms, sources[i + EDGES_AHEAD])
                prefetch(sums, targets[i + EDGES_AHEAD])
            u, v = sources[i], targets[i]
            for column in range(columns):
                sums[v, column] += terms[u, column]
            if count.size:
                count[v] += 1


@kernel(parallel=True)
def _add(packed, ways, terms, sums, count, lanes):
    for lane in prange(lanes):
        _add_lane(packed, ways, terms, sums, count, np.uint64(lane), np.uint64(lanes))


def count_steps(packed, ways, count):
    """Add to `count`, int32 (n,), how many steps of some edges end at each node."""
    none = np.empty((count.size, 0))
    _add(packed, ways, none, none, count, threads())


def add_terms(packed, ways, terms, sums):
    """Add the terms (n, c) of the node where a step starts to the sums (n, c) of where it ends."""
    _add(packed, ways, terms, sums, np.zeros(0, np.int32), threads())


@kernel(inline="always")
def _two_sum(a, b):
    """The rounded sum and what rounding lost, exactly (Knuth)."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


@kernel
def _weigh_lane(packed, weight, ways, sums, rest, hard, lane, lanes):
    # A sum is kept as two floats that do not overlap, which holds more than twice the digits of
    # one. A node whose sum needs a third, or is not finite, is hard: it is summed another way.
    sources = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    targets = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    at = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    for first in range(0, packed.size, EDGES_PER_BLOCK):
        last = min(first + EDGES_PER_BLOCK, packed.size)
        picked = _picked(packed, ways, lane, lanes, first, last, sources, targets, at)
        for i in range(picked):
            v = targets[i]
            low, lost = _two_sum(rest[v], weight[at[i]])
            high, low = _two_sum(sums[v], low)
            low, lost = _two_sum(low, lost)
            sums[v], rest[v] = _two_sum(high, low)
            if lost != 0.0 or not np.isfinite(sums[v]):
                hard[v] = True


@kernel(parallel=True)
def _weigh(packed, weight, ways, sums, rest, hard, lanes):
    for lane in prange(lanes):
        _weigh_lane(packed, weight, ways, sums, rest, hard, np.uint64(lane), np.uint64(lanes))


def add_weights(packed, weight, ways, sums, rest, hard):
    """Add the weights of some edges where their steps end: ``sums + rest``, exactly but if hard."""
    _weigh(packed, weight, ways, sums, rest, hard, threads())
