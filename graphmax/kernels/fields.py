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
            target = out[v]
            target[:] = 0.0
            for p in range(indptr[v], indptr[v + 1]):
                factor, row = data[p], block[indices[p]]
                for s in range(target.size):
                    target[s] += factor * row[s]


@kernel(parallel=True)
def dots(first, second, partial):
    """Write, for each part, the sums of ``first * second`` over its nodes."""
    num_nodes = first.shape[0]
    for part in prange(partial.shape[0]):
        low = part * NODES_PER_PART
        total = partial[part]
        total[:] = 0.0
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            left, right = first[v], second[v]
            for s in range(total.size):
                total[s] += left[s] * right[s]


@kernel(parallel=True)
def advance(x, residual, scaled, direction, image, step, inverse, partial):
    """Take one step of conjugate gradients; write the new sums of ``residual * scaled``.

    `step` has one entry per sample; `inverse` is one over the diagonal of the matrix.
    """
    num_nodes = x.shape[0]
    for part in prange(partial.shape[0]):
        low = part * NODES_PER_PART
        total = partial[part]
        total[:] = 0.0
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            place, rest, short, weight = x[v], residual[v], scaled[v], inverse[v]
            way, bend = direction[v], image[v]
            for s in range(total.size):
                place[s] += step[s] * way[s]
                rest[s] -= step[s] * bend[s]
                short[s] = rest[s] * weight
                total[s] += rest[s] * short[s]


@kernel(parallel=True)
def turn(direction, scaled, ratio):
    """Make the next direction, conjugate to the last, in place."""
    num_nodes = direction.shape[0]
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            way, short = direction[v], scaled[v]
            for s in range(way.size):
                way[s] = short[s] + ratio[s] * way[s]


@kernel(parallel=True)
def highest_neighbor(indptr, indices, block, out):
    """Write the largest value among the neighbors of each node, -inf where there is none."""
    num_nodes = indptr.size - 1
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            target = out[v]
            target[:] = -np.inf
            for p in range(indptr[v], indptr[v + 1]):
                row = block[indices[p]]
                for s in range(target.size):
                    target[s] = max(target[s], row[s])
