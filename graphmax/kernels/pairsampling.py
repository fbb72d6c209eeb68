"""Random pairs of nodes by skipping: from one drawn pair straight to the next."""

from graphmax.kernels.compiled import kernel

TRIANGLE, RECTANGLE = 0, 1


@kernel
def walk(gaps, state, rows, cols, shape, src, dst):
    """Turn gaps between drawn pairs into pairs.

    Parameters
    ----------
    gaps : int64 (g,)
        How many pairs to go on, at least 1 each.
    state : int64 (2,)
        Row and column of the last pair; changed.
    rows, cols : int
        Size of the table of pairs.
    shape : int
        TRIANGLE: only columns beyond the row. RECTANGLE: all.
    src, dst : int32 (g,)
        The pairs.

    Returns
    -------
    int
        How many pairs were drawn before the table ended.
    """
    row, col = state[0], state[1]
    for i in range(gaps.size):
        # a gap may be longer than the table has pairs: compare before adding
        left = gaps[i]
        while left >= cols - col:
            left -= cols - col
            row += 1
            col = row + 1 if shape == TRIANGLE else 0
            if row >= rows:
                return i
        col += left
        src[i], dst[i] = row, col
    state[0], state[1] = row, col
    return gaps.size
