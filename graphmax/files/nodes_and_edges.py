"""Nodes and edges as Python objects, the way readers of object formats hand them over."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.files.building import Numbered, built_graph
from graphmax.files.column_roles import LENGTHS, STRENGTHS
from graphmax.files.errors import listed, refusal
from graphmax.files.opening import ReadOptions, Source, number, restored
from graphmax.graph import Graph
from graphmax.values import column_of

# A file may ask for this many cells of a table of attributes, or for so many for each of its bytes.
_UNASKED_CELLS, _CELLS_PER_BYTE = 16_000_000, 4
_INTEGERS = {"int", "integer", "long", "short", "byte", "biginteger", "bigint"}
_FLOATS = {"float", "double", "bigdecimal", "real", "number"}
_WHOLE = re.compile(r"([+-]?[0-9]{1,4000})\.0*")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")
_TRUTH = {"true": True, "false": False}


@dataclass
class NodeEdgeData:
    """Nodes in the order of the file with their data, and edges between them with theirs.

    `kinds` are types that the file declares for data of nodes and of edges, `defaults` the values
    where a node or an edge says nothing. Edges name nodes themselves, or keys of `names`; an end
    may be anything that a file holds. `lines` says where ends stand.
    """

    nodes: list[Any]
    node_data: Sequence[Mapping[str, Any]]
    edges: Sequence[tuple[Any, Any]]
    edge_data: Sequence[Mapping[str, Any]]
    directed: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    missing_weight: float | None = None
    kinds: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    defaults: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})
    names: Mapping[Any, Any] | None = None
    lines: Mapping[Any, int] = field(default_factory=dict)

    def to_graph(self, source: Source, options: ReadOptions) -> Graph:
        """Build the graph; ids become labels, node data attributes, lengths the weights."""
        return self._linked(source, options)._built(source, options)

    def _linked(self, source: Source, options: ReadOptions) -> "NodeEdgeData":
        """Return the data with nodes as ends of edges; an end that is no node is added, or not."""
        names = {node: node for node in self.nodes} if self.names is None else dict(self.names)
        lacking = {repr(end): end for pair in self.edges for end in pair if not _holds(names, end)}
        nodes, node_data = list(self.nodes), list(self.node_data)
        if lacking and options.add_nodes:
            added = [end for end in lacking.values() if _is_id(end)]
            _check_apart(source, nodes, added)
            names.update({end: end for end in added})
            nodes += added
            node_data += [{} for _ in added]
            if added:
                source.remark(f"{_count(len(added), 'node')} added that only edges name")
            lacking = {text: end for text, end in lacking.items() if not _is_id(end)}
        kept = range(len(self.edges))
        if lacking:
            pairs = enumerate(self.edges)
            taken = [i for i, (u, v) in pairs if _holds(names, u) and _holds(names, v)]
            known = (self.lines[end] for end in lacking.values() if _holds(self.lines, end))
            check_dangling(
                source, (len(taken), len(kept)), list(lacking.values()), next(known, None)
            )
            kept = taken  # type: ignore[assignment]
        return replace(
            self,
            nodes=nodes,
            node_data=node_data,
            edges=[(names[self.edges[i][0]], names[self.edges[i][1]]) for i in kept],
            edge_data=[self.edge_data[i] for i in kept],
        )

    def _built(self, source: Source, options: ReadOptions) -> Graph:
        index = {node: i for i, node in enumerate(self.nodes)}
        ends = [(index[u], index[v]) for u, v in source.timed(self.edges)]
        pairs = np.array(ends, np.int64).reshape(-1, 2)
        edges = Numbered(pairs[:, 0], pairs[:, 1], self._weights(source, options), self._ids())
        columns = self._attributes(source)
        attributes = restored(columns, self.metadata, source, len(self.nodes))
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

    def _attributes(self, source: Source) -> dict[str, NDArray[Any]]:
        """Return one array for each attribute name, nodes that lack it masked."""
        names = list(dict.fromkeys((*_names(self.node_data), *self.defaults[0])))
        check_cells(source, len(names), len(self.nodes))
        dtypes = self.metadata.get("dtypes", {})
        columns = {}
        for name in source.timed(names):
            default = self.defaults[0].get(name)
            values = [data.get(name, default) for data in self.node_data]
            kind = self.kinds[0].get(name, "")
            is_text = dtypes.get(name, "").startswith(("object", "datetime"))
            columns[str(name)] = column_of(values) if is_text else typed(source, name, values, kind)
        return columns

    def _weights(self, source: Source, options: ReadOptions) -> NDArray[np.float64] | None:
        known = list(dict.fromkeys((*_names(self.edge_data), *self.defaults[1])))
        name = _weight_name(known, source, options)
        if name is None:
            strengths = [other for other in known if str(other).lower() in STRENGTHS]
            if strengths and options.weight is None:
                one = str(strengths[0])
                source.remark(f"edge data {one!r} left out (--weight {one} takes it as a length)")
            return np.empty(0) if self.metadata.get("weighted") and not self.edges else None
        default = self.defaults[1].get(name, self.missing_weight)
        weights = [_as_number(data.get(name, default)) for data in self.edge_data]
        missing = sum(weight is None for weight in weights)
        if missing and options.weight in (None, True):
            source.remark(f"weights left out: {missing} of {len(weights)} are missing")
            return None
        bad = [place for place, weight in enumerate(weights) if not _is_weight(weight)]
        if bad:
            (u, v), weight = self.edges[bad[0]], weights[bad[0]]
            got = "none" if weight is None else repr(weight)[:40]
            where = f"on {_count(len(bad), 'edge')}, first {u!r} to {v!r}"
            if options.weight in (None, True):
                source.remark(f"{name!r} of edges left out: it is {got}, no number, {where}")
                return None
            raise refusal(
                source.name,
                "have weights that are numbers, not NaN",
                f"{got} {where}",
                way_out="pass weight=False (--no-weight) to leave the weights out",
            )
        lacking = sum(data.get(name) is None for data in self.edge_data)
        if lacking and name not in self.defaults[1]:
            without, as_what = _count(lacking, "edge"), f"{self.missing_weight:g}"
            source.remark(f"{without} without a weight taken as {as_what}")
        source.facts["length"] = f"edge data {name!r}"
        if name != "weight":
            source.facts["plain"] = False
        return np.array([float(weight) for weight in weights])


def _names(data: Iterable[Mapping[str, Any]]) -> list[Any]:
    return list(dict.fromkeys(name for one in data for name in one))


def check_cells(source: Source, columns: int, rows: int) -> None:
    """Refuse more cells of attributes than the bytes of the file account for."""
    allowed = max(_UNASKED_CELLS, _CELLS_PER_BYTE * source.size)
    if columns * rows > allowed:
        raise refusal(
            source.name,
            f"have at most {allowed} values of attributes",
            f"{columns} attributes of {rows} nodes",
        )


def _is_weight(value: Any) -> bool:
    return type(value) in (int, float) and not math.isnan(value)


def _as_number(value: Any) -> Any:
    """Return the number that a text spells, else the value itself; None where it is empty."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    spelled = number(text)
    return value if spelled is None else spelled


def typed(source: Source, name: Any, values: list[Any], kind: str) -> NDArray[Any]:
    """Return a column: texts of which every one is a number are numbers, empty ones missing."""
    texts = [value for value in values if value is not None]
    if not texts or not all(isinstance(value, str) for value in texts):
        return column_of(values)
    numbers = _typed_texts(values, kind)
    if numbers is not None:
        return column_of(numbers)
    if kind in _INTEGERS | _FLOATS:
        bad = next(t for t in texts if t.strip() and number(t.strip()) is None)
        source.remark(f"attribute {name!r} is text: it is declared {kind}, but holds {bad[:20]!r}")
    else:
        _say_why_text(source, name, texts)
    times = _times(values)
    return column_of(values) if times is None else times


def _say_why_text(source: Source, name: Any, texts: list[str]) -> None:
    """Name the first entry that keeps a column of numbers from being one."""
    strange = [text for text in texts if text.strip() and number(text.strip()) is None]
    if strange and 2 * len(strange) <= len(texts):
        source.remark(f"attribute {name!r} is text: {strange[0][:20]!r} is no number")


def _typed_texts(values: list[str | None], kind: str) -> list[Any] | None:
    """Return the numbers or truth values that all texts spell, else None."""
    texts = [None if value is None else value.strip() or None for value in values]
    if kind in _INTEGERS | _FLOATS:  # Gephi writes null for a number that is missing
        texts = [None if text == "null" else text for text in texts]
    filled = [text for text in texts if text is not None]
    if not filled:
        return [None] * len(texts) if kind in _INTEGERS | _FLOATS else None
    if kind in ("boolean", "bool") or filled[0].lower() in _TRUTH:
        words = {**_TRUTH, "1": True, "0": False} if kind.startswith("bool") else _TRUTH
        if all(text.lower() in words for text in filled):
            return [None if text is None else words[text.lower()] for text in texts]
    if kind in _INTEGERS:
        texts = [text if text is None else _WHOLE.sub(r"\1", text) for text in texts]
    numbers = [None if text is None else number(text) for text in texts]
    if any(value is None and text is not None for value, text in zip(numbers, texts, strict=True)):
        return None
    if kind in _FLOATS and not any(_is_rounded(value) for value in numbers):
        return [None if value is None else float(value) for value in numbers]
    mixed = any(isinstance(value, float) for value in numbers)
    return None if mixed and any(map(_is_rounded, numbers)) else numbers


def _is_rounded(value: Any) -> bool:
    if not isinstance(value, int):
        return False
    try:
        return int(float(value)) != value
    except OverflowError:
        return True


def _times(values: list[Any]) -> NDArray[Any] | None:
    """Return ISO times as such, where every text is one."""
    texts = [value for value in values if value is not None and value.strip()]
    if not texts or not all(_TIME.fullmatch(text.strip()) for text in texts):
        return None
    missing = np.array([value is None or not value.strip() for value in values])
    try:
        column = np.array([value.strip() if value else "NaT" for value in values], "M8[us]")
    except ValueError:
        return None
    return np.ma.MaskedArray(column, missing) if missing.any() else column


def _is_id(end: Any) -> bool:
    return isinstance(end, str | int) and not isinstance(end, bool)


def _holds(names: Mapping[Any, Any], end: Any) -> bool:
    return _is_id(end) and end in names


def _check_apart(source: Source, nodes: Sequence[Any], added: Sequence[Any]) -> None:
    """Refuse to add a node whose id is written as that of another one."""
    texts = {str(node): node for node in nodes}
    for end in added:
        other = texts.setdefault(str(end), end)
        if other is not end:
            raise refusal(source.name, "tell ids apart", f"both {other!r} and {end!r} as ids")


def check_dangling(
    source: Source, counts: tuple[int, int], lacking: list[Any], line: int | None = None
) -> None:
    """Say that edges between ids without a node are left out; refuse where they are most edges.

    `counts` are the edges that can be taken, and all.
    """
    taken, total = counts
    left_out, named = total - taken, [end for end in lacking if end is not None]
    words = f"ids without a node ({listed(named)})" if named else "no two ends"
    if 2 * left_out > total:
        way_out = "pass add_nodes=True (--add-nodes) to add them" if named else None
        rule = "have edges between declared nodes"
        raise refusal(source.name, rule, words, line=line, way_out=way_out)
    ends, way_out = "it names" if left_out == 1 else "they name", " (--add-nodes adds them)"
    source.remark(f"{_count(left_out, 'edge')} left out: {ends} {words}{way_out if named else ''}")


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


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _weight_name(known: Sequence[Any], source: Source, options: ReadOptions) -> str | None:
    if options.weight is False:
        return None
    if options.weight in (None, True):
        return next((name for name in LENGTHS if name in known), None)
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
