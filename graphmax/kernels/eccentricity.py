"""Find the middle of a set of nodes: from whom the farthest other one is nearest, inside it."""

import numpy as np

from graphmax.kernels.compiled import kernel


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
