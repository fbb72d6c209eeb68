"""Sums of rows of floats, rounded once, so that equal sums are equal in any order of the terms."""

import numpy as np

from graphmax.kernels.compiled import kernel

# A row of n finite float64 has at most 2098 / 53 < 40 partial sums that do not overlap.
MOST_PARTIALS = 64


@kernel
def row_sums(indptr, terms):
    """Sum of each row, correctly rounded, float64 (n,); not finite where it overflows.

    J. R. Shewchuk, Adaptive precision floating-point arithmetic, Discrete & Computational
    Geometry 18 (1997); the final rounding as in Python's ``math.fsum``.
    """
    # `partials` are floats that do not overlap, in increasing size, whose exact sum is that of the
    # terms so far. Adding x: x and each partial give a rounded sum, which is carried on, and its
    # error, which stays behind where it is not 0.
    num_rows = indptr.size - 1
    sums = np.zeros(num_rows)
    partials = np.empty(MOST_PARTIALS)
    for v in range(num_rows):
        size = 0
        for p in range(indptr[v], indptr[v + 1]):
            x = terms[p]
            kept = 0
            for i in range(size):
                y = partials[i]
                if abs(x) < abs(y):
                    x, y = y, x
                high = x + y
                low = y - (high - x)
                if low != 0.0:
                    partials[kept] = low
                    kept += 1
                x = high
            size = kept
            if x != 0.0:
                partials[size] = x
                size += 1
            if not np.isfinite(x):
                break
        if size and not np.isfinite(partials[size - 1]):
            total = 0.0  # infinite terms, or a sum beyond all floats
            for p in range(indptr[v], indptr[v + 1]):
                total += terms[p]
            sums[v] = total
            continue
        sums[v] = _rounded(partials, size)
    return sums


@kernel(inline="always")
def _rounded(partials, size):
    """Add partials from the largest down; half of a last place is decided by what comes after."""
    if size == 0:
        return 0.0
    size -= 1
    high, low = partials[size], 0.0
    while size > 0:
        x = high
        size -= 1
        y = partials[size]
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    if size > 0 and (low < 0.0) == (partials[size - 1] < 0.0):
        twice = low * 2.0
        x = high + twice
        if twice == x - high:
            high = x
    return high
