"""Degrees and strengths of nodes whose edges are a stream, as `node_measures` defines them."""

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.errors import refusal
from graphmax.kernels.node_measures import row_sums
from graphmax.kernels.progress import tell
from graphmax.kernels.stream import BACKWARD, BOTH_WAYS, FORWARD
from graphmax.kernels.stream_sums import add_weights, count_steps
from graphmax.tables.database import Database
from graphmax.tables.distinct_edges import DistinctEdges, Piece
from graphmax.tables.duckdb_tables import edges_query
from graphmax.tables.edge_stream import EdgeStream, QueryEdges
from graphmax.tables.edge_walk import Read, walk

# Weights of hard nodes that are summed at once.
TERMS_AT_ONCE = 1 << 22


def node_sums(db: Database, read: Read) -> NDArray[Any]:
    """Return the measure that a question asks for, by node number."""
    name, directed = read.tables.measure, read.tables.directed
    folder = db.folder / "distinct"
    edges = DistinctEdges(folder, read.nodes.num_nodes, read.expected_edges, merged=not directed)
    try:
        if name == "strength":
            _take_weighted(db, read, edges)
            edges.settle()
            return strengths(edges, read.nodes.num_nodes)
        walk(db, read, "reading edges", edges.take)
        edges.settle()
        ways = {"in_degree": FORWARD, "out_degree": BACKWARD} if directed else {}
        return degrees(edges, read.nodes.num_nodes, ways.get(name, BOTH_WAYS))
    finally:
        shutil.rmtree(folder)


def degrees(edges: DistinctEdges, num_nodes: int, ways: int) -> NDArray[np.uint32]:
    """Count the steps that end at each node."""
    count = np.zeros(num_nodes, np.uint32)
    for packed, _ in told("counting edges", edges):
        count_steps(packed, ways, count)
    return count


def _take_weighted(db: Database, read: Read, edges: DistinctEdges) -> None:
    name = read.checks.question.edges.name
    if not read.tables.has_weights:
        raise ValueError(
            f"`strength` must be asked of edges with weights, got none in {name}; use degree"
        )

    def take(src: NDArray[Any], dst: NDArray[Any], weight: NDArray[np.float64]) -> int:
        if np.isnan(weight).any():
            raise refusal(name, "have a weight in every row", "rows without")
        return edges.take(src, dst, weight)

    query = edges_query(read.tables, joined=not read.nodes.has_numbers, weighted=True)
    weighted = EdgeStream(QueryEdges(db, query), read.edges.numbering)
    walk(db, read._replace(edges=weighted), "reading edges", take)


def strengths(edges: DistinctEdges, num_nodes: int) -> NDArray[np.float64]:
    """Sum the weights of each node, the sum rounded once."""
    sums, rest = np.zeros(num_nodes), np.zeros(num_nodes)
    hard, count = np.zeros(num_nodes, np.bool_), np.zeros(num_nodes, np.uint32)
    for packed, weight in told("adding weights", edges):
        add_weights(packed, weight, BOTH_WAYS, sums, rest, hard)
        count_steps(packed, BOTH_WAYS, count)
    for nodes in _groups(np.flatnonzero(hard), count):
        sums[nodes] = _hard_sums(edges, nodes, num_nodes)
    return sums


def _groups(nodes: NDArray[np.int64], count: NDArray[np.uint32]) -> list[NDArray[np.int64]]:
    """Cut nodes into groups that have not too many weights together."""
    if not nodes.size:
        return []
    group = np.cumsum(count[nodes], dtype=np.int64) // TERMS_AT_ONCE
    return np.split(nodes, np.flatnonzero(np.diff(group)) + 1)


def _hard_sums(
    edges: DistinctEdges, nodes: NDArray[np.int64], num_nodes: int
) -> NDArray[np.float64]:
    """Sum the weights of a few nodes from all of their digits."""
    place = np.full(num_nodes, -1, np.int32)
    place[nodes] = np.arange(nodes.size)
    rows, terms = [np.zeros(0, np.int32)], [np.zeros(0)]
    for packed, weight in edges.pieces():
        for ends in (packed >> np.uint64(32), packed & np.uint64(0xFFFFFFFF)):
            at = place[ends]
            rows.append(at[at >= 0])
            terms.append(weight[at >= 0])
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=nodes.size))])
    return np.asarray(row_sums(indptr, np.concatenate(terms)[order]))


def told(name: str, edges: DistinctEdges) -> Iterator[Piece]:
    """Walk over the edges, and tell how far it is."""
    done = 0
    for piece in edges.pieces():
        yield piece
        done += piece.packed.size
        tell(name, done, edges.num_edges)
