"""Core numbers: take nodes away in the order of their degree in what is left."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def core_numbers(indptr, indices):
    """Largest k such that the node is in a subgraph of least degree k; symmetric rows. O(n + m)."""
    # `order` holds the nodes by their degree in what is left, counting from those taken away;
    # `place` is where each node stands in it, and `start[d]` where degree d begins. When v is
    # taken away, each neighbor u of a larger degree loses one: u changes places with the first
    # node of its degree, and that degree begins one place later, so that u now ends the smaller.
    num_nodes = indptr.size - 1
    degree = np.empty(num_nodes, np.int64)
    most = 0
    for v in range(num_nodes):
        degree[v] = indptr[v + 1] - indptr[v]
        most = max(most, degree[v])
    start = np.zeros(most + 2, np.int64)
    for v in range(num_nodes):
        start[degree[v] + 1] += 1
    for d in range(most + 1):
        start[d + 1] += start[d]
    order = np.empty(num_nodes, np.int64)
    place = np.empty(num_nodes, np.int64)
    filled = start.copy()
    for v in range(num_nodes):
        place[v] = filled[degree[v]]
        order[place[v]] = v
        filled[degree[v]] += 1
    for at in range(num_nodes):
        v = order[at]
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            if degree[u] > degree[v]:
                first = start[degree[u]]
                w = order[first]
                order[first], order[place[u]] = u, w
                place[w], place[u] = place[u], first
                start[degree[u]] = first + 1
                degree[u] -= 1
    return degree
