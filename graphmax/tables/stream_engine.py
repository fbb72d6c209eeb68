"""Stream: one compiled pass a hop over the edges wherever they lie, the nodes in memory.

One hop keeps some 12 bytes a node; several keep two owners of four bytes each, once for the last
hop and once for the one that is being made. After a complete hop of a long run the owners are
saved beside the result, so that a run that was killed goes on from there.

Degrees, strengths and means of neighbors come over a stream as in `node_measures`.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.files.errors import refusal
from graphmax.kernels import stream
from graphmax.kernels.compiled import tell
from graphmax.kernels.node_measures import row_sums
from graphmax.kernels.stream import BACKWARD, BOTH_WAYS, FORWARD, ranked
from graphmax.kernels.stream_rounds import Hops, add_weights, count_steps
from graphmax.node_measures import NEIGHBOR_MEAN, exact_terms, row_means
from graphmax.tables.answer import TableAnswer, Workplace, publish
from graphmax.tables.database import (
    DUCKDB,
    Database,
    Tables,
    database,
    edges_query,
    number_edges,
    open_tables,
)
from graphmax.tables.edge_stream import (
    DistinctEdges,
    EdgeStream,
    NodeRows,
    Numbering,
    Piece,
    QueryEdges,
    RawEdges,
    Read,
    label_columns,
    lookup_of,
    read_nodes,
    walk,
    write_labels,
)
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

# Weights of hard nodes that are summed at once.
TERMS_AT_ONCE = 1 << 22
NODES_AT_ONCE = 1 << 20


def node_sums(db: Database, read: Read) -> NDArray[Any]:
    """Return the measure that a question asks for, by node number."""
    name, directed = read.tables.measure, read.tables.directed
    term, size = name.removeprefix(NEIGHBOR_MEAN), read.nodes.num_nodes
    folder = db.folder / "distinct"
    edges = DistinctEdges(folder, size, read.expected_edges, merged=not directed)
    try:
        if term == "strength" and not read.tables.term_kind:
            _take_weighted(db, read, edges)
        else:
            walk(db, read, "reading edges", edges.take)
        edges.settle()
        terms = _terms(db, read, term, edges)
        return terms if term == name else neighbor_means(edges, exact_terms(terms, term))
    finally:
        shutil.rmtree(folder)


def _terms(db: Database, read: Read, name: str, edges: DistinctEdges) -> NDArray[Any]:
    """Return a measure that is no mean, or the column that means are made of."""
    size, kind = read.nodes.num_nodes, read.tables.term_kind
    if kind:
        return _column(db, kind, name, size)
    if name == "strength":
        return strengths(edges, size)
    ways = {"in_degree": FORWARD, "out_degree": BACKWARD} if read.tables.directed else {}
    return degrees(edges, size, ways.get(name, BOTH_WAYS))


def _column(db: Database, kind: str, name: str, size: int) -> NDArray[np.float64]:
    """Read the numbers of the node table that means are made of."""
    terms, at = np.empty(size), 0
    if kind not in DUCKDB.integers | DUCKDB.floats | {"BOOLEAN"}:
        raise TypeError(f"`{NEIGHBOR_MEAN}` must be of one number a node, got {kind} in {name!r}")
    for (batch,) in db.batches(f"SELECT term::{kind} AS term FROM raw_nodes"):  # noqa: S608
        missing = np.zeros(batch.values.size, np.bool_) if batch.missing is None else batch.missing
        part = np.ma.MaskedArray(batch.values, missing)
        terms[at : at + part.size] = exact_terms(part, name)
        at += part.size
    return terms


def degrees(edges: DistinctEdges, num_nodes: int, ways: int) -> NDArray[np.uint32]:
    """Count the steps that end at each node."""
    count = np.zeros(num_nodes, np.uint32)
    for packed, _ in with_progress("counting edges", edges):
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
    exact = _exact_sums(edges, num_nodes, lambda piece: (piece.weight, piece.weight))
    for nodes, indptr, terms in exact.hard:
        exact.sums[nodes] = row_sums(indptr, terms)
    return exact.sums


def neighbor_means(edges: DistinctEdges, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide the sum of what the neighbors have by their number, as `neighbor_mean` does."""

    def terms_of(piece: Piece) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return x[piece.packed >> np.uint64(32)], x[piece.packed & np.uint64(0xFFFFFFFF)]

    sums, rest, count, hard = _exact_sums(edges, x.size, terms_of)
    two, means = np.arange(0, 2 * NODES_AT_ONCE + 1, 2), np.empty(x.size)
    for first in range(0, x.size, NODES_AT_ONCE):
        rows = slice(first, first + NODES_AT_ONCE)
        terms = np.stack([sums[rows], rest[rows]], axis=1)
        means[rows] = row_means(two[: len(terms) + 1], terms.reshape(-1), count[rows])
    for nodes, indptr, terms in hard:
        means[nodes] = row_means(indptr, terms, count[nodes])
    return means


# What a step from the first end of an edge to the second adds there, and the reverse.
TermsOf = Callable[[Piece], tuple[NDArray[np.float64], NDArray[np.float64]]]


class _Exact(NamedTuple):
    """Sums in two floats, and rows of terms of the nodes that need more, group by group."""

    sums: NDArray[np.float64]
    rest: NDArray[np.float64]
    num_steps: NDArray[np.uint32]
    hard: Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]


def _exact_sums(edges: DistinctEdges, num_nodes: int, terms_of: TermsOf) -> _Exact:
    """Add up terms along the steps of all edges, either way."""
    sums, rest = np.zeros(num_nodes), np.zeros(num_nodes)
    hard, count = np.zeros(num_nodes, np.bool_), np.zeros(num_nodes, np.uint32)
    for piece in with_progress("adding up", edges):
        for way, terms in zip((FORWARD, BACKWARD), terms_of(piece), strict=True):
            add_weights(piece.packed, terms, way, sums, rest, hard)
        count_steps(piece.packed, BOTH_WAYS, count)
    groups = _groups(np.flatnonzero(hard), count)
    rows = ((nodes, *_rows_of(edges, nodes, num_nodes, terms_of)) for nodes in groups)
    return _Exact(sums, rest, count, rows)


def _groups(nodes: NDArray[np.int64], count: NDArray[np.uint32]) -> list[NDArray[np.int64]]:
    """Cut nodes into groups that have not too many weights together."""
    if not nodes.size:
        return []
    group = np.cumsum(count[nodes], dtype=np.int64) // TERMS_AT_ONCE
    return np.split(nodes, np.flatnonzero(np.diff(group)) + 1)


def _rows_of(
    edges: DistinctEdges, nodes: NDArray[np.int64], num_nodes: int, terms_of: TermsOf
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Gather the terms of a few nodes, row by row."""
    place = np.full(num_nodes, -1, np.int32)
    place[nodes] = np.arange(nodes.size)
    rows, terms = [np.zeros(0, np.int32)], [np.zeros(0)]
    for piece in edges.pieces():
        ends = piece.packed & np.uint64(0xFFFFFFFF), piece.packed >> np.uint64(32)
        for end, each in zip(ends, terms_of(piece), strict=True):
            at = place[end]
            rows.append(at[at >= 0])
            terms.append(each[at >= 0])
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=nodes.size))])
    return indptr, np.concatenate(terms)[order]


def with_progress(name: str, edges: DistinctEdges) -> Iterator[Piece]:
    """Walk over the edges, and tell how far it is."""
    done = 0
    for piece in edges.pieces():
        yield piece
        done += piece.packed.size
        tell(name, done, edges.num_edges)


# --- Stream: one compiled pass a hop over the edges wherever they lie, the nodes in memory

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
