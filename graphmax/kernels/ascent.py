"""The steepest way up: who is the highest neighbor, and on which summit does the walk end.

Nodes are compared by `level`, 0 for the highest value, equal for equal values, NOBODY for nodes
that take no part; of equal levels the lower index comes first.
"""

from functools import partial

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks

NOBODY = np.int32(2**31 - 1)
NODES_PER_CALL = 1 << 21
NODES_PER_PART = 1 << 10


@kernel
def _sort_ties(order, key):
    """Order equal keys by index."""
    start = 0
    while start < order.size:
        stop = start + 1
        while stop < order.size and key[order[stop]] == key[order[start]]:
            stop += 1
        if stop > start + 1:
            order[start:stop] = np.sort(order[start:stop])
        start = stop


@kernel
def _number_levels(order, key, level):
    height = np.int32(-1)
    for i in range(order.size):
        if i == 0 or key[order[i]] != key[order[i - 1]]:
            height += 1
        level[order[i]] = height


def in_order(key, absent):
    """Present nodes by "value descending, then index ascending", and the level of every node.

    Parameters
    ----------
    key : int64 (n,)
        Order key.
    absent : bool (n,) or (0,)
        Nodes that take no part.

    Returns
    -------
    tuple
        ``order`` int64 (present,) and ``level`` int32 (n,).
    """
    if absent.size:
        present = np.flatnonzero(~absent)
        order = present[np.argsort(~key[present])]
    else:
        order = np.argsort(~key)
    _sort_ties(order, key)
    level = np.full(key.size, NOBODY, np.int32)
    _number_levels(order, key, level)
    return order, level


@kernel(parallel=True)
def _highest(indptr, indices, level, up, tied, start, stop):
    parts = (stop - start + NODES_PER_PART - 1) // NODES_PER_PART
    for part in prange(parts):
        low = start + part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, stop)):
            own = level[v]
            best, top = np.int32(v), own
            for p in range(indptr[v], indptr[v + 1]):
                u = indices[p]
                if level[u] < top:
                    best, top = u, level[u]
                elif level[u] == own and own != NOBODY:
                    tied[v] = True
                    if top == own and u < best:
                        best = u
            up[v] = best


def highest_neighbors(indptr, indices, level):
    """Highest neighbor of every node that comes before it in the order, else the node itself.

    A node that takes no part comes after all others.

    Returns
    -------
    tuple
        ``up`` int32 (n,) and ``tied`` bool (n,): the node has a neighbor of its own level.
    """
    up = np.empty(level.size, np.int32)
    tied = np.zeros(level.size, np.bool_)

    def piece(start, stop):
        _highest(indptr, indices, level, up, tied, start, stop)

    in_chunks("looking for the highest neighbor", level.size, NODES_PER_CALL, piece)
    return up, tied


@kernel
def join_plateaus(indptr, indices, level, tied, up, lowest):
    """Let each plateau, named by its lowest index, walk as one node, in place.

    `up` becomes the highest neighbor of the plateau for all its nodes, its lowest index where no
    neighbor is higher; `lowest` the lowest index of the plateau. Only tied nodes are looked at.
    """
    # Nodes come in order of index, so the first one of a plateau names it. The flag of a node goes
    # when it joins `members`, the queue of its plateau; `best` starts as the name of the plateau,
    # which is what stays where no member has a higher neighbor.
    members = np.empty(level.size, np.int32)
    for v in range(level.size):
        if not tied[v]:
            continue
        tied[v] = False
        members[0] = v
        head, tail = 0, 1
        best = np.int32(v)
        while head < tail:
            w = members[head]
            head += 1
            lowest[w] = v
            u = up[w]
            if level[u] < level[best] or (level[u] == level[best] and u < best):
                best = u
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if tied[u] and level[u] == level[v]:
                    tied[u] = False
                    members[tail] = u
                    tail += 1
        for i in range(tail):
            up[members[i]] = best


@kernel(parallel=True)
def _double(up, doubled, moved, start, stop):
    parts = (stop - start + NODES_PER_PART - 1) // NODES_PER_PART
    for part in prange(parts):
        low = start + part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, stop)):
            doubled[v] = up[up[v]]
            if doubled[v] != up[v]:
                moved[part] = True


def summits(up):
    """Follow `up` to its end by pointer doubling: O(n log(longest walk)), without a stack."""
    spare = [np.empty_like(up), np.empty_like(up)]
    moved = np.ones(-(-NODES_PER_CALL // NODES_PER_PART), np.bool_)
    while moved.any():
        moved[:] = False
        double = partial(_double, up, spare[0], moved)
        in_chunks("walking to the summits", up.size, NODES_PER_CALL, double)
        up = spare[0]
        spare.reverse()
    return up
