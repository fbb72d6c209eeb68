"""Two tables of files into DuckDB: ids checked and numbered in the order of the node table.

Afterwards there are ``given(node, id, value)`` and ``ends(src, dst)``, the edges by node number.
Where ids are whole numbers without a gap and in order, `ends` is a view of the files themselves.
"""

# ruff: noqa: S608 - table names are this package's own, column names are quoted

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from graphmax.files.building import are_integers, bad_id
from graphmax.files.duckdb_session import identifier, literal, type_of
from graphmax.files.errors import refusal
from graphmax.files.metadata import METADATA_KEY, parsed_metadata
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.table_layout import Layout, layout_of
from graphmax.files.text_tables import text_table
from graphmax.tables.columns import Choice, edge_choice, node_choice
from graphmax.tables.database import Database
from graphmax.tables.question import TableQuestion
from graphmax.tables.refusals import no_order, no_value, repeated_ids, unknown_ids
from graphmax.tables.sources import TableFiles
from graphmax.tables.sql import check_num_nodes

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
FLOATS = {"FLOAT", "DOUBLE"}
_AS_TEXT = {"VARCHAR", "UUID"}
_ORDERED = {
    *INTEGERS, *FLOATS, "UBIGINT", "BOOLEAN", "DATE", "TIME",
    "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip


class Loaded(NamedTuple):
    """Sizes of the tables, DuckDB's type of the values, and whether edges have an arrow."""

    num_nodes: int
    num_edges: int
    kind: str
    directed: bool


class Opened(NamedTuple):
    """A table under a name in DuckDB: the types of its columns, and what it says of arrows."""

    types: dict[str, str]
    directed: bool


def load(database: Database, question: TableQuestion) -> Loaded:
    """Read, check and number both tables."""
    nodes = _open(database, question.nodes, "raw_nodes", node_choice(question))
    edges = _open(database, question.edges, "raw_edges", edge_choice(question))
    id_kind = _id_kind(database, question, {**nodes.types, **edges.types})
    kind = value_kind(database, question, nodes.types["value"])
    num_nodes = _number_nodes(database, question, id_kind, kind)
    first = _first_of_range(database, question, id_kind)
    num_edges = _number_edges(database, question, id_kind, (first, num_nodes))
    directed = edges.directed if question.directed is None else question.directed
    return Loaded(num_nodes, num_edges, kind, directed)


def _open(database: Database, table: TableFiles, name: str, choose: Choice) -> Opened:
    sources = table.sources()
    if table.is_parquet:
        return _open_parquet(database, sources, name, choose)
    layouts = [
        layout_of(s, ReadOptions(), kind=table.kind, is_edges=name == "raw_edges") for s in sources
    ]
    for i, (source, layout) in enumerate(zip(sources, layouts, strict=True)):
        _load_text(database, source, layout, choose(source, layout.names), name, is_first=i == 0)
    types = dict.fromkeys(choose(sources[0], layouts[0].names), "text")
    return Opened(types, layouts[0].directed)


def _load_text(
    database: Database,
    source: Source,
    layout: Layout,
    columns: Mapping[str, int],
    name: str,
    *,
    is_first: bool,
) -> None:
    table = text_table(database.connection, source, layout)
    part = name if is_first else f"{name}_part"
    database.call(f"reading {source.file.name}", 0, lambda: table.load(dict(columns), part))
    if not is_first:
        database.run(f"INSERT INTO {name} FROM {part}")
        database.run(f"DROP TABLE {part}")


def _open_parquet(
    database: Database, sources: Sequence[Source], name: str, choose: Choice
) -> Opened:
    files = ", ".join(literal(str(source.file)) for source in sources)
    relation = f"read_parquet([{files}], hive_partitioning=false)"
    types = {row[0]: row[1] for row in database.rows(f"DESCRIBE SELECT * FROM {relation}")}
    names = list(types)
    columns = {alias: names[i] for alias, i in choose(sources[0], names).items()}
    chosen = ", ".join(f"{identifier(column)} AS {alias}" for alias, column in columns.items())
    database.run(f"CREATE TEMP VIEW {name} AS SELECT {chosen} FROM {relation}")
    return Opened(
        {alias: types[column] for alias, column in columns.items()},
        note_says_directed(database.connection, sources[0]),
    )


def note_says_directed(connection: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Ask the note that `write_graph` leaves in a Parquet file."""
    metadata = f"parquet_kv_metadata({literal(str(source.file))})"
    query = f"SELECT value FROM {metadata} WHERE key = '{METADATA_KEY}'"
    notes = connection.execute(query).fetchall()
    note = bytes(notes[0][0]).decode(errors="replace") if notes else None
    return bool(parsed_metadata(note, source).get("directed", False))


def _id_kind(database: Database, question: TableQuestion, types: Mapping[str, str]) -> str:
    """Return the type in which the ids of both tables meet: BIGINT, or text."""
    places = {"id": ("raw_nodes", question.nodes.name)}
    places |= dict.fromkeys(("src", "dst"), ("raw_edges", question.edges.name))
    fits = [_fits_int64(database, places[c], c, types[c]) for c in places]
    return "BIGINT" if all(fits) else "VARCHAR"


def _fits_int64(database: Database, place: tuple[str, str], column: str, kind: str) -> bool:
    table, name = place
    if kind == "text":
        ids = database.connection, table, (column,)
        if database.call("", 0, lambda: are_integers(*ids)):
            return True
        bad = database.call("", 0, lambda: bad_id(*ids))
        if bad is not None:
            raise refusal(name, "have integers or text as ids", f"{bad.flaw} {bad.text}")
        return False
    if kind == "UBIGINT":
        (most,) = database.row(f"SELECT max({column}) FROM {table}")
        return most is None or most < 2**63
    if kind not in INTEGERS | _AS_TEXT and not kind.startswith("ENUM"):
        raise refusal(name, "have integers or text as ids", f"{kind} in column {column!r}")
    return kind in INTEGERS


def value_kind(database: Database, question: TableQuestion, kind: str) -> str:
    """Return the type of the values, refusing one without an exact order."""
    if kind == "text":
        (count,) = database.row("SELECT count(value) FROM raw_nodes")
        values = database.connection, "raw_nodes", "value"
        kind = database.call("", 0, lambda: type_of(*values)) if count else "DOUBLE"
    if kind not in _ORDERED and not kind.startswith("DECIMAL"):
        raise no_order(question, kind)
    return kind


def _number_nodes(database: Database, question: TableQuestion, id_kind: str, kind: str) -> int:
    name = question.nodes.name
    num_nodes, missing = database.row("SELECT count(*), count(*) - count(id) FROM raw_nodes")
    if num_nodes == 0:
        raise refusal(name, "have at least one row", "an empty table")
    if missing:
        raise refusal(name, "have an id in every row", f"{missing} rows without")
    check_num_nodes(num_nodes, name)
    # -0.0 + 0.0 is 0.0: one value, one rank
    value = f"value::{kind} + 0::{kind}" if kind in FLOATS else f"value::{kind}"
    database.stage(
        "numbering nodes",
        num_nodes,
        f"CREATE TABLE given AS SELECT row_number() OVER () - 1 AS node, id::{id_kind} AS id, "
        f"{value} AS value FROM raw_nodes",
    )
    if question.rule.nan == "raise":
        _refuse_absent(database, question, kind)
    return int(num_nodes)


def absent_sql(kind: str) -> str:
    """Write the condition that a row of `given` has no value to compare."""
    return "(value IS NULL OR isnan(value))" if kind in FLOATS else "(value IS NULL)"


def _refuse_absent(database: Database, question: TableQuestion, kind: str) -> None:
    absent = f"FROM given WHERE {absent_sql(kind)}"
    (count,) = database.row(f"SELECT count(*) {absent}")
    if count:
        first = [row[0] for row in database.rows(f"SELECT id {absent} ORDER BY node LIMIT 5")]
        raise no_value(question, first, count)


def _first_of_range(database: Database, question: TableQuestion, id_kind: str) -> int | None:
    """Return the id of node 0 if the number of a node is its id less that; else None."""
    if id_kind == "BIGINT":
        first, last, moved = database.row(
            "SELECT min(id), max(id), count(*) FILTER (id <> node + (SELECT min(id) FROM given)) "
            "FROM given"
        )
        if not moved:
            return int(first)
    repeats = "(SELECT id FROM given GROUP BY id HAVING count(*) > 1)"
    (count,) = database.row(f"SELECT count(*) FROM {repeats}")
    if count:
        rows = database.rows(f"SELECT id FROM {repeats} ORDER BY id LIMIT 5")
        raise repeated_ids(question, [row[0] for row in rows], count)
    if id_kind != "BIGINT" or question.needs_order:
        return None
    (num_nodes,) = database.row("SELECT count(*) FROM given")
    if last - first + 1 != num_nodes:
        return None
    database.run(f"CREATE TABLE moved AS SELECT id - {first} AS node, id, value FROM given")
    database.run("DROP TABLE given")
    database.run("ALTER TABLE moved RENAME TO given")
    return int(first)


def _number_edges(
    database: Database, question: TableQuestion, id_kind: str, span: tuple[int | None, int]
) -> int:
    first, num_nodes = span
    num_edges, missing = database.row(
        "SELECT count(*), count(*) FILTER (src IS NULL OR dst IS NULL) FROM raw_edges"
    )
    if missing:
        raise refusal(question.edges.name, "have two ids in every row", f"{missing} rows without")
    ends = f"SELECT src::{id_kind} AS src, dst::{id_kind} AS dst FROM raw_edges"
    if first is None:
        database.stage(
            "numbering edges",
            num_edges,
            f"CREATE TABLE ends AS SELECT a.node AS src, b.node AS dst FROM ({ends}) e "
            "JOIN given a ON a.id = e.src JOIN given b ON b.id = e.dst",
        )
        (outside,) = database.row(f"SELECT {num_edges} - count(*) FROM ends")
    else:
        last = first + num_nodes - 1
        within = f"src BETWEEN {first} AND {last} AND dst BETWEEN {first} AND {last}"
        (outside,) = database.row(f"SELECT count(*) FROM ({ends}) WHERE NOT ({within})")
        shifted = f"SELECT src - {first} AS src, dst - {first} AS dst FROM ({ends})"
        database.run(f"CREATE TEMP VIEW ends AS {shifted}")
    if outside:
        _refuse_unknown(database, question, ends)
    return int(num_edges)


def _refuse_unknown(database: Database, question: TableQuestion, ends: str) -> None:
    lacking = (
        f"FROM (SELECT src AS id FROM ({ends}) UNION SELECT dst FROM ({ends})) e "
        "ANTI JOIN given USING (id)"
    )
    (count,) = database.row(f"SELECT count(*) {lacking}")
    rows = database.rows(f"SELECT id {lacking} ORDER BY id LIMIT 5")
    raise unknown_ids(question, [row[0] for row in rows], count)
