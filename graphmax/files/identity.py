"""What counts as an id: integers, or text. Floats are refused, and so are 1, 1.0, true mixed."""

# ruff: noqa: S608 - table and column names are this package's own

from collections.abc import Sequence
from typing import NamedTuple

import duckdb

from graphmax.files.columns import CANONICAL_INTEGER, holds_everywhere

_INTEGER = "regexp_full_match({c}, '[+-]?[0-9]+')"
_FLOAT = (
    "regexp_full_match({c}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?|"
    "(?i:[+-]?(nan|inf|infinity))') and not " + _INTEGER
)
_BOOLEAN = "lower({c}) in ('true', 'false')"


class BadId(NamedTuple):
    """An id that cannot be one: its text, the column it stands in, and what is wrong."""

    text: str
    column: str
    flaw: str


def are_integers(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> bool:
    """Say whether all ids are integers of 64 bits in their usual spelling.

    ``007`` is not: it stays the text that it is, beside a possible ``7``.
    """
    return all(holds_everywhere(connection, table, c, CANONICAL_INTEGER) for c in columns)


def bad_id(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> BadId | None:
    """Return a float among ids that are all numbers or partly integers, or a mixed-in Boolean."""
    floats = _first(connection, table, columns, _FLOAT)
    booleans = _first(connection, table, columns, _BOOLEAN)
    if floats is None and booleans is None:
        return None
    has_integers = _first(connection, table, columns, _INTEGER) is not None
    other = f"not ({_INTEGER}) and not ({_FLOAT})"
    if floats and (has_integers or _first(connection, table, columns, other) is None):
        return BadId(*floats, "the float")
    if booleans and has_integers:
        return BadId(*booleans, "among integers the Boolean")
    return None


def _first(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rule: str
) -> tuple[str, str] | None:
    for column in columns:
        rows = connection.execute(
            f"select {column} from {table} where {rule.replace('{c}', column)} limit 1"
        ).fetchall()
        if rows:
            return rows[0][0], column
    return None
