"""Edge maxima: which edge beats every other edge of the subgraph between its two balls.

A maximum beats all edges at its two ends, so few edges are candidates at all. The walk outwards
from both ends stops at the first node, short of the rim, that has an edge as heavy: all edges of
such a node lie inside. Only edges between two nodes of the rim have to be looked up, only where
both have an edge as heavy, and only where that is not the one heaviest edge of the node.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.compare import challenges
from graphmax.kernels.progress import guarded, in_chunks, tell

ENTRIES_PER_CALL = 1 << 24
EDGES_PER_CALL = 1 << 22
NEXT, TOKEN, STATE_SIZE = 0, 1, 2
TOP, SECOND, PARTNER, SEEN, BEST_SIZE = 0, 1, 2, 3, 4


@njit(cache=True, nogil=True)
def edge_numbers(indptr, indices, directed):
    """Number of the first edge of each row in the list of edges, and its place among the entries.

    Undirected: an edge belongs to the row of its smaller end, so the first is the first entry
    above the row's own index.
    """
    n = indptr.size - 1
    number, place = np.empty(n + 1, np.int64), np.empty(n, np.int64)
    edges = 0
    for v in range(n):
        low, high = indptr[v], indptr[v + 1]
        if not directed:
            while low < high:
                middle = (low + high) >> 1
                if indices[middle] < v:
                    low = middle + 1
                else:
                    high = middle
        place[v] = low
        number[v] = edges
        edges += indptr[v + 1] - low
    number[n] = edges
    return number, place


@njit(cache=True, nogil=True, inline="always")
def _note(best, v, key, u):
    if best[v, SEEN] == 0:
        best[v, TOP], best[v, PARTNER], best[v, SEEN] = key, u, 1
    elif key > best[v, TOP]:
        best[v, SECOND], best[v, SEEN] = best[v, TOP], 2
        best[v, TOP], best[v, PARTNER] = key, u
    elif best[v, SEEN] == 1 or key > best[v, SECOND]:
        best[v, SECOND], best[v, SEEN] = key, 2


@njit(cache=True, nogil=True)
def _heaviest(indptr, indices, number, place, key, best, start, stop):
    """The two largest keys of edges at each node, and the other end of the first."""
    for v in range(start, stop):
        e = number[v]
        for p in range(place[v], indptr[v + 1]):
            u = indices[p]
            _note(best, v, key[e], u)
            _note(best, u, key[e], v)
            e += 1


@njit(cache=True, nogil=True, inline="always")
def _leads(best, v, own, ties):
    """Whether the key `own` of an edge at v beats the other edges at v."""
    if own != best[v, TOP]:
        return False
    return best[v, SEEN] == 1 or not challenges(own, 0, best[v, SECOND], 0, ties)


@njit(cache=True, nogil=True)
def _candidates(indptr, indices, number, place, key, best, ties, found, count, start, stop):
    """Edges that beat all others at their two ends: number, source and target."""
    at = count[0]
    for v in range(start, stop):
        e = number[v]
        for p in range(place[v], indptr[v + 1]):
            if _leads(best, v, key[e], ties) and _leads(best, indices[p], key[e], ties):
                found[at, 0], found[at, 1], found[at, 2] = e, v, indices[p]
                at += 1
            e += 1
    count[0] = at


@njit(cache=True, nogil=True)
def _number_of(indptr, indices, number, place, a, b):
    """Number of the edge from a to b, -1 if there is none."""
    low, high = place[a], indptr[a + 1]
    while low < high:
        middle = (low + high) >> 1
        if indices[middle] < b:
            low = middle + 1
        else:
            high = middle
    if low == indptr[a + 1] or indices[low] != b:
        return -1
    return number[a] + low - place[a]


@njit(cache=True, nogil=True)
def _joined_beats(indptr, indices, number, place, key, directed, a, b, own, ties):
    """Whether an edge between nodes a < b stands against the key `own`."""
    e = _number_of(indptr, indices, number, place, a, b)
    if e >= 0 and challenges(own, 0, key[e], 0, ties):
        return True
    if not directed:
        return False
    e = _number_of(indptr, indices, number, place, b, a)
    return e >= 0 and challenges(own, 0, key[e], 0, ties)


@njit(cache=True, nogil=True)
def _lane(
    ball_indptr, ball_indices, indptr, indices, number, place, key, directed, best, ties, hops,
    found, mask, stamp, queue, state, lanes, budget,
):  # fmt: skip
    spent = 0
    while state[NEXT] < found.shape[0] and spent < budget:
        e, a, b = found[state[NEXT], 0], found[state[NEXT], 1], found[state[NEXT], 2]
        state[NEXT] += lanes
        state[TOKEN] += 1
        token = np.int32(state[TOKEN])
        own = key[e]
        stamp[a] = stamp[b] = token
        queue[0], queue[1] = a, b
        head, level_end, tail = 0, 2, 2
        beaten = False
        for depth in range(1, hops + 1):
            while head < level_end and not beaten:
                w = queue[head]
                head += 1
                spent += ball_indptr[w + 1] - ball_indptr[w]
                for p in range(ball_indptr[w], ball_indptr[w + 1]):
                    u = ball_indices[p]
                    if stamp[u] == token:
                        continue
                    if challenges(own, 0, best[u, TOP], 0, ties):
                        beaten = depth < hops
                        if beaten:
                            break
                    elif depth == hops:
                        continue
                    stamp[u] = token
                    queue[tail] = u
                    tail += 1
            if beaten or level_end == tail:
                break
            level_end = tail
        while head < tail and not beaten:
            w = queue[head]
            head += 1
            if best[w, SEEN] == 1 or not challenges(own, 0, best[w, SECOND], 0, ties):
                beaten = stamp[best[w, PARTNER]] == token
                continue
            spent += ball_indptr[w + 1] - ball_indptr[w]
            for p in range(ball_indptr[w], ball_indptr[w + 1]):
                u = ball_indices[p]
                if stamp[u] == token and u > w and u != b and u != a:
                    beaten = _joined_beats(
                        indptr, indices, number, place, key, directed, w, u, own, ties
                    )
                    if beaten:
                        break
        mask[e] = not beaten
        spent += 1


@njit(cache=True, nogil=True, parallel=True)
def _advance(
    ball_indptr, ball_indices, indptr, indices, number, place, key, directed, best, ties, hops,
    found, mask, stamps, queues, states, budget,
):  # fmt: skip
    lanes = states.shape[0]
    for lane in prange(lanes):
        _lane(
            ball_indptr, ball_indices, indptr, indices, number, place, key, directed, best, ties,
            hops, found, mask, stamps[lane], queues[lane], states[lane], lanes, budget,
        )  # fmt: skip


def edge_maxima(ball_rows, rows, key, *, directed, ties, hops):
    """Edges that beat every other edge of the subgraph induced by the balls of their ends.

    Parameters
    ----------
    ball_rows : tuple
        ``indptr, indices`` of symmetric rows, along which balls grow.
    rows : tuple
        ``indptr, indices`` of rows by source, which number the edges.
    key : int64 (m,)
        Order keys of the edges.
    directed : bool
        Whether each entry of `rows` is an edge of its own.
    ties : int
        STRICT or WEAK.
    hops : int
        Radius of the balls.

    Returns
    -------
    bool (m,)
        The edge maxima.
    """
    indptr, indices = rows
    num_nodes = indptr.size - 1
    number, place = edge_numbers(indptr, indices, directed)
    best = np.zeros((num_nodes, BEST_SIZE), np.int64)
    step = max(1024, num_nodes * ENTRIES_PER_CALL // max(indices.size, 1))
    numbered = indptr, indices, number, place
    in_chunks(
        "weighing edges", num_nodes, step,
        lambda a, b: _heaviest(*numbered, key, best, a, b),
    )  # fmt: skip
    found, count = np.empty((key.size, 3), np.int64), np.zeros(1, np.int64)
    in_chunks(
        "choosing candidates", num_nodes, step,
        lambda a, b: _candidates(*numbered, key, best, ties, found, count, a, b),
    )  # fmt: skip
    mask = np.zeros(key.size, np.bool_)
    found = found[: count[0]]
    lanes = int(max(1, min(get_num_threads(), len(found))))
    states = np.zeros((lanes, STATE_SIZE), np.int64)
    states[:, NEXT] = np.arange(lanes)
    stamps, queues = np.zeros((lanes, num_nodes), np.int32), np.empty((lanes, num_nodes), np.int32)
    while (states[:, NEXT] < len(found)).any():
        guarded(
            _advance, *ball_rows, *numbered, key, directed, best, ties, min(hops, num_nodes),
            found, mask, stamps, queues, states, EDGES_PER_CALL,
        )  # fmt: skip
        tell("comparing edges", min(int(states[:, NEXT].min()), len(found)), len(found))
    return mask
