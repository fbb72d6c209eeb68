"""Writing node-link JSON, as networkx reads it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.files.note import flat_attributes, note_of, written
from graphmax.graph import Graph


def write(graph: Graph, file: Path) -> None:
    """Write one node or edge a line; NaN and infinities are strings, for JSON has none."""
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(_document(graph))


def _document(graph: Graph) -> Iterator[str]:
    note = _text({"graphmax": note_of(graph)})
    yield f'{{"directed": {_text(graph.directed)}, "multigraph": false, "graph": {note},\n'
    ids = graph.label_of(np.arange(graph.num_nodes)).tolist()
    yield '"nodes": ['
    yield from _listed(_nodes(graph, ids))
    yield '],\n"edges": ['
    yield from _listed(_edges(graph, ids))
    yield "]}\n"


def _listed(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    for place, row in enumerate(rows):
        yield (",\n" if place else "\n") + _text(row)


def _nodes(graph: Graph, ids: list[Any]) -> Iterator[dict[str, Any]]:
    columns = {name: written(column) for name, column in flat_attributes(graph).items()}
    if "id" in columns:
        raise ValueError("`graph` must have no attribute named 'id', got one; rename it")
    for place, identity in enumerate(ids):
        values = ((name, column[place]) for name, column in columns.items())
        yield {"id": identity, **{name: value for name, value in values if value is not None}}


def _edges(graph: Graph, ids: list[Any]) -> Iterator[dict[str, Any]]:
    weights = graph.edge_weights()
    for place, (u, v) in enumerate(graph.edges().T.tolist()):
        weight = {} if weights is None else {"weight": float(weights[place])}
        yield {"source": ids[u], "target": ids[v], **weight}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = {name: _spelled(item) for name, item in value.items()}
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _spelled(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
