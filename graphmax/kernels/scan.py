"""One hop: look at the neighbors of a node and stop at the first challenger; and plateaus.

Work items are numbered c * num_nodes + v for column c and node v, so that many columns on a small
graph run as well as one column on a large one. What one node of a plateau learns, all nodes that
can reach it over equal steps learn.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compare import challenges
from graphmax.kernels.compiled import kernel
from graphmax.kernels.prefetch import prefetch
from graphmax.kernels.progress import in_chunks

ITEMS_PER_CALL = 1 << 22
ITEMS_PER_PART = 1 << 12
# Rows and the values of their first neighbors are fetched this many nodes ahead: half of all nodes
# are beaten by the first neighbor, two thirds by the first two.
ROWS_AHEAD, VALUES_AHEAD, VALUES_FETCHED = 32, 16, 2


@kernel
def _scan_nodes(indptr, indices, key, absent, ties, mask, low, high):
    # One piece, not a function a node: calls cost a third of the time.
    everyone = absent.size == 0
    num_nodes = key.size
    for v in range(low, high):
        if v + ROWS_AHEAD < num_nodes:
            prefetch(indices, indptr[v + ROWS_AHEAD])
        near = v + VALUES_AHEAD
        if near < num_nodes:
            first = indptr[near]
            for p in range(first, min(first + VALUES_FETCHED, indptr[near + 1])):
                prefetch(key, indices[p])
        own = key[v]
        unbeaten = everyone or not absent[v]
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            # The first look is the cheap one: most neighbors are lower.
            if key[u] >= own and challenges(own, v, key[u], u, ties):
                if everyone or not absent[u]:
                    unbeaten = False
                    break
        mask[v] = unbeaten


@kernel(parallel=True)
def _scan(indptr, indices, keys, absents, ties, mask, start, stop):
    num_nodes = indptr.size - 1
    parts = (stop - start + ITEMS_PER_PART - 1) // ITEMS_PER_PART
    nobody = np.zeros(0, np.bool_)
    for part in prange(parts):
        item = start + part * ITEMS_PER_PART
        last = min(item + ITEMS_PER_PART, stop)
        while item < last:
            column = item // num_nodes
            low = item - column * num_nodes
            high = min(num_nodes, low + last - item)
            absent = absents[column] if absents.shape[0] else nobody
            _scan_nodes(indptr, indices, keys[column], absent, ties, mask[column], low, high)
            item += high - low


def scan(indptr, indices, keys, absents, ties):
    """Nodes that no neighbor challenges, as bool (F, n): present and unchallenged at one hop.

    ``keys`` is int64 (F, n), one column each; ``absents`` bool (F, n) or (0, 0).
    """
    mask = np.empty(keys.shape, np.bool_)

    def piece(start, stop):
        _scan(indptr, indices, keys, absents, ties, mask, start, stop)

    in_chunks("looking at neighbors", mask.size, ITEMS_PER_CALL, piece)
    return mask


@kernel
def defeat(indptr, indices, back_indptr, back_indices, key, absent, mask):
    """Take out of `mask`, in place, every node from which equal steps lead to a beaten one.

    `mask` holds the nodes that no strictly higher node challenges; ``back_*`` are the reversed
    rows. Only survivors are looked at: O(edges of survivors).
    """
    # First the survivors beside an equal node that is beaten, all of them before any leaves the
    # mask; then back along equal steps. A node leaves the mask when it is put on the stack, which
    # therefore never holds more than the survivors there were.
    survivors = np.flatnonzero(mask)
    stack = np.empty(survivors.size, np.int32)
    size = 0
    for v in survivors:
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            if key[u] == key[v] and not mask[u] and (absent.size == 0 or not absent[u]):
                stack[size] = v
                size += 1
                break
    for i in range(size):
        mask[stack[i]] = False
    while size > 0:
        size -= 1
        v = stack[size]
        for p in range(back_indptr[v], back_indptr[v + 1]):
            u = back_indices[p]
            if mask[u] and key[u] == key[v]:
                mask[u] = False
                stack[size] = u
                size += 1


@kernel
def plateaus(indptr, indices, key, absent):
    """Lowest index of the plateau of each node, -1 for absent ones; symmetric rows."""
    num_nodes = indptr.size - 1
    lowest = np.full(num_nodes, -1, np.int64)
    stack = np.empty(num_nodes, np.int32)
    for v in range(num_nodes):
        if lowest[v] >= 0 or (absent.size and absent[v]):
            continue
        lowest[v] = v
        stack[0] = v
        size = 1
        while size > 0:
            size -= 1
            w = stack[size]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if lowest[u] < 0 and key[u] == key[v] and (absent.size == 0 or not absent[u]):
                    lowest[u] = v
                    stack[size] = u
                    size += 1
    return lowest


@kernel
def spread_nearest(back_indptr, back_indices, key, absent, order, distance, witness):
    """Give every node the best answer of the nodes that equal steps lead to, in place.

    `order` lists the nodes that have an answer, the best first. Each node takes the first that
    reaches it: O(edges).
    """
    taken = np.zeros(key.size, np.bool_)
    stack = np.empty(key.size, np.int32)
    for best in order:
        if taken[best]:
            continue
        taken[best] = True
        stack[0] = best
        size = 1
        while size > 0:
            size -= 1
            v = stack[size]
            distance[v] = distance[best]
            witness[v] = witness[best]
            for p in range(back_indptr[v], back_indptr[v + 1]):
                u = back_indices[p]
                if not taken[u] and key[u] == key[v] and (absent.size == 0 or not absent[u]):
                    taken[u] = True
                    stack[size] = u
                    size += 1
