"""Sorted adjacency rows: are they valid and symmetric; reversed, united, filtered."""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks, tell, threads

ENTRIES_PER_CALL = 1 << 24
ROWS_PER_PART = 1 << 10
# Entries of a lane until the first differences are looked at: where there are any, they are many.
FIRST_LOOK = 1 << 14
NO_ABSENT, NO_GROUPS = np.zeros(0, np.bool_), np.zeros(0, np.int64)
# State of a lane that looks for reverses: its next row, where its rows end, whether its cursors are
# set, and whether a reverse was missing.
NEXT, LAST, READY, MISSING, FIELDS = range(5)


@kernel
def _first_from(indices, low, high, v):
    """Position of the first entry from v on in a sorted row."""
    while low < high:
        middle = (low + high) >> 1
        if indices[middle] < v:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _reverse_lane(indptr, indices, weights, cursor, state, budget):
    """Look for the reverse of each entry above the diagonal, row by row.

    Rows come in order, so the reverses that a row u should have are met in its own order: a cursor
    a row says how many were. It starts at the first row of this lane.
    """
    if not state[READY]:
        first = state[NEXT]
        for u in range(first, cursor.size):
            low, high = indptr[u], indptr[u + 1]
            cursor[u] = _first_from(indices, low, high, first) - low if first else 0
        state[READY] = 1
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        v = state[NEXT]
        low, high = indptr[v], indptr[v + 1]
        spent += high - low + 1
        for p in range(_first_from(indices, low, high, v), high):
            u = indices[p]
            q = indptr[u] + cursor[u]
            if q >= indptr[u + 1] or indices[q] != v:
                state[MISSING] = 1
                return
            if weights.size and weights[q] != weights[p]:
                state[MISSING] = 1
                return
            cursor[u] += 1
        state[NEXT] = v + 1


@kernel(parallel=True)
def _look_for_reverses(indptr, indices, weights, cursors, states, budget):
    for lane in prange(states.shape[0]):
        _reverse_lane(indptr, indices, weights, cursors[lane], states[lane], budget)


@kernel(parallel=True)
def _entries_above(indptr, indices, above, start, stop):
    """Number of entries above the diagonal, of each part of the rows."""
    for part in prange(start, stop):
        count = 0
        for v in range(part * ROWS_PER_PART, min((part + 1) * ROWS_PER_PART, indptr.size - 1)):
            count += indptr[v + 1] - _first_from(indices, indptr[v], indptr[v + 1], v)
        above[part] = count


def is_symmetric(indptr, indices, weights):
    """Whether every entry has its reverse, with equal weight; rows must be sorted, without loops.

    If every entry above the diagonal has one and there are as many below, all have.
    """
    num_nodes = indptr.size - 1
    if indices.size % 2:
        return False
    parts = -(-num_nodes // ROWS_PER_PART)
    above = np.zeros(parts, np.int64)

    def count(start, stop):
        _entries_above(indptr, indices, above, start, stop)

    in_chunks("looking for reverse edges", parts, max(1, parts), count)
    if 2 * above.sum() != indices.size:
        return False
    # Lanes with as many entries above the diagonal each.
    lanes = max(1, min(threads(), num_nodes))
    shares = np.arange(1, lanes) * (above.sum() / lanes)
    middles = np.minimum(np.searchsorted(np.cumsum(above), shares) * ROWS_PER_PART, num_nodes)
    bounds = np.concatenate([[0], middles, [num_nodes]])
    states = np.zeros((lanes, FIELDS), np.int64)
    states[:, NEXT], states[:, LAST] = bounds[:-1], bounds[1:]
    cursors = np.empty((lanes, num_nodes), np.int32)
    budget = FIRST_LOOK
    while (left := int((states[:, LAST] - states[:, NEXT]).sum())) > 0:
        _look_for_reverses(indptr, indices, weights, cursors, states, budget)
        if states[:, MISSING].any():
            return False
        budget = ENTRIES_PER_CALL
        tell("looking for reverse edges", num_nodes - left, num_nodes)
    return True


@kernel
def _columns_of(indptr, indices, count, low, high):
    for p in range(indptr[low], indptr[high]):
        count[indices[p]] += 1


@kernel(parallel=True)
def _count_columns(indptr, indices, counts, bounds):
    for lane in prange(counts.shape[0]):
        _columns_of(indptr, indices, counts[lane], bounds[lane], bounds[lane + 1])


@kernel
def _transpose_rows(indptr, indices, weights, cursor, out, out_weights, low, high):
    for v in range(low, high):
        for p in range(indptr[v], indptr[v + 1]):
            q = cursor[indices[p]]
            cursor[indices[p]] = q + 1
            out[q] = v
            if weights.size:
                out_weights[q] = weights[p]


@kernel(parallel=True)
def _transpose(indptr, indices, weights, cursors, out, out_weights, bounds, start, stop):
    for lane in prange(cursors.shape[0]):
        low = min(bounds[lane] + start, bounds[lane + 1])
        high = min(bounds[lane] + stop, bounds[lane + 1])
        _transpose_rows(indptr, indices, weights, cursors[lane], out, out_weights, low, high)


def transpose(indptr, indices, weights):
    """Rows of the reversed graph, sorted.

    Each lane has a run of rows, and for every column a cursor into the finished row, behind the
    entries of the lanes before it.
    """
    num_nodes = indptr.size - 1
    lanes = max(1, min(threads(), num_nodes))
    shares = np.arange(1, lanes) * (indices.size / lanes)
    bounds = np.concatenate([[0], np.searchsorted(indptr, shares), [num_nodes]])
    bounds = np.minimum(bounds, num_nodes)
    counts = np.zeros((lanes, num_nodes), np.int64)
    _count_columns(indptr, indices, counts, bounds)
    out_indptr = np.zeros(num_nodes + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=out_indptr[1:])
    cursors = out_indptr[:-1] + np.cumsum(counts, axis=0) - counts
    out, out_weights = np.empty_like(indices), np.empty_like(weights)
    longest = int(np.diff(bounds).max(initial=0))
    step = max(1, longest * ENTRIES_PER_CALL // max(indices.size, 1))

    def reverse(start, stop):
        _transpose(indptr, indices, weights, cursors, out, out_weights, bounds, start, stop)

    in_chunks("reversing edges", longest, step, reverse)
    return out_indptr, out, out_weights


@kernel(inline="always")
def _stays(v, u, absent, groups):
    if absent.size and absent[u]:
        return False
    return groups.size == 0 or groups[u] == groups[v]


@kernel
def _size_rows(indptr, indices, absent, groups, size, low, high):
    for v in range(low, high):
        count = 0
        if absent.size == 0 or not absent[v]:
            for p in range(indptr[v], indptr[v + 1]):
                count += _stays(v, indices[p], absent, groups)
        size[v] = count


@kernel
def _copy_rows(rows, absent, groups, out_indptr, out, out_weights, low, high):
    indptr, indices, weights = rows
    for v in range(low, high):
        at = out_indptr[v]
        if at == out_indptr[v + 1]:
            continue
        for p in range(indptr[v], indptr[v + 1]):
            if _stays(v, indices[p], absent, groups):
                out[at] = indices[p]
                if weights.size:
                    out_weights[at] = weights[p]
                at += 1


@kernel(parallel=True)
def _sizes(indptr, indices, absent, groups, size, start, stop):
    for part in prange((stop - start + ROWS_PER_PART - 1) // ROWS_PER_PART):
        low = start + part * ROWS_PER_PART
        high = min(low + ROWS_PER_PART, stop)
        _size_rows(indptr, indices, absent, groups, size, low, high)


@kernel(parallel=True)
def _copies(rows, absent, groups, out_indptr, out, out_weights, start, stop):
    for part in prange((stop - start + ROWS_PER_PART - 1) // ROWS_PER_PART):
        low = start + part * ROWS_PER_PART
        high = min(low + ROWS_PER_PART, stop)
        _copy_rows(rows, absent, groups, out_indptr, out, out_weights, low, high)


def filtered(indptr, indices, weights, *, absent=NO_ABSENT, groups=NO_GROUPS):
    """Rows without the entries that touch an absent node or join nodes of different groups.

    ``absent`` is bool (n,) or (0,) for none, ``groups`` int64 (n,) or (0,) for one group.
    """
    num_nodes = indptr.size - 1
    step = max(ROWS_PER_PART, num_nodes * ENTRIES_PER_CALL // max(indices.size, 1))
    size = np.zeros(num_nodes, np.int64)

    def measure(start, stop):
        _sizes(indptr, indices, absent, groups, size, start, stop)

    in_chunks("leaving out edges", num_nodes, step, measure)
    out_indptr = np.zeros(num_nodes + 1, np.int64)
    np.cumsum(size, out=out_indptr[1:])
    out = np.empty(out_indptr[-1], np.int32)
    out_weights = np.empty(out.size if weights.size else 0)
    rows = (indptr, indices, weights)

    def copy(start, stop):
        _copies(rows, absent, groups, out_indptr, out, out_weights, start, stop)

    in_chunks("leaving out edges", num_nodes, step, copy)
    return out_indptr, out, out_weights


@kernel
def union(indptr, indices, weights, other_indptr, other_indices, other_weights):
    """Rows that hold the entries of both, the smaller weight where both have one."""
    num_nodes = indptr.size - 1
    out_indptr = np.zeros(num_nodes + 1, np.int64)
    out = np.empty(indices.size + other_indices.size, np.int32)
    out_weights = np.empty(out.size if weights.size else 0)
    at = 0
    for v in range(num_nodes):
        p, q = indptr[v], other_indptr[v]
        while p < indptr[v + 1] or q < other_indptr[v + 1]:
            left = indices[p] if p < indptr[v + 1] else num_nodes
            right = other_indices[q] if q < other_indptr[v + 1] else num_nodes
            out[at] = min(left, right)
            if weights.size:
                weight = np.inf
                if left <= right:
                    weight = weights[p]
                if right <= left:
                    weight = min(weight, other_weights[q])
                out_weights[at] = weight
            p += left <= right
            q += right <= left
            at += 1
        out_indptr[v + 1] = at
    return out_indptr, out[:at].copy(), out_weights[: at if weights.size else 0].copy()


@kernel
def first_flaw(indptr, indices):
    """Return ``(row, kind)`` of the first row that is not valid; kind 0 means none.

    Kinds: 1 the pointers go back, 2 an index is out of range, 3 a row is unsorted or repeats a
    neighbor, 4 a self-loop.
    """
    num_nodes = indptr.size - 1
    for v in range(num_nodes):
        if indptr[v + 1] < indptr[v] or indptr[v + 1] > indices.size:
            return v, 1
        for p in range(indptr[v], indptr[v + 1]):
            if indices[p] < 0 or indices[p] >= num_nodes:
                return v, 2
            if p > indptr[v] and indices[p] <= indices[p - 1]:
                return v, 3
            if indices[p] == v:
                return v, 4
    return -1, 0
