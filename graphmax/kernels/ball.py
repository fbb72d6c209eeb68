"""Balls written out, in full or for all nodes; distances in hops, and a heap for lengths.

The heap is that of Dijkstra's algorithm: ``heap[:size]`` holds the nodes, the one of smallest
length on top, ``length`` of a node is what they are ordered by, and ``place`` of a node its
position in the heap, so that a length can fall while the node waits.
"""

import heapq
from functools import partial

import numpy as np
from numba import prange

from graphmax.kernels.compiled import in_chunks, kernel, threads


@kernel(inline="always")
def sift_up(heap, place, length, at):
    """Move the node at a position up until the one above it is no longer."""
    node = heap[at]
    while at > 0:
        above = (at - 1) >> 1
        if length[heap[above]] <= length[node]:
            break
        heap[at] = heap[above]
        place[heap[at]] = at
        at = above
    heap[at] = node
    place[node] = at


@kernel(inline="always")
def sift_down(heap, place, length, size):
    """Move the node on top down until those below it are no shorter."""
    node = heap[0]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and length[heap[below + 1]] < length[heap[below]]:
            below += 1
        if length[heap[below]] >= length[node]:
            break
        heap[at] = heap[below]
        place[heap[at]] = at
        at = below
    heap[at] = node
    place[node] = at


@kernel
def distances(indptr, indices, source):
    """Hops from `source`, int32 (n,), -1 where no path leads; rows are followed as they are."""
    num_nodes = indptr.size - 1
    distance = np.full(num_nodes, -1, np.int32)
    queue = np.empty(num_nodes, np.int32)
    distance[source] = 0
    queue[0] = source
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            if distance[u] < 0:
                distance[u] = distance[v] + 1
                queue[tail] = u
                tail += 1
    return distance


@kernel
def _walk(indptr, indices, number, queue, tail, steps):
    """Breadth-first search inside the set from the nodes that are in the queue; the last depth."""
    head = 0
    while head < tail:
        w = queue[head]
        head += 1
        for p in range(indptr[w], indptr[w + 1]):
            u = number[indices[p]]
            if u >= 0 and steps[u] < 0:
                steps[u] = steps[number[w]] + 1
                queue[tail] = indices[p]
                tail += 1
    return steps[number[queue[tail - 1]]]


@kernel
def most_central(indptr, indices, number, members):
    """Member with the smallest largest distance to the others, of several the first.

    `number` int64 (n,) is the position of each member, -1 for other nodes. One search per member;
    the set must be connected.
    """
    best, least = members[0], np.int64(members.size)
    steps, queue = np.empty(members.size, np.int64), np.empty(members.size, np.int64)
    for v in members:
        steps[:] = -1
        steps[number[v]], queue[0] = 0, v
        farthest = _walk(indptr, indices, number, queue, 1, steps)
        if farthest < least:
            best, least = v, farthest
    return best


@kernel
def farthest_from_rim(indptr, indices, number, members):
    """Member with the most steps to one that has a neighbor outside, of several the first."""
    steps, queue = np.full(members.size, -1, np.int64), np.empty(members.size, np.int64)
    tail = 0
    for v in members:
        for p in range(indptr[v], indptr[v + 1]):
            if number[indices[p]] < 0:
                steps[number[v]], queue[tail] = 0, v
                tail += 1
                break
    if tail > 0:
        _walk(indptr, indices, number, queue, tail, steps)
    return members[np.argmax(steps)]


NODES_PER_CALL = 1 << 14


@kernel
def _ball_hops(indptr, indices, sources, limit, target, order, length, parent):
    # Breadth-first: `order` is the queue. Nodes in front of `head` are opened, those behind it are
    # known with their distance, which never falls along the queue. Returns how many are known.
    seen = np.zeros(indptr.size - 1, np.bool_)
    tail = 0
    for v in sources:
        seen[v] = True
        order[tail] = v
        length[tail] = 0.0
        parent[v] = -1
        tail += 1
    head = 0
    while head < tail:
        w = order[head]
        if w == target or length[head] >= limit:
            break
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            if not seen[u]:
                seen[u] = True
                order[tail] = u
                length[tail] = length[head] + 1
                parent[u] = w
                tail += 1
        head += 1
    return tail


@kernel
def _ball_weights(indptr, indices, weights, sources, limit, target, order, length, parent):
    # Dijkstra's algorithm. A node is in the heap once for each time its distance fell; the first of
    # them closes it, the others are skipped. `order` holds the closed nodes, nearest first, of
    # equals the lowest index; `parent` is from where the smallest distance came.
    best = np.full(indptr.size - 1, np.inf)
    closed = np.zeros(indptr.size - 1, np.bool_)
    heap = [(0.0, np.int64(sources[0]))]
    for v in sources:
        best[v] = 0.0
        parent[v] = -1
        heapq.heappush(heap, (0.0, np.int64(v)))
    tail = 0
    while heap:
        reached, w = heapq.heappop(heap)
        if closed[w]:
            continue
        closed[w] = True
        order[tail] = w
        length[tail] = reached
        tail += 1
        if w == target:
            break
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            through = reached + weights[p]
            if through <= limit and through < best[u]:
                best[u] = through
                parent[u] = w
                heapq.heappush(heap, (through, np.int64(u)))
    return tail


def ball(rows, sources, limit, target=-1):
    """Nodes within `limit` of any of the sources, nearest first.

    Parameters
    ----------
    rows : tuple
        ``indptr, indices, weights`` of counted steps; weights None: distance in hops.
    sources : int (s,)
        Where the ball is centered, at least one node.
    limit : float
        Radius, inclusive.
    target : int
        Stop when this node is reached; -1 for none.

    Returns
    -------
    tuple
        ``order`` int64 (b,) the nodes, ``length`` float64 (b,) their distances, ``parent`` int64
        (n,) the node each was reached from, -1 for sources (meaningless outside the ball).
    """
    indptr, indices, weights = rows
    num_nodes = indptr.size - 1
    order, length = np.empty(num_nodes, np.int64), np.empty(num_nodes)
    parent = np.empty(num_nodes, np.int64)
    sources = np.asarray(sources, np.int64)
    if weights is None:
        size = _ball_hops(indptr, indices, sources, float(limit), target, order, length, parent)
    else:
        size = _ball_weights(
            indptr, indices, weights, sources, float(limit), target, order, length, parent
        )
    return order[:size], length[:size], parent


def path_to(node, parent):
    """Nodes from a source of a ball to `node`, following parents."""
    path = [node]
    while parent[path[-1]] >= 0:
        path.append(int(parent[path[-1]]))
    return path[::-1]


@kernel
def plateau_of(indptr, indices, key, absent, v):
    """Nodes that equal steps lead to from v, v first, and how each was reached."""
    parent = np.full(indptr.size - 1, -2, np.int64)
    found = np.empty(indptr.size - 1, np.int64)
    found[0] = v
    parent[v] = -1
    head, tail = 0, 1
    while head < tail:
        w = found[head]
        head += 1
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            if parent[u] == -2 and key[u] == key[v] and (absent.size == 0 or not absent[u]):
                parent[u] = w
                found[tail] = u
                tail += 1
    return found[:tail].copy(), parent


@kernel
def inherit(order, parent, owner):
    """Nodes in order of distance take over the owner of the node they were reached from."""
    for v in order:
        if parent[v] >= 0:
            owner[v] = owner[parent[v]]


@kernel
def _reach(indptr, indices, v, hops, seen, queue):
    """Stamp the ball of v into `seen` and list it in `queue`, v first; return its size."""
    queue[0] = v
    seen[v] = v
    low, tail = 0, 1
    for _ in range(hops):
        high = tail
        if low == high:  # the ball has met its component
            break
        for at in range(low, high):
            w = queue[at]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if seen[u] != v:
                    seen[u] = v
                    queue[tail] = u
                    tail += 1
        low = high
    return tail


@kernel(parallel=True)
def _visit(indptr, indices, hops, seen, queue, size, out_indptr, out, start, stop):
    parts = seen.shape[0]
    for part in prange(parts):
        for v in range(start + part, stop, parts):
            count = _reach(indptr, indices, v, hops, seen[part], queue[part]) - 1
            size[v] = count
            if out.size:
                row = out[out_indptr[v] : out_indptr[v + 1]]
                row[:] = queue[part, 1 : count + 1]
                row.sort()


def others_within(indptr, indices, hops, budget):
    """Rows of the other nodes of every ball.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Rows of counted steps.
    hops : int
        Radius of the balls.
    budget : int
        Largest number of entries.

    Returns
    -------
    tuple or None
        ``indptr`` int64 (n + 1,), ``indices`` int32 (entries,), ascending within a row; None if
        there would be more than `budget` entries.
    """
    num_nodes = indptr.size - 1
    parts = max(1, min(threads(), num_nodes))
    size = np.zeros(num_nodes, np.int64)
    out_indptr, out = np.zeros(num_nodes + 1, np.int64), np.empty(0, np.int32)
    for stage in ("measuring balls", "listing balls"):
        seen = np.full((parts, num_nodes), -1, np.int32)
        queue = np.empty((parts, num_nodes), np.int32)
        visit = partial(_visit, indptr, indices, hops, seen, queue, size, out_indptr, out)
        in_chunks(stage, num_nodes, NODES_PER_CALL, visit)
        np.cumsum(size, out=out_indptr[1:])
        if out_indptr[-1] > budget:
            return None
        if out_indptr[-1] == 0:
            break
        out = np.empty(out_indptr[-1], np.int32) if out.size == 0 else out
    return out_indptr, out
