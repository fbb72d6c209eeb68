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

from typing import NamedTuple

import numpy as np
from numba import prange

from graphmax.kernels.compiled import ACTIVE, NEXT, OWN, STEP, Lanes, kernel, tell

EDGES_PER_CALL = 1 << 22
# A flood looks at every entry, and at what it carries; it must promise to save that.
FLOOD_COST = 4

# The walk that a lane has left in the middle. TOKEN: its mark, which nodes that it has seen carry
# in `stamp`. The queue holds all nodes seen, nearest first: those in front of HEAD are opened,
# those up to LEVEL_END are at the distance DEPTH - 1, those from there up to TAIL at DEPTH.
TOKEN, HEAD, LEVEL_END, TAIL, DEPTH, FIELDS = range(OWN, OWN + 6)


class Task(NamedTuple):
    """What all walks have in common, and where their answers go."""

    indptr: np.ndarray
    indices: np.ndarray
    level: np.ndarray
    up: np.ndarray
    peaks: np.ndarray
    strict: bool
    distance: np.ndarray
    witness: np.ndarray


@kernel(inline="always")
def _earlier(level, u, best):
    return best < 0 or level[u] < level[best] or (level[u] == level[best] and u < best)


@kernel
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


@kernel
def _ahead(level, up, v, strict, reached):
    """Highest challenger of v next to one of the nodes that were reached, or -1."""
    best = -1
    for x in reached:
        u = up[x]
        if level[u] < level[v] or (strict and level[u] == level[v] and u != v):
            if _earlier(level, u, best):
                best = u
    return best


@kernel
def _hidden_behind(indptr, indices, level, up, v, best, reached):
    """The same among nodes as high as v that v itself hides, being their neighbors' highest."""
    for x in reached:
        if up[x] == v:
            for p in range(indptr[x], indptr[x + 1]):
                u = indices[p]
                if level[u] == level[v] and u != v and _earlier(level, u, best):
                    best = u
    return best


@kernel
def _lane(task, stamp, queue, state, budget):
    """Walk level by level, and ask each level for the highest neighbor of its nodes.

    Invariant, when a level is complete: no challenger stands within DEPTH, the distance of its
    nodes. Their neighbors are within DEPTH + 1, and `up` names the highest of them, so that the
    first answer is the nearest challenger and, of those, the highest.
    """
    indptr, indices, level, up = task.indptr, task.indices, task.level, task.up
    peaks, strict = task.peaks, task.strict
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
            if head < level_end:  # the budget is spent: go on here in the next call
                break
            nodes = queue[level_end:tail]
            best = _ahead(level, up, v, strict, nodes)
            if strict and state[DEPTH] == 1 and (best < 0 or level[best] == level[v]):
                best = _hidden_behind(indptr, indices, level, up, v, best, nodes)
            state[DEPTH] += 1
            if best >= 0:
                task.distance[state[NEXT]] = state[DEPTH]
                task.witness[state[NEXT]] = best
            done = best >= 0 or tail == level_end
            level_end = tail
        state[HEAD], state[LEVEL_END], state[TAIL] = head, level_end, tail
        if done:
            state[ACTIVE] = 0
            state[NEXT] += state[STEP]
            spent += 1


@kernel(parallel=True)
def _advance(task, stamps, queues, states, budget):
    for lane in prange(states.shape[0]):
        _lane(task, stamps[lane], queues[lane], states[lane], budget)


@kernel
def _sources(level, bound, depth, highest, queue):
    tail = 0
    for v in range(level.size):
        if level[v] < bound:
            depth[v], highest[v], queue[tail] = 0, v, v
            tail += 1
        else:
            depth[v] = -1
    return tail


@kernel
def _flood(indptr, indices, level, depth, highest, queue, ends, budget):
    """Carry from node to node how far its nearest source is, and the highest that is as near.

    Invariant, when a node is opened: its own answer is final, as all nodes nearer to a source have
    been opened before. `ends` are head and tail of the queue.
    """
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


@kernel
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


def _answer_together(task, part, stamp, queue):
    """Answer a range of peaks, all of one level."""
    rows, level, peaks = (task.indptr, task.indices), task.level, task.peaks[part]
    depth, highest = np.empty(level.size, np.int32), np.empty(level.size, np.int32)
    ends = np.array([0, _sources(level, level[peaks[0]], depth, highest, queue)])
    while ends[0] < ends[1]:
        _flood(*rows, level, depth, highest, queue, ends, EDGES_PER_CALL)
        tell("flooding from higher ground", int(ends[0]), level.size)
    distance, witness = task.distance[part], task.witness[part]
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
    task = Task(indptr, indices, level, up, peaks, strict, distance, witness)
    lanes = Lanes(peaks.size, Lanes.affordable(peaks.size), FIELDS, interleaved=True)
    shape = (len(lanes), level.size)
    stamps, queues = np.zeros(shape, np.int32), np.empty(shape, np.int32)
    heights, flood_cost = level[peaks], FLOOD_COST * (indices.size + level.size)
    for states in lanes.rounds("searching for higher ground"):
        before = int(states[:, NEXT].sum())
        _advance(task, stamps, queues, states, EDGES_PER_CALL)
        first = lanes.done
        if strict or first == peaks.size:
            continue
        # Peaks of one height that are left: what their walks would cost, at the pace of this call.
        stop = int(np.searchsorted(heights, heights[first], "right"))
        finished = (int(states[:, NEXT].sum()) - before) / len(lanes)
        if (stop - first) * len(lanes) * EDGES_PER_CALL > flood_cost * max(finished, 1):
            _answer_together(task, slice(first, stop), stamps[0], queues[0])
            stamps[:] = 0
            _step_over(states, stop)
    return distance, witness
