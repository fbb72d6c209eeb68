"""Many right-hand sides at once: a sparse matrix times a block, conjugate gradients, neighbors.

A block is float64 (n, samples) in C order, so that an entry of the matrix, once loaded, serves a
whole row of samples. Sums over nodes are written one row per part of `NODES_PER_PART` nodes and
added in Python: the bits do not depend on the number of threads.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel

NODES_PER_PART = 1 << 8


@kernel(parallel=True)
def times(indptr, indices, data, block, out):
    """Write A @ block into `out`."""
    num_nodes = indptr.size - 1
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            out[v, :] = 0.0
            for p in range(indptr[v], indptr[v + 1]):
                factor, row = data[p], block[indices[p]]
                for s in range(row.size):
                    out[v, s] += factor * row[s]


@kernel(parallel=True)
def dots(first, second, partial):
    """Write, for each part, the sums of ``first * second`` over its nodes."""
    num_nodes, samples = first.shape
    for part in prange(partial.shape[0]):
        low = part * NODES_PER_PART
        partial[part, :] = 0.0
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            for s in range(samples):
                partial[part, s] += first[v, s] * second[v, s]


@kernel(parallel=True)
def advance(x, residual, scaled, direction, image, step, inverse, partial):
    """Take one step of conjugate gradients; write the new sums of ``residual * scaled``.

    `step` has one entry per sample; `inverse` is one over the diagonal of the matrix.
    """
    num_nodes, samples = x.shape
    for part in prange(partial.shape[0]):
        low = part * NODES_PER_PART
        partial[part, :] = 0.0
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            for s in range(samples):
                x[v, s] += step[s] * direction[v, s]
                residual[v, s] -= step[s] * image[v, s]
                scaled[v, s] = residual[v, s] * inverse[v]
                partial[part, s] += residual[v, s] * scaled[v, s]


@kernel(parallel=True)
def turn(direction, scaled, ratio):
    """Make the next direction, conjugate to the last, in place."""
    num_nodes, samples = direction.shape
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            for s in range(samples):
                direction[v, s] = scaled[v, s] + ratio[s] * direction[v, s]


@kernel(parallel=True)
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
