"""The highest pixel of a box around each pixel: its key, and the first and last index that hold it.

Boxes have a radius of their own along each axis and are cut at the border. One axis after the other
is folded: what is known of each pixel are the highest key of its box so far and the lowest and the
highest index of the pixels that hold it, so that "is it the only one?" and "is it the first one?"
need no second look. An absent pixel brings the lowest key and nobody who holds it: its first index
is behind all others, its last one before them, and neither changes a minimum or a maximum.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks

ENTRIES_PER_CALL = 1 << 24


@kernel(parallel=True)
def _fold(source, radius, target, start, stop):
    """Fold the middle axis of three arrays (outer, length, inner) over rows within `radius`."""
    key, first, last = source
    best, lowest, highest = target
    length, width = key.shape[1], key.shape[2]
    for row in prange(start, stop):
        a, y = row // length, row % length
        best[a, y], lowest[a, y], highest[a, y] = key[a, y], first[a, y], last[a, y]
        for t in range(max(y - radius, 0), min(y + radius, length - 1) + 1):
            for x in range(width):
                k = key[a, t, x]
                if k > best[a, y, x]:
                    best[a, y, x] = k
                    lowest[a, y, x], highest[a, y, x] = first[a, t, x], last[a, t, x]
                elif k == best[a, y, x]:
                    lowest[a, y, x] = min(lowest[a, y, x], first[a, t, x])
                    highest[a, y, x] = max(highest[a, y, x], last[a, t, x])


def highest_of_boxes(key, absent, radii):
    """Return the highest key of each box, int64, and the first and last index that hold it."""
    index = np.arange(key.size).reshape(key.shape)
    parts = [np.where(absent, np.iinfo(np.int64).min, key), index, index.copy()]
    parts[1][absent], parts[2][absent] = key.size, -1
    for axis, radius in enumerate(radii):
        if radius == 0 or key.size == 0:
            continue
        outer, inner = int(np.prod(key.shape[:axis])), int(np.prod(key.shape[axis + 1 :]))
        folded = (outer, key.shape[axis], inner)
        source = tuple(part.reshape(folded) for part in parts)
        target = tuple(np.empty(folded, np.int64) for _ in parts)
        reach = min(radius, key.shape[axis] - 1)
        in_chunks(
            "looking along an axis",
            outer * key.shape[axis],
            max(1, ENTRIES_PER_CALL // max(inner * (2 * reach + 1), 1)),
            lambda a, b, s=source, r=reach, t=target: _fold(s, r, t, a, b),
        )
        parts = [part.reshape(key.shape) for part in target]
    return tuple(parts)
