"""Graphs whose edges are independent of each other: Erdos-Renyi and the stochastic block model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.checks import node_count, number, random_generator
from graphmax.graph import Graph
from graphmax.kernels.progress import tell
from graphmax.kernels.random import RECTANGLE, TRIANGLE, walk

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
