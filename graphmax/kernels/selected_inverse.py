"""The entries of an inverse where its Cholesky factor has entries, by Takahashi's recursion."""

import numpy as np

from graphmax.kernels.compiled import kernel


@kernel
def selected_inverse(indptr, indices, lower, pivots, inverse):
    """Write the entries of ``(L D L^T)^-1`` on the pattern of L; return whether it was closed.

    Columns of L (unit diagonal stored first, rows ascending) are taken from the last to the
    first. With S the rows of column j below its diagonal,

        Z[i, j] = - sum over k in S of L[k, j] Z[k, i]   for i in S,
        Z[j, j] = 1 / D[j] - sum over k in S of L[k, j] Z[k, j].

    Elimination of j joins all rows of S with each other, so every Z[k, i] that is asked for lies
    in a column that is already done: column min(k, i). S and that column ascend, so one walk
    along both finds all entries. False means that an entry was missing: a cancellation to exactly
    0 that the factor does not store.
    """
    work = np.zeros(indptr.size)
    for j in range(indptr.size - 2, -1, -1):
        first, stop = indptr[j], indptr[j + 1]
        count = stop - first - 1
        for b in range(count):
            work[b] = 0.0
        for a in range(count):
            k = indices[first + 1 + a]
            place, end = indptr[k], indptr[k + 1]
            for b in range(a, count):
                i = indices[first + 1 + b]
                while place < end and indices[place] < i:
                    place += 1
                if place == end or indices[place] != i:
                    return False
                work[b] += lower[first + 1 + a] * inverse[place]
                if b > a:
                    work[a] += lower[first + 1 + b] * inverse[place]
        diagonal = 1.0 / pivots[j]
        for b in range(count):
            inverse[first + 1 + b] = -work[b]
            diagonal += lower[first + 1 + b] * work[b]
        inverse[first] = diagonal
    return True
