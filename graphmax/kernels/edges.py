"""Edge maxima: which edge beats every other edge of the subgraph between its two balls.

A maximum beats all edges at its two ends, so few edges are candidates at all. The walk outwards
from both ends stops at the first node, short of the rim, that has an edge as heavy: all edges of
such a node lie inside. Only edges between two nodes of the rim have to be looked up, and only
where both have an edge as heavy.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.chunks import guarded, in_chunks, tell

STRICT, WEAK = 0, 1
ENTRIES_PER_CALL = 1 << 24
EDGES_PER_CALL = 1 << 22
NEXT, TOKEN, STATE_SIZE = 0, 1, 2


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
def _note(top, holders, v, key):
    if holders[v] == 0 or key > top[v]:
        top[v] = key
        holders[v] = 1
    elif key == top[v]:
        holders[v] = 2


@njit(cache=True, nogil=True)
def _heaviest(indptr, indices, number, place, key, top, holders, start, stop):
    """Largest key of an edge at each node, and whether one or several edges have it."""
    for v in range(start, stop):
        e = number[v]
        for p in range(place[v], indptr[v + 1]):
            _note(top, holders, v, key[e])
            _note(top, holders, indices[p], key[e])
            e += 1


@njit(cache=True, nogil=True)
def _candidates(indptr, indices, number, place, key, top, holders, ties, found, count, start, stop):
    """Edges that beat all others at their two ends: number, source and target."""
    at = count[0]
    for v in range(start, stop):
        if ties == STRICT and holders[v] > 1:
            continue
        e = number[v]
        for p in range(place[v], indptr[v + 1]):
            if key[e] == top[v]:
                u = indices[p]
                if key[e] == top[u] and (ties == WEAK or holders[u] == 1):
                    found[at, 0], found[at, 1], found[at, 2] = e, v, u
                    at += 1
            e += 1
    count[0] = at


@njit(cache=True, nogil=True, inline="always")
def _beats(other, own, ties):
    return other > own or (ties == STRICT and other == own)


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
    if e >= 0 and _beats(key[e], own, ties):
        return True
    if not directed:
        return False
    e = _number_of(indptr, indices, number, place, b, a)
    return e >= 0 and _beats(key[e], own, ties)


@njit(cache=True, nogil=True)
def _lane(
    ball_indptr, ball_indices, indptr, indices, number, place, key, directed, top, ties, hops,
    found, mask, stamp, queue, state, lanes, budget,
):  # fmt: skip
    spent = 0
    while state[NEXT] < found.shape[0] and spent < budget:
        e, a, b = found[state[NEXT]]
        state[NEXT] += lanes
        state[TOKEN] += 1
        token = np.int32(state[TOKEN])
        own = key[e]
        stamp[a] = stamp[b] = token
        queue[0], queue[1] = a, b
        head, rim, tail, depth = 0, 0, 2, 0
        beaten = False
        while depth < hops and rim < tail and not beaten:
            depth += 1
            head, rim = rim, tail
            while head < rim and not beaten:
                w = queue[head]
                head += 1
                spent += ball_indptr[w + 1] - ball_indptr[w]
                for p in range(ball_indptr[w], ball_indptr[w + 1]):
                    u = ball_indices[p]
                    if stamp[u] == token:
                        continue
                    if depth < hops and _beats(top[u], own, ties):
                        beaten = True
                        break
                    stamp[u] = token
                    queue[tail] = u
                    tail += 1
        while rim < tail and not beaten:
            w = queue[rim]
            rim += 1
            if not _beats(top[w], own, ties):
                continue
            spent += ball_indptr[w + 1] - ball_indptr[w]
            for p in range(ball_indptr[w], ball_indptr[w + 1]):
                u = ball_indices[p]
                if (
                    u > w and stamp[u] == token and _beats(top[u], own, ties)
                    and u != a and u != b
                    and _joined_beats(
                        indptr, indices, number, place, key, directed, w, u, own, ties
                    )
                ):  # fmt: skip
                    beaten = True
                    break
        mask[e] = not beaten
        spent += 1


@njit(cache=True, nogil=True, parallel=True)
def _advance(
    ball_indptr, ball_indices, indptr, indices, number, place, key, directed, top, ties, hops,
    found, mask, stamps, queues, states, budget,
):  # fmt: skip
    lanes = states.shape[0]
    for lane in prange(lanes):
        _lane(
            ball_indptr, ball_indices, indptr, indices, number, place, key, directed, top, ties,
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
    top, holders = np.zeros(num_nodes, np.int64), np.zeros(num_nodes, np.int8)
    step = max(1024, num_nodes * ENTRIES_PER_CALL // max(indices.size, 1))
    numbered = indptr, indices, number, place
    in_chunks(
        "weighing edges", num_nodes, step,
        lambda a, b: _heaviest(*numbered, key, top, holders, a, b),
    )  # fmt: skip
    found, count = np.empty((key.size, 3), np.int64), np.zeros(1, np.int64)
    in_chunks(
        "choosing candidates", num_nodes, step,
        lambda a, b: _candidates(*numbered, key, top, holders, ties, found, count, a, b),
    )  # fmt: skip
    mask = np.zeros(key.size, np.bool_)
    found = found[: count[0]]
    lanes = int(max(1, min(get_num_threads(), len(found))))
    states = np.zeros((lanes, STATE_SIZE), np.int64)
    states[:, NEXT] = np.arange(lanes)
    stamps, queues = np.zeros((lanes, num_nodes), np.int32), np.empty((lanes, num_nodes), np.int32)
    while (states[:, NEXT] < len(found)).any():
        guarded(
            _advance, *ball_rows, *numbered, key, directed, top, ties, min(hops, num_nodes),
            found, mask, stamps, queues, states, EDGES_PER_CALL,
        )  # fmt: skip
        tell("comparing edges", min(int(states[:, NEXT].min()), len(found)), len(found))
    return mask
