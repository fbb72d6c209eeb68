"""Isolation of peaks in hops, looking one step ahead.

A node that is reached tells at once how high its highest neighbor is. So when all nodes at
distance d are known, it is known too whether a challenger stands at distance d + 1, without a look
at their rows: most peaks need their own row only.

Where many peaks are equally high and far from higher ground, as in an image with a saturated
sky, walking from each would go through everything again and again. Then one flood from all higher
nodes at once answers all of them.

Peaks are dealt to lanes, one a thread, which keep their whole state in arrays and go on in the
next call, so that Ctrl-C is answered in the middle of a walk through a billion edges.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.progress import guarded, tell

EDGES_PER_CALL = 1 << 22
# A flood looks at every entry, and at what it carries; it must promise to save that.
FLOOD_COST = 4
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


@njit(cache=True, nogil=True)
def _sources(level, bound, depth, highest, queue):
    tail = 0
    for v in range(level.size):
        if level[v] < bound:
            depth[v], highest[v], queue[tail] = 0, v, v
            tail += 1
        else:
            depth[v] = -1
    return tail


@njit(cache=True, nogil=True)
def _flood(indptr, indices, level, depth, highest, queue, ends, budget):
    """Carry from node to node how far its nearest source is, and the highest that is as near."""
    head, tail = ends
    spent = 0
    while head < tail and spent < budget:
        w = queue[head]
        head += 1
        spent += indptr[w + 1] - indptr[w] + 1
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            if depth[u] < 0:
                depth[u], highest[u], queue[tail] = depth[w] + 1, highest[w], u
                tail += 1
            elif depth[u] == depth[w] + 1 and _earlier(level, highest[w], highest[u]):
                highest[u] = highest[w]
    ends[0], ends[1] = head, tail


@njit(cache=True, nogil=True)
def _collect(indptr, indices, level, peaks, depth, highest, stamp, queue, distance, witness):
    """The nearest answer that a node of each plateau got; of several the highest."""
    stamp[:] = 0
    for i in range(peaks.size):
        size = _plateau(indptr, indices, level, peaks[i], stamp, np.int32(1), queue)
        for w in queue[:size]:
            if depth[w] < 0 or depth[w] > distance[i]:
                continue
            if depth[w] < distance[i] or _earlier(level, highest[w], witness[i]):
                distance[i], witness[i] = depth[w], highest[w]


def _answer_together(rows, level, peaks, distance, witness, scratch):
    """Answer peaks of one level, in place."""
    stamp, queue = scratch
    depth, highest = np.empty(level.size, np.int32), np.empty(level.size, np.int32)
    ends = np.array([0, _sources(level, level[peaks[0]], depth, highest, queue)])
    while ends[0] < ends[1]:
        guarded(_flood, *rows, level, depth, highest, queue, ends, EDGES_PER_CALL)
        tell("flooding from higher ground", int(ends[0]), level.size)
    distance[:], witness[:] = np.inf, -1
    _collect(*rows, level, peaks, depth, highest, stamp, queue, distance, witness)


def _step_over(states, stop):
    """Let the lanes go on behind the peaks that are answered, with new marks."""
    states[:, ACTIVE] = states[:, TOKEN] = 0
    for lane in np.flatnonzero(states[:, NEXT] < stop):
        states[lane, NEXT] = stop + (lane - stop) % len(states)


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
        Nodes with no challenger at distance 1 from their plateau, highest first.
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
    heights, flood_cost = level[peaks], FLOOD_COST * (indices.size + level.size)
    while (states[:, NEXT] < peaks.size).any():
        before = int(states[:, NEXT].sum())
        guarded(
            _advance, indptr, indices, level, up, peaks, strict, distance, witness, stamps,
            queues, states, EDGES_PER_CALL,
        )  # fmt: skip
        first = min(int(states[:, NEXT].min()), peaks.size)
        tell("searching for higher ground", first, peaks.size)
        if strict or first == peaks.size:
            continue
        stop = int(np.searchsorted(heights, heights[first], "right"))
        finished = (int(states[:, NEXT].sum()) - before) / lanes
        if (stop - first) * lanes * EDGES_PER_CALL > flood_cost * max(finished, 1):
            part = slice(first, stop)
            _answer_together(
                (indptr, indices), level, peaks[part], distance[part], witness[part],
                (stamps[0], queues[0]),
            )  # fmt: skip
            stamps[:] = 0
            _step_over(states, stop)
    return distance, witness
