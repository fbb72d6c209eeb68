"""Balls around many roots, with the entries of the matrix between their nodes: count, then fill.

Roots are dealt to lanes, one a thread. A lane needs one int32 a node of the graph to know who is in
the ball at hand; what else it needs is as long as the largest ball. A lane works until its budget
of entries is spent and goes on in the next call, so that Ctrl-C is answered between roots.
"""

import heapq

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.chunks import guarded, tell

ENTRIES_PER_CALL = 1 << 23
NEXT, LAST = 0, 1


@njit(cache=True, nogil=True)
def _ball_hops(indptr, indices, root, limit, most, ordered, local, queue, length):
    """Fill `queue` nearest first; return how many were found, only `most` of them kept."""
    queue[0], length[0] = root, 0.0
    local[root] = 0
    start, end, tail, depth = 0, 1, 1, 0
    while depth < limit and start < end and tail <= most:
        depth += 1
        for i in range(start, end):
            w = queue[i]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if local[u] < 0:
                    local[u] = 0
                    queue[tail] = u
                    tail += 1
        if depth > 1 and (ordered or tail > most):
            queue[end:tail].sort()
        length[end:tail] = depth
        start, end = end, tail
    for i in range(most, tail):
        local[queue[i]] = -1
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
def _ball_weights(indptr, indices, weights, root, limit, most, local, queue, length):
    """Fill `queue` nearest first; return how many were found, only `most` of them kept."""
    heap = [(0.0, np.int64(root))]
    best, seen = [0.0], [np.int64(root)]
    local[root] = 0
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
            if local[u] < 0:
                local[u] = len(best)
                best.append(through)
                seen.append(np.int64(u))
            elif through < best[local[u]]:
                best[local[u]] = through
            else:
                continue
            heapq.heappush(heap, (through, np.int64(u)))
    for u in seen:
        local[u] = -1
    _sort_equals(queue, length, tail)
    # the root comes first, whatever lies at distance 0 of it
    for i in range(tail):
        if queue[i] == root:
            queue[1 : i + 1] = queue[:i].copy()
            queue[0] = root
            break
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
def _count_lane(
    ball_indptr, ball_indices, ball_weights, indptr, indices, by_weight, limit, most,
    roots, local, queue, length, state, budget, found, entries,
):  # fmt: skip
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        r = state[NEXT]
        if by_weight:
            tail = _ball_weights(
                ball_indptr, ball_indices, ball_weights, roots[r], limit, most,
                local, queue, length,
            )  # fmt: skip
        else:
            tail = _ball_hops(
                ball_indptr, ball_indices, roots[r], limit, most, False, local, queue, length
            )
        size = min(tail, most)
        for i in range(size):
            local[queue[i]] = i
        inside = 0
        for i in range(size):
            first, last = indptr[queue[i]], indptr[queue[i] + 1]
            if _looked_up(last - first, size):
                for j in range(size):
                    p = _place_in_row(indices, first, last, queue[j])
                    inside += p < last and indices[p] == queue[j]
                spent += 16 * size
            else:
                for p in range(first, last):
                    inside += local[indices[p]] >= 0
                spent += last - first + 1
        for i in range(size):
            local[queue[i]] = -1
        found[r], entries[r] = tail, inside
        state[NEXT] = r + 1


@njit(cache=True, nogil=True)
def _fill_lane(
    ball_indptr, ball_indices, ball_weights, indptr, indices, weights, by_weight, limit, most,
    roots, local, queue, length, state, budget, ptr, entry_ptr, node, distance, src, dst, lengths,
):  # fmt: skip
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        r = state[NEXT]
        if by_weight:
            tail = _ball_weights(
                ball_indptr, ball_indices, ball_weights, roots[r], limit, most,
                local, queue, length,
            )  # fmt: skip
        else:
            tail = _ball_hops(
                ball_indptr, ball_indices, roots[r], limit, most, True, local, queue, length
            )
        size = min(tail, most)
        shift = ptr[r]
        for i in range(size):
            local[queue[i]] = i
            node[shift + i] = queue[i]
            distance[shift + i] = length[i]
        at = entry_ptr[r]
        for i in range(size):
            first, last = indptr[queue[i]], indptr[queue[i] + 1]
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
                    j = local[indices[p]]
                    if j >= 0:
                        src[at], dst[at] = shift + j, shift + i
                        if weights.size:
                            lengths[at] = weights[p]
                        at += 1
                spent += last - first + 1
        for i in range(size):
            local[queue[i]] = -1
        state[NEXT] = r + 1


@njit(cache=True, nogil=True, parallel=True)
def _count(
    ball_indptr, ball_indices, ball_weights, indptr, indices, by_weight, limit, most,
    roots, locals_, queues, lengths, states, budget, found, entries,
):  # fmt: skip
    for lane in prange(states.shape[0]):
        _count_lane(
            ball_indptr, ball_indices, ball_weights, indptr, indices, by_weight, limit, most,
            roots, locals_[lane], queues[lane], lengths[lane], states[lane], budget,
            found, entries,
        )  # fmt: skip


@njit(cache=True, nogil=True, parallel=True)
def _fill(
    ball_indptr, ball_indices, ball_weights, indptr, indices, weights, by_weight, limit, most,
    roots, locals_, queues, lengths, states, budget,
    ptr, entry_ptr, node, distance, src, dst, entry_lengths,
):  # fmt: skip
    for lane in prange(states.shape[0]):
        _fill_lane(
            ball_indptr, ball_indices, ball_weights, indptr, indices, weights, by_weight, limit,
            most, roots, locals_[lane], queues[lane], lengths[lane], states[lane], budget,
            ptr, entry_ptr, node, distance, src, dst, entry_lengths,
        )  # fmt: skip


class Lanes:
    """Scratch of the threads, used again from call to call."""

    def __init__(self, num_nodes, num_roots, scratch_bytes):
        afford = max(1, scratch_bytes // max(4 * num_nodes, 1))
        shape = (int(max(1, min(get_num_threads(), num_roots, afford))), num_nodes)
        self.local = np.full(shape, -1, np.int32)
        # pages of these are only taken as far as the largest ball reaches
        self.queue, self.length = np.empty(shape, np.int32), np.empty(shape)

    @property
    def arrays(self):
        """Who is in the ball, its nodes, their distances."""
        return self.local, self.queue, self.length

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
        ``found`` int64 (B,), above `most` where the ball is larger than that, and ``entries``
        int64 (B,), the number of entries between the nodes kept.
    """
    found, entries = np.empty(roots.size, np.int64), np.empty(roots.size, np.int64)
    before = (*rows, *inner[:2], by_weight, limit, most, roots)
    lanes.run("sizing neighborhoods", _count, before, roots.size, (found, entries))
    return found, entries


def fill(rows, inner, roots, limit, by_weight, most, lanes, ptr, entry_ptr):
    """Write the balls that were counted.

    Parameters
    ----------
    rows, inner, roots, limit, by_weight, most, lanes
        As for `count`.
    ptr, entry_ptr : int64 (B + 1,)
        Where each ball starts in the nodes and in the entries.

    Returns
    -------
    tuple
        ``node`` int64 (N,), ``distance`` float64 (N,), ``edge_index`` int64 (2, E) in positions
        of `node`, ``lengths`` float64 (E,), empty without weights.
    """
    node, distance = np.empty(ptr[-1], np.int64), np.empty(ptr[-1])
    edge_index = np.empty((2, entry_ptr[-1]), np.int64)
    lengths = np.empty(entry_ptr[-1] if inner[2].size else 0)
    before = (*rows, *inner, by_weight, limit, most, roots)
    after = (ptr, entry_ptr, node, distance, edge_index[0], edge_index[1], lengths)
    lanes.run("extracting neighborhoods", _fill, before, roots.size, after)
    return node, distance, edge_index, lengths


@njit(cache=True, nogil=True)
def group_end(sizes, entries, start, node_bytes, entry_bytes, cell_bytes, most_nodes, most_bytes):
    """Return where the group of balls that starts at `start` must end to stay within its bounds.

    With `cell_bytes` balls are padded to squares of the largest. A group has at least one ball.
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
