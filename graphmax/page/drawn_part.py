"""Which nodes and edges of a graph are drawn: all of a small one, the peaks' country of a large."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.layout import pivot_layout, placed, spring_layout
from graphmax.peaks import Peaks

MOST_NODES = 20_000
MOST_EDGES = 120_000
_MOST_BY_SPRINGS = 180  # they take a second; pivots place ten thousand nodes in a hundredth
_SIDE = 10_000


@dataclass(frozen=True)
class DrawnPart:
    """The nodes that are drawn, int64 ascending, their places, and edges between them.

    `xy` is int64 (d, 2) from 0 to 10,000, `places` (n, 2) the same of every node; `edges` int64
    (2, e), positions in `nodes`.
    `is_whole` says whether every node and edge is there.
    """

    nodes: NDArray[np.int64]
    xy: NDArray[np.int64]
    places: NDArray[np.int64]
    edges: NDArray[np.int64]
    is_whole: bool


def drawn_part(graph: Graph, tables: Sequence[Peaks], seed: int = 0) -> DrawnPart:
    """Choose what is drawn and place it."""
    nodes = _nodes(graph, tables, seed)
    edges, is_whole = _edges(graph, nodes, seed)
    places = _scaled(_places(graph, seed), nodes)
    is_whole = is_whole and nodes.size == graph.num_nodes
    return DrawnPart(nodes, places[nodes], places, edges, is_whole)


def _nodes(graph: Graph, tables: Sequence[Peaks], seed: int) -> NDArray[np.int64]:
    """Return all nodes, or peaks by prominence, their neighbors, and a random sample."""
    count = graph.num_nodes
    if count <= MOST_NODES:
        return np.arange(count)
    rows, chosen = graph.adjacency("both"), np.zeros(count, np.bool_)
    for table in tables:
        by_prominence = np.argsort(-table.prominence, kind="stable")
        tops = table.node[by_prominence[: MOST_NODES // (4 * len(tables))]]
        chosen[tops] = True
        for column in (table.nearest_higher, table.key_saddle):
            beside = column[by_prominence[:200]]
            chosen[beside[beside >= 0]] = True
        for top in tops:
            if np.count_nonzero(chosen) > 3 * MOST_NODES // 4:
                break
            chosen[rows.indices[rows.indptr[top] : rows.indptr[top + 1]]] = True
    left = np.flatnonzero(~chosen)
    missing = min(max(MOST_NODES - int(chosen.sum()), 0), left.size)
    chosen[np.random.default_rng(seed).choice(left, missing, replace=False)] = True
    return np.flatnonzero(chosen)


def _edges(graph: Graph, nodes: NDArray[np.int64], seed: int) -> tuple[NDArray[Any], bool]:
    """Return the edges between drawn nodes, a sample of them where there are too many."""
    place = np.full(graph.num_nodes, -1, np.int64)
    place[nodes] = np.arange(nodes.size)
    edges = place[graph.edges()]
    inside: NDArray[Any] = edges[:, (edges >= 0).all(axis=0)]
    if inside.shape[1] <= MOST_EDGES:
        return inside, True
    kept = np.random.default_rng(seed).choice(inside.shape[1], MOST_EDGES, replace=False)
    return inside[:, np.sort(kept)], False


def _places(graph: Graph, seed: int) -> NDArray[np.float64]:
    """Return where the nodes are, or a layout."""
    known = placed(graph)
    if known is not None and np.isfinite(known).all():
        return known
    if graph.num_nodes <= _MOST_BY_SPRINGS:
        return spring_layout(graph, seed)
    return pivot_layout(graph, seed)


def _scaled(xy: NDArray[Any], drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bring the drawn places into a square, and all others along, with their proportions."""
    if not len(drawn):
        return np.zeros((len(xy), 2), np.int64)
    low, side = xy[drawn].min(axis=0), float(np.ptp(xy[drawn], axis=0).max()) or 1.0
    return np.asarray(np.rint((xy - low) / side * _SIDE), np.int64)
