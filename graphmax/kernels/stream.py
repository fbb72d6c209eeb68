"""One hop over edges in any order: no rows, no sort. A node is beaten by any edge that says so.

A pass meets every edge once and keeps a few bytes a node, so that the edges may come from memory
or from a file, batch by batch. Repeats and self-loops change nothing.

Waiting for scattered memory is nearly all of the cost, so there are two loops:

- At first every edge compares the *codes* of its ends: the order keys cut to 16 or 32 bits, which
  keep the order but may tie where keys do not; only then are the keys themselves fetched. Who wins
  is a coin toss that no processor predicts, so there is no branch: what was found out is added to
  the flag of the target.
- Once most nodes are beaten, a bit a node says so (refreshed between calls), and an edge whose
  target is beaten already ends there.

Each thread has flags of its own, joined at the end: two cores that write the same line of the
cache wait for each other at nearly every edge, and only in flags of its own may a thread read, add
and write back. Where that takes too much room, threads share the flags: all of them only ever store
"beaten", so that no store is lost, and an edge without a loser stores it for nobody, an entry
behind the last node.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compare import challenges
from graphmax.kernels.compiled import kernel
from graphmax.kernels.prefetch import prefetch
from graphmax.kernels.progress import tell, threads

FORWARD, BACKWARD, BOTH_WAYS = 1, 2, 3
EDGES_PER_CALL = 1 << 22
NODES_PER_PART = 1 << 14
# Codes and flags of the ends are fetched this many edges ahead where a pass touches more than a
# cache holds; where all is in there, asking for it early costs half as much as the pass.
EDGES_AHEAD = 24
CACHED_NODES = 1 << 19
CACHED_BYTES = 24 << 20
# Flags of nobody lie on a cache line of their own for each thread.
LINE = 64
# Flags of all threads together up to which each has its own.
MOST_OWN_FLAGS = 1 << 22
EDGES_PER_BLOCK = 1 << 10
# Bits say who is beaten from this many edges a node on, and again when there are as many more.
EDGES_BEFORE_BITS = 2
NO_EDGE = -1
SAMPLE = 1 << 10
FEW_NODES = 1 << 14
TOP_BIT = np.uint64(1 << 63)


@kernel(inline="always")
def _beats(code, key, exact, ties, u, v):
    """Whether node u stands against node v, as 0 or 1; equal codes may hide different keys."""
    if code[u] != code[v]:
        return np.int64(code[u] > code[v])
    if exact:
        return np.int64(u != v and challenges(0, v, 0, u, ties))
    return np.int64(u != v and challenges(key[v], v, key[u], u, ties))


@kernel(inline="always")
def _beats_exactly(a, b, ties, u, v):
    """Whether node u of code a stands against node v of code b where codes are keys; no branch."""
    return np.uint8((a > b) | ((a == b) & (u != v) & challenges(0, v, 0, u, ties)))


@kernel
def _meet_all(src, dst, code, key, exact, ties, ways, flags, joined, nobody, ahead):
    """Let every edge say who is beaten; the position of a bad edge, or NO_EDGE."""
    # Codes decide nearly always. `nobody` is negative where the flags are this thread's own: then
    # the address of a flag does not depend on who wins, and the processor need not wait to know it.
    # Else, both ways: the lower end is beaten, whichever it is. One way: `loser` is 1 where the
    # target is beaten, and picks its flag or that of nobody.
    n = np.uint64(code.size)
    forward, backward = np.int64(ways & FORWARD), np.int64(ways & BACKWARD) >> 1
    both, own = ways == BOTH_WAYS, nobody < 0
    noting = joined.size > 0
    for e in range(src.size):
        if e + ahead < src.size:
            prefetch(code, src[e + ahead])
            prefetch(code, dst[e + ahead])
            prefetch(flags, dst[e + ahead])
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u >= n or v >= n:
            return e
        a, b = code[u], code[v]
        if exact and own:
            if forward:
                flags[v] |= _beats_exactly(a, b, ties, u, v)
            if backward:
                flags[u] |= _beats_exactly(b, a, ties, v, u)
        elif a == b:
            if forward and _beats(code, key, exact, ties, u, v):
                flags[v] = 1
            if backward and _beats(code, key, exact, ties, v, u):
                flags[u] = 1
        elif own:
            if forward:
                flags[v] |= np.uint8(a > b)
            if backward:
                flags[u] |= np.uint8(a < b)
        elif both:
            flags[v if a > b else u] = 1
        else:
            loser = np.int64(a > b) ^ backward
            target = np.int64(u if backward else v)
            flags[nobody ^ ((nobody ^ target) & -loser)] = 1
        if noting and u != v:
            joined[v if forward else u] = 1
            joined[u if backward else v] = 1
    return NO_EDGE


@kernel
def _meet_open(src, dst, code, key, exact, ties, ways, flags, joined, bits, nobody, ahead):
    """Do the same where few targets are still open: block by block, pick those edges first."""
    n = np.uint64(code.size)
    ahead_of_bits = ahead if code.size > 8 * CACHED_NODES else src.size
    # A way that is not asked for has all its bits set.
    forward, backward = np.uint8((ways & FORWARD) == 0), np.uint8((ways & BACKWARD) == 0)
    three, seven = np.uint64(3), np.uint64(7)
    sources, targets = np.empty(EDGES_PER_BLOCK, np.int64), np.empty(EDGES_PER_BLOCK, np.int64)
    for first in range(0, src.size, EDGES_PER_BLOCK):
        last = min(first + EDGES_PER_BLOCK, src.size)
        picked = 0
        for e in range(first, last):
            if e + ahead_of_bits < src.size:
                prefetch(bits, dst[e + ahead_of_bits] >> 3)
                prefetch(bits, src[e + ahead_of_bits] >> 3)
            u, v = np.uint64(src[e]), np.uint64(dst[e])
            if u >= n or v >= n:
                return e
            closed = (bits[v >> three] >> np.uint8(v & seven)) | forward
            closed &= (bits[u >> three] >> np.uint8(u & seven)) | backward
            sources[picked], targets[picked] = np.int64(u), np.int64(v)
            picked += 1 - np.int64(closed & np.uint8(1))
        ends = sources[:picked], targets[:picked]
        _meet_all(*ends, code, key, exact, ties, ways, flags, joined, nobody, ahead)
    return NO_EDGE


@kernel(parallel=True)
def _meet(src, dst, code, key, exact, ties, ways, flags, joined, bits, ahead, bad):
    parts, edges = bad.size, src.size
    size = (edges + parts - 1) // parts
    own = len(flags) == parts
    for part in prange(parts):
        low, high = min(part * size, edges), min((part + 1) * size, edges)
        ends = src[low:high], dst[low:high]
        mine = flags[np.int64(part) % len(flags)]
        nobody = -1 if own else code.size + (part + 1) * LINE
        if bits.size:
            found = _meet_open(
                *ends, code, key, exact, ties, ways, mine, joined, bits, nobody, ahead
            )
        else:
            found = _meet_all(*ends, code, key, exact, ties, ways, mine, joined, nobody, ahead)
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
def _encode_part(key, low, shift, most, code):
    """Cut the keys of a part, which is a slice: its loop is made of vector instructions."""
    for v in range(key.size):
        above = (unsigned(key[v]) - unsigned(low)) >> np.uint64(shift)
        code[v] = min(above, most) + np.uint64(1)


@kernel(parallel=True)
def _encode(key, absent, low, shift, most, code):
    for part in prange((key.size + NODES_PER_PART - 1) // NODES_PER_PART):
        first = part * NODES_PER_PART
        last = min(first + NODES_PER_PART, key.size)
        _encode_part(key[first:last], low, shift, most, code[first:last])
        if absent.size:
            for v in range(first, last):
                if absent[v]:
                    code[v] = 0


def codes_of(key, absent):
    """Return the keys cut to as few bits as tell them apart, 0 for absent nodes, and if exact."""
    low, high, _ = key_range(key, absent)
    spread = int(high) - int(low)
    # Short codes keep more nodes in a cache; few nodes are there anyway.
    narrow = (np.uint16, np.uint32) if key.size > FEW_NODES else ()
    sample = np.sort(key[:: max(1, key.size // SAMPLE)])
    for dtype in (*narrow, np.uint64):
        largest = np.iinfo(dtype).max
        shift = max(0, spread.bit_length() - np.iinfo(dtype).bits)
        shift += (spread >> shift) >= largest and dtype != np.uint64
        exact = spread >> shift < largest and shift == 0
        if exact or dtype == np.uint64 or _tells_apart(sample, low, shift):
            code = np.empty(key.size, dtype)
            with np.errstate(over="ignore"):  # an absent node below all others, whose code is 0
                _encode(key, absent, np.int64(low), shift, np.uint64(largest - 1), code)
            return code, exact
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
        self.code, self.exact = codes_of(key, absent)
        self._parts = threads()
        own = self._parts * key.size <= MOST_OWN_FLAGS
        width = key.size + LINE * (self._parts + 2)
        self._flags = np.zeros((self._parts if own else 1, width), np.uint8)
        self._joined = np.zeros(key.size if neighbors else 0, np.uint8)
        self._bits = np.zeros(0, np.uint8)
        self._seen, self._refreshed = 0, 0

    def take(self, src, dst):
        """Let a batch of edges speak; the position of the first bad one found, or NO_EDGE."""
        step = min(EDGES_PER_CALL, max(2 * self.key.size, 1 << 16))
        for start in range(0, src.size, step):
            ends = (np.ascontiguousarray(end[start : start + step]) for end in (src, dst))
            bad = self._take(*ends)
            if bad != NO_EDGE:
                return start + bad
        return NO_EDGE

    def _take(self, src, dst):
        self._refresh()
        bad = np.full(self._parts, NO_EDGE)
        keys = self.code, self.key, self.exact
        seen = self._flags, self._joined, self._bits
        _meet(src, dst, *keys, self.ties, self.ways, *seen, self._ahead(src, dst), bad)
        self._seen += src.size
        return int(bad[bad != NO_EDGE].min(initial=src.size)) if bad.max() != NO_EDGE else NO_EDGE

    def _ahead(self, src, dst):
        """How many edges ahead to fetch; so many that it never happens where all is cached."""
        touched = self._seen * (src.itemsize + dst.itemsize) + src.nbytes + dst.nbytes
        touched += self.code.nbytes + self._flags.nbytes
        cached = self.key.size <= CACHED_NODES or touched <= CACHED_BYTES
        return src.size if cached else EDGES_AHEAD

    def _refresh(self):
        """Write down who is beaten as bits, where enough edges have come since the last time."""
        n = self.key.size
        if self._seen >= max(EDGES_BEFORE_BITS * n, self._refreshed + n):
            self._bits = np.packbits(self._beaten(), bitorder="little")
            self._refreshed = self._seen

    def unchallenged(self):
        """Present nodes that no edge has let anybody challenge, bool (n,)."""
        mask = self._beaten() == 0
        if self.absent.size:
            mask &= ~self.absent
        return mask

    def has_neighbor(self):
        """Nodes that have a neighbor other than themselves, bool (n,)."""
        return (self._joined | self._beaten()) != 0

    def _beaten(self):
        """What the threads found together, uint8 (n,)."""
        flags = self._flags[:, : self.key.size]
        return flags[0] if len(flags) == 1 else np.bitwise_or.reduce(flags)


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
