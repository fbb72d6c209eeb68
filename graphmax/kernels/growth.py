"""Graphs that grow node by node: preferential attachment, and trees from their Pruefer code."""

import numpy as np

from graphmax.kernels.compiled import kernel


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


@kernel
def spread(indptr, indices, order, separation, most, chosen, blocked, stamp, queue):
    """Choose nodes in this order, each more than `separation` steps from the ones before."""
    count = 0
    for v in order:
        if blocked[v] or count == most:
            continue
        chosen[count] = v
        count += 1
        queue[0] = v
        stamp[v] = count
        start, end, tail = 0, 1, 1
        for _ in range(separation):
            for i in range(start, end):
                w = queue[i]
                for p in range(indptr[w], indptr[w + 1]):
                    u = indices[p]
                    if stamp[u] != count:
                        stamp[u] = count
                        queue[tail] = u
                        tail += 1
            start, end = end, tail
        for i in range(tail):
            blocked[queue[i]] = True
    return count


@kernel
def inherit(order, parent, owner):
    """Nodes in order of distance take over the owner of the node they were reached from."""
    for v in order:
        if parent[v] >= 0:
            owner[v] = owner[parent[v]]
