"""Lists of neighbors: adjacency lists, SIF, and the spatial weights GAL and GWT.

Adjacency list: a node, then its neighbors. SIF: a node, a relation, then its targets. GAL: a node
and how many neighbors it has, then they. GWT: two nodes and a distance. Lists of neighbors that
are not symmetric are arrows in GAL and GWT, and say only half in the others.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphmax.files.building import check_count, graph_of_file
from graphmax.files.errors import refusal
from graphmax.files.nodes_and_edges import check_dangling, id_array
from graphmax.files.opening import ReadOptions, Source, number, text_or_cp1252
from graphmax.graph import Graph

Lines = list[tuple[int, list[str]]]


class _Edges:
    """Nodes in the order in which they appear, and edges between them."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source, self.options = source, options
        self.places: dict[str, int] = {}
        self.ends: list[tuple[int, int]] = []
        self.weights: list[float] = []

    def node(self, name: str) -> int:
        """Return the place of a node, a new one where it appears first."""
        return self.places.setdefault(name, len(self.places))

    def add(self, first: str, second: str) -> None:
        """Add an edge."""
        self.ends.append((self.node(first), self.node(second)))

    def keep(self, listed: set[str]) -> None:
        """Leave out edges to nodes that are not among those listed, unless they are to be added."""
        lacking: list[Any] = [name for name in self.places if name not in listed]
        if lacking and self.options.add_nodes:
            self.source.remark(f"{len(lacking)} nodes added that only edges name")
        elif lacking:
            strange = {self.places.pop(name) for name in lacking}
            kept = [pair for pair in self.ends if not strange & set(pair)]
            check_dangling(self.source, (len(kept), len(self.ends)), lacking)
            place = {old: new for new, old in enumerate(self.places.values())}
            self.places = dict(zip(self.places, range(len(place)), strict=True))
            self.ends = [(place[u], place[v]) for u, v in kept]

    def to_graph(self, *, by_symmetry: bool = False) -> Graph:
        """Build the graph, nodes sorted by id."""
        check_count(self.source, self.options, len(self.places))
        ids = id_array(list(self.places))
        order = np.argsort(ids, kind="stable")
        rank = np.empty(order.size, np.int64)
        rank[order] = np.arange(order.size)
        pairs = rank[np.array(self.ends, np.int64).reshape(-1, 2)]
        is_weighted = bool(self.weights) and self.options.weight is not False
        weights = np.array(self.weights) if is_weighted else None
        directed = bool(self.options.directed)
        if self.options.directed is None and by_symmetry:
            listed = set(map(tuple, pairs.tolist()))
            directed = any((v, u) not in listed for u, v in listed)
        parts: dict[str, Any] = {"weights": weights, "labels": ids[order]}
        return graph_of_file(
            self.source, pairs[:, 0], pairs[:, 1], order.size, directed=directed, **parts
        )


def read(source: Source, options: ReadOptions) -> Graph:
    """Read the kind of list that the ending names."""
    text = text_or_cp1252(source)
    readers = {"sif": _read_sif, "gal": _read_gal, "gwt": _read_gwt}
    edges = _Edges(source, options)
    readers.get(source.kind, _read_adjacency)(edges, text)
    return edges.to_graph(by_symmetry=source.kind in ("gal", "gwt"))


def _lines(
    edges: _Edges, text: str, delimiter: str | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Walk through the lines that are no comments."""
    for line, row in enumerate(edges.source.timed(text.splitlines()), 1):
        if row.strip() and not row.lstrip().startswith(("#", "%")):
            yield line, [word.strip() for word in row.split(delimiter)]


def _read_adjacency(edges: _Edges, text: str) -> None:
    delimiter = edges.options.delimiter or ("," if "," in text else None)
    for line, words in _lines(edges, text, delimiter):
        if words[-1].endswith("}") and any(word.startswith("{") for word in words[1:]):
            rule = "list a node and its neighbors in each line"
            way_out = "write it with networkx's write_adjlist instead of write_multiline_adjlist"
            raise refusal(edges.source.name, rule, "data in braces", line=line, way_out=way_out)
        edges.node(words[0])
        for other in words[1:]:
            if other:
                edges.add(words[0], other)
    if not edges.places:
        raise refusal(edges.source.name, "list nodes and their neighbors", "no line")


def _read_sif(edges: _Edges, text: str) -> None:
    relations = set()
    for line, words in _lines(edges, text, "\t" if "\t" in text else None):
        words = [word for word in words if word]
        if len(words) == 2:
            rule = "give a node, a relation and targets in each line"
            raise refusal(edges.source.name, rule, " ".join(words)[:40], line=line)
        edges.node(words[0])
        relations.update(words[1:2])
        for other in words[2:]:
            edges.add(words[0], other)
    if not edges.places:
        raise refusal(edges.source.name, "list nodes and their targets", "no line")
    if len(relations) > 1:
        edges.source.remark(f"edges of {len(relations)} relations are all taken")


def _read_gal(edges: _Edges, text: str) -> None:
    """Read ``n`` or ``0 n file key``, then for each node its name and count, and its neighbors."""
    lines = list(_lines(edges, text))
    count = _declared(edges, lines)
    place, seen, listed = 1, 0, set()
    while place < len(lines):
        line, words = lines[place]
        size = number(words[1]) if len(words) == 2 else None
        if type(size) is not int or size < 0:
            rule = "give a node and its number of neighbors"
            raise refusal(edges.source.name, rule, " ".join(words)[:40], line=line)
        neighbors = lines[place + 1][1] if size and place + 1 < len(lines) else []
        if len(neighbors) != size:
            raise refusal(
                edges.source.name, f"list {size} neighbors", str(len(neighbors)), line=line + 1
            )
        edges.node(words[0])
        listed.add(words[0])
        for other in neighbors:
            edges.add(words[0], other)
        place, seen = place + (2 if size else 1), seen + 1
    if seen != count:
        raise refusal(edges.source.name, f"hold {count} nodes as declared", str(seen))
    edges.keep(listed)


def _read_gwt(edges: _Edges, text: str) -> None:
    lines = list(_lines(edges, text))
    count = _declared(edges, lines)
    for line, words in lines[1:]:
        distance = number(words[2]) if len(words) == 3 else None
        if distance is None or distance != distance:
            rule = "give two nodes and a distance in each line"
            raise refusal(edges.source.name, rule, " ".join(words)[:40], line=line)
        edges.add(words[0], words[1])
        edges.weights.append(float(distance))
    numbered = all(
        type(number(name)) is int and 1 <= number(name) <= count for name in edges.places
    )
    for v in range(1, count + 1) if numbered and len(edges.places) < count else ():
        edges.node(str(v))


def _declared(edges: _Edges, lines: Lines) -> int:
    """Return the number of nodes in the first line."""
    words = lines[0][1] if lines else []
    word = words[1] if len(words) > 1 else words[0] if words else ""
    count = number(word)
    if type(count) is not int or count < 0:
        raise refusal(edges.source.name, "start with its number of nodes", word[:40] or "no line")
    check_count(edges.source, edges.options, count, unasked=500_000)
    return count
