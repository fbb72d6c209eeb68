"""Graphs that grow edge by edge, or have given degrees: trees, small worlds, R-MAT."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.checks import integer, node_count, number, random_generator
from graphmax.graph import Graph
from graphmax.kernels.progress import in_chunks, tell
from graphmax.kernels.random import attach, draw, tree_of

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


EDGES_PER_CALL = 1 << 22
MOST_LEVELS = 30


def configuration(degrees: ArrayLike, *, generator: np.random.Generator) -> Graph:
    """Draw a graph with a given degree sequence, its half-edges paired at random.

    Self-loops and repeated edges are dropped and counted (the erased configuration model), so
    that a degree can come out smaller than it was asked for.

    Parameters
    ----------
    degrees : int (num_nodes,)
        Degree of each node, with an even sum.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected; ``dropped`` tells what was erased.

    Raises
    ------
    TypeError
        If degrees are not integers, or `generator` is no Generator.
    ValueError
        If a degree is negative or their sum is odd.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import configuration
    >>> configuration([1, 1, 0], generator=np.random.default_rng(0)).edges()
    array([[0],
           [1]])
    """
    wanted = np.asarray(degrees)
    if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
        raise TypeError(
            f"`degrees` must be a list of integers, got dtype {wanted.dtype} and "
            f"shape {wanted.shape}"
        )
    wanted = wanted.astype(np.int64)
    if wanted.size and wanted.min() < 0:
        raise ValueError(f"`degrees` must be at least 0, got {wanted.min()}")
    if wanted.sum() % 2:
        raise ValueError(f"`degrees` must have an even sum, got {wanted.sum()}")
    stubs = np.repeat(np.arange(wanted.size, dtype=np.int32), wanted)
    random_generator(generator).shuffle(stubs)
    return Graph.from_edges(stubs[::2], stubs[1::2], wanted.size)


def rmat(
    scale: int,
    num_edges: int,
    *,
    quadrants: Sequence[float] = (0.57, 0.19, 0.19, 0.05),
    directed: bool = False,
    generator: np.random.Generator,
) -> Graph:
    """Draw a recursive matrix (R-MAT, stochastic Kronecker) graph of 2**scale nodes.

    Each edge picks a quadrant of the adjacency matrix, then a quadrant of that one, and so on.
    Self-loops and repeated edges are dropped and counted.

    Parameters
    ----------
    scale : int
        Number of levels, from 0 to 30.
    num_edges : int
        Number of edges drawn.
    quadrants : sequence of float (4,), default (0.57, 0.19, 0.19, 0.05)
        Probability of each quadrant, in reading order; they sum to 1. The default is Graph500's.
    directed : bool, default False
        Keep the arrows.
    generator : numpy.random.Generator
        Source of randomness; one number is drawn from it, each edge's own numbers follow from
        that one and the number of the edge.

    Returns
    -------
    Graph
        With 2**scale nodes and at most `num_edges` edges.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `scale`, `num_edges` or `quadrants` is out of range.

    Notes
    -----
    O(scale * num_edges), in parallel, the same graph for any number of threads. Probabilities are
    rounded to multiples of 2**-32. 10**8 edges need about 3 GB.

    References
    ----------
    D. Chakrabarti, Y. Zhan and C. Faloutsos, R-MAT: a recursive model for graph mining, SDM 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import rmat
    >>> rmat(10, 4000, generator=np.random.default_rng(0)).num_nodes
    1024
    """
    scale = integer(scale, "scale", 0, MOST_LEVELS)
    count = integer(num_edges, "num_edges", 0)
    shares = [number(share, "quadrants", least=0, most=1) for share in quadrants]
    if len(shares) != 4 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"`quadrants` must be four numbers that sum to 1, got {shares}")
    thresholds = np.round(np.cumsum(shares[:3]) * 2**32).astype(np.uint64)
    seed = random_generator(generator).integers(0, 2**64 - 1, dtype=np.uint64, endpoint=True)
    src, dst = np.empty(count, np.int32), np.empty(count, np.int32)
    with np.errstate(over="ignore"):  # hashes wrap around, also where loops run as plain Python
        in_chunks(
            "drawing edges",
            count,
            EDGES_PER_CALL,
            lambda a, b: draw(seed, scale, thresholds, a, b, src, dst),
        )
    return Graph.from_edges(src, dst, 1 << scale, directed=directed)
