"""Compare two nodes: the one test of whether node u stands against node v.

Every loop that compares two nodes inlines `challenges`; what it does with the answer is its own
affair. A rule of ties is known here by its code alone; `graphmax.ties` holds the rest.

Order keys of floats are made from the bits alone. Integers stand in the order of the floats. Ids
are looked up in a table by id where they lie close together, else in a hash table with linear
probing: `slots` holds the number of a row plus one, 0 where there is none; `keys` the ids, of size
0 where the place of a slot says the id.
"""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import in_chunks, kernel, prefetch

# EVERYONE is no rule of ties: with it every other node stands against v (who is its rival?).
STRICT, WEAK, INDEX, EVERYONE = 0, 1, 2, 3


@kernel(inline="always")
def challenges(own, v, other, u, ties):
    """Whether node u of key `other` stands against node v of key `own` (u is not v, NaN aside)."""
    if other != own:
        return other > own
    return ties == STRICT or (ties == INDEX and u < v)


# --- Order keys of floats, made from the bits alone; and from the ids of a table to its rows

ENTRIES_PER_PART = 1 << 14
LOW_BITS = np.int64(0x7FFF_FFFF_FFFF_FFFF)
PLUS_INFINITY = np.int64(0x7FF0_0000_0000_0000)
MINUS_INFINITY = PLUS_INFINITY ^ np.int64(-1)
# Of a float32: its parts, how far a part moves into a float64, and the unit of the smallest ones.
SIGN, EXPONENT, FRACTION = np.int64(0x8000_0000), np.int64(0x7F80_0000), np.int64(0x007F_FFFF)
WIDER_FRACTION, WIDER_BIAS, ALL_ONES = np.int64(29), np.int64(1023 - 127), np.int64(0x7FF)
FRACTION_BITS, WIDE_FRACTION_BITS = np.int64(23), np.int64(52)
SMALLEST_EXPONENT = np.int64(1023 - 149)


@kernel(inline="always")
def _ordered(bits):
    """The key of a float64 given by its bits: order kept, -0.0 as 0.0."""
    key = bits ^ ((bits >> 63) & LOW_BITS)
    return key + np.int64(key == -1)


@kernel(inline="always")
def _normal_widened(bits, exponent, fraction):
    """The same for zeros, normal numbers, infinities and NaN, without a branch."""
    wide = (exponent >> FRACTION_BITS) + WIDER_BIAS * np.int64(exponent != 0)
    wide |= ALL_ONES * np.int64(exponent == EXPONENT)
    return ((bits & SIGN) << 32) | (wide << WIDE_FRACTION_BITS) | (fraction << WIDER_FRACTION)


@kernel(inline="always")
def _widened(bits):
    """The bits of a float32 as those of the equal float64; no float is touched on the way."""
    sign = (bits & SIGN) << 32
    exponent, fraction = (bits & EXPONENT) >> FRACTION_BITS, bits & FRACTION
    if exponent == 255:
        exponent = ALL_ONES
    elif exponent:
        exponent += WIDER_BIAS
    elif fraction:
        # Subnormal: its highest bit becomes the hidden one.
        exponent = SMALLEST_EXPONENT + FRACTION_BITS
        while not fraction >> FRACTION_BITS:
            fraction <<= 1
            exponent -= 1
        fraction &= FRACTION
    return sign | (exponent << WIDE_FRACTION_BITS) | (fraction << WIDER_FRACTION)


@kernel
def _double_part(bits, key):
    """Write the keys of a part, which is a slice: its loop is made of vector instructions."""
    strange = False
    for i in range(bits.size):
        each = _ordered(bits[i])
        key[i] = each
        strange |= (each > PLUS_INFINITY) | (each < MINUS_INFINITY)
    return strange


@kernel
def _single_part(bits, key):
    """Do the same for float32; again, one by one, where a subnormal is among them."""
    subnormal = strange = False
    for i in range(bits.size):
        narrow = np.int64(bits[i]) & np.int64(0xFFFF_FFFF)
        exponent, fraction = narrow & EXPONENT, narrow & FRACTION
        subnormal |= (exponent == 0) & (fraction != 0)
        each = _ordered(_normal_widened(narrow, exponent, fraction))
        key[i] = each
        strange |= (each > PLUS_INFINITY) | (each < MINUS_INFINITY)
    if subnormal:
        for i in range(bits.size):
            key[i] = _ordered(_widened(np.int64(bits[i]) & np.int64(0xFFFF_FFFF)))
    return strange


@kernel(parallel=True)
def double_keys(bits, key):
    """Write the key of each float64, given as int64; return whether one is NaN."""
    parts = (bits.size + ENTRIES_PER_PART - 1) // ENTRIES_PER_PART
    strange = 0
    for part in prange(parts):
        low = part * ENTRIES_PER_PART
        high = min(low + ENTRIES_PER_PART, bits.size)
        strange += np.int64(_double_part(bits[low:high], key[low:high]))
    return strange > 0


@kernel(parallel=True)
def single_keys(bits, key):
    """Write the key of each float32, given as int32; return whether one is NaN."""
    parts = (bits.size + ENTRIES_PER_PART - 1) // ENTRIES_PER_PART
    strange = 0
    for part in prange(parts):
        low = part * ENTRIES_PER_PART
        high = min(low + ENTRIES_PER_PART, bits.size)
        strange += np.int64(_single_part(bits[low:high], key[low:high]))
    return strange > 0


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
