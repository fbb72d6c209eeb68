"""One hop over edges in any order: no rows, no sort. A node is beaten by any edge that says so.

A pass meets every edge once and keeps a few bytes a node, so that the edges may come from memory
or from a file, batch by batch. Repeats and self-loops change nothing.

Waiting for scattered memory is nearly all of the cost, so all that an edge needs to know of a node
lies in one number, its *state*: the order key cut to 15 or 31 bits, and below it one bit, set once
the node is beaten. The cut keeps the order but may tie where keys do not; only then are the keys
themselves fetched.

All threads share the states. They only ever set the lowest bit, and of one node all store the same
number, so that no store is lost. Who wins is a coin toss that no processor predicts, so the loser
is picked without a branch; whether it was beaten before is soon nearly certain, and so is branched
on: two cores that write the same line of the cache wait for each other, and at a hub they would
meet at every edge.

For several hops, nodes are ordered by value descending, then index ascending, in little memory.
Nodes are dealt by the top bits of their keys to buckets that fit a cache, and sorted there with
their numbers in place: 32 bits of a key over 32 bits of a number.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import prange

from graphmax.kernels.compare import challenges
from graphmax.kernels.compiled import in_chunks, kernel, prefetch, tell, threads

FORWARD, BACKWARD, BOTH_WAYS = 1, 2, 3
EDGES_PER_CALL = 1 << 22
NODES_PER_PART = 1 << 14
# States of the ends are fetched this many edges ahead where a pass touches more than a cache
# holds; where all is in there, asking for it early costs half as much as the pass.
EDGES_AHEAD = 24
CACHED_NODES = 1 << 19
CACHED_BYTES = 24 << 20
NO_EDGE = -1
SAMPLE = 1 << 10
FEW_NODES = 1 << 14
TOP_BIT = np.uint64(1 << 63)
BEATEN = np.uint64(1)


@kernel(inline="always")
def _stands(key, exact, ties, u, v):
    """Whether node u stands against node v of the same state; it may hide different keys."""
    if exact:
        return challenges(0, v, 0, u, ties)
    return challenges(key[v], v, key[u], u, ties)


@kernel
def _meet_some(src, dst, state, key, exact, ties, ways, joined, ahead):
    """Let every edge say who is beaten; the position of a bad edge, or NO_EDGE."""
    n = np.uint64(state.size)
    forward, backward = (ways & FORWARD) != 0, (ways & BACKWARD) != 0
    # One way, nothing is to be said where the target wins: the lowest bit of `said` is 0 there.
    both, against = np.uint64(forward and backward), np.uint64(not forward)
    noting = joined.size > 0
    for e in range(src.size):
        if e + ahead < src.size:
            prefetch(state, src[e + ahead])
            prefetch(state, dst[e + ahead])
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u >= n or v >= n:
            return e
        a, b = np.uint64(state[u]), np.uint64(state[v])
        if a | BEATEN == b | BEATEN:
            if u != v:
                if forward and b & BEATEN == 0 and _stands(key, exact, ties, u, v):
                    state[v] = b | BEATEN
                if backward and a & BEATEN == 0 and _stands(key, exact, ties, v, u):
                    state[u] = a | BEATEN
        else:
            wins = a > b
            loser, low = (v, b) if wins else (u, a)
            said = both | (np.uint64(wins) ^ against)
            if said & ~low & BEATEN:
                state[loser] = low | BEATEN
        if noting and u != v:
            joined[v if forward else u] = 1
            joined[u if backward else v] = 1
    return NO_EDGE


@kernel(parallel=True)
def _meet(src, dst, state, key, exact, ties, ways, joined, ahead, bad):
    parts, edges = bad.size, src.size
    size = (edges + parts - 1) // parts
    for part in prange(parts):
        low, high = min(part * size, edges), min((part + 1) * size, edges)
        ends = src[low:high], dst[low:high]
        found = _meet_some(*ends, state, key, exact, ties, ways, joined, ahead)
        bad[part] = NO_EDGE if found == NO_EDGE else low + found


@kernel(inline="always")
def unsigned(key):
    """The key from 0 on, so that a difference never wraps around."""
    return np.uint64(key) ^ TOP_BIT


@kernel
def key_range(key, absent):
    """Smallest and largest key of a present node, and whether there is one."""
    low = high = np.int64(0)
    found = False
    for v in range(key.size):
        if absent.size and absent[v]:
            continue
        if not found:
            low = high = key[v]
            found = True
        low, high = min(low, key[v]), max(high, key[v])
    return low, high, found


@kernel
def _encode_part(key, low, shift, most, state):
    """Cut the keys of a part, which is a slice: its loop is made of vector instructions."""
    for v in range(key.size):
        above = (unsigned(key[v]) - unsigned(low)) >> np.uint64(shift)
        state[v] = (min(above, most) + np.uint64(1)) << np.uint64(1)


@kernel(parallel=True)
def _encode(key, absent, low, shift, most, state):
    for part in prange((key.size + NODES_PER_PART - 1) // NODES_PER_PART):
        first = part * NODES_PER_PART
        last = min(first + NODES_PER_PART, key.size)
        _encode_part(key[first:last], low, shift, most, state[first:last])
        if absent.size:
            for v in range(first, last):
                if absent[v]:
                    state[v] = 0


def states_of(key, absent):
    """Return the keys cut to as few bits as tell them apart, 0 for absent nodes, and if exact.

    Each stands above a bit that is 0: nobody is beaten yet.
    """
    low, high, _ = key_range(key, absent)
    spread = int(high) - int(low)
    # Short states keep more nodes in a cache; few nodes are there anyway.
    narrow = (np.uint16, np.uint32) if key.size > FEW_NODES else ()
    sample = np.sort(key[:: max(1, key.size // SAMPLE)])
    for dtype in (*narrow, np.uint64):
        bits = np.iinfo(dtype).bits - 1
        largest = (1 << bits) - 1
        shift = max(0, spread.bit_length() - bits)
        # The largest stands for no key where 0, of absent nodes, moves all others up.
        shift += dtype != np.uint64 and (spread >> shift) >= largest
        exact = spread >> shift < largest and shift == 0
        if exact or dtype == np.uint64 or _tells_apart(sample, low, shift):
            state = np.empty(key.size, dtype)
            with np.errstate(over="ignore"):  # an absent node below all others, whose state is 0
                _encode(key, absent, np.int64(low), shift, np.uint64(largest - 1), state)
            return state, exact
    raise AssertionError("64 bits hold every key")


def _tells_apart(ordered, low, shift):
    """Whether the cut leaves 7 of 8 different keys different; `ordered` is a sorted sample."""
    cut = ((ordered.view(np.uint64) ^ TOP_BIT) - unsigned(np.int64(low))) >> np.uint64(shift)
    different = np.count_nonzero(ordered[1:] != ordered[:-1]) + 1
    return 8 * (np.count_nonzero(cut[1:] != cut[:-1]) + 1) >= 7 * different


class OneHop:
    """A pass over edges that come batch by batch.

    `key` is int64 (n,), larger is more extreme; `absent` bool (n,) or (0,); `ties` STRICT, WEAK
    or INDEX. `ways`: FORWARD where an edge lets its source challenge its target, BACKWARD the
    reverse, or both. `neighbors` also finds out who has a neighbor other than itself.
    """

    def __init__(self, key, absent, ties, ways, *, neighbors=False):
        self.key, self.absent, self.ties, self.ways = key, absent, ties, ways
        self.state, self.exact = states_of(key, absent)
        self._joined = np.zeros(key.size if neighbors else 0, np.uint8)
        self._touched = self.state.nbytes

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
        known = self.state, self.key, self.exact
        _meet(src, dst, *known, self.ties, self.ways, self._joined, self._ahead(src, dst), bad)
        return int(bad[bad != NO_EDGE].min(initial=src.size)) if bad.max() != NO_EDGE else NO_EDGE

    def _ahead(self, src, dst):
        """How many edges ahead to fetch; so many that it never happens where all is cached."""
        self._touched += src.nbytes + dst.nbytes
        cached = self.key.size <= CACHED_NODES or self._touched <= CACHED_BYTES
        return src.size if cached else EDGES_AHEAD

    def unchallenged(self):
        """Present nodes that no edge has let anybody challenge, bool (n,)."""
        mask = self.state & self.state.dtype.type(BEATEN) == 0
        if self.absent.size:
            mask &= ~self.absent
        return mask

    def has_neighbor(self):
        """Nodes that have a neighbor other than themselves, bool (n,)."""
        return (self._joined | self.state & self.state.dtype.type(BEATEN)) != 0


def one_hop(src, dst, key, absent, ties, ways, *, neighbors=False):
    """Answer one hop over edges in memory.

    Parameters
    ----------
    src, dst : int32 or int64 (e,)
        The ends of each edge, in any order; repeats and self-loops do no harm.
    key : int64 (n,)
        Order key, larger is more extreme.
    absent : bool (n,) or (0,)
        Nodes that take no part.
    ties : int
        STRICT, WEAK or INDEX.
    ways : int
        FORWARD, BACKWARD or BOTH_WAYS: who challenges whom along an edge.
    neighbors : bool
        Whether to find out who has a neighbor.

    Returns
    -------
    tuple or int
        ``unchallenged`` bool (n,) and ``has_neighbor`` bool (n,) or None; or the position of an
        edge with an end outside the graph.
    """
    hop = OneHop(key, absent, ties, ways, neighbors=neighbors)
    bad = NO_EDGE
    step = 4 * EDGES_PER_CALL
    for start in range(0, src.size, step):
        stop = min(start + step, src.size)
        bad = hop.take(src[start:stop], dst[start:stop])
        if bad != NO_EDGE:
            return start + bad
        tell("looking at edges", stop, src.size)
    return hop.unchallenged(), hop.has_neighbor() if neighbors else None


# --- The order of nodes for several hops: value descending, then index ascending

LONG_RUN = 32
# Nodes are dealt by the top bits of their keys, and sorted in buckets of about one size.
SLOT_BITS = 16
BUCKET_BITS = 10
LEAST_BUCKET = 1 << 16
NODES_PER_CALL = 1 << 22
LOW_HALF = np.uint64(0xFFFFFFFF)


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
