"""Order keys of floats: integers that stand in the same order, made from the bits alone."""

import numpy as np
from numba import prange

from graphmax.kernels.compiled import kernel

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


@kernel(parallel=True)
def double_keys(bits, key):
    """Write the key of each float64, given as int64; return whether one is NaN."""
    parts = (bits.size + ENTRIES_PER_PART - 1) // ENTRIES_PER_PART
    strange = 0
    for part in prange(parts):
        found = 0
        for i in range(part * ENTRIES_PER_PART, min((part + 1) * ENTRIES_PER_PART, bits.size)):
            each = _ordered(bits[i])
            key[i] = each
            found |= np.int64(each > PLUS_INFINITY) | np.int64(each < MINUS_INFINITY)
        strange += found
    return strange > 0


@kernel(parallel=True)
def single_keys(bits, key):
    """Write the key of each float32, given as int32; return whether one is NaN."""
    parts = (bits.size + ENTRIES_PER_PART - 1) // ENTRIES_PER_PART
    strange = 0
    for part in prange(parts):
        found = 0
        for i in range(part * ENTRIES_PER_PART, min((part + 1) * ENTRIES_PER_PART, bits.size)):
            each = _ordered(_widened(np.int64(bits[i]) & np.int64(0xFFFF_FFFF)))
            key[i] = each
            found |= np.int64(each > PLUS_INFINITY) | np.int64(each < MINUS_INFINITY)
        strange += found
    return strange > 0
