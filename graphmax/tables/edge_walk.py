"""Two tables as they are after reading the nodes, and a walk over the edges with its refusals."""

from collections.abc import Callable
from typing import NamedTuple

from graphmax.kernels.stream import NO_EDGE
from graphmax.tables.database import Database
from graphmax.tables.duckdb_tables import Tables
from graphmax.tables.edge_stream import EdgeStream
from graphmax.tables.node_rows import NodeRows
from graphmax.tables.table_checks import TableChecks


class Read(NamedTuple):
    """A question whose node table is in memory and whose edges are ready to be walked."""

    tables: Tables
    checks: TableChecks
    nodes: NodeRows
    edges: EdgeStream
    expected_edges: int


def walk(db: Database, read: Read, name: str, take: Callable[..., int]) -> None:
    """Give every edge to `take`, which returns the position of one with an end outside, or -1."""
    with db.timed(name, read.expected_edges) as report:
        batches = read.edges.batches()
        bad = NO_EDGE
        for ends in batches:
            bad = take(*ends)
            if bad != NO_EDGE:
                break
            report(min(read.edges.num_edges, read.expected_edges))
        batches.close()  # a query that is not read to its end is in the way of the next
        if bad != NO_EDGE or read.edges.num_edges != read.expected_edges:
            _refuse_edges(read)


def _refuse_edges(read: Read) -> None:
    """Say which ids the node table lacks, or that an edge lacks an end."""
    if not read.checks.question.edges.is_raw:
        read.checks.num_edges()
        read.checks.refuse_unknown(read.tables.id_kind)
    raise read.checks.unknown(*read.edges.unknown(read.nodes.num_nodes))
