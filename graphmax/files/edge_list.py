"""CSV, TSV and SNAP edge lists, with an optional node table."""

# ruff: noqa: S608 - table and column names are this package's own

from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.assemble import assembled, first_bad_weight, found_column
from graphmax.files.columns import fetched
from graphmax.files.database import database
from graphmax.files.errors import refusal
from graphmax.files.identity import are_integers, bad_id
from graphmax.files.ids import Numbered, number_integers, number_relation
from graphmax.files.layout import layout_of
from graphmax.files.node_table import NodeTable, node_table
from graphmax.files.options import ReadOptions
from graphmax.files.source import Source
from graphmax.files.text_table import TextTable, text_table
from graphmax.graph import Graph

SOURCES = ("src", "source", "from", "fromnodeid", "node1")
TARGETS = ("dst", "target", "to", "tonodeid", "node2")


class EdgeColumns(NamedTuple):
    """The places of the edge columns; `weight` is None without one."""

    src: int
    dst: int
    weight: int | None

    def named(self) -> dict[str, int]:
        """Return them as a mapping, weight last and only where there is one."""
        ends = {"src": self.src, "dst": self.dst}
        return ends if self.weight is None else {**ends, "weight": self.weight}


def read(source: Source, options: ReadOptions, *, kind: str = "csv") -> Graph:
    """Read an edge list; `kind` is the ending that suggests a delimiter."""
    layout = layout_of(source, options, kind=kind, is_edges=True)
    columns = edge_columns(source, layout.names, options)
    with database(source, options) as connection:
        nodes = node_table(connection, source, options)
        table = text_table(connection, source, layout)
        edges = _numbered(table, columns, nodes)
    attributes = None if nodes is None else nodes.attributes
    return assembled(source, options, edges, attributes=attributes, directed=layout.directed)


def edge_columns(source: Source, names: Sequence[str], options: ReadOptions) -> EdgeColumns:
    """Return where the ends and the weight of an edge stand."""
    if len(names) < 2:
        raise refusal(
            source.name, "have at least two columns of ids", "1 column", way_out="pass delimiter"
        )
    src = found_column(source, names, options.src, usual=SOURCES, otherwise=None)
    dst = found_column(source, names, options.dst, usual=TARGETS, otherwise=None)
    free = [i for i in range(len(names)) if i not in (src, dst)]
    src = free.pop(0) if src is None else src
    dst = free[0] if dst is None else dst
    return EdgeColumns(src, dst, weight_column(source, names, options))


def weight_column(source: Source, names: Sequence[str], options: ReadOptions) -> int | None:
    """Return where the weight stands; None without one or with ``weight=False``."""
    if options.weight is False:
        return None
    asked = None if options.weight is True else options.weight
    return found_column(source, names, asked, usual=("weight",), otherwise=None)


def _numbered(table: TextTable, columns: EdgeColumns, nodes: NodeTable | None) -> Numbered:
    known = None if nodes is None else nodes.ids
    if table.scan.plain and (known is None or known.dtype == np.int64):
        edges = table.integers(columns.named())
        if edges is not None:
            _check_weights(table, edges.get("weight"))
            return number_integers(table.connection, edges, known, table.source)
    table.load(columns.named(), "raw")
    return _numbered_text(table, columns, known)


def _numbered_text(table: TextTable, columns: EdgeColumns, known: NDArray[Any] | None) -> Numbered:
    connection, weighted = table.connection, columns.weight is not None
    _check_ids(table, columns)
    if weighted:
        _check_weight_text(table)
    weight = ", weight::double as weight" if weighted else ""
    integers = are_integers(connection, "raw", ("src", "dst"))
    if integers and (known is None or known.dtype == np.int64):
        query = f"select src::bigint as src, dst::bigint as dst{weight} from raw"
        return number_integers(connection, fetched(connection, query), known, table.source)
    if known is not None and known.dtype == np.int64:
        known = np.array([str(label) for label in known.tolist()], object)
    connection.execute(f"create temp view edges as select src, dst{weight} from raw")
    return number_relation(connection, known, weighted, table.source)


def _check_ids(table: TextTable, columns: EdgeColumns) -> None:
    for name, place in (("src", columns.src), ("dst", columns.dst)):
        row = first_row(table.connection, "raw", f"{name} is null")
        if row is not None:
            raise refusal(
                table.source.name,
                "have two ids in every row",
                f"an empty cell in column {table.layout.names[place]!r}",
                line=table.line_of(row),
            )
    bad = bad_id(table.connection, "raw", ("src", "dst"))
    if bad is not None:
        place = columns.src if bad.column == "src" else columns.dst
        raise refusal(
            table.source.name,
            "have integers or text as ids",
            f"{bad.flaw} {bad.text}",
            line=table.line_with(place, bad.text),
        )


def _check_weight_text(table: TextTable) -> None:
    row = first_row(
        table.connection, "raw", "weight is not null and try_cast(weight as double) is null"
    )
    if row is not None:
        query = f"select weight from raw where rowid = {row}"
        (text,) = table.connection.execute(query).fetchall()[0]
        raise _bad_weight(table, row, f"weight {text!r}")
    query = "select weight::double as weight from raw"
    _check_weights(table, fetched(table.connection, query)["weight"])


def _check_weights(table: TextTable, weights: NDArray[Any] | None) -> None:
    bad = None if weights is None else first_bad_weight(weights)
    if bad is not None:
        raise _bad_weight(table, *bad)


def _bad_weight(table: TextTable, row: int, got: str) -> Exception:
    return refusal(
        table.source.name,
        "have weights that are numbers, at least 0 and not NaN",
        got,
        line=table.line_of(row),
        way_out="pass weight=False to leave the weights out",
    )


def first_row(connection: duckdb.DuckDBPyConnection, table: str, condition: str) -> int | None:
    """Return the number of the first row of a table that satisfies a condition."""
    (row,) = connection.execute(f"select min(rowid) from {table} where {condition}").fetchall()[0]
    return None if row is None else int(row)
