"""Distances in hops from one node to all others."""

import numpy as np

from graphmax.kernels.compiled import kernel


@kernel
def distances(indptr, indices, source):
    """Hops from `source`, int32 (n,), -1 where no path leads; rows are followed as they are."""
    num_nodes = indptr.size - 1
    distance = np.full(num_nodes, -1, np.int32)
    queue = np.empty(num_nodes, np.int32)
    distance[source] = 0
    queue[0] = source
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            if distance[u] < 0:
                distance[u] = distance[v] + 1
                queue[tail] = u
                tail += 1
    return distance
