"""Edge lists to sorted adjacency rows: a two-level counting sort.

First every entry goes to a bucket of consecutive rows (streams of sequential writes), then each
bucket, small enough for the cache, is sorted by row and column on its own. Random writes over the
whole matrix, which make the textbook counting sort slow, never happen.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks, threads

ENTRIES_PER_CALL = 1 << 24
ENTRIES_PER_BUCKET = 1 << 14
MOST_BUCKETS = 1 << 11
DIGIT_BITS = 11


class Buckets(NamedTuple):
    """Entries packed as row << 32 | column; those of bucket b start at bounds[b]."""

    packed: np.ndarray
    weights: np.ndarray
    bounds: np.ndarray
    shift: int
    digit_bits: int
    digits: int


class Rows(NamedTuple):
    """Where rows are written to, those of a bucket from its bound on: `kept` entries of it."""

    indices: np.ndarray
    weights: np.ndarray
    row_size: np.ndarray
    kept: np.ndarray


@kernel(parallel=True)
def _count(src, dst, num_nodes, mirror, shift, start, stop, counts, bad):
    parts = counts.shape[0]
    size = (stop - start + parts - 1) // parts
    for part in prange(parts):
        first = start + part * size
        for e in range(first, min(first + size, stop)):
            u, v = src[e], dst[e]
            if u < 0 or u >= num_nodes or v < 0 or v >= num_nodes:
                bad[part] = min(bad[part], e)
            elif u != v:
                counts[part, v >> shift] += 1
                if mirror:
                    counts[part, u >> shift] += 1


@kernel(parallel=True)
def _scatter(src, dst, weights, mirror, shift, start, stop, cursor, packed, packed_weights):
    parts = cursor.shape[0]
    weighted = weights.size > 0
    size = (stop - start + parts - 1) // parts
    for part in prange(parts):
        first = start + part * size
        for e in range(first, min(first + size, stop)):
            u, v = np.int64(src[e]), np.int64(dst[e])
            if u == v:
                continue
            at = cursor[part, v >> shift]
            cursor[part, v >> shift] = at + 1
            packed[at] = (v << 32) | u
            if weighted:
                packed_weights[at] = weights[e]
            if mirror:
                at = cursor[part, u >> shift]
                cursor[part, u >> shift] = at + 1
                packed[at] = (u << 32) | v
                if weighted:
                    packed_weights[at] = weights[e]


@kernel
def _sort_by_column(keys, weights, spare, spare_weights, digit_bits, digits):
    """Stable radix sort of a bucket by column; the sorted entries end up in `keys`."""
    mask = (1 << digit_bits) - 1
    for digit in range(digits):
        shift = digit * digit_bits
        place = np.zeros((1 << digit_bits) + 1, np.int64)
        for e in range(keys.size):
            place[((keys[e] >> shift) & mask) + 1] += 1
        for d in range(1 << digit_bits):
            place[d + 1] += place[d]
        for e in range(keys.size):
            d = (keys[e] >> shift) & mask
            spare[place[d]] = keys[e]
            if weights.size:
                spare_weights[place[d]] = weights[e]
            place[d] += 1
        keys, spare = spare, keys
        weights, spare_weights = spare_weights, weights
    return keys, weights


@kernel
def _write_rows(keys, weights, first_row, rows, low, out):
    """Deal column-sorted entries to their rows; of repeats the smallest weight stays."""
    indices, out_weights, row_size = out.indices, out.weights, out.row_size
    place = np.zeros(rows + 1, np.int64)
    for e in range(keys.size):
        place[(keys[e] >> 32) - first_row + 1] += 1
    place[0] = low
    for r in range(rows):
        place[r + 1] += place[r]
    end = place[:rows].copy()
    repeats = 0
    for e in range(keys.size):
        r = (keys[e] >> 32) - first_row
        at = end[r]
        u = np.int32(keys[e] & 0x7FFFFFFF)
        if at > place[r] and indices[at - 1] == u:
            repeats += 1
            if weights.size:
                out_weights[at - 1] = min(out_weights[at - 1], weights[e])
            continue
        indices[at] = u
        if weights.size:
            out_weights[at] = weights[e]
        end[r] = at + 1
    at = low
    for r in range(rows):
        size = end[r] - place[r]
        row_size[first_row + r] = size
        if repeats:
            for i in range(size):
                indices[at + i] = indices[place[r] + i]
            if weights.size:
                for i in range(size):
                    out_weights[at + i] = out_weights[place[r] + i]
        at += size
    return keys.size - repeats


@kernel
def _fill_bucket(buckets, out, num_nodes, b):
    weighted = buckets.weights.size > 0
    low, high = buckets.bounds[b], buckets.bounds[b + 1]
    first_row = b << buckets.shift
    rows = min(1 << buckets.shift, num_nodes - first_row)
    keys = buckets.packed[low:high]
    weights = buckets.weights[low:high] if weighted else buckets.weights
    spare, spare_weights = np.empty_like(keys), np.empty_like(weights)
    digit_bits, digits = buckets.digit_bits, buckets.digits
    keys, weights = _sort_by_column(keys, weights, spare, spare_weights, digit_bits, digits)
    out.kept[b] = _write_rows(keys, weights, first_row, rows, low, out)


@kernel(parallel=True)
def _fill(buckets, out, num_nodes, start, stop):
    for b in prange(start, stop):
        _fill_bucket(buckets, out, num_nodes, b)


@kernel
def _close_gaps(indices, weights, bounds, kept):
    out = kept[0] if kept.size else 0
    for b in range(1, kept.size):
        low = bounds[b]
        if out != low:
            for i in range(kept[b]):
                indices[out + i] = indices[low + i]
            if weights.size:
                for i in range(kept[b]):
                    weights[out + i] = weights[low + i]
        out += kept[b]
    return out


def _bucket_shift(num_nodes, num_entries):
    buckets = max(1, min(MOST_BUCKETS, num_entries // ENTRIES_PER_BUCKET))
    shift = 0
    while (max(num_nodes, 1) - 1) >> shift >= buckets:
        shift += 1
    return shift


def first_bad_entry(bad):
    """Return the position of the first entry with an end outside the graph, or -1."""
    worst = int(bad.min()) if bad.size else -1
    return -1 if worst == np.iinfo(np.int64).max else worst


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
    parts = threads()
    shift = _bucket_shift(num_nodes, src.size * (2 if mirror else 1))
    buckets = ((max(num_nodes, 1) - 1) >> shift) + 1
    counts = np.zeros((parts, buckets), np.int64)
    bad = np.full(parts, np.iinfo(np.int64).max)

    def count(start, stop):
        _count(src, dst, num_nodes, mirror, shift, start, stop, counts, bad)

    in_chunks("counting edges", src.size, ENTRIES_PER_CALL, count)
    if first_bad_entry(bad) >= 0:
        return first_bad_entry(bad)
    bounds = np.zeros(buckets + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=bounds[1:])
    cursor = np.ascontiguousarray(bounds[:-1] + np.cumsum(counts, axis=0) - counts)
    entries = int(bounds[-1])
    packed = np.empty(entries, np.int64)
    packed_weights = np.empty(entries if weights.size else 0)

    def scatter(start, stop):
        _scatter(src, dst, weights, mirror, shift, start, stop, cursor, packed, packed_weights)

    in_chunks("sorting edges", src.size, ENTRIES_PER_CALL, scatter)
    return (*_rows(packed, packed_weights, bounds, shift, num_nodes), entries)


def _rows(packed, packed_weights, bounds, shift, num_nodes):
    indices = np.empty(packed.size, np.int32)
    weights = np.empty(packed_weights.size)
    row_size = np.zeros(num_nodes, np.int64)
    kept = np.zeros(bounds.size - 1, np.int64)
    bits = max(1, (num_nodes - 1).bit_length())
    digits = -(-bits // DIGIT_BITS)
    step = max(threads(), kept.size * ENTRIES_PER_CALL // max(packed.size, 1))
    digit_bits = -(-bits // digits)
    buckets = Buckets(packed, packed_weights, bounds, shift, digit_bits, digits)
    rows = Rows(indices, weights, row_size, kept)

    def fill(start, stop):
        _fill(buckets, rows, num_nodes, start, stop)

    in_chunks("building rows", kept.size if num_nodes else 0, step, fill)
    total = _close_gaps(indices, weights, bounds, kept)
    indptr = np.zeros(num_nodes + 1, np.int64)
    np.cumsum(row_size, out=indptr[1:])
    return indptr, _shrunk(indices, total), _shrunk(weights, total if weights.size else 0)


def _shrunk(array, size):
    return array[:size] if size * 8 >= array.size * 7 else array[:size].copy()


@kernel
def is_symmetric(indptr, indices, weights):
    """Whether every entry has its reverse, with equal weight; rows must be sorted."""
    cursor = indptr[:-1].copy()
    for v in range(indptr.size - 1):
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            q = cursor[u]
            if q >= indptr[u + 1] or indices[q] != v:
                return False
            if weights.size and weights[q] != weights[p]:
                return False
            cursor[u] = q + 1
    return True


@kernel
def _transpose(indptr, indices, weights, cursor, out, out_weights, start, stop):
    for v in range(start, stop):
        for p in range(indptr[v], indptr[v + 1]):
            q = cursor[indices[p]]
            cursor[indices[p]] = q + 1
            out[q] = v
            if weights.size:
                out_weights[q] = weights[p]


def transpose(indptr, indices, weights):
    """Rows of the reversed graph, sorted."""
    num_nodes = indptr.size - 1
    out_indptr = np.zeros(num_nodes + 1, np.int64)
    np.cumsum(np.bincount(indices, minlength=num_nodes), out=out_indptr[1:])
    cursor = out_indptr[:-1].copy()
    out, out_weights = np.empty_like(indices), np.empty_like(weights)
    step = max(1, num_nodes * ENTRIES_PER_CALL // max(indices.size, 1))

    def reverse(start, stop):
        _transpose(indptr, indices, weights, cursor, out, out_weights, start, stop)

    in_chunks("reversing edges", num_nodes, step, reverse)
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
