"""From what a caller writes (a file, a folder, a pattern, a list) to the files of one table.

And from the names of its columns to those that hold ids, values and the ends of an edge.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from graphmax.files.column_roles import edge_columns, found_column
from graphmax.files.duckdb_session import literal
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
