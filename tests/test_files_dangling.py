"""An edge to a node that is not declared refuses no file: it is left out and counted, or added.

The file of each format says: a, b, c are nodes; a-b, b-c, and an edge from c to x, which is none.
"""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from graphmax import GraphFileError, read_graph
from graphmax.cli import app

NODES = ["a", "b", "c"]
EDGES = [("a", "b"), ("b", "c"), ("c", "x")]


def graphml(edges, attributes="", inside=""):
    nodes = "".join(f'<node id="{n}"/>' for n in NODES)
    lines = "".join(
        f'\n<edge source="{u}" target="{v}"{attributes}>{inside}</edge>' for u, v in edges
    )
    return f'<graphml><graph edgedefault="undirected">{nodes}{lines}</graph></graphml>'  # fmt: skip


def gexf(edges):
    nodes = "".join(f'<node id="{n}"/>' for n in NODES)
    lines = "".join(f'\n<edge source="{u}" target="{v}"/>' for u, v in edges)
    return f"<gexf><graph><nodes>{nodes}</nodes><edges>{lines}</edges></graph></gexf>"


def gml(edges):
    nodes = "".join(f' node [ id {i} label "{n}" ]' for i, n in enumerate(NODES, 1))
    lines = "".join(f" edge [ source {number(u)} target {number(v)} ]" for u, v in edges)
    return f"graph [{nodes}{lines} ]"


def number(name):
    return "abcx".index(name) + 1


def pajek(edges):
    nodes = "".join(f'{i} "{n}"\n' for i, n in enumerate(NODES, 1))
    return f"*Vertices 3\n{nodes}*Edges\n" + "".join(f"{number(u)} {number(v)}\n" for u, v in edges)


def pajek_list(edges):
    nodes = "".join(f'{i} "{n}"\n' for i, n in enumerate(NODES, 1))
    lines = "".join(f"{number(u)} {number(v)}\n" for u, v in edges)
    return f"*Vertices 3\n{nodes}*Edgeslist\n{lines}"


def node_link(edges):
    return json.dumps(
        {"nodes": [{"id": n} for n in NODES], "links": [{"source": u, "target": v} for u, v in edges]}
    )  # fmt: skip


def by_place(edges):
    return json.dumps(
        {
            "nodes": [{"name": n, "group": 1} for n in NODES],
            "links": [{"source": number(u) - 1, "target": number(v) - 1} for u, v in edges],
        }
    )


def cytoscape(edges):
    return json.dumps(
        {
            "elements": {
                "nodes": [{"data": {"id": n}} for n in NODES],
                "edges": [{"data": {"source": u, "target": v}} for u, v in edges],
            }
        }
    )


def cytoscape_list(edges):
    both = [{"data": {"id": n}} for n in NODES]
    return json.dumps({"elements": both + [{"data": {"source": u, "target": v}} for u, v in edges]})


def graphology(edges):
    return json.dumps(
        {
            "options": {"type": "undirected"},
            "nodes": [{"key": n} for n in NODES],
            "edges": [{"source": u, "target": v} for u, v in edges],
        }
    )


def vis(edges):
    return json.dumps(
        {"nodes": [{"id": n} for n in NODES], "edges": [{"from": u, "to": v} for u, v in edges]}
    )


def json_graph(edges):
    return json.dumps(
        {
            "graph": {
                "directed": False,
                "nodes": {n: {} for n in NODES},
                "edges": [{"source": u, "target": v} for u, v in edges],
            }
        }
    )


def json_lines(edges):
    both = [{"id": n} for n in NODES] + [{"source": u, "target": v} for u, v in edges]
    return "\n".join(map(json.dumps, both))


def graphson(edges):
    lines = [
        {"id": n, "outE": {"knows": [{"inV": v} for u, v in edges if u == n]}} for n in [*NODES]
    ]
    return "\n".join(map(json.dumps, lines))


FORMATS = {
    "g.graphml": graphml, "g.gexf": gexf, "g.gml": gml, "g.net": pajek, "list.net": pajek_list,
    "g.json": node_link, "d3.json": by_place, "g.cyjs": cytoscape, "list.cyjs": cytoscape_list,
    "graphology.json": graphology, "vis.json": vis, "jgf.json": json_graph, "lines.json": json_lines,
    "graphson.json": graphson,
}  # fmt: skip
EDGE_LEFT_OUT = "1 edge left out: it names ids without a node (1: "
# What an added node is called where edges do not name it x.
ADDED = {"g.gml": "4", "g.net": "4", "list.net": "4", "d3.json": 3}


@pytest.fixture
def file(tmp_path):
    def make(name, edges=EDGES):
        (tmp_path / name).write_text(FORMATS[name](edges))
        return tmp_path / name

    return make


def labelled_edges(graph):
    names = graph.label_of(np.arange(graph.num_nodes)).tolist()
    return {(names[u], names[v]) for u, v in graph.edges().T.tolist()}


@pytest.mark.parametrize("name", FORMATS)
def test_the_edge_is_left_out_with_a_word(file, name):
    graph = read_graph(file(name))
    assert (graph.num_nodes, graph.num_edges) == (3, 2)
    (remark,) = [r for r in graph.source.remarks if "left out" in r]
    assert remark.startswith(EDGE_LEFT_OUT)
    assert remark.endswith("(--add-nodes adds them)")


@pytest.mark.parametrize("name", FORMATS)
def test_the_node_is_added_on_demand(file, name):
    graph = read_graph(file(name), add_nodes=True)
    assert (graph.num_nodes, graph.num_edges) == (4, 3)
    assert "1 node added that only edges name" in graph.source.remarks
    added = ADDED.get(name, "x")
    assert graph.label_of(3) == added
    assert added in {end for pair in labelled_edges(graph) for end in pair}


@pytest.mark.parametrize("name", FORMATS)
def test_where_most_edges_are_such_the_ids_are_others(file, name):
    path = file(name, [("a", "x"), ("x", "b"), ("a", "b")])
    if name == "graphson.json":  # a vertex that is none has no edges to tell
        path.write_text('{"id": "a", "outE": {"k": [{"inV": "x"}]}}\n{"id": "b"}\n')
    with pytest.raises(
        GraphFileError, match=r"declared nodes, got ids without a node.*--add-nodes"
    ):
        read_graph(path)


def test_the_line_of_an_end_is_named(file):
    for name in ("g.graphml", "g.gexf", "g.net"):
        path = file(name, [("a", "b"), ("x", "b"), ("x", "c"), ("x", "a")])
        with pytest.raises(GraphFileError) as caught:
            read_graph(path)
        assert caught.value.line == (7 if name == "g.net" else 3)


def test_gal_names_a_neighbor_that_it_does_not_list(tmp_path):
    path = tmp_path / "g.gal"
    path.write_text("3\na 1\nb\nb 2\na c\nc 2\nb x\n")
    graph = read_graph(path)
    assert labelled_edges(graph) == {("a", "b"), ("b", "c")}
    assert graph.source.remarks[0].startswith(EDGE_LEFT_OUT)
    assert read_graph(path, add_nodes=True).num_nodes == 4


@pytest.mark.parametrize("text", [
    "<graphml><graph><node id='a'/><node id='b'/><edge source='a' target='b'/><edge source='a'/></graph></graphml>",
    "<gexf><graph><nodes><node id='a'/><node id='b'/></nodes><edges><edge source='a' target='b'/><edge/></edges></graph></gexf>",
    'graph [ node [ id 1 ] node [ id 2 ] edge [ source 1 target 2 ] edge [ source 1 ] ]',
    '{"nodes": [{"id": 1}, {"id": 2}], "links": [{"source": 1, "target": 2}, {"source": 1}]}',
    '{"nodes": [{"id": 1}, {"id": 2}], "links": [{"source": 1, "target": 2}, {"source": 1, "target": [2]}]}',
])  # fmt: skip
@pytest.mark.parametrize("add_nodes", [False, True])
def test_an_edge_that_names_one_end_is_left_out_too(tmp_path, text, add_nodes):
    ending = {"<gr": "graphml", "<ge": "gexf", "gra": "gml"}.get(text[:3], "json")
    (tmp_path / f"g.{ending}").write_text(text)
    graph = read_graph(tmp_path / f"g.{ending}", add_nodes=add_nodes)
    assert (graph.num_nodes, graph.num_edges) == (2, 1)
    assert any(remark.startswith("1 edge left out") for remark in graph.source.remarks)


def test_an_added_node_may_not_be_another_one_in_writing(tmp_path):
    path = tmp_path / "g.json"
    links = [{"source": "1", "target": "b"}, {"source": 1, "target": "b"}]
    path.write_text(json.dumps({"nodes": [{"id": "1"}, {"id": "b"}], "links": links}))
    assert read_graph(path).num_edges == 1
    with pytest.raises(GraphFileError, match="tell ids apart, got both '1' and 1"):
        read_graph(path, add_nodes=True)


def test_data_without_a_declared_key_is_counted(tmp_path):
    path = tmp_path / "g.graphml"
    path.write_text(graphml(EDGES[:2], inside="<data key='q'>1</data>"))
    graph = read_graph(path)
    assert graph.num_edges == 2
    assert "2 values of undeclared keys left out (1: 'q')" in graph.source.remarks


WEIGHTED = {
    "g.graphml": "<graphml><key id='w' for='edge' attr.name='weight' attr.type='double'/><graph><node id='a'/><node id='b'/>"
    "<node id='c'/><edge source='a' target='b'><data key='w'>2</data></edge>"
    "<edge source='b' target='c'><data key='w'>{}</data></edge></graph></graphml>",
    "g.gexf": "<gexf><graph><nodes><node id='a'/><node id='b'/><node id='c'/></nodes><edges>"
    "<edge source='a' target='b' weight='2'/><edge source='b' target='c' weight='{}'/></edges></graph></gexf>",
    "g.gml": 'graph [ node [ id 1 ] node [ id 2 ] node [ id 3 ] edge [ source 1 target 2 weight 2 ] '
    'edge [ source 2 target 3 weight "{}" ] ]',
    "g.json": '{{"nodes": [{{"id": 1}}, {{"id": 2}}, {{"id": 3}}], "links": [{{"source": 1, "target": 2, "weight": 2}}, '
    '{{"source": 2, "target": 3, "weight": "{}"}}]}}',
    "g.dot": 'graph {{ a -- b [weight=2]; b -- c [weight="{}"] }}',
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("word", ["heavy", "nan"])
def test_a_weight_that_is_no_number_leaves_the_weights_out(tmp_path, name, word):
    path = tmp_path / name
    path.write_text(WEIGHTED[name].format(word))
    graph = read_graph(path)
    assert graph.num_edges == 2
    assert graph.weights is None
    assert any("'weight' of edges left out" in remark for remark in graph.source.remarks)
    with pytest.raises(
        GraphFileError, match=f"numbers, not NaN, got '?{word}'? on 1 edge.*no-weight"
    ):
        read_graph(path, weight="weight")


def test_the_command_says_so(file):
    run = CliRunner().invoke(app, ["info", str(file("g.gexf"))])
    assert run.exit_code == 0
    assert EDGE_LEFT_OUT in run.stderr
    more = CliRunner().invoke(app, ["info", str(file("g.gexf")), "--add-nodes", "--json"])
    assert json.loads(more.stdout)["nodes"] == 4
