"""Tables as columns in DuckDB: delimited text, and Parquet with what `write_graph` left in it.

Text is cast to integers while parsing where the bytes allow it, else it stays text. One pass over
the bytes comes first. Three questions whose answers cost a few milliseconds a megabyte here and a
wrong graph later: NUL bytes or broken UTF-8, comment lines among the data, and whether the rows are
*plain*: nothing but canonical integers. Only of plain rows may DuckDB cast ids while it parses: it
reads ``1.5`` as 2, ``1_0`` as 10 and ``0x10`` as 16 in a BIGINT column, and ``007`` as 7, without a
word.
"""

# ruff: noqa: S608 - names and values are quoted, table names are this package's own

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import fetched, identifier, literal
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import CHUNK, METADATA_KEY, ReadOptions, Source
from graphmax.files.table_layout import Layout, is_marked, is_said_aloud
from graphmax.machine import check_room

_NEWLINE = 10
_BLANK_RUN = re.compile(rb"[ \t]+")
_MARK = re.compile(rb"\n[ \t]*(?:#|%|//)")
# Data of an edge as networkx writes it: {'weight': 1.5}.
_WEIGHT_IN_DICT = re.compile(rb"'weight': (-?[0-9.eE+-]+|-?inf|nan)[,}]")


@dataclass
class Scan:
    """What the bytes of the data rows hold."""

    plain: bool = True
    comments: bool = False
    quotes: bool = False
    crlf: int = 0
    newlines: int = 0

    @property
    def ragged(self) -> bool:
        """Whether DuckDB would misread it: comments among the rows or two kinds of newline.

        Quoted cells may hold either kind: then DuckDB goes first, and refuses what it cannot.
        """
        return self.comments or (0 < self.crlf < self.newlines and not self.quotes)


def scan(source: Source, layout: Layout) -> Scan:
    """Look at every byte after the header."""
    found, decoder, tail, line = Scan(), codecs.getincrementaldecoder("utf-8")(), b"\n", layout.skip
    integers = b"0123456789-\r\n" + layout.delimiter.encode()
    with source.file.open("rb") as stream:
        stream.seek(layout.start)
        while chunk := stream.read(CHUNK):
            if found.plain:
                found.plain = not chunk.translate(None, integers) and _is_canonical(tail + chunk)
            if not found.plain:
                _check_text(chunk, decoder, source, line)
                found.comments |= not layout.metadata and bool(_MARK.search(tail[-1:] + chunk))
                found.quotes |= b'"' in chunk
            line += int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == _NEWLINE))
            found.crlf += (tail[-1:] + chunk).count(b"\r\n") if b"\r" in chunk + tail else 0
            tail = (tail + chunk)[-2:]
    if not found.plain:
        _check_text(b"", decoder, source, line, final=True)
    found.newlines = line - layout.skip
    return found


def _is_canonical(block: bytes) -> bool:
    """Say whether no integer starts with a needless zero."""
    digit = np.frombuffer(block, np.uint8) - np.uint8(48)
    other = digit > 9
    leading = other[:-2] & (digit[1:-1] == 0)
    return not (leading > other[2:]).any() and b"-0" not in block


def _check_text(
    chunk: bytes,
    decoder: codecs.IncrementalDecoder,
    source: Source,
    line: int,
    *,
    final: bool = False,
) -> None:
    if (at := chunk.find(b"\0")) >= 0:
        raise refusal(
            source.name,
            "be a UTF-8 text file",
            "a NUL byte",
            line=line + chunk.count(b"\n", 0, at) + 1,
        )
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        before = chunk.count(b"\n", 0, max(0, error.start))
        raise refusal(
            source.name,
            "be a UTF-8 text file",
            f"byte 0x{error.object[error.start]:02x}",
            line=line + before + 1,
            way_out="save it as UTF-8",
        ) from None


def tidied(source: Source, layout: Layout, file: Path) -> Source:
    """Write a copy with blank lines for comments, one kind of newline, single blanks."""
    comments = 0
    with source.file.open("rb") as stream, file.open("wb") as copy:
        for number, line in enumerate(source.timed(stream)):
            is_row = number < layout.skip or not layout.is_comment(line)
            comments += not is_row
            copy.write((_tidied_line(line, layout) if is_row else b"") + b"\n")
    if comments:
        source.remark(f"{comments} comment lines among the rows left out")
    return replace(source, file=file, size=file.stat().st_size)


def _tidied_line(line: bytes, layout: Layout) -> bytes:
    text = line.rstrip(b"\r\n")
    if not text.strip():
        return b""
    if layout.has_dicts:
        return _without_dict(text)
    return _BLANK_RUN.sub(b" ", text.strip()) if layout.delimiter == " " else text


def _without_dict(text: bytes) -> bytes:
    """Put the weight that stands in braces into a third column."""
    words = text.split(None, 2)
    if len(words) < 3 or not words[2].startswith(b"{"):
        return text
    weight = _WEIGHT_IN_DICT.search(words[2])
    return b" ".join([*words[:2], weight[1] if weight else b""])


@dataclass(frozen=True)
class TextTable:
    """A text file with its layout and what its bytes hold."""

    connection: duckdb.DuckDBPyConnection
    source: Source
    layout: Layout
    scan: Scan

    def integers(self, columns: dict[str, int]) -> dict[str, NDArray[Any]] | None:
        """Parse columns of plain integers; None where a cell is empty or beyond 64 bits."""
        query = f"select {_chosen(columns)} from "
        try:
            found: dict[str, NDArray[Any]] = self._parsed(
                lambda file: fetched(self.connection, query + self._relation(file, "BIGINT"))
            )
        except duckdb.ConversionException:
            return None
        if any(isinstance(column, np.ma.MaskedArray) for column in found.values()):
            return None
        return found

    def load(self, columns: dict[str, int], table: str, missing: Sequence[str] = ()) -> None:
        """Make a temporary table of text columns, empty cells NULL, in the order of the file."""
        cell = "{c}" if self.scan.quotes else "nullif(trim({c}, ' \t'), '')"
        for word in missing:
            cell = f"nullif({cell}, {literal(word)})"
        query = f"create temp table {table} as select {_chosen(columns, cell)} from "
        self._parsed(lambda file: self.connection.execute(query + self._relation(file, "VARCHAR")))

    def line_of(self, row: int) -> int | None:
        """Return the line of a data row, both counted in the file: rows from 0, lines from 1."""
        return next((line for line, _ in islice(self.rows(), row, row + 1)), None)

    def line_with(self, column: int, text: str) -> int | None:
        """Return the first line that holds a text in a column."""
        return next((line for line, row in self.rows() if text == row[column].strip()), None)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Walk the data rows in plain Python, to name a line; slow, for errors only."""
        with self.source.file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            lines = (line for line in islice(stream, self.layout.skip, None))
            if self.layout.delimiter == " ":
                for line, text in enumerate(lines, self.layout.skip + 1):
                    if text.strip() and not self.layout.is_comment(text.encode()):
                        yield line, text.split()
                return
            reader = csv.reader(lines, delimiter=self.layout.delimiter)
            try:
                for row in reader:
                    if row and not self._is_comment(row):
                        yield reader.line_num + self.layout.skip, row
            except csv.Error:
                return

    def _is_comment(self, row: list[str]) -> bool:
        return (
            not self.layout.metadata
            and is_marked(row[0].encode())
            and (len(row) != len(self.layout.names) or is_said_aloud(row[0].encode()))
        )

    def _parsed(self, parse: Callable[[Path], Any]) -> Any:
        if not self.scan.ragged and not self.layout.has_dicts:
            try:
                return parse(self.source.file)
            except duckdb.InvalidInputException:
                pass
        with TemporaryDirectory(prefix="graphmax-") as folder:
            copy = tidied(self.source, self.layout, Path(folder) / "tidied")
            try:
                return parse(copy.file)
            except duckdb.InvalidInputException as error:
                raise self._diagnosis(error) from None

    def _relation(self, file: Path, kind: str) -> str:
        columns = ", ".join(f"'c{i}': '{kind}'" for i in range(len(self.layout.names)))
        return (
            f"read_csv({literal(str(file))}, auto_detect=false, header=false, "
            f"skip={self.layout.rows_above}, delim={literal(self.layout.delimiter)}, quote='\"', "
            f"escape='\"', columns={{{columns}}}, nullstr='', compression='none', "
            "allow_quoted_nulls=false, hive_partitioning=false)"
        )

    def _diagnosis(self, error: duckdb.Error) -> GraphFileError:
        width = len(self.layout.names)
        for line, row in self.rows():
            if len(row) != width:
                return refusal(
                    self.source.name, f"have {width} fields in every row", str(len(row)), line=line
                )
        said = str(error).partition("\n")[0]
        line_said = re.search(r"Line: (\d+)", str(error))
        reason = "an unterminated quotation" if "unterminated quote" in str(error) else said
        return refusal(
            self.source.name,
            "be well-formed delimited text",
            reason,
            line=int(line_said[1]) if line_said else None,
        )


def text_table(connection: duckdb.DuckDBPyConnection, source: Source, layout: Layout) -> TextTable:
    """Scan a text file and make it ready to parse."""
    return TextTable(connection, source, layout, scan(source, layout))


def _chosen(columns: dict[str, int], cell: str = "{c}") -> str:
    return ", ".join(f"{cell.replace('{c}', f'c{i}')} as {name}" for name, i in columns.items())


_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_AS_THEY_ARE = {
    *_INTEGERS,
    *("UBIGINT", "BOOLEAN", "FLOAT", "DOUBLE", "VARCHAR"),
    *("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
}
_MAGIC = b"PAR1"
# Columns may take this much memory, or `max_ratio` times the bytes of the file.
_HARMLESS = 2**28


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file: its columns with their DuckDB types, and the metadata of `write_graph`."""

    connection: duckdb.DuckDBPyConnection
    source: Source
    relation: str
    types: dict[str, str]
    metadata: str | None

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.types)

    def ids(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return columns of ids, all int64 or all text."""
        for name in names:
            self._check_ids(name)
        kind = "bigint" if all(self._fits_int64(name) for name in names) else "varchar"
        chosen = ", ".join(f"{identifier(n)}::{kind} as c{i}" for i, n in enumerate(names))
        found = self.fetch(f"select {chosen} from {self.relation}")
        return dict(zip(names, found.values(), strict=True))

    def attribute(self, name: str) -> NDArray[Any]:
        """Return a column in its own type; wide integers and decimals exactly, others as text."""
        kind = self.types[name]
        if kind.startswith("DECIMAL"):
            cast = self._decimal_cast(name, kind)
        else:
            cast = identifier(name) + ("" if kind in _AS_THEY_ARE else "::varchar")
        if cast.endswith("::varchar") and kind not in ("VARCHAR", "UUID"):
            self.source.remark(f"attribute {name!r} is text: {kind} has no exact type here")
        return self.fetch(f"select {cast} as a from {self.relation}")["a"]

    def _integer_cast(self, value: str) -> str | None:
        """Return a cast of whole numbers to 64 bits, where all fit."""
        for kind, least, most in (("bigint", -(2**63), 2**63), ("ubigint", 0, 2**64)):
            fits = f"{value} between {least}::hugeint and {most - 1}::hugeint"
            query = f"select bool_and({fits}) as a from {self.relation}"
            if np.ma.filled(self.fetch(query)["a"], True)[0]:
                return f"{value}::{kind}"
        return None

    def _decimal_cast(self, name: str, kind: str) -> str:
        """Return a cast of decimals that keeps their order and their ties.

        Up to 15 digits a float tells all of them apart; beyond, they are counted in their last
        place, where that fits into 64 bits.
        """
        digits, scale = (int(word) for word in kind[8:-1].split(","))
        value = identifier(name)
        if scale and digits <= 15:
            return f"{value}::double"
        if scale == 0:
            return self._integer_cast(f"{value}::hugeint") or f"{value}::varchar"
        query = f"select count(distinct {value}) - count(distinct {value}::double) as a "
        if self.fetch(f"{query}from {self.relation}")["a"][0] == 0:
            return f"{value}::double"
        counted = f"replace({value}::varchar, '.', '')::hugeint"
        cast = self._integer_cast(counted)
        if cast is not None:
            self.source.remark(f"attribute {name!r} is counted in units of 1e-{scale}")
        return cast or f"{value}::varchar"

    def sample(self, count: int) -> list[tuple[str, ...]]:
        """Return the first rows as text."""
        chosen = ", ".join(f"{identifier(name)}::varchar" for name in self.names)
        try:
            rows = self.connection.execute(f"select {chosen} from {self.relation} limit {count}")
            return [tuple(cell or "" for cell in row) for row in rows.fetchall()]
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            raise damaged(self.source) from error

    def fetch(self, query: str) -> dict[str, NDArray[Any]]:
        """Run a query over the file; damaged pages are an error of the file."""
        try:
            return fetched(self.connection, query)
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            raise damaged(self.source) from error

    def _check_ids(self, name: str) -> None:
        kind = self.types[name]
        if kind not in {*_INTEGERS, "UBIGINT", "VARCHAR"} and not kind.startswith("ENUM"):
            raise refusal(
                self.source.name, "have integers or text as ids", f"{kind} in column {name!r}"
            )
        count = self.fetch(
            f"select count(*) - count({identifier(name)}) as a from {self.relation}"
        )["a"][0]
        if count:
            raise refusal(
                self.source.name, "have an id in every row", f"{count} missing in column {name!r}"
            )

    def _fits_int64(self, name: str) -> bool:
        if self.types[name] != "UBIGINT":
            return self.types[name] in _INTEGERS
        largest = self.fetch(f"select max({identifier(name)}) as a from {self.relation}")["a"]
        return bool(np.ma.is_masked(largest) or int(largest[0]) < 2**63)


def parquet_table(
    connection: duckdb.DuckDBPyConnection, source: Source, options: ReadOptions
) -> ParquetTable:
    """Look at the schema of a Parquet file."""
    _check_magic(source)
    relation = f"read_parquet({literal(str(source.file))}, hive_partitioning=false)"
    try:
        rows = connection.execute(f"describe select * from {relation}").fetchall()
        file = literal(str(source.file))
        notes = connection.execute(
            f"select value from parquet_kv_metadata({file}) where key = '{METADATA_KEY}'"
        ).fetchall()
    except (duckdb.InterruptException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as error:
        raise damaged(source) from error
    _check_rows(connection, source, len(rows), options.max_ratio)
    metadata = bytes(notes[0][0]).decode(errors="replace") if notes else None
    return ParquetTable(connection, source, relation, {row[0]: row[1] for row in rows}, metadata)


def _check_rows(
    connection: duckdb.DuckDBPyConnection, source: Source, num_columns: int, max_ratio: float
) -> None:
    """Refuse a few bytes that spell hundreds of millions of rows, before there is room for them."""
    query = f"select sum(num_rows) from parquet_file_metadata({literal(str(source.file))})"
    try:
        (count,) = connection.execute(query).fetchall()[0]
    except duckdb.Error as error:
        raise damaged(source) from error
    size = 8 * (count or 0) * min(num_columns, 3)
    allowed = max(_HARMLESS, int(max_ratio * source.size))
    if size > allowed:
        raise refusal(
            source.name,
            f"decompress to at most {allowed} bytes",
            f"{count} rows, {size} bytes",
            way_out="pass max_ratio if the file is trusted",
        )
    check_room(size, f"{count} rows")


def _check_magic(source: Source) -> None:
    with source.file.open("rb") as stream:
        start = stream.read(4)
        stream.seek(max(0, source.size - 4))
        end = stream.read(4)
    if start != _MAGIC:
        raise refusal(source.name, "be a Parquet file", "other bytes at its start")
    if end != _MAGIC or source.size < 12:
        raise refusal(source.name, "be a complete Parquet file", "a truncated file")


def damaged(source: Source) -> Exception:
    """Return the error for a Parquet file that DuckDB cannot read."""
    return refusal(source.name, "be a valid Parquet file", "damaged data")
