"""Which files a table is, where a run over tables works, and what it leaves: labels and the cost.

A run works in a hidden folder beside its result, so that renaming is atomic and there is room. The
folder goes away even if the run is killed, and results appear whole.

Tables are given as a file, a folder, a pattern, a list; from the names of their columns come those
that hold ids, values and the ends of an edge.
"""

import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from numpy.typing import NDArray

from graphmax.atomic import Held, held_folder, sweep
from graphmax.files.building import fetched, literal
from graphmax.files.column_roles import edge_columns, found_column
from graphmax.files.errors import refusal
from graphmax.files.opening import ReadOptions, Source, is_utf8
from graphmax.node_measures import NEIGHBOR_MEAN

TablePath = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
TEXT_ENDINGS = ("csv", "tsv", "txt", "edges", "edgelist", "ncol", "snap")
RAW_ENDINGS = ("npy", "bin")
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class TableFiles:
    """The files of a table, in the order that numbers the rows.

    `name` is what the caller wrote. `kind` is ``parquet`` or the ending of a text table. Files of
    another file system (``hdfs://``, ``s3a://``) are not looked at here.
    """

    name: str
    files: tuple[str, ...]
    kind: str

    @property
    def is_parquet(self) -> bool:
        """Whether columns have types of their own."""
        return self.kind == "parquet"

    @property
    def is_raw(self) -> bool:
        """Whether the files hold pairs of numbers and nothing else."""
        return self.kind in RAW_ENDINGS

    @property
    def is_local(self) -> bool:
        """Whether this machine can look at the files."""
        return not any(map(has_scheme, self.files))

    @property
    def literals(self) -> str:
        """The files as a list for SQL, in which no character is taken for a pattern."""
        return ", ".join(map(file_literal, self.files))

    def sources(self) -> list[Source]:
        """Return the files as `graphmax.files` opens them."""
        return [Source(file, Path(file), Path(file).stat().st_size) for file in self.files]


def file_literal(file: str) -> str:
    """Quote a file name so that DuckDB takes no character of it for a pattern."""
    return literal(escaped(file))


def escaped(file: str) -> str:
    """Write a file name so that DuckDB takes no character of it for a pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in file)


def has_scheme(path: str) -> bool:
    """Say whether a path names another file system."""
    return "://" in path


def table_files(path: TablePath, argument: str) -> TableFiles:
    """Find the files of a table and refuse what cannot be one.

    A path is a file, a folder (its files and those below it, hidden ones left out), a pattern
    with ``*``, ``?``, ``[`` or ``**``, or several of these; the files are sorted within each.
    Errors call the table `argument`.
    """
    written = [path] if isinstance(path, str | os.PathLike) else list(path)
    name = ", ".join(os.fspath(entry) for entry in written)
    files = [file for entry in written for file in _files(os.fspath(entry), argument)]
    if not files:
        raise FileNotFoundError(f"`{argument}` must name at least one file, got {name or 'none'}")
    known = ("parquet", *TEXT_ENDINGS, *(RAW_ENDINGS if argument == "edges" else ()))
    kinds = {_kind(file, known) for file in files}
    if len(kinds) > 1:
        raise refusal(name, "hold files of one kind", " and ".join(sorted(kinds)))
    table = TableFiles(name, tuple(files), kinds.pop())
    if table.is_local:
        for source in table.sources():
            _check_bytes(source, table)
    return table


def check_name(path: str, argument: str) -> None:
    """Refuse a name of other bytes than UTF-8: no engine of tables opens it."""
    if not is_utf8(path):
        raise ValueError(f"`{argument}` must have a name in UTF-8, got {path!r}; rename it")


def _files(path: str, argument: str) -> list[str]:
    check_name(path, argument)
    if has_scheme(path) or Path(path).is_file():
        return [path]
    if Path(path).is_dir():
        return sorted(str(file) for file in Path(path).rglob("*") if _is_visible(file, Path(path)))
    found = sorted(glob(path, recursive=True)) if has_magic(path) else []  # noqa: PTH207 - an absolute pattern
    if not found:
        raise FileNotFoundError(
            f"`{argument}` must name an existing file, folder or pattern, got {path}"
        )
    return [file for entry in found for file in _files(entry, argument)]


def _is_visible(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return file.is_file() and not hidden


def _kind(file: str, known: Sequence[str]) -> str:
    ending = Path(file.lower()).suffix.removeprefix(".")
    if ending in known:
        return ending
    if has_scheme(file) and not ending:
        return "parquet"
    endings = ", ".join(f".{each}" for each in known)
    way_out = "unpack it first" if ending == "gz" else "rename it, or write Parquet"
    raise refusal(
        file, f"end in one of {endings}", (ending and f".{ending}") or "none", way_out=way_out
    )


def _check_bytes(source: Source, table: TableFiles) -> None:
    if source.size == 0:
        raise refusal(source.name, "hold a table", "an empty file")
    if not table.is_parquet:
        return
    with source.file.open("rb") as stream:
        start = stream.read(4)
        stream.seek(max(0, source.size - 4))
        end = stream.read(4)
    if start != _PARQUET_MAGIC:
        raise refusal(source.name, "be a Parquet file", "other bytes at its start")
    if end != _PARQUET_MAGIC or source.size < 12:
        raise refusal(source.name, "be a complete Parquet file", "a file cut short")


Choice = Callable[[Source, Sequence[str]], Mapping[str, int]]
_IDS = ("id", "node")
# What the edges say of a node.
EDGE_MEASURES = ("degree", "in_degree", "out_degree", "strength")


def node_choice(values: str, columns: ReadOptions) -> Choice:
    """Return what finds ``id`` and ``value`` among the names of a node table.

    There is no ``value`` where the edges tell it and no column has its name; ``term`` where it is a
    mean of that.
    """

    def choose(source: Source, names: Sequence[str]) -> Mapping[str, int]:
        key = found_column(source, names, columns.id, usual=_IDS, otherwise=0)
        term = values.removeprefix(NEIGHBOR_MEAN)
        if values not in names and term in EDGE_MEASURES and term not in names:
            return {"id": key or 0}
        if values not in names and term != values:
            number = found_column(source, names, term, usual=(), otherwise=None)
            return {"id": key or 0, "term": number or 0}
        value = found_column(source, names, values, usual=(), otherwise=None)
        return {"id": key or 0, "value": value or 0}

    return choose


def edge_choice(columns: ReadOptions) -> Choice:
    """Return what finds ``src`` and ``dst`` among the names of an edge table."""

    def choose(source: Source, names: Sequence[str]) -> Mapping[str, int]:
        return edge_columns(source, names, columns).named()

    return choose


# --- Where a run over tables works, and what it leaves: labels, the engine, and the cost


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
