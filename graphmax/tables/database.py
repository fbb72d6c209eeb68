"""A DuckDB in a folder that goes away, and the rows of its queries as NumPy arrays.

DuckDB hands its batches out by the Arrow C data interface, which needs no other library: a struct
with pointers to the columns. Nothing is kept but the batch at hand. The database has a limit on
memory, shows progress, and stops on Ctrl-C.
"""

import ctypes
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.duckdb_session import check_address_space
from graphmax.files.errors import GraphFileError
from graphmax.kernels.progress import tell
from graphmax.tables.answer import Stage
from graphmax.tables.sql import full_disk
from graphmax.tables.table_files import escaped

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
