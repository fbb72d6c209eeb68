"""XML graph files, read in one pass by expat: no entities, no deep nesting, every node once.

Readers of a format say what an element means; here stands what they share: ids, ends, directions,
and the checks of a file that nobody vouches for. Nothing outside of the file is opened.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from graphmax.files.errors import GraphFileError, listed, refusal
from graphmax.files.nodes_and_edges import NodeEdgeData
from graphmax.files.opening import ReadOptions, Source

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
