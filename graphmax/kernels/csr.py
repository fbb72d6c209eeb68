"""Edge lists to sorted adjacency rows: one scatter into buckets, then each bucket on its own.

A bucket is a run of consecutive rows, few enough for all of them to be written to at once and
small enough for the cache. Every entry first goes to its bucket, into the place that the finished
rows will have; then each bucket is sorted by row and column, and written back without its repeats.
So the memory that the rows take is nearly all that is needed. Random writes over the whole matrix,
which make the textbook counting sort slow, never happen.

Between the two steps an entry is packed as ``row in the bucket << column_bits | column``. Where 32
bits hold that, it lies where its column will lie. Else the column lies there, and the row in the
bucket beside it, in 16 bits.

Also here: whether rows are valid and symmetric; rows reversed, united and filtered.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from graphmax.kernels.compiled import in_chunks, kernel, tell, threads

# --- Sorted adjacency rows: are they valid and symmetric; reversed, united, filtered

ENTRIES_PER_CALL = 1 << 24
ENTRIES_PER_BUCKET = 1 << 14
MOST_BUCKETS = 1 << 10
# Rows in a bucket are told apart by 16 bits.
MOST_ROW_BITS = 16
PACKED_BITS = 32
DIGIT_BITS = 11
NO_EDGE = -1


class Buckets(NamedTuple):
    """How entries are dealt: bucket b holds rows from b << row_bits on, and begins at bounds[b]."""

    bounds: np.ndarray
    row_bits: int
    column_bits: int


class Entries(NamedTuple):
    """The entries, at first dealt to buckets, at last as rows: see the top of the file.

    `row` is empty where columns and rows are packed together, `weights` where there are none.
    """

    column: np.ndarray
    row: np.ndarray
    weights: np.ndarray


class Result(NamedTuple):
    """Number of entries that stay, of each row and of each bucket."""

    row_size: np.ndarray
    kept: np.ndarray


@kernel
def _count_part(src, dst, num_nodes, mirror, row_bits, counts, low, high):
    """Count the entries of each bucket; return the first edge with an end outside, or NO_EDGE."""
    n, shift = np.uint64(num_nodes), np.uint64(row_bits)
    for e in range(low, high):
        u, v = np.uint64(src[e]), np.uint64(dst[e])  # negative ones become large
        if u >= n or v >= n:
            return e
        if u != v:
            counts[v >> shift] += 1
            if mirror:
                counts[u >> shift] += 1
    return NO_EDGE


@kernel(parallel=True)
def _count(src, dst, num_nodes, mirror, row_bits, counts, bad, start, stop):
    parts, edges = counts.shape[0], src.size
    size = (edges + parts - 1) // parts
    for part in prange(parts):
        if bad[part] == NO_EDGE:
            low, high = _piece(part, size, edges, start, stop)
            bad[part] = _count_part(src, dst, num_nodes, mirror, row_bits, counts[part], low, high)


@kernel(inline="always")
def _piece(part, size, edges, start, stop):
    """Edges of a part in this call. A part is one run of edges, so that sorted ones stay sorted."""
    end = min((part + 1) * size, edges)
    return min(part * size + start, end), min(part * size + stop, end)


@kernel(inline="always")
def _put(entries, cursor, row_bits, column_bits, row, column, weight):
    at = cursor[row >> row_bits]
    cursor[row >> row_bits] = at + 1
    local = row & ((np.uint64(1) << row_bits) - np.uint64(1))
    if entries.row.size:
        entries.row[at] = local
        entries.column[at] = column
    else:
        entries.column[at] = (local << column_bits) | column
    if entries.weights.size:
        entries.weights[at] = weight


@kernel
def _scatter_packed(src, dst, mirror, buckets, column, cursor, low, high):
    """Deal packed entries without weights, the usual ones: half the time of what handles all."""
    row_bits, column_bits = np.uint64(buckets.row_bits), np.uint64(buckets.column_bits)
    mask = (np.uint64(1) << row_bits) - np.uint64(1)
    for e in range(low, high):
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u == v:
            continue
        at = cursor[v >> row_bits]
        cursor[v >> row_bits] = at + 1
        column[at] = ((v & mask) << column_bits) | u
        if mirror:
            at = cursor[u >> row_bits]
            cursor[u >> row_bits] = at + 1
            column[at] = ((u & mask) << column_bits) | v


@kernel
def _scatter_part(src, dst, weights, mirror, buckets, entries, cursor, low, high):
    if entries.row.size == 0 and weights.size == 0:
        _scatter_packed(src, dst, mirror, buckets, entries.column, cursor, low, high)
        return
    row_bits, column_bits = np.uint64(buckets.row_bits), np.uint64(buckets.column_bits)
    weight = 0.0
    for e in range(low, high):
        u, v = np.uint64(src[e]), np.uint64(dst[e])
        if u == v:
            continue
        if weights.size:
            weight = weights[e]
        _put(entries, cursor, row_bits, column_bits, v, u, weight)
        if mirror:
            _put(entries, cursor, row_bits, column_bits, u, v, weight)


@kernel(parallel=True)
def _scatter(src, dst, weights, mirror, buckets, entries, cursor, start, stop):
    parts, edges = cursor.shape[0], src.size
    size = (edges + parts - 1) // parts
    for part in prange(parts):
        low, high = _piece(part, size, edges, start, stop)
        _scatter_part(src, dst, weights, mirror, buckets, entries, cursor[part], low, high)


@kernel
def _load(entries, column_bits, low, high, keys):
    """Packed entries of a bucket, as wide as `keys`."""
    if entries.row.size:
        for e in range(low, high):
            keys[e - low] = (np.uint64(entries.row[e]) << column_bits) | entries.column[e]
    else:
        for e in range(low, high):
            keys[e - low] = entries.column[e]


@kernel
def _is_sorted(keys):
    for e in range(1, keys.size):
        if keys[e] < keys[e - 1]:
            return False
    return True


@kernel
def _sort(keys, spare, weights, spare_weights, bits):
    """Stable radix sort, least digit first; returns keys and weights, where they ended up."""
    digits = (bits + DIGIT_BITS - 1) // DIGIT_BITS
    digit_bits = (bits + digits - 1) // digits
    mask = np.uint64((1 << digit_bits) - 1)
    place = np.empty(1 << digit_bits, np.int64)
    for digit in range(digits):
        shift = np.uint64(digit * digit_bits)
        place[:] = 0
        for e in range(keys.size):
            place[(np.uint64(keys[e]) >> shift) & mask] += 1
        total = 0
        for d in range(place.size):
            total, place[d] = total + place[d], total
        for e in range(keys.size):
            d = (np.uint64(keys[e]) >> shift) & mask
            at = place[d]
            place[d] = at + 1
            spare[at] = keys[e]
            if weights.size:
                spare_weights[at] = weights[e]
        keys, spare = spare, keys
        weights, spare_weights = spare_weights, weights
    return keys, weights


@kernel
def _sort_keys(keys, spare, bits):
    """Do the same without weights; one look at the keys counts all digits."""
    digits = (bits + DIGIT_BITS - 1) // DIGIT_BITS
    digit_bits = (bits + digits - 1) // digits
    mask, width = np.uint64((1 << digit_bits) - 1), np.uint64(digit_bits)
    places = np.zeros((digits, 1 << digit_bits), np.uint32)
    for e in range(keys.size):
        rest = np.uint64(keys[e])
        for digit in range(digits):
            places[digit, rest & mask] += np.uint32(1)
            rest >>= width
    for digit in range(digits):
        shift, place = np.uint64(digit) * width, places[digit]
        total = np.uint32(0)
        for d in range(place.size):
            total, place[d] = total + place[d], total
        for e in range(keys.size):
            key = keys[e]
            d = (np.uint64(key) >> shift) & mask
            at = place[d]
            place[d] = at + np.uint32(1)
            spare[at] = key
        keys, spare = spare, keys
    return keys


@kernel
def _write_rows(keys, weights, entries, row_size, first_row, column_bits, low):
    """Write sorted entries to where the bucket begins; of repeats the smallest weight stays."""
    mask = (np.uint64(1) << column_bits) - np.uint64(1)
    at, row, size = low, np.uint64(0), 0
    for e in range(keys.size):
        key = np.uint64(keys[e])
        if e and keys[e] == keys[e - 1]:
            if weights.size:
                entries.weights[at - 1] = min(entries.weights[at - 1], weights[e])
            continue
        if key >> column_bits != row:
            row_size[first_row + row] = size
            row, size = key >> column_bits, 0
        size += 1
        entries.column[at] = key & mask
        if weights.size:
            entries.weights[at] = weights[e]
        at += 1
    if size:
        row_size[first_row + row] = size
    return at - low


@kernel
def _sort_lane(buckets, entries, keys, result, lane, lanes, start, stop):
    """Sort every so many buckets; `keys` is an empty array of the type that holds an entry."""
    largest = 0
    for b in range(start + lane, stop, lanes):
        largest = max(largest, buckets.bounds[b + 1] - buckets.bounds[b])
    first, second = np.empty(largest, keys.dtype), np.empty(largest, keys.dtype)
    weighted = 1 if entries.weights.size else 0
    first_weights, second_weights = np.empty(largest * weighted), np.empty(largest * weighted)
    column_bits = np.uint64(buckets.column_bits)
    bits = buckets.row_bits + buckets.column_bits
    for b in range(start + lane, stop, lanes):
        low, high = buckets.bounds[b], buckets.bounds[b + 1]
        size = high - low
        own = first[:size]
        _load(entries, column_bits, low, high, own)
        weights = first_weights[: size * weighted]
        weights[:] = entries.weights[low : low + size * weighted]
        if not _is_sorted(own):
            spare, spare_weights = second[:size], second_weights[: size * weighted]
            if weighted:
                own, weights = _sort(own, spare, weights, spare_weights, bits)
            else:
                own = _sort_keys(own, spare, bits)
        first_row = np.uint64(b << buckets.row_bits)
        result.kept[b] = _write_rows(
            own, weights, entries, result.row_size, first_row, column_bits, low
        )


@kernel(parallel=True)
def _sort_buckets(buckets, entries, keys, result, lanes, start, stop):
    for lane in prange(lanes):
        _sort_lane(buckets, entries, keys, result, lane, lanes, start, stop)


def _row_bits(num_nodes, entries):
    """Bits that tell the rows of a bucket apart."""
    buckets = max(1, min(MOST_BUCKETS, entries // ENTRIES_PER_BUCKET))
    bits = 0
    while (num_nodes - 1) >> bits >= buckets:
        bits += 1
    return min(bits, MOST_ROW_BITS)


def build(src, dst, weights, num_nodes, mirror):
    """Rows of in-neighbors, sorted, without self-loops and repeats.

    Parameters
    ----------
    src, dst : int (e,)
        The ends of each entry, of one integer dtype.
    weights : float64 (e,) or (0,)
        Weights; of several of one edge the smallest is kept.
    num_nodes : int
        Number of nodes.
    mirror : bool
        Whether each entry also stands for its reverse.

    Returns
    -------
    tuple
        ``indptr, indices, weights, entries_without_loops`` or the position of a bad entry.
    """
    largest = max(num_nodes, 1)
    row_bits = _row_bits(largest, src.size * (2 if mirror else 1))
    counts = np.zeros((threads(), ((largest - 1) >> row_bits) + 1), np.int64)
    bad = np.full(len(counts), NO_EDGE)
    # Each call works on a piece of every part.
    part_size, step = -(-src.size // len(counts)), max(1, ENTRIES_PER_CALL // len(counts))

    def count(start, stop):
        _count(src, dst, num_nodes, mirror, row_bits, counts, bad, start, stop)

    in_chunks("counting edges", part_size, step, count)
    if (bad != NO_EDGE).any():
        return int(bad[bad != NO_EDGE].min())
    bounds = np.zeros(counts.shape[1] + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=bounds[1:])
    cursor = np.ascontiguousarray(bounds[:-1] + np.cumsum(counts, axis=0) - counts)
    buckets = Buckets(bounds, row_bits, max(1, (largest - 1).bit_length()))
    total = int(bounds[-1])
    is_packed = buckets.row_bits + buckets.column_bits <= PACKED_BITS
    rows = np.empty(0 if is_packed else total, np.uint16)
    entries = Entries(np.empty(total, np.uint32), rows, np.empty(total if weights.size else 0))

    def scatter(start, stop):
        _scatter(src, dst, weights, mirror, buckets, entries, cursor, start, stop)

    in_chunks("sorting edges", part_size, step, scatter)
    keys = np.empty(0, np.uint32 if is_packed else np.uint64)
    return (*_finished_rows(buckets, entries, keys, num_nodes), total)


def _finished_rows(buckets, entries, keys, num_nodes):
    """Sort the buckets, close the gaps that repeats left between them, and point to the rows."""
    count = buckets.bounds.size - 1 if num_nodes else 0
    indptr = np.zeros(num_nodes + 1, np.int64)
    result = Result(indptr[1:], np.zeros(count, np.int64))
    step = max(threads(), count * ENTRIES_PER_CALL // max(entries.column.size, 1))

    def sort(start, stop):
        _sort_buckets(buckets, entries, keys, result, threads(), start, stop)

    in_chunks("building rows", count, step, sort)
    total = 0
    for low, kept in zip(buckets.bounds.tolist(), result.kept.tolist(), strict=False):
        if total < low:
            for array in (entries.column, entries.weights):
                array[total : total + kept] = array[low : low + kept]
        total += kept
    np.cumsum(indptr, out=indptr)
    weights = _cut(entries.weights, total) if entries.weights.size else entries.weights
    return indptr, _cut(entries.column.view(np.int32), total), weights


def _cut(array, size):
    """The front of an array, as a copy where that gives back memory worth the while."""
    return array[:size] if size * 8 >= array.size * 7 else array[:size].copy()


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
