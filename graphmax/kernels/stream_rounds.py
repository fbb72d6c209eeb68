"""Several hops over a stream of edges: after round r every node knows its two highest owners.

The rounds of `hopmax`, without rows: an edge may come at any time, from anywhere, any number of
times. Nodes are places in the order "value descending, then index ascending" (0: highest), so
that the two highest of a ball are its two smallest places: eight bytes a node, and as many again
for the round that is being made.

Both owners of a node are one number, the better one in its upper half. An edge offers the owners
of its source to its target, and nearly always these are no better than what is there: two
scattered reads, and no more. Where they are better, the number is exchanged if it is still what
was read, so that threads share the nodes and lose no offer. (Dealing the offers to ranges of nodes
that fit a cache, each of one thread, takes 1.3 times as long in whole commands, and more memory.)

And sums: how many neighbors, their sum, and sums of weights rounded once. A maximum may meet an
edge twice, a sum may not. So edges are first dealt to parts by a mix of both ends (`deal`):
repeats meet in one part, which fits in memory and keeps each edge once (`only_once`). An edge is
one number from then on: source << 32 | target, both below 2**32.

Threads share the edges of a batch but not the nodes: each looks at every edge and adds up where
the target lies on one of its own cache lines. Sums are the same whatever the number of threads.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compare import INDEX, STRICT
from graphmax.kernels.compiled import exchange, kernel, prefetch, tell, threads
from graphmax.kernels.hopmax import NOBODY
from graphmax.kernels.stream import BACKWARD, CACHED_NODES, FORWARD, NO_EDGE

EDGES_PER_CALL = 1 << 22
EDGES_PER_BLOCK = 1 << 10
EDGES_AHEAD = 24
HALF, LOW_HALF = np.uint64(32), np.uint64(0xFFFFFFFF)
ALONE = np.uint64(NOBODY)


@kernel(inline="always")
def _offer(two, v, other):
    """Let node v have this owner, if it is among its two best; others may offer meanwhile."""
    known = two[v]
    while True:
        best, second = known >> HALF, known & LOW_HALF
        if other >= second or other == best:
            return
        made = (other << HALF) | best if other < best else (best << HALF) | other
        found = exchange(two, v, known, made)
        if found == known:
            return
        known = found


@kernel
def _spread_some(src, dst, ways, old, both, new, joined):
    """Let edges offer the old owners of one end to the other; the position of a bad edge."""
    n = np.uint64(new.size)
    forward, backward = (ways & FORWARD) != 0, (ways & BACKWARD) != 0
    for e in range(src.size):
        if e + EDGES_AHEAD < src.size:
            s, t = src[e + EDGES_AHEAD], dst[e + EDGES_AHEAD]
            if forward:
                prefetch(old, s)
                prefetch(new, t)
            if backward:
                prefetch(old, t)
                prefetch(new, s)
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u >= n or v >= n:
            return e
        a, b = np.int64(u), np.int64(v)
        if forward:
            owners = np.uint64(old[a])
            if both:
                _offer(new, b, owners >> HALF)
            _offer(new, b, owners & LOW_HALF)
        if backward:
            owners = np.uint64(old[b])
            if both:
                _offer(new, a, owners >> HALF)
            _offer(new, a, owners & LOW_HALF)
        if joined.size and a != b:
            joined[b if forward else a] = True
            joined[a if backward else b] = True
    return NO_EDGE


@kernel(parallel=True)
def _spread(src, dst, ways, old, both, new, joined, bad):
    parts, edges = bad.size, src.size
    size = (edges + parts - 1) // parts
    for part in prange(parts):
        low, high = min(part * size, edges), min((part + 1) * size, edges)
        found = _spread_some(src[low:high], dst[low:high], ways, old, both, new, joined)
        bad[part] = NO_EDGE if found == NO_EDGE else low + found


@kernel(parallel=True)
def _begin(old, both, new):
    """Let each node keep its own owners, of which there is one before the first round."""
    for v in prange(new.size):
        new[v] = np.uint64(old[v]) if both else (np.uint64(old[v]) << HALF) | ALONE


@kernel(inline="always")
def _challenged(old, both, place, bound, u, v):
    """Whether the ball of u, before this round, holds a challenger of v."""
    owners = np.uint64(old[u])
    other = np.int64(owners >> HALF) if both else np.int64(owners)
    if other == place[v]:
        other = np.int64(owners & LOW_HALF) if both else NOBODY
    return other < bound[v]


@kernel
def _close_some(src, dst, ways, old, both, place, bound, open_nodes, bits):
    # Block by block: first the edges are picked that a bit says to end at an open node, then what
    # they need is fetched, then they are looked at.
    n, three, seven = np.uint64(place.size), np.uint64(3), np.uint64(7)
    forward, backward = np.int64((ways & FORWARD) != 0), np.int64((ways & BACKWARD) != 0)
    ahead = EDGES_AHEAD if place.size > 8 * CACHED_NODES else src.size
    sources = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    targets = np.empty(2 * EDGES_PER_BLOCK + 1, np.int64)
    for first in range(0, src.size, EDGES_PER_BLOCK):
        picked = 0
        for e in range(first, min(first + EDGES_PER_BLOCK, src.size)):
            if e + ahead < src.size:
                prefetch(bits, src[e + ahead] >> 3)
                prefetch(bits, dst[e + ahead] >> 3)
            u, v = np.uint64(src[e]), np.uint64(dst[e])
            if u >= n or v >= n:
                return e
            # Written in any case, counted where it is open: no branch to guess.
            sources[picked], targets[picked] = np.int64(u), np.int64(v)
            picked += forward & np.int64(bits[v >> three] >> np.uint8(v & seven)) & 1
            sources[picked], targets[picked] = np.int64(v), np.int64(u)
            picked += backward & np.int64(bits[u >> three] >> np.uint8(u & seven)) & 1
        for i in range(picked):
            if i + EDGES_AHEAD < picked:
                prefetch(old, sources[i + EDGES_AHEAD])
                prefetch(place, targets[i + EDGES_AHEAD])
                prefetch(bound, targets[i + EDGES_AHEAD])
            if _challenged(old, both, place, bound, sources[i], targets[i]):
                open_nodes[targets[i]] = False
    return NO_EDGE


@kernel(parallel=True)
def _close(src, dst, ways, old, both, place, bound, open_nodes, bits, bad):
    """Close the nodes that a last round would challenge: few are open, most edges end there."""
    parts, edges = bad.size, src.size
    size = (edges + parts - 1) // parts
    for part in prange(parts):
        low, high = min(part * size, edges), min((part + 1) * size, edges)
        ends = src[low:high], dst[low:high]
        found = _close_some(*ends, ways, old, both, place, bound, open_nodes, bits)
        bad[part] = NO_EDGE if found == NO_EDGE else low + found


@kernel(parallel=True)
def _still_open(two, place, bound, open_nodes):
    for v in prange(place.size):
        best, second = np.int64(two[v] >> HALF), np.int64(two[v] & LOW_HALF)
        other = second if best == place[v] else best
        open_nodes[v] &= not other < bound[v]


@kernel(parallel=True)
def _rivals(two, place, order, rival):
    for v in prange(place.size):
        best, second = np.int64(two[v] >> HALF), np.int64(two[v] & LOW_HALF)
        other = second if best == place[v] else best
        rival[v] = -1 if other == NOBODY else order[other]


@kernel
def _bounds(order, tied, ties, bound):
    """For each node the place from which on nobody challenges it; `order` lists present nodes."""
    start = 0
    while start < order.size:
        stop = start + 1
        while stop < order.size and tied[stop]:
            stop += 1
        for place in range(start, stop):
            bound[order[place]] = stop if ties == STRICT else place if ties == INDEX else start
        start = stop


class Hops:
    """Rounds over edges that come batch by batch, one round after the other.

    `ranking` is what `ranked` returns for `num_nodes` nodes, `ties` and `ways` are those of
    `stream.OneHop`. Without `rivals` nobody may ask for them. For each hop call `begin`,
    give every batch to `take`, and call `end`. `open` marks the present nodes that nobody within
    the finished hops challenges. `begin(last=True)` makes a cheaper round that only finds these.
    """

    def __init__(self, ranking, num_nodes, ties, ways, *, neighbors=False, rivals=True):
        n = num_nodes
        self.ways = ways
        order, tied = ranking
        self.place = np.full(n, NOBODY, np.int32)
        self.place[order] = np.arange(order.size, dtype=np.int32)
        self.order = order if rivals else None
        self.bound = self.place  # without ties a node's own place, whatever the rule
        if tied.any():
            self.bound = np.zeros(n, np.int32)
            _bounds(order, tied, ties, self.bound)
        self.open = self.place != NOBODY
        self.joined = np.zeros(n if neighbors else 0, np.bool_)
        self.hops, self.settled = 0, False
        # The owners after the last round; before the first one a node's own place.
        self.two = self.place
        self._new = None
        self._bits = np.empty(0, np.uint8)
        self._seen = self._refreshed = 0

    def begin(self, *, last=False):
        """Start a hop."""
        self._new, self._seen = None, 0
        if not last:
            self._new = np.empty(self.place.size, np.uint64)
            _begin(self.two, self.hops > 0, self._new)

    def take(self, src, dst):
        """Let a batch of edges speak; the position of the first bad one found, or NO_EDGE."""
        for start in range(0, src.size, EDGES_PER_CALL):
            ends = [np.ascontiguousarray(end[start : start + EDGES_PER_CALL]) for end in (src, dst)]
            bad = self._close(*ends) if self._new is None else self._spread(*ends)
            self._seen += ends[0].size
            if bad != NO_EDGE:
                return start + bad
        return NO_EDGE

    def over(self, src, dst, hops):
        """Make so many hops over edges in memory; the position of a bad one, or NO_EDGE."""
        while self.hops < hops and not self.settled and self.open.any():
            self.begin(last=0 < self.hops == hops - 1)
            for start in range(0, src.size, EDGES_PER_CALL):
                stop = min(start + EDGES_PER_CALL, src.size)
                bad = self.take(src[start:stop], dst[start:stop])
                if bad != NO_EDGE:
                    return start + bad
                tell("looking at edges", self.hops * src.size + stop, hops * src.size)
            self.end()
        return NO_EDGE

    def _close(self, src, dst):
        """Look for challengers of what is open, by bits that are renewed once they have aged."""
        if self._seen == 0 or self._seen - self._refreshed >= self.place.size:
            self._bits, self._refreshed = np.packbits(self.open, bitorder="little"), self._seen
        bad = np.full(threads(), NO_EDGE)
        known = self.two, self.hops > 0, self.place, self.bound, self.open, self._bits
        _close(src, dst, self.ways, *known, bad)
        return _first(bad)

    def _spread(self, src, dst):
        bad = np.full(threads(), NO_EDGE)
        joined = self.joined if self.hops == 0 else self.joined[:0]
        _spread(src, dst, self.ways, self.two, self.hops > 0, self._new, joined, bad)
        return _first(bad)

    def end(self):
        """Finish a hop."""
        self.hops += 1
        if self._new is None:
            return
        # Balls that have met their components grow no further.
        self.settled = self.hops > 1 and np.array_equal(self.two, self._new)
        self.two, self._new = self._new, None
        _still_open(self.two, self.place, self.bound, self.open)

    def rivals(self):
        """Return the highest other node within the finished hops, -1 for none, int32 (n,)."""
        rival = np.empty(self.place.size, np.int32)
        _rivals(self.two, self.place, self.order, rival)
        return rival


def _first(bad):
    """Return the smallest position that a lane found, or NO_EDGE."""
    return int(bad[bad != NO_EDGE].min()) if bad.max() != NO_EDGE else NO_EDGE


# --- Sums over a stream of edges: how many neighbors, their sum

# Odd, so that the product with it can be undone: neighbors land far apart.
SPREAD = np.uint64(0x9E3779B97F4A7C15)
GATHER = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
# Sixteen nodes of eight bytes fill two cache lines, which no two threads share.
NODES_PER_LINE_BITS = 4
# Spreads lines over threads (the golden ratio times 2**32), so that hubs do not meet on one.
MIX = 0x9E3779B1
NO_PAIR = np.uint64(0)


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
