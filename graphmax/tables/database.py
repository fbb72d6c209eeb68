"""A DuckDB in a folder that goes away, with a limit on memory, progress, and an ear for Ctrl-C."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from graphmax.files.errors import GraphFileError
from graphmax.kernels.progress import tell
from graphmax.tables.answer import Stage
from graphmax.tables.record_batches import Column, record_batches
from graphmax.tables.table_checks import full_disk

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
        self.spill = spill
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
            raise told(error) from None

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
        raise told(error) from None


def told(error: duckdb.Error) -> Exception:
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
