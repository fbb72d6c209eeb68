"""The steepest way up and the summit where the walk ends; watersheds flooded from markers.

Nodes are compared by `level`, 0 for the highest value, equal for equal values, NOBODY for nodes
that take no part; of equal levels the lower index comes first. Wide plateaus are divided between
the markers that reach them.
"""

from functools import partial

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks, tell

NOBODY = np.int32(2**31 - 1)
NODES_PER_CALL = 1 << 21
NODES_PER_PART = 1 << 10


@kernel
def _sort_ties(order, key):
    """Order equal keys by index."""
    start = 0
    while start < order.size:
        stop = start + 1
        while stop < order.size and key[order[stop]] == key[order[start]]:
            stop += 1
        if stop > start + 1:
            order[start:stop] = np.sort(order[start:stop])
        start = stop


@kernel
def _number_levels(order, key, level):
    height = np.int32(-1)
    for i in range(order.size):
        if i == 0 or key[order[i]] != key[order[i - 1]]:
            height += 1
        level[order[i]] = height


def in_order(key, absent):
    """Present nodes by "value descending, then index ascending", and the level of every node.

    Parameters
    ----------
    key : int64 (n,)
        Order key.
    absent : bool (n,) or (0,)
        Nodes that take no part.

    Returns
    -------
    tuple
        ``order`` int64 (present,) and ``level`` int32 (n,).
    """
    if absent.size:
        present = np.flatnonzero(~absent)
        order = present[np.argsort(~key[present])]
    else:
        order = np.argsort(~key)
    _sort_ties(order, key)
    level = np.full(key.size, NOBODY, np.int32)
    _number_levels(order, key, level)
    return order, level


@kernel(parallel=True)
def _highest(indptr, indices, level, up, tied, start, stop):
    parts = (stop - start + NODES_PER_PART - 1) // NODES_PER_PART
    for part in prange(parts):
        low = start + part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, stop)):
            own = level[v]
            best, top = np.int32(v), own
            for p in range(indptr[v], indptr[v + 1]):
                u = indices[p]
                if level[u] < top:
                    best, top = u, level[u]
                elif level[u] == own and own != NOBODY:
                    tied[v] = True
                    if top == own and u < best:
                        best = u
            up[v] = best


def highest_neighbors(indptr, indices, level):
    """Highest neighbor of every node that comes before it in the order, else the node itself.

    A node that takes no part comes after all others.

    Returns
    -------
    tuple
        ``up`` int32 (n,) and ``tied`` bool (n,): the node has a neighbor of its own level.
    """
    up = np.empty(level.size, np.int32)
    tied = np.zeros(level.size, np.bool_)

    def piece(start, stop):
        _highest(indptr, indices, level, up, tied, start, stop)

    in_chunks("looking for the highest neighbor", level.size, NODES_PER_CALL, piece)
    return up, tied


@kernel
def join_plateaus(indptr, indices, level, tied, up, lowest):
    """Let each plateau, named by its lowest index, walk as one node, in place.

    `up` becomes the highest neighbor of the plateau for all its nodes, its lowest index where no
    neighbor is higher; `lowest` the lowest index of the plateau. Only tied nodes are looked at.
    """
    # Nodes come in order of index, so the first one of a plateau names it. The flag of a node goes
    # when it joins `members`, the queue of its plateau; `best` starts as the name of the plateau,
    # which is what stays where no member has a higher neighbor.
    members = np.empty(level.size, np.int32)
    for v in range(level.size):
        if not tied[v]:
            continue
        tied[v] = False
        members[0] = v
        head, tail = 0, 1
        best = np.int32(v)
        while head < tail:
            w = members[head]
            head += 1
            lowest[w] = v
            u = up[w]
            if level[u] < level[best] or (level[u] == level[best] and u < best):
                best = u
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if tied[u] and level[u] == level[v]:
                    tied[u] = False
                    members[tail] = u
                    tail += 1
        for i in range(tail):
            up[members[i]] = best


@kernel(parallel=True)
def _double(up, doubled, moved, start, stop):
    parts = (stop - start + NODES_PER_PART - 1) // NODES_PER_PART
    for part in prange(parts):
        low = start + part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, stop)):
            doubled[v] = up[up[v]]
            if doubled[v] != up[v]:
                moved[part] = True


def summits(up):
    """Follow `up` to its end by pointer doubling: O(n log(longest walk)), without a stack."""
    spare = [np.empty_like(up), np.empty_like(up)]
    moved = np.ones(-(-NODES_PER_CALL // NODES_PER_PART), np.bool_)
    while moved.any():
        moved[:] = False
        double = partial(_double, up, spare[0], moved)
        in_chunks("walking to the summits", up.size, NODES_PER_CALL, double)
        up = spare[0]
        spare.reverse()
    return up


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
