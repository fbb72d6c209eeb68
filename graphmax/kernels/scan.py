"""One hop: look at the neighbors of a node and stop at the first challenger.

Work items are numbered c * num_nodes + v for column c and node v, so that many columns on a small
graph run as well as one column on a large one.
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
