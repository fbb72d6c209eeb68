"""Pajek networks, read by hand: networkx reads ``*Edges`` after ``*Arcs`` as arcs.

Arcs go one way, edges both; a file with arcs is a directed graph, in which an edge is two arcs. Of
several relations the caller names one. Partitions and vectors of a .paj file are attributes.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.nodes_and_edges import NodeEdgeData, named_nodes
from graphmax.files.opening import ReadOptions, Source, number, text_or_cp1252
from graphmax.graph import Graph

_LINKS = ("*arcs", "*edges", "*arcslist", "*edgeslist")
_WORD = re.compile(r'"([^"]*)"|[^\s"]+')
# What may follow a label or a value: how a vertex or a line is drawn.
_DRAWN = frozenset(
    [
        "ic",
        "bc",
        "lc",
        "c",
        "p",
        "l",
        "w",
        "s",
        "x_fact",
        "y_fact",
        "bw",
        "lp",
        "lr",
        "la",
        "fos",
        "box",
        "ellipse",
        "diamond",
        "triangle",
        "cross",
        "empty",
        "a",
        "h1",
        "k1",
    ]
)
# Vertices cost memory whether or not a line names them.
_UNASKED_VERTICES = 500_000


@dataclass
class _Relation:
    name: str
    arcs: list[tuple[int, int, Any]] = field(default_factory=list)
    edges: list[tuple[int, int, Any]] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)


@dataclass
class _Network:
    """State: the current section, and the relation that its lines belong to."""

    source: Source
    options: ReadOptions
    line: int = 0
    section: str = ""
    count: int | None = None
    first_mode: int = 0
    column: list[Any] | None = None
    labels: dict[int, str] = field(default_factory=dict)
    data: dict[int, dict[str, float]] = field(default_factory=dict)
    relations: dict[str, _Relation] = field(default_factory=dict)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    current: str = ""
    lines: dict[int, int] = field(default_factory=dict)

    def refusal(self, rule: str, got: str) -> GraphFileError:
        return refusal(self.source.name, rule, got, line=self.line)

    def take(self, text: str) -> None:
        """Take one line, whatever section it stands in."""
        words = text.split()
        if not words or text.lstrip().startswith(("%", "#")):
            return
        if words[0].startswith("*"):
            self.open(words, text)
        elif self.column is not None:
            self.column.append(number(words[0]))
        elif self.section == "*vertices":
            self.vertex(text)
        elif self.section == "*matrix":
            self.row(words)
        elif self.section.endswith("list"):
            numbers = [self.node(word) for word in words]
            self.links().extend((numbers[0], other, None) for other in numbers[1:])
        elif self.section in _LINKS:
            self.link(words)

    def open(self, words: list[str], text: str) -> None:
        """Start a section."""
        self.section = words[0].lower()
        if self.section in ("*network", "*title"):
            self.column = None
        elif self.section in ("*partition", "*vector", "*permutation", "*cluster", "*hierarchy"):
            name = " ".join(words[1:]) or self.section[1:]
            self.column = self.columns.setdefault(name, []) if self.section != "*hierarchy" else []
        elif self.section == "*vertices":
            if self.column is None or self.count is None:
                self.column = None
                self.declare(words)
        elif self.section not in (*_LINKS, "*matrix"):
            known = "*Vertices, *Arcs, *Edges, *Arcslist, *Edgeslist and *Matrix"
            raise self.refusal(f"hold the sections {known} only", words[0][:40])
        elif self.count is None:
            raise self.refusal("start with *Vertices", words[0])
        else:
            self.column = None
            self.relate(text)

    def relate(self, text: str) -> None:
        """Start the lines of a relation, ``*Arcs :2 "likes"``; without a number it is one."""
        found = re.match(r"\s*\*\w+\s*(?::\s*(\d+))?\s*(?:\"([^\"]*)\")?", text)
        key, name = (found[1] or "", found[2]) if found else ("", None)
        self.current = key
        relation = self.relations.setdefault(key, _Relation(name or key))
        relation.name = name or relation.name

    def declare(self, words: list[str]) -> None:
        """Take the number of vertices, and of those of the first of two modes."""
        counts = [number(word) for word in words[1:]]
        fine = 1 <= len(counts) <= 2 and all(type(count) is int and count >= 0 for count in counts)
        if not fine or self.count is not None or counts[-1] > counts[0]:
            raise self.refusal("declare one number of vertices once", " ".join(words)[:40])
        check_count(self.source, self.options, counts[0], unasked=_UNASKED_VERTICES)
        self.count = counts[0]
        self.first_mode = counts[1] if len(counts) == 2 else 0

    def node(self, word: str) -> int:
        """Return a node from 0 for a vertex from 1; it may be one that is not declared."""
        place = number(word)
        if type(place) is not int or place < 1:
            raise self.refusal(f"name vertices from 1 to {self.count}", word[:40])
        if place > (self.count or 0):
            self.lines.setdefault(place, self.line)
        return place - 1

    def vertex(self, text: str) -> None:
        """Take a vertex with its label and its place."""
        if text.count('"') % 2:
            raise self.refusal("close its quotations", repr(text.strip()[:40]))
        found = list(_WORD.finditer(text))
        words = [word[1] if word[1] is not None else word[0] for word in found]
        node = self.node(words[0])
        if node >= (self.count or 0):
            raise self.refusal(f"name vertices from 1 to {self.count}", words[0][:40])
        if node in self.labels:
            raise self.refusal("have every vertex once", words[0])
        end = 2
        if len(found) > 1 and found[1][1] is None:  # a bare label may hold blanks
            while end < len(words) and number(words[end]) is None and words[end] not in _DRAWN:
                end += 1
        self.labels[node] = " ".join(words[1:end]) if len(words) > 1 else words[0]
        place = [number(word) for word in words[end : end + 3]]
        values = dict(zip("xyz", place, strict=False))
        self.data[node] = {name: float(v) for name, v in values.items() if v is not None}

    def link(self, words: list[str]) -> None:
        """Take an arc or an edge with its value, ``2: 1 3 5`` where it names its relation."""
        if words[0].endswith(":") and words[0][:-1].isdigit():
            self.current = words[0][:-1]
            self.relations.setdefault(self.current, _Relation(self.current))
            words = words[1:]
        if len(words) < 2:
            raise self.refusal("name two vertices in every arc and edge", repr(" ".join(words)))
        value = number(words[2]) if len(words) > 2 else None
        if len(words) > 2 and value is None and words[2] not in _DRAWN:
            raise self.refusal("have numbers as values of lines", repr(words[2][:40]))
        self.links().append((self.node(words[0]), self.node(words[1]), value))

    def row(self, words: list[str]) -> None:
        """Take a row of a matrix."""
        numbers = [number(word) for word in words]
        width = (self.count or 0) - self.first_mode
        if None in numbers or len(numbers) != width:
            raise self.refusal(f"have rows of {width} numbers", " ".join(words)[:40])
        self.relations[self.current].rows.append(numbers)

    def links(self) -> list[tuple[int, int, Any]]:
        """Return where lines of the current section go."""
        relation = self.relations[self.current]
        return relation.arcs if self.section.startswith("*arcs") else relation.edges


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a Pajek network; labels are the ids where every vertex has its own."""
    network = _Network(source, options)
    for network.line, text in enumerate(source.timed(text_or_cp1252(source).splitlines()), 1):
        network.take(text)
    if network.count is None:
        raise refusal(source.name, "start with *Vertices", "a file without it")
    relation = _chosen(network, options)
    _add_matrix(network, relation)
    nodes = list(range(network.count))
    data: list[dict[str, Any]] = [
        {"label": network.labels.get(v), **network.data.get(v, {})} for v in nodes
    ]
    for name, column in network.columns.items():
        if len(column) == network.count:
            for one, value in zip(data, column, strict=True):
                one[name] = value
    if network.first_mode:
        source.remark(f"two modes: the first {network.first_mode} vertices, and the others")
    names, data = named_nodes(source, [v + 1 for v in nodes], data)
    links = relation.arcs + relation.edges
    if relation.arcs:
        links = links + [(v, u, value) for u, v, value in relation.edges]
    return NodeEdgeData(
        names,
        data,
        [(u + 1, v + 1) for u, v, _ in links],
        _values([value for _, _, value in links]),
        bool(relation.arcs),
        missing_weight=1.0,
        names=dict(enumerate(names, 1)),
        lines=network.lines,
    ).to_graph(source, options)


def _chosen(network: _Network, options: ReadOptions) -> _Relation:
    """Return the relation asked for, or the only one."""
    relations, asked = network.relations, options.relation
    if asked is None and len(relations) <= 1:
        return next(iter(relations.values()), _Relation(""))
    for key, relation in relations.items():
        if str(asked) in (key, relation.name):
            return relation
    names = ", ".join(repr(relation.name) for relation in list(relations.values())[:5])
    raise refusal(
        network.source.name,
        "hold one relation" if asked is None else f"hold the relation {asked!r}",
        f"{len(relations)}: {names}",
        way_out="pass relation (--relation)",
    )


def _add_matrix(network: _Network, relation: _Relation) -> None:
    """Turn the rows of a matrix into arcs, or into edges where it is symmetric or of two modes."""
    rows, count, first = relation.rows, network.count or 0, network.first_mode
    if not rows:
        return
    if len(rows) != (first or count):
        got = f"{len(rows)} rows of a matrix"
        raise refusal(network.source.name, f"hold {first or count} rows", got)
    links = [
        (u, v + first, value) for u, row in enumerate(rows) for v, value in enumerate(row) if value
    ]
    symmetric = not first and all(rows[v][u] == value for u, v, value in links)
    if first:
        relation.edges.extend(links)
    elif symmetric:
        relation.edges.extend(link for link in links if link[0] <= link[1])
    else:
        relation.arcs.extend(links)


def _values(values: list[Any]) -> list[dict[str, Any]]:
    """Return line values as weights; all 1, the value of a line without one, are none."""
    if all(value in (None, 1) for value in values):
        return [{} for _ in values]
    return [{} if value is None else {"weight": value} for value in values]
