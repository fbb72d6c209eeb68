"""Random graphs, drawn at once (by blocks, degrees, points in space) or growing edge by edge."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.checks import integer, node_count, number, random_generator
from graphmax.graph import Graph
from graphmax.kernels.compiled import in_chunks, tell
from graphmax.kernels.random import RECTANGLE, TRIANGLE, attach, draw, tree_of, walk
from graphmax.spatial import delaunay_graph, radius_graph

GAPS_AT_ONCE = 1 << 20
_FARTHEST = 1 << 62


def erdos_renyi(
    num_nodes: int, p: float, *, directed: bool = False, generator: np.random.Generator
) -> Graph:
    """Draw G(n, p): every pair of nodes is an edge with probability p, independently.

    Parameters
    ----------
    num_nodes : int
        Number of nodes n.
    p : float
        Probability of an edge, from 0 to 1; ``mean_degree / (num_nodes - 1)`` for a mean degree.
    directed : bool, default False
        Ordered pairs instead of pairs.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected unless `directed`.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `num_nodes` or `p` is out of range.

    Notes
    -----
    O(n + m): from one edge to the next by a geometric gap.

    References
    ----------
    V. Batagelj and U. Brandes, Efficient generation of large random networks, Physical Review E 71
    (2005).

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import erdos_renyi
    >>> erdos_renyi(4, 1.0, generator=np.random.default_rng(0))
    Graph(num_nodes=4, num_edges=6, undirected)
    """
    count, p = node_count(num_nodes), number(p, "p", least=0, most=1)
    rng = random_generator(generator)
    if not directed:
        src, dst = _pairs(count, count, TRIANGLE, p, rng)
        return Graph.from_edges(src, dst, count)
    src, dst = _pairs(count, max(count - 1, 0), RECTANGLE, p, rng)
    return Graph.from_edges(src, dst + (dst >= src), count, directed=True)


def stochastic_block(
    sizes: Sequence[int], p: ArrayLike, *, generator: np.random.Generator
) -> Graph:
    """Draw a stochastic block model: an edge's probability depends on the blocks of its ends.

    Parameters
    ----------
    sizes : sequence of int (b,)
        Number of nodes of each block; blocks are numbered one after the other.
    p : float (b, b)
        Probability of an edge between two nodes of these blocks, symmetric.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected, with the int64 attribute ``block``.

    Raises
    ------
    TypeError
        If `generator` is no Generator.
    ValueError
        If a size is negative, or `p` is not a symmetric matrix of probabilities.

    Notes
    -----
    O(n + m + b**2).

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import stochastic_block
    >>> graph = stochastic_block([2, 2], [[1, 0], [0, 1]], generator=np.random.default_rng(0))
    >>> graph.edges()
    array([[0, 2],
           [1, 3]])
    """
    counts = np.array([node_count(size) for size in sizes], np.int64)
    table, rng = _table(p, counts.size), random_generator(generator)
    starts = np.concatenate([[0], np.cumsum(counts)])
    pieces = []
    for a in range(counts.size):
        for b in range(a, counts.size):
            shape = TRIANGLE if a == b else RECTANGLE
            src, dst = _pairs(int(counts[a]), int(counts[b]), shape, float(table[a, b]), rng)
            pieces.append((src + starts[a], dst + starts[b]))
    ends = np.concatenate([np.empty((2, 0), np.int64), *map(np.stack, pieces)], axis=1)
    block = np.repeat(np.arange(counts.size), counts)
    return Graph.from_edges(ends[0], ends[1], int(starts[-1]), attributes={"block": block})


def _table(p: ArrayLike, blocks: int) -> NDArray[np.float64]:
    table = np.asarray(p, np.float64)
    if table.shape != (blocks, blocks) or not np.array_equal(table, table.T):
        raise ValueError(
            f"`p` must be a symmetric matrix of shape {(blocks, blocks)}, got shape {table.shape}"
        )
    for entry in table.ravel().tolist():
        number(entry, "p", least=0, most=1)
    return table


def _pairs(
    rows: int, cols: int, shape: int, p: float, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draw each pair of a table with probability p."""
    total = rows * cols if shape == RECTANGLE else rows * (rows - 1) // 2
    pieces: list[Any] = [np.empty((2, 0), np.int32)]
    state = np.array([0, 0 if shape == TRIANGLE else -1], np.int64)
    expected, drawn, full = p * total, 0, p > 0 and rows > 0
    while full:
        size = (
            int(min(GAPS_AT_ONCE, (expected - drawn) * 1.01 + 1000)) if drawn < expected else 1000
        )
        gaps = np.minimum(rng.geometric(p, size), _FARTHEST)
        pair = np.empty((2, size), np.int32)
        count = walk(gaps, state, rows, cols, shape, pair[0], pair[1])
        pieces.append(pair[:, :count])
        full, drawn = count == size, drawn + count
        tell("drawing edges", min(drawn, int(expected)), int(expected))
    src, dst = np.concatenate(pieces, axis=1)
    return src, dst


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


_AXES = "xyz"


def random_geometric(
    num_nodes: int, radius: float, *, dimension: int = 2, generator: np.random.Generator
) -> Graph:
    """Scatter points over the unit square (cube) and join those within a radius.

    Parameters
    ----------
    num_nodes : int
        Number of points.
    radius : float
        Largest distance of two joined points, inclusive, in sides of the square.
    dimension : {2, 3}, default 2
        Square or cube.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected; weights are the distances, `Graph.positions` and the attributes ``x``,
        ``y`` (and ``z``) the points.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `num_nodes`, `radius` or `dimension` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import random_geometric
    >>> random_geometric(4, 2.0, generator=np.random.default_rng(0)).num_edges
    6
    """
    points = _points(num_nodes, dimension, generator)
    return _with_attributes(radius_graph(points, radius))


def delaunay(num_nodes: int, *, dimension: int = 2, generator: np.random.Generator) -> Graph:
    """Scatter points over the unit square (cube) and join those of one Delaunay triangle.

    Parameters
    ----------
    num_nodes : int
        Number of points, at least ``dimension + 1``.
    dimension : {2, 3}, default 2
        Square or cube.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Graph
        Undirected and connected; weights are the distances, `Graph.positions` and the
        attributes ``x``, ``y`` (and ``z``) the points.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `num_nodes` or `dimension` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import delaunay
    >>> delaunay(3, generator=np.random.default_rng(0)).num_edges
    3
    """
    points = _points(num_nodes, dimension, generator)
    integer(num_nodes, "num_nodes", dimension + 1)
    return _with_attributes(delaunay_graph(points))


def _points(num_nodes: int, dimension: int, generator: np.random.Generator) -> NDArray[np.float64]:
    dimension = integer(dimension, "dimension", 2, 3)
    return random_generator(generator).random((node_count(num_nodes), dimension))


def _with_attributes(graph: Graph) -> Graph:
    """Return the graph with its positions as attributes too: these are written to files."""
    columns = {} if graph.positions is None else dict(zip(_AXES, graph.positions.T, strict=False))
    return graph.replace(attributes={name: column.copy() for name, column in columns.items()})


# --- Graphs that grow, or change, edge by edge: preferential attachment, trees, small worlds

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
