"""Edges of random graphs: pairs by skipping, R-MAT quadrants, preferential attachment, trees.

The randomness comes in as numbers, so that a graph depends on its generator alone and not on
threads or pieces.
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
