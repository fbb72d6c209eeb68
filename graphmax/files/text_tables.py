"""Delimited text into DuckDB: as integers while parsing where the bytes allow it, else as text.

One pass over the bytes comes first. Three questions whose answers cost a few milliseconds a
megabyte here and a wrong graph later: NUL bytes or broken UTF-8, comment lines among the data, and
whether the rows are *plain*: nothing but canonical integers. Only of plain rows may DuckDB cast ids
while it parses: it reads ``1.5`` as 2, ``1_0`` as 10 and ``0x10`` as 16 in a BIGINT column, and
``007`` as 7, without a word.
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

from graphmax.files.duckdb_session import fetched, literal
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import CHUNK, Source
from graphmax.files.table_layout import Layout, is_marked, is_said_aloud

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
