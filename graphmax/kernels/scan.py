"""One hop: look at the neighbors of a node and stop at the first challenger.

Work items are numbered c * num_nodes + v for column c and node v, so that many columns on a small
graph run as well as one column on a large one.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.chunks import in_chunks

STRICT, WEAK, INDEX = 0, 1, 2
ITEMS_PER_CALL = 1 << 22
ITEMS_PER_PART = 1 << 12


@njit(cache=True, nogil=True, inline="always")
def challenges(own, v, other, u, ties):
    """Whether node u of key `other` stands against node v of key `own` (NaN aside)."""
    if other != own:
        return other > own
    return ties == STRICT or (ties == INDEX and u < v)


@njit(cache=True, nogil=True)
def _beaten(indptr, indices, key, absent, v, ties):
    own = key[v]
    for p in range(indptr[v], indptr[v + 1]):
        u = indices[p]
        if key[u] >= own and challenges(own, v, key[u], u, ties):
            if absent.size == 0 or not absent[u]:
                return True
    return False


@njit(cache=True, nogil=True, parallel=True)
def _scan(indptr, indices, keys, absents, ties, mask, start, stop):
    num_nodes = indptr.size - 1
    parts = (stop - start + ITEMS_PER_PART - 1) // ITEMS_PER_PART
    nobody = np.zeros(0, np.bool_)
    for part in prange(parts):
        first = start + part * ITEMS_PER_PART
        last = min(first + ITEMS_PER_PART, stop)
        column = first // num_nodes
        v = first - column * num_nodes
        for _ in range(first, last):
            if v == num_nodes:
                column += 1
                v = 0
            absent = absents[column] if absents.shape[0] else nobody
            if absent.size and absent[v]:
                mask[column, v] = False
            else:
                mask[column, v] = not _beaten(indptr, indices, keys[column], absent, v, ties)
            v += 1


def scan(indptr, indices, keys, absents, ties):
    """Nodes that no neighbor challenges.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Rows of counted steps.
    keys : int64 (F, n)
        Order keys, a column each.
    absents : bool (F, n) or (0, 0)
        Nodes that take no part.
    ties : int
        STRICT, WEAK or INDEX.

    Returns
    -------
    bool (F, n)
        True where present and unchallenged at one hop.
    """
    mask = np.empty(keys.shape, np.bool_)
    in_chunks(
        "looking at neighbors", mask.size, max(ITEMS_PER_CALL, get_num_threads()),
        lambda a, b: _scan(indptr, indices, keys, absents, ties, mask, a, b),
        mask.size + indices.size,
    )  # fmt: skip
    return mask
