"""Several hops over a stream of edges: after round r every node knows its two highest owners.

The rounds of `hopmax`, without rows: an edge may come at any time, from anywhere, any number of
times. Nodes are places in the order "value descending, then index ascending" (0: highest), so
that the two highest of a ball are its two smallest places: eight bytes a node, and as many again
for the round that is being made.

What an edge offers to its target is dealt to ranges of nodes first: each thread reads some of the
edges and the owners at their sources, and writes these down for the range of the target. Then each
thread takes ranges of its own, which fit its cache. So only the sources wait for memory, and no two
threads write to the same node. (Edges dealt without the owners gain nothing: the other end waits.)
"""

import numpy as np
from numba import prange

from graphmax.kernels.compare import INDEX, STRICT
from graphmax.kernels.compiled import kernel
from graphmax.kernels.hopmax import NOBODY
from graphmax.kernels.prefetch import prefetch
from graphmax.kernels.progress import tell, threads
from graphmax.kernels.stream import BACKWARD, CACHED_NODES, FORWARD, NO_EDGE

EDGES_PER_CALL = 1 << 22
EDGES_PER_BLOCK = 1 << 10
EDGES_AHEAD = 24
# A range of 2**17 nodes takes a megabyte; of fewer nodes there are at least so many ranges.
MOST_RANGE_BITS = 17
LEAST_RANGES_BITS = 5
# Eight entries fill a cache line, and those of a range are written one after the other.
ENTRIES_AHEAD = 16


@kernel
def _count_some(src, dst, ways, bits, num_nodes, count):
    """Count the offers to each range; the position of a bad edge, or NO_EDGE."""
    n, shift = np.uint64(num_nodes), np.uint64(bits)
    forward, backward = np.int64((ways & FORWARD) != 0), np.int64((ways & BACKWARD) != 0)
    for e in range(src.size):
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u >= n or v >= n:
            return e
        count[np.int64(v >> shift)] += forward
        count[np.int64(u >> shift)] += backward
    return NO_EDGE


@kernel(parallel=True)
def _count(src, dst, ways, bits, num_nodes, count, bad):
    lanes, edges = bad.size, src.size
    size = (edges + lanes - 1) // lanes
    for lane in prange(lanes):
        low, high = min(lane * size, edges), min((lane + 1) * size, edges)
        mine = count[lane]
        found = _count_some(src[low:high], dst[low:high], ways, bits, num_nodes, mine)
        bad[lane] = NO_EDGE if found == NO_EDGE else low + found


@kernel
def _deal_some(src, dst, ways, bits, old, joined, filled, offers):
    # An entry is the place of the target in its range over the best owner at the source; behind it,
    # from the second round on, the second owner.
    shift, half = np.uint64(bits), np.uint64(32)
    within = (np.uint64(1) << shift) - np.uint64(1)
    forward, backward = (ways & FORWARD) != 0, (ways & BACKWARD) != 0
    both = old.shape[1] == 2
    for e in range(src.size):
        if e + EDGES_AHEAD < src.size:
            prefetch(old, src[e + EDGES_AHEAD])
            prefetch(old, dst[e + EDGES_AHEAD])
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        a, b = np.int64(u), np.int64(v)
        if forward:
            part = np.int64(v >> shift)
            at = filled[part]
            filled[part] = at + 1
            prefetch(offers, at + ENTRIES_AHEAD)
            offers[at, 0] = ((v & within) << half) | np.uint64(old[a, 0])
            if both:
                offers[at, 1] = np.uint64(old[a, 1])
        if backward:
            part = np.int64(u >> shift)
            at = filled[part]
            filled[part] = at + 1
            prefetch(offers, at + ENTRIES_AHEAD)
            offers[at, 0] = ((u & within) << half) | np.uint64(old[b, 0])
            if both:
                offers[at, 1] = np.uint64(old[b, 1])
        if joined.size and a != b:
            joined[b if forward else a] = True
            joined[a if backward else b] = True


@kernel(parallel=True)
def _deal(src, dst, ways, bits, old, joined, filled, offers):
    lanes, edges = filled.shape[0], src.size
    size = (edges + lanes - 1) // lanes
    for lane in prange(lanes):
        low, high = min(lane * size, edges), min((lane + 1) * size, edges)
        mine = filled[lane]
        _deal_some(src[low:high], dst[low:high], ways, bits, old, joined, mine, offers)


@kernel
def _take_some(offers, first, new):
    """Give each node of a range, which begins at `first`, the two smallest of its own and these."""
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    both = offers.shape[1] == 2
    size = offers.shape[0]
    for i in range(size):
        if i + EDGES_AHEAD < size:
            prefetch(new, first + np.int64(offers[i + EDGES_AHEAD, 0] >> half))
        entry = offers[i, 0]
        v, other = first + np.int64(entry >> half), np.int32(entry & low)
        best, second = new[v, 0], new[v, 1]
        # Of two sorted pairs the two smallest that differ; no branch, which nobody could guess.
        if both:
            second = min(second, np.int32(offers[i, 1]))
        larger = NOBODY if other == best else max(best, other)
        new[v, 0], new[v, 1] = min(best, other), min(second, larger)


@kernel(parallel=True)
def _take(offers, start, bits, bound, new):
    for lane in prange(bound.size - 1):
        for part in range(bound[lane], bound[lane + 1]):
            _take_some(offers[start[part] : start[part + 1]], part << bits, new)


@kernel(inline="always")
def _challenged(old, place, bound, u, v):
    """Whether the ball of u, before this round, holds a challenger of v."""
    other = old[u, 0]
    if other == place[v]:
        other = old[u, 1] if old.shape[1] == 2 else NOBODY
    return other < bound[v]


@kernel
def _close_some(src, dst, ways, old, place, bound, open_nodes, bits):
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
            if _challenged(old, place, bound, sources[i], targets[i]):
                open_nodes[targets[i]] = False
    return NO_EDGE


@kernel(parallel=True)
def _close(src, dst, ways, old, place, bound, open_nodes, bits, bad):
    """Close the nodes that a last round would challenge: few are open, most edges end there."""
    parts, edges = bad.size, src.size
    size = (edges + parts - 1) // parts
    for part in prange(parts):
        low, high = min(part * size, edges), min((part + 1) * size, edges)
        ends = src[low:high], dst[low:high]
        found = _close_some(*ends, ways, old, place, bound, open_nodes, bits)
        bad[part] = NO_EDGE if found == NO_EDGE else low + found


@kernel(parallel=True)
def _still_open(two, place, bound, open_nodes):
    for v in prange(place.size):
        other = two[v, 1] if two[v, 0] == place[v] else two[v, 0]
        open_nodes[v] &= not other < bound[v]


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
        self.two = self.place[:, None]
        self._new = None
        self._range_bits = max(0, min(MOST_RANGE_BITS, n.bit_length() - LEAST_RANGES_BITS))
        self._offers = np.empty((0, 1), np.uint64)
        self._bits = np.empty(0, np.uint8)
        self._seen = self._refreshed = 0

    def begin(self, *, last=False):
        """Start a hop."""
        self._new, self._seen = None, 0
        if not last:
            self._new = np.empty((self.place.size, 2), np.int32)
            self._new[:, 0] = self.two[:, 0]
            self._new[:, 1] = self.two[:, 1] if self.hops else NOBODY

    def take(self, src, dst):
        """Let a batch of edges speak; the position of the first bad one found, or NO_EDGE."""
        for start in range(0, src.size, EDGES_PER_CALL):
            ends = [np.ascontiguousarray(end[start : start + EDGES_PER_CALL]) for end in (src, dst)]
            bad = self._close(*ends) if self._new is None else self._offer(*ends)
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
        known = self.two, self.place, self.bound, self.open, self._bits
        _close(src, dst, self.ways, *known, bad)
        return _first(bad)

    def _offer(self, src, dst):
        """Deal what the edges offer to ranges of nodes, and let these take it."""
        lanes, bits = threads(), self._range_bits
        count = np.zeros((lanes, (self.place.size >> bits) + 1), np.int64)
        bad = np.full(lanes, NO_EDGE)
        _count(src, dst, self.ways, bits, self.place.size, count, bad)
        if bad.max() != NO_EDGE:
            return _first(bad)
        # Range by range, and within a range lane by lane.
        upto = np.cumsum(count.T).reshape(count.T.shape)
        filled = np.ascontiguousarray((upto - count.T).T)
        start = np.append(filled[0], upto[-1, -1])
        offers = self._room(int(start[-1]))
        joined = self.joined if self.hops == 0 else self.joined[:0]
        _deal(src, dst, self.ways, bits, self.two, joined, filled, offers)
        share = np.linspace(0, start[-1], lanes + 1).astype(np.int64)
        bound = np.searchsorted(start, share)
        bound[0], bound[-1] = 0, start.size - 1
        _take(offers, start, bits, bound, self._new)
        return NO_EDGE

    def _room(self, size):
        """Return memory for so many offers, the same for every batch."""
        shape = size, self.two.shape[1]
        if self._offers.shape[1] != shape[1] or len(self._offers) < size:
            self._offers = np.empty(shape, np.uint64)
        return self._offers[:size]

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
        own = self.two[:, 0] == self.place
        other = np.where(own, self.two[:, 1], self.two[:, 0])
        if not self.order.size:
            return np.full(other.size, -1, np.int32)
        rival = self.order[np.minimum(other, self.order.size - 1)]
        return np.where(other == NOBODY, np.int32(-1), rival)


def _first(bad):
    """Return the smallest position that a lane found, or NO_EDGE."""
    return int(bad[bad != NO_EDGE].min()) if bad.max() != NO_EDGE else NO_EDGE
