"""JSON graphs of many makers: told apart by their keys.

Read are node-link and adjacency data (networkx, D3 by index and by name), Cytoscape and
Cytoscape.js, graphology (sigma, Gephi), vis.js, JSON Graph Format, GraphSON and JSON lines;
node-link is also written.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.files.errors import refusal
from graphmax.files.nodes_and_edges import NodeEdgeData, check_ids, scalars, without_echo
from graphmax.files.opening import (
    ROOM,
    ReadOptions,
    Source,
    decoded_text,
    flat_attributes,
    metadata_of,
    parsed_metadata,
    seal,
    with_positions,
    written,
)
from graphmax.graph import Graph

_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
# JSON has no numbers for these; `write_graph` and protobuf spell them as strings.
_SPELLED = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}
_ENDS = (("source", "target"), ("from", "to"), ("outV", "inV"), ("_outV", "_inV"), ("src", "dst"))
_IDS = ("id", "key", "_id", "name")


def read(source: Source, options: ReadOptions) -> Graph:
    """Read nodes and edges, whoever wrote them."""
    found = _parsed(decoded_text(source), source, options)
    source.check_time()
    if isinstance(found, dict) and isinstance(found.get("graph"), dict) and "nodes" not in found:
        found = _as_directed(found["graph"], source)
    if isinstance(found, dict) and isinstance(found.get("graphs"), list):
        if len(found["graphs"]) != 1 or not isinstance(found["graphs"][0], dict):
            raise refusal(source.name, "hold one graph", str(len(found["graphs"])))
        found = _as_directed(found["graphs"][0], source)
    if isinstance(found, list) and found:
        data = _of_list(found, source)
    elif isinstance(found, dict) and "elements" in found:
        data = _of_elements(found["elements"], found, source)
    elif isinstance(found, dict) and {"nodes", "adjacency"} <= set(found):
        data = _of_adjacency(found, source)
    elif isinstance(found, dict) and _has_nodes(found):
        data = _of_nodes_and_edges(found, source)
    else:
        got = (
            f"the keys {', '.join(map(str, found))}"[:80]
            if isinstance(found, dict)
            else "no object"
        )
        raise refusal(source.name, "hold nodes and edges (or links), or Cytoscape's elements", got)
    return data.to_graph(source, options)


def _as_directed(graph: dict[str, Any], source: Source) -> dict[str, Any]:
    """Say that edges of GraphSON are arrows; of JSON Graph Format say that it does not tell."""
    edges = graph.get("edges")
    if "directed" in graph or not edges or not isinstance(edges, list):
        return graph
    if "vertices" in graph:
        return {**graph, "directed": True}
    source.remark("the file does not say whether edges are arrows (--directed)")
    return graph


def _has_nodes(found: Mapping[str, Any]) -> bool:
    return bool({"nodes", "vertices"} & set(found) and {"edges", "links"} & set(found))


def _parsed(text: str, source: Source, options: ReadOptions) -> Any:
    _check_depth(text, source, options)
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        lines = _json_lines(text)
        if lines is not None:
            return lines
        raise refusal(
            source.name, "be valid JSON", error.msg.lower(), line=error.lineno, column=error.colno
        ) from None
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(";")[0][:80]
        raise refusal(source.name, "be valid JSON", f"a flaw ({reason})") from None


def _json_lines(text: str) -> list[Any] | None:
    """Return the objects of JSON lines; None where a line is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
        return None
    try:
        return [json.loads(line, object_pairs_hook=_without_repeats) for line in lines]
    except (ValueError, RecursionError):
        return None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object with a key twice")
    return found


def _check_depth(text: str, source: Source, options: ReadOptions) -> None:
    depth = 0
    for bracket in source.timed(_BRACKET.finditer(text)):
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


def _is_directed(found: Mapping[str, Any], source: Source) -> bool:
    """Return the direction, as node-link, graphology and JSON Graph Format spell it."""
    options = found.get("options")
    if isinstance(options, dict) and isinstance(options.get("type"), str):
        return options["type"].lower() in ("directed", "mixed")  # of mixed ones arrows say nothing
    flag = found.get("directed", False)
    if isinstance(flag, str) and flag.lower() in ("true", "false"):
        flag = flag.lower() == "true"
    if not isinstance(flag, bool):
        raise refusal(source.name, "say true or false to 'directed'", repr(flag)[:40])
    return flag


def _of_nodes_and_edges(found: dict[str, Any], source: Source) -> NodeEdgeData:
    edges = found.get("edges") or found.get("links") or []
    if found.get("edges") and found.get("links"):
        raise refusal(source.name, "have edges or links", "both")
    nodes = found["nodes"] if "nodes" in found else found["vertices"]
    if isinstance(nodes, dict):  # JSON Graph Format of version 2: by id
        nodes = [_with_id(name, node) for name, node in nodes.items()]
    if _are_wrapped(nodes) and _are_wrapped(edges):
        return _of_elements({"nodes": nodes, "edges": edges}, found, source)
    if isinstance(nodes, list) and nodes and not any(isinstance(node, dict) for node in nodes):
        nodes = [{"id": node} for node in nodes]
    return _data(_objects(nodes, "nodes", source), _objects(edges, "edges", source), found, source)


def _of_adjacency(found: dict[str, Any], source: Source) -> NodeEdgeData:
    """Read adjacency data of networkx: for each node its neighbors, edges without arrows twice."""
    nodes, lists = _objects(found["nodes"], "nodes", source), found["adjacency"]
    if not isinstance(lists, list) or len(lists) != len(nodes):
        raise refusal(source.name, f"list neighbors of {len(nodes)} nodes", "others")
    edges, directed, seen = [], _is_directed(found, source), set()
    for node, neighbors in zip(nodes, lists, strict=True):
        for other in _objects(neighbors, "neighbors", source):
            first, second = node.get("id"), other.get("id")
            key = json.dumps([second, first, other.get("key")])
            if directed or key not in seen:
                edges.append({**other, "source": first, "target": second})
            seen.add(json.dumps([first, second, other.get("key")]))
    graph = found.get("graph")
    graph = dict(graph) if isinstance(graph, list) and all(map(_is_pair, graph)) else graph
    return _data(nodes, edges, {**found, "graph": graph}, source)


def _is_pair(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)


def _are_wrapped(items: Any) -> bool:
    """Say whether every item is an object of data, as in Cytoscape.js."""
    return isinstance(items, list) and all(
        isinstance(item, dict) and isinstance(item.get("data"), dict) for item in items
    )


def _with_id(name: str, node: Any) -> Any:
    return {"id": name, **node} if isinstance(node, dict) else {"id": name}


def _of_list(items: list[Any], source: Source) -> NodeEdgeData:
    """Read Cytoscape.js elements, JSON lines, or GraphSON, one element after the other."""
    items = [item.get("data", item) if isinstance(item, dict) else item for item in items]
    both = [_relationship(item) for item in _objects(items, "elements", source)]
    if any("outE" in item or "inE" in item for item in both):
        return _of_graphson(both, source)
    edges = [item for item in both if _ends_of(item) is not None]
    nodes = [item for item in both if _ends_of(item) is None]
    if not nodes:
        names = dict.fromkeys(item[key] for item in edges for key in _ends_of(item) or ())
        nodes = [{"id": name} for name in names]
    return _data(nodes, edges, {}, source)


def _relationship(item: dict[str, Any]) -> dict[str, Any]:
    """Return what Neo4j exports as a relationship with a source and a target; it is an arrow."""
    start, end = item.get("start"), item.get("end")
    if not isinstance(start, dict) or not isinstance(end, dict) or not {"id"} <= {*start} & {*end}:
        return item
    left = {name: value for name, value in item.items() if name not in ("start", "end")}
    return {**left, "source": start["id"], "target": end["id"], "directed": True}


def _of_graphson(items: list[dict[str, Any]], source: Source) -> NodeEdgeData:
    """Read GraphSON adjacency: each vertex lists its edges by label; they are arrows."""
    nodes, edges = [], []
    for item in items:
        identity = _plain(item.get("id"))
        properties = item.get("properties", {})
        values = (
            {k: _property(v) for k, v in properties.items()} if isinstance(properties, dict) else {}
        )
        nodes.append({"id": identity, "label": item.get("label"), **values})
        for bundle in (item.get("outE") or {}).values():
            for edge in bundle if isinstance(bundle, list) else ():
                if isinstance(edge, dict) and "inV" in edge:
                    data = edge.get("properties") or {}
                    weight = (
                        {k: _plain(v) for k, v in data.items()} if isinstance(data, dict) else {}
                    )
                    edges.append({"source": identity, "target": _plain(edge["inV"]), **weight})
    return _data(nodes, edges, {"directed": True}, source)


def _plain(value: Any) -> Any:
    """Return the value of a typed one: {"@type": "g:Int32", "@value": 1} is 1."""
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def _property(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return (
            _plain(_plain(value[-1]).get("value")) if isinstance(_plain(value[-1]), dict) else None
        )
    return _plain(value)


def _of_elements(elements: Any, found: dict[str, Any], source: Source) -> NodeEdgeData:
    """Read Cytoscape: elements as one list, or split into nodes and edges."""
    if isinstance(elements, dict):
        nodes = _objects(elements.get("nodes", []), "elements.nodes", source)
        edges = _objects(elements.get("edges", []), "elements.edges", source)
    else:
        both = _objects(elements, "elements", source)
        edges = [item for item in both if _is_edge(item)]
        nodes = [item for item in both if not _is_edge(item)]
    for items in (nodes, edges):
        if not all(isinstance(item.get("data"), dict) for item in items):
            raise refusal(source.name, "give every element an object of data", "another thing")
    nodes = [{**item["data"], **_place(item)} for item in nodes]
    return _data(nodes, [item["data"] for item in edges], found, source, as_text=True)


def _is_edge(item: dict[str, Any]) -> bool:
    data = item.get("data")
    return item.get("group") == "edges" or (isinstance(data, dict) and "source" in data)


def _place(item: dict[str, Any]) -> dict[str, Any]:
    place = item.get("position")
    names = ("x", "y")
    return {n: place[n] for n in names if n in place} if isinstance(place, dict) else {}


def _data(
    nodes: list[dict[str, Any]],
    edges: list[dict[str, Any]],
    found: Mapping[str, Any],
    source: Source,
    *,
    as_text: bool = False,
) -> NodeEdgeData:
    """Return nodes and edges with flat data; ids are found under their usual keys."""
    graph = found.get("graph")
    left = graph.get("graphmax") if isinstance(graph, dict) else None
    metadata = parsed_metadata(None if left is None else json.dumps(left), source)
    floats = {name for name, kind in metadata.get("dtypes", {}).items() if kind.startswith("float")}
    key = _key_of(nodes, edges)
    ids = _node_ids(nodes, key, as_text, source)
    names: dict[Any, Any] = {node: node for node in ids}
    ends = [_named_ends(edge, as_text) for edge in source.timed(edges)]
    if _count_nodes(ends, names):
        names = dict(enumerate(ids))
        if key is not None:
            source.remark("edges name nodes by their places")
    kinds = [_edge_kind(edge) for edge in edges]
    directed = _is_directed(found, source)
    node_data: Sequence[Mapping[str, Any]] = [_flat(node, {key}) for node in nodes]
    if as_text or key != "id":
        node_data = without_echo(node_data, ids, ("value", "name", "shared_name", "label"))
    edge_data = [_flat(edge, {k for pair in _ENDS for k in pair} | {"id", "key"}) for edge in edges]
    if any(kind is not None for kind in kinds):
        directed, ends, edge_data = _mixed(directed, kinds, ends, edge_data)
    return NodeEdgeData(
        ids,
        [_restored(dict(data), floats, metadata) for data in node_data],
        ends,
        [_restored(data, {"weight"}, metadata) for data in edge_data],
        directed,
        metadata,
        names=names,
    )


def _key_of(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> str | None:
    """Return under which key nodes have their ids; under `name` only if edges name them so."""
    key = next((key for key in _IDS if nodes and all(key in node for node in nodes)), None)
    pair = _ends_of(edges[0]) if edges else None
    return None if key == "name" and not (pair and isinstance(edges[0][pair[0]], str)) else key


def _count_nodes(ends: list[tuple[Any, Any]], names: Mapping[Any, Any]) -> bool:
    """Say whether edges name nodes by their places: D3 of old, networkx 1."""
    flat = {end for pair in ends for end in pair if isinstance(end, str | int)}
    places = all(type(end) is int and 0 <= end < len(names) for end in flat)
    return bool(flat) and places and not flat <= set(names)


def _mixed(
    directed: bool, kinds: list[bool | None], ends: list[Any], data: list[dict[str, Any]]
) -> tuple[bool, list[Any], list[dict[str, Any]]]:
    """Return edges of which each says whether it has an arrow; plain ones go both ways."""
    arrows = [directed if kind is None else kind for kind in kinds]
    if not any(arrows) or all(arrows):
        return any(arrows), ends, data
    back = [i for i, arrow in enumerate(arrows) if not arrow]
    return True, ends + [ends[i][::-1] for i in back], data + [data[i] for i in back]


def _edge_kind(edge: Mapping[str, Any]) -> bool | None:
    """Return whether an edge says that it has an arrow: graphology, JSON Graph Format, vis.js."""
    if isinstance(edge.get("undirected"), bool):
        return not bool(edge["undirected"])
    if isinstance(edge.get("directed"), bool):
        return bool(edge["directed"])
    heads = _heads(edge.get("arrows"))
    return heads != {"to", "from"} if heads else None


def _heads(arrows: Any) -> set[str]:
    """Return where vis.js draws arrows: "to", "from", both, or none."""
    if isinstance(arrows, dict):
        shown = (
            name
            for name, how in arrows.items()
            if how is True or (isinstance(how, dict) and how.get("enabled", True) is not False)
        )
        arrows = ",".join(shown)
    words = set(re.split(r"[\s,;]+", arrows)) if isinstance(arrows, str) else set()
    return words & {"to", "from"} or ({"to"} if "middle" in words else set())


def _node_ids(
    nodes: list[dict[str, Any]], key: str | None, as_text: bool, source: Source
) -> list[Any]:
    if key is None and nodes and not any(name in node for node in nodes for name in _IDS[:-1]):
        return list(range(len(nodes)))
    for place, node in enumerate(nodes):
        if key is None or node[key] is None:
            raise refusal(source.name, "give every node an id", f"none in node {place + 1}")
    ids = [_plain(node[key]) for node in nodes]  # type: ignore[index]
    if as_text:
        ids = [str(i) if type(i) is int else i for i in ids]
    check_ids(source, ids)
    return ids


def _ends_of(edge: Mapping[str, Any]) -> tuple[str, str] | None:
    return next((pair for pair in _ENDS if pair[0] in edge and pair[1] in edge), None)


def _named_ends(edge: Mapping[str, Any], as_text: bool) -> tuple[Any, Any]:
    """Return the ends of an edge, None where it does not name two."""
    pair = _ends_of(edge)
    if pair is None:
        return None, None
    ends = [_plain(edge[name]) for name in pair]
    ends = [end.get("id", end) if isinstance(end, dict) else end for end in ends]  # D3 after a run
    first, second = (str(e) if as_text and type(e) is int else e for e in ends)
    return (second, first) if _heads(edge.get("arrows")) == {"from"} else (first, second)


def _flat(data: Mapping[str, Any], left_out: set[Any]) -> dict[str, Any]:
    """Return numbers and texts; those of an inner object of attributes count as the node's own."""
    flat = {}
    for inner in ("attributes", "metadata", "properties", "data"):
        if isinstance(data.get(inner), dict):
            flat.update({k: _property(v) for k, v in data[inner].items()})
    flat.update({name: value for name, value in data.items() if name not in left_out})
    return scalars(flat)


def _restored(
    data: dict[str, Any], floats: set[str], metadata: Mapping[str, Any]
) -> dict[str, Any]:
    if not metadata:
        return data
    return {
        name: _SPELLED.get(value, value)
        if isinstance(value, str) and _base(floats, name)
        else value
        for name, value in data.items()
    }


def _base(floats: set[str], name: str) -> bool:
    """Count ``x.0`` as a part of a wide ``x``."""
    return name in floats or name.rpartition(".")[0] in floats


def write(graph: Graph, file: Path) -> None:
    """Write one node or edge a line; NaN and infinities are strings, for JSON has none."""
    graph, placed = with_positions(graph)
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(_document(graph, placed))
    seal(file)


def _document(graph: Graph, placed: dict[str, str]) -> Iterator[str]:
    metadata = _text({"graphmax": {**metadata_of(graph), **placed}})
    yield f'{{"directed": {_text(graph.directed)}, "multigraph": false, "graph": {metadata},\n'
    ids = graph.label_of(np.arange(graph.num_nodes)).tolist()
    yield '"nodes": ['
    yield from _listed(_nodes(graph, ids))
    yield '],\n"edges": ['
    yield from _listed(_edges(graph, ids))
    yield f'],\n"checksum": "{ROOM}"}}\n'


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
