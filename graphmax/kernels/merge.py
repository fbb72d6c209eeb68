"""The merge tree: flood the graph from the top and see which summits meet where.

One pass over the nodes in order. A node takes part when its turn comes: it joins the components
of the neighbors that came before it. Where several meet, the one with the earliest summit lives
on (the elder rule); the others end there, at their key saddle. Components are numbered as they
are born, so the elder has the smaller number; they are joined by size, with path halving.
"""

from typing import NamedTuple

import numpy as np

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import tell

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
