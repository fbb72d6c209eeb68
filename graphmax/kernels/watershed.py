"""Watersheds: markers flood the graph from the top, and wide plateaus are divided.

Nodes are compared by `level`, 0 for the highest value, NOBODY for nodes that take no part.
"""

import numpy as np

from graphmax.kernels.ascent import NOBODY
from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import tell

NONE = np.int64(2**63 - 1)
EDGES_PER_CALL = 1 << 24
HEIGHT, WAVE, HEAD, TAIL, STATE_SIZE = range(5)
# What `wave` holds of a node that was not entered: nothing is known of it; it touches water and
# waits until that has fallen to its level; it is a marker and waits in the same way.
UNKNOWN, WAITING, MARKER = -2, -1, 0


@kernel
def _begin_level(first, next_node, wave, queue, state):
    """Enter the nodes that wait for a level: its markers, then what touches older water."""
    tail, start = 0, state[WAVE] + 2
    for kind in (MARKER, WAITING):
        v = first[state[HEIGHT]]
        while v >= 0:
            if wave[v] == kind:
                wave[v] = start + (kind == WAITING)
                queue[tail] = v
                tail += 1
            v = next_node[v]
    state[HEAD], state[TAIL] = 0, tail


@kernel
def _flood(indptr, indices, level, label, wave, first, next_node, queue, state, budget):
    """Let every marker flow down, the water falling level by level.

    A node is entered when the water stands at its own level, or lower where lower ground had to be
    crossed to reach it. Within a level nodes are entered in waves, by the number of steps since
    the water fell to it: its markers (0 steps), nodes that touch older water (1), and so on
    through the queue. Waves are numbered through all levels, so that ``wave[w] + 1`` says which
    nodes w hands its label to: of several labels a node takes the lowest. ``first`` (per level)
    and ``next_node`` chain the nodes that wait.
    """
    spent = 0
    while state[HEIGHT] < first.size and spent < budget:
        height = state[HEIGHT]
        if state[TAIL] < 0:
            _begin_level(first, next_node, wave, queue, state)
        head, tail = state[HEAD], state[TAIL]
        while head < tail and spent < budget:
            w = queue[head]
            head += 1
            spent += indptr[w + 1] - indptr[w]
            state[WAVE] = wave[w] + 1
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if level[u] == NOBODY:
                    continue
                if level[u] <= height:
                    if wave[u] == UNKNOWN:
                        wave[u] = wave[w] + 1
                        queue[tail] = u
                        tail += 1
                    if wave[u] == wave[w] + 1:
                        label[u] = min(label[u], label[w])
                elif wave[u] == UNKNOWN:
                    wave[u], label[u] = WAITING, label[w]
                    next_node[u] = first[level[u]]
                    first[level[u]] = u
                elif wave[u] == WAITING:
                    label[u] = min(label[u], label[w])
        state[HEAD], state[TAIL] = head, tail
        if head == tail:
            state[HEIGHT] += 1
            state[TAIL] = -1
        spent += 1


def flood(indptr, indices, level, markers):
    """Label of every node, -1 where no marker reaches; `markers` int64 (n,), NONE for no marker."""
    label, wave = markers.copy(), np.full(level.size, UNKNOWN)
    present = level != NOBODY
    first = np.full(int(level[present].max(initial=-1)) + 1, -1, np.int32)
    next_node, queue = np.full(level.size, -1, np.int32), np.empty(level.size, np.int32)
    nodes = np.flatnonzero((markers != NONE) & present)
    wave[nodes] = MARKER
    _chain(nodes, level, first, next_node)
    state = np.array([0, 0, 0, -1])
    while state[HEIGHT] < first.size:
        waits = first, next_node
        _flood(indptr, indices, level, label, wave, *waits, queue, state, EDGES_PER_CALL)
        tell("flooding from the markers", int(state[HEIGHT]), first.size)
    label[(label == NONE) | ~present] = -1
    return label


@kernel
def _chain(nodes, level, first, next_node):
    for v in nodes:
        next_node[v] = first[level[v]]
        first[level[v]] = v


@kernel
def divide_plateaus(indptr, indices, order, level, up, summit):
    """The summit of each node, plateaus divided by steps from their rim, of several the lowest.

    `up` is the first neighbor of a node in `order` where that comes before it. Plateaus are taken
    from the top down. A node of the rim has a higher neighbor and goes where that goes; labels
    then spread through the plateau in waves, ``steps`` counting them. What no wave reaches is the
    top of a hill and belongs to its lowest node, which comes first in the order.
    """
    steps, queue = np.full(level.size, -1, np.int64), np.empty(order.size, np.int32)
    start = 0
    while start < order.size:
        stop = start
        height, tail = level[order[start]], 0
        while stop < order.size and level[order[stop]] == height:
            v = order[stop]
            if level[up[v]] < height:
                summit[v], steps[v], queue[tail] = summit[up[v]], 0, v
                tail += 1
            stop += 1
        head = 0
        for i in range(start, stop + 1):  # the rims first, then every hilltop on its own
            while head < tail:
                w = queue[head]
                head += 1
                for p in range(indptr[w], indptr[w + 1]):
                    u = indices[p]
                    if level[u] != height:
                        continue
                    if steps[u] < 0:
                        steps[u], summit[u], queue[tail] = steps[w] + 1, summit[w], u
                        tail += 1
                    elif steps[u] == steps[w] + 1:
                        summit[u] = min(summit[u], summit[w])
            if i < stop and steps[order[i]] < 0:
                v = order[i]
                summit[v], steps[v], queue[tail] = v, 0, v
                tail += 1
        start = stop
