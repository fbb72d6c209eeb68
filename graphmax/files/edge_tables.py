"""Edge tables, as text (CSV, TSV, SNAP, KONECT) or Parquet, with an optional node table."""

# ruff: noqa: S608 - table and column names are this package's own

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files import matrix_market, matrix_tables
from graphmax.files.building import (
    Numbered,
    are_integers,
    are_whole,
    bad_id,
    built_graph,
    check_count,
    first_bad_weight,
    first_row,
    make_whole,
    number_integers,
    number_relation,
    two_sided,
)
from graphmax.files.column_roles import ARROWS, EdgeColumns, edge_columns, told_columns
from graphmax.files.duckdb_session import database, fetched, point_decimals
from graphmax.files.errors import refusal
from graphmax.files.metadata import parsed_metadata, restored
from graphmax.files.node_tables import NodeTable, missing_words, node_table
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.table_columns import ParquetTable, TextTable, parquet_table, text_table
from graphmax.files.table_layout import Layout, layout_of
from graphmax.graph import Graph

_SAMPLE = 1000


def read(source: Source, options: ReadOptions) -> Graph:
    """Read an edge table; the ending of a text table suggests its delimiter."""
    if source.kind == "parquet":
        return _read_parquet(source, options)
    if matrix_market.has_banner(source):
        return matrix_market.read(source, options)
    if matrix_tables.is_matrix(source, options):
        return matrix_tables.read(source, options)
    return _read_text(source, options)


def _read_text(source: Source, options: ReadOptions) -> Graph:
    layout = layout_of(source, options, kind=source.kind, is_edges=True)
    columns = edge_columns(source, layout.names, options, layout.sample, layout.header)
    with database(source) as connection:
        nodes = node_table(connection, source, options)
        if nodes is not None:
            check_pair(nodes.metadata, layout.metadata, source)
        table = text_table(connection, source, layout)
        columns, edges = _edges(table, columns, options)
        told_columns(
            source,
            layout.names,
            columns,
            header=layout.header,
            delimiter=layout.delimiter,
            sample=() if options.header is not None else layout.sample,
        )
        if options.bipartite or layout.konect == "bip":
            numbered = two_sided(edges["src"], edges["dst"], edges.get("weight"), layout.counts[1:])
            source.remark("two separate sets of ids")
        else:
            nodes = _counted_nodes(edges, layout, source, options) if nodes is None else nodes
            nodes = _with_lacking(nodes, edges) if nodes and options.add_nodes else nodes
            numbered = _numbered(connection, edges, nodes, source)
    metadata = {} if nodes is None else layout.metadata
    attributes = None
    if nodes is not None:
        attributes = restored(nodes.attributes, metadata, source, nodes.ids.size)
    return built_graph(
        source,
        options,
        numbered,
        attributes=attributes,
        directed=layout.directed or columns.directed,
        has_ids=metadata.get("labels") != "none",
    )


def _edges(
    table: TextTable, columns: EdgeColumns, options: ReadOptions
) -> tuple[EdgeColumns, dict[str, NDArray[Any]]]:
    """Return the columns of the edges: ids, all int64 or all text, weights and arrows."""
    if table.scan.plain and columns.arrow is None and not table.layout.has_dicts:
        edges = table.integers(columns.named())
        if edges is not None:
            return columns, edges
    chosen = columns.named()
    if table.layout.has_dicts and options.weight is not False:
        chosen["weight"] = 2
        columns = columns._replace(weight=2)
    if columns.arrow is not None:
        chosen["arrow"] = columns.arrow
    table.load(chosen, "raw", missing_words(options))
    ids = ("src", "dst")
    is_text = table.layout.metadata.get("labels") == "object"
    if not is_text and are_whole(table.connection, "raw", ids):
        make_whole(table.connection, "raw", ids)
        table.source.remark("ids are whole numbers written as floats")
    _check_ids(table, columns)
    is_text = is_text or not are_integers(table.connection, "raw", ids)
    kind = "varchar" if is_text else "bigint"
    edges = fetched(table.connection, f"select src::{kind} as src, dst::{kind} as dst from raw")
    if "weight" in chosen:
        columns = _add_weights(table, columns, edges, options)
    if columns.arrow is not None:
        columns = _add_arrows(table, columns, edges)
    return columns, edges


def _add_weights(
    table: TextTable, columns: EdgeColumns, edges: dict[str, NDArray[Any]], options: ReadOptions
) -> EdgeColumns:
    """Add the weights; a column with gaps is left out unless it was asked for."""
    if table.layout.delimiter != "," and point_decimals(table.connection, "raw", "weight"):
        table.source.remark("decimal commas in the weights")
    _check_weight_text(table)
    weights = fetched(table.connection, "select weight::double as weight from raw")["weight"]
    missing = np.ma.getmaskarray(weights)
    if missing.any() and options.weight in (None, True):
        if not (missing.all() and table.layout.has_dicts):
            table.source.remark(f"weights left out: {missing.sum()} of {missing.size} are missing")
        return columns._replace(weight=None)
    bad = first_bad_weight(weights)
    if bad is not None:
        raise _bad_weight(table, *bad)
    edges["weight"] = weights
    return columns


def _add_arrows(
    table: TextTable, columns: EdgeColumns, edges: dict[str, NDArray[Any]]
) -> EdgeColumns:
    """Add which edges have an arrow, if every cell says so; else it means something else."""
    rows = table.connection.execute("select distinct lower(trim(arrow)) from raw").fetchall()
    if not {row[0] for row in rows} <= set(ARROWS):
        return columns._replace(arrow=None)
    query = "select lower(trim(arrow)) = 'directed' as arrow from raw"
    edges["arrow"] = fetched(table.connection, query)["arrow"]
    return columns


def _numbered(
    connection: Any, edges: Mapping[str, NDArray[Any]], nodes: NodeTable | None, source: Source
) -> Numbered:
    known = None if nodes is None else nodes.ids
    if all(ids is None or ids.dtype == np.int64 for ids in (edges["src"], edges["dst"], known)):
        return number_integers(connection, dict(edges), known, source)
    texts = {name: as_text(edges[name]) for name in ("src", "dst")}
    connection.register("edges", {**edges, **texts})
    return number_relation(
        connection, None if known is None else as_text(known), list(edges), source
    )


def as_text(ids: NDArray[Any]) -> NDArray[Any]:
    """Return ids as an object array of str."""
    return ids if ids.dtype == object else np.array([str(i) for i in ids.tolist()], object)


def _counted_nodes(
    edges: Mapping[str, NDArray[Any]], layout: Layout, source: Source, options: ReadOptions
) -> NodeTable | None:
    """Return the nodes 1 to n that the banner of KONECT counts, where all ids are among them."""
    count = max(layout.counts[1:], default=0)
    ends = (edges["src"], edges["dst"])
    if not count or any(end.dtype != np.int64 or not end.size for end in ends):
        return None
    check_count(source, options, count)
    if min(int(end.min()) for end in ends) < 1 or max(int(end.max()) for end in ends) > count:
        return None
    return NodeTable(np.arange(1, count + 1), {})


def _with_lacking(nodes: NodeTable, edges: Mapping[str, NDArray[Any]]) -> NodeTable:
    """Add ids of the edges that the node table lacks, with missing values."""
    ends, known = np.concatenate([edges["src"], edges["dst"]]), nodes.ids
    if ends.dtype != known.dtype:
        ends, known = as_text(ends), as_text(known)
    lacking = np.setdiff1d(ends, known)
    return nodes.extended(known, lacking) if lacking.size else nodes


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
    if table.layout.metadata.get("labels") == "object":
        return
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
        table.connection,
        "raw",
        "weight is not null and (try_cast(weight as double) is null or contains(weight, '_'))",
    )
    if row is not None:
        query = f"select weight from raw where rowid = {row}"
        (text,) = table.connection.execute(query).fetchall()[0]
        is_word = not any(map(str.isdigit, text))
        first = f"missing (--missing {text[:20]}) if it means a missing one, or " if is_word else ""
        if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
            first = "numbers with a decimal point, or "
        raise _bad_weight(table, row, f"weight {text!r}", first)


def _bad_weight(table: TextTable, row: int, got: str, first: str = "") -> Exception:
    return refusal(
        table.source.name,
        "have weights that are numbers, not NaN",
        got,
        line=table.line_of(row),
        way_out=f"pass {first}weight=False (--no-weight) to leave the weights out",
    )


def _read_parquet(source: Source, options: ReadOptions) -> Graph:
    """Read an edge table; the metadata of `write_graph` restores direction and dtypes."""
    with database(source) as connection:
        table = parquet_table(connection, source, options)
        metadata = parsed_metadata(table.metadata, source)
        nodes = node_table(connection, source, options)
        if nodes is not None:
            check_pair(nodes.metadata, metadata, source)
        columns, edges = _parquet_edges(table, options)
        if options.bipartite:
            numbered = two_sided(edges["src"], edges["dst"], edges.get("weight"))
        else:
            nodes = _with_lacking(nodes, edges) if nodes and options.add_nodes else nodes
            numbered = _numbered(connection, edges, nodes, source)
    attributes = {}
    if nodes is not None:
        attributes = restored(nodes.attributes, metadata, source, nodes.ids.size)
    return built_graph(
        source,
        options,
        numbered,
        attributes=attributes,
        directed=metadata.get("directed", False) or columns.directed,
        has_ids=nodes is None or metadata.get("labels") != "none",
    )


def check_pair(nodes: Mapping[str, Any], edges: Mapping[str, Any], source: Source) -> None:
    """Refuse edges and nodes of two different writes."""
    if nodes.get("pair") != edges.get("pair") and None not in (
        nodes.get("pair"),
        edges.get("pair"),
    ):
        raise refusal(
            source.name,
            "be written together with its node table",
            "a node table of another write",
            way_out="write the graph again, or pass nodes=False to read the edges alone",
        )


def _parquet_edges(
    table: ParquetTable, options: ReadOptions
) -> tuple[EdgeColumns, dict[str, NDArray[Any]]]:
    names, source = tuple(table.names), table.source
    columns = edge_columns(source, names, options, table.sample(_SAMPLE))
    src, dst = names[columns.src], names[columns.dst]
    found = table.ids([src, dst])
    edges = {"src": found[src], "dst": found[dst]}
    if columns.weight is not None:
        weights = _weights(table, names[columns.weight])
        missing = np.ma.getmaskarray(weights).sum()
        if missing and options.weight in (None, True):
            source.remark(f"weights left out: {missing} of {weights.size} are missing")
            columns = columns._replace(weight=None)
        else:
            edges["weight"] = weights
    if columns.arrow is not None:
        arrows = np.char.lower(table.attribute(names[columns.arrow]).astype(str))
        if set(np.unique(arrows)) <= set(ARROWS):
            edges["arrow"] = arrows == "directed"
        else:
            columns = columns._replace(arrow=None)
    told_columns(source, names, columns, header=True, delimiter="")
    return columns, edges


def _weights(table: ParquetTable, name: str) -> NDArray[Any]:
    weights = table.attribute(name)
    if weights.dtype.kind not in "biuf":
        raise refusal(
            table.source.name, "have weights that are numbers", f"{table.types[name]} in {name!r}"
        )
    bad = first_bad_weight(weights)
    if bad is not None and not np.ma.getmaskarray(weights)[bad[0]]:
        raise refusal(
            table.source.name,
            "have weights that are numbers, not NaN",
            f"{bad[1]} in row {bad[0] + 1}",
            way_out="pass weight=False (--no-weight) to leave the weights out",
        )
    return weights
