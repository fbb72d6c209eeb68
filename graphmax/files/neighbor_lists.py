"""Lists of neighbors: adjacency lists, SIF, GAL, GWT, METIS, and graph6 in its three kinds.

Adjacency list: a node, then its neighbors. SIF: a node, a relation, then its targets. GAL: a node
and how many neighbors it has, then they. GWT: two nodes and a distance. Lists of neighbors that
are not symmetric are arrows in GAL and GWT, and say only half in the others.

METIS is read by hand: no well-kept reader exists. Line v lists the neighbors of vertex v from 1,
every edge at both of its ends; an empty line is a vertex without neighbors. Vertex weights become
the attribute ``weight`` (``weight0``, ... of several), vertex sizes ``size``.

In graph6, digraph6 and sparse6 a graph stands in printable characters of six bits each. N stands
first: one character below 63, or ``~`` and three, or ``~~`` and six. graph6 lists the upper
triangle of the matrix by columns, digraph6 all of it by rows; sparse6 lists edges as steps.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import check_count, graph_of_file
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.nodes_and_edges import check_dangling, id_array
from graphmax.files.opening import ReadOptions, Source, decoded_text, number, text_or_cp1252
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


# --- METIS graphs, read by hand: no well-kept reader exists


class _Header(NamedTuple):
    nodes: int
    edges: int
    sizes: bool
    vertex_weights: int
    edge_weights: bool


class _Rows(NamedTuple):
    numbers: NDArray[np.int64]
    starts: NDArray[np.int64]
    lines: list[int]


def read_metis(source: Source, options: ReadOptions) -> Graph:
    """Read a METIS graph; it is undirected."""
    lines = decoded_text(source).split("\n")
    kept = [i for i, line in enumerate(lines) if not line.lstrip().startswith("%")]
    first = next((place for place, i in enumerate(kept) if lines[i].strip()), None)
    if first is None:
        raise refusal(source.name, "start with its counts", "comments only")
    header = _header(lines[kept[first]], source, kept[first] + 1)
    check_count(source, options, header.nodes)
    rows = _rows(lines, kept[first + 1 :], header, source)
    if options.directed:
        raise refusal(source.name, "be directed", "an undirected format")
    return _graph(header, rows, source, options)


def _header(line: str, source: Source, number: int) -> _Header:
    words = line.split()
    if not 2 <= len(words) <= 4 or not all(
        w.isascii() and w.isdigit() and len(w) < 19 for w in words
    ):
        raise refusal(
            source.name, "start with two to four counts", repr(line.strip()[:40]), line=number
        )
    flags = words[2].zfill(3) if len(words) > 2 else "000"
    if len(flags) != 3 or not set(flags) <= {"0", "1"}:
        raise refusal(source.name, "have a format of three flags", repr(words[2]), line=number)
    weights = int(words[3]) if len(words) > 3 else 1
    return _Header(
        int(words[0]), int(words[1]), flags[0] == "1", weights * (flags[1] == "1"), flags[2] == "1"
    )


def _rows(lines: list[str], kept: list[int], header: _Header, source: Source) -> _Rows:
    texts = [lines[i].split() for i in kept]
    while len(texts) > header.nodes and not texts[-1]:
        texts.pop()
    if len(texts) != header.nodes:
        raise refusal(
            source.name, f"have {header.nodes} lines of neighbors as declared", str(len(texts))
        )
    try:
        numbers = np.array([word for words in texts for word in words], dtype=object).astype(
            np.int64
        )
    except (ValueError, OverflowError):
        raise _not_integer(texts, kept, source) from None
    starts = np.concatenate([[0], np.cumsum([len(words) for words in texts], dtype=np.int64)])
    return _Rows(numbers, starts.astype(np.int64), [i + 1 for i in kept])


def _not_integer(texts: list[list[str]], kept: list[int], source: Source) -> GraphFileError:
    for words, i in zip(texts, kept, strict=False):
        for word in words:
            if not (word.isascii() and word.removeprefix("-").isdigit() and len(word) < 19):
                return refusal(source.name, "hold integers of 64 bits", repr(word[:40]), line=i + 1)
    return refusal(source.name, "hold integers of 64 bits", "other numbers")


def _graph(header: _Header, rows: _Rows, source: Source, options: ReadOptions) -> Graph:
    lead = header.sizes + header.vertex_weights
    lengths = np.diff(rows.starts) - lead
    step = 2 if header.edge_weights else 1
    odd = (lengths < 0) | (lengths % step != 0)
    if odd.any():
        raise refusal(
            source.name,
            "have all weights that its format promises",
            "fewer",
            line=rows.lines[int(odd.argmax())],
        )
    node = np.repeat(np.arange(header.nodes), np.diff(rows.starts))
    place = np.arange(rows.numbers.size) - rows.starts[node] - lead
    is_end = (place >= 0) & (place % step == 0)
    src, dst = node[is_end], rows.numbers[is_end] - 1
    _check_ends(header, src, dst, rows, source)
    weights = rows.numbers[(place >= 0) & (place % step == 1)] if header.edge_weights else None
    return _built(header, (src, dst, weights), _attributes(header, rows), source, options)


def _check_ends(
    header: _Header, src: NDArray[Any], dst: NDArray[Any], rows: _Rows, source: Source
) -> None:
    outside = (dst < 0) | (dst >= header.nodes)
    if outside.any():
        at = int(outside.argmax())
        raise refusal(
            source.name,
            f"name vertices from 1 to {header.nodes}",
            str(dst[at] + 1),
            line=rows.lines[int(src[at])],
        )
    if dst.size != 2 * header.edges:
        raise refusal(
            source.name,
            f"list {header.edges} edges twice as declared",
            f"{dst.size} neighbors",
        )


def _attributes(header: _Header, rows: _Rows) -> dict[str, NDArray[Any]]:
    several = header.vertex_weights > 1
    names = ["size"] * header.sizes
    names += [f"weight{i}" if several else "weight" for i in range(header.vertex_weights)]
    return {name: rows.numbers[rows.starts[:-1] + i] for i, name in enumerate(names)}


def _built(
    header: _Header,
    edges: tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None],
    attributes: dict[str, NDArray[Any]],
    source: Source,
    options: ReadOptions,
) -> Graph:
    src, dst, weights = edges
    weights = None if options.weight is False else weights
    try:
        both = Graph.from_edges(src, dst, header.nodes, weights=weights, directed=True)
        return Graph(
            both.indptr,
            both.indices,
            both.weights,
            directed=False,
            attributes=attributes,
            dropped=both.dropped,
        )
    except ValueError as error:
        raise refusal(
            source.name, "list every edge at both ends with one weight", f"a flaw ({error})"
        ) from None


# --- Files of graph6, digraph6 and sparse6: a graph in printable characters of six bits each

_HEADERS = (b">>graph6<<", b">>sparse6<<", b">>digraph6<<")


def read_graph6(source: Source, options: ReadOptions) -> Graph:
    """Read one graph."""
    lines = [line.strip() for line in source.read().splitlines() if line.strip()]
    for header in _HEADERS:
        lines = [line.removeprefix(header) for line in lines]
    lines = [line for line in lines if line]
    if len(lines) != 1:
        raise refusal(source.name, "hold one graph", str(len(lines)))
    mark, text = lines[0][:1], lines[0].lstrip(b":&;")
    sixes = np.frombuffer(text, np.uint8).astype(np.int64) - 63
    if sixes.size == 0 or sixes.min() < 0 or sixes.max() > 63 or mark == b";":
        got = "an incremental graph" if mark == b";" else "others"
        raise refusal(source.name, "hold characters from ? to ~", got)
    count, rest = _count(sixes, source)
    check_count(source, options, count)
    bits = ((rest[:, None] >> np.arange(5, -1, -1)) & 1).ravel()
    if mark == b":":
        src, dst = _sparse(bits, count, source)
    else:
        src, dst = _dense(bits, count, source, is_directed=mark == b"&")
    directed = mark == b"&" if options.directed is None else options.directed
    return graph_of_file(source, src, dst, count, directed=directed)


def _count(sixes: NDArray[np.int64], source: Source) -> tuple[int, NDArray[np.int64]]:
    """Return the number of nodes, and the characters behind it."""
    skip, size = (2, 6) if sixes[:2].tolist() == [63, 63] else (1, 3) if sixes[0] == 63 else (0, 1)
    digits = sixes[skip : skip + size].tolist()
    if len(digits) < size:
        raise refusal(source.name, "be complete", "a truncated file")
    count = 0
    for digit in digits:
        count = count * 64 + digit
    return count, sixes[skip + size :]


def _dense(
    bits: NDArray[np.int64], count: int, source: Source, *, is_directed: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    needed = count * count if is_directed else count * (count - 1) // 2
    if not needed <= bits.size < needed + 6:
        raise refusal(source.name, f"hold {needed} bits for {count} nodes", f"{bits.size}")
    places = np.flatnonzero(bits[:needed])
    if is_directed:
        return places // max(count, 1), places % max(count, 1)
    # Column v of the upper triangle starts at v (v - 1) / 2.
    starts = np.arange(count, dtype=np.int64) * np.arange(-1, count - 1, dtype=np.int64) // 2
    column = np.searchsorted(starts, places, side="right") - 1
    return places - starts[column], column


def _sparse(
    bits: NDArray[np.int64], count: int, source: Source
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges of a list of steps: a bit b that moves v on, then k bits of x.

    State: v, the larger end of what comes. x above v moves v to x; else (x, v) is an edge. The
    last steps may be padding, which leads beyond the last node.
    """
    width = max(1, (count - 1).bit_length())
    steps = bits[: bits.size // (width + 1) * (width + 1)].reshape(-1, width + 1)
    targets = steps[:, 1:] @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))
    src, dst, v = [], [], 0
    for move, x in source.timed(zip(steps[:, 0].tolist(), targets.tolist(), strict=True)):
        v += move
        if v >= count or x >= count:
            break
        if x > v:
            v = x
        else:
            src.append(x)
            dst.append(v)
    return np.array(src, np.int64), np.array(dst, np.int64)
