"""What the edges around a node count up to: its core number and its triangles."""

import numpy as np

from graphmax.kernels.compiled import kernel


@kernel
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


@kernel
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
