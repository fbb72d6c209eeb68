"""Plateaus: what one of its nodes learns, all nodes that can reach it over equal steps learn."""

import numpy as np

from graphmax.kernels.compiled import kernel


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
