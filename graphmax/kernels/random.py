"""Edges of random graphs, and many right-hand sides at once for random fields.

Edges come as pairs by skipping, R-MAT quadrants, preferential attachment, trees. The randomness
comes in as numbers, so that a graph depends on its generator alone and not on threads or pieces.

Fields: a sparse matrix times a block, conjugate gradients, neighbors. A block is float64 (n,
samples) in C order, so that an entry of the matrix, once loaded, serves a whole row of samples.
Sums over nodes are written one row per part of `NODES_PER_PART` nodes and added in Python: the
bits do not depend on the number of threads.

The entries of an inverse where its Cholesky factor has entries come by Takahashi's recursion.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel

TRIANGLE, RECTANGLE = 0, 1


@kernel
def walk(gaps, state, rows, cols, shape, src, dst):
    """Turn gaps between drawn pairs into pairs.

    Parameters
    ----------
    gaps : int64 (g,)
        How many pairs to go on, at least 1 each.
    state : int64 (2,)
        Row and column of the last pair; changed.
    rows, cols : int
        Size of the table of pairs.
    shape : int
        TRIANGLE: only columns beyond the row. RECTANGLE: all.
    src, dst : int32 (g,)
        The pairs.

    Returns
    -------
    int
        How many pairs were drawn before the table ended.
    """
    row, col = state[0], state[1]
    for i in range(gaps.size):
        # a gap may be longer than the table has pairs: compare before adding
        left = gaps[i]
        while left >= cols - col:
            left -= cols - col
            row += 1
            col = row + 1 if shape == TRIANGLE else 0
            if row >= rows:
                return i
        col += left
        src[i], dst[i] = row, col
    state[0], state[1] = row, col
    return gaps.size


_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@kernel(inline="always")
def _mixed(word):
    """The finalizer of splitmix64: neighboring words give unrelated ones."""
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    return word ^ (word >> np.uint64(31))


@kernel(parallel=True)
def draw(seed, scale, thresholds, start, stop, src, dst):
    """Draw edges start to stop; an edge depends on `seed` and its number alone.

    Parameters
    ----------
    seed : uint64
        Which graph.
    scale : int
        Levels of quadrants, 2**scale nodes.
    thresholds : uint64 (3,)
        Cumulated probabilities of the first three quadrants times 2**32.
    start, stop : int
        Range of edges.
    src, dst : int32
        All edges.
    """
    # The number of an edge is mixed with the seed into a counter, and that with 1, 2, ... into
    # words of 64 random bits; each half of a word chooses a quadrant, that is one more bit of both
    # ends, first the high ones.
    words = (scale + 1) // 2
    for e in prange(start, stop):
        u, v = 0, 0
        counter = _mixed(seed + np.uint64(e) * _STEP)
        for w in range(words):
            word = _mixed(counter + np.uint64(w + 1) * _STEP)
            for half in range(min(2, scale - 2 * w)):
                number = (word >> np.uint64(32 * half)) & np.uint64(0xFFFFFFFF)
                quadrant = 0
                for t in range(3):
                    quadrant += number >= thresholds[t]
                u = 2 * u + (quadrant >> 1)
                v = 2 * v + (quadrant & 1)
        src[e], dst[e] = u, v


@kernel
def attach(uniforms, ends, node, drawn, m, stop):
    """Let nodes join by m edges each, to ends drawn from all ends of edges so far.

    Parameters
    ----------
    uniforms : float64 (u,)
        Randomness, one number a draw; a repeated target costs another one.
    ends : int32 (2 * m * stop,)
        Pairs (new node, target) one after the other; filled up to `node`, `drawn`.
    node, drawn : int
        The node that is joining, and how many edges it has already.
    m, stop : int
        Edges a node, and the node before which to stop.

    Returns
    -------
    tuple of int
        `node` and `drawn` where the randomness ran out, or where it stopped.
    """
    used = 0
    while node < stop:
        first = 2 * m * (node - m - 1) + 2 * m  # ends of the star of the first m + 1 nodes
        while drawn < m:
            if used == uniforms.size:
                return node, drawn
            target = ends[np.int64(uniforms[used] * first)]
            used += 1
            repeated = False
            for j in range(drawn):
                repeated |= ends[first + 2 * j + 1] == target
            if not repeated:
                ends[first + 2 * drawn], ends[first + 2 * drawn + 1] = node, target
                drawn += 1
        node += 1
        drawn = 0
    return node, drawn


@kernel
def tree_of(code, parent):
    """Decode a Pruefer code of length n - 2: ``parent[v]`` for the n - 1 leaves as they fall."""
    # `at` goes up through the leaves once; a node that becomes a leaf behind it falls at once.
    n = code.size + 2
    degree = np.ones(n, np.int32)
    for v in code:
        degree[v] += 1
    at = 0
    while degree[at] != 1:
        at += 1
    leaf = at
    for v in code:
        parent[leaf] = v
        degree[v] -= 1
        if v < at and degree[v] == 1:
            leaf = v
        else:
            at += 1
            while degree[at] != 1:
                at += 1
            leaf = at
    parent[leaf] = n - 1


# --- Many right-hand sides at once: a sparse matrix times a block, conjugate gradients

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
