"""An in-memory DuckDB that parses, casts and joins, and that fetches nothing from anywhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb

from graphmax.files.deadline import TimeIsUp
from graphmax.files.options import MEBIBYTE, ReadOptions
from graphmax.files.source import Source

_LEAST_MEMORY = 256 * MEBIBYTE
_MEMORY_PER_BYTE = 48


@contextmanager
def database(source: Source, options: ReadOptions) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection whose memory follows the size of the file and whose time is limited."""
    memory = max(_LEAST_MEMORY, _MEMORY_PER_BYTE * source.size) // MEBIBYTE
    with TemporaryDirectory(prefix="graphmax-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": spill,
            "memory_limit": f"{memory}MiB",
        }
        with duckdb.connect(config=settings) as connection, _interrupt(connection, options):
            try:
                yield connection
            except duckdb.InterruptException:
                raise TimeIsUp from None


@contextmanager
def _interrupt(connection: duckdb.DuckDBPyConnection, options: ReadOptions) -> Iterator[None]:
    """Stop a running query when the time is up; `time_limit` then says so."""
    if options.max_seconds is None:
        yield
        return
    timer = threading.Timer(options.max_seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
