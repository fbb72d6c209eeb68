"""The two highest owners within k hops, in k rounds over the edges.

After round r every node knows the best node of its r-ball and the best *other* one, ties to the
lowest index. Two are enough: a ball is a union of smaller balls, and leaving out one node (the
node itself, which must not be its own rival) leaves the other.
"""

import numpy as np
from numba import njit, prange

from graphmax.kernels.chunks import in_chunks

EDGES_PER_CALL = 1 << 25
NODES_PER_PART = 1 << 10


@njit(cache=True, nogil=True, inline="always")
def _before(first_key, first, second_key, second):
    if second < 0:
        return first >= 0
    return first >= 0 and (first_key > second_key or (first_key == second_key and first < second))


@njit(cache=True, nogil=True, parallel=True)
def _round(indptr, indices, keys, owners, new_keys, new_owners, start, stop):
    parts = (stop - start + NODES_PER_PART - 1) // NODES_PER_PART
    for part in prange(parts):
        low = start + part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, stop)):
            key1, key2 = keys[v, 0], keys[v, 1]
            own1, own2 = owners[v, 0], owners[v, 1]
            for p in range(indptr[v], indptr[v + 1]):
                u = indices[p]
                for slot in range(2):
                    key, own = keys[u, slot], owners[u, slot]
                    if own < 0 or (own2 >= 0 and key < key2):
                        break
                    if own == own1 or own == own2:
                        continue
                    if _before(key, own, key1, own1):
                        key2, own2 = key1, own1
                        key1, own1 = key, own
                    elif _before(key, own, key2, own2):
                        key2, own2 = key, own
            new_keys[v, 0], new_keys[v, 1] = key1, key2
            new_owners[v, 0], new_owners[v, 1] = own1, own2


def hop_max(indptr, indices, key, absent, hops):
    """Rival of every node: the highest other node within `hops`, ties to the lowest index.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Rows of counted steps.
    key : int64 (n,)
        Order key.
    absent : bool (n,) or (0,)
        Nodes that are nobody's rival.
    hops : int
        Number of rounds.

    Yields
    ------
    int32 (n,)
        After each round the rival, -1 where the ball holds no other present node.
    """
    num_nodes = key.size
    keys = np.empty((num_nodes, 2), np.int64)
    keys[:] = key[:, None]
    owners = np.full((num_nodes, 2), -1, np.int32)
    owners[:, 0] = np.arange(num_nodes)
    if absent.size:
        owners[absent, 0] = -1
    spare = np.empty_like(keys), np.empty_like(owners)
    step = max(NODES_PER_PART, num_nodes * EDGES_PER_CALL // max(indices.size, 1))
    for _ in range(hops):
        in_chunks(
            "comparing within hops", num_nodes, step,
            lambda a, b, old=(keys, owners), new=spare: _round(indptr, indices, *old, *new, a, b),
        )  # fmt: skip
        (keys, owners), spare = spare, (keys, owners)
        yield np.where(owners[:, 0] == np.arange(num_nodes), owners[:, 1], owners[:, 0])
