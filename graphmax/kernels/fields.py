"""Many right-hand sides at once: a sparse matrix times a block, conjugate gradients, neighbors.

A block is float64 (n, samples) in C order, so that an entry of the matrix, once loaded, serves a
whole row of samples. Sums over nodes are written one row per part of `NODES_PER_PART` nodes and
added in Python: the bits do not depend on the number of threads.

The entries of an inverse where its Cholesky factor has entries come by Takahashi's recursion.
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


@kernel
def selected_inverse(indptr, indices, lower, pivots, inverse):
    """Write the entries of ``(L D L^T)^-1`` on the pattern of L; return whether it was closed.

    Columns of L (unit diagonal stored first, rows ascending) are taken from the last to the
    first. With S the rows of column j below its diagonal,

        Z[i, j] = - sum over k in S of L[k, j] Z[k, i]   for i in S,
        Z[j, j] = 1 / D[j] - sum over k in S of L[k, j] Z[k, j].

    Elimination of j joins all rows of S with each other, so every Z[k, i] that is asked for lies
    in a column that is already done: column min(k, i). S and that column ascend, so one walk
    along both finds all entries. False means that an entry was missing: a cancellation to exactly
    0 that the factor does not store.
    """
    work = np.zeros(indptr.size)
    for j in range(indptr.size - 2, -1, -1):
        first, stop = indptr[j], indptr[j + 1]
        count = stop - first - 1
        for b in range(count):
            work[b] = 0.0
        for a in range(count):
            k = indices[first + 1 + a]
            place, end = indptr[k], indptr[k + 1]
            for b in range(a, count):
                i = indices[first + 1 + b]
                while place < end and indices[place] < i:
                    place += 1
                if place == end or indices[place] != i:
                    return False
                work[b] += lower[first + 1 + a] * inverse[place]
                if b > a:
                    work[a] += lower[first + 1 + b] * inverse[place]
        diagonal = 1.0 / pivots[j]
        for b in range(count):
            inverse[first + 1 + b] = -work[b]
            diagonal += lower[first + 1 + b] * work[b]
        inverse[first] = diagonal
    return True
