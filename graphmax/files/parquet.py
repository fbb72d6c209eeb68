"""Parquet edge tables, with an optional node table."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.assemble import assembled, first_bad_weight
from graphmax.files.database import database
from graphmax.files.edge_list import edge_columns
from graphmax.files.errors import refusal
from graphmax.files.ids import Numbered, number_integers, number_relation
from graphmax.files.node_table import NodeTable, node_table
from graphmax.files.note import parsed_note, restored
from graphmax.files.options import ReadOptions
from graphmax.files.parquet_table import ParquetTable, parquet_table
from graphmax.files.source import Source
from graphmax.graph import Graph


def read(source: Source, options: ReadOptions) -> Graph:
    """Read an edge table; a note of `write_graph` restores direction and dtypes."""
    with database(source, options) as connection:
        table = parquet_table(connection, source)
        note = parsed_note(table.note, source)
        nodes = node_table(connection, source, options)
        if nodes is not None and None not in (nodes.pair, note.get("pair")):
            _check_pair(nodes.pair, note["pair"], source)
        edges = _numbered(table, options, nodes)
    attributes = {} if nodes is None else restored(nodes.attributes, note, source, nodes.ids.size)
    return assembled(
        source,
        options,
        edges,
        attributes=attributes,
        directed=note.get("directed", False),
        labelled=nodes is None or note.get("labels") != "none",
    )


def _check_pair(nodes: str | None, edges: str, source: Source) -> None:
    if nodes != edges:
        raise refusal(
            source.name,
            "be written together with its node table",
            "a node table of another write",
            way_out="write the graph again, or pass nodes=False to read the edges alone",
        )


def _numbered(table: ParquetTable, options: ReadOptions, nodes: NodeTable | None) -> Numbered:
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
