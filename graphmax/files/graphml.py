"""GraphML, read by hand, and written with every digit.

The reader of networkx knows no nested graphs, stops at one value that is not of its declared type,
and reads street networks, whose attributes are all declared as text, as text.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from graphmax.files.metadata import (
    ROOM,
    flat_attributes,
    metadata_of,
    parsed_metadata,
    seal,
    with_positions,
    written,
)
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.xml_graphs import XmlEdge, XmlReader, graph_data, say_undeclared
from graphmax.graph import Graph

_TYPES = {"b": "boolean", "i": "long", "u": "long", "f": "double", "m": "long"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLANKS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


@dataclass
class _Key:
    name: str
    domain: str
    kind: str
    default: str | None = None


class _Reader(XmlReader):
    """State: the node or edge whose data is read, and the key of that data."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.keys: dict[str, _Key] = {}
        self.graph_data: dict[str, str] = {}
        self.owners: list[dict[str, Any]] = []
        self.key: str | None = None
        self.depth = 0
        self.skipped: dict[str, int] = {}
        self.undeclared: Counter[str] = Counter()

    def on_key(self, attributes: dict[str, str]) -> None:
        key = attributes.get("id")
        if key is None:
            raise self.refusal("give every key an id", "a key without one")
        kind = "graphics" if "yfiles.type" in attributes else attributes.get("attr.type", "string")
        name = attributes.get("attr.name", key)
        self.keys[key] = _Key(name, attributes.get("for", "all"), kind.lower())
        self.key = key

    def on_default(self, _: dict[str, str]) -> None:
        self.collect()

    def after_default(self) -> None:
        if self.key in self.keys:
            self.keys[self.key].default = self.taken_text()

    def on_graph(self, attributes: dict[str, str]) -> None:
        if not self.owners:
            self.graph.graphs += 1
            self.graph.directed = attributes.get("edgedefault", "undirected") == "directed"
            self.owners.append(self.graph_data)
        else:
            self.source.remark("nested graphs are flattened")
            self.owners.append({})
        self.depth += 1

    def after_graph(self) -> None:
        self.depth -= 1
        if self.depth:
            self.owners.pop()
        elif self.owners:
            self.owners = []

    def on_node(self, attributes: dict[str, str]) -> None:
        self.owners.append(self.graph.nodes[self.add_node(attributes.get("id"))])

    def after_node(self) -> None:
        self.owners.pop()

    def on_edge(self, attributes: dict[str, str]) -> None:
        said = attributes.get("directed", "").strip().lower()
        edge: XmlEdge = self.add_edge(attributes, {"true": True, "false": False}.get(said))
        self.owners.append(edge.data)

    def after_edge(self) -> None:
        self.owners.pop()

    def on_hyperedge(self, _: dict[str, str]) -> None:
        self.skipped["hyperedges"] = self.skipped.get("hyperedges", 0) + 1
        self.owners.append({})

    def after_hyperedge(self) -> None:
        self.owners.pop()

    def on_data(self, attributes: dict[str, str]) -> None:
        self.key = attributes.get("key")
        if self.key not in self.keys:
            self.undeclared[str(self.key)] += 1
            return
        self.collect()

    def after_data(self) -> None:
        text, key = self.taken_text(), self.keys.get(self.key or "")
        if key is not None and self.owners and key.kind != "graphics":
            self.owners[-1].setdefault(key.name, text)
        self.key = None

    def on_NodeLabel(self, _: dict[str, str]) -> None:  # noqa: N802 - yEd spells it so
        self.collect()

    def after_NodeLabel(self) -> None:  # noqa: N802
        text = self.taken_text().strip()
        if text and len(self.owners) > 1:
            self.owners[-1].setdefault("label", text)

    def on_Geometry(self, attributes: dict[str, str]) -> None:  # noqa: N802
        if len(self.owners) > 1:
            for name in ("x", "y"):
                if name in attributes:
                    self.owners[-1].setdefault(name, attributes[name])

    def kinds(self, domain: str) -> dict[str, str]:
        """Return the declared types of the data of nodes or edges."""
        return {k.name: k.kind for k in self.keys.values() if k.domain in (domain, "all")}

    def defaults(self, domain: str) -> dict[str, str]:
        """Return the values that hold where a node or an edge says nothing."""
        keys = (k for k in self.keys.values() if k.domain in (domain, "all"))
        return {key.name: key.default for key in keys if key.default is not None}


def read(source: Source, options: ReadOptions) -> Graph:
    """Read GraphML; defaults of keys are applied, nested graphs flattened."""
    reader = _Reader(source, options)
    graph = reader.read()
    for what, count in reader.skipped.items():
        source.remark(f"{count} {what} left out")
    say_undeclared(source, reader.undeclared, "keys")
    metadata = parsed_metadata(reader.graph_data.get("graphmax"), source)
    kinds, defaults = ((of("node"), of("edge")) for of in (reader.kinds, reader.defaults))
    data = graph_data(graph, metadata=metadata, kinds=kinds, defaults=defaults)
    return data.to_graph(source, options)


def write(graph: Graph, file: Path) -> None:
    """Write GraphML; what XML cannot say about dtypes stands in the graph's own data."""
    graph, placed = with_positions(graph)
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(_document(graph, flat_attributes(graph), placed))
        stream.write(f"<!-- {ROOM} -->\n")
    seal(file)


def _document(
    graph: Graph, columns: dict[str, NDArray[Any]], placed: dict[str, str]
) -> Iterator[str]:
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
    yield f'<data key="note">{_escaped(json.dumps({**metadata_of(graph), **placed}))}</data>\n'
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
