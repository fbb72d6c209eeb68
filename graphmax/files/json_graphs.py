"""JSON graphs: node-link (networkx, D3), which is also written, and Cytoscape.

They are told apart by their keys.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.metadata import flat_attributes, metadata_of, parsed_metadata, written
from graphmax.files.nodes_and_edges import NodeEdgeData, check_ids, scalars, without_echo
from graphmax.files.opening import ReadOptions, Source, decoded_text
from graphmax.graph import Graph

_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
# JSON has no numbers for these; `write_graph` and protobuf spell them as strings.
_SPELLED = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}


def read(source: Source, options: ReadOptions) -> Graph:
    """Read node-link JSON (edges under ``edges`` or ``links``) or Cytoscape JSON."""
    found = _parsed(decoded_text(source), source, options)
    if isinstance(found, dict) and "elements" in found:
        return _cytoscape(found, source).to_graph(source, options)
    if isinstance(found, dict) and "nodes" in found and ("edges" in found or "links" in found):
        return _node_link(found, source).to_graph(source, options)
    got = f"the keys {', '.join(map(str, found))}"[:80] if isinstance(found, dict) else "no object"
    raise refusal(source.name, "hold nodes and edges (or links), or Cytoscape's elements", got)


def _parsed(text: str, source: Source, options: ReadOptions) -> Any:
    _check_depth(text, source, options)
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise refusal(
            source.name, "be valid JSON", error.msg.lower(), line=error.lineno, column=error.colno
        ) from None
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(";")[0][:80]
        raise refusal(source.name, "be valid JSON", f"a flaw ({reason})") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object with a key twice")
    return found


def _check_depth(text: str, source: Source, options: ReadOptions) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
        if depth > options.max_depth:
            raise refusal(
                source.name,
                f"nest at most {options.max_depth} levels",
                "more",
                line=text.count("\n", 0, bracket.start()) + 1,
                way_out="pass max_depth",
            )


def _objects(value: Any, what: str, source: Source) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise refusal(source.name, f"hold a list of objects as {what}", "another thing")
    return value


def _flag(found: Mapping[str, Any], key: str, source: Source) -> bool:
    flag = found.get(key, False)
    if not isinstance(flag, bool):
        raise refusal(source.name, f"say true or false to {key!r}", repr(flag)[:40])
    return flag


def _node_link(found: dict[str, Any], source: Source) -> NodeEdgeData:
    if "edges" in found and "links" in found:
        raise refusal(source.name, "have edges or links", "both")
    nodes = _objects(found["nodes"], "nodes", source)
    edges = _objects(found.get("edges", found.get("links")), "edges", source)
    ids = _node_ids(nodes, source)
    graph = found.get("graph")
    written = graph.get("graphmax") if isinstance(graph, dict) else None
    metadata = parsed_metadata(None if written is None else json.dumps(written), source)
    floats = {name for name, kind in metadata.get("dtypes", {}).items() if kind.startswith("float")}
    return NodeEdgeData(
        ids,
        [_restored(scalars(_except(node, "id")), floats, metadata) for node in nodes],
        NodeEdgeData.linked(source, _ends(edges, source), {node: node for node in ids}),
        [_restored(_except(edge, "source", "target"), {"weight"}, metadata) for edge in edges],
        _flag(found, "directed", source),
        metadata,
    )


def _node_ids(nodes: list[dict[str, Any]], source: Source) -> list[Any]:
    if nodes and not any("id" in node for node in nodes):
        return list(range(len(nodes)))  # D3 of old: edges count the nodes
    lacking = next((place for place, node in enumerate(nodes) if "id" not in node), None)
    if lacking is not None:
        raise refusal(source.name, "give every node an id", f"none in node {lacking + 1}")
    ids = [node["id"] for node in nodes]
    check_ids(source, ids)
    return ids


def _ends(edges: list[dict[str, Any]], source: Source) -> list[tuple[Any, Any]]:
    for place, edge in enumerate(edges):
        if "source" not in edge or "target" not in edge:
            raise _endless(source, place)
    return [(edge["source"], edge["target"]) for edge in edges]


def _endless(source: Source, place: int) -> GraphFileError:
    return refusal(source.name, "give every edge a source and a target", f"not in edge {place + 1}")


def _except(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in keys}


def _restored(
    data: dict[str, Any], floats: set[str], metadata: Mapping[str, Any]
) -> dict[str, Any]:
    if not metadata:
        return data
    return {
        name: _SPELLED.get(value, value) if name in _base(floats, name) else value
        for name, value in data.items()
    }


def _base(floats: set[str], name: str) -> set[str]:
    """Count ``x.0`` as a part of a wide ``x``."""
    return {name} if name in floats or name.rpartition(".")[0] in floats else set()


def _cytoscape(found: dict[str, Any], source: Source) -> NodeEdgeData:
    nodes, edges = _elements(found["elements"], source)
    for place, node in enumerate(nodes):
        if not isinstance(node.get("id"), str | int) or isinstance(node["id"], bool):
            raise refusal(source.name, "give every node an id", f"none in node {place + 1}")
    ids = [str(node["id"]) for node in nodes]
    check_ids(source, ids)
    ends = [tuple(str(e) if type(e) is int else e for e in pair) for pair in _ends(edges, source)]
    kept = [scalars(_except(node, "id")) for node in nodes]
    return NodeEdgeData(
        ids,
        without_echo(kept, ids, ("value", "name")),
        NodeEdgeData.linked(source, ends, {name: name for name in ids}),
        [_except(edge, "source", "target") for edge in edges],
        _flag(found, "directed", source),
    )


def _elements(elements: Any, source: Source) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    if isinstance(elements, dict):
        nodes = _objects(elements.get("nodes", []), "elements.nodes", source)
        edges = _objects(elements.get("edges", []), "elements.edges", source)
    else:
        both = _objects(elements, "elements", source)
        edges = [item for item in both if _is_edge(item)]
        nodes = [item for item in both if not _is_edge(item)]
    return _data(nodes, source), _data(edges, source)


def _is_edge(item: dict[str, Any]) -> bool:
    data = item.get("data")
    return item.get("group") == "edges" or (isinstance(data, dict) and "source" in data)


def _data(items: list[dict[str, Any]], source: Source) -> list[dict[str, Any]]:
    if not all(isinstance(item.get("data"), dict) for item in items):
        raise refusal(source.name, "give every element an object of data", "another thing")
    return [item["data"] for item in items]


def write(graph: Graph, file: Path) -> None:
    """Write one node or edge a line; NaN and infinities are strings, for JSON has none."""
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(_document(graph))


def _document(graph: Graph) -> Iterator[str]:
    metadata = _text({"graphmax": metadata_of(graph)})
    yield f'{{"directed": {_text(graph.directed)}, "multigraph": false, "graph": {metadata},\n'
    ids = graph.label_of(np.arange(graph.num_nodes)).tolist()
    yield '"nodes": ['
    yield from _listed(_nodes(graph, ids))
    yield '],\n"edges": ['
    yield from _listed(_edges(graph, ids))
    yield "]}\n"


def _listed(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    for place, row in enumerate(rows):
        yield (",\n" if place else "\n") + _text(row)


def _nodes(graph: Graph, ids: list[Any]) -> Iterator[dict[str, Any]]:
    columns = {name: written(column) for name, column in flat_attributes(graph).items()}
    if "id" in columns:
        raise ValueError("`graph` must have no attribute named 'id', got one; rename it")
    for place, identity in enumerate(ids):
        values = ((name, column[place]) for name, column in columns.items())
        yield {"id": identity, **{name: value for name, value in values if value is not None}}


def _edges(graph: Graph, ids: list[Any]) -> Iterator[dict[str, Any]]:
    weights = graph.edge_weights()
    for place, (u, v) in enumerate(graph.edges().T.tolist()):
        weight = {} if weights is None else {"weight": float(weights[place])}
        yield {"source": ids[u], "target": ids[v], **weight}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = {name: _spelled(item) for name, item in value.items()}
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _spelled(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
