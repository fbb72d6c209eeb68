"""GEXF of every version and namespace, read by hand.

The reader of networkx knows three namespaces and few types, and stops at one value that is not of
its declared type. Of values that change over time the last one is taken, with a word.
"""

from collections import Counter
from typing import Any

from graphmax.files.nodes_and_edges import without_echo
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.xml_graphs import XmlReader, graph_data, say_undeclared
from graphmax.graph import Graph

_ARROWS = {"directed": True, "undirected": False, "mutual": False}


class _Reader(XmlReader):
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


def read(source: Source, options: ReadOptions) -> Graph:
    """Read GEXF; colors are left out."""
    reader = _Reader(source, options)
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
