"""Distances in hops from one node, the middle of a set of nodes, and a heap for lengths.

The heap is that of Dijkstra's algorithm: ``heap[:size]`` holds the nodes, the one of smallest
length on top, ``length`` of a node is what they are ordered by, and ``place`` of a node its
position in the heap, so that a length can fall while the node waits.
"""

import numpy as np

from graphmax.kernels.compiled import kernel


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
