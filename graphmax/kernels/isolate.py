"""Isolation of peaks in hops, looking one step ahead.

A node that is reached tells at once how high its highest neighbor is. So when all nodes at
distance d are known, it is known too whether a challenger stands at distance d + 1, without a look
at their rows: most peaks need their own row only.

Peaks are dealt to lanes, one a thread, which keep their whole state in arrays and go on in the
next call, so that Ctrl-C is answered in the middle of a walk through a billion edges.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.chunks import guarded, tell

EDGES_PER_CALL = 1 << 22
NEXT, ACTIVE, HEAD, LEVEL_END, TAIL, DEPTH, TOKEN, STATE_SIZE = range(8)


@njit(cache=True, nogil=True, inline="always")
def _earlier(level, u, best):
    return best < 0 or level[u] < level[best] or (level[u] == level[best] and u < best)


@njit(cache=True, nogil=True)
def _plateau(indptr, indices, level, v, stamp, token, queue):
    """Put the plateau of v into `queue`, v first; return its size."""
    stamp[v] = token
    queue[0] = v
    head, tail = 0, 1
    while head < tail:
        w = queue[head]
        head += 1
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            if level[u] == level[v] and stamp[u] != token:
                stamp[u] = token
                queue[tail] = u
                tail += 1
    return tail


@njit(cache=True, nogil=True)
def _ahead(level, up, v, strict, reached):
    """Highest challenger of v next to one of the nodes that were reached, or -1."""
    best = -1
    for x in reached:
        u = up[x]
        if level[u] < level[v] or (strict and level[u] == level[v] and u != v):
            if _earlier(level, u, best):
                best = u
    return best


@njit(cache=True, nogil=True)
def _hidden_behind(indptr, indices, level, up, v, best, reached):
    """The same among nodes as high as v that v itself hides, being their neighbors' highest."""
    for x in reached:
        if up[x] == v:
            for p in range(indptr[x], indptr[x + 1]):
                u = indices[p]
                if level[u] == level[v] and u != v and _earlier(level, u, best):
                    best = u
    return best


@njit(cache=True, nogil=True)
def _lane(
    indptr, indices, level, up, peaks, strict, distance, witness, stamp, queue, state, lanes,
    budget,
):  # fmt: skip
    spent = 0
    while state[NEXT] < peaks.size and spent < budget:
        v = peaks[state[NEXT]]
        if not state[ACTIVE]:
            state[TOKEN] += 1
            tail = 1
            if strict:
                stamp[v] = state[TOKEN]
                queue[0] = v
            else:
                tail = _plateau(indptr, indices, level, v, stamp, state[TOKEN], queue)
            state[ACTIVE], state[HEAD], state[DEPTH] = 1, 0, 1
            state[LEVEL_END] = state[TAIL] = tail
        token = np.int32(state[TOKEN])
        head, level_end, tail = state[HEAD], state[LEVEL_END], state[TAIL]
        done = False
        while not done:
            while head < level_end and spent < budget:
                w = queue[head]
                head += 1
                spent += indptr[w + 1] - indptr[w] + 1
                for p in range(indptr[w], indptr[w + 1]):
                    u = indices[p]
                    if stamp[u] != token:
                        stamp[u] = token
                        queue[tail] = u
                        tail += 1
            if head < level_end:
                break
            best = _ahead(level, up, v, strict, queue[level_end:tail])
            if strict and state[DEPTH] == 1 and (best < 0 or level[best] == level[v]):
                best = _hidden_behind(
                    indptr, indices, level, up, v, best, queue[level_end:tail]
                )  # fmt: skip
            state[DEPTH] += 1
            if best >= 0:
                distance[state[NEXT]] = state[DEPTH]
                witness[state[NEXT]] = best
            done = best >= 0 or tail == level_end
            level_end = tail
        state[HEAD], state[LEVEL_END], state[TAIL] = head, level_end, tail
        if done:
            state[ACTIVE] = 0
            state[NEXT] += lanes
            spent += 1


@njit(cache=True, nogil=True, parallel=True)
def _advance(
    indptr, indices, level, up, peaks, strict, distance, witness, stamps, queues, states, budget
):
    lanes = states.shape[0]
    for lane in prange(lanes):
        _lane(
            indptr, indices, level, up, peaks, strict, distance, witness, stamps[lane],
            queues[lane], states[lane], lanes, budget,
        )  # fmt: skip


def isolate(indptr, indices, level, up, peaks, *, strict):
    """Distance in hops from each peak to its nearest challenger, and who that is.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Symmetric rows.
    level : int32 (n,)
        0 for the highest value, equal for equal values, NOBODY for nodes that take no part.
    up : int32 (n,)
        The highest neighbor of each node where it is higher, of several the one of lowest index.
    peaks : int64 (p,)
        Nodes with no challenger at distance 1 from their plateau.
    strict : bool
        Whether nodes as high as the peak challenge it; else it speaks for its plateau.

    Returns
    -------
    tuple
        ``distance`` float64 (p,), inf where there is none, and ``witness`` int64 (p,), -1 there.
    """
    distance, witness = np.full(peaks.size, np.inf), np.full(peaks.size, -1, np.int64)
    lanes = int(max(1, min(get_num_threads(), peaks.size)))
    states = np.zeros((lanes, STATE_SIZE), np.int64)
    states[:, NEXT] = np.arange(lanes)
    shape = (lanes, level.size)
    stamps, queues = np.zeros(shape, np.int32), np.empty(shape, np.int32)
    while (states[:, NEXT] < peaks.size).any():
        guarded(
            _advance, indptr, indices, level, up, peaks, strict, distance, witness, stamps,
            queues, states, EDGES_PER_CALL,
        )  # fmt: skip
        tell("searching for higher ground", min(int(states[:, NEXT].min()), peaks.size), peaks.size)
    return distance, witness
