"""Detections that may miss by some hops: suppressed, then matched within a tolerance."""

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.kernels.ball import ball
from graphmax.nn.steps import Steps
from graphmax.peaks import non_maximum_suppression

Flags = NDArray[np.float64]


def found_within(
    steps: Steps,
    y: NDArray[np.bool_],
    decided: NDArray[np.bool_],
    logits: NDArray[np.float64],
    hops: int,
) -> tuple[Flags, Flags]:
    """Say which detections lie within so many hops of a true maximum, and the reverse.

    1 or 0 for each detection that suppression keeps, and for each true maximum; NaN for the other
    nodes. Arrows are dropped; without a tolerance the decisions stay as they are.
    """
    if hops == 0:
        return np.where(decided, y, np.nan), np.where(y, decided, np.nan)
    rows = steps.edge_index.cpu().numpy()
    graph = Graph.from_edges(rows[0], rows[1], steps.num_nodes)
    kept = np.zeros_like(y)
    kept[non_maximum_suppression(graph, logits, hops, where=decided)] = True
    near_truth = _within(graph, np.flatnonzero(y), hops)
    near_kept = _within(graph, np.flatnonzero(kept), hops)
    return np.where(kept, near_truth, np.nan), np.where(y, near_kept, np.nan)


def _within(graph: Graph, sources: NDArray[np.int64], hops: int) -> NDArray[np.bool_]:
    near = np.zeros(graph.num_nodes, np.bool_)
    if sources.size:
        rows = graph.adjacency("in")
        near[ball((rows.indptr, rows.indices, None), sources, hops)[0]] = True
    return near
