"""`GraphFilter` on a stream: each round is a pass of sums over edges kept once, on disk."""

import shutil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.kernels.stream import BOTH_WAYS
from graphmax.kernels.stream_sums import add_terms
from graphmax.tables.database import Database
from graphmax.tables.distinct_edges import DistinctEdges
from graphmax.tables.edge_walk import Read, walk
from graphmax.tables.node_sums import degrees, told

if TYPE_CHECKING:
    from graphmax.nn import GraphFilter

_NODES_AT_ONCE = 1 << 18


class Factors(NamedTuple):
    """What a filter multiplies by, one row for each `degree` that occurs: b and a, each (d, 2)."""

    degree: NDArray[np.int64]
    own: NDArray[np.float64]
    passed: NDArray[np.float64]


def filtered(
    db: Database, read: Read, graph_filter: "GraphFilter", x: NDArray[np.float64], ways: int
) -> NDArray[np.float64]:
    """Return what a filter makes of an attribute, by node number; `x` is overwritten."""
    x -= float(graph_filter.mean)
    x /= float(graph_filter.std)
    folder = db.folder / "distinct"
    edges = DistinctEdges(folder, x.size, read.expected_edges, merged=ways == BOTH_WAYS)
    try:
        walk(db, read, "reading edges", edges.take)
        edges.settle()
        degree = degrees(edges, x.size, ways)
        factors = _factors(graph_filter, degree)
        held, asked = np.zeros((x.size, 2)), np.zeros((x.size, 2))
        _renew(held, asked, x, degree, factors)
        for turn in range(1, graph_filter.order + 1):
            asked[:] = 0.0
            for packed, _ in told(f"round {turn} of {graph_filter.order}", edges):
                add_terms(packed, ways, held, asked)
            _renew(held, asked, x, degree, factors)
    finally:
        shutil.rmtree(folder)
    return np.ascontiguousarray(held[:, 0])


def _factors(graph_filter: "GraphFilter", degree: NDArray[np.uint32]) -> Factors:
    import torch

    known = np.flatnonzero(np.bincount(degree))
    with torch.no_grad():
        own, passed = graph_filter.factors(torch.from_numpy(known).double())
    return Factors(known, own.cpu().numpy(), passed.cpu().numpy())


def _renew(
    held: NDArray[np.float64],
    asked: NDArray[np.float64],
    y: NDArray[np.float64],
    degree: NDArray[np.uint32],
    factors: Factors,
) -> None:
    """Write ``b y + a P h`` over h, where `asked` is A h."""
    for start in range(0, y.size, _NODES_AT_ONCE):
        rows = slice(start, start + _NODES_AT_ONCE)
        number = np.searchsorted(factors.degree, degree[rows])
        own, passed = factors.own[number], factors.passed[number]
        share = 1 / np.maximum(degree[rows], 1)
        real, imaginary = (asked[rows] * share[:, None]).T
        held[rows] = own * y[rows, None]
        held[rows, 0] += passed[:, 0] * real - passed[:, 1] * imaginary
        held[rows, 1] += passed[:, 0] * imaginary + passed[:, 1] * real
