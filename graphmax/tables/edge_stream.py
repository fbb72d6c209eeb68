"""Edges as a stream: the ends of some million edges at a time, as numbers of nodes.

A stream may be walked several times, once a hop. What comes is never kept, but for sums: a maximum
may meet an edge twice, a sum may not. Then each edge is kept once, on disk. Edges are dealt to
files by a mix of both ends, so that repeats meet in one file. One file at a time fits in memory,
is sorted and written back without repeats; then it can be walked again and again.

Of the node table it is here that every row gets a key, ids become numbers, and labels are written.
"""

import errno
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import literal
from graphmax.files.errors import refusal
from graphmax.kernels.compare import UNKNOWN, IdLookup
from graphmax.kernels.compiled import tell
from graphmax.kernels.stream import NO_EDGE
from graphmax.kernels.stream_rounds import deal, only_once
from graphmax.tables.answer import TableFiles
from graphmax.tables.database import Column, Database, Tables, nodes_query, number_nodes
from graphmax.tables.sql import TableChecks, full_disk
from graphmax.tables.table_question import TableQuestion
from graphmax.values import order_key


class NodeRows:
    """Keys, absent nodes and ids of the node table, in the order of its rows.

    `key` is int64 (n,), larger is more extreme; `absent` bool (n,) or (0,). Ids that are integers
    in a row are `first` and what follows; others are `ids`, int64 (n,), unless there is no room for
    them; these and text stay in DuckDB. `values` is what the edges said of the nodes, or None.
    """

    def __init__(self, num_nodes: int, *, has_ids: bool, keep_ids: bool = True) -> None:
        self.num_nodes, self._keep_ids = num_nodes, keep_ids
        self.key = np.empty(num_nodes, np.int64)
        self.absent = np.zeros(0, np.bool_)
        self.first: int | None = 0 if has_ids else None
        self.ids: NDArray[np.int64] | None = None
        self.values: NDArray[Any] | None = None
        self._at = 0

    def take(self, values: Column, ids: Column | None) -> None:
        """Add some rows."""
        rows = slice(self._at, self._at + values.values.size)
        self._take_values(values, rows)
        if ids is not None:
            self._take_ids(ids.values.astype(np.int64, copy=False), rows)
        self._at = rows.stop

    def _take_values(self, column: Column, rows: slice) -> None:
        key, absent = order_key(column.values)
        self.key[rows] = key
        if column.missing is not None:
            absent = column.missing if absent is None else absent | column.missing
        if absent is not None and absent.any():
            if not self.absent.size:
                self.absent = np.zeros(self.num_nodes, np.bool_)
            self.absent[rows] = absent

    def _take_ids(self, ids: NDArray[np.int64], rows: slice) -> None:
        if rows.start == 0 and ids.size:
            self.first = int(ids[0])
        if self.ids is None and self.first is not None:
            start, stop = self.first + rows.start, self.first + rows.stop
            if np.array_equal(ids, np.arange(start, stop)):
                return
            if self._keep_ids:
                self.ids = np.empty(self.num_nodes, np.int64)
                self.ids[: rows.start] = np.arange(self.first, start)
            self.first = None
        if self.ids is not None:
            self.ids[rows] = ids

    def set_values(self, values: NDArray[Any], *, minima: bool) -> None:
        """Compare the nodes by what the edges said of them."""
        self.values, self.key = values, order_key(values).key
        if minima:
            self.key = ~self.key

    @property
    def has_numbers(self) -> bool:
        """Whether ids become numbers here, not in DuckDB."""
        return self.first is not None or self.ids is not None


def read_nodes(
    db: Database,
    checks: TableChecks,
    tables: Tables,
    num_nodes: int,
    *,
    minima: bool,
    keep_ids: bool,
) -> NodeRows:
    """Read the node table once, and check its rows."""
    number_nodes(db, tables, num_nodes)
    has_ids = tables.id_kind == "BIGINT"
    nodes = NodeRows(num_nodes, has_ids=has_ids, keep_ids=keep_ids)
    for batch in _batches(db, nodes_query(tables), num_nodes):
        *ids, values = batch
        nodes.take(values, ids[0] if ids else None)
    if nodes.absent.size:
        checks.check_values(tables.kind)
    if not nodes.has_numbers:
        checks.check_repeats()
    if minima:
        np.invert(nodes.key, out=nodes.key)
    return nodes


def _batches(db: Database, query: str, total: int) -> Iterator[tuple[Column, ...]]:
    done = 0
    with db.timed("reading nodes", total) as report:
        for batch in db.batches(query):
            yield batch
            done += batch[0].values.size
            report(done)


def lookup_of(nodes: NodeRows, checks: TableChecks) -> IdLookup | None:
    """Return what numbers ids that are no row of integers, refusing repeated ones."""
    if nodes.ids is None:
        return None
    lookup = IdLookup(nodes.ids)
    if lookup.repeat != UNKNOWN:
        checks.check_repeats()
    return lookup


# ruff: noqa: S608 - table names are this package's own


def write_labels(
    db: Database, question: TableQuestion, nodes: NodeRows, columns: dict[str, Any], folder: Path
) -> Path:
    """Write ``is_maximum`` and, if asked for, ``rival``, both by node number, beside the ids."""
    ending = Path(question.out).suffix.lower() if question.is_file else ""
    made = folder / f"labels{ending}"
    settings = "FORMAT csv, HEADER true" if ending == ".csv" else "FORMAT parquet"
    settings += ", USE_TMP_FILE false" if question.is_file else ", PER_THREAD_OUTPUT true"
    if ending != ".csv" and nodes.has_numbers:  # integers as differences: a fiftieth of the bytes
        settings += ", PARQUET_VERSION V2"
    ids = {} if nodes.ids is None else {"id": nodes.ids}
    db.connection.register("found", {**ids, **columns})
    rows = _rows(nodes, explain="rival" in columns, measured="rival_value" in columns)
    db.stage(
        "writing labels", nodes.num_nodes, f"COPY ({rows}) TO {literal(str(made))} ({settings})"
    )
    db.connection.unregister("found")
    return made


def _rows(nodes: NodeRows, *, explain: bool, measured: bool) -> str:
    if explain:
        numbered = "SELECT row_number() OVER () - 1 AS node, * FROM found"
        value = "CASE WHEN f.rival >= 0 THEN f.rival_value END" if measured else "o.value"
        return (
            f"SELECT g.id, f.is_maximum, o.id AS rival, {value} AS rival_value FROM ({numbered}) f "
            "JOIN given g ON g.node = f.node LEFT JOIN given o ON o.node = f.rival"
        )
    if nodes.ids is not None:
        return "SELECT id, is_maximum FROM found"
    if nodes.first is not None:
        first = np.int64(nodes.first)
        return f"SELECT ({first} + row_number() OVER () - 1)::BIGINT AS id, is_maximum FROM found"
    return "SELECT g.id, f.is_maximum FROM given g POSITIONAL JOIN found f"


def label_columns(
    is_maximum: NDArray[np.bool_], rival: NDArray[Any] | None, values: NDArray[Any] | None
) -> dict[str, NDArray[Any]]:
    """Return the columns by node number; `values` where the node table does not hold them."""
    columns = {"is_maximum": is_maximum}
    if rival is not None:
        columns["rival"] = rival
        if values is not None:
            columns["rival_value"] = values[rival]
    return columns


# --- Edges as a stream: the ends of some million edges at a time, as numbers of nodes

# Enough for the compiled passes, and 32 MB as two columns of int64.
EDGES_PER_BATCH = 1 << 21

# Sources, targets, and what else a query gives.
Ends = tuple[NDArray[Any], ...]


class Numbering(NamedTuple):
    """From ids to numbers: less `first`, or by `lookup`; neither where they are numbers already."""

    first: int
    lookup: IdLookup | None

    def __call__(self, ids: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of some ids; one outside the table where the table lacks the id."""
        if self.lookup is not None:
            found: NDArray[np.int32] = self.lookup.find(ids.astype(np.int64, copy=False))
            return found
        if ids.dtype not in (np.int32, np.int64):
            narrow = np.can_cast(ids.dtype, np.int32)
            ids = ids.astype(np.int32 if narrow else np.int64)
        return ids - np.int64(self.first) if self.first else ids


class EdgeStream:
    """The edges of a question, batch by batch.

    `num_edges` is known after the first walk.
    """

    def __init__(self, source: Callable[[], Iterator[Ends]], numbering: Numbering) -> None:
        self._source, self.numbering = source, numbering
        self.num_edges = 0

    def batches(self) -> Generator[Ends, None, None]:
        """Walk over all edges, up to the first batch in which an edge lacks an end."""
        self.num_edges = 0
        for src, dst, *more in self._source():
            self.num_edges += src.size
            yield self.numbering(src), self.numbering(dst), *more

    def unknown(self, num_nodes: int) -> tuple[list[object], int]:
        """Return the first five ids that the node table lacks, and how many there are."""
        found: set[int] = set()
        for ends in self._source():
            for ids in ends[:2]:
                number = self.numbering(ids)
                found.update(ids[(number < 0) | (number >= num_nodes)].tolist())
        return list(sorted(found)[:5]), len(found)


class QueryEdges:
    """The rows of a query that starts with ``src`` and ``dst``, gathered to large batches.

    It ends before a batch that holds a NULL.
    """

    def __init__(self, db: Database, query: str) -> None:
        self._db, self._query = db, query

    def __call__(self) -> Iterator[Ends]:
        """Run the query and yield its rows."""
        gathered: list[NDArray[Any]] | None = None
        size = 0
        for columns in self._db.batches(self._query):
            if any(column.missing is not None for column in columns):
                return
            if gathered is None:
                gathered = [np.empty(EDGES_PER_BATCH, _dtype(column)) for column in columns]
            at, rows = 0, columns[0].values.size
            while at < rows:
                take = min(rows - at, EDGES_PER_BATCH - size)
                for whole, column in zip(gathered, columns, strict=True):
                    whole[size : size + take] = column.values[at : at + take]
                at, size = at + take, size + take
                if size == EDGES_PER_BATCH:
                    yield tuple(gathered)
                    size = 0
        if gathered is not None and size:
            yield tuple(whole[:size] for whole in gathered)


def _dtype(end: Column) -> Any:
    if end.values.dtype.kind == "f":
        return end.values.dtype
    return np.int32 if np.can_cast(end.values.dtype, np.int32) else np.int64


class RawEdges:
    """Pairs of integers in ``.npy`` and ``.bin`` files, read piece by piece."""

    def __init__(self, table: TableFiles) -> None:
        self._files = [raw_file(Path(file)) for file in table.files]

    @property
    def num_edges(self) -> int:
        """Pairs in all files."""
        return sum(file.num_edges for file in self._files)

    def __call__(self) -> Iterator[Ends]:
        """Read the files one after the other."""
        for file in self._files:
            for start in range(0, file.num_edges, EDGES_PER_BATCH):
                yield file.read(start, min(start + EDGES_PER_BATCH, file.num_edges))


class RawFile(NamedTuple):
    """Where the pairs of a file lie: (edges, 2) numbers one pair after the other, or (2, edges)."""

    path: Path
    dtype: np.dtype[Any]
    offset: int
    num_edges: int
    by_rows: bool

    def read(self, start: int, stop: int) -> Ends:
        """Read some of the pairs."""
        if self.by_rows:
            pairs = self._numbers(2 * start, 2 * (stop - start)).reshape(-1, 2)
            return pairs[:, 0], pairs[:, 1]
        ends = (self._numbers(row * self.num_edges + start, stop - start) for row in (0, 1))
        src, dst = ends
        return src, dst

    def _numbers(self, at: int, count: int) -> NDArray[Any]:
        offset = self.offset + at * self.dtype.itemsize
        numbers = np.fromfile(self.path, self.dtype, count, offset=offset)
        if numbers.size < count:
            raise refusal(str(self.path), "keep its size while it is read", "a file cut short")
        return numbers.astype(self.dtype.newbyteorder("="), copy=False)


def raw_file(path: Path) -> RawFile:
    """Look at the start of a file of pairs."""
    if path.suffix.lower() == ".npy":
        return _npy(path)
    kind = {".int32": "<i4", ".int64": "<i8"}.get(path.with_suffix("").suffix.lower())
    if kind is None:
        raise refusal(
            str(path),
            "say what its numbers are",
            f"the name {path.name}",
            way_out="name it edges.int32.bin or edges.int64.bin",
        )
    dtype, size = np.dtype(kind), path.stat().st_size
    if size % (2 * dtype.itemsize):
        raise refusal(str(path), f"hold whole pairs of {dtype.name}", f"{size} bytes")
    return RawFile(path, dtype, 0, size // (2 * dtype.itemsize), True)


def _npy(path: Path) -> RawFile:
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = read(file)
        except (ValueError, KeyError, EOFError, TypeError) as error:
            raise refusal(str(path), "be a NumPy file", "other bytes at its start") from error
        offset = file.tell()
    if dtype.kind not in "iu" or dtype.itemsize not in (4, 8) or dtype == np.uint64:
        raise refusal(str(path), "hold int32, uint32 or int64", str(dtype))
    if len(shape) != 2 or 2 not in shape or any(type(side) is not int for side in shape):
        raise refusal(str(path), "have the shape (2, edges) or (edges, 2)", str(shape))
    num_edges = shape[1] if shape[0] == 2 else shape[0]
    if path.stat().st_size - offset != 2 * num_edges * dtype.itemsize:
        raise refusal(str(path), "be a complete NumPy file", "a file cut short")
    return RawFile(path, dtype, offset, num_edges, (shape[0] == 2) == fortran)


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


# Eight bytes each, and as many again for a weight.
EDGES_PER_FILE = 1 << 22
MOST_BITS = 12
_NO_WEIGHT = np.empty(0)


class Piece(NamedTuple):
    """Some edges: source << 32 | target, uint64 (e,), and their weights, float64 (e,) or (0,)."""

    packed: NDArray[np.uint64]
    weight: NDArray[np.float64]


class DistinctEdges:
    """The edges between `num_nodes` nodes, without repeats and loops, in an empty `folder`.

    `expected` is how many there are at most. With `merged` an edge and its reverse are one. Give
    every batch to `take`, call `settle`, and walk over `pieces` as often as needed.
    """

    def __init__(self, folder: Path, num_nodes: int, expected: int, *, merged: bool) -> None:
        self._folder, self._num_nodes, self._merged = folder, num_nodes, merged
        self._bits = min(MOST_BITS, (expected // EDGES_PER_FILE).bit_length())
        self.num_edges = 0
        folder.mkdir()

    def take(self, src: NDArray[Any], dst: NDArray[Any], weight: Any = _NO_WEIGHT) -> int:
        """Add a batch; the position of an edge with an end outside, or NO_EDGE."""
        found = deal(src, dst, weight, self._num_nodes, self._merged, self._bits)
        if isinstance(found, int):
            return found
        edges, weights, start = found
        for part in np.flatnonzero(np.diff(start)).tolist():
            rows = slice(start[part], start[part + 1])
            self._write(part, Piece(edges[rows], weights[rows]), "ab")
        return NO_EDGE

    def settle(self) -> None:
        """Drop the repeats; of their weights the smallest stays."""
        parts = self._parts()
        for done, part in enumerate(parts, 1):
            piece = Piece(*only_once(*self._read(part)))
            self._write(part, piece, "wb")
            self.num_edges += piece.packed.size
            tell("dropping repeated edges", done, len(parts))

    def pieces(self) -> Iterator[Piece]:
        """Walk over the edges, always in the same order."""
        for part in self._parts():
            packed, weight = self._read(part)
            for first in range(0, packed.size, EDGES_PER_FILE):
                rows = slice(first, first + EDGES_PER_FILE)
                yield Piece(packed[rows], weight[rows])

    def _parts(self) -> list[int]:
        return sorted(int(file.name) for file in self._folder.glob("*") if not file.suffix)

    def _read(self, part: int) -> Piece:
        weights = self._folder / f"{part}.weights"
        weight = np.fromfile(weights) if weights.exists() else _NO_WEIGHT
        return Piece(np.fromfile(self._folder / str(part), np.uint64), weight)

    def _write(self, part: int, piece: Piece, mode: str) -> None:
        try:
            with (self._folder / str(part)).open(mode) as file:
                file.write(piece.packed.data)
            if piece.weight.size:
                with (self._folder / f"{part}.weights").open(mode) as file:
                    file.write(piece.weight.data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise full_disk() from None
            raise
