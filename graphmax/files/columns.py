"""Types of text columns: the narrowest that holds every entry exactly, else text.

Never through a float: a column is a float column only if no integer in it would be rounded.
"""

# ruff: noqa: S608 - table and column names are this package's own, values are quoted

from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

_ISO = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,%d})?)?)?"
_EXACT_FLOAT = (
    "try_cast({c} as double) is not null and not contains({c}, '_') and "
    "(not regexp_full_match({c}, '\\s*[+-]?[0-9]{{16,}}\\s*') or "
    "try_cast({c} as hugeint) = try_cast(try_cast({c} as double) as hugeint))"
)
# What every entry must satisfy for the column to be cast to the type, in this order.
_RULES = (
    ("BIGINT", "regexp_full_match({c}, '[+-]?[0-9]+') and try_cast({c} as bigint) is not null"),
    ("UBIGINT", "regexp_full_match({c}, '[+]?[0-9]+') and try_cast({c} as ubigint) is not null"),
    ("BOOLEAN", "lower({c}) in ('true', 'false')"),
    ("DOUBLE", _EXACT_FLOAT),
    (
        "TIMESTAMP",
        f"regexp_full_match({{c}}, '{_ISO % 6}') and try_cast({{c}} as timestamp) is not null",
    ),
    (
        "TIMESTAMP_NS",
        f"regexp_full_match({{c}}, '{_ISO % 9}') and try_cast({{c}} as timestamp_ns) is not null",
    ),
)
CANONICAL_INTEGER = "coalesce(try_cast({c} as bigint)::varchar = {c}, false)"


def holds_everywhere(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, rule: str
) -> bool:
    """Say whether every entry that is not NULL satisfies a rule about ``{c}``."""
    condition = rule.replace("{c}", column).replace("{{", "{").replace("}}", "}")
    return not connection.execute(
        f"select 1 from {table} where {column} is not null "
        f"and not coalesce({condition}, false) limit 1"
    ).fetchall()


def type_of(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """Return the DuckDB type for a text column."""
    some = connection.execute(
        f"select 1 from {table} where {column} is not null limit 1"
    ).fetchall()
    if not some:
        return "VARCHAR"
    for name, rule in _RULES:
        if holds_everywhere(connection, table, column, rule):
            return name
    return "VARCHAR"


def fetched(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[object] | None = None
) -> dict[str, NDArray[Any]]:
    """Run a query and return its columns, missing entries masked."""
    columns = connection.execute(query, parameters or []).fetchnumpy()
    return {name: _as_array(column) for name, column in columns.items()}


def _as_array(column: Any) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray) and not np.ma.is_masked(column):
        return column.data
    return column if isinstance(column, np.ndarray) else np.asarray(column)
