"""Pajek networks, read by hand: networkx reads ``*Edges`` after ``*Arcs`` as arcs.

Arcs go one way, edges both; a file with arcs is a directed graph, in which an edge is two arcs.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.nodes_and_edges import NodeEdgeData, named_nodes
from graphmax.files.opening import ReadOptions, Source, decoded_text, number
from graphmax.graph import Graph

_SECTIONS = ("*arcs", "*edges", "*arcslist", "*edgeslist")
_WORD = re.compile(r'"([^"]*)"|[^\s"]+')


@dataclass
class _Network:
    source: Source
    options: ReadOptions
    line: int = 0
    section: str = ""
    count: int | None = None
    labels: dict[int, str] = field(default_factory=dict)
    places: dict[int, dict[str, float]] = field(default_factory=dict)
    arcs: list[tuple[int, int, Any]] = field(default_factory=list)
    edges: list[tuple[int, int, Any]] = field(default_factory=list)

    def refusal(self, rule: str, got: str) -> GraphFileError:
        return refusal(self.source.name, rule, got, line=self.line)

    def take(self, text: str) -> None:
        """Take one line, whatever section it stands in."""
        words = text.split()
        if not words or text.lstrip().startswith("%"):
            return
        if words[0].startswith("*"):
            self.open(words)
        elif self.section == "*vertices":
            self.vertex(text)
        elif self.section.endswith("list"):
            numbers = [self.node(word) for word in words]
            self.links().extend((numbers[0], other, None) for other in numbers[1:])
        elif self.section in _SECTIONS:
            self.link(words)
        else:
            raise self.refusal("start with *Vertices", repr(text[:40]))

    def open(self, words: list[str]) -> None:
        """Start a section."""
        self.section = words[0].lower()
        if self.section == "*network":
            return
        if self.section == "*vertices":
            self.declare(words)
        elif self.section not in _SECTIONS:
            known = "*Vertices, *Arcs, *Edges, *Arcslist and *Edgeslist"
            raise self.refusal(f"hold the sections {known} only", words[0][:40])
        elif self.count is None:
            raise self.refusal("start with *Vertices", words[0])

    def declare(self, words: list[str]) -> None:
        """Take the number of vertices."""
        count = number(words[1]) if len(words) == 2 else None
        if type(count) is not int or count < 0 or self.count is not None:
            raise self.refusal("declare one number of vertices once", " ".join(words)[:40])
        check_count(self.source, self.options, count)
        self.count = count

    def node(self, word: str) -> int:
        """Return a node from 0 for a vertex from 1."""
        place = number(word)
        if type(place) is not int or not 1 <= place <= (self.count or 0):
            raise self.refusal(f"name vertices from 1 to {self.count}", word[:40])
        return place - 1

    def vertex(self, text: str) -> None:
        """Take a vertex with its label and its place."""
        if text.count('"') % 2:
            raise self.refusal("close its quotations", repr(text.strip()[:40]))
        words = [found[1] if found[1] is not None else found[0] for found in _WORD.finditer(text)]
        node = self.node(words[0])
        if node in self.labels:
            raise self.refusal("have every vertex once", words[0])
        self.labels[node] = words[1] if len(words) > 1 else words[0]
        place = [number(word) for word in words[2:5]]
        values = dict(zip("xyz", place, strict=False))
        self.places[node] = {name: float(v) for name, v in values.items() if v is not None}

    def link(self, words: list[str]) -> None:
        """Take an arc or an edge with its value."""
        if len(words) < 2:
            raise self.refusal("name two vertices in every arc and edge", repr(words[0]))
        value = number(words[2]) if len(words) > 2 else None
        if len(words) > 2 and value is None:
            raise self.refusal("have numbers as values of lines", repr(words[2][:40]))
        self.links().append((self.node(words[0]), self.node(words[1]), value))

    def links(self) -> list[tuple[int, int, Any]]:
        """Return where lines of the current section go."""
        return self.arcs if self.section.startswith("*arcs") else self.edges


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a Pajek network; labels are the ids where every vertex has its own."""
    network = _Network(source, options)
    for network.line, text in enumerate(decoded_text(source).splitlines(), 1):
        network.take(text)
    if network.count is None:
        raise refusal(source.name, "start with *Vertices", "a file without it")
    nodes = list(range(network.count))
    data = [{"label": network.labels.get(v), **network.places.get(v, {})} for v in nodes]
    names, data = named_nodes(source, [v + 1 for v in nodes], data)
    links = network.arcs + network.edges
    if network.arcs:
        links = links + [(v, u, value) for u, v, value in network.edges]
    return NodeEdgeData(
        names,
        data,
        [(names[u], names[v]) for u, v, _ in links],
        _values([value for _, _, value in links]),
        bool(network.arcs),
        missing_weight=1.0,
    ).to_graph(source, options)


def _values(values: list[Any]) -> list[dict[str, Any]]:
    """Return line values as weights; all 1, the value of a line without one, are none."""
    if all(value in (None, 1) for value in values):
        return [{} for _ in values]
    return [{} if value is None else {"weight": value} for value in values]
