"""Where a run over tables works, and what it leaves: labels, the engine, and the cost.

A run works in a hidden folder beside its result, so that renaming is atomic and there is room. The
folder goes away even if the run is killed, and results appear whole.
"""

import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from numpy.typing import NDArray

from graphmax.atomic import Held, held_folder, sweep
from graphmax.files.duckdb_session import fetched
from graphmax.tables.table_files import file_literal


class Workplace(NamedTuple):
    """Folders that go away: `space` for what is big, `beside` the result for its making.

    `kept` survives a killed run until the next start; None where nobody goes on with anything.
    """

    space: Path
    beside: Path
    kept: Path | None = None


@contextmanager
def workplace(out: Path, temporary: Path | None, name: str | None = None) -> Iterator[Workplace]:
    """Give the folders; `space` is `beside`, where nobody asked for `temporary` space elsewhere.

    `name` is that of the question, under which a killed run is continued.
    """
    if temporary is not None and not temporary.is_dir():
        raise FileNotFoundError(f"`temporary` must be an existing folder, got {temporary}")
    with ExitStack() as folders:
        kept = None if name is None else folders.enter_context(_kept_folder(out.parent, name))
        beside = folders.enter_context(scratch_folder(out.parent))
        space = beside
        if temporary is not None:
            space = folders.enter_context(scratch_folder(temporary))
        yield Workplace(space, beside, kept)


@contextmanager
def _kept_folder(parent: Path, name: str) -> Iterator[Path | None]:
    sweep(parent, spared=name)
    try:
        held = Held(parent, name)
    except BlockingIOError:  # the same question is being answered by another process
        yield None
        return
    try:
        yield held.folder
    finally:
        held.release()


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Give an empty folder inside `parent`, after removing those that killed runs left there."""
    sweep(parent)
    with held_folder(parent) as folder:
        yield folder


def publish(made: Path, out: Path) -> None:
    """Give a finished file or folder its name: it was absent before and is complete after."""
    for file in [made] if made.is_file() else sorted(made.rglob("*")):
        if file.is_file():
            _sync(file)
    if made.is_dir():
        _sync(made)
    made.replace(out)
    _sync(out.parent)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_out(out: Path, read: Iterable[str] = ()) -> None:
    """Refuse a place that a result cannot be put in without taking something else away."""
    if out.exists() and any(Path(file).exists() and out.samefile(file) for file in read):
        raise ValueError(f"`out` must be another file than those that are read, got {out}")
    if not out.parent.is_dir():
        raise FileNotFoundError(
            f"`out` must lie in an existing folder, got {out.parent}; make it first"
        )
    if out.is_dir():
        raise FileExistsError(
            f"`out` must not be a folder that exists, got {out}; remove it, or name another"
        )


class Stage(NamedTuple):
    """One step of a run: its name, rows read, seconds, and the most bytes it spilled to disk."""

    name: str
    rows: int
    seconds: float
    spilled: int


@dataclass(frozen=True)
class TableAnswer:
    """Labels on disk, and how they came about.

    Parameters
    ----------
    path : str
        The file or folder that holds the columns ``id`` and ``is_maximum``, with `explain` also
        ``rival`` and ``rival_value``; in any order of rows.
    engine : {"memory", "stream", "spark"}
        Which engine ran.
    num_nodes, num_edges : int
        Rows of the two tables; self-loops and repeated edges are counted, though they change
        nothing.
    num_maxima : int
        How many nodes are maxima.
    stages : tuple of Stage
        What was run, in order; stages that an earlier run had finished are absent.

    Examples
    --------
    >>> TableAnswer("labels.parquet", "stream", 3, 2, 1).engine
    'stream'
    """

    path: str
    engine: str
    num_nodes: int
    num_edges: int
    num_maxima: int
    stages: tuple[Stage, ...] = field(default=(), repr=False)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Read the labels into memory.

        Returns
        -------
        dict of str to array
            The columns by name, missing entries masked.
        """
        with duckdb.connect() as connection:
            return fetched(connection, f"FROM {_relation(Path(self.path))}")

    def labels(self) -> dict[Any, bool]:
        """Read who is a maximum into memory.

        Returns
        -------
        dict
            From id to a bool.
        """
        columns = self.columns()
        return dict(zip(columns["id"].tolist(), columns["is_maximum"].tolist(), strict=True))

    def release_with_me(self, release: Callable[[], None]) -> None:
        """Let go of a temporary folder when this answer is no longer used."""
        weakref.finalize(self, release)


def _relation(path: Path) -> str:
    if path.is_dir():
        folder = file_literal(str(path))[:-1]
        return f"read_parquet({folder}/*.parquet')"
    reader = {".csv": "read_csv", ".json": "read_json"}.get(path.suffix, "read_parquet")
    return f"{reader}({file_literal(str(path))})"
