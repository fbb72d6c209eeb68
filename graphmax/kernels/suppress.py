"""Greedy suppression: take the best node, strike out its ball, go on with the best that is left."""

import numpy as np

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import NEXT, OWN, Lanes

EDGES_PER_CALL = 1 << 24
KEPT, FIELDS = OWN, OWN + 1  # how many nodes are kept so far


@kernel
def _suppress(indptr, indices, order, hops, distance, kept, queue, state, budget):
    # `distance` is that to the nearest node kept so far, as far as it is within `hops`.
    spent = 0
    while state[NEXT] < order.size and spent < budget:
        v = order[state[NEXT]]
        state[NEXT] += 1
        spent += 1
        if distance[v] <= hops:
            continue
        kept[state[KEPT]] = v
        state[KEPT] += 1
        distance[v] = 0
        queue[0] = v
        head, tail = 0, 1
        while head < tail:
            w = queue[head]
            head += 1
            through = distance[w] + 1
            if through > hops:
                break
            spent += indptr[w + 1] - indptr[w]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                # where an earlier ball came as near, it has been everywhere this one would go
                if through < distance[u]:
                    distance[u] = through
                    queue[tail] = u
                    tail += 1


def suppress(indptr, indices, order, hops):
    """Nodes of `order` that are farther than `hops` from all that were kept before them.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Symmetric rows.
    order : int64 (candidates,)
        Best first.
    hops : int
        Radius of the balls.

    Returns
    -------
    int64 (kept,)
        In the order they were kept.

    Notes
    -----
    Every node is reached at most `hops` times, each time from nearer: O(hops * m).
    """
    num_nodes = indptr.size - 1
    hops = min(hops, num_nodes)
    distance = np.full(num_nodes, num_nodes + 1, np.int64)
    kept, queue = np.empty(order.size, np.int64), np.empty(num_nodes, np.int32)
    lane = Lanes(order.size, 1, FIELDS)
    for states in lane.rounds("suppressing"):
        _suppress(indptr, indices, order, hops, distance, kept, queue, states[0], EDGES_PER_CALL)
    return kept[: lane.states[0, KEPT]].copy()
