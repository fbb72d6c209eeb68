"""Parquet tables: columns of native types, and the metadata that `write_graph` leaves in them."""

# ruff: noqa: S608 - names and values are quoted, table names are this package's own

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.duckdb_session import fetched, identifier, literal
from graphmax.files.errors import refusal
from graphmax.files.metadata import METADATA_KEY
from graphmax.files.opening import Source
from graphmax.machine import check_room

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_AS_THEY_ARE = {
    *_INTEGERS,
    *("UBIGINT", "BOOLEAN", "FLOAT", "DOUBLE", "VARCHAR"),
    *("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
}
_MAGIC = b"PAR1"
# Columns may take this much memory, or so many times the bytes of the file.
_HARMLESS, _RATIO = 2**30, 200


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


def parquet_table(connection: duckdb.DuckDBPyConnection, source: Source) -> ParquetTable:
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
    _check_rows(connection, source, len(rows))
    metadata = bytes(notes[0][0]).decode(errors="replace") if notes else None
    return ParquetTable(connection, source, relation, {row[0]: row[1] for row in rows}, metadata)


def _check_rows(connection: duckdb.DuckDBPyConnection, source: Source, num_columns: int) -> None:
    """Refuse a few bytes that spell hundreds of millions of rows, before there is room for them."""
    query = f"select sum(num_rows) from parquet_file_metadata({literal(str(source.file))})"
    try:
        (count,) = connection.execute(query).fetchall()[0]
    except duckdb.Error as error:
        raise damaged(source) from error
    size, allowed = 8 * (count or 0) * min(num_columns, 3), max(_HARMLESS, _RATIO * source.size)
    if size > allowed:
        raise refusal(
            source.name, f"decompress to at most {allowed} bytes", f"{count} rows, {size} bytes"
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
