"""The node table beside an edge table: the ids, in their order, and the attributes."""

# ruff: noqa: S608 - table names are this package's own, column names are quoted

import os
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import (
    are_integers,
    bad_id,
    check_count,
)
from graphmax.files.duckdb_session import fetched, type_of
from graphmax.files.errors import listed, refusal
from graphmax.files.formats import FORMAT_OF, ending_of, nodes_name
from graphmax.files.metadata import parsed_metadata
from graphmax.files.opening import ReadOptions, Source, opened
from graphmax.files.parquet_tables import ParquetTable, parquet_table
from graphmax.files.table_layout import found_column, layout_of
from graphmax.files.text_tables import TextTable, text_table

_KEYS = ("id", "node")


class NodeTable(NamedTuple):
    """Ids (int64, or object of str) and attributes, both in the order of the table.

    `pair` is the mark that it shares with the edge table that was written with it.
    """

    ids: NDArray[Any]
    attributes: dict[str, NDArray[Any]]
    pair: str | None = None


def node_table(
    connection: duckdb.DuckDBPyConnection, edges: Source, options: ReadOptions
) -> NodeTable | None:
    """Read the node table that the options name, else the one beside the edges, if any."""
    name = _name_of(edges, options)
    if name is None:
        return None
    ending = ending_of(name)
    with opened(name, options) as source:
        if not FORMAT_OF[ending].is_table:
            raise refusal(name, "be a table of nodes", f"the ending .{ending}")
        if ending == "parquet":
            return _from_parquet(parquet_table(connection, source), options)
        layout = layout_of(source, options, kind=ending, is_edges=False)
        return _from_text(text_table(connection, source, layout), options)


def _name_of(edges: Source, options: ReadOptions) -> str | None:
    if options.nodes is False:
        return None
    if options.nodes is None or options.nodes is True:
        beside = nodes_name(edges.name)
        return beside if options.nodes or Path(beside).is_file() else None
    return os.fspath(options.nodes)


def _from_text(table: TextTable, options: ReadOptions) -> NodeTable:
    names = table.layout.names
    key = found_column(table.source, names, options.id, usual=_KEYS, otherwise=0)
    table.load({f"c{i}": i for i in range(len(names))}, "node_rows")
    column = f"c{key}"
    _check_text_ids(table, column, int(key or 0))
    check_rows(table.connection, table.source, options)
    attributes = {
        name: _typed(table.connection, f"c{i}") for i, name in enumerate(names) if i != key
    }
    kind = "bigint" if are_integers(table.connection, "node_rows", (column,)) else "varchar"
    query = f"select {column}::{kind} as id from node_rows"
    ids = fetched(table.connection, query)["id"]
    return NodeTable(_unique(ids, table.source), attributes)


def _check_text_ids(table: TextTable, column: str, place: int) -> None:
    query = f"select min(rowid) from node_rows where {column} is null"
    (row,) = table.connection.execute(query).fetchall()[0]
    if row is not None:
        raise refusal(
            table.source.name, "have an id in every row", "an empty cell", line=table.line_of(row)
        )
    bad = bad_id(table.connection, "node_rows", (column,))
    if bad is not None:
        raise refusal(
            table.source.name,
            "have integers or text as ids",
            f"{bad.flaw} {bad.text}",
            line=table.line_with(place, bad.text),
        )


def check_rows(connection: duckdb.DuckDBPyConnection, source: Source, options: ReadOptions) -> None:
    """Refuse a node table with more rows than nodes are allowed."""
    check_count(
        source, options, connection.execute("select count(*) from node_rows").fetchall()[0][0]
    )


def _typed(connection: duckdb.DuckDBPyConnection, column: str) -> NDArray[Any]:
    kind = type_of(connection, "node_rows", column)
    return fetched(connection, f"select {column}::{kind} as a from node_rows")["a"]


def _from_parquet(table: ParquetTable, options: ReadOptions) -> NodeTable:
    key = found_column(table.source, table.names, options.id, usual=_KEYS, otherwise=0)
    name = table.names[int(key or 0)]
    ids = table.ids([name])[name]
    check_count(table.source, options, ids.size)
    attributes = {other: table.attribute(other) for other in table.names if other != name}
    pair = parsed_metadata(table.metadata, table.source).get("pair")
    return NodeTable(_unique(ids, table.source), attributes, pair)


def _unique(ids: NDArray[Any], source: Source) -> NDArray[Any]:
    distinct, counts = _counted(ids)
    repeated = distinct[counts > 1]
    if repeated.size:
        raise refusal(
            source.name, "have every id once", f"repeated ids ({listed(repeated.tolist())})"
        )
    return ids


def _counted(ids: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    distinct, counts = np.unique(ids, return_counts=True)
    return distinct, counts
