"""Greedy suppression: take the best node, strike out its ball, go on with the best that is left.

One pass over the nodes, best first. A node that no ball has reached is kept, and its own ball is
walked at once. Every node remembers the ball that could still go farthest from it: a later ball
that is no better there turns back, since the earlier one has been everywhere it would go. With one
reach for all nodes a node is therefore entered at most `hops` times, each time from nearer.

By straight lines the points lie in cells, and only near cells are looked at. The cells are boxes
of one side over the first three axes at most; that is enough, since no line is shorter than its
part along some of the axes. A point leaves its cell when it is kept or struck out, so that crowded
cells are paid for once.
"""

from typing import NamedTuple

import numpy as np

from graphmax.kernels.ball import sift_down, sift_up
from graphmax.kernels.compiled import NEXT, OWN, Lanes, kernel

EDGES_PER_CALL = 1 << 24
KEPT, FIELDS = OWN, OWN + 1  # how many nodes are kept so far


@kernel
def _suppress(indptr, indices, order, reach, left, kept, queue, state, budget):
    # `left[u]` is the number of steps that some ball could still go from u, -1 if none came. The
    # balls are walked breadth-first from one node after the other, each to its end at once.
    spent = 0
    while state[NEXT] < order.size and spent < budget:
        v = order[state[NEXT]]
        state[NEXT] += 1
        spent += 1
        if left[v] >= 0:
            continue
        kept[state[KEPT]] = v
        state[KEPT] += 1
        left[v] = reach[v] if reach.size > 1 else reach[0]
        queue[0] = v
        head, tail = 0, 1
        while head < tail:
            w = queue[head]
            head += 1
            rest = left[w] - 1
            if rest < 0:  # levels come in order: all that wait have no step left
                break
            spent += indptr[w + 1] - indptr[w]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if rest > left[u]:
                    left[u] = rest
                    queue[tail] = u
                    tail += 1


def suppress(indptr, indices, order, reach):
    """Nodes of `order` (best first) that no kept node before them reaches, in that order.

    `reach` is int64, hops of the balls: (1,) for all nodes, or (n,).
    """
    num_nodes = indptr.size - 1
    reach = np.minimum(reach, num_nodes)
    left = np.full(num_nodes, -1, np.int64)
    kept, queue = np.empty(order.size, np.int64), np.empty(num_nodes, np.int32)
    lane = Lanes(order.size, 1, FIELDS)
    for states in lane.rounds("suppressing"):
        _suppress(indptr, indices, order, reach, left, kept, queue, states[0], EDGES_PER_CALL)
    return kept[: lane.states[0, KEPT]].copy()


class Marks(NamedTuple):
    """What balls have left behind at each node, and the heap of the ball that is walked.

    `met` and `met_reach` are the length at which a ball came by and the reach of that ball, of
    several the one with most left (reach -1: none came). `stamp` is the position of the last search
    that has a `length` for the node, `place` its position in the `heap`, -1 when done.
    """

    met: np.ndarray
    met_reach: np.ndarray
    stamp: np.ndarray
    heap: np.ndarray
    place: np.ndarray
    length: np.ndarray


@kernel
def _suppress_by_weight(indptr, indices, weights, order, reach, marks, kept, state, budget):
    """Dijkstra's search from each kept node as far as its reach.

    Lengths are compared as they were added up, never as differences, so that no rounding decides:
    a ball turns back where one of no smaller reach came by at no larger length.
    """
    met, met_reach, stamp = marks.met, marks.met_reach, marks.stamp
    heap, place, length = marks.heap, marks.place, marks.length
    spent = 0
    while state[NEXT] < order.size and spent < budget:
        v = order[state[NEXT]]
        state[NEXT] += 1
        spent += 1
        if met_reach[v] >= 0:
            continue
        kept[state[KEPT]] = v
        state[KEPT] += 1
        limit = reach[v] if reach.size > 1 else reach[0]
        token = np.int32(state[NEXT])
        stamp[v], length[v], heap[0], place[v] = token, 0.0, v, 0
        size = 1
        while size > 0:
            w = heap[0]
            size -= 1
            if size > 0:
                heap[0] = heap[size]
                place[heap[0]] = 0
                sift_down(heap, place, length, size)
            place[w] = -1
            if met_reach[w] < 0 or limit - length[w] > met_reach[w] - met[w]:
                met[w], met_reach[w] = length[w], limit
            spent += indptr[w + 1] - indptr[w]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                through = length[w] + weights[p]
                if through > limit or through == np.inf:
                    continue
                if stamp[u] != token:
                    if met_reach[u] >= limit and met[u] <= through:
                        continue
                    stamp[u], length[u], heap[size] = token, through, u
                    size += 1
                    sift_up(heap, place, length, size - 1)
                elif through < length[u] and place[u] >= 0:
                    length[u] = through
                    sift_up(heap, place, length, place[u])


def suppress_by_weight(indptr, indices, weights, order, reach):
    """The same with balls measured in weights; `reach` is float64 (1,) or (n,), inclusive."""
    n = indptr.size - 1
    stamp, heap, place = (np.zeros(n, np.int32) for _ in range(3))
    marks = Marks(np.zeros(n), np.full(n, -1.0), stamp, heap, place, np.empty(n))
    kept, lane = np.empty(order.size, np.int64), Lanes(order.size, 1, FIELDS)
    for states in lane.rounds("suppressing"):
        _suppress_by_weight(
            indptr, indices, weights, order, reach, marks, kept, states[0], EDGES_PER_CALL
        )
    return kept[: lane.states[0, KEPT]].copy()


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


PAIRS_PER_CALL = 1 << 24
MOST_AXES = 3


@kernel(inline="always")
def _distance(points, a, b):
    total = 0.0
    for axis in range(points.shape[1]):
        total += (points[a, axis] - points[b, axis]) ** 2
    return np.sqrt(total)


class Cells(NamedTuple):
    """Boxes of one side: cell c holds ``members[start[c] : start[c] + filled[c]]``, who is left.

    `low` is their lower corner, `side` the side and `sides` the number of cells along each axis.
    """

    low: np.ndarray
    side: np.ndarray
    sides: np.ndarray
    start: np.ndarray
    filled: np.ndarray
    members: np.ndarray


@kernel
def _strike(points, groups, reach, cells, gone, kept, state, budget):
    """Keep the next point that is not gone; strike others out in all cells that its ball meets."""
    # A cell holds members[start : start + filled]. Whoever is gone is taken out when the cell is
    # looked through again (the last one takes its place): nobody is met in vain twice.
    sides, start, filled, members = cells.sides, cells.start, cells.filled, cells.members
    spent = 0
    first, last, at = np.zeros(3, np.int64), np.zeros(3, np.int64), np.zeros(3, np.int64)
    while state[NEXT] < points.shape[0] and spent < budget:
        a = state[NEXT]
        state[NEXT] += 1
        spent += 1
        if gone[a]:
            continue
        kept[state[KEPT]] = a
        state[KEPT] += 1
        gone[a] = True
        limit = reach[a] if reach.size > 1 else reach[0]
        for axis in range(sides.size):
            # Half a cell more on either side: a quotient that was rounded loses no neighbor.
            x, side = points[a, axis] - cells.low[axis], cells.side[axis]
            low = max((x - limit) / side - 0.5, 0.0)
            high = min((x + limit) / side + 0.5, sides[axis] - 1.0)
            first[axis] = min(np.int64(np.floor(low)), sides[axis] - 1)
            last[axis] = max(np.int64(np.floor(high)), 0)
        for i in range(first[0], last[0] + 1):
            for j in range(first[1], last[1] + 1):
                for k in range(first[2], last[2] + 1):
                    at[0], at[1], at[2] = i, j, k
                    cell = 0
                    for axis in range(sides.size):
                        cell = cell * sides[axis] + at[axis]
                    m = start[cell]
                    spent += filled[cell] + 1
                    while m < start[cell] + filled[cell]:
                        b = members[m]
                        if not gone[b] and (groups.size == 0 or groups[a] == groups[b]):
                            gone[b] = _distance(points, a, b) <= limit
                        if gone[b]:
                            filled[cell] -= 1
                            members[m] = members[start[cell] + filled[cell]]
                        else:
                            m += 1


def suppress_straight(points, groups, reach):
    """Rows of `points` float64 (p, d), best first, that no kept row before them reaches.

    `groups` int64 (p,) or (0,): only points of one group see each other. `reach` float64 (1,) or
    (p,), inclusive.
    """
    count = points.shape[0]
    if count == 0:
        return np.empty(0, np.int64)
    cells = _cells(points[:, :MOST_AXES], float(np.median(reach)))
    gone, kept = np.zeros(count, np.bool_), np.empty(count, np.int64)
    lane = Lanes(count, 1, FIELDS)
    for states in lane.rounds("suppressing"):
        _strike(points, groups, reach, cells, gone, kept, states[0], PAIRS_PER_CALL)
    return kept[: lane.states[0, KEPT]].copy()


def _cells(points, reach):
    """Sort points into cells about as long as the reach, no more cells than points."""
    low = points.min(axis=0)
    extent = points.max(axis=0) - low
    most = max(1, int(len(points) ** (1 / points.shape[1])))
    side = np.maximum(np.maximum(extent / most, reach), np.finfo(float).tiny)
    sides = np.minimum(np.floor(extent / side).astype(np.int64) + 1, most)
    places = np.clip(np.floor((points - low) / side), 0, sides - 1).astype(np.int64)
    cell = np.ravel_multi_index(tuple(places.T), tuple(sides))
    filled = np.bincount(cell, minlength=int(np.prod(sides)))
    members = np.argsort(cell, kind="stable")
    return Cells(low, side, sides, np.cumsum(filled) - filled, filled, members)
