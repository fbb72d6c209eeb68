"""The node table beside an edge table: the ids, in their order, and the attributes."""

# ruff: noqa: S608 - table names are this package's own, column names are quoted

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import (
    are_integers,
    are_whole,
    bad_id,
    check_count,
    make_whole,
)
from graphmax.files.column_roles import found_column
from graphmax.files.duckdb_session import fetched, point_decimals, type_of
from graphmax.files.errors import listed, refusal
from graphmax.files.formats import FORMAT_OF, ending_of, nodes_name, plain_suffix
from graphmax.files.metadata import check_seal, parsed_metadata
from graphmax.files.opening import ReadOptions, Source, opened
from graphmax.files.table_columns import ParquetTable, TextTable, parquet_table, text_table
from graphmax.files.table_layout import layout_of

# The header of a node table for Neo4j: personId:ID(Person), height:float, :LABEL.
_NEO4J_ID = re.compile(r":ID(\(.*\))?$", re.IGNORECASE)
_NEO4J_TYPE = re.compile(r"(?<=.):[a-z]+(\[\])?$", re.IGNORECASE)
_KEYS = ("id", "node")
# edges.csv, a_links.csv, edges_2020.csv, edgelist.csv, MyEdges.csv; no knowledges.csv.
_SISTER = re.compile(
    r"(?P<before>|.*[^a-zA-Z]|.*[a-z](?=[EL]))(?P<word>[eE]dges?|[lL]inks?|EDGES?|LINKS?)"
    r"(?P<behind>(?:[-_ ]?[lL]ist|[-_ ]?LIST)?(?:[^a-zA-Z].*)?)"
)


class NodeTable(NamedTuple):
    """Ids (int64, or object of str) and attributes, both in the order of the table.

    `metadata` is what `write_graph` left in it.
    """

    ids: NDArray[Any]
    attributes: dict[str, NDArray[Any]]
    metadata: Mapping[str, Any] = MappingProxyType({})

    def extended(self, known: NDArray[Any], lacking: NDArray[Any]) -> "NodeTable":
        """Return the table with more ids, which lack all attributes; `known` are its own."""
        attributes = {}
        for name, column in self.attributes.items():
            more = np.ma.MaskedArray(np.zeros(lacking.size, column.dtype), mask=True)
            attributes[name] = np.ma.concatenate([column, more])  # type: ignore[no-untyped-call]
        return NodeTable(np.concatenate([known, lacking]), attributes, self.metadata)


def missing_words(options: ReadOptions) -> tuple[str, ...]:
    """Return the words that mean a missing entry: "NA,N/A" or a sequence."""
    if options.missing is None:
        return ()
    words = options.missing.split(",") if isinstance(options.missing, str) else options.missing
    return tuple(str(word) for word in words)


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
        check_seal(source)
        if ending == "parquet":
            table = _from_parquet(parquet_table(connection, source, options), options)
        else:
            layout = layout_of(source, options, kind=ending, is_edges=False)
            table = _from_text(text_table(connection, source, layout), options)
    for sentence in source.remarks:
        edges.remark(sentence)
    return table


def _name_of(edges: Source, options: ReadOptions) -> str | None:
    if options.nodes is False:
        return None
    if options.nodes is None or options.nodes is True:
        beside = nodes_name(edges.name)
        found = next(
            (name for name in (beside, *_sisters(edges.name)) if Path(name).is_file()), None
        )
        if found not in (None, beside):
            edges.remark(f"node table {Path(found).name}")
        return beside if found is None and options.nodes else found
    return os.fspath(options.nodes)


def _sisters(name: str) -> list[str]:
    """Return ``nodes.csv`` for ``edges.csv``, ``a_nodes_2020.csv`` for ``a_edges_2020.csv``."""
    path = Path(name)
    match = _SISTER.fullmatch(path.name)
    if match is None or plain_suffix(path.name.lower()) not in ("csv", "tsv", "txt", "parquet"):
        return []
    word = "node" if match["word"].lower() in ("edge", "link") else "nodes"
    is_title = match["word"].istitle()
    word = word.upper() if match["word"].isupper() else word.title() if is_title else word
    return [str(path.with_name(f"{match['before']}{word}{match['behind']}"))]


def _key_of(source: Source, names: Sequence[str], options: ReadOptions) -> int:
    """Return the column of ids: the one asked for, ``id``, ``node``, ``x:ID``, else the first."""
    neo4j = next((i for i, name in enumerate(names) if _NEO4J_ID.search(name)), None)
    usual = _KEYS if neo4j is None else ()
    return found_column(source, names, options.id, usual=usual, otherwise=neo4j) or 0


def _plain_names(names: Sequence[str], key: int) -> Sequence[str]:
    """Return the names without the types that a header of Neo4j gives them: ``height:float``."""
    if not _NEO4J_ID.search(names[key]):
        return names
    plain = [_NEO4J_TYPE.sub("", name) for name in names]
    return plain if len(set(plain)) == len(plain) else names


def _from_text(table: TextTable, options: ReadOptions) -> NodeTable:
    names, metadata = table.layout.names, table.layout.metadata
    dtypes = metadata.get("dtypes", {})
    key = _key_of(table.source, names, options)
    table.load({f"c{i}": i for i in range(len(names))}, "node_rows", missing_words(options))
    column = f"c{key}"
    is_text = metadata.get("labels") == "object"
    if not is_text and are_whole(table.connection, "node_rows", (column,)):
        make_whole(table.connection, "node_rows", (column,))
    _check_text_ids(table, column, key, is_text)
    check_rows(table.connection, table.source, options)
    attributes = {
        name: _typed(table, i, name, dtypes.get(name))
        for i, name in enumerate(_plain_names(names, key))
        if i != key
    }
    is_text = is_text or not are_integers(table.connection, "node_rows", (column,))
    kind = "varchar" if is_text else "bigint"
    ids = fetched(table.connection, f"select {column}::{kind} as id from node_rows")["id"]
    return NodeTable(_unique(ids, table.source), attributes, metadata)


def _check_text_ids(table: TextTable, column: str, place: int, is_text: bool) -> None:
    query = f"select min(rowid) from node_rows where {column} is null"
    (row,) = table.connection.execute(query).fetchall()[0]
    if row is not None:
        raise refusal(
            table.source.name, "have an id in every row", "an empty cell", line=table.line_of(row)
        )
    bad = None if is_text else bad_id(table.connection, "node_rows", (column,))
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


def _typed(table: TextTable, place: int, name: str, dtype: str | None) -> NDArray[Any]:
    connection, column = table.connection, f"c{place}"
    claimed = dtype or ""
    kind = "VARCHAR" if claimed == "object" else type_of(connection, "node_rows", column)
    may_have_commas = kind == "VARCHAR" and not claimed and table.layout.delimiter != ","
    if may_have_commas and point_decimals(connection, "node_rows", column):
        table.source.remark(f"decimal commas in attribute {name!r}")
        kind = type_of(connection, "node_rows", column)
    if kind == "VARCHAR" and not claimed:
        _say_why_text(table, place, name)
    return fetched(connection, f"select {column}::{kind} as a from node_rows")["a"]


# A cell that starts like a number is meant as one: ``1,000``, ``5%``, ``2020-01-31T12:00:00Z``.
_LIKE_A_NUMBER = "regexp_matches({c}, '^\\s*[+-]?[.]?[0-9]')"


def _say_why_text(table: TextTable, place: int, name: str) -> None:
    """Name the first cells that keep a column of numbers from being one."""
    connection, column = table.connection, f"c{place}"
    is_stranger = f"{column} is not null and try_cast({column} as double) is null"
    is_meant = _LIKE_A_NUMBER.replace("{c}", column)
    query = f"select count(*) filter ({is_meant}), count({column}) from node_rows"
    numbers, filled = connection.execute(query).fetchall()[0]
    query = (
        f"select {column}, min(rowid), any_value({is_meant}) from node_rows where {is_stranger} "
        "group by 1 order by 2 limit 3"
    )
    strangers = connection.execute(query).fetchall()
    if not strangers or numbers * 2 < filled:
        return
    shown = ", ".join(f"{text[:20]!r} in line {table.line_of(row)}" for text, row, _ in strangers)
    words = ",".join(text[:20] for text, _, is_number in strangers if not is_number)
    way_out = f"--missing {words} if that means missing" if words else "write plain numbers"
    is_one = len(strangers) == 1
    table.source.remark(
        f"attribute {name!r} is text: {shown} {'is no number' if is_one else 'are no numbers'} "
        f"({way_out})"
    )


def _from_parquet(table: ParquetTable, options: ReadOptions) -> NodeTable:
    name = table.names[_key_of(table.source, table.names, options)]
    ids = table.ids([name])[name]
    check_count(table.source, options, ids.size)
    attributes = {other: table.attribute(other) for other in table.names if other != name}
    metadata = parsed_metadata(table.metadata, table.source)
    return NodeTable(_unique(ids, table.source), attributes, metadata)


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
