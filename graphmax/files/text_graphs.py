"""GML and DOT, read by hand.

Of GML the reader of networkx takes ASCII only, stops at repeated edges, at the infinities that
igraph writes and at labels that repeat, and recurses as deep as the file nests.

Of DOT, pydot parses a megabyte in minutes, and pygraphviz runs C on it. A statement is a node, a
chain of edges, a subgraph or defaults. Subgraphs are flattened: their nodes belong to the graph,
and an edge to a subgraph goes to each node of it.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.nodes_and_edges import NodeEdgeData, named_nodes, scalars
from graphmax.files.opening import ReadOptions, Source, decoded_text, number, text_or_cp1252
from graphmax.graph import Graph

_GML_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n]+|\#[^\n]*)|(?P<open>\[)|(?P<close>\])|"
    r'"(?P<text>[^"]*)"|(?P<word>[^\s\[\]"]+)'
)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


# --- DOT of Graphviz, read by hand: pydot parses a megabyte in minutes


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


class _GmlParser:
    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source, self.options = source, options
        self.text = decoded_text(source)

    def refusal(self, rule: str, got: str, start: int) -> GraphFileError:
        line = self.text.count("\n", 0, start) + 1
        return refusal(self.source.name, rule, got, line=line)

    def tokens(self) -> Iterator[_Token]:
        position = 0
        while position < len(self.text):
            found = _GML_TOKEN.match(self.text, position)
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


def read_gml(source: Source, options: ReadOptions) -> Graph:
    """Read GML; labels are the ids where every node has its own, else the ids are."""
    graphs = _GmlParser(source, options).blocks().all("graph")
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


_DOT_TOKEN = re.compile(
    r"(?P<blank>[\s\ufeff]+|//[^\n]*|/\*.*?\*/|\#[^\n]*)|"
    r'(?P<text>"(?:[^"\\]|\\.)*")|'
    r"(?P<edge>->|--)|(?P<mark>[{}\[\];,=:+])|"
    r"(?P<word>-?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?![\w.])|[A-Za-z0-9_.\x80-\U0010ffff]+)|(?P<html><)",
    re.DOTALL | re.MULTILINE,
)


@dataclass
class _Scope:
    """Defaults of a subgraph, and the nodes that it names."""

    node: dict[str, str] = field(default_factory=dict)
    edge: dict[str, str] = field(default_factory=dict)
    members: dict[str, None] = field(default_factory=dict)


class _DotParser:
    """State: the tokens, one ahead; the scopes that are open; what was found."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source, self.options = source, options
        self.text = text_or_cp1252(source)
        self.stream = self.tokens()
        self.token = next(self.stream)
        self.scopes = [_Scope()]
        self.nodes: dict[str, dict[str, str]] = {}
        self.edges: list[tuple[str, str]] = []
        self.edge_data: list[dict[str, str]] = []
        self.directed = False

    def refusal(self, rule: str, got: str) -> GraphFileError:
        line = self.text.count("\n", 0, self.token.start) + 1
        return refusal(self.source.name, rule, got, line=line)

    def tokens(self) -> Iterator[_Token]:
        """Yield the tokens, and at the end one of the kind ``end`` for ever."""
        position, size, count = 0, len(self.text), 0
        while position < size:
            found = _DOT_TOKEN.match(self.text, position)
            if found is None:
                self.token = _Token("other", self.text[position : position + 20], position)
                raise self.refusal("be valid DOT", repr(self.token.text))
            kind, text, end = str(found.lastgroup), found[0], found.end()
            if kind == "html":
                kind, end = "word", self.html_end(position)
                text = self.text[position:end]
            if kind == "text":
                kind, text = "quoted", re.sub(r'\\"', '"', text[1:-1]).replace("\\\n", "")
            if kind != "blank":
                yield _Token(kind, text, position)
            position, count = end, count + 1
            if count % 256 == 0:
                self.source.check_time()
        while True:
            yield _Token("end", "", size)

    def html_end(self, start: int) -> int:
        """Return where the brackets of an HTML string close."""
        depth = 0
        for found in re.finditer(r"[<>]", self.text[start:]):
            depth += 1 if found[0] == "<" else -1
            if depth == 0:
                return start + found.end()
        self.token = _Token("other", "<", start)
        raise self.refusal("be valid DOT", "an unterminated HTML string")

    def advance(self) -> _Token:
        token, self.token = self.token, next(self.stream)
        return token

    def take(self, text: str) -> bool:
        """Step over a mark or a keyword if it comes next."""
        matches = self.token.kind in ("mark", "word", "edge") and self.token.text.lower() == text
        if matches:
            self.advance()
        return matches

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.refusal(f"be valid DOT with {text!r} here", repr(self.token.text[:20]))

    def name(self) -> str:
        """Take an identifier; quoted parts may be joined by +."""
        if self.token.kind not in ("word", "quoted"):
            raise self.refusal(
                "be valid DOT with a name here", repr(self.token.text[:20]) or "the end"
            )
        token = self.advance()
        text = token.text
        while token.kind == "quoted" and self.take("+"):
            text += self.advance().text
        return text

    def graph(self) -> None:
        """Take the whole file: one graph."""
        self.take("strict")
        self.directed = self.token.text.lower() == "digraph"
        if self.token.kind != "word" or self.token.text.lower() not in ("graph", "digraph"):
            raise self.refusal("start with graph or digraph", repr(self.token.text[:20]))
        self.advance()
        if self.token.kind in ("word", "quoted"):
            self.name()
        self.expect("{")
        self.statements()
        if self.token.kind != "end":
            raise self.refusal("hold one graph", repr(self.token.text[:20]))

    def statements(self) -> None:
        """Take statements up to the closing bracket."""
        if len(self.scopes) > self.options.max_depth:
            raise self.refusal(f"nest at most {self.options.max_depth} subgraphs", "more")
        while not self.take("}"):
            if self.token.kind == "end":
                raise self.refusal("be complete DOT", "a truncated file")
            self.statement()
            while self.take(";") or self.take(","):
                pass

    def statement(self) -> None:
        """Take defaults, an assignment, a node, or a chain of edges."""
        word = self.token.text.lower() if self.token.kind == "word" else ""
        if word in ("node", "edge", "graph"):
            self.advance()
            data = self.attributes()
            if word != "graph":
                getattr(self.scopes[-1], word).update(data)
            return
        first = self.end()
        if isinstance(first, str) and self.take("="):
            self.name()
            return
        chain = [self.named(first)]
        while self.token.kind == "edge":
            self.advance()
            chain.append(self.named(self.end()))
        data = self.attributes()
        if len(chain) == 1:
            if isinstance(first, str):
                self.add_node(first, data)
            return
        self.add_edges(chain, data)

    def end(self) -> Any:
        """Take a name with its port, or a subgraph: the names of its nodes."""
        if self.take("subgraph") or (self.token.text == "{" and self.token.kind == "mark"):
            if self.token.text != "{":
                self.name()
            self.expect("{")
            outer = self.scopes[-1]
            self.scopes.append(_Scope(dict(outer.node), dict(outer.edge)))
            self.statements()
            members = list(self.scopes.pop().members)
            self.scopes[-1].members.update(dict.fromkeys(members))
            return members
        name = self.name()
        while self.take(":"):
            self.name()
        return name

    def named(self, end: Any) -> Any:
        """Take a node where it is named first, so that nodes keep their order."""
        if isinstance(end, str):
            self.add_node(end, {})
        return end

    def attributes(self) -> dict[str, str]:
        """Take lists of attributes in brackets."""
        data = {}
        while self.take("["):
            while not self.take("]"):
                key = self.name()
                data[key] = self.name() if self.take("=") else "true"
                while self.take(",") or self.take(";"):
                    pass
        return data

    def add_node(self, name: str, data: dict[str, str]) -> None:
        """Take a node; defaults hold from its first naming on."""
        if name not in self.nodes:
            self.nodes[name] = dict(self.scopes[-1].node)
        self.nodes[name].update(data)
        self.scopes[-1].members[name] = None

    def add_edges(self, chain: list[Any], data: dict[str, str]) -> None:
        """Take the edges between all ends of a chain."""
        groups = [[end] if isinstance(end, str) else end for end in chain]
        for first, second in pairwise(groups):
            if len(first) * len(second) > 4 * len(self.text) + 1000:
                raise self.refusal("name as many edges as its bytes account for", "more")
            for u in first:
                self.add_node(u, {})
                for v in second:
                    self.add_node(v, {})
                    self.edges.append((u, v))
                    self.edge_data.append({**self.scopes[-1].edge, **data})
            if len(self.edges) > 16 * len(self.text) + 100_000:
                raise self.refusal("name as many edges as its bytes account for", "more")


def read_dot(source: Source, options: ReadOptions) -> Graph:
    """Read one DOT graph; HTML labels stay text."""
    parser = _DotParser(source, options)
    try:
        parser.graph()
    except RecursionError:
        raise refusal(source.name, "nest less deeply", "more subgraphs") from None
    data = [
        {name: value for name, value in one.items() if name not in ("pos", "style")}
        for one in parser.nodes.values()
    ]
    return NodeEdgeData(
        list(parser.nodes),
        _with_places(parser, data),
        parser.edges,
        parser.edge_data,
        parser.directed,
    ).to_graph(source, options)


def _with_places(parser: _DotParser, data: list[dict[str, str]]) -> list[dict[str, str]]:
    """Read ``pos="1.5,2!"`` as x and y."""
    for one, given in zip(data, parser.nodes.values(), strict=True):
        place = re.fullmatch(r"([-+.0-9eE]+),([-+.0-9eE]+)(?:,.*)?!?", given.get("pos", ""))
        if place:
            one.setdefault("x", place[1])
            one.setdefault("y", place[2])
    return data
