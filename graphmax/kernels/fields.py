"""Many right-hand sides at once: a sparse matrix times a block, and the highest neighbor."""

import numpy as np
from numba import njit, prange

NODES_PER_PART = 1 << 8


@njit(cache=True, nogil=True, parallel=True, fastmath=False)
def times(indptr, indices, data, block, out):
    """Write A @ block into `out`; `block` is float64 (n, samples)."""
    num_nodes = indptr.size - 1
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            out[v, :] = 0.0
            for p in range(indptr[v], indptr[v + 1]):
                factor, row = data[p], block[indices[p]]
                for s in range(row.size):
                    out[v, s] += factor * row[s]


@njit(cache=True, nogil=True, parallel=True)
def highest_neighbor(indptr, indices, block, out):
    """Write the largest value among the neighbors of each node, -inf where there is none."""
    num_nodes = indptr.size - 1
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            out[v, :] = -np.inf
            for p in range(indptr[v], indptr[v + 1]):
                row = block[indices[p]]
                for s in range(row.size):
                    out[v, s] = max(out[v, s], row[s])
