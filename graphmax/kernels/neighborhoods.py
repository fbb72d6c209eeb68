"""Balls around many roots, with the entries of the matrix between their nodes: count, then fill.

Roots are dealt to lanes, one a thread. A lane has one bit a node of the graph to know who is in
the ball at hand (so few that they stay in the cache: most looks find nobody) and a place for each
node that is. A lane works until its budget of entries is spent and goes on in the next call, so
that Ctrl-C is answered between roots.
"""

import heapq
from typing import NamedTuple

import numpy as np
from numba import prange

from graphmax.kernels import compiled
from graphmax.kernels.compiled import LAST, NEXT, ROWS_AHEAD, kernel, prefetch

ENTRIES_PER_CALL = 1 << 23
ENTRIES_PER_BLOCK = 1 << 23
BYTES_A_NODE = 5
# A row this long, and so many times longer than the ball is large, is searched for the nodes of the
# ball; others are read through.
LONG_ROW, SEARCH_COST = 64, 16


class Reach(NamedTuple):
    """How a ball grows: along which rows, how far, and how many of its nodes are kept."""

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    by_weight: bool
    limit: float
    most: int


class Scratch(NamedTuple):
    """Of a lane (of all lanes, one axis more).

    `bits` says who is in the ball at hand, `local` at which place (only where the bit is set);
    `queue` and `length` are its nodes and their distances. All bits are clear between two roots.
    """

    bits: np.ndarray
    local: np.ndarray
    queue: np.ndarray
    length: np.ndarray


class Written(NamedTuple):
    """Where balls are written to: root r from ``ptr[r]`` and ``room_ptr[r] - room_ptr[0]`` on."""

    ptr: np.ndarray
    room_ptr: np.ndarray
    node: np.ndarray
    distance: np.ndarray
    src: np.ndarray
    dst: np.ndarray
    lengths: np.ndarray
    entries: np.ndarray


@kernel(inline="always")
def _has(bits, u):
    return (bits[u >> 3] >> (u & 7)) & 1


@kernel(inline="always")
def _put(bits, u):
    bits[u >> 3] |= np.uint8(1 << (u & 7))


@kernel(inline="always")
def _look_ahead(indptr, indices, queue, i, end):
    """Have the rows fetched that come up soon."""
    prefetch(indptr, queue[min(i + 2 * ROWS_AHEAD, end - 1)])
    w = queue[min(i + ROWS_AHEAD, end - 1)]
    first, last = indptr[w], indptr[w + 1]
    if first < last:
        prefetch(indices, first)
        prefetch(indices, last - 1)


@kernel
def _forget(bits, queue, first, last):
    for i in range(first, last):
        bits[queue[i] >> 3] = 0


@kernel
def _ball_hops(reach, root, ordered, scratch):
    """Fill the queue nearest first; return how many were found, only the first ones kept.

    Level by level: nodes from `start` to `end` are `depth` - 1 hops away and are opened, what they
    lead to follows. Among nodes of equal distance the lowest index goes first, which costs a sort
    of each level, where somebody looks (`ordered`) or where the last ones are cut off.
    """
    indptr, indices, most = reach.indptr, reach.indices, reach.most
    bits, queue, length = scratch.bits, scratch.queue, scratch.length
    queue[0], length[0] = root, 0.0
    _put(bits, root)
    start, end, tail, depth = 0, 1, 1, 0
    while depth < reach.limit and start < end and tail <= most:
        depth += 1
        for i in range(start, end):
            w = queue[i]
            _look_ahead(indptr, indices, queue, i, end)
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if not _has(bits, u):
                    _put(bits, u)
                    queue[tail] = u
                    tail += 1
        if depth > 1 and (ordered or tail > most):
            queue[end:tail].sort()
        length[end:tail] = depth
        start, end = end, tail
    if tail > most:
        _forget(bits, queue, most, tail)
        for i in range(most):
            _put(bits, queue[i])  # they may share a byte with those that were forgotten
    return tail


@kernel
def _sort_equals(queue, length, tail):
    """Among nodes of equal distance the lowest index goes first."""
    start = 0
    for i in range(1, tail + 1):
        if i == tail or length[i] != length[start]:
            if i - start > 1:
                queue[start:i].sort()
            start = i


@kernel
def _ball_weights(reach, root, scratch):
    """Fill the queue nearest first; return how many were found, only the first ones kept.

    Dijkstra's algorithm with a heap that may hold a node several times. `local` numbers the nodes
    seen, `best` is their distance so far, -1 once they are closed. It goes on through all nodes as
    far as the last one that is kept: equals are sorted by index before the rest is cut off.
    """
    indptr, indices, weights = reach.indptr, reach.indices, reach.weights
    limit, most = reach.limit, reach.most
    bits, local, queue, length = scratch.bits, scratch.local, scratch.queue, scratch.length
    heap = [(0.0, np.int64(root))]
    best, seen = [0.0], [np.int64(root)]
    local[root] = 0
    _put(bits, root)
    tail, more = 0, 0
    while heap:
        reached, w = heapq.heappop(heap)
        if best[local[w]] < 0:
            continue
        if tail >= most and reached > length[most - 1]:
            more = 1
            break
        best[local[w]] = -1.0
        queue[tail], length[tail] = w, reached
        tail += 1
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            through = reached + weights[p]
            if through > limit or through == np.inf:
                continue
            if not _has(bits, u):
                _put(bits, u)
                local[u] = len(best)
                best.append(through)
                seen.append(np.int64(u))
            elif through < best[local[u]]:
                best[local[u]] = through
            else:
                continue
            heapq.heappush(heap, (through, np.int64(u)))
    for u in seen:
        bits[u >> 3] = 0
    _sort_equals(queue, length, tail)
    # the root comes first, whatever lies at distance 0 of it
    for i in range(tail):
        if queue[i] == root:
            queue[1 : i + 1] = queue[:i].copy()
            queue[0] = root
            break
    for i in range(min(tail, most)):
        _put(bits, queue[i])
    return tail + more


@kernel(inline="always")
def _looked_up(row, size):
    """Whether to look the ball up in a row instead of the row in the ball: hubs in small balls."""
    return row > LONG_ROW and row > size * SEARCH_COST


@kernel
def _place_in_row(indices, first, last, u):
    """Return where u stands, or would stand, in a row."""
    while first < last:
        middle = (first + last) >> 1
        if indices[middle] < u:
            first = middle + 1
        else:
            last = middle
    return first


@kernel
def _ball(reach, root, ordered, scratch):
    if reach.by_weight:
        return _ball_weights(reach, root, scratch)
    return _ball_hops(reach, root, ordered, scratch)


@kernel
def _count_lane(reach, indptr, roots, scratch, state, budget, found, room):
    queue = scratch.queue
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        r = state[NEXT]
        found[r] = _ball(reach, roots[r], False, scratch)
        size = min(found[r], reach.most)
        inside = 0
        for i in range(size):
            inside += min(indptr[queue[i] + 1] - indptr[queue[i]], size - 1)
            spent += reach.indptr[queue[i] + 1] - reach.indptr[queue[i]] + 1
        _forget(scratch.bits, queue, 0, size)
        room[r] = inside
        state[NEXT] = r + 1


@kernel
def _fill_lane(reach, indptr, indices, weights, roots, scratch, state, budget, out):
    """Write nodes, distances and the entries between the nodes, root by root.

    Ends of entries are places in the batch, counted from its first node in this call. Where the
    row of a node is long, each node of the ball is looked up in it; else its entries are gone
    through, and kept where the other end is in the ball.
    """
    bits, local, queue = scratch.bits, scratch.local, scratch.queue
    src, dst = out.src, out.dst
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        r = state[NEXT]
        size = min(reach.most, _ball(reach, roots[r], True, scratch))
        shift = out.ptr[r]
        for i in range(size):
            local[queue[i]] = i
            out.node[shift + i] = queue[i]
            out.distance[shift + i] = scratch.length[i]
        start = at = out.room_ptr[r] - out.room_ptr[0]
        shift -= out.ptr[0]
        for i in range(size):
            first, last = indptr[queue[i]], indptr[queue[i] + 1]
            _look_ahead(indptr, indices, queue, i, size)
            if _looked_up(last - first, size):
                for j in range(size):
                    p = _place_in_row(indices, first, last, queue[j])
                    if p < last and indices[p] == queue[j]:
                        src[at], dst[at] = shift + j, shift + i
                        if weights.size:
                            out.lengths[at] = weights[p]
                        at += 1
                spent += SEARCH_COST * size
            else:
                for p in range(first, last):
                    if _has(bits, indices[p]):
                        src[at], dst[at] = shift + local[indices[p]], shift + i
                        if weights.size:
                            out.lengths[at] = weights[p]
                        at += 1
                spent += last - first + 1
        _forget(bits, queue, 0, size)
        out.entries[r] = at - start
        state[NEXT] = r + 1


@kernel(parallel=True)
def _count(reach, indptr, roots, scratch, states, budget, found, room):
    for lane in prange(states.shape[0]):
        own = Scratch(
            scratch.bits[lane], scratch.local[lane], scratch.queue[lane], scratch.length[lane]
        )
        _count_lane(reach, indptr, roots, own, states[lane], budget, found, room)


@kernel(parallel=True)
def _fill(reach, indptr, indices, weights, roots, scratch, states, budget, out):
    for lane in prange(states.shape[0]):
        own = Scratch(
            scratch.bits[lane], scratch.local[lane], scratch.queue[lane], scratch.length[lane]
        )
        _fill_lane(reach, indptr, indices, weights, roots, own, states[lane], budget, out)


@kernel
def _close_gaps(room_ptr, entries, src, dst, lengths):
    """Move the entries of each root down to those of the root before; return how many there are."""
    at = 0
    for r in range(entries.size):
        start = room_ptr[r] - room_ptr[0]
        for p in range(start, start + entries[r]):
            src[at], dst[at] = src[p], dst[p]
            if lengths.size:
                lengths[at] = lengths[p]
            at += 1
    return at


def _pointers(sizes):
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _blocks(room_ptr):
    """Cut the roots into runs whose rooms fit into one scratch."""
    start, count = 0, room_ptr.size - 1
    while start < count:
        fits = np.searchsorted(room_ptr, room_ptr[start] + ENTRIES_PER_BLOCK, side="right") - 1
        stop = max(start + 1, int(fits))
        yield start, stop
        start = stop


class Lanes:
    """Scratch of as many lanes as threads, used again from call to call."""

    def __init__(self, num_nodes, num_roots, most_bytes):
        node_bytes = BYTES_A_NODE * max(num_nodes, 1)
        shape = (compiled.Lanes.affordable(num_roots, node_bytes, most_bytes), num_nodes)
        bits = np.zeros((shape[0], num_nodes // 8 + 1), np.uint8)
        # pages of queue and length are only taken as far as the largest ball reaches
        queue, length = np.empty(shape, np.int32), np.empty(shape)
        self.scratch = Scratch(bits, np.empty(shape, np.int32), queue, length)

    @property
    def nbytes(self):
        """Size of the scratch that grows with the graph."""
        return self.scratch.bits.nbytes + self.scratch.local.nbytes

    def rounds(self, stage, num_roots):
        """Deal the roots anew and yield the states until every one is done."""
        return compiled.Lanes(num_roots, len(self.scratch.local)).rounds(stage)


def count(rows, inner, roots, limit, by_weight, most, lanes):
    """Size every ball before it is written.

    Parameters
    ----------
    rows : tuple
        ``indptr, indices, weights`` of the counted steps; weights may be empty.
    inner : tuple
        ``indptr, indices, weights`` of the entries that are extracted: row v lists who is
        followed by v.
    roots : int64 (B,)
        Centers.
    limit : float
        Radius, inclusive, in hops or weights.
    by_weight : bool
        Which of the two.
    most : int
        Largest number of nodes that is kept.
    lanes : Lanes
        Scratch.

    Returns
    -------
    tuple
        ``found`` int64 (B,), above `most` where the ball is larger than that, and ``room``
        int64 (B,), a bound of the number of entries between the nodes kept: to count them would
        take as long as to write them.
    """
    found, room = np.empty(roots.size, np.int64), np.empty(roots.size, np.int64)
    reach = Reach(*rows, by_weight, float(limit), most)
    for states in lanes.rounds("sizing neighborhoods", roots.size):
        _count(reach, inner[0], roots, lanes.scratch, states, ENTRIES_PER_CALL, found, room)
    return found, room


def fill(rows, inner, roots, limit, by_weight, most, lanes, sizes, room):
    """Write the balls that were counted.

    Parameters
    ----------
    rows, inner, roots, limit, by_weight, most, lanes
        As for `count`.
    sizes, room : int64 (B,)
        Number of nodes that are kept, and what `count` said of the entries.

    Returns
    -------
    tuple
        ``ptr`` int64 (B + 1,), ``node`` int64 (N,), ``distance`` float64 (N,), ``edge_index``
        int64 (2, E) in positions of `node`, ``lengths`` float64 (E,), empty without weights.
    """
    ptr, room_ptr = _pointers(sizes), _pointers(room)
    node, distance = np.empty(ptr[-1], np.int64), np.empty(ptr[-1])
    reach = Reach(*rows, by_weight, float(limit), most)
    blocks = [(0, np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))]
    for start, stop in _blocks(room_ptr):
        own, rooms = roots[start:stop], room_ptr[start : stop + 1]
        size = rooms[-1] - rooms[0]
        parts = [np.empty(size, np.int32), np.empty(size, np.int32)]
        parts.append(np.empty(size if inner[2].size else 0))
        entries = np.empty(stop - start, np.int64)
        out = Written(ptr[start : stop + 1], rooms, node, distance, *parts, entries)
        for states in lanes.rounds("extracting neighborhoods", own.size):
            _fill(reach, *inner, own, lanes.scratch, states, ENTRIES_PER_CALL, out)
        total = _close_gaps(rooms, entries, *parts)
        blocks.append((ptr[start], *(part[:total].copy() for part in parts)))
    edge_index = np.empty((2, sum(block[1].size for block in blocks)), np.int64)
    at = 0
    for first, *ends, _ in blocks:
        for row, part in zip(edge_index, ends, strict=True):
            np.add(part, first, out=row[at : at + part.size])
        at += ends[0].size
    return ptr, node, distance, edge_index, np.concatenate([block[3] for block in blocks])


@kernel
def group_end(sizes, entries, start, node_bytes, entry_bytes, cell_bytes, most_nodes, most_bytes):
    """Return where the group of balls that starts at `start` must end to stay within its bounds.

    With `cell_bytes` balls are padded to squares of the largest. A group has at least one ball.
    `entries` are bounds of their numbers.
    """
    nodes, inside, largest = 0, 0, 0
    for r in range(start, sizes.size):
        largest = max(largest, sizes[r])
        count = r - start + 1
        inside += entries[r]
        nodes = largest * count if cell_bytes else nodes + sizes[r]
        taken = nodes * node_bytes + inside * entry_bytes + count * largest * largest * cell_bytes
        if r > start and (nodes > most_nodes or taken > most_bytes):
            return r
    return sizes.size
