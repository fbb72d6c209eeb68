"""All balls written out: the other nodes within k hops of every node, as rows."""

from functools import partial

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks, threads

NODES_PER_CALL = 1 << 14


@kernel
def _reach(indptr, indices, v, hops, seen, queue):
    """Stamp the ball of v into `seen` and list it in `queue`, v first; return its size."""
    queue[0] = v
    seen[v] = v
    low, tail = 0, 1
    for _ in range(hops):
        high = tail
        for at in range(low, high):
            w = queue[at]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if seen[u] != v:
                    seen[u] = v
                    queue[tail] = u
                    tail += 1
        low = high
    return tail


@kernel(parallel=True)
def _visit(indptr, indices, hops, seen, queue, size, out_indptr, out, start, stop):
    parts = seen.shape[0]
    for part in prange(parts):
        for v in range(start + part, stop, parts):
            count = _reach(indptr, indices, v, hops, seen[part], queue[part]) - 1
            size[v] = count
            if out.size:
                row = out[out_indptr[v] : out_indptr[v + 1]]
                row[:] = queue[part, 1 : count + 1]
                row.sort()


def others_within(indptr, indices, hops, budget):
    """Rows of the other nodes of every ball.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Rows of counted steps.
    hops : int
        Radius of the balls.
    budget : int
        Largest number of entries.

    Returns
    -------
    tuple or None
        ``indptr`` int64 (n + 1,), ``indices`` int32 (entries,), ascending within a row; None if
        there would be more than `budget` entries.
    """
    num_nodes = indptr.size - 1
    parts = max(1, min(threads(), num_nodes))
    size = np.zeros(num_nodes, np.int64)
    out_indptr, out = np.zeros(num_nodes + 1, np.int64), np.empty(0, np.int32)
    for stage in ("measuring balls", "listing balls"):
        seen = np.full((parts, num_nodes), -1, np.int32)
        queue = np.empty((parts, num_nodes), np.int32)
        visit = partial(_visit, indptr, indices, hops, seen, queue, size, out_indptr, out)
        in_chunks(stage, num_nodes, NODES_PER_CALL, visit)
        np.cumsum(size, out=out_indptr[1:])
        if out_indptr[-1] > budget:
            return None
        if out_indptr[-1] == 0:
            break
        out = np.empty(out_indptr[-1], np.int32) if out.size == 0 else out
    return out_indptr, out
