"""GraphML, read by networkx after a look by `checked_xml`, written with every digit."""

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import networkx
import numpy as np
from numpy.typing import NDArray

from graphmax.files.errors import flawed
from graphmax.files.metadata import flat_attributes, metadata_of, parsed_metadata, written
from graphmax.files.nodes_and_edges import NodeEdgeData
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.xml_graphs import checked_xml
from graphmax.graph import Graph

_TYPES = {"b": "boolean", "i": "long", "u": "long", "f": "double", "m": "long"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLANKS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def read(source: Source, options: ReadOptions) -> Graph:
    """Read GraphML; defaults of keys are applied, the direction is the file's own."""
    checked_xml(source, options)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # keys without a type: read as text
            found: Any = networkx.read_graphml(source.file)
    except Exception as error:  # noqa: BLE001 - networkx raises whatever its code trips over
        raise flawed(source.name, "GraphML", error) from None
    metadata = parsed_metadata(found.graph.get("graphmax"), source)
    node_default = found.graph.get("node_default", {})
    edge_default = found.graph.get("edge_default", {})
    return NodeEdgeData(
        list(found),
        [{**node_default, **data} for _, data in found.nodes(data=True)],
        [(u, v) for u, v in found.edges()],
        [{**edge_default, **data} for _, _, data in found.edges(data=True)],
        found.is_directed(),
        metadata,
    ).to_graph(source, options)


def write(graph: Graph, file: Path) -> None:
    """Write GraphML; what XML cannot say about dtypes stands in the graph's own data."""
    columns = {**flat_attributes(graph)}
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(_document(graph, columns))


def _document(graph: Graph, columns: dict[str, NDArray[Any]]) -> Iterator[str]:
    kind = "directed" if graph.directed else "undirected"
    yield "<?xml version='1.0' encoding='utf-8'?>\n"
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    yield '<key id="note" for="graph" attr.name="graphmax" attr.type="string"/>\n'
    for i, (name, column) in enumerate(columns.items()):
        type_name = _TYPES.get(column.dtype.kind, "string")
        yield (f'<key id="d{i}" for="node" attr.name={_quoted(name)} attr.type="{type_name}"/>\n')
    if graph.weights is not None:
        yield '<key id="w" for="edge" attr.name="weight" attr.type="double"/>\n'
    yield f'<graph edgedefault="{kind}">\n'
    yield f'<data key="note">{_escaped(json.dumps(metadata_of(graph)))}</data>\n'
    names = [_quoted(str(label)) for label in graph.label_of(np.arange(graph.num_nodes)).tolist()]
    yield from _nodes(names, [written(column) for column in columns.values()])
    yield from _edges(graph, names)
    yield "</graph>\n</graphml>\n"


def _nodes(names: list[str], columns: list[list[Any]]) -> Iterator[str]:
    rows = zip(*columns, strict=True) if columns else iter([()] * len(names))
    for name, row in zip(names, rows, strict=True):
        data = "".join(
            f'<data key="d{i}">{_escaped(str(value))}</data>'
            for i, value in enumerate(row)
            if value is not None
        )
        yield f"<node id={name}>{data}</node>\n" if data else f"<node id={name}/>\n"


def _edges(graph: Graph, names: list[str]) -> Iterator[str]:
    weights = graph.edge_weights()
    for i, (u, v) in enumerate(graph.edges().T.tolist()):
        ends = f"<edge source={names[u]} target={names[v]}"
        if weights is None:
            yield f"{ends}/>\n"
        else:
            yield f'{ends}><data key="w">{float(weights[i])!r}</data></edge>\n'


def _quoted(text: str) -> str:
    return quoteattr(_checked(text), _BLANKS)


def _escaped(text: str) -> str:
    return escape(_checked(text), _BLANKS)


def _checked(text: str) -> str:
    """Refuse what no XML file can hold."""
    found = _ILLEGAL.search(text)
    if found:
        raise ValueError(
            f"`graph` must have text of XML characters, got {found[0]!r} in {text[:40]!r}; "
            "write .npz or .parquet"
        )
    return text
