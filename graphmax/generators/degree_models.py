"""Graphs with given degrees, exactly or in their tail: configuration model and R-MAT."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from graphmax.checks import integer, number, random_generator
from graphmax.graph import Graph
from graphmax.kernels.progress import in_chunks
from graphmax.kernels.random import draw

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
