"""A binary heap of nodes, the one of smallest length on top, for Dijkstra's algorithm.

``heap[:size]`` holds the nodes, ``length`` of a node is what they are ordered by, and ``place`` of
a node its position in the heap, so that a length can fall while the node waits.
"""

from graphmax.kernels.compiled import kernel


@kernel(inline="always")
def sift_up(heap, place, length, at):
    """Move the node at a position up until the one above it is no longer."""
    node = heap[at]
    while at > 0:
        above = (at - 1) >> 1
        if length[heap[above]] <= length[node]:
            break
        heap[at] = heap[above]
        place[heap[at]] = at
        at = above
    heap[at] = node
    place[node] = at


@kernel(inline="always")
def sift_down(heap, place, length, size):
    """Move the node on top down until those below it are no shorter."""
    node = heap[0]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and length[heap[below + 1]] < length[heap[below]]:
            below += 1
        if length[heap[below]] >= length[node]:
            break
        heap[at] = heap[below]
        place[heap[at]] = at
        at = below
    heap[at] = node
    place[node] = at
