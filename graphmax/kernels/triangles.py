"""Triangles: each is found once, at the corner that is first by degree."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def triangles(indptr, indices):
    """Number of triangles around each node, int64 (n,); symmetric rows. O(m ** 1.5)."""
    # Every edge is kept at that end only whose (degree, index) is smaller: no node then keeps more
    # than sqrt(2 m), which bounds the work on hubs. For each node u the ends of its kept edges are
    # marked with u itself, so that the marks need no clearing; a kept edge of v to a marked node
    # closes the triangle u, v, w.
    num_nodes = indptr.size - 1
    kept_ptr = np.zeros(num_nodes + 1, np.int64)
    kept = np.empty(indices.size // 2, np.int32)
    size = 0
    for v in range(num_nodes):
        own = indptr[v + 1] - indptr[v]
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            other = indptr[u + 1] - indptr[u]
            if other > own or (other == own and u > v):
                kept[size] = u
                size += 1
        kept_ptr[v + 1] = size
    count = np.zeros(num_nodes, np.int64)
    mark = np.full(num_nodes, -1, np.int64)
    for u in range(num_nodes):
        for p in range(kept_ptr[u], kept_ptr[u + 1]):
            mark[kept[p]] = u
        for p in range(kept_ptr[u], kept_ptr[u + 1]):
            v = kept[p]
            for q in range(kept_ptr[v], kept_ptr[v + 1]):
                w = kept[q]
                if mark[w] == u:
                    count[u] += 1
                    count[v] += 1
                    count[w] += 1
    return count
