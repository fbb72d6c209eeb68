"""METIS graphs, read by hand: no well-kept reader exists.

Line v lists the neighbors of vertex v from 1, every edge at both of its ends; an empty line is a
vertex without neighbors. Vertex weights become the attribute ``weight`` (``weight0``, ... of
several), vertex sizes ``size``.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import ReadOptions, Source, decoded_text
from graphmax.graph import Graph


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


def read(source: Source, options: ReadOptions) -> Graph:
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
