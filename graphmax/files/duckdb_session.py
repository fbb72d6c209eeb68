"""DuckDB in memory: it parses, casts and joins, and fetches nothing from anywhere.

Text columns get the narrowest type that holds every entry exactly, never through a float: a column
is a float column only if no integer in it would be rounded.
"""

# ruff: noqa: S608 - names and values are quoted, table names are this package's own

import math
import mmap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.errors import refusal
from graphmax.files.opening import MEBIBYTE, Source
from graphmax.machine import free_memory


def identifier(name: str) -> str:
    """Quote a column name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string for SQL."""
    return "'" + text.replace("'", "''") + "'"


def check_address_space() -> None:
    """Refuse to start DuckDB where little can still be mapped: it would crash or hang, not raise.

    Threads, allocators and imports that fail under a limit (`ulimit -v`) end the process.
    """
    try:
        with mmap.mmap(-1, _ADDRESS_SPACE):
            pass
    except (OSError, ValueError) as error:
        raise MemoryError(
            f"{_ADDRESS_SPACE // MEBIBYTE} MiB of address space must be free to read or write "
            f"tables, got less ({error}); raise the limit (ulimit -v)"
        ) from None


_ADDRESS_SPACE = 512 * MEBIBYTE
_LEAST_MEMORY = 256 * MEBIBYTE
_MEMORY_PER_BYTE = 48


@contextmanager
def database(source: Source) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection whose memory follows the size of the file and whose time is limited."""
    check_address_space()
    memory = max(_LEAST_MEMORY, min(_MEMORY_PER_BYTE * source.size, free_memory())) // MEBIBYTE
    with TemporaryDirectory(prefix="graphmax-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": spill,
            "memory_limit": f"{memory}MiB",
        }
        with duckdb.connect(config=settings) as connection, _interrupted(connection, source):
            try:
                yield connection
            except duckdb.InterruptException:
                source.check_time()
                raise
            except duckdb.OutOfMemoryException as error:
                raise refusal(
                    source.name, "fit into memory", str(error).partition("\n")[0][:100]
                ) from None


@contextmanager
def _interrupted(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[None]:
    """Stop running queries when time is up, again and again until the reader notices."""
    if source.until == math.inf:
        yield
        return
    source.check_time()
    done, lock = threading.Event(), threading.Lock()

    def watch() -> None:
        done.wait(max(0.0, source.until - time.monotonic()))
        while not done.is_set():
            with lock:
                if not done.is_set():
                    connection.interrupt()
            done.wait(0.02)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            done.set()
        watcher.join()


_ISO = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,%d})?)?)?"
_EXACT_FLOAT = (
    "try_cast({c} as double) is not null and not contains({c}, '_') and "
    "(not regexp_full_match({c}, '\\s*[+-]?[0-9]{{16,}}\\s*') or "
    "try_cast({c} as hugeint) = try_cast(try_cast({c} as double) as hugeint))"
)
# What every entry must satisfy for the column to be cast to the type, in this order.
_RULES = (
    ("BIGINT", "regexp_full_match({c}, '[+-]?[0-9]+') and try_cast({c} as bigint) is not null"),
    ("UBIGINT", "regexp_full_match({c}, '[+]?[0-9]+') and try_cast({c} as ubigint) is not null"),
    ("BOOLEAN", "lower({c}) in ('true', 'false')"),
    ("DOUBLE", _EXACT_FLOAT),
    (
        "TIMESTAMP",
        f"regexp_full_match({{c}}, '{_ISO % 6}') and try_cast({{c}} as timestamp) is not null",
    ),
    (
        "TIMESTAMP_NS",
        f"regexp_full_match({{c}}, '{_ISO % 9}') and try_cast({{c}} as timestamp_ns) is not null",
    ),
)
CANONICAL_INTEGER = "coalesce(try_cast({c} as bigint)::varchar = {c}, false)"


def holds_everywhere(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, rule: str
) -> bool:
    """Say whether every entry that is not NULL satisfies a rule about ``{c}``."""
    condition = rule.replace("{c}", column).replace("{{", "{").replace("}}", "}")
    return not connection.execute(
        f"select 1 from {table} where {column} is not null "
        f"and not coalesce({condition}, false) limit 1"
    ).fetchall()


def type_of(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """Return the DuckDB type for a text column."""
    some = connection.execute(
        f"select 1 from {table} where {column} is not null limit 1"
    ).fetchall()
    if not some:
        return "VARCHAR"
    for name, rule in _RULES:
        if holds_everywhere(connection, table, column, rule):
            return name
    return "VARCHAR"


_WITH_COMMA = "regexp_full_match({c}, '[+-]?[0-9]+(,[0-9]+)?([eE][+-]?[0-9]+)?')"
# One digit, two, or four and more behind a comma are decimals; 1,500 may be a thousand and more.
_SURE_COMMA = (
    "regexp_full_match({c}, '[+-]?([0-9]{4,}|0[0-9]*),[0-9]+.*|"
    "[^,]*,([0-9]{1,2}|[0-9]{4,})([eE].*)?')"
)


def point_decimals(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Write a column of numbers with decimal commas with points; say whether it is one."""
    if not holds_everywhere(connection, table, column, _WITH_COMMA):
        return False
    sure = _SURE_COMMA.replace("{c}", column)
    query = f"select count(*) filter (where {sure}) from {table}"
    if not connection.execute(query).fetchall()[0][0]:
        return False
    connection.execute(f"update {table} set {column} = replace({column}, ',', '.')")
    return True


def fetched(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[object] | None = None
) -> dict[str, NDArray[Any]]:
    """Run a query and return its columns, missing entries masked."""
    columns = connection.execute(query, parameters or []).fetchnumpy()
    return {name: _as_array(column) for name, column in columns.items()}


def _as_array(column: Any) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray) and not np.ma.is_masked(column):
        return column.data
    return column if isinstance(column, np.ndarray) else np.asarray(column)
