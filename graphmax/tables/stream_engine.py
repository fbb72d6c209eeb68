"""Stream: one compiled pass a hop over the edges wherever they lie, the nodes in memory.

One hop keeps some 12 bytes a node; several keep two owners of four bytes each, once for the last
hop and once for the one that is being made. After a complete hop of a long run the owners are
saved beside the result, so that a run that was killed goes on from there.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.kernels import stream
from graphmax.kernels.stream_rounds import Hops
from graphmax.tables.answer import TableAnswer
from graphmax.tables.capacity import check_lookup, check_room, free_for_duckdb
from graphmax.tables.database import Database, database
from graphmax.tables.duckdb_tables import DUCKDB, Tables, edges_query, open_tables
from graphmax.tables.edge_stream import EdgeStream, Numbering, QueryEdges, RawEdges
from graphmax.tables.node_rows import NodeRows, label_columns, lookup_of, read_nodes, write_labels
from graphmax.tables.scratch import Workplace, publish
from graphmax.tables.table_checks import TableChecks
from graphmax.tables.table_question import TableQuestion
from graphmax.ties import TIES

WAYS = {"in": stream.FORWARD, "out": stream.BACKWARD, "both": stream.BOTH_WAYS}
# A hop is saved when making it again would take longer than this.
SECONDS_WORTH_SAVING = 20.0


class Read(NamedTuple):
    """A question whose node table is in memory and whose edges are ready to be walked."""

    tables: Tables
    checks: TableChecks
    nodes: NodeRows
    edges: EdgeStream
    expected_edges: int


class Labels(NamedTuple):
    """The answer by node number: `rival` is -1 for none, or None where nobody asked."""

    is_maximum: NDArray[np.bool_]
    rival: NDArray[np.int32] | None


def run(question: TableQuestion, place: Workplace, memory: int | None) -> TableAnswer:
    """Answer a question; `memory` bounds the state of the nodes and what DuckDB takes."""
    with database(place.space, free_for_duckdb(question, memory)) as db:
        read = read_tables(db, question, memory)
        labels = _labels(db, question, read, place)
        read.nodes.key = np.zeros(0, np.int64)
        made = write_labels(db, question, read.nodes, label_columns(*labels), place.beside)
    publish(made, Path(question.out))
    return TableAnswer(
        question.out,
        "stream",
        read.nodes.num_nodes,
        read.expected_edges,
        int(labels.is_maximum.sum()),
        tuple(db.stages),
    )


def read_tables(db: Database, question: TableQuestion, memory: int | None) -> Read:
    """Open both tables and read the one of the nodes."""
    checks = TableChecks(question, db.rows, DUCKDB)
    tables = open_tables(db, question, checks)
    num_nodes = checks.num_nodes()
    check_room(question, num_nodes, memory)
    minima = question.rule.extremum == "min"
    nodes = read_nodes(db, checks, tables, num_nodes, minima=minima)
    if nodes.ids is not None:
        check_lookup(question, num_nodes, memory)
    numbering = Numbering(nodes.first or 0, lookup_of(nodes, checks))
    if question.edges.is_raw:
        raw = RawEdges(question.edges)
        return Read(tables, checks, nodes, EdgeStream(raw, numbering), raw.num_edges)
    (expected,) = db.row("SELECT count(*) FROM raw_edges")
    source = QueryEdges(db, edges_query(db, tables, expected))
    return Read(tables, checks, nodes, EdgeStream(source, numbering), int(expected))


def walk(
    db: Database, read: Read, name: str, take: Callable[[NDArray[Any], NDArray[Any]], int]
) -> None:
    """Give every edge to `take`, which returns the position of one with an end outside, or -1."""
    with db.timed(name, read.expected_edges) as report:
        batches = read.edges.batches()
        bad = stream.NO_EDGE
        for src, dst in batches:
            bad = take(src, dst)
            if bad != stream.NO_EDGE:
                break
            report(min(read.edges.num_edges, read.expected_edges))
        batches.close()  # a query that is not read to its end is in the way of the next
        if bad != stream.NO_EDGE or read.edges.num_edges != read.expected_edges:
            _refuse_edges(read)


def _refuse_edges(read: Read) -> None:
    """Say which ids the node table lacks, or that an edge lacks an end."""
    if not read.checks.question.edges.is_raw:
        read.checks.num_edges()
        read.checks.refuse_unknown(read.tables.id_kind)
    raise read.checks.unknown(*read.edges.unknown(read.nodes.num_nodes))


def _labels(db: Database, question: TableQuestion, read: Read, place: Workplace) -> Labels:
    nodes, ways = read.nodes, WAYS[question.steps(read.tables.directed)]
    code, apart = TIES[question.rule.ties].code, not question.rule.isolated
    if question.hops == 1 and not question.explain:
        hop = stream.OneHop(nodes.key, nodes.absent, code, ways, neighbors=apart)
        walk(db, read, "hop 1 of 1", hop.take)
        mask = hop.unchallenged()
        return Labels(mask & hop.has_neighbor() if apart else mask, None)
    hops = Hops(nodes.key, nodes.absent, code, ways, neighbors=apart)
    nodes.key = np.zeros(0, np.int64)
    _hop_by_hop(db, question, read, hops, place)
    mask = hops.open & hops.joined if apart else hops.open
    return Labels(mask, hops.rivals() if question.explain else None)


def _hop_by_hop(
    db: Database, question: TableQuestion, read: Read, hops: Hops, place: Workplace
) -> None:
    saved = SavedHops(place.kept, hops) if place.kept is not None else None
    if saved is not None:
        saved.restore()
    while hops.hops < question.hops:
        if hops.settled or (not question.explain and not hops.open.any()):
            break
        began = perf_counter()
        is_last = hops.hops == question.hops - 1
        hops.begin(last=is_last and not question.explain and question.hops > 1)
        walk(db, read, f"hop {hops.hops + 1} of {question.hops}", hops.take)
        hops.end()
        if saved is not None and not is_last and perf_counter() - began > SECONDS_WORTH_SAVING:
            saved.save()


class SavedHops:
    """The state after a complete hop, in a folder that outlives a killed run."""

    def __init__(self, folder: Path, hops: Hops) -> None:
        self._folder, self._hops = folder, hops

    def save(self) -> None:
        """Write the state down; the file of the hop before goes when this one is complete."""
        hops = self._hops
        made = self._folder / f"making-{hops.hops}"
        with made.open("wb") as file:
            for array in (hops.two, hops.open, hops.joined):
                np.save(file, array, allow_pickle=False)
            file.flush()
        made.replace(self._folder / f"hop-{hops.hops}")
        for older in self._folder.glob("hop-*"):
            if older.name != f"hop-{hops.hops}":
                older.unlink()

    def restore(self) -> None:
        """Go on after the last complete hop, if there is one."""
        for file in sorted(self._folder.glob("hop-*")):
            with file.open("rb") as stream_of_arrays:
                arrays = [np.load(stream_of_arrays, allow_pickle=False) for _ in range(3)]
            self._hops.two, self._hops.open, self._hops.joined = arrays
            self._hops.hops = int(file.name.removeprefix("hop-"))
