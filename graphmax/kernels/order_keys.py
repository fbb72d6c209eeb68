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
