"""Several hops over a stream of edges: after round r every node knows its two highest owners.

The rounds of `hopmax`, without rows: an edge may come at any time, from anywhere, any number of
times. Nodes are places in the order "value descending, then index ascending" (0: highest), so
that the two highest of a ball are its two smallest places: eight bytes a node, and as many again
for the round that is being made.

Threads share the edges but not the nodes: each looks at every edge of a batch and takes those whose
target lies on one of its own cache lines. (Dealing a batch to ranges of nodes that fit the cache
first costs as much as it saves: what waits for memory is the other end.)
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import prange

from graphmax.kernels.compare import INDEX, STRICT
from graphmax.kernels.compiled import kernel
from graphmax.kernels.hopmax import NOBODY
from graphmax.kernels.prefetch import prefetch
from graphmax.kernels.progress import in_chunks, tell, threads
from graphmax.kernels.stream import BACKWARD, FORWARD, NO_EDGE, key_range, unsigned

EDGES_PER_CALL = 1 << 22
EDGES_PER_BLOCK = 1 << 10
EDGES_AHEAD = 24
# Sixteen nodes of eight bytes fill two cache lines, which no two threads share.
NODES_PER_LINE_BITS = 4
# Spreads lines over threads (the golden ratio times 2**32), so that hubs do not meet on one.
MIX = 0x9E3779B1
LONG_RUN = 32
# Nodes are dealt by the top bits of their keys, and sorted in buckets of about one size.
SLOT_BITS = 16
BUCKET_BITS = 10
LEAST_BUCKET = 1 << 16
NODES_PER_CALL = 1 << 22
LOW_HALF = np.uint64(0xFFFFFFFF)


@kernel(inline="always")
def _offer(old, new, u, v):
    """Give the two owners at u to v: of two sorted pairs the two smallest that differ."""
    best, second = new[v, 0], new[v, 1]
    other = old[u, 0]
    behind = old[u, 1] if old.shape[1] == 2 else NOBODY
    if other < second or behind < second:
        smaller = min(second, behind)
        if other != best:
            smaller = min(smaller, max(best, other))
        new[v, 0], new[v, 1] = min(best, other), smaller


@kernel
def _lane(src, dst, ways, old, new, joined, lane, lanes):
    # Block by block: first the edges are picked whose target this lane owns (its cache line, mixed,
    # falls into the lane's share of 32 bits), then their nodes are fetched and offered. `old` is
    # only read and `new` only written by the owner, so that lanes need not wait for each other.
    n = np.uint64(new.shape[0])
    line, width = np.uint64(NODES_PER_LINE_BITS), np.uint64(lanes)
    mix, low, half = np.uint64(MIX), np.uint64(0xFFFFFFFF), np.uint64(32)
    forward, backward = np.int64((ways & FORWARD) != 0), np.int64((ways & BACKWARD) != 0)
    sources = np.empty(2 * EDGES_PER_BLOCK, np.int64)
    targets = np.empty(2 * EDGES_PER_BLOCK, np.int64)
    for first in range(0, src.size, EDGES_PER_BLOCK):
        picked = 0
        for e in range(first, min(first + EDGES_PER_BLOCK, src.size)):
            u, v = np.uint64(src[e]), np.uint64(dst[e])
            if u >= n or v >= n:
                return e
            # Written in any case, counted where it is ours: no branch to guess.
            sources[picked], targets[picked] = np.int64(u), np.int64(v)
            picked += forward & np.int64((((v >> line) * mix & low) * width) >> half == lane)
            sources[picked], targets[picked] = np.int64(v), np.int64(u)
            picked += backward & np.int64((((u >> line) * mix & low) * width) >> half == lane)
        for i in range(picked):
            if i + EDGES_AHEAD < picked:
                prefetch(old, sources[i + EDGES_AHEAD])
                prefetch(new, targets[i + EDGES_AHEAD])
            _offer(old, new, sources[i], targets[i])
            if joined.size and sources[i] != targets[i]:
                joined[targets[i]] = True
    return NO_EDGE


@kernel(parallel=True)
def _round(src, dst, ways, old, new, joined, bad):
    for lane in prange(bad.size):
        bad[lane] = _lane(src, dst, ways, old, new, joined, np.uint64(lane), bad.size)


@kernel(inline="always")
def _challenged(old, place, bound, u, v):
    """Whether the ball of u, before this round, holds a challenger of v."""
    other = old[u, 0]
    if other == place[v]:
        other = old[u, 1] if old.shape[1] == 2 else NOBODY
    return other < bound[v]


@kernel
def _close_some(src, dst, ways, old, place, bound, open_nodes, low, high):
    n = np.uint64(place.size)
    forward, backward = (ways & FORWARD) != 0, (ways & BACKWARD) != 0
    for e in range(low, high):
        if e + EDGES_AHEAD < high:
            prefetch(open_nodes, src[e + EDGES_AHEAD])
            prefetch(open_nodes, dst[e + EDGES_AHEAD])
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u >= n or v >= n:
            return e
        if forward and open_nodes[v] and _challenged(old, place, bound, u, v):
            open_nodes[v] = False
        if backward and open_nodes[u] and _challenged(old, place, bound, v, u):
            open_nodes[u] = False
    return NO_EDGE


@kernel(parallel=True)
def _close(src, dst, ways, old, place, bound, open_nodes, bad):
    """Close the nodes that a last round would challenge: few are open, most edges end there."""
    parts, edges = bad.size, src.size
    size = (edges + parts - 1) // parts
    for part in prange(parts):
        low, high = min(part * size, edges), min((part + 1) * size, edges)
        bad[part] = _close_some(src, dst, ways, old, place, bound, open_nodes, low, high)


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


@kernel
def _count_slots(key, absent, low, shift, most, cut, count, first, last):
    """Count the nodes of each slot: the top bits of a key, mirrored, as `_pack` makes them."""
    for v in range(first, last):
        if not (absent.size and absent[v]):
            above = (unsigned(key[v]) - unsigned(low)) >> np.uint64(shift)
            count[np.int64((most - above) >> np.uint64(cut))] += 1


@kernel
def _pack(key, absent, low, shift, most, cut, bucket_of, filled, packed, first, last):
    """Write 32 bits of each present node's key, mirrored, over its number, bucket by bucket."""
    for v in range(first, last):
        if not (absent.size and absent[v]):
            mirrored = most - ((unsigned(key[v]) - unsigned(low)) >> np.uint64(shift))
            bucket = bucket_of[np.int64(mirrored >> np.uint64(cut))]
            packed[filled[bucket]] = (mirrored << np.uint64(32)) | np.uint64(v)
            filled[bucket] += 1


@kernel
def _settle_runs(packed, key, exact, tied, long_runs):
    """Sort runs of equal bits by the whole key; long ones are listed for a better sort."""
    half, low, count, start = np.uint64(32), np.uint64(0xFFFFFFFF), 0, 0
    while start < packed.size:
        stop = start + 1
        while stop < packed.size and packed[stop] >> half == packed[start] >> half:
            stop += 1
        if exact:
            tied[start + 1 : stop] = True
        elif stop - start > LONG_RUN:
            long_runs[count, 0], long_runs[count, 1] = start, stop
            count += 1
        else:
            # Insertion keeps the order of the numbers where keys are equal.
            for i in range(start + 1, stop):
                entry, at = packed[i], i
                while at > start and key[packed[at - 1] & low] < key[entry & low]:
                    packed[at] = packed[at - 1]
                    at -= 1
                packed[at] = entry
            for i in range(start + 1, stop):
                tied[i] = key[packed[i] & low] == key[packed[i - 1] & low]
        start = stop
    return count


@kernel
def _is_sorted(packed):
    for i in range(1, packed.size):
        if packed[i] < packed[i - 1]:
            return False
    return True


def _sort_buckets(packed, start, key, exact, tied):
    """Sort each bucket, small enough for the cache and for Ctrl-C, on all threads."""

    def sort(bucket):
        _sort(packed[start[bucket] : start[bucket + 1]], key, exact, tied[start[bucket] :])

    step = threads()
    with ThreadPoolExecutor(threads()) as pool:
        for first in range(0, start.size - 1, step):
            last = min(first + step, start.size - 1)
            list(pool.map(sort, range(first, last)))
            tell("ordering nodes", int(start[last]), packed.size)


def _sort(part, key, exact, tied):
    """Sort some nodes by the 32 bits in hand, then those of equal bits by their whole keys."""
    if not _is_sorted(part):  # nodes of one key come by number
        part.sort()
    long_runs = np.empty((0 if exact else part.size // LONG_RUN + 1, 2), np.int64)
    count = _settle_runs(part, key, exact, tied, long_runs)
    for start, stop in long_runs[:count]:
        run = part[start:stop]
        run[:] = run[np.argsort(~key[run & LOW_HALF], kind="stable")]
        ordered = key[run & LOW_HALF]
        tied[start + 1 : stop] = ordered[1:] == ordered[:-1]


def _packed(key, absent, low, spread, shift):
    """Return the present nodes packed, dealt to buckets, and where each of these starts."""
    most = np.uint64(spread >> shift)
    bits = int(most).bit_length()
    cut = max(0, bits - SLOT_BITS)
    keyed = key, absent, np.int64(low), shift, most, cut
    count = np.zeros((int(most) >> cut) + 1, np.int64)
    name = "ordering nodes"
    in_chunks(name, key.size, NODES_PER_CALL, lambda a, b: _count_slots(*keyed, count, a, b))
    # Slots side by side make a bucket until it is large enough; keys may lie close together.
    upto = np.cumsum(count)
    bucket_of = (upto - count) // max(LEAST_BUCKET, upto[-1] >> BUCKET_BITS)
    first_slot = np.flatnonzero(np.diff(bucket_of, prepend=-1))
    bucket_of = np.cumsum(np.diff(bucket_of, prepend=0) > 0)
    start = np.append((upto - count)[first_slot], upto[-1])
    packed, filled = np.empty(start[-1], np.uint64), start.copy()
    pack = (*keyed, bucket_of, filled, packed)
    in_chunks(name, key.size, NODES_PER_CALL, lambda a, b: _pack(*pack, a, b))
    return packed, start


def ranked(key, absent):
    """Present nodes by key descending, then index ascending, int32, and which tie with the last.

    Nine bytes a node beside the keys, five when it is done: 32 bits of the keys are sorted with the
    numbers in place.
    """
    low, high, _ = key_range(key, absent)
    spread = int(high) - int(low)
    shift = max(0, spread.bit_length() - 32)
    packed, start = _packed(key, absent, low, spread, shift)
    tied = np.zeros(packed.size, np.bool_)
    _sort_buckets(packed, start, key, shift == 0, tied)
    return _squeezed(packed), tied


def _squeezed(packed):
    """Return the lower halves, int32, in the memory of the whole, of which half is given back."""
    size = packed.size
    for first in range(0, size, NODES_PER_CALL):
        last = min(first + NODES_PER_CALL, size)
        packed.view(np.int32)[first:last] = (packed[first:last] & LOW_HALF).astype(np.int32)
    packed.resize((size + 1) // 2, refcheck=False)  # no other name sees this array
    return packed.view(np.int32)[:size]


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

    def begin(self, *, last=False):
        """Start a hop."""
        self._new = None
        if not last:
            self._new = np.empty((self.place.size, 2), np.int32)
            self._new[:, 0] = self.two[:, 0]
            self._new[:, 1] = self.two[:, 1] if self.hops else NOBODY

    def take(self, src, dst):
        """Let a batch of edges speak; the position of the first bad one found, or NO_EDGE."""
        for start in range(0, src.size, EDGES_PER_CALL):
            ends = (np.ascontiguousarray(end[start : start + EDGES_PER_CALL]) for end in (src, dst))
            bad = self._take(*ends)
            if bad != NO_EDGE:
                return start + bad
        return NO_EDGE

    def _take(self, src, dst):
        bad = np.full(threads(), NO_EDGE)
        if self._new is None:
            _close(src, dst, self.ways, self.two, self.place, self.bound, self.open, bad)
        else:
            joined = self.joined if self.hops == 0 else self.joined[:0]
            _round(src, dst, self.ways, self.two, self._new, joined, bad)
        return int(bad[bad != NO_EDGE].min()) if bad.max() != NO_EDGE else NO_EDGE

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
