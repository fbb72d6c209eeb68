"""Nodes and edges as Python objects, the way readers of object formats hand them over."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.files.building import Numbered, built_graph
from graphmax.files.errors import listed, refusal
from graphmax.files.metadata import restored
from graphmax.files.opening import ReadOptions, Source
from graphmax.graph import Graph
from graphmax.typed_columns import column_of


@dataclass
class NodeEdgeData:
    """Nodes in the order of the file with their data, and edges between them with theirs."""

    nodes: list[Any]
    node_data: Sequence[Mapping[str, Any]]
    edges: list[tuple[Any, Any]]
    edge_data: Sequence[Mapping[str, Any]]
    directed: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    missing_weight: float | None = None

    @staticmethod
    def linked(
        source: Source, ends: list[tuple[Any, ...]], names: Mapping[Any, Any]
    ) -> list[tuple[Any, Any]]:
        """Return edges between names for edges between ids; every end must be a node."""
        unknown = {repr(e): e for pair in ends for e in pair if not _holds(names, e)}
        if unknown:
            raise refusal(
                source.name,
                "have edges between declared nodes",
                f"ids without a node ({listed(list(unknown.values()))})",
            )
        return [(names[u], names[v]) for u, v in ends]

    def to_graph(self, source: Source, options: ReadOptions) -> Graph:
        """Build the graph; ids become labels, node data attributes, `weight` the weights."""
        index = {node: i for i, node in enumerate(self.nodes)}
        ends = [(index[u], index[v]) for u, v in self.edges]
        pairs = np.array(ends, np.int64).reshape(-1, 2)
        edges = Numbered(pairs[:, 0], pairs[:, 1], self._weights(source, options), self._ids())
        attributes = restored(
            attribute_columns(self.node_data), self.metadata, source, len(self.nodes)
        )
        return built_graph(
            source,
            options,
            edges,
            attributes=attributes,
            directed=self.directed,
            has_ids=self.metadata.get("labels") != "none",
        )

    def _ids(self) -> NDArray[Any]:
        if self.metadata.get("labels") == "object":
            return _objects([str(node) for node in self.nodes])
        return id_array(self.nodes)

    def _weights(self, source: Source, options: ReadOptions) -> NDArray[np.float64] | None:
        name = _weight_name(self.edge_data, source, options)
        if name is None:
            return np.empty(0) if self.metadata.get("weighted") and not self.edges else None
        weights = [data.get(name, self.missing_weight) for data in self.edge_data]
        bad = [
            (pair, weight)
            for pair, weight in zip(self.edges, weights, strict=True)
            if type(weight) not in (int, float) or not weight >= 0
        ]
        if bad:
            (u, v), weight = bad[0]
            raise refusal(
                source.name,
                "have weights that are numbers, at least 0 and not NaN",
                f"{'none' if weight is None else repr(weight)[:40]} on {_edges(len(bad))}, "
                f"first {u!r} to {v!r}",
                way_out="pass weight=False to leave the weights out",
            )
        return np.array([float(weight) for weight in weights])


def _holds(names: Mapping[Any, Any], end: Any) -> bool:
    return isinstance(end, str | int) and not isinstance(end, bool) and end in names


def scalars(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that are one number, Boolean or text each."""
    return {name: value for name, value in data.items() if isinstance(value, int | float | str)}


def without_echo(
    data: Sequence[Mapping[str, Any]], ids: Sequence[Any], names: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """Leave out data under these names that only repeats the ids, as networkx writes it."""
    for echo in names:
        if all(str(node.get(echo)) == str(name) for node, name in zip(data, ids, strict=True)):
            data = [{k: v for k, v in node.items() if k != echo} for node in data]
    return data


def named_nodes(
    source: Source, ids: list[Any], data: list[dict[str, Any]]
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Name nodes by the `label` in their data where each has its own, else by their ids."""
    check_ids(source, ids)
    labels = [node.get("label") for node in data]
    texts = [str(label) for label in labels if label is not None]
    if not texts or len(set(texts)) < len(ids):
        return ids, [_without_none(node) for node in data]
    names = [label if isinstance(label, str) else str(label) for label in labels]
    return names, [_without_none({k: v for k, v in n.items() if k != "label"}) for n in data]


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}


def _edges(count: int) -> str:
    return f"{count} edge{'s' * (count != 1)}"


def _weight_name(
    edge_data: Iterable[Mapping[str, Any]], source: Source, options: ReadOptions
) -> str | None:
    if options.weight is False:
        return None
    known = dict.fromkeys(name for data in edge_data for name in data)
    if options.weight in (None, True):
        return "weight" if "weight" in known else None
    if options.weight in known:
        return str(options.weight)
    near = near_names(str(options.weight), [str(name) for name in known])
    raise refusal(source.name, f"have the edge attribute {options.weight!r}", f"none; {near}")


def id_array(nodes: list[Any]) -> NDArray[Any]:
    """Return ids as int64 where all are integers of 64 bits in their usual spelling, else text."""
    if all(isinstance(node, int) for node in nodes):
        if all(-(2**63) <= node < 2**63 for node in nodes):
            return np.array(nodes, np.int64)
        nodes = [str(node) for node in nodes]
    if nodes and all(_is_canonical(node) for node in nodes):
        return np.array([int(node) for node in nodes], np.int64)
    return _objects([str(node) for node in nodes])


def _objects(items: list[Any]) -> NDArray[Any]:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def _is_canonical(text: Any) -> bool:
    if not isinstance(text, str) or not text.isascii() or len(text) > 20:
        return False
    digits = text.removeprefix("-")
    return digits.isdigit() and str(int(text)) == text and -(2**63) <= int(text) < 2**63


def attribute_columns(node_data: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return one array an attribute name, nodes that lack it masked."""
    names = dict.fromkeys(name for data in node_data for name in data)
    return {str(name): column_of([data.get(name) for data in node_data]) for name in names}


def check_ids(source: Source, ids: list[Any]) -> None:
    """Refuse ids that are floats or Booleans, and mixtures of integers and text that collide."""
    for identity in ids:
        if isinstance(identity, bool) or not isinstance(identity, int | str):
            raise refusal(source.name, "have integers or text as ids", repr(identity)[:60])
    texts: dict[str, Any] = {}
    for identity in ids:
        first = texts.setdefault(str(identity), identity)
        if type(first) is not type(identity):
            raise refusal(source.name, "tell ids apart", f"both {first!r} and {identity!r} as ids")
    if len(texts) < len(ids):
        repeated = [node for node, count in Counter(ids).items() if count > 1]
        raise refusal(source.name, "have every id once", f"repeated ids ({listed(repeated)})")
