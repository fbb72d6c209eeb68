"""Greedy suppression by straight lines: the points lie in cells, and only near cells are looked at.

The cells are boxes of one side over the first three axes at most; that is enough, since no line is
shorter than its part along some of the axes. A point leaves its cell when it is kept or struck
out, so that crowded cells are paid for once.
"""

from typing import NamedTuple

import numpy as np

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import NEXT, OWN, Lanes

PAIRS_PER_CALL = 1 << 24
MOST_AXES = 3
KEPT, FIELDS = OWN, OWN + 1  # how many points are kept so far


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
