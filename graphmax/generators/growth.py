"""Graphs that grow, or change, edge by edge: preferential attachment, trees, small worlds."""

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, node_count, number, random_generator
from graphmax.graph import Graph
from graphmax.kernels.progress import tell
from graphmax.kernels.random import attach, tree_of

DRAWS_AT_ONCE = 1 << 21


def barabasi_albert(num_nodes: int, m: int, *, generator: np.random.Generator) -> Graph:
    """Let nodes join one by one, by m edges each, to nodes drawn in proportion to their degree.

    The first m + 1 nodes are a star around node 0.

    Parameters
    ----------
    num_nodes : int
        Number of nodes, more than `m`.
    m : int
        Edges of each node that joins, at least 1; its m targets are distinct.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected and connected, with ``m * (num_nodes - m)`` edges.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `m` is not from 1 to ``num_nodes - 1``.

    Notes
    -----
    O(m * num_nodes) for m of a few dozen.

    References
    ----------
    A.-L. Barabasi and R. Albert, Emergence of scaling in random networks, Science 286 (1999).

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import barabasi_albert
    >>> barabasi_albert(10, 2, generator=np.random.default_rng(0))
    Graph(num_nodes=10, num_edges=16, undirected)
    """
    count = node_count(num_nodes)
    m, rng = integer(m, "m", 1, max(count - 1, 1)), random_generator(generator)
    ends = np.empty(2 * m * max(count - m, 1), np.int32)
    ends[: 2 * m : 2], ends[1 : 2 * m : 2] = 0, np.arange(1, m + 1)
    node, drawn = m + 1, 0
    while node < count:
        uniforms = rng.random(min(DRAWS_AT_ONCE, m * (count - node) + 1000))
        node, drawn = attach(uniforms, ends, node, drawn, m, count)
        tell("attaching nodes", node, count)
    return Graph.from_edges(ends[::2], ends[1::2], count)


def random_tree(num_nodes: int, *, generator: np.random.Generator) -> Graph:
    """Draw a tree, every labelled tree of so many nodes being as likely as any other.

    Parameters
    ----------
    num_nodes : int
        Number of nodes.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected and connected, with ``num_nodes - 1`` edges.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `num_nodes` is negative.

    Notes
    -----
    O(n), from a Pruefer code.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import random_tree
    >>> random_tree(5, generator=np.random.default_rng(0))
    Graph(num_nodes=5, num_edges=4, undirected)
    """
    count, rng = node_count(num_nodes), random_generator(generator)
    if count < 3:
        return Graph.from_edges(range(count - 1), range(1, count), count)
    parent = np.full(count, -1, np.int64)
    tree_of(rng.integers(0, count, count - 2), parent)
    leaf = np.flatnonzero(parent >= 0)
    return Graph.from_edges(leaf, parent[leaf], count)


def watts_strogatz(num_nodes: int, k: int, p: float, *, generator: np.random.Generator) -> Graph:
    """Draw a small world: a ring of k neighbors each, of whose edges a share p is rewired.

    A rewired edge keeps its first end; the other becomes a node drawn at random, drawn again as
    long as that would be a self-loop or an edge that is there.

    Parameters
    ----------
    num_nodes : int
        Number of nodes, more than `k`.
    k : int
        Neighbors of a node in the ring, even.
    p : float
        Probability that an edge is rewired.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected, with ``num_nodes * k / 2`` edges.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `k` is odd or not below ``num_nodes - 1``, or `p` is no probability.

    Notes
    -----
    Some passes over the edges, each sorted once.

    References
    ----------
    D. J. Watts and S. H. Strogatz, Collective dynamics of small-world networks, Nature 393 (1998).

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import watts_strogatz
    >>> watts_strogatz(6, 2, 0.0, generator=np.random.default_rng(0)).edges()
    array([[0, 0, 1, 2, 3, 4],
           [1, 5, 2, 3, 4, 5]])
    """
    count, p, rng = (
        node_count(num_nodes),
        number(p, "p", least=0, most=1),
        random_generator(generator),
    )
    k = integer(k, "k", 0, max(count - 2, 0))
    if k % 2:
        raise ValueError(f"`k` must be even, got {k}")
    src = np.repeat(np.arange(count), k // 2)
    dst = (src + np.tile(np.arange(1, k // 2 + 1), count)) % max(count, 1)
    _rewire(src, dst, np.flatnonzero(rng.random(src.size) < p), count, rng)
    return Graph.from_edges(src, dst, count)


def _rewire(
    src: NDArray[np.int64],
    dst: NDArray[np.int64],
    loose: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
) -> None:
    """Give the loose edges new ends until the graph is simple."""
    todo = loose
    while todo.size:
        dst[todo] = rng.integers(0, count, todo.size)
        keys = np.minimum(src, dst) * count + np.maximum(src, dst)
        ordered = np.sort(keys)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]]
        clash = np.zeros(loose.size, np.bool_)
        if repeated.size:
            at = np.minimum(np.searchsorted(repeated, keys[loose]), repeated.size - 1)
            clash = repeated[at] == keys[loose]
        todo = loose[clash | (src[loose] == dst[loose])]
