"""Balls around many roots, with the entries of the matrix between their nodes: count, then fill.

Roots are dealt to lanes, one a thread. A lane has one bit a node of the graph to know who is in the
ball at hand (so few that they stay in the cache: most looks find nobody) and a place for each node
that is. A lane works until its budget of entries is spent and goes on in the next call, so that
Ctrl-C is answered between roots.
"""

import heapq

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.prefetch import ROWS_AHEAD, prefetch
from graphmax.kernels.progress import guarded, tell

ENTRIES_PER_CALL = 1 << 23
ENTRIES_PER_BLOCK = 1 << 23
BYTES_A_NODE = 5
NEXT, LAST = 0, 1


@njit(cache=True, nogil=True, inline="always")
def _has(bits, u):
    return (bits[u >> 3] >> (u & 7)) & 1


@njit(cache=True, nogil=True, inline="always")
def _put(bits, u):
    bits[u >> 3] |= np.uint8(1 << (u & 7))


@njit(cache=True, nogil=True, inline="always")
def _look_ahead(indptr, indices, queue, i, end):
    """Have the rows fetched that come up soon."""
    prefetch(indptr, queue[min(i + 2 * ROWS_AHEAD, end - 1)])
    w = queue[min(i + ROWS_AHEAD, end - 1)]
    first, last = indptr[w], indptr[w + 1]
    if first < last:
        prefetch(indices, first)
        prefetch(indices, last - 1)


@njit(cache=True, nogil=True)
def _forget(bits, queue, first, last):
    for i in range(first, last):
        bits[queue[i] >> 3] = 0


@njit(cache=True, nogil=True)
def _ball_hops(indptr, indices, root, limit, most, ordered, bits, queue, length):
    """Fill `queue` nearest first; return how many were found, only `most` of them kept."""
    queue[0], length[0] = root, 0.0
    _put(bits, root)
    start, end, tail, depth = 0, 1, 1, 0
    while depth < limit and start < end and tail <= most:
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
            _put(bits, queue[i])
    return tail


@njit(cache=True, nogil=True)
def _sort_equals(queue, length, tail):
    """Among nodes of equal distance the lowest index goes first."""
    start = 0
    for i in range(1, tail + 1):
        if i == tail or length[i] != length[start]:
            if i - start > 1:
                queue[start:i].sort()
            start = i


@njit(cache=True, nogil=True)
def _ball_weights(indptr, indices, weights, root, limit, most, bits, local, queue, length):
    """Fill `queue` nearest first; return how many were found, only `most` of them kept."""
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
        best[local[w]] = -1.0  # settled
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


@njit(cache=True, nogil=True, inline="always")
def _looked_up(row, size):
    """Whether to look the ball up in a row instead of the row in the ball: hubs in small balls."""
    return row > 64 and row > size * 16


@njit(cache=True, nogil=True)
def _place_in_row(indices, first, last, u):
    """Return where u stands, or would stand, in a row."""
    while first < last:
        middle = (first + last) >> 1
        if indices[middle] < u:
            first = middle + 1
        else:
            last = middle
    return first


@njit(cache=True, nogil=True)
def _ball(
    ball_indptr, ball_indices, ball_weights, by_weight, limit, most, ordered,
    root, bits, local, queue, length,
):  # fmt: skip
    if by_weight:
        return _ball_weights(
            ball_indptr, ball_indices, ball_weights, root, limit, most, bits, local, queue, length
        )
    return _ball_hops(ball_indptr, ball_indices, root, limit, most, ordered, bits, queue, length)


@njit(cache=True, nogil=True)
def _count_lane(
    ball_indptr, ball_indices, ball_weights, indptr, by_weight, limit, most, roots,
    bits, local, queue, length, state, budget, found, room,
):  # fmt: skip
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        r = state[NEXT]
        found[r] = _ball(
            ball_indptr, ball_indices, ball_weights, by_weight, limit, most, False,
            roots[r], bits, local, queue, length,
        )  # fmt: skip
        size = min(found[r], most)
        inside = 0
        for i in range(size):
            inside += min(indptr[queue[i] + 1] - indptr[queue[i]], size - 1)
            spent += ball_indptr[queue[i] + 1] - ball_indptr[queue[i]] + 1
        _forget(bits, queue, 0, size)
        room[r] = inside
        state[NEXT] = r + 1


@njit(cache=True, nogil=True)
def _fill_lane(
    ball_indptr, ball_indices, ball_weights, indptr, indices, weights, by_weight, limit, most,
    roots, bits, local, queue, length, state, budget,
    ptr, room_ptr, node, distance, src, dst, lengths, entries,
):  # fmt: skip
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        r = state[NEXT]
        size = min(most, _ball(
            ball_indptr, ball_indices, ball_weights, by_weight, limit, most, True,
            roots[r], bits, local, queue, length,
        ))  # fmt: skip
        shift = ptr[r]
        for i in range(size):
            local[queue[i]] = i
            node[shift + i] = queue[i]
            distance[shift + i] = length[i]
        start = at = room_ptr[r] - room_ptr[0]
        shift -= ptr[0]
        for i in range(size):
            first, last = indptr[queue[i]], indptr[queue[i] + 1]
            _look_ahead(indptr, indices, queue, i, size)
            if _looked_up(last - first, size):
                for j in range(size):
                    p = _place_in_row(indices, first, last, queue[j])
                    if p < last and indices[p] == queue[j]:
                        src[at], dst[at] = shift + j, shift + i
                        if weights.size:
                            lengths[at] = weights[p]
                        at += 1
                spent += 16 * size
            else:
                for p in range(first, last):
                    if _has(bits, indices[p]):
                        src[at], dst[at] = shift + local[indices[p]], shift + i
                        if weights.size:
                            lengths[at] = weights[p]
                        at += 1
                spent += last - first + 1
        _forget(bits, queue, 0, size)
        entries[r] = at - start
        state[NEXT] = r + 1


@njit(cache=True, nogil=True, parallel=True)
def _count(
    ball_indptr, ball_indices, ball_weights, indptr, by_weight, limit, most, roots,
    marks, locals_, queues, lengths, states, budget, found, room,
):  # fmt: skip
    for lane in prange(states.shape[0]):
        _count_lane(
            ball_indptr, ball_indices, ball_weights, indptr, by_weight, limit, most, roots,
            marks[lane], locals_[lane], queues[lane], lengths[lane], states[lane], budget,
            found, room,
        )  # fmt: skip


@njit(cache=True, nogil=True, parallel=True)
def _fill(
    ball_indptr, ball_indices, ball_weights, indptr, indices, weights, by_weight, limit, most,
    roots, marks, locals_, queues, lengths, states, budget,
    ptr, room_ptr, node, distance, src, dst, entry_lengths, entries,
):  # fmt: skip
    for lane in prange(states.shape[0]):
        _fill_lane(
            ball_indptr, ball_indices, ball_weights, indptr, indices, weights, by_weight, limit,
            most, roots, marks[lane], locals_[lane], queues[lane], lengths[lane], states[lane],
            budget, ptr, room_ptr, node, distance, src, dst, entry_lengths, entries,
        )  # fmt: skip


@njit(cache=True, nogil=True)
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
    """Scratch of the threads, used again from call to call."""

    def __init__(self, num_nodes, num_roots, scratch_bytes):
        afford = max(1, scratch_bytes // max(BYTES_A_NODE * num_nodes, 1))
        shape = (int(max(1, min(get_num_threads(), num_roots, afford))), num_nodes)
        self.bits = np.zeros((shape[0], num_nodes // 8 + 1), np.uint8)
        self.local = np.empty(shape, np.int32)
        # pages of these are only taken as far as the largest ball reaches
        self.queue, self.length = np.empty(shape, np.int32), np.empty(shape)

    @property
    def nbytes(self):
        """Size of the scratch that grows with the graph."""
        return self.bits.nbytes + self.local.nbytes

    @property
    def arrays(self):
        """Who is in the ball and at which place, its nodes, their distances."""
        return self.bits, self.local, self.queue, self.length

    def run(self, stage, kernel, before, num_roots, after):
        """Call a kernel until every root is done."""
        states = np.zeros((len(self.local), 2), np.int64)
        bounds = np.linspace(0, num_roots, len(states) + 1).astype(np.int64)
        states[:, NEXT], states[:, LAST] = bounds[:-1], bounds[1:]
        while (left := int((states[:, LAST] - states[:, NEXT]).sum())) > 0:
            tell(stage, num_roots - left, num_roots)
            guarded(kernel, *before, *self.arrays, states, ENTRIES_PER_CALL, *after)
            _rebalance(states)
        tell(stage, num_roots, num_roots)


def _rebalance(states):
    """Hand half of the longest rest to each lane that has run dry."""
    for lane in np.flatnonzero(states[:, NEXT] == states[:, LAST]):
        longest = int(np.argmax(states[:, LAST] - states[:, NEXT]))
        middle = (int(states[longest, NEXT]) + int(states[longest, LAST]) + 1) // 2
        if middle < states[longest, LAST]:
            states[lane, NEXT], states[lane, LAST] = middle, states[longest, LAST]
            states[longest, LAST] = middle


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
    before = (*rows, inner[0], by_weight, limit, most, roots)
    lanes.run("sizing neighborhoods", _count, before, roots.size, (found, room))
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
    blocks = [(0, np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))]
    for start, stop in _blocks(room_ptr):
        rooms, entries = room_ptr[start : stop + 1], np.empty(stop - start, np.int64)
        size = rooms[-1] - rooms[0]
        scratch = [np.empty(size, np.int32), np.empty(size, np.int32)]
        scratch.append(np.empty(size if inner[2].size else 0))
        before = (*rows, *inner, by_weight, limit, most, roots[start:stop])
        after = (ptr[start : stop + 1], rooms, node, distance, *scratch, entries)
        lanes.run("extracting neighborhoods", _fill, before, stop - start, after)
        total = _close_gaps(rooms, entries, *scratch)
        blocks.append((ptr[start], *(part[:total].copy() for part in scratch)))
    edge_index = np.empty((2, sum(block[1].size for block in blocks)), np.int64)
    at = 0
    for first, *ends, _ in blocks:
        for row, part in zip(edge_index, ends, strict=True):
            np.add(part, first, out=row[at : at + part.size])
        at += ends[0].size
    return ptr, node, distance, edge_index, np.concatenate([block[3] for block in blocks])


@njit(cache=True, nogil=True)
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
