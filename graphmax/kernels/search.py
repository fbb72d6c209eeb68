"""Bounded search: from each node outwards until the first challenger, in hops or in weights.

Searches are dealt to lanes, one a thread. A lane works until its budget of edges is spent, keeps
its whole state in arrays and goes on in the next call: so Ctrl-C is answered in the middle of a
search through a billion edges. A search ends with the level (the distance) of its first
challenger, of which the highest, then the lowest index, is the witness.

At one hop the neighbors are looked at, up to the first challenger; and plateaus. Work items are
numbered c * num_nodes + v for column c and node v, so that many columns on a small graph run as
well as one column on a large one. What one node of a plateau learns, all nodes that can reach it
over equal steps learn.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from graphmax.kernels.ball import sift_down, sift_up
from graphmax.kernels.compare import EVERYONE, challenges
from graphmax.kernels.compiled import (
    ACTIVE,
    LAST,
    NEXT,
    OWN,
    SPENT,
    Lanes,
    in_chunks,
    kernel,
    prefetch,
)

ITEMS_PER_CALL = 1 << 22
ITEMS_PER_PART = 1 << 12
# Rows and the values of their first neighbors are fetched this many nodes ahead: half of all nodes
# are beaten by the first neighbor, two thirds by the first two.
ROWS_AHEAD, VALUES_AHEAD, VALUES_FETCHED = 32, 16, 2


@kernel
def _scan_nodes(indptr, indices, key, absent, ties, mask, low, high):
    # One piece, not a function a node: calls cost a third of the time.
    everyone = absent.size == 0
    num_nodes = key.size
    for v in range(low, high):
        if v + ROWS_AHEAD < num_nodes:
            prefetch(indices, indptr[v + ROWS_AHEAD])
        near = v + VALUES_AHEAD
        if near < num_nodes:
            first = indptr[near]
            for p in range(first, min(first + VALUES_FETCHED, indptr[near + 1])):
                prefetch(key, indices[p])
        own = key[v]
        unbeaten = everyone or not absent[v]
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            # The first look is the cheap one: most neighbors are lower.
            if key[u] >= own and challenges(own, v, key[u], u, ties):
                if everyone or not absent[u]:
                    unbeaten = False
                    break
        mask[v] = unbeaten


@kernel(parallel=True)
def _scan(indptr, indices, keys, absents, ties, mask, start, stop):
    num_nodes = indptr.size - 1
    parts = (stop - start + ITEMS_PER_PART - 1) // ITEMS_PER_PART
    nobody = np.zeros(0, np.bool_)
    for part in prange(parts):
        item = start + part * ITEMS_PER_PART
        last = min(item + ITEMS_PER_PART, stop)
        while item < last:
            column = item // num_nodes
            low = item - column * num_nodes
            high = min(num_nodes, low + last - item)
            absent = absents[column] if absents.shape[0] else nobody
            _scan_nodes(indptr, indices, keys[column], absent, ties, mask[column], low, high)
            item += high - low


def scan(indptr, indices, keys, absents, ties):
    """Nodes that no neighbor challenges, as bool (F, n): present and unchallenged at one hop.

    ``keys`` is int64 (F, n), one column each; ``absents`` bool (F, n) or (0, 0).
    """
    mask = np.empty(keys.shape, np.bool_)

    def piece(start, stop):
        _scan(indptr, indices, keys, absents, ties, mask, start, stop)

    in_chunks("looking at neighbors", mask.size, ITEMS_PER_CALL, piece)
    return mask


@kernel
def defeat(indptr, indices, back_indptr, back_indices, key, absent, mask):
    """Take out of `mask`, in place, every node from which equal steps lead to a beaten one.

    `mask` holds the nodes that no strictly higher node challenges; ``back_*`` are the reversed
    rows. Only survivors are looked at: O(edges of survivors).
    """
    # First the survivors beside an equal node that is beaten, all of them before any leaves the
    # mask; then back along equal steps. A node leaves the mask when it is put on the stack, which
    # therefore never holds more than the survivors there were.
    survivors = np.flatnonzero(mask)
    stack = np.empty(survivors.size, np.int32)
    size = 0
    for v in survivors:
        for p in range(indptr[v], indptr[v + 1]):
            u = indices[p]
            if key[u] == key[v] and not mask[u] and (absent.size == 0 or not absent[u]):
                stack[size] = v
                size += 1
                break
    for i in range(size):
        mask[stack[i]] = False
    while size > 0:
        size -= 1
        v = stack[size]
        for p in range(back_indptr[v], back_indptr[v + 1]):
            u = back_indices[p]
            if mask[u] and key[u] == key[v]:
                mask[u] = False
                stack[size] = u
                size += 1


@kernel
def plateaus(indptr, indices, key, absent):
    """Lowest index of the plateau of each node, -1 for absent ones; symmetric rows."""
    num_nodes = indptr.size - 1
    lowest = np.full(num_nodes, -1, np.int64)
    stack = np.empty(num_nodes, np.int32)
    for v in range(num_nodes):
        if lowest[v] >= 0 or (absent.size and absent[v]):
            continue
        lowest[v] = v
        stack[0] = v
        size = 1
        while size > 0:
            size -= 1
            w = stack[size]
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if lowest[u] < 0 and key[u] == key[v] and (absent.size == 0 or not absent[u]):
                    lowest[u] = v
                    stack[size] = u
                    size += 1
    return lowest


@kernel
def spread_nearest(back_indptr, back_indices, key, absent, order, distance, witness):
    """Give every node the best answer of the nodes that equal steps lead to, in place.

    `order` lists the nodes that have an answer, the best first. Each node takes the first that
    reaches it: O(edges).
    """
    taken = np.zeros(key.size, np.bool_)
    stack = np.empty(key.size, np.int32)
    for best in order:
        if taken[best]:
            continue
        taken[best] = True
        stack[0] = best
        size = 1
        while size > 0:
            size -= 1
            v = stack[size]
            distance[v] = distance[best]
            witness[v] = witness[best]
            for p in range(back_indptr[v], back_indptr[v + 1]):
                u = back_indices[p]
                if not taken[u] and key[u] == key[v] and (absent.size == 0 or not absent[u]):
                    taken[u] = True
                    stack[size] = u
                    size += 1


# --- Bounded search: from each node outwards until the first challenger, in hops or in weights

EDGES_PER_CALL = 1 << 22
SEARCH_AHEAD = 3  # rows fetched early: more is in vain, most searches end after a few rows
UNLIMITED = 1 << 62

# What a search starts from. NODE: the node. PLATEAU: all nodes that equal-valued steps lead to, at
# distance 0. RIM: the node, but its first step does not go to an equal one (whose own search is
# never worse: the caller joins the answers of a directed plateau).
NODE, PLATEAU, RIM = 0, 1, 2

# When a search ends. FIRST: at the first challenger (is there one?). NEAREST: with the distance of
# the first one. NEVER: at the limit; with ties=EVERYONE the witness is then the rival of the node.
FIRST, NEAREST, NEVER = 0, 1, 2

# The search that a lane has left in the middle. BEST: its best challenger so far, or -1. TOKEN: its
# mark, which nodes that it has seen carry in `stamp`. In hops: the queue holds all nodes seen, the
# next one to be opened at HEAD, those of the level at hand up to LEVEL_END, all up to TAIL, and
# DEPTH is the distance of the nodes behind that level. In weights: TAIL is the size of the heap.
BEST, TOKEN, HEAD, TAIL, LEVEL_END, DEPTH, FIELDS = range(OWN, OWN + 7)


class Task(NamedTuple):
    """What all searches have in common, and where their answers go."""

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    keys: np.ndarray
    absents: np.ndarray
    items: np.ndarray
    ties: int
    start: int
    stop: int
    cleared: int
    distance: np.ndarray
    witness: np.ndarray


class Queues(NamedTuple):
    """Scratch of a lane (of all lanes, one axis more): marks and nodes seen, in order."""

    stamp: np.ndarray
    queue: np.ndarray


class Heaps(NamedTuple):
    """Scratch of a lane with weights: marks, heap, place in it (-1: closed) and distance."""

    stamp: np.ndarray
    heap: np.ndarray
    place: np.ndarray
    length: np.ndarray


@kernel(inline="always")
def _higher(key, u, best):
    return best < 0 or key[u] > key[best] or (key[u] == key[best] and u < best)


@kernel(inline="always")
def _equal(key, absent, v, u):
    return key[u] == key[v] and (absent.size == 0 or not absent[u])


@kernel(inline="always")
def _stands(key, absent, v, u, ties):
    if u == v:
        return False
    if ties != EVERYONE and not challenges(key[v], v, key[u], u, ties):
        return False
    return absent.size == 0 or not absent[u]


@kernel
def _column(task, item, nobody):
    """Key and absent nodes of the column of an item, and its node."""
    num_nodes = task.indptr.size - 1
    column = item // num_nodes
    absent = task.absents[column] if task.absents.shape[0] else nobody
    return task.keys[column], absent, np.int32(item - column * num_nodes)


@kernel
def _gather_plateau(indptr, indices, key, absent, v, stamp, token, queue):
    """Fill `queue` with the plateau of v, v first; return its size."""
    tail, head = 1, 0
    while head < tail:
        w = queue[head]
        head += 1
        for p in range(indptr[w], indptr[w + 1]):
            u = indices[p]
            if stamp[u] != token and _equal(key, absent, v, u):
                stamp[u] = token
                queue[tail] = u
                tail += 1
    return tail


@kernel(inline="always")
def _next_token(state, stamp):
    if state[TOKEN] == np.iinfo(np.int32).max:
        stamp[:] = 0
        state[TOKEN] = 0
    state[TOKEN] += 1
    return np.int32(state[TOKEN])


@kernel
def _best_in_row(indptr, indices, key, absent, v, w, ties, best, stop):
    """Best of `best` and the challengers of v among the neighbors of w, or just the first."""
    own = key[v]
    everyone = absent.size == 0
    for p in range(indptr[w], indptr[w + 1]):
        u = indices[p]
        # One piece, as in scan: calls cost a third of the time.
        if key[u] >= own and u != v and challenges(own, v, key[u], u, ties):
            if (everyone or not absent[u]) and _higher(key, u, best):
                best = u
                if stop == FIRST:
                    break
    return best


@kernel
def _lane_hops(task, limit, scratch, state, budget):
    """Level by level: challengers among the neighbors of a level end a search before they join it.

    Invariant, whenever a node is opened: the nodes within DEPTH - 1 are in the queue up to
    LEVEL_END, those in front of HEAD have been opened, and what they led to follows LEVEL_END.
    """
    indptr, indices, ties = task.indptr, task.indices, task.ties
    start, stop, cleared = task.start, task.stop, task.cleared
    stamp, queue = scratch.stamp, scratch.queue
    nobody = np.zeros(0, np.bool_)
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        key, absent, v = _column(task, task.items[state[NEXT]], nobody)
        if not state[ACTIVE]:
            token = _next_token(state, stamp)
            if limit > 2 or start == PLATEAU:
                stamp[v] = token
            queue[0] = v
            tail = 1
            if start == PLATEAU:
                tail = _gather_plateau(indptr, indices, key, absent, v, stamp, token, queue)
            state[ACTIVE], state[HEAD], state[DEPTH], state[BEST] = 1, 0, 1, -1
            state[TAIL] = state[LEVEL_END] = tail
        token = np.int32(state[TOKEN])
        head, tail, level_end = state[HEAD], state[TAIL], state[LEVEL_END]
        depth, best = state[DEPTH], state[BEST]
        done = False
        while not done:
            keep = depth < limit
            while head < level_end and spent < budget:
                w = queue[head]
                if head + SEARCH_AHEAD < level_end:
                    prefetch(indices, indptr[queue[head + SEARCH_AHEAD]])
                head += 1
                spent += indptr[w + 1] - indptr[w] + 1
                if depth > cleared:
                    best = _best_in_row(indptr, indices, key, absent, v, w, ties, best, stop)
                    if stop == FIRST and best >= 0:
                        break
                if not keep or best >= 0:
                    continue
                # Nobody looks at the marks of a search that ends with the next level; but the
                # rows of several starts hold repeats, for which the queue has no room.
                marks = start == PLATEAU or depth > 1 or depth + 1 < limit
                for p in range(indptr[w], indptr[w + 1]):
                    u = indices[p]
                    if marks:
                        if stamp[u] == token:
                            continue
                        stamp[u] = token
                    if start == RIM and depth == 1 and _equal(key, absent, v, u):
                        continue
                    queue[tail] = u
                    tail += 1
            if best >= 0 and (stop == FIRST or head == level_end):
                task.distance[state[NEXT]] = depth
                task.witness[state[NEXT]] = best
                done = True
            elif head < level_end:  # the budget is spent: go on here in the next call
                break
            elif tail == head or not keep:
                done = True
            else:
                depth += 1
                level_end = tail
        state[HEAD], state[TAIL], state[LEVEL_END] = head, tail, level_end
        state[DEPTH], state[BEST] = depth, best
        if done:
            state[ACTIVE] = 0
            state[NEXT] += 1
            spent += 1
    state[SPENT] += spent


@kernel
def _lane_weights(task, limit, scratch, state, budget):
    """Dijkstra's algorithm on a heap of nodes, which knows the place of each.

    Invariant, whenever a node is closed: no open node is nearer, and `best` is the first in the
    order among the closed challengers at the distance of the first of them (with NEVER: among all
    closed ones). With a challenger in hand nodes beyond its distance are not entered any more.
    """
    indptr, indices, weights = task.indptr, task.indices, task.weights
    ties, start, stop = task.ties, task.start, task.stop
    stamp, heap, place, length = scratch.stamp, scratch.heap, scratch.place, scratch.length
    nobody = np.zeros(0, np.bool_)
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        key, absent, v = _column(task, task.items[state[NEXT]], nobody)
        if not state[ACTIVE]:
            token = _next_token(state, stamp)
            stamp[v] = token
            heap[0] = v
            size = 1
            if start == PLATEAU:
                size = _gather_plateau(indptr, indices, key, absent, v, stamp, token, heap)
            for i in range(size):
                place[heap[i]] = i
                length[heap[i]] = 0.0
            state[ACTIVE], state[TAIL], state[BEST] = 1, size, -1
        token = np.int32(state[TOKEN])
        size, best = state[TAIL], state[BEST]
        done = size == 0
        while not done and spent < budget:
            w = heap[0]
            reached = length[w]
            if best >= 0 and stop != NEVER and reached > length[best]:
                done = True
                break
            size -= 1
            if size > 0:
                heap[0] = heap[size]
                place[heap[0]] = 0
                sift_down(heap, place, length, size)
            place[w] = -1
            if _stands(key, absent, v, w, ties) and _higher(key, w, best):
                best = w
                done = stop == FIRST
            spent += indptr[w + 1] - indptr[w] + 1
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                through = reached + weights[p]
                if through > limit or through == np.inf:
                    continue
                if best >= 0 and stop != NEVER and through > length[best]:
                    continue
                if start == RIM and w == v and _equal(key, absent, v, u):
                    continue
                if stamp[u] != token:
                    stamp[u] = token
                    heap[size] = u
                    length[u] = through
                    size += 1
                    sift_up(heap, place, length, size - 1)
                elif through < length[u] and place[u] >= 0:
                    length[u] = through
                    sift_up(heap, place, length, place[u])
            done = done or size == 0
        state[TAIL], state[BEST] = size, best
        if done:
            if best >= 0:
                task.distance[state[NEXT]] = length[best]
                task.witness[state[NEXT]] = best
            state[ACTIVE] = 0
            state[NEXT] += 1
            spent += 1
    state[SPENT] += spent


@kernel(parallel=True)
def _advance_hops(task, limit, scratch, states, budget):
    for lane in prange(states.shape[0]):
        own = Queues(scratch.stamp[lane], scratch.queue[lane])
        _lane_hops(task, limit, own, states[lane], budget)


@kernel(parallel=True)
def _advance_weights(task, limit, scratch, states, budget):
    for lane in prange(states.shape[0]):
        stamp, heap = scratch.stamp[lane], scratch.heap[lane]
        own = Heaps(stamp, heap, scratch.place[lane], scratch.length[lane])
        _lane_weights(task, limit, own, states[lane], budget)


def search(
    rows,
    keys,
    absents,
    ties,
    items,
    *,
    limit,
    stop=NEAREST,
    start=NODE,
    cleared=0,
    stop_after=UNLIMITED,
):
    """Distance from each item to its nearest challenger, and who that is.

    Parameters
    ----------
    rows : tuple
        ``indptr, indices, weights`` of counted steps; weights None: distance in hops.
    keys : int64 (F, n)
        Order keys, a column each.
    absents : bool (F, n) or (0, 0)
        Nodes that take no part.
    ties : int
        STRICT, WEAK, INDEX or EVERYONE.
    items : int64 (i,)
        Numbers column * n + v of the searches.
    limit : int or float
        Largest distance that counts; UNLIMITED or inf for none.
    stop : int
        FIRST, NEAREST or (with weights) NEVER.
    start : int
        NODE, PLATEAU or RIM.
    cleared : int
        Number of hops within which the items are known to have no challenger.
    stop_after : int
        Give up when this many edges were looked at.

    Returns
    -------
    tuple
        ``distance`` float64 (i,), inf where none; ``witness`` int64 (i,), -1 where none; and
        whether every search was finished.
    """
    indptr, indices, weights = rows
    num_nodes = indptr.size - 1
    distance, witness = np.full(items.size, np.inf), np.full(items.size, -1, np.int64)
    # A lane has scratch as large as the nodes: all of it no larger than the graph itself.
    node_bytes = 8 * max(num_nodes, 1)
    count = Lanes.affordable(items.size, node_bytes, node_bytes + 4 * indices.size)
    lanes = Lanes(items.size, count, FIELDS)
    shape = (len(lanes), num_nodes)
    stamp, nodes = np.zeros(shape, np.int32), np.empty(shape, np.int32)
    lengths = np.zeros(0) if weights is None else weights
    question = (keys, absents, items, ties, start, stop, cleared)
    task = Task(indptr, indices, lengths, *question, distance, witness)
    if weights is None:
        advance, scratch = _advance_hops, Queues(stamp, nodes)
        limit = int(min(limit, UNLIMITED))
    else:
        places = Heaps(stamp, nodes, np.empty(shape, np.int32), np.empty(shape))
        advance, scratch, limit = _advance_weights, places, float(limit)
    budget = min(EDGES_PER_CALL, max(stop_after, 0) // len(lanes) + 1)
    for states in lanes.rounds("searching for challengers"):
        if lanes.spent > stop_after:
            return distance, witness, False
        advance(task, limit, scratch, states, budget)
    return distance, witness, True
