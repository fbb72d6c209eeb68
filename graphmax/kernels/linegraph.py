"""The line graph: its nodes are the edges of a graph, joined where they share an end."""

import numpy as np

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks

ENTRIES_PER_CALL = 1 << 24


@kernel
def incident_edges(src, dst, num_nodes):
    """Rows that list, ascending, the edges at each node."""
    indptr = np.zeros(num_nodes + 1, np.int64)
    for e in range(src.size):
        indptr[src[e] + 1] += 1
        indptr[dst[e] + 1] += 1
    for v in range(num_nodes):
        indptr[v + 1] += indptr[v]
    cursor, incident = indptr[:-1].copy(), np.empty(2 * src.size, np.int32)
    for e in range(src.size):
        for v in (src[e], dst[e]):
            incident[cursor[v]] = e
            cursor[v] += 1
    return indptr, incident


@kernel
def _merge_rows(src, dst, indptr, incident, start, stop, ends, indices):
    """Merge the sorted edges of both ends of each edge, itself left out, each once."""
    at = ends[start]
    for e in range(start, stop):
        p, p_end = indptr[src[e]], indptr[src[e] + 1]
        q, q_end = indptr[dst[e]], indptr[dst[e] + 1]
        while p < p_end or q < q_end:
            if q == q_end or (p < p_end and incident[p] <= incident[q]):
                f = incident[p]
                q += q < q_end and incident[q] == f
                p += 1
            else:
                f = incident[q]
                q += 1
            if f != e:
                indices[at] = f
                at += 1
        ends[e + 1] = at


def line_rows(src, dst, indptr, incident, entries):
    """Sorted rows of the line graph; `entries` is an upper bound of their number."""
    ends, indices = np.zeros(src.size + 1, np.int64), np.empty(entries, np.int32)
    step = max(1024, src.size * ENTRIES_PER_CALL // max(entries, 1))

    def merge(start, stop):
        _merge_rows(src, dst, indptr, incident, start, stop, ends, indices)

    in_chunks("joining edges at their ends", src.size, step, merge)
    return ends, indices[: ends[-1]].copy()
