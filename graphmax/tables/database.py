"""A DuckDB in a folder that goes away, and the rows of its queries as NumPy arrays.

DuckDB hands its batches out by the Arrow C data interface, which needs no other library: a struct
with pointers to the columns. Nothing is kept but the batch at hand. The database has a limit on
memory, shows progress, and stops on Ctrl-C.

The two tables of a question have names there, their types known and agreed upon. Parquet stays
where it is: ``raw_nodes(id, value)`` and ``raw_edges(src, dst)`` are views of the files. Delimited
text is parsed once, into tables of those names in a database on disk.
"""

import ctypes
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import are_integers, bad_id, check_address_space, identifier, type_of
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import METADATA_KEY, ReadOptions, Source, parsed_metadata
from graphmax.files.table_columns import text_table
from graphmax.files.table_layout import Layout, layout_of
from graphmax.kernels.compiled import tell
from graphmax.tables.answer import (
    Choice,
    Stage,
    TableFiles,
    edge_choice,
    escaped,
    file_literal,
    node_choice,
)
from graphmax.tables.sql import Dialect, TableChecks, full_disk
from graphmax.tables.table_question import TableQuestion

# Arrow's names of the types that NumPy reads as they are.
_DTYPES = {
    "c": np.int8,
    "C": np.uint8,
    "s": np.int16,
    "S": np.uint16,
    "i": np.int32,
    "I": np.uint32,
    "l": np.int64,
    "L": np.uint64,
    "f": np.float32,
    "g": np.float64,
}
# Dates and times are counts of their unit.
_DAYS, _COUNTS = ("tdD", "tts", "ttm"), ("ts", "tt", "tdm")


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_SCHEMA, _ARRAY, _STREAM = (ctypes.POINTER(kind) for kind in (_Schema, _Array, _Stream))
_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(_SCHEMA)),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, _SCHEMA)),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(_ARRAY)),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, _ARRAY)),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, _STREAM, _SCHEMA)),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, _STREAM, _ARRAY)),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, _STREAM)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class Column(NamedTuple):
    """Some rows of one column: plain values, and a mask of the NULLs among them, or None."""

    values: NDArray[Any]
    missing: NDArray[np.bool_] | None


def record_batches(
    connection: duckdb.DuckDBPyConnection, query: str
) -> Iterator[tuple[Column, ...]]:
    """Run a query of numbers, Booleans and times, and yield its rows as they come.

    The arrays are views of memory that is gone with the next batch.

    Raises
    ------
    duckdb.Error
        If the query fails, at once or on the way.
    """
    capsule = connection.sql(query).__arrow_c_stream__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    stream = _Stream.from_address(pointer(capsule, b"arrow_array_stream"))
    formats = _formats(stream)
    while True:
        batch = _Array()
        _check(stream, stream.get_next(ctypes.byref(stream), ctypes.byref(batch)))
        if not batch.release:
            return
        try:
            yield tuple(_column(batch.children[i].contents, kind) for i, kind in enumerate(formats))
        finally:
            batch.release(ctypes.byref(batch))


def _formats(stream: _Stream) -> list[str]:
    schema = _Schema()
    _check(stream, stream.get_schema(ctypes.byref(stream), ctypes.byref(schema)))
    try:
        return [schema.children[i].contents.format.decode() for i in range(schema.n_children)]
    finally:
        schema.release(ctypes.byref(schema))


def _check(stream: _Stream, code: int) -> None:
    if code:
        said = stream.get_last_error(ctypes.byref(stream)) or b"no reason"
        raise duckdb.IOException(said.decode(errors="replace"))


def _column(array: _Array, kind: str) -> Column:
    values = _values(array, kind)
    missing = None
    if array.null_count and array.buffers[0]:
        missing = ~_bits(array.buffers[0], array.offset, array.length)
    return Column(values, missing)


def _values(array: _Array, kind: str) -> NDArray[Any]:
    if array.length == 0:
        return np.zeros(0, np.bool_ if kind == "b" else _dtype(kind))
    if kind == "b":
        return _bits(array.buffers[1], array.offset, array.length)
    dtype = np.dtype(_dtype(kind))
    size = (array.offset + array.length) * dtype.itemsize
    return np.frombuffer(_bytes(array.buffers[1], size), dtype)[array.offset :]


def _dtype(kind: str) -> Any:
    if kind in _DTYPES:
        return _DTYPES[kind]
    if kind in _DAYS:
        return np.int32
    if kind.startswith(_COUNTS):
        return np.int64
    raise TypeError(f"`query` must give numbers, Booleans or times, got Arrow's {kind}")


def _bits(address: int, offset: int, length: int) -> NDArray[np.bool_]:
    size = (offset + length + 7) // 8
    data = np.frombuffer(_bytes(address, size), np.uint8)
    return np.unpackbits(data, bitorder="little")[offset : offset + length].view(np.bool_)


def _bytes(address: int, size: int) -> memoryview:
    return memoryview((ctypes.c_uint8 * size).from_address(address))


_PAUSE = 0.1
_MEMORY_PER_THREAD = 250_000_000
_FULL = ("no space left", "max_temp_directory_size", "disk quota", "file too large")
_OURS = (duckdb.InternalException, duckdb.ProgrammingError)


class Database:
    """A connection whose statements run beside a watch that tells how far they are.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        The database.
    spill : pathlib.Path
        The folder it spills to.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, spill: Path) -> None:
        self.connection = connection
        self.spill, self.folder = spill, spill.parent
        self.stages: list[Stage] = []

    def run(self, statement: str) -> None:
        """Run a statement that is no stage of its own."""
        self.rows(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        found: list[tuple[Any, ...]] = self._watched(
            "", 0, lambda: self.connection.execute(query).fetchall()
        )
        return found

    def row(self, query: str) -> tuple[Any, ...]:
        """Run a query and return its first row."""
        return self.rows(query)[0]

    def stage(self, name: str, rows: int, statement: str) -> None:
        """Run a statement that reads so many rows, and remember what it took."""
        self.call(name, rows, lambda: self.connection.execute(statement))

    def call(self, name: str, rows: int, work: Callable[[], Any]) -> Any:
        """Run a function of the connection as a stage."""
        return self._watched(name, rows, work)

    def batches(self, query: str) -> Iterator[tuple[Column, ...]]:
        """Run a query and yield its rows as they come; nothing else may run meanwhile."""
        try:
            yield from record_batches(self.connection, query)
        except duckdb.Error as error:
            raise in_our_words(error) from None

    @contextmanager
    def timed(self, name: str, rows: int) -> Iterator[Callable[[int], None]]:
        """Remember what a stage took that is no statement; give what tells how far it is."""
        began = perf_counter()
        yield lambda done: tell(name, done, rows)
        self.stages.append(Stage(name, rows, perf_counter() - began, _size(self.spill)))
        tell(name, rows, rows)

    def _watched(self, name: str, rows: int, work: Callable[[], Any]) -> Any:
        began, spilled = perf_counter(), 0
        with ThreadPoolExecutor(1) as worker:
            outcome = worker.submit(work)
            try:
                while wait([outcome], _PAUSE).not_done:
                    spilled = max(spilled, _size(self.spill))
                    if name:
                        tell(name, int(self._share_done() * rows), rows)
            except BaseException:  # Ctrl-C; DuckDB itself hears of it only between statements
                self._stop(outcome)
                raise
        if name:
            self.stages.append(Stage(name, rows, perf_counter() - began, spilled))
            tell(name, rows, rows)
        return _result(outcome)

    def _share_done(self) -> float:
        return max(0.0, min(1.0, self.connection.query_progress() / 100))

    def _stop(self, outcome: "Future[Any]") -> None:
        while wait([outcome], _PAUSE).not_done:
            self.connection.interrupt()


@contextmanager
def database(folder: Path, memory: int | None) -> Iterator[Database]:
    """Open a database in a folder, with so many bytes of memory; None leaves it to DuckDB."""
    check_address_space()
    spill = folder / "spill"
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": str(spill),
    }
    if memory is not None:
        settings["memory_limit"] = f"{memory}B"
        settings["threads"] = max(1, min(os.cpu_count() or 1, memory // _MEMORY_PER_THREAD))
    with duckdb.connect(str(folder / "tables.duckdb"), config=settings) as connection:
        connection.execute("SET enable_progress_bar = true")  # else there is no progress to ask for
        connection.execute("SET enable_progress_bar_print = false")
        yield Database(connection, spill)


def _size(folder: Path) -> int:
    total = 0
    for file in folder.glob("*"):
        try:
            total += file.stat().st_size
        except FileNotFoundError:  # DuckDB removes what it no longer needs
            continue
    return total


def _result(outcome: "Future[Any]") -> Any:
    try:
        return outcome.result()
    except duckdb.Error as error:
        raise in_our_words(error) from None


def in_our_words(error: duckdb.Error) -> Exception:
    """Say in our words what DuckDB ran into."""
    said = " ".join(str(error).split())
    if any(word in said.lower() for word in _FULL):
        return full_disk()
    if isinstance(error, duckdb.OutOfMemoryException):
        return MemoryError(
            f"`memory_limit` must leave room for one pass, got too little ({said[:120]}); raise it"
        )
    if isinstance(error, _OURS) and not isinstance(error, duckdb.InvalidInputException):
        return RuntimeError(f"DuckDB failed: {said[:300]}")
    return GraphFileError(f"`edges` and `nodes` must be readable tables, got: {said[:300]}")


def damaged_file(files: Iterable[str]) -> str | None:
    """Return the first of Parquet files that cannot be read to its end, None if all can."""
    with duckdb.connect() as connection:
        for file in files:
            try:
                connection.read_parquet(escaped(file)).aggregate("max(hash(COLUMNS(*)))").fetchall()
            except duckdb.Error:
                return file
    return None


# ruff: noqa: S608 - table names are this package's own, column names are quoted

# --- Two tables of files under names in DuckDB, their types known and agreed upon

DUCKDB = Dialect(
    integers=frozenset(
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
    ),
    floats=frozenset(("FLOAT", "DOUBLE")),
    ordered=frozenset(
        (
            *("UBIGINT", "HUGEINT", "UHUGEINT", "BOOLEAN", "DATE", "TIME", "TIMESTAMP"),
            *("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
        )
    ),
    decimal="DECIMAL",
    text="VARCHAR",
)
_AS_TEXT = {"VARCHAR", "UUID"}
# Compared by their dense ranks: no 64 bits hold them.
_WIDE = ("DECIMAL", "HUGEINT", "UHUGEINT")


class Tables(NamedTuple):
    """What is known of the two tables before their rows are read.

    `id_kind` is the type in which the ids of both meet, BIGINT or VARCHAR; `kind` that of the
    values. `nodes_stay` tells whether the nodes are read from their files whenever they are
    needed: integer ids and comparable values in Parquet. `measure` is what the edges say of a
    node, where the nodes have no column of that name; `term_kind` the type of the column that it is
    a mean of.
    """

    id_kind: str
    kind: str
    directed: bool
    nodes_stay: bool
    edges_are_text: bool
    measure: str = ""
    has_weights: bool = False
    term_kind: str = ""

    @property
    def is_wide(self) -> bool:
        """Whether values are compared by their ranks."""
        return self.kind.startswith(_WIDE)

    @property
    def value(self) -> str:
        """What stands for the value of a node; nothing yet where the edges tell it."""
        return "0" if self.measure else "value"


class Opened(NamedTuple):
    """A table under a name in DuckDB: the types of its columns, and what it says of arrows."""

    types: dict[str, str]
    metadata: Mapping[str, object]


def open_tables(db: Database, question: TableQuestion, checks: TableChecks) -> Tables:
    """Put both tables under their names, and agree on types."""
    nodes = _open(db, question.nodes, "raw_nodes", node_choice(question.values, question.columns))
    edges = Opened({"src": "BIGINT", "dst": "BIGINT"}, {})
    if not question.edges.is_raw:
        edges = _open(db, question.edges, "raw_edges", edge_choice(question.columns))
        _check_pair(question, nodes, edges)
    id_kind = _id_kind(db, question, {**nodes.types, **edges.types})
    if question.edges.is_raw and id_kind != "BIGINT":
        raise refusal(question.nodes.name, "have integers as ids beside edges of numbers", "text")
    measure = "" if "value" in nodes.types else question.values
    kind = "INTEGER" if measure else checks.check_order(_kind_of(db, nodes.types, "value"))
    term_kind = _kind_of(db, nodes.types, "term") if "term" in nodes.types else ""
    noted = bool(edges.metadata.get("directed", False))
    stays = question.nodes.is_parquet and id_kind == "BIGINT"
    return Tables(
        id_kind,
        kind,
        noted if question.directed is None else question.directed,
        stays and not kind.startswith(_WIDE),
        edges.types["src"] == "text",
        measure,
        "weight" in edges.types,
        term_kind,
    )


def _check_pair(question: TableQuestion, nodes: Opened, edges: Opened) -> None:
    """Refuse two tables that say themselves that they were not written together."""
    marks = [opened.metadata.get("pair") for opened in (nodes, edges)]
    if all(marks) and marks[0] != marks[1]:
        raise refusal(
            question.edges.name,
            f"belong to {question.nodes.name}",
            "a table that was written at another time",
            way_out="read them when nobody is writing them",
        )


def number_nodes(db: Database, tables: Tables, num_nodes: int) -> None:
    """Make ``given(node, id, value)``: a view where the nodes stay in their files."""
    kind = tables.kind
    # -0.0 + 0.0 is 0.0: one value, one rank
    value = f"{tables.value}::{kind}" + f" + 0::{kind}" * (kind in DUCKDB.floats)
    rows = (
        f"SELECT row_number() OVER () - 1 AS node, id::{tables.id_kind} AS id, {value} AS value "
        "FROM raw_nodes"
    )
    if tables.nodes_stay:
        db.run(f"CREATE TEMP VIEW given AS {rows}")
    else:
        db.stage("numbering nodes", num_nodes, f"CREATE TABLE given AS {rows}")


def nodes_query(tables: Tables) -> str:
    """Write the query that gives the values in the order of the nodes, and ids if integers."""
    value = tables.value
    if tables.is_wide:
        value = "CASE WHEN value IS NULL THEN NULL ELSE dense_rank() OVER (ORDER BY value) END"
    ids = "id, " if tables.id_kind == "BIGINT" else ""
    if tables.nodes_stay:
        return f"SELECT {ids}{value} AS value FROM raw_nodes"
    order = " ORDER BY node" if tables.is_wide else ""
    return f"SELECT {ids}{value} AS value FROM given{order}"


def number_edges(db: Database, tables: Tables, num_edges: int) -> None:
    """Make ``ends``, the edges by node number, on disk: for ids that no lookup in memory holds."""
    kind, weight = tables.id_kind, ", e.weight" * tables.has_weights
    db.stage(
        "numbering edges",
        num_edges,
        f"CREATE TABLE ends AS SELECT a.node AS src, b.node AS dst{weight} FROM raw_edges e "
        f"LEFT JOIN given a ON a.id = e.src::{kind} LEFT JOIN given b ON b.id = e.dst::{kind}",
    )


def edges_query(tables: Tables, *, joined: bool, weighted: bool = False) -> str:
    """Write the query that gives the ends: ids as they are, or where `joined` node numbers."""
    weight = ", coalesce(weight::DOUBLE, 'nan'::DOUBLE) AS weight" * weighted
    if joined:
        return f"SELECT coalesce(src, -1) AS src, coalesce(dst, -1) AS dst{weight} FROM ends"
    cast = "::BIGINT" if tables.edges_are_text else ""
    return f"SELECT src{cast} AS src, dst{cast} AS dst{weight} FROM raw_edges"


# --- opening


def _open(db: Database, table: TableFiles, name: str, choose: Choice) -> Opened:
    sources = table.sources()
    if table.is_parquet:
        return open_parquet(db, sources, name, choose)
    layouts = [
        layout_of(s, ReadOptions(), kind=table.kind, is_edges=name == "raw_edges") for s in sources
    ]
    for i, (source, layout) in enumerate(zip(sources, layouts, strict=True)):
        _load_text(db, source, layout, choose(source, layout.names), name, is_first=i == 0)
    types = dict.fromkeys(choose(sources[0], layouts[0].names), "text")
    return Opened(types, {"directed": layouts[0].directed})


def _load_text(
    db: Database,
    source: Source,
    layout: Layout,
    columns: Mapping[str, int],
    name: str,
    *,
    is_first: bool,
) -> None:
    table = text_table(db.connection, source, layout)
    part = name if is_first else f"{name}_part"
    db.call(f"reading {source.file.name}", 0, lambda: table.load(dict(columns), part))
    if not is_first:
        db.run(f"INSERT INTO {name} FROM {part}")
        db.run(f"DROP TABLE {part}")


def open_parquet(db: Database, sources: Sequence[Source], name: str, choose: Choice) -> Opened:
    """Put the chosen columns of Parquet files under a name, where their types agree."""
    parts = [_described(db, source, choose) for source in _distinct(db, sources)]
    types = dict(parts[0].types)
    for alias in types:
        types[alias] = _common_type([(part.source, part.types[alias]) for part in parts])
    whole = len(parts) == 1
    groups = [list(sources)] if whole else [[source] for source in sources]
    rows = (_selected(db, group, types, choose, cast=not whole) for group in groups)
    db.run(f"CREATE TEMP VIEW {name} AS {' UNION ALL '.join(rows)}")
    return Opened(types, _metadata(db.connection, sources[0]))


class _Part(NamedTuple):
    source: Source
    types: dict[str, str]


def _distinct(db: Database, sources: Sequence[Source]) -> list[Source]:
    """Return one file of each schema, the first file first."""
    if len(sources) == 1:
        return list(sources)
    schemas: dict[str, list[object]] = {}
    for file, *column in db.rows(
        "SELECT file_name, name, type, converted_type, logical_type FROM "
        f"parquet_schema([{', '.join(file_literal(source.name) for source in sources)}])"
    ):
        schemas.setdefault(file, []).append(column)
    first: dict[str, Source] = {}
    for source in sources:
        first.setdefault(repr(schemas.get(str(source.file))), source)
    return list(first.values())


def _described(db: Database, source: Source, choose: Choice) -> _Part:
    types = _column_types(db, source)
    names = list(types)
    return _Part(source, {alias: types[names[i]] for alias, i in choose(source, names).items()})


def _column_types(db: Database, source: Source) -> dict[str, str]:
    query = (
        f"DESCRIBE SELECT * FROM read_parquet({file_literal(source.name)}, hive_partitioning=false)"
    )
    return {row[0]: row[1] for row in db.rows(query)}


def _common_type(parts: Sequence[tuple[Source, str]]) -> str:
    """Return a type that holds the entries of all parts exactly, or refuse two that have none."""
    (first, kind), *others = parts
    for other, its_kind in others:
        if its_kind == kind:
            continue
        if {kind, its_kind} <= DUCKDB.integers:
            kind = "BIGINT"
        elif {kind, its_kind} <= DUCKDB.floats:
            kind = "DOUBLE"
        else:
            raise refusal(
                str(other.file),
                f"have the types of {first.file}",
                f"{its_kind} where that has {kind}",
                way_out="write both with one type",
            )
    return kind


def _selected(
    db: Database,
    sources: Sequence[Source],
    types: Mapping[str, str],
    choose: Choice,
    *,
    cast: bool,
) -> str:
    names = list(_column_types(db, sources[0]))
    columns = ((alias, identifier(names[i])) for alias, i in choose(sources[0], names).items())
    chosen = (
        f"{column}::{types[alias]} AS {alias}" if cast else f"{column} AS {alias}"
        for alias, column in columns
    )
    files = ", ".join(file_literal(source.name) for source in sources)
    return f"SELECT {', '.join(chosen)} FROM read_parquet([{files}], hive_partitioning=false)"


def _metadata(connection: duckdb.DuckDBPyConnection, source: Source) -> Mapping[str, object]:
    """Read what `write_graph` leaves in a Parquet file."""
    file = file_literal(source.name)
    query = f"SELECT value FROM parquet_kv_metadata({file}) WHERE key = '{METADATA_KEY}'"
    notes = connection.execute(query).fetchall()
    return parsed_metadata(bytes(notes[0][0]).decode(errors="replace") if notes else None, source)


def says_directed(source: Source) -> bool:
    """Tell whether a Parquet file says that its edges have arrows."""
    with duckdb.connect() as connection:
        try:
            return bool(_metadata(connection, source).get("directed", False))
        except duckdb.Error:  # damaged: whoever reads it will say so
            return False


# --- types


def _id_kind(db: Database, question: TableQuestion, types: Mapping[str, str]) -> str:
    """Return the type in which the ids of both tables meet: BIGINT, or text."""
    places = {"id": ("raw_nodes", question.nodes.name)}
    places |= dict.fromkeys(("src", "dst"), ("raw_edges", question.edges.name))
    fits = [_fits_int64(db, places[c], c, types[c]) for c in places]
    return "BIGINT" if all(fits) else "VARCHAR"


def _fits_int64(db: Database, place: tuple[str, str], column: str, kind: str) -> bool:
    table, name = place
    if kind == "text":
        ids = db.connection, table, (column,)
        if db.call("", 0, lambda: are_integers(*ids)):
            return True
        bad = db.call("", 0, lambda: bad_id(*ids))
        if bad is not None:
            raise refusal(name, "have integers or text as ids", f"{bad.flaw} {bad.text}")
        return False
    if kind == "UBIGINT":
        (most,) = db.row(f"SELECT max({column}) FROM {table}")
        return most is None or most < 2**63
    if kind not in DUCKDB.integers | _AS_TEXT and not kind.startswith("ENUM"):
        raise refusal(name, "have integers or text as ids", f"{kind} in column {column!r}")
    return kind in DUCKDB.integers


def _kind_of(db: Database, types: Mapping[str, str], column: str) -> str:
    """Return the type of a column; of text the narrowest that holds every entry exactly."""
    if types[column] != "text":
        return types[column]
    (count,) = db.row(f"SELECT count({column}) FROM raw_nodes")
    values = db.connection, "raw_nodes", column
    return str(db.call("", 0, lambda: type_of(*values))) if count else "DOUBLE"
