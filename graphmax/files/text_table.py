"""Delimited text into DuckDB: as integers while parsing where the bytes allow it, else as text."""

# ruff: noqa: S608 - names are quoted by `literal`, columns are called c0, c1, ...

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.columns import fetched
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.layout import Layout, split_line
from graphmax.files.scan import Scan, scan, tidied
from graphmax.files.source import Source
from graphmax.files.sql import literal


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

    def load(self, columns: dict[str, int], table: str) -> None:
        """Make a temporary table of text columns, empty cells NULL, in the order of the file."""
        cell = "{c}" if self.scan.quotes else "nullif(trim({c}, ' \t'), '')"
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
                yield from _numbered(map(split_line, lines, _forever(" ")), self.layout.skip)
                return
            reader = csv.reader(lines, delimiter=self.layout.delimiter)
            try:
                for row in reader:
                    if row and not row[0].startswith("#"):
                        yield reader.line_num + self.layout.skip, row
            except csv.Error:
                return

    def _parsed(self, parse: Callable[[Path], Any]) -> Any:
        if not self.scan.ragged:
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
            f"skip={self.layout.skip}, delim={literal(self.layout.delimiter)}, quote='\"', "
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


def _forever(text: str) -> Iterator[str]:
    while True:
        yield text


def _numbered(rows: Iterator[list[str]], skip: int) -> Iterator[tuple[int, list[str]]]:
    for line, row in enumerate(rows, skip + 1):
        if row and not row[0].startswith("#"):
            yield line, row
