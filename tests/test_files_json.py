"""JSON of many makers: one row each, and what is read."""

import json

import networkx as nx
import pytest

from graphmax import GraphFileError, read_graph

NODES = [{"id": "a", "group": 1}, {"id": "b", "group": 2}]
LINK = {"source": "a", "target": "b", "weight": 2}
MAKERS = {
    "D3 by name": {"nodes": NODES, "links": [LINK]},
    "links beside empty edges": {"nodes": NODES, "edges": [], "links": [LINK]},
    "D3 after a run": {"nodes": NODES, "links": [{"source": NODES[0], "target": NODES[1], "weight": 2}]},
    "networkx 1": {"directed": False, "graph": [["name", "x"]], "nodes": NODES,
                   "links": [{"source": 0, "target": 1, "weight": 2}], "multigraph": False},
    "vis.js": {"nodes": NODES, "edges": [{"from": "a", "to": "b", "weight": 2}]},
    "graphology": {"options": {"type": "undirected"}, "attributes": {},
                   "nodes": [{"key": n["id"], "attributes": {"group": n["group"]}} for n in NODES],
                   "edges": [{"source": "a", "target": "b", "attributes": {"weight": 2}}]},
    "JSON Graph 1": {"graph": {"directed": False, "nodes": [{"id": n["id"], "metadata": {"group": n["group"]}} for n in NODES],
                               "edges": [{"source": "a", "target": "b", "metadata": {"weight": 2}}]}},
    "JSON Graph 2": {"graphs": [{"nodes": {n["id"]: {"metadata": {"group": n["group"]}} for n in NODES},
                                 "edges": [{"source": "a", "target": "b", "metadata": {"weight": 2}}]}]},
    "Cytoscape": {"elements": {"nodes": [{"data": n} for n in NODES], "edges": [{"data": LINK}]}},
    "Cytoscape.js": [*({"data": n} for n in NODES), {"data": LINK}],
    "Cytoscape.js in groups": {"elements": [*({"group": "nodes", "data": n} for n in NODES), {"group": "edges", "data": LINK}]},
    "Cytoscape.js split": {"nodes": [{"data": n} for n in NODES], "edges": [{"data": LINK}]},
}  # fmt: skip


def assert_small(graph):
    assert graph.labels.tolist() == ["a", "b"]
    assert graph.attributes["group"].tolist() == [1, 2]
    assert graph.edge_weights().tolist() == [2]
    assert not graph.directed


@pytest.mark.parametrize("maker", MAKERS)
def test_makers(tmp_path, maker):
    (tmp_path / "g.json").write_text(json.dumps(MAKERS[maker]))
    assert_small(read_graph(tmp_path / "g.json"))


def test_lines(tmp_path):
    (tmp_path / "g.json").write_text("\n".join(json.dumps(item) for item in (*NODES, LINK)))
    assert_small(read_graph(tmp_path / "g.json"))


def test_graphson_is_directed(tmp_path):
    first = {"id": {"@type": "g:Int32", "@value": 1}, "label": "p", "properties": {"age": [{"value": 29}]},
             "outE": {"knows": [{"id": 7, "inV": {"@type": "g:Int32", "@value": 2}, "properties": {"weight": 0.5}}]}}  # fmt: skip
    second = {"id": {"@type": "g:Int32", "@value": 2}, "properties": {"age": [{"value": 27}]}}
    (tmp_path / "g.json").write_text(json.dumps(first) + "\n" + json.dumps(second))
    graph = read_graph(tmp_path / "g.json")
    assert graph.directed
    assert graph.labels.tolist() == [1, 2]
    assert graph.attributes["age"].tolist() == [29, 27]
    assert graph.edge_weights().tolist() == [0.5]


def test_mixed_edges_of_graphology(tmp_path):
    document = {
        "options": {"type": "mixed"},
        "nodes": [{"key": name} for name in "abc"],
        "edges": [{"source": "a", "target": "b", "undirected": True}, {"source": "b", "target": "c", "undirected": False}],
    }  # fmt: skip
    (tmp_path / "g.json").write_text(json.dumps(document))
    graph = read_graph(tmp_path / "g.json")
    assert graph.directed
    assert graph.edges().T.tolist() == [[0, 1], [1, 0], [1, 2]]


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_adjacency_data_of_networkx(tmp_path, kind):
    graph = kind()
    graph.add_nodes_from([("a", {"h": 1}), ("b", {"h": 5}), ("c", {"h": 2}), ("d", {"h": 0})])
    graph.add_weighted_edges_from([("a", "b", 0.5), ("c", "b", 2), ("c", "c", 1)])
    (tmp_path / "g.json").write_text(json.dumps(nx.adjacency_data(graph)))
    found = read_graph(tmp_path / "g.json")
    assert found.labels.tolist() == ["a", "b", "c", "d"]
    assert found.attributes["h"].tolist() == [1, 5, 2, 0]
    assert found.directed == graph.is_directed()
    assert found.edges().T.tolist() == ([[0, 1], [2, 1]] if found.directed else [[0, 1], [1, 2]])
    assert found.edge_weights().tolist() == [0.5, 2]
    assert found.dropped == (1, 0)


def test_adjacency_data_that_lists_other_nodes(tmp_path):
    (tmp_path / "g.json").write_text('{"nodes": [{"id": 1}, {"id": 2}], "adjacency": [[]]}')
    with pytest.raises(GraphFileError, match="list neighbors of 2 nodes"):
        read_graph(tmp_path / "g.json")


@pytest.mark.parametrize(("flags", "directed", "edges"), [
    ([{"undirected": True}, {}], True, [[0, 1], [0, 2], [1, 0]]), ([{}, {}], True, [[0, 1], [0, 2]]),
    ([{"undirected": True}] * 2, False, [[0, 1], [0, 2]]), ([{"undirected": False}, {}], True, [[0, 1], [0, 2]]),
])  # fmt: skip
def test_mixed_edges_of_graphology_are_arrows_unless_they_say_otherwise(
    tmp_path, flags, directed, edges
):
    nodes = [{"key": name} for name in "abc"]
    links = [{"source": "a", "target": v, **flag} for v, flag in zip("bc", flags, strict=True)]
    document = {"options": {"type": "mixed"}, "nodes": nodes, "edges": links}
    (tmp_path / "g.json").write_text(json.dumps(document))
    graph = read_graph(tmp_path / "g.json")
    assert graph.directed == directed
    assert graph.edges().T.tolist() == edges


def test_a_strength_that_is_no_length_is_said(tmp_path):
    document = {"nodes": NODES, "links": [{"source": "a", "target": "b", "value": 2}]}
    (tmp_path / "g.json").write_text(json.dumps(document))
    graph = read_graph(tmp_path / "g.json")
    assert graph.weights is None
    assert graph.source.remarks == (
        "edge data 'value' left out (--weight value takes it as a length)",
    )
    assert read_graph(tmp_path / "g.json", weight="value").edge_weights().tolist() == [2]
    assert read_graph(tmp_path / "g.json", weight=False).source.plain
