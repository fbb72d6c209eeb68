"""One large graph in three parts: connected blocks, so that few balls reach across."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.datasets.recipe import SPLITS
from graphmax.graph import Graph
from graphmax.kernels.ball import ball, inherit
from graphmax.rule import Rule

_BACK = {"in": "out", "out": "in", "both": "both"}


class NodeSplit(NamedTuple):
    """A mask of nodes for each part, and the share of test balls that touch a training node."""

    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    touching: float


def split_nodes(
    graph: Graph,
    rule: Rule,
    shares: Sequence[float] = (0.6, 0.2, 0.2),
    *,
    num_blocks: int = 30,
    generator: np.random.Generator,
) -> NodeSplit:
    """Split the nodes of a graph by connected blocks.

    Blocks grow, step by step, around random nodes, at least one a connected component; whole
    blocks go to training, validation and test.

    Parameters
    ----------
    graph : Graph
        The graph.
    rule : Rule
        Whose balls are looked at for `touching`.
    shares : sequence of float (3,), default (0.6, 0.2, 0.2)
        Share of nodes that each part is to have; met as far as whole blocks allow.
    num_blocks : int, default 30
        Number of blocks, more where there are more components.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    NodeSplit
        Masks bool (num_nodes,) and the share of test nodes whose ball holds a training node.

    Raises
    ------
    ValueError
        If shares are not three numbers of at least 0 with a sum of 1.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax import Rule, grid_graph
    >>> from graphmax.datasets import split_nodes
    >>> parts = split_nodes(grid_graph((40, 40)), Rule(), generator=np.random.default_rng(0))
    >>> int((parts.train | parts.validation | parts.test).sum())
    1600
    """
    wanted = checked_shares(shares)
    block = _blocks(graph, num_blocks, generator)
    part = _parts(block, wanted, generator)
    train, validation, test = (part == number for number in range(len(SPLITS)))
    touched = _within_reach(graph, rule, train)[test]
    return NodeSplit(train, validation, test, float(touched.mean()) if touched.size else 0.0)


def checked_shares(shares: Sequence[float]) -> NDArray[np.float64]:
    """Return the shares of training, validation and test."""
    wanted = np.asarray(shares, np.float64)
    if wanted.shape != (3,) or wanted.min() < 0 or abs(wanted.sum() - 1) > 1e-9:
        raise ValueError(
            f"`shares` must be three numbers of at least 0 with a sum of 1, got {list(shares)}"
        )
    return wanted


def fill_shares(
    sizes: NDArray[np.int64], shares: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Deal things of these sizes, in this order, always to the part that lacks most."""
    part, lacking = np.empty(sizes.size, np.int64), shares * sizes.sum()
    for thing in order:
        part[thing] = np.argmax(lacking)
        lacking[part[thing]] -= sizes[thing]
    return part


def _blocks(graph: Graph, num_blocks: int, rng: np.random.Generator) -> NDArray[np.int64]:
    rows, order = graph.adjacency("both"), rng.permutation(graph.num_nodes)
    seeds = list(order[: max(num_blocks, 1)])
    block = np.full(graph.num_nodes, -1)
    while graph.num_nodes:
        found, _, parent = ball((rows.indptr, rows.indices, None), np.sort(seeds), np.inf)
        block[np.sort(seeds)] = np.arange(len(seeds))
        inherit(found, parent, block)
        rest = order[block[order] < 0]
        if not rest.size:
            break
        seeds += _one_a_component(graph, rest)
        block[:] = -1
    return block


def _one_a_component(graph: Graph, nodes: NDArray[np.int64]) -> list[int]:
    """Return the first of these nodes in each component that holds some."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows, count = graph.adjacency("both"), graph.num_nodes
    entries = np.ones(rows.indices.size, np.int8)
    matrix = csr_array((entries, rows.indices, rows.indptr), shape=(count, count))
    _, component = connected_components(matrix, directed=False)
    _, first = np.unique(component[nodes], return_index=True)
    return list(nodes[np.sort(first)])


def _parts(
    block: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    sizes = np.bincount(block) if block.size else np.zeros(0, np.int64)
    return fill_shares(sizes, shares, rng.permutation(sizes.size))[block]


def _within_reach(graph: Graph, rule: Rule, targets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell whose ball holds a target: walk from the targets, backwards."""
    near = np.zeros(graph.num_nodes, np.bool_)
    if targets.any():
        rows = graph.adjacency(_BACK[rule.filled().direction])
        weights = None if rule.reach is not None else rows.weights
        limit = rule.radius if rule.reach is None else rule.reach
        found, *_ = ball((rows.indptr, rows.indices, weights), np.flatnonzero(targets), limit)
        near[found] = True
    return near
