"""The two highest owners within k hops, in k rounds over the edges.

After round r every node knows the best node of its r-ball and the best *other* one, ties to the
lowest index. Two are enough: a ball is a union of smaller balls, and leaving out one node (the
node itself, which must not be its own rival) leaves the other.

Nodes are sorted once. From then on a node is its place in the order (0: highest), no two places
are equal, and the two highest of a ball are its two smallest places: eight bytes a node.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import in_chunks, kernel

EDGES_PER_CALL = 1 << 25
NODES_PER_PART = 1 << 10
NOBODY = np.int32(2**31 - 1)


@kernel
def _first_round_of(indptr, indices, place, two, start, stop):
    for v in range(start, stop):
        best, second = place[v], NOBODY
        for p in range(indptr[v], indptr[v + 1]):
            found = place[indices[p]]
            if found < best:
                second = best
                best = found
            elif found < second and found != best:
                second = found
        two[v, 0] = best
        two[v, 1] = second


@kernel
def _round_of(indptr, indices, old, new, start, stop):
    for v in range(start, stop):
        best, second = old[v, 0], old[v, 1]
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            found, behind = old[u, 0], old[u, 1]
            if found < best:
                second = min(best, behind)
                best = found
            elif found == best:
                second = min(second, behind)
            elif found < second:
                second = found
        new[v, 0] = best
        new[v, 1] = second


@kernel
def _rivals_of(order, place, two, rival, start, stop):
    for v in range(start, stop):
        other = two[v, 1] if two[v, 0] == place[v] else two[v, 0]
        rival[v] = order[other] if other != NOBODY else -1


@kernel(parallel=True)
def _first_round(indptr, indices, place, two, start, stop):
    for part in prange((stop - start + NODES_PER_PART - 1) // NODES_PER_PART):
        low = start + part * NODES_PER_PART
        _first_round_of(indptr, indices, place, two, low, min(low + NODES_PER_PART, stop))


@kernel(parallel=True)
def _round(indptr, indices, old, new, start, stop):
    for part in prange((stop - start + NODES_PER_PART - 1) // NODES_PER_PART):
        low = start + part * NODES_PER_PART
        _round_of(indptr, indices, old, new, low, min(low + NODES_PER_PART, stop))


@kernel(parallel=True)
def _rivals(order, place, two, rival, start, stop):
    for part in prange((stop - start + NODES_PER_PART - 1) // NODES_PER_PART):
        low = start + part * NODES_PER_PART
        _rivals_of(order, place, two, rival, low, min(low + NODES_PER_PART, stop))


def _sorted_nodes(key):
    """Nodes by key descending, then index ascending."""
    mirrored = ~key
    order = np.argsort(mirrored)  # several times faster than a stable sort, and right without ties
    found = mirrored[order]
    if (found[1:] == found[:-1]).any():
        order = np.argsort(mirrored, kind="stable")
    return order.astype(np.int32)


def hop_max(indptr, indices, key, absent, hops):
    """Rival of every node: the highest other node within `hops`, ties to the lowest index.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Rows of counted steps; repeats and self-loops do no harm.
    key : int64 (n,)
        Order key.
    absent : bool (n,) or (0,)
        Nodes that are nobody's rival.
    hops : int
        Number of rounds.

    Yields
    ------
    int32 (n,)
        After each round the rival, -1 where the ball holds no other present node.
    """
    left = hops
    for rival in _rounds(indptr, indices, key, absent, hops):
        left -= 1
        yield rival
    for _ in range(left):
        yield rival.copy()


def rivals_within(indptr, indices, key, absent, hops):
    """Return what the last round yields; however many `hops`, rounds end when nothing changes."""
    *_, rival = _rounds(indptr, indices, key, absent, hops)
    return rival


def _rounds(indptr, indices, key, absent, hops):
    """Yield the rivals after each round, as long as there is a change."""
    num_nodes = key.size
    order = _sorted_nodes(key)
    place = np.empty(num_nodes, np.int32)
    place[order] = np.arange(num_nodes, dtype=np.int32)
    if absent.size:
        place[absent] = NOBODY
    old, new = np.empty((num_nodes, 2), np.int32), np.empty((num_nodes, 2), np.int32)
    for hop in range(hops):
        if hop == 0:
            _over_nodes(indices.size, num_nodes, _first_round, indptr, indices, place, new)
        else:
            _over_nodes(indices.size, num_nodes, _round, indptr, indices, old, new)
            if np.array_equal(old, new):  # balls have met their components
                return
        old, new = new, old
        rival = np.empty(num_nodes, np.int32)
        _over_nodes(0, num_nodes, _rivals, order, place, old, rival)
        yield rival


def _over_nodes(entries, num_nodes, loop, *arrays):
    step = max(NODES_PER_PART, num_nodes * EDGES_PER_CALL // max(entries, num_nodes, 1))

    def piece(start, stop):
        loop(*arrays, start, stop)

    in_chunks("comparing within hops", num_nodes, step, piece)
