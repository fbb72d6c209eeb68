"""Bounded search: from each node outwards until the first challenger, in hops or in weights.

Searches are dealt to lanes, one a thread. A lane works until its budget of edges is spent, keeps
its whole state in arrays and goes on in the next call: so Ctrl-C is answered in the middle of a
search through a billion edges, and progress can be told. A search ends with the level (the
distance) of its first challenger, of which the highest, then the lowest index, is the witness.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from graphmax.kernels.compare import EVERYONE, challenges
from graphmax.kernels.prefetch import prefetch
from graphmax.kernels.progress import guarded, tell

EDGES_PER_CALL = 1 << 22
SEARCH_AHEAD = 3  # rows fetched early: more is in vain, most searches end after a few rows
UNLIMITED = 1 << 62
NEXT, LAST, ACTIVE, HEAD, TAIL, LEVEL_END, DEPTH, BEST, TOKEN, SPENT = range(10)
STATE_SIZE = 10

# What a search starts from. NODE: the node. PLATEAU: all nodes that equal-valued steps lead to, at
# distance 0. RIM: the node, but its first step does not go to an equal one (whose own search is
# never worse: the caller joins the answers of a directed plateau).
NODE, PLATEAU, RIM = 0, 1, 2

# When a search ends. FIRST: at the first challenger (is there one?). NEAREST: with the distance of
# the first one. NEVER: at the limit; with ties=EVERYONE the witness is then the rival of the node.
FIRST, NEAREST, NEVER = 0, 1, 2


@njit(cache=True, nogil=True, inline="always")
def _higher(key, u, best):
    return best < 0 or key[u] > key[best] or (key[u] == key[best] and u < best)


@njit(cache=True, nogil=True, inline="always")
def _stands(key, absent, v, u, ties):
    if u == v:
        return False
    if ties != EVERYONE and (key[u] < key[v] or not challenges(key[v], v, key[u], u, ties)):
        return False
    return absent.size == 0 or not absent[u]


@njit(cache=True, nogil=True, inline="always")
def _equal(key, absent, v, u):
    return key[u] == key[v] and (absent.size == 0 or not absent[u])


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True, inline="always")
def _next_token(state, stamp):
    if state[TOKEN] == np.iinfo(np.int32).max:
        stamp[:] = 0
        state[TOKEN] = 0
    state[TOKEN] += 1
    return np.int32(state[TOKEN])


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _lane_hops(
    indptr, indices, keys, absents, ties, start, limit, stop, cleared,
    items, distance, witness, stamp, queue, state, budget,
):  # fmt: skip
    num_nodes = indptr.size - 1
    nobody = np.zeros(0, np.bool_)
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        item = items[state[NEXT]]
        column = item // num_nodes
        v = np.int32(item - column * num_nodes)
        key = keys[column]
        absent = absents[column] if absents.shape[0] else nobody
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
                distance[state[NEXT]] = depth
                witness[state[NEXT]] = best
                done = True
            elif head < level_end:
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


@njit(cache=True, nogil=True, inline="always")
def _sift_up(heap, place, length, at):
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


@njit(cache=True, nogil=True, inline="always")
def _sift_down(heap, place, length, size):
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


@njit(cache=True, nogil=True)
def _lane_weights(
    indptr, indices, weights, keys, absents, ties, start, limit, stop,
    items, distance, witness, stamp, heap, place, length, state, budget,
):  # fmt: skip
    num_nodes = indptr.size - 1
    nobody = np.zeros(0, np.bool_)
    spent = 0
    while state[NEXT] < state[LAST] and spent < budget:
        item = items[state[NEXT]]
        column = item // num_nodes
        v = np.int32(item - column * num_nodes)
        key = keys[column]
        absent = absents[column] if absents.shape[0] else nobody
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
                _sift_down(heap, place, length, size)
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
                    _sift_up(heap, place, length, size - 1)
                elif through < length[u] and place[u] >= 0:
                    length[u] = through
                    _sift_up(heap, place, length, place[u])
            done = done or size == 0
        state[TAIL], state[BEST] = size, best
        if done:
            if best >= 0:
                distance[state[NEXT]] = length[best]
                witness[state[NEXT]] = best
            state[ACTIVE] = 0
            state[NEXT] += 1
            spent += 1
    state[SPENT] += spent


@njit(cache=True, nogil=True, parallel=True)
def _advance_hops(
    indptr, indices, keys, absents, ties, start, limit, stop, cleared,
    items, distance, witness, stamps, queues, states, budget,
):  # fmt: skip
    for lane in prange(states.shape[0]):
        _lane_hops(
            indptr, indices, keys, absents, ties, start, limit, stop, cleared,
            items, distance, witness, stamps[lane], queues[lane], states[lane], budget,
        )  # fmt: skip


@njit(cache=True, nogil=True, parallel=True)
def _advance_weights(
    indptr, indices, weights, keys, absents, ties, start, limit, stop,
    items, distance, witness, stamps, heaps, places, lengths, states, budget,
):  # fmt: skip
    for lane in prange(states.shape[0]):
        _lane_weights(
            indptr, indices, weights, keys, absents, ties, start, limit, stop,
            items, distance, witness, stamps[lane], heaps[lane], places[lane], lengths[lane],
            states[lane], budget,
        )  # fmt: skip


def _lanes(num_nodes, num_entries, num_items):
    """As many lanes as threads, while their scratch is no larger than the graph itself."""
    afford = max(1, (8 * num_nodes + 4 * num_entries) // max(8 * num_nodes, 1))
    return int(max(1, min(get_num_threads(), num_items, afford)))


def _share(states, num_items):
    bounds = np.linspace(0, num_items, states.shape[0] + 1).astype(np.int64)
    states[:, NEXT], states[:, LAST] = bounds[:-1], bounds[1:]


def _rebalance(states):
    """Hand half of the longest rest to each lane that has run dry."""
    for lane in np.flatnonzero(states[:, NEXT] == states[:, LAST]):
        longest = int(np.argmax(states[:, LAST] - states[:, NEXT]))
        first = int(states[longest, NEXT]) + 1
        middle = (first + int(states[longest, LAST])) // 2
        if middle < states[longest, LAST]:
            states[lane, NEXT], states[lane, LAST] = middle, states[longest, LAST]
            states[longest, LAST] = middle


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
    states = np.zeros((_lanes(num_nodes, indices.size, items.size), STATE_SIZE), np.int64)
    _share(states, items.size)
    shape = (states.shape[0], num_nodes)
    scratch = [np.zeros(shape, np.int32), np.empty(shape, np.int32)]
    common = (keys, absents, ties, start, limit, stop, items, distance, witness)
    if weights is None:
        common = (*common[:6], cleared, *common[6:])
        advance, arguments = _advance_hops, (indptr, indices, *common, *scratch)
    else:
        scratch += [np.empty(shape, np.int32), np.empty(shape)]
        advance, arguments = _advance_weights, (indptr, indices, weights, *common, *scratch)
    budget = min(EDGES_PER_CALL, max(stop_after, 0) // states.shape[0] + 1)
    while (left := int((states[:, LAST] - states[:, NEXT]).sum())) > 0:
        tell("searching for challengers", items.size - left, items.size)
        if states[:, SPENT].sum() > stop_after:
            return distance, witness, False
        guarded(advance, *arguments, states, budget)
        _rebalance(states)
    tell("searching for challengers", items.size, items.size)
    return distance, witness, True
