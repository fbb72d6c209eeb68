"""GML, read by hand.

The reader of networkx takes ASCII only, stops at repeated edges, at the infinities that igraph
writes and at labels that repeat, and recurses as deep as the file nests.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.nodes_and_edges import NodeEdgeData, named_nodes, scalars
from graphmax.files.opening import ReadOptions, Source, decoded_text, number
from graphmax.graph import Graph

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n]+|\#[^\n]*)|(?P<open>\[)|(?P<close>\])|"
    r'"(?P<text>[^"]*)"|(?P<word>[^\s\[\]"]+)'
)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


class _Block(NamedTuple):
    pairs: list[tuple[str, Any]]

    def all(self, key: str) -> list[Any]:
        return [value for name, value in self.pairs if name == key]

    def one(self, key: str) -> Any:
        """Return the value that stands under a key once, else None."""
        found = self.all(key)
        return found[0] if len(found) == 1 else None

    def data(self, lists: set[str]) -> dict[str, Any]:
        """Return numbers and texts; keys that stand several times are lists, and left out."""
        counts = Counter(name for name, _ in self.pairs)
        several = {name for name, count in counts.items() if count > 1}
        lists |= several - {"id"}
        pairs = ((k, v) for k, v in self.pairs if k != "id" and k not in several)
        data = dict(pairs)
        drawn = data.get("graphics")
        if isinstance(drawn, _Block):
            data = {**{k: v for k, v in drawn.pairs if k in ("x", "y", "z")}, **data}
        return scalars(data)


class _Parser:
    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source, self.options = source, options
        self.text = decoded_text(source)

    def refusal(self, rule: str, got: str, start: int) -> GraphFileError:
        line = self.text.count("\n", 0, start) + 1
        return refusal(self.source.name, rule, got, line=line)

    def tokens(self) -> Iterator[_Token]:
        position = 0
        while position < len(self.text):
            found = _TOKEN.match(self.text, position)
            if found is None:
                raise self.refusal("be valid GML", "an unterminated quotation", position)
            if found.lastgroup != "blank":
                kind = str(found.lastgroup)
                yield _Token(kind, found[kind], position)
            position = found.end()

    def blocks(self) -> _Block:
        stack, key, token = [_Block([])], None, _Token("close", "", 0)
        for token in self.source.timed(self.tokens()):
            if key is None:
                if token.kind == "close" and len(stack) > 1:
                    stack.pop()
                elif token.kind == "word" and _KEY.fullmatch(token.text):
                    key = token.text
                else:
                    raise self.refusal(
                        "be valid GML", f"{token.text[:40]!r} for a key", token.start
                    )
            else:
                value = self.value(token)
                stack[-1].pairs.append((key, value))
                if isinstance(value, _Block):
                    stack.append(value)
                key = None
            if len(stack) > self.options.max_depth:
                deepest = f"nest at most {self.options.max_depth} blocks"
                raise self.refusal(deepest, "more; pass max_depth", token.start)
        if len(stack) > 1 or key is not None:
            raise self.refusal("be complete GML", "a truncated file", token.start)
        return stack[0]

    def value(self, token: _Token) -> Any:
        if token.kind == "open":
            return _Block([])
        if token.kind == "text":
            return html.unescape(token.text)
        value = number(token.text) if token.kind == "word" else None
        if value is None:
            raise self.refusal("be valid GML", f"{token.text[:40]!r} for a value", token.start)
        return value


def read(source: Source, options: ReadOptions) -> Graph:
    """Read GML; labels are the ids where every node has its own, else the ids are."""
    graphs = _Parser(source, options).blocks().all("graph")
    if len(graphs) != 1 or not isinstance(graphs[0], _Block):
        raise refusal(source.name, "hold one graph", str(len(graphs)))
    graph: _Block = graphs[0]
    nodes, ids = _nodes(graph, source)
    edges, ends = _edges(graph)
    lists: set[str] = set()
    node_data = [node.data(lists) for node in source.timed(nodes)]
    edge_data = [edge.data(lists) for edge in source.timed(edges)]
    if lists:
        source.remark(f"left out, for they are lists: {', '.join(sorted(lists)[:5])}")
    names, data = named_nodes(source, ids, node_data)
    return NodeEdgeData(
        names,
        data,
        ends,
        edge_data,
        _is_directed(graph, source),
        names=dict(zip(ids, names, strict=True)),
    ).to_graph(source, options)


def _is_directed(graph: _Block, source: Source) -> bool:
    """Return the key `directed`: 0 or 1, whether or not it stands in quotation marks."""
    flag = next(iter(graph.all("directed")), 0)
    words = {"0": False, "1": True, "false": False, "true": True, "": False}
    text = str(flag).strip().lower()
    if text not in words:
        raise refusal(source.name, "say 0 or 1 to 'directed'", repr(flag)[:40])
    return words[text]


def _nodes(graph: _Block, source: Source) -> tuple[list[_Block], list[Any]]:
    """Return the nodes and their ids; each must have one."""
    blocks, ids = graph.all("node"), []
    for place, block in enumerate(blocks):
        found = block.all("id") if isinstance(block, _Block) else []
        if len(found) != 1:
            raise refusal(source.name, "give every node one id", f"other in node {place + 1}")
        ids.append(found[0])
    return blocks, ids


def _edges(graph: _Block) -> tuple[list[_Block], list[tuple[Any, Any]]]:
    """Return the edges and their ends, None for an end that is not named once."""
    blocks = [block if isinstance(block, _Block) else _Block([]) for block in graph.all("edge")]
    return blocks, [(block.one("source"), block.one("target")) for block in blocks]
