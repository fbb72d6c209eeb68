"""Core numbers, triangles, and sums of floats that are rounded once, whatever the order."""

import numpy as np

from graphmax.kernels.compiled import kernel

# A row of n finite float64 has at most 2098 / 53 < 40 partial sums that do not overlap.
MOST_PARTIALS = 64


@kernel
def row_sums(indptr, terms):
    """Sum of each row, correctly rounded, float64 (n,); not finite where it overflows.

    J. R. Shewchuk, Adaptive precision floating-point arithmetic, Discrete & Computational
    Geometry 18 (1997); the final rounding as in Python's ``math.fsum``.
    """
    # `partials` are floats that do not overlap, in increasing size, whose exact sum is that of the
    # terms so far. Adding x: x and each partial give a rounded sum, which is carried on, and its
    # error, which stays behind where it is not 0.
    num_rows = indptr.size - 1
    sums = np.zeros(num_rows)
    partials = np.empty(MOST_PARTIALS)
    for v in range(num_rows):
        size = 0
        for p in range(indptr[v], indptr[v + 1]):
            x = terms[p]
            kept = 0
            for i in range(size):
                y = partials[i]
                if abs(x) < abs(y):
                    x, y = y, x
                high = x + y
                low = y - (high - x)
                if low != 0.0:
                    partials[kept] = low
                    kept += 1
                x = high
            size = kept
            if x != 0.0:
                partials[size] = x
                size += 1
            if not np.isfinite(x):
                break
        if size and not np.isfinite(partials[size - 1]):
            total = 0.0  # infinite terms, or a sum beyond all floats
            for p in range(indptr[v], indptr[v + 1]):
                total += terms[p]
            sums[v] = total
            continue
        sums[v] = _rounded(partials, size)
    return sums


@kernel(inline="always")
def _rounded(partials, size):
    """Add partials from the largest down; half of a last place is decided by what comes after."""
    if size == 0:
        return 0.0
    size -= 1
    high, low = partials[size], 0.0
    while size > 0:
        x = high
        size -= 1
        y = partials[size]
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    if size > 0 and (low < 0.0) == (partials[size - 1] < 0.0):
        twice = low * 2.0
        x = high + twice
        if twice == x - high:
            high = x
    return high


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
