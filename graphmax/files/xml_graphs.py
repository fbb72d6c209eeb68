"""A first look at XML: no DTD, no entities, no deep nesting, one graph, every node once.

networkx reads GraphML and GEXF well, but it merges nodes of one id, invents nodes that only edges
name, and its parser expands entities. This pass, in expat, builds nothing.
"""

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from graphmax.files.errors import GraphFileError, listed, refusal
from graphmax.files.opening import ReadOptions, Source

_CHUNK = 2**16


@dataclass
class Outline:
    """What an XML graph file declares."""

    graphs: int = 0
    ids: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)


class _Guard:
    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source, self.options, self.outline, self.depth = source, options, Outline(), 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.doctype

    def refusal(self, rule: str, got: str, way_out: str | None = None) -> GraphFileError:
        line = self.parser.CurrentLineNumber
        return refusal(self.source.name, rule, got, line=line, way_out=way_out)

    def doctype(self, *_: Any) -> None:
        raise self.refusal("have no DTD and no entities", "a document type declaration")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > self.options.max_depth:
            raise self.refusal(
                f"nest at most {self.options.max_depth} elements", "more", "pass max_depth"
            )
        name = tag.rpartition(":")[2]
        if name == "graph":
            self.outline.graphs += 1
        elif name == "node":
            self.node(attributes.get("id"))
        elif name == "edge":
            for end in ("source", "target"):
                if end not in attributes:
                    raise self.refusal(f"give every edge a {end}", "an edge without one")
                self.outline.ends.setdefault(attributes[end], self.parser.CurrentLineNumber)

    def node(self, identity: str | None) -> None:
        if identity is None:
            raise self.refusal("give every node an id", "a node without one")
        if identity in self.outline.ids:
            raise self.refusal("have every id once", f"{identity!r} again")
        self.outline.ids[identity] = self.parser.CurrentLineNumber

    def end(self, _: str) -> None:
        self.depth -= 1


def checked_xml(source: Source, options: ReadOptions) -> Outline:
    """Walk through an XML file; refuse what no graph file needs."""
    guard = _Guard(source, options)
    try:
        with source.file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                guard.parser.Parse(chunk, False)
            guard.parser.Parse(b"", True)
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
    _check_outline(guard.outline, source)
    return guard.outline


def _check_outline(outline: Outline, source: Source) -> None:
    if outline.graphs != 1:
        raise refusal(source.name, "hold one graph", str(outline.graphs))
    lacking: list[object] = [end for end in outline.ends if end not in outline.ids]
    if lacking:
        line = outline.ends[str(lacking[0])]
        raise refusal(
            source.name,
            "have edges between declared nodes",
            f"ids without a node ({listed(lacking)})",
            line=line,
        )
