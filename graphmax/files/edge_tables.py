"""Edge tables, as text (CSV, TSV, SNAP, KONECT) or Parquet, and the node table beside them."""

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
    Numbered,
    are_integers,
    are_whole,
    bad_id,
    built_graph,
    check_count,
    database,
    fetched,
    first_bad_weight,
    first_row,
    make_whole,
    number_integers,
    number_relation,
    point_decimals,
    two_sided,
    type_of,
)
from graphmax.files.column_roles import (
    ARROWS,
    EdgeColumns,
    edge_columns,
    found_column,
    told_columns,
)
from graphmax.files.errors import listed, refusal
from graphmax.files.opening import (
    ReadOptions,
    Source,
    check_seal,
    opened,
    parsed_metadata,
    restored,
)
from graphmax.files.reading import FORMAT_OF, ending_of, nodes_name, plain_suffix
from graphmax.files.table_columns import ParquetTable, TextTable, parquet_table, text_table
from graphmax.files.table_layout import Layout, has_banner, is_matrix, layout_of, read_matrix
from graphmax.graph import Graph

# ruff: noqa: S608 - table names are this package's own, column names are quoted

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


# ruff: noqa: S608 - table and column names are this package's own

# --- Edge tables, as text (CSV, TSV, SNAP, KONECT) or Parquet, with an optional node table

_SAMPLE = 1000


def read(source: Source, options: ReadOptions) -> Graph:
    """Read an edge table; the ending of a text table suggests its delimiter."""
    if source.kind == "parquet":
        return _read_parquet(source, options)
    if has_banner(source):
        from graphmax.files.scientific_files import read_matrix_market

        return read_matrix_market(source, options)
    if is_matrix(source, options):
        return read_matrix(source, options)
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
