"""GraphML and GEXF, read in one pass by expat: no entities, no deep nesting, every node once.

Readers of a format say what an element means; here stands what they share: ids, ends, directions,
and the checks of a file that nobody vouches for. Nothing outside of the file is opened.

The reader of networkx knows no nested graphs, three namespaces and few types of GEXF, stops at one
value that is not of its declared type, and reads street networks, whose attributes are all
declared as text, as text. Of values that change over time the last one is taken, with a word.
GraphML is written with every digit.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from graphmax.files.errors import GraphFileError, listed, refusal
from graphmax.files.nodes_and_edges import NodeEdgeData, without_echo
from graphmax.files.opening import (
    ROOM,
    ReadOptions,
    Source,
    flat_attributes,
    metadata_of,
    parsed_metadata,
    seal,
    with_positions,
    written,
)
from graphmax.graph import Graph

_CHUNK = 2**16
_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);|#)[^;\s]{0,20}")


@dataclass
class XmlEdge:
    """An edge with its data; `directed` is None where it does not say."""

    ends: tuple[str | None, str | None]
    data: dict[str, Any]
    directed: bool | None = None


@dataclass
class XmlGraph:
    """What the elements of a file said, in their order."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: list[XmlEdge] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    directed: bool = False
    graphs: int = 0


class XmlReader:
    """Walks through a file; a subclass has a method ``on_x`` or ``after_x`` for an element x."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source, self.options, self.graph = source, options, XmlGraph()
        self.path: list[str] = []
        self.text: list[str] | None = None
        self.parser = expat.ParserCreate("utf-8" if options.encoding else None)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.SkippedEntityHandler = self._entity
        self.methods: dict[str, Callable[..., None]] = {}

    def read(self) -> XmlGraph:
        """Walk through the file; refuse what no graph file needs."""
        source = self.source
        try:
            with source.file.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    self.parser.Parse(chunk, False)
                    source.check_time()
                self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise refusal(
                source.name,
                "be well-formed XML",
                expat.ErrorString(error.code),
                line=error.lineno,
                column=error.offset + 1,
            ) from None
        except (ValueError, LookupError) as error:
            if isinstance(error, GraphFileError):
                raise
            raise refusal(source.name, "be XML in a known encoding", str(error)) from None
        self._check_count()
        return self.graph

    def refusal(self, rule: str, got: str, way_out: str | None = None) -> GraphFileError:
        """Return an error at the current line."""
        line = self.parser.CurrentLineNumber
        return refusal(self.source.name, rule, got, line=line, way_out=way_out)

    def add_node(self, identity: str | None) -> str:
        """Take a node with an id of its own."""
        if identity is None:
            raise self.refusal("give every node an id", "a node without one")
        if identity in self.graph.nodes:
            raise self.refusal("have every id once", f"{identity!r} again")
        self.graph.nodes[identity] = {}
        return identity

    def add_edge(self, attributes: dict[str, str], directed: bool | None) -> XmlEdge:
        """Take an edge; an end that it does not name is None."""
        ends = (attributes.get("source"), attributes.get("target"))
        for end in ends:
            if end is not None:
                self.graph.lines.setdefault(end, self.parser.CurrentLineNumber)
        edge = XmlEdge(ends, {}, directed)
        self.graph.edges.append(edge)
        return edge

    def collect(self) -> None:
        """Collect the characters of the current element."""
        self.text = []

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self.path.append(name)
        if len(self.path) > self.options.max_depth:
            raise self.refusal(
                f"nest at most {self.options.max_depth} elements", "more", "pass max_depth"
            )
        method = self._method(f"on_{name}")
        if method is not None:
            method(attributes)

    def _end(self, tag: str) -> None:
        method = self._method(f"after_{tag.rpartition(':')[2]}")
        if method is not None:
            method()
        self.path.pop()

    def _method(self, name: str) -> Callable[..., None] | None:
        return getattr(self, name, None) if name.isidentifier() else None

    def _characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def taken_text(self) -> str:
        """Return the characters since `collect`."""
        text, self.text = "".join(self.text or []), None
        return text

    def _doctype(self, *_: Any) -> None:
        """Refuse named entities: where a DTD lies elsewhere, expat drops them from attributes."""
        found = _ENTITY.search(self.source.read())
        if found:
            raise self.refusal("have no DTD entities", found[0].decode(errors="replace"))

    def _entity(self, *_: Any) -> None:
        raise self.refusal("have no DTD entities", "one declared or named")

    def _check_count(self) -> None:
        if self.graph.graphs != 1:
            raise refusal(self.source.name, "hold one graph", str(self.graph.graphs))


def graph_data(graph: XmlGraph, **others: Any) -> NodeEdgeData:
    """Return what was read as nodes and edges; of mixed edges the plain ones go both ways."""
    kinds = [graph.directed if edge.directed is None else edge.directed for edge in graph.edges]
    directed = any(kinds) if kinds else graph.directed
    edges = [edge.ends for edge in graph.edges]
    data = [edge.data for edge in graph.edges]
    if directed and not all(kinds):
        back = [edge for edge, kind in zip(graph.edges, kinds, strict=True) if not kind]
        edges += [(edge.ends[1], edge.ends[0]) for edge in back]
        data += [edge.data for edge in back]
    return NodeEdgeData(
        list(graph.nodes),
        list(graph.nodes.values()),
        edges,
        data,
        directed,
        lines=graph.lines,
        **others,
    )


def say_undeclared(source: Source, undeclared: Counter[str], what: str) -> None:
    """Say how much data was left out that stands under names without a declaration."""
    if undeclared:
        names = listed(list(undeclared))
        source.remark(f"{undeclared.total()} values of undeclared {what} left out ({names})")


# --- GraphML, read by hand, and written with every digit

_TYPES = {"b": "boolean", "i": "long", "u": "long", "f": "double", "m": "long"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLANKS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


@dataclass
class _Key:
    name: str
    domain: str
    kind: str
    default: str | None = None


class _GraphmlReader(XmlReader):
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


def read_graphml(source: Source, options: ReadOptions) -> Graph:
    """Read GraphML; defaults of keys are applied, nested graphs flattened."""
    reader = _GraphmlReader(source, options)
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


# --- GEXF of every version and namespace, read by hand

_ARROWS = {"directed": True, "undirected": False, "mutual": False}


class _GexfReader(XmlReader):
    """State: the class of attributes that is declared, and the node or edge whose data is read."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.domain = "node"
        self.titles: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.kinds: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.defaults: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.declared: str | None = None
        self.owners: list[tuple[str, dict[str, Any]]] = []
        self.changing: set[str] = set()
        self.undeclared: Counter[str] = Counter()

    def on_graph(self, attributes: dict[str, str]) -> None:
        self.graph.graphs += 1
        said = attributes.get("defaultedgetype", "undirected").strip().lower()
        self.graph.directed = _ARROWS.get(said, False)

    def on_attributes(self, attributes: dict[str, str]) -> None:
        self.domain = attributes.get("class", "node").lower()
        self.titles.setdefault(self.domain, {})
        self.kinds.setdefault(self.domain, {})
        self.defaults.setdefault(self.domain, {})

    def on_attribute(self, attributes: dict[str, str]) -> None:
        key = attributes.get("id", attributes.get("title"))
        if key is None:
            raise self.refusal("give every attribute an id", "one without")
        title = attributes.get("title") or key
        self.titles[self.domain][key] = title
        self.kinds[self.domain][title] = attributes.get("type", "string").strip().lower()
        self.declared = title

    def on_default(self, _: dict[str, str]) -> None:
        self.collect()

    def after_default(self) -> None:
        text = self.taken_text()
        if self.declared is not None and not self.owners:
            self.defaults[self.domain][self.declared] = text

    def on_node(self, attributes: dict[str, str]) -> None:
        if "node" in self.path[:-1]:
            self.source.remark("nested nodes are flattened")
        data = self.graph.nodes[self.add_node(attributes.get("id"))]
        if "label" in attributes:
            data["label"] = attributes["label"]
        self._say_when(attributes)
        self.owners.append(("node", data))

    def after_node(self) -> None:
        self.owners.pop()

    def on_edge(self, attributes: dict[str, str]) -> None:
        edge = self.add_edge(attributes, _ARROWS.get(attributes.get("type", "").strip().lower()))
        if "weight" in attributes:
            edge.data["weight"] = attributes["weight"]
        self._say_when(attributes)
        self.owners.append(("edge", edge.data))

    def after_edge(self) -> None:
        self.owners.pop()

    def on_attvalue(self, attributes: dict[str, str]) -> None:
        key = attributes.get("for", attributes.get("id"))
        if not self.owners or key is None or "value" not in attributes:
            return
        domain, data = self.owners[-1]
        title = self.titles[domain].get(key)
        if title is None:
            self.undeclared[key] += 1
            return
        if title in data and {"start", "end", "timestamp"} & set(attributes):
            self.changing.add(title)
        data[title] = attributes["value"]

    def on_position(self, attributes: dict[str, str]) -> None:
        for name in ("x", "y", "z"):
            if name in attributes and self.owners:
                self.owners[-1][1].setdefault(name, attributes[name])

    def on_size(self, attributes: dict[str, str]) -> None:
        if self.owners and self.owners[-1][0] == "node" and "value" in attributes:
            self.owners[-1][1].setdefault("size", attributes["value"])

    def _say_when(self, attributes: dict[str, str]) -> None:
        if {"start", "end"} & set(attributes):
            self.source.remark("times of nodes and edges are left out: all are there at once")


def read_gexf(source: Source, options: ReadOptions) -> Graph:
    """Read GEXF; colors are left out."""
    reader = _GexfReader(source, options)
    graph = reader.read()
    if reader.changing:
        names = ", ".join(sorted(reader.changing)[:5])
        source.remark(f"the last value is taken of what changes over time: {names}")
    say_undeclared(source, reader.undeclared, "attributes")
    for title, kind in reader.kinds["node"].items():
        if kind.startswith("list"):
            source.remark(f"attribute {title!r} is text: lists are no numbers")
    ids = list(graph.nodes)
    data = graph_data(
        graph,
        missing_weight=1.0,  # as the format says
        kinds=(reader.kinds["node"], reader.kinds["edge"]),
        defaults=(reader.defaults["node"], reader.defaults["edge"]),
    )
    data.node_data = without_echo(data.node_data, ids, ("label",))
    return data.to_graph(source, options)
