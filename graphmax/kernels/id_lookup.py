"""From the ids of a table to the numbers of its rows: a table by id where they lie close together,
else a hash table with linear probing.

`slots` holds the number of a row plus one, 0 where there is none; `keys` the ids, of size 0 where
the place of a slot says the id.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel
from graphmax.kernels.prefetch import prefetch
from graphmax.kernels.progress import in_chunks

IDS_PER_CALL = 1 << 22
IDS_PER_PART = 1 << 14
IDS_AHEAD = 12
# Ids spread over up to this many times their number get a table by id.
SPARSE = 4
# 2**64 divided by the golden ratio: neighbors land far apart.
MIX = 0x9E3779B97F4A7C15
UNKNOWN = -1


@kernel(inline="always")
def _place(key, low, bits):
    """Where an id is looked for: its distance from the lowest, or the top bits of a product."""
    if bits == 0:
        return np.int64(key - low)
    return np.int64((np.uint64(key) * np.uint64(MIX)) >> np.uint64(64 - bits))


@kernel
def _insert(ids, low, bits, slots, keys, start, stop):
    """Number the ids; the position of the first repeated one, or UNKNOWN."""
    last = np.int64(slots.size - 1)
    for i in range(start, stop):
        if i + IDS_AHEAD < stop:
            ahead = _place(ids[i + IDS_AHEAD], low, bits)
            prefetch(slots, ahead)
            if keys.size:
                prefetch(keys, ahead)
        at = _place(ids[i], low, bits)
        while slots[at] and keys.size and keys[at] != ids[i]:
            at = (at + 1) & last
        if slots[at]:
            return i
        slots[at] = i + 1
        if keys.size:
            keys[at] = ids[i]
    return UNKNOWN


@kernel(parallel=True)
def _find(ids, low, bits, slots, keys, found):
    last = np.int64(slots.size - 1)
    for part in prange((ids.size + IDS_PER_PART - 1) // IDS_PER_PART):
        stop = min((part + 1) * IDS_PER_PART, ids.size)
        for i in range(part * IDS_PER_PART, stop):
            if keys.size == 0:
                if i + IDS_AHEAD < stop:
                    prefetch(slots, ids[i + IDS_AHEAD] - low)
                inside = low <= ids[i] <= low + last
                found[i] = slots[ids[i] - low] - 1 if inside else UNKNOWN
                continue
            if i + IDS_AHEAD < stop:
                ahead = _place(ids[i + IDS_AHEAD], low, bits)
                prefetch(slots, ahead)
                prefetch(keys, ahead)
            at = _place(ids[i], low, bits)
            while slots[at] and keys[at] != ids[i]:
                at = (at + 1) & last
            found[i] = slots[at] - 1


class IdLookup:
    """Numbers of rows by id, int32: `repeat` is the position of a repeated id, or UNKNOWN."""

    def __init__(self, ids):
        low, high = (int(ids.min()), int(ids.max())) if ids.size else (0, 0)
        self.low, self.bits, size = np.int64(low), 0, high - low + 1
        if size > SPARSE * ids.size:
            self.bits = max(1, (2 * ids.size - 1).bit_length())
            size = 1 << self.bits
        self.slots = np.zeros(size, np.int32)
        self.keys = np.zeros(size if self.bits else 0, np.int64)
        self.repeat = UNKNOWN
        in_chunks("numbering nodes", ids.size, IDS_PER_CALL, lambda a, b: self._take(ids, a, b))

    def _take(self, ids, start, stop):
        if self.repeat == UNKNOWN:
            self.repeat = _insert(ids, self.low, self.bits, self.slots, self.keys, start, stop)

    def find(self, ids):
        """Return the row of each id, UNKNOWN where there is none, int32."""
        found = np.empty(ids.size, np.int32)
        _find(ids, self.low, self.bits, self.slots, self.keys, found)
        return found


def lookup_bytes(num_ids):
    """Most bytes that a lookup of so many ids takes."""
    return max(4 * SPARSE * num_ids, 12 << max(1, (2 * num_ids - 1).bit_length()))
