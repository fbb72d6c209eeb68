"""Edge tables, as text (CSV, TSV, SNAP) or Parquet, with an optional node table."""

# ruff: noqa: S608 - names and values are quoted, table names are this package's own

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import (
    Numbered,
    are_integers,
    bad_id,
    built_graph,
    first_bad_weight,
    first_row,
    number_integers,
    number_relation,
)
from graphmax.files.duckdb_session import database, fetched
from graphmax.files.errors import refusal
from graphmax.files.metadata import parsed_metadata, restored
from graphmax.files.node_tables import NodeTable, node_table
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.parquet_tables import ParquetTable, parquet_table
from graphmax.files.table_layout import EdgeColumns, edge_columns, layout_of
from graphmax.files.text_tables import TextTable, text_table
from graphmax.graph import Graph


def read(source: Source, options: ReadOptions) -> Graph:
    """Read an edge table; the ending of a text table suggests its delimiter."""
    return (_read_parquet if source.kind == "parquet" else _read_text)(source, options)


def _read_text(source: Source, options: ReadOptions) -> Graph:
    layout = layout_of(source, options, kind=source.kind, is_edges=True)
    columns = edge_columns(source, layout.names, options)
    with database(source, options) as connection:
        nodes = node_table(connection, source, options)
        table = text_table(connection, source, layout)
        edges = _numbered(table, columns, nodes)
    attributes = None if nodes is None else nodes.attributes
    return built_graph(source, options, edges, attributes=attributes, directed=layout.directed)


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
        known = np.array([str(identity) for identity in known.tolist()], object)
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


def _read_parquet(source: Source, options: ReadOptions) -> Graph:
    """Read an edge table; a metadata of `write_graph` restores direction and dtypes."""
    with database(source, options) as connection:
        table = parquet_table(connection, source)
        metadata = parsed_metadata(table.metadata, source)
        nodes = node_table(connection, source, options)
        if nodes is not None and None not in (nodes.pair, metadata.get("pair")):
            _check_pair(nodes.pair, metadata["pair"], source)
        edges = _numbered_parquet(table, options, nodes)
    attributes = (
        {} if nodes is None else restored(nodes.attributes, metadata, source, nodes.ids.size)
    )
    return built_graph(
        source,
        options,
        edges,
        attributes=attributes,
        directed=metadata.get("directed", False),
        has_ids=nodes is None or metadata.get("labels") != "none",
    )


def _check_pair(nodes: str | None, edges: str, source: Source) -> None:
    if nodes != edges:
        raise refusal(
            source.name,
            "be written together with its node table",
            "a node table of another write",
            way_out="write the graph again, or pass nodes=False to read the edges alone",
        )


def _numbered_parquet(
    table: ParquetTable, options: ReadOptions, nodes: NodeTable | None
) -> Numbered:
    columns = edge_columns(table.source, tuple(table.names), options)
    names = [table.names[columns.src], table.names[columns.dst]]
    found = table.ids(names)
    edges = {"src": found[names[0]], "dst": found[names[1]]}
    if columns.weight is not None:
        edges["weight"] = _weights(table, table.names[columns.weight])
    known = None if nodes is None else nodes.ids
    if all(ids is None or ids.dtype == np.int64 for ids in (edges["src"], known)):
        return number_integers(table.connection, edges, known, table.source)
    texts = {name: as_text(ids) for name, ids in edges.items() if name != "weight"}
    table.connection.register("edges", {**edges, **texts})
    return number_relation(
        table.connection,
        None if known is None else as_text(known),
        columns.weight is not None,
        table.source,
    )


def as_text(ids: NDArray[Any]) -> NDArray[Any]:
    """Return ids as an object array of str."""
    return ids if ids.dtype == object else np.array([str(i) for i in ids.tolist()], object)


def _weights(table: ParquetTable, name: str) -> NDArray[Any]:
    weights = table.attribute(name)
    if weights.dtype.kind not in "biuf":
        raise refusal(
            table.source.name, "have weights that are numbers", f"{table.types[name]} in {name!r}"
        )
    bad = first_bad_weight(weights)
    if bad is not None:
        raise refusal(
            table.source.name,
            "have weights that are numbers, at least 0 and not NaN",
            f"{bad[1]} in row {bad[0] + 1}",
            way_out="pass weight=False to leave the weights out",
        )
    return weights
