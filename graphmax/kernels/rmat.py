"""R-MAT edges: every edge picks one of four quadrants, again and again, by its own numbers."""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel

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
