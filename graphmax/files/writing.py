"""`write_graph`: one graph into one file, or into an edge table and a node table.

Of a pair of tables the node table is put in place first: without it a new edge table could name
nodes that the old one lacks.
"""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import replacing, write_atomically
from graphmax.convert import as_graph
from graphmax.files.checksums import ROOM, seal
from graphmax.files.formats import FORMAT_OF, PAIR_ENDINGS, nodes_name, written_endings
from graphmax.files.metadata import as_comment, flat_attributes, metadata_of, with_positions
from graphmax.files.opening import check_text
from graphmax.files.table_writing import checked_columns, copy_columns
from graphmax.graph import Graph


def write_graph(graph: "Graph | Any", path: str | os.PathLike[str]) -> None:
    """Write a graph to a file that `read_graph` reads back as the same graph.

    The file appears complete or not at all: it is written under a temporary name, synced to the
    disk and renamed.

    Parameters
    ----------
    graph : Graph or graph of another library
        What `as_graph` takes; its labels are the ids in the file, node indices without labels.
    path : str or path
        Where to; the ending decides: .graphml, .json (node-link), .npz, .parquet, .csv.
        The last two are tables of
        edges with the columns ``src``, ``dst`` and, where there are weights, ``weight``; a table
        of nodes, with the column ``id`` and one for each attribute, is written beside them:
        ``graph.nodes.csv`` beside ``graph.csv``.

    Raises
    ------
    ValueError
        If the ending is another one, or the format cannot hold a label or an attribute name.
    TypeError
        If a label or an attribute is neither numbers nor text nor times.
    FileNotFoundError
        If the folder does not exist.

    Notes
    -----
    Every format gives back the same labels, dtypes, weights, masks, direction, grid shape and
    positions; of `Graph.dropped` only NPZ knows. The tables of a CSV start with a comment that
    holds what CSV cannot say (``pandas.read_csv(..., comment="#")`` passes over it). An attribute
    of shape (n, 2) is written as two columns ``x.0``, ``x.1``. A pair of tables is replaced one
    after the other, nodes first, and both carry one mark, so that a reader refuses a new one
    beside an old one. All files carry a checksum, and a reader refuses one whose bytes differ.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphmax import Graph, read_graph, write_graph
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "path.graphml"
    >>> write_graph(Graph.from_edges([0, 1], [1, 2], labels=["a", "b", "c"]), file)
    >>> read_graph(file)
    Graph(num_nodes=3, num_edges=2, undirected, labelled)
    """
    graph = _in_native_order(as_graph(graph))
    _check_texts(graph)
    target = Path(os.fspath(path))
    ending = target.suffix.lower().removeprefix(".")
    row = FORMAT_OF.get(ending)
    if ending in PAIR_ENDINGS:
        beside = Path(nodes_name(str(target)))
        with replacing([beside, target]) as (nodes_file, edges_file):
            _write_tables(graph, edges_file, nodes_file, f".{ending}")
    elif row is not None and row.writes:
        write = row.writer()
        write_atomically(target, lambda file: write(graph, file))
    else:
        raise ValueError(
            f"`path` must end in one of {written_endings()}, got {target.name!r}; rename it"
        )


def _check_texts(graph: Graph) -> None:
    """Refuse half characters in names and text."""
    columns = {"labels": graph.labels, **graph.attributes}
    for name, column in columns.items():
        check_text(name, "attributes")
        if column is not None and column.dtype == object:
            for item in column.tolist():
                if isinstance(item, str):
                    check_text(item, name if name == "labels" else f"attributes[{name!r}]")


def _in_native_order(graph: Graph) -> Graph:
    """Return a graph whose attributes have the order of bytes that writers take."""
    swapped = {
        name: column.astype(column.dtype.newbyteorder("="))
        for name, column in graph.attributes.items()
        if not column.dtype.isnative
    }
    return graph.replace(attributes={**graph.attributes, **swapped}) if swapped else graph


def _write_tables(graph: Graph, edges_file: Path, nodes_file: Path, ending: str) -> None:
    """Write both tables with metadata and checksums; in CSV they stand in a comment."""
    graph, placed = with_positions(graph)
    ids = graph.label_of(np.arange(graph.num_nodes))
    src, dst = graph.edges()
    edges: dict[str, NDArray[Any]] = {"src": ids[src], "dst": ids[dst]}
    weights = graph.edge_weights()
    if weights is not None:
        edges["weight"] = weights
    nodes = {"id": ids, **_apart(flat_attributes(graph))}
    known = {**metadata_of(graph), **placed, "pair": secrets.token_hex(8), "checksum": ROOM}
    metadata = json.dumps(known)
    comment = as_comment(known) if ending == ".csv" else ""
    if graph.directed and comment:
        comment += "# Directed graph\n"
    for table, file in ((nodes, nodes_file), (edges, edges_file)):
        columns = checked_columns(table)
        if comment:  # the shortest spelling of a narrow float is another number in 64 bits
            columns = {name: _widened(column) for name, column in columns.items()}
        copy_columns(columns, file, ending, metadata=metadata, comment=comment, quote=True)
        seal(file)


def _widened(column: NDArray[Any]) -> NDArray[Any]:
    return column.astype(np.float64) if column.dtype.kind == "f" else column


def _apart(columns: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    """Refuse attribute names that a table cannot tell apart."""
    seen = {"id"}
    for name in columns:
        if name.lower() in seen:
            raise ValueError(
                f"`graph` must have attributes whose names differ from 'id' and from each other "
                f"in more than case, got {name!r}; rename it, or write .npz or .graphml"
            )
        seen.add(name.lower())
    return columns
