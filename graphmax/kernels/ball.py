"""One ball in full: its nodes in order of distance, and how each was reached."""

import heapq

import numpy as np

from graphmax.kernels.compiled import kernel


@kernel
def _ball_hops(indptr, indices, sources, limit, target, order, length, parent):
    seen = np.zeros(indptr.size - 1, np.bool_)
    tail = 0
    for v in sources:
        seen[v] = True
        order[tail] = v
        length[tail] = 0.0
        parent[v] = -1
        tail += 1
    head = 0
    while head < tail:
        w = order[head]
        if w == target or length[head] >= limit:
            break
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            if not seen[u]:
                seen[u] = True
                order[tail] = u
                length[tail] = length[head] + 1
                parent[u] = w
                tail += 1
        head += 1
    return tail


@kernel
def _ball_weights(indptr, indices, weights, sources, limit, target, order, length, parent):
    best = np.full(indptr.size - 1, np.inf)
    closed = np.zeros(indptr.size - 1, np.bool_)
    heap = [(0.0, np.int64(sources[0]))]
    for v in sources:
        best[v] = 0.0
        parent[v] = -1
        heapq.heappush(heap, (0.0, np.int64(v)))
    tail = 0
    while heap:
        reached, w = heapq.heappop(heap)
        if closed[w]:
            continue
        closed[w] = True
        order[tail] = w
        length[tail] = reached
        tail += 1
        if w == target:
            break
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            through = reached + weights[p]
            if through <= limit and through < best[u]:
                best[u] = through
                parent[u] = w
                heapq.heappush(heap, (through, np.int64(u)))
    return tail


def ball(rows, sources, limit, target=-1):
    """Nodes within `limit` of any of the sources, nearest first.

    Parameters
    ----------
    rows : tuple
        ``indptr, indices, weights`` of counted steps; weights None: distance in hops.
    sources : int (s,)
        Where the ball is centered, at least one node.
    limit : float
        Radius, inclusive.
    target : int
        Stop when this node is reached; -1 for none.

    Returns
    -------
    tuple
        ``order`` int64 (b,) the nodes, ``length`` float64 (b,) their distances, ``parent`` int64
        (n,) the node each was reached from, -1 for sources (meaningless outside the ball).
    """
    indptr, indices, weights = rows
    num_nodes = indptr.size - 1
    order, length = np.empty(num_nodes, np.int64), np.empty(num_nodes)
    parent = np.empty(num_nodes, np.int64)
    sources = np.asarray(sources, np.int64)
    if weights is None:
        size = _ball_hops(indptr, indices, sources, float(limit), target, order, length, parent)
    else:
        size = _ball_weights(
            indptr, indices, weights, sources, float(limit), target, order, length, parent
        )
    return order[:size], length[:size], parent


def path_to(node, parent):
    """Nodes from a source of a ball to `node`, following parents."""
    path = [node]
    while parent[path[-1]] >= 0:
        path.append(int(parent[path[-1]]))
    return path[::-1]


@kernel
def plateau_of(indptr, indices, key, absent, v):
    """Nodes that equal steps lead to from v, v first, and how each was reached."""
    parent = np.full(indptr.size - 1, -2, np.int64)
    found = np.empty(indptr.size - 1, np.int64)
    found[0] = v
    parent[v] = -1
    head, tail = 0, 1
    while head < tail:
        w = found[head]
        head += 1
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            if parent[u] == -2 and key[u] == key[v] and (absent.size == 0 or not absent[u]):
                parent[u] = w
                found[tail] = u
                tail += 1
    return found[:tail].copy(), parent
