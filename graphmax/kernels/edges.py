"""Edge maxima: which edge beats every other edge of the subgraph between its two balls.

A maximum beats all edges at its two ends, so few edges are candidates at all. The walk outwards
from both ends stops at the first node, short of the rim, that has an edge as heavy: all edges of
such a node lie inside. Only edges between two nodes of the rim have to be looked up, only where
both have an edge as heavy, and only where that is not the one heaviest edge of the node.

In the line graph the nodes are the edges of a graph, joined where they share an end.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from graphmax.kernels.compare import challenges
from graphmax.kernels.compiled import LAST, NEXT, OWN, Lanes, in_chunks, kernel

ENTRIES_PER_CALL = 1 << 24


@kernel
def incident_edges(src, dst, num_nodes):
    """Rows that list, ascending, the edges at each node."""
    indptr = np.zeros(num_nodes + 1, np.int64)
    for e in range(src.size):
        indptr[src[e] + 1] += 1
        indptr[dst[e] + 1] += 1
    for v in range(num_nodes):
        indptr[v + 1] += indptr[v]
    cursor, incident = indptr[:-1].copy(), np.empty(2 * src.size, np.int32)
    for e in range(src.size):
        for v in (src[e], dst[e]):
            incident[cursor[v]] = e
            cursor[v] += 1
    return indptr, incident


@kernel
def _merge_rows(src, dst, indptr, incident, start, stop, ends, indices):
    """Merge the sorted edges of both ends of each edge, itself left out, each once."""
    at = ends[start]
    for e in range(start, stop):
        p, p_end = indptr[src[e]], indptr[src[e] + 1]
        q, q_end = indptr[dst[e]], indptr[dst[e] + 1]
        while p < p_end or q < q_end:
            if q == q_end or (p < p_end and incident[p] <= incident[q]):
                f = incident[p]
                q += q < q_end and incident[q] == f
                p += 1
            else:
                f = incident[q]
                q += 1
            if f != e:
                indices[at] = f
                at += 1
        ends[e + 1] = at


def line_rows(src, dst, indptr, incident, entries):
    """Sorted rows of the line graph; `entries` is an upper bound of their number."""
    ends, indices = np.zeros(src.size + 1, np.int64), np.empty(entries, np.int32)
    step = max(1024, src.size * ENTRIES_PER_CALL // max(entries, 1))

    def merge(start, stop):
        _merge_rows(src, dst, indptr, incident, start, stop, ends, indices)

    in_chunks("joining edges at their ends", src.size, step, merge)
    return ends, indices[: ends[-1]].copy()


EDGES_PER_CALL = 1 << 22
TOKEN, FIELDS = OWN, OWN + 1  # the mark of the last walk of a lane

# What is known of the edges at a node: their two largest keys (repeats count), the other end of
# the first, and how many were seen, up to 2.
TOP, SECOND, PARTNER, SEEN, BEST_SIZE = 0, 1, 2, 3, 4


class Edges(NamedTuple):
    """The edges by source, numbered: the first of a row and its place, and all keys."""

    indptr: np.ndarray
    indices: np.ndarray
    number: np.ndarray
    place: np.ndarray
    key: np.ndarray
    directed: bool


class Task(NamedTuple):
    """What all walks have in common, and where their answers go."""

    ball_indptr: np.ndarray
    ball_indices: np.ndarray
    best: np.ndarray
    candidates: np.ndarray
    ties: int
    hops: int
    mask: np.ndarray


@kernel
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


@kernel(inline="always")
def _keep_two(best, v, key, u):
    if best[v, SEEN] == 0:
        best[v, TOP], best[v, PARTNER], best[v, SEEN] = key, u, 1
    elif key > best[v, TOP]:
        best[v, SECOND], best[v, SEEN] = best[v, TOP], 2
        best[v, TOP], best[v, PARTNER] = key, u
    elif best[v, SEEN] == 1 or key > best[v, SECOND]:
        best[v, SECOND], best[v, SEEN] = key, 2


@kernel
def _heaviest(edges, best, start, stop):
    """The two largest keys of edges at each node, and the other end of the first."""
    for v in range(start, stop):
        e = edges.number[v]
        for p in range(edges.place[v], edges.indptr[v + 1]):
            u = edges.indices[p]
            _keep_two(best, v, edges.key[e], u)
            _keep_two(best, u, edges.key[e], v)
            e += 1


@kernel(inline="always")
def _beats(other, own, ties):
    """Whether another edge of key `other` stands against one of key `own`."""
    return challenges(own, 0, other, 0, ties)


@kernel(inline="always")
def _leads(best, v, own, ties):
    """Whether the key `own` of an edge at v beats the other edges at v."""
    if own != best[v, TOP]:
        return False
    return best[v, SEEN] == 1 or not _beats(best[v, SECOND], own, ties)


@kernel
def _candidates(edges, best, ties, found, count, start, stop):
    """Edges that beat all others at their two ends: number, source and target."""
    at = count[0]
    for v in range(start, stop):
        e = edges.number[v]
        for p in range(edges.place[v], edges.indptr[v + 1]):
            u, own = edges.indices[p], edges.key[e]
            if _leads(best, v, own, ties) and _leads(best, u, own, ties):
                found[at, 0], found[at, 1], found[at, 2] = e, v, u
                at += 1
            e += 1
    count[0] = at


@kernel
def _number_of(edges, a, b):
    """Number of the edge from a to b, -1 if there is none."""
    low, high = edges.place[a], edges.indptr[a + 1]
    while low < high:
        middle = (low + high) >> 1
        if edges.indices[middle] < b:
            low = middle + 1
        else:
            high = middle
    if low == edges.indptr[a + 1] or edges.indices[low] != b:
        return -1
    return edges.number[a] + low - edges.place[a]


@kernel
def _joined_beats(edges, a, b, own, ties):
    """Whether an edge between nodes a < b stands against the key `own`."""
    e = _number_of(edges, a, b)
    if e >= 0 and _beats(edges.key[e], own, ties):
        return True
    if not edges.directed:
        return False
    e = _number_of(edges, b, a)
    return e >= 0 and _beats(edges.key[e], own, ties)


@kernel
def _lane(task, edges, stamp, queue, state, budget):
    """Walk from both ends of a candidate at once, level by level, `hops` levels far.

    A node short of the rim that has an edge as heavy ends the walk: that edge lies inside. Nodes of
    the rim enter the queue only if they have one; what is left in the queue from `head` on when the
    walk is over is then the suspects of the rim, whose edges among each other are looked up.
    """
    indptr, indices, best = task.ball_indptr, task.ball_indices, task.best
    found, ties, hops = task.candidates, task.ties, task.hops
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        e, a, b = found[state[NEXT], 0], found[state[NEXT], 1], found[state[NEXT], 2]
        state[NEXT] += 1
        state[TOKEN] += 1
        token = np.int32(state[TOKEN])
        own = edges.key[e]
        stamp[a] = stamp[b] = token
        queue[0], queue[1] = a, b
        head, level_end, tail = 0, 2, 2
        beaten = False
        for depth in range(1, hops + 1):
            while head < level_end and not beaten:
                w = queue[head]
                head += 1
                spent += indptr[w + 1] - indptr[w]
                for p in range(indptr[w], indptr[w + 1]):
                    u = indices[p]
                    if stamp[u] == token:
                        continue
                    if _beats(best[u, TOP], own, ties):
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
            if best[w, SEEN] == 1 or not _beats(best[w, SECOND], own, ties):
                beaten = stamp[best[w, PARTNER]] == token  # its one heavy edge leads there
                continue
            spent += indptr[w + 1] - indptr[w]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if stamp[u] == token and u > w and u != b and u != a:
                    beaten = _joined_beats(edges, w, u, own, ties)
                    if beaten:
                        break
        task.mask[e] = not beaten
        spent += 1


@kernel(parallel=True)
def _advance(task, edges, stamps, queues, states, budget):
    for lane in prange(states.shape[0]):
        _lane(task, edges, stamps[lane], queues[lane], states[lane], budget)


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
    edges = Edges(*rows, *edge_numbers(indptr, indices, directed), key, directed)
    best = np.zeros((num_nodes, BEST_SIZE), np.int64)
    found, count = np.empty((key.size, 3), np.int64), np.zeros(1, np.int64)
    step = max(1024, num_nodes * ENTRIES_PER_CALL // max(indices.size, 1))

    def weigh(start, stop):
        _heaviest(edges, best, start, stop)

    def choose(start, stop):
        _candidates(edges, best, ties, found, count, start, stop)

    in_chunks("weighing edges", num_nodes, step, weigh)
    in_chunks("choosing candidates", num_nodes, step, choose)
    found = found[: count[0]]
    mask = np.zeros(key.size, np.bool_)
    task = Task(*ball_rows, best, found, ties, min(hops, num_nodes), mask)
    lanes = Lanes(len(found), Lanes.affordable(len(found)), FIELDS)
    shape = (len(lanes), num_nodes)
    stamps, queues = np.zeros(shape, np.int32), np.empty(shape, np.int32)
    for states in lanes.rounds("comparing edges"):
        _advance(task, edges, stamps, queues, states, EDGES_PER_CALL)
    return mask
