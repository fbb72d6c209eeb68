"""A graph as two tables: edges under the name asked for, nodes beside them.

``a.csv`` has the columns src, dst and weight where there are weights, ``a.nodes.csv`` the column
id and one for each attribute; `read_graph("a.csv")` finds both. The node table is put in place
first: without it a new edge table could name nodes that the old one lacks. Two Parquet tables
carry one mark, so that a reader refuses a new one beside an old one.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.note import flat_attributes, note_of
from graphmax.files.tables import checked_columns, copy_columns
from graphmax.graph import Graph


def write(graph: Graph, edges_file: Path, nodes_file: Path, ending: str) -> None:
    """Write both tables; Parquet carries the note, a directed CSV says so in its first line."""
    ids = graph.label_of(np.arange(graph.num_nodes))
    src, dst = graph.edges()
    edges: dict[str, NDArray[Any]] = {"src": ids[src], "dst": ids[dst]}
    weights = graph.edge_weights()
    if weights is not None:
        edges["weight"] = weights
    nodes = {"id": ids, **_apart(flat_attributes(graph))}
    note = None
    if ending == ".parquet":
        note = json.dumps({**note_of(graph), "pair": secrets.token_hex(8)})
    comment = "# Directed graph\n" if graph.directed and ending == ".csv" else ""
    copy_columns(checked_columns(nodes), nodes_file, ending, note=note, quote=True)
    copy_columns(checked_columns(edges), edges_file, ending, note=note, comment=comment, quote=True)


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
