"""Stream: one compiled pass a hop over the edges wherever they lie, the nodes in memory.

One hop keeps some 12 bytes a node; several keep two owners of four bytes each, once for the last
hop and once for the one that is being made. After a complete hop of a long run the owners are
saved beside the result, so that a run that was killed goes on from there.
"""

from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.kernels import stream
from graphmax.kernels.stream_order import ranked
from graphmax.kernels.stream_rounds import Hops
from graphmax.tables.answer import TableAnswer, Workplace, publish
from graphmax.tables.database import Database, database
from graphmax.tables.duckdb_tables import (
    DUCKDB,
    Tables,
    edges_query,
    number_edges,
    open_tables,
)
from graphmax.tables.edge_stream import EdgeStream, Numbering, QueryEdges, RawEdges, Read, walk
from graphmax.tables.node_rows import NodeRows, label_columns, lookup_of, read_nodes, write_labels
from graphmax.tables.node_sums import node_sums
from graphmax.tables.sql import TableChecks
from graphmax.tables.table_question import (
    TableQuestion,
    check_lookup,
    check_room,
    check_sums,
    free_for_duckdb,
    has_room_for_lookup,
)
from graphmax.ties import TIES

WAYS = {"in": stream.FORWARD, "out": stream.BACKWARD, "both": stream.BOTH_WAYS}
# A hop is saved when making it again would take longer than this.
SECONDS_WORTH_SAVING = 20.0


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
        columns = label_columns(*labels, read.nodes.values)
        made = write_labels(db, question, read.nodes, columns, place.beside)
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
    """Open both tables and read the one of the nodes; what to compare may be made of the edges."""
    checks = TableChecks(question, db.rows, DUCKDB)
    tables = open_tables(db, question, checks)
    num_nodes = checks.num_nodes()
    check_room(question, num_nodes, memory)
    minima = question.rule.extremum == "min"
    keep_ids = question.edges.is_raw or has_room_for_lookup(question, num_nodes, memory)
    nodes = read_nodes(db, checks, tables, num_nodes, minima=minima, keep_ids=keep_ids)
    if nodes.ids is not None:
        check_lookup(question, num_nodes, memory)
    read = Read(tables, checks, nodes, *_edges(db, question, tables, nodes, checks))
    if tables.measure:
        check_sums(tables.measure, num_nodes, memory)
        nodes.set_values(node_sums(db, read), minima=minima)
    return read


def _edges(
    db: Database, question: TableQuestion, tables: Tables, nodes: NodeRows, checks: TableChecks
) -> tuple[EdgeStream, int]:
    """Return the edges by node number, and how many there are."""
    numbering = Numbering(nodes.first or 0, lookup_of(nodes, checks))
    if question.edges.is_raw:
        raw = RawEdges(question.edges)
        return EdgeStream(raw, numbering), raw.num_edges
    (expected,) = db.row("SELECT count(*) FROM raw_edges")
    joined = not nodes.has_numbers
    if joined:
        number_edges(db, tables, expected)
    return EdgeStream(QueryEdges(db, edges_query(tables, joined=joined)), numbering), int(expected)


def _labels(db: Database, question: TableQuestion, read: Read, place: Workplace) -> Labels:
    nodes, ways = read.nodes, WAYS[question.steps(read.tables.directed)]
    code, apart = TIES[question.rule.ties].code, not question.rule.isolated
    if question.hops == 1 and not question.explain:
        hop = stream.OneHop(nodes.key, nodes.absent, code, ways, neighbors=apart)
        walk(db, read, "hop 1 of 1", hop.take)
        mask = hop.unchallenged()
        return Labels(mask & hop.has_neighbor() if apart else mask, None)
    ranking = ranked(nodes.key, nodes.absent)
    nodes.key = np.zeros(0, np.int64)  # what a round needs takes its place
    size = nodes.num_nodes
    hops = Hops(ranking, size, code, ways, neighbors=apart, rivals=question.explain)
    del ranking
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
            if arrays[0].dtype != np.uint64:  # left by version 0.1: made again
                continue
            self._hops.two, self._hops.open, self._hops.joined = arrays
            self._hops.hops = int(file.name.removeprefix("hop-"))
