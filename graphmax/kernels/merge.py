"""The merge tree: flood the graph from the top and see which summits meet where.

One pass over the nodes in order. A node takes part when its turn comes: it joins the components
of the neighbors that came before it. Where several meet, the one with the earliest summit lives
on (the elder rule); the others end there, at their key saddle. Components are numbered as they
are born, so the elder has the smaller number; they are joined by size, with path halving.

Also the steepest way up and the summit where it ends, and watersheds flooded from markers. Nodes
are compared by `level`, 0 for the highest value, equal for equal values, NOBODY for nodes that
take no part; of equal levels the lower index comes first. Wide plateaus are divided between the
markers that reach them.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numba import prange

from graphmax.kernels.compiled import in_chunks, kernel, tell

ENTRIES_PER_CALL = 1 << 24
NEXT, BORN, ALIVE, STATE_SIZE = 0, 1, 2, 3


@kernel(inline="always")
def _find(link, c):
    while link[c] != c:
        link[c] = link[link[c]]
        c = link[c]
    return c


class Components(NamedTuple):
    """The union-find forest, one entry for each summit in the order of birth.

    A component lives under the number `root` of its largest part; ``elder_of[root]`` is the number
    of its earliest summit, ``summit`` the node of a number, ``lowest[root]`` its last node so far.
    """

    link: np.ndarray
    size: np.ndarray
    elder_of: np.ndarray
    summit: np.ndarray
    lowest: np.ndarray


class Tree(NamedTuple):
    """What is found out about each node; `component` is -1 until its turn comes."""

    component: np.ndarray
    saddle: np.ndarray
    parent: np.ndarray


@kernel
def _flood(indptr, indices, order, up, forest, tree, dead, state, stop):
    """Let the nodes of `order` take part, one after the other, as far as `stop`.

    A node whose own `up` it is has no neighbor before it: a component is born. Any other joins the
    component of `up`; each further component among the neighbors ends here. ALIVE counts the
    components with edges: with one left and all summits born nothing can meet any more, and the
    flood stops early, in front of NEXT.
    """
    link, size, elder_of = forest.link, forest.size, forest.elder_of
    summit, lowest, births = forest.summit, forest.lowest, forest.link.size
    component, saddle, parent = tree.component, tree.saddle, tree.parent
    born, alive = state[BORN], state[ALIVE]
    for i in range(state[NEXT], stop):
        if alive == 1 and born == births:
            state[NEXT] = i
            break
        v = order[i]
        if up[v] == v:
            c = np.int32(born)
            born += 1
            alive += indptr[v + 1] > indptr[v]
            link[c], size[c], elder_of[c], summit[c], lowest[c] = c, 1, c, v, v
            component[v] = c
            continue
        root = _find(link, component[up[v]])
        deaths = 0
        for p in range(indptr[v], indptr[v + 1]):
            c = component[indices[p]]
            if c < 0 or c == root:
                continue
            other = _find(link, c)
            component[indices[p]] = other
            if other == root:
                continue
            old, young = elder_of[root], elder_of[other]
            if young < old:
                old, young = young, old
            saddle[summit[young]] = v
            dead[deaths] = summit[young]
            deaths += 1
            if size[other] > size[root]:
                root, other = other, root
            link[other] = root
            size[root] += size[other]
            elder_of[root] = old
            alive -= 1
        component[v] = root
        lowest[root] = v
        saddle[v] = v
        parent[v] = summit[elder_of[root]]
        for i in range(deaths):  # where several meet at once, the eldest is the parent of all
            parent[dead[i]] = parent[v]
    else:
        state[NEXT] = stop
    state[BORN], state[ALIVE] = born, alive


def merge_tree(indptr, indices, order, up):
    """Key saddle and parent of every node, and the lowest node of every component.

    Parameters
    ----------
    indptr, indices : int64 (n + 1,), int32 (entries,)
        Symmetric rows.
    order : int64 (present,)
        Nodes by "value descending, then index ascending".
    up : int32 (n,)
        The first neighbor in that order if it comes before the node, else the node itself.

    Returns
    -------
    tuple
        ``saddle`` int32 (n,), -1 for the first node of a component and absent nodes; ``parent``
        int32 (n,), the elder summit met there, or -1; ``born`` int32 (summits,), the nodes that
        no neighbor comes before, in order; ``first`` and ``last`` int32 (components,), the first
        and the last node of each component. Any other node is its own saddle: there it meets
        higher ground.

    Notes
    -----
    O(m alpha(n)). Once all summits are born and a single component with edges is left, nothing
    can meet any more, and the rest of the nodes is not looked at.
    """
    n = up.size
    tree = Tree(*(np.full(n, -1, np.int32) for _ in range(3)))
    births = int(np.count_nonzero(up[order] == order))
    forest = Components(*(np.empty(births, np.int32) for _ in range(5)))
    dead = np.empty(births, np.int32)
    state = np.zeros(STATE_SIZE, np.int64)
    step = max(1024, n * ENTRIES_PER_CALL // max(indices.size, 1))
    while state[NEXT] < order.size:
        stop = min(int(state[NEXT]) + step, order.size)
        _flood(indptr, indices, order, up, forest, tree, dead, state, stop)
        tell("flooding", int(state[NEXT]), order.size)
        if state[NEXT] < stop:
            break
    rest = order[state[NEXT] :]
    roots = np.flatnonzero(forest.link == np.arange(births, dtype=np.int32))
    if rest.size:
        _finish(indptr, rest, roots, forest, tree)
    first = forest.summit[forest.elder_of[roots]]
    return tree.saddle, tree.parent, forest.summit, first, forest.lowest[roots]


def _finish(indptr, rest, roots, forest, tree):
    """The nodes after the last meeting all belong to the one component that has edges."""
    nodes = forest.summit[roots]
    living = roots[indptr[nodes + 1] > indptr[nodes]]
    tree.saddle[rest] = rest
    tree.parent[rest] = forest.summit[forest.elder_of[living[0]]]
    forest.lowest[living] = rest[-1]


@kernel
def ancestors(born, parent, chosen):
    """Each born node itself if it is chosen, else its nearest chosen ancestor, else -1.

    `born` lists parents before their children; other nodes get -1.
    """
    ancestor = np.full(parent.size, -1, np.int32)
    for v in born:
        if chosen[v]:
            ancestor[v] = v
        elif parent[v] >= 0:
            ancestor[v] = ancestor[parent[v]]
    return ancestor


@kernel
def caps(born, parent, saddle, chosen):
    """Lowest saddle between each born node and its nearest chosen ancestor, -1 if it is chosen.

    `born` lists parents before their children, and every first node of a component is chosen.
    Saddles fall from branch to branch, so the lowest one is the last on the way.
    """
    cap = np.full(parent.size, -1, np.int32)
    for v in born:
        if not chosen[v]:
            above = parent[v]
            cap[v] = saddle[v] if chosen[above] else cap[above]
    return cap


@kernel(inline="always")
def _vertex(alias, x):
    while alias[x] != x:
        alias[x] = alias[alias[x]]
        x = alias[x]
    return x


@kernel
def join(young, old, saddle, height, num_leaves, node):
    """The merge tree of leaves 0..num_leaves - 1, in which no vertex lies as high as the one below.

    Meetings come from the top down: branch ``young[i]`` ends in ``old[i]`` at node ``saddle[i]``
    of level ``height[i]``. ``top[r]`` is the vertex that branch r has come down to. A meeting at
    the level of a vertex that one side has come down to joins that vertex; where both sides have,
    the two become one (`alias`), named by the lower node. ``node`` holds the leaves and has room
    for a vertex per meeting. Returns the vertex below each one (-1 for none), whose `alias` is to
    be looked up, and the number of vertices.
    """
    size = node.size
    alias, below = np.arange(size), np.full(size, -1, np.int64)
    level, top = np.full(size, -1, np.int64), np.arange(num_leaves)
    count = num_leaves
    for i in range(young.size):
        a, b = _vertex(alias, top[old[i]]), _vertex(alias, top[young[i]])
        a_here, b_here = level[a] == height[i], level[b] == height[i]
        if not a_here and not b_here:
            below[a] = below[b] = count
            level[count], node[count] = height[i], saddle[i]
            a = count
            count += 1
        elif a_here and b_here:
            alias[b], node[a] = a, min(node[a], node[b])
        elif a_here:
            below[b] = a
        else:
            below[a] = b
            a = b
        node[a] = node[a] if a < num_leaves else min(node[a], saddle[i])
        top[old[i]] = a
    for x in range(count):
        alias[x] = _vertex(alias, x)
    return below, alias, count


# --- The steepest way up and the summit where the walk ends; watersheds flooded from markers

NOBODY = np.int32(2**31 - 1)
NODES_PER_CALL = 1 << 21
NODES_PER_PART = 1 << 10


@kernel
def _sort_ties(order, key):
    """Order equal keys by index."""
    start = 0
    while start < order.size:
        stop = start + 1
        while stop < order.size and key[order[stop]] == key[order[start]]:
            stop += 1
        if stop > start + 1:
            order[start:stop] = np.sort(order[start:stop])
        start = stop


@kernel
def _number_levels(order, key, level):
    height = np.int32(-1)
    for i in range(order.size):
        if i == 0 or key[order[i]] != key[order[i - 1]]:
            height += 1
        level[order[i]] = height


def in_order(key, absent):
    """Present nodes by "value descending, then index ascending", and the level of every node.

    Parameters
    ----------
    key : int64 (n,)
        Order key.
    absent : bool (n,) or (0,)
        Nodes that take no part.

    Returns
    -------
    tuple
        ``order`` int64 (present,) and ``level`` int32 (n,).
    """
    if absent.size:
        present = np.flatnonzero(~absent)
        order = present[np.argsort(~key[present])]
    else:
        order = np.argsort(~key)
    _sort_ties(order, key)
    level = np.full(key.size, NOBODY, np.int32)
    _number_levels(order, key, level)
    return order, level


@kernel(parallel=True)
def _highest(indptr, indices, level, up, tied, start, stop):
    parts = (stop - start + NODES_PER_PART - 1) // NODES_PER_PART
    for part in prange(parts):
        low = start + part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, stop)):
            own = level[v]
            best, top = np.int32(v), own
            for p in range(indptr[v], indptr[v + 1]):
                u = indices[p]
                if level[u] < top:
                    best, top = u, level[u]
                elif level[u] == own and own != NOBODY:
                    tied[v] = True
                    if top == own and u < best:
                        best = u
            up[v] = best


def highest_neighbors(indptr, indices, level):
    """Highest neighbor of every node that comes before it in the order, else the node itself.

    A node that takes no part comes after all others.

    Returns
    -------
    tuple
        ``up`` int32 (n,) and ``tied`` bool (n,): the node has a neighbor of its own level.
    """
    up = np.empty(level.size, np.int32)
    tied = np.zeros(level.size, np.bool_)

    def piece(start, stop):
        _highest(indptr, indices, level, up, tied, start, stop)

    in_chunks("looking for the highest neighbor", level.size, NODES_PER_CALL, piece)
    return up, tied


@kernel
def join_plateaus(indptr, indices, level, tied, up, lowest):
    """Let each plateau, named by its lowest index, walk as one node, in place.

    `up` becomes the highest neighbor of the plateau for all its nodes, its lowest index where no
    neighbor is higher; `lowest` the lowest index of the plateau. Only tied nodes are looked at.
    """
    # Nodes come in order of index, so the first one of a plateau names it. The flag of a node goes
    # when it joins `members`, the queue of its plateau; `best` starts as the name of the plateau,
    # which is what stays where no member has a higher neighbor.
    members = np.empty(level.size, np.int32)
    for v in range(level.size):
        if not tied[v]:
            continue
        tied[v] = False
        members[0] = v
        head, tail = 0, 1
        best = np.int32(v)
        while head < tail:
            w = members[head]
            head += 1
            lowest[w] = v
            u = up[w]
            if level[u] < level[best] or (level[u] == level[best] and u < best):
                best = u
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if tied[u] and level[u] == level[v]:
                    tied[u] = False
                    members[tail] = u
                    tail += 1
        for i in range(tail):
            up[members[i]] = best


@kernel(parallel=True)
def _double(up, doubled, moved, start, stop):
    parts = (stop - start + NODES_PER_PART - 1) // NODES_PER_PART
    for part in prange(parts):
        low = start + part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, stop)):
            doubled[v] = up[up[v]]
            if doubled[v] != up[v]:
                moved[part] = True


def summits(up):
    """Follow `up` to its end by pointer doubling: O(n log(longest walk)), without a stack."""
    spare = [np.empty_like(up), np.empty_like(up)]
    moved = np.ones(-(-NODES_PER_CALL // NODES_PER_PART), np.bool_)
    while moved.any():
        moved[:] = False
        double = partial(_double, up, spare[0], moved)
        in_chunks("walking to the summits", up.size, NODES_PER_CALL, double)
        up = spare[0]
        spare.reverse()
    return up


NONE = np.int64(2**63 - 1)
EDGES_PER_CALL = 1 << 24
HEIGHT, WAVE, HEAD, TAIL, WATERSHED_STATE_SIZE = range(5)
# What `wave` holds of a node that was not entered: nothing is known of it; it touches water and
# waits until that has fallen to its level; it is a marker and waits in the same way.
UNKNOWN, WAITING, MARKER = -2, -1, 0


@kernel
def _begin_level(first, next_node, wave, queue, state):
    """Enter the nodes that wait for a level: its markers, then what touches older water."""
    tail, start = 0, state[WAVE] + 2
    for kind in (MARKER, WAITING):
        v = first[state[HEIGHT]]
        while v >= 0:
            if wave[v] == kind:
                wave[v] = start + (kind == WAITING)
                queue[tail] = v
                tail += 1
            v = next_node[v]
    state[HEAD], state[TAIL] = 0, tail


@kernel
def _flood_down(indptr, indices, level, label, wave, first, next_node, queue, state, budget):
    """Let every marker flow down, the water falling level by level.

    A node is entered when the water stands at its own level, or lower where lower ground had to be
    crossed to reach it. Within a level nodes are entered in waves, by the number of steps since
    the water fell to it: its markers (0 steps), nodes that touch older water (1), and so on
    through the queue. Waves are numbered through all levels, so that ``wave[w] + 1`` says which
    nodes w hands its label to: of several labels a node takes the lowest. ``first`` (per level)
    and ``next_node`` chain the nodes that wait.
    """
    spent = 0
    while state[HEIGHT] < first.size and spent < budget:
        height = state[HEIGHT]
        if state[TAIL] < 0:
            _begin_level(first, next_node, wave, queue, state)
        head, tail = state[HEAD], state[TAIL]
        while head < tail and spent < budget:
            w = queue[head]
            head += 1
            spent += indptr[w + 1] - indptr[w]
            state[WAVE] = wave[w] + 1
            for p in range(indptr[w], indptr[w + 1]):
                u = indices[p]
                if level[u] == NOBODY:
                    continue
                if level[u] <= height:
                    if wave[u] == UNKNOWN:
                        wave[u] = wave[w] + 1
                        queue[tail] = u
                        tail += 1
                    if wave[u] == wave[w] + 1:
                        label[u] = min(label[u], label[w])
                elif wave[u] == UNKNOWN:
                    wave[u], label[u] = WAITING, label[w]
                    next_node[u] = first[level[u]]
                    first[level[u]] = u
                elif wave[u] == WAITING:
                    label[u] = min(label[u], label[w])
        state[HEAD], state[TAIL] = head, tail
        if head == tail:
            state[HEIGHT] += 1
            state[TAIL] = -1
        spent += 1


def flood(indptr, indices, level, markers):
    """Label of every node, -1 where no marker reaches; `markers` int64 (n,), NONE for no marker."""
    label, wave = markers.copy(), np.full(level.size, UNKNOWN)
    present = level != NOBODY
    first = np.full(int(level[present].max(initial=-1)) + 1, -1, np.int32)
    next_node, queue = np.full(level.size, -1, np.int32), np.empty(level.size, np.int32)
    nodes = np.flatnonzero((markers != NONE) & present)
    wave[nodes] = MARKER
    _chain(nodes, level, first, next_node)
    state = np.array([0, 0, 0, -1])
    while state[HEIGHT] < first.size:
        waits = first, next_node
        _flood_down(indptr, indices, level, label, wave, *waits, queue, state, EDGES_PER_CALL)
        tell("flooding from the markers", int(state[HEIGHT]), first.size)
    label[(label == NONE) | ~present] = -1
    return label


@kernel
def _chain(nodes, level, first, next_node):
    for v in nodes:
        next_node[v] = first[level[v]]
        first[level[v]] = v


@kernel
def divide_plateaus(indptr, indices, order, level, up, summit):
    """The summit of each node, plateaus divided by steps from their rim, of several the lowest.

    `up` is the first neighbor of a node in `order` where that comes before it. Plateaus are taken
    from the top down. A node of the rim has a higher neighbor and goes where that goes; labels
    then spread through the plateau in waves, ``steps`` counting them. What no wave reaches is the
    top of a hill and belongs to its lowest node, which comes first in the order.
    """
    steps, queue = np.full(level.size, -1, np.int64), np.empty(order.size, np.int32)
    start = 0
    while start < order.size:
        stop = start
        height, tail = level[order[start]], 0
        while stop < order.size and level[order[stop]] == height:
            v = order[stop]
            if level[up[v]] < height:
                summit[v], steps[v], queue[tail] = summit[up[v]], 0, v
                tail += 1
            stop += 1
        head = 0
        for i in range(start, stop + 1):  # the rims first, then every hilltop on its own
            while head < tail:
                w = queue[head]
                head += 1
                for p in range(indptr[w], indptr[w + 1]):
                    u = indices[p]
                    if level[u] != height:
                        continue
                    if steps[u] < 0:
                        steps[u], summit[u], queue[tail] = steps[w] + 1, summit[w], u
                        tail += 1
                    elif steps[u] == steps[w] + 1:
                        summit[u] = min(summit[u], summit[w])
            if i < stop and steps[order[i]] < 0:
                v = order[i]
                summit[v], steps[v], queue[tail] = v, 0, v
                tail += 1
        start = stop
