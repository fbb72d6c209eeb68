"""GraphML of other programs, and GraphML that is hostile or wrong."""

import gzip

import igraph
import networkx as nx
import numpy as np
import pytest

from graphmax import GraphFileError, read_graph, write_graph
from graphmax.machine import dataset_path

HEAD = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
DOCUMENT = HEAD + "{keys}<graph edgedefault='undirected'>{body}</graph></graphml>"


@pytest.fixture
def file(tmp_path):
    def write(content, name="graph.graphml"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def document(body, keys=""):
    return DOCUMENT.format(keys=keys, body=body)


def test_the_countries():
    graph = read_graph(dataset_path("countries/countries.graphml"))
    assert (graph.num_nodes, graph.num_edges) == (177, 314)
    assert graph.attributes["gdp"].dtype == np.int64
    assert graph.labels[0] == "Fiji"


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_files_of_networkx(tmp_path, kind):
    graph = kind()
    graph.add_node("lonely", height=2**62 + 1, name="x", tall=True, score=0.1)
    graph.add_node("a", height=5)
    graph.add_edge("a", "b", weight=0.5)
    graph.add_edge("b", "a", weight=2)
    nx.write_graphml(graph, tmp_path / "g.graphml")
    found = read_graph(tmp_path / "g.graphml")
    assert found.directed == graph.is_directed()
    assert found.labels.tolist() == list(graph)
    assert found.attributes["height"].tolist() == [2**62 + 1, 5, None]
    assert found.attributes["tall"].tolist() == [True, None, None]
    assert found.weights is not None


def test_files_of_igraph(tmp_path):
    graph = igraph.Graph([(0, 1), (1, 2)], n=4, directed=True)
    graph.vs["x"] = [1.5, 2.5, float("nan"), 0]
    graph.write_graphml(str(tmp_path / "g.graphml"))
    found = read_graph(tmp_path / "g.graphml")
    assert found.directed
    assert found.labels.tolist() == ["n0", "n1", "n2", "n3"]
    np.testing.assert_array_equal(found.attributes["x"][:2], [1.5, 2.5])


def test_defaults_of_keys(file):
    keys = (
        "<key id='h' for='node' attr.name='h' attr.type='int'><default>7</default></key>"
        "<key id='w' for='edge' attr.name='weight' attr.type='double'><default>1.5</default></key>"
    )
    body = "<node id='a'/><node id='b'><data key='h'>9</data></node><edge source='a' target='b'/>"
    graph = read_graph(file(document(body, keys)))
    assert graph.attributes["h"].tolist() == [7, 9]
    np.testing.assert_array_equal(graph.edge_weights(), [1.5])


def test_integers_as_ids_are_integers(file):
    assert read_graph(file(document("<node id='3'/><node id='-1'/>"))).labels.tolist() == [3, -1]
    assert read_graph(file(document("<node id='3'/><node id='03'/>"))).labels.tolist() == [
        "3",
        "03",
    ]


def test_compressed_and_in_another_encoding(file):
    text = "<?xml version='1.0' encoding='utf-16'?>" + document("<node id='é'/>")
    assert read_graph(file(text.encode("utf-16"))).labels.tolist() == ["é"]
    packed = gzip.compress(document("<node id='é'/>").encode())
    assert read_graph(file(packed, "g.graphml.gz")).labels.tolist() == ["é"]


LAUGHS = "<!DOCTYPE g [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (LAUGHS + document("<node id='&b;'/>"), 1, "must have no DTD entities, got &a"),
        ("\n<!DOCTYPE g SYSTEM 'file:///etc/passwd'>" + document("<node id='&b;'/>"), 2, "must have no DTD entities, got &b"),
        (document("<node id='&b;'/>"), 1, "must be well-formed XML, got undefined entity"),
        (document("<node id='a'/>\n<node id='a'/>"), 2, "must have every id once, got 'a' again"),
        (document("<node/>"), 1, "must give every node an id"),
        (document("<node id='a'/>\n<edge source='a'/>"), None, "between declared nodes, got no two ends in"),
        (document("<node id='a'/>\n<edge source='a' target='b'/>"), 2, r"without a node \(1: 'b'\)"),
        (document("<x>" * 200 + "</x>" * 200), 1, "must nest at most 100 elements"),
        (document("") + "x", 1, "must be well-formed XML, got junk after document element"),
        (HEAD, 1, "must be well-formed XML, got no element found"),
        (HEAD + "</graphml>", None, "must hold one graph, got 0"),
        (HEAD + "<graph edgedefault='directed'/>" * 2 + "</graphml>", None, "must hold one graph, got 2"),
        ("id,x\n1,2\n", 1, "must be well-formed XML, got syntax error"),
        ("<?xml version='1.0' encoding='klingon'?>" + document(""), None, "XML"),
    ],
)  # fmt: skip
def test_refusals(file, content, line, message):
    with pytest.raises(GraphFileError, match=message) as caught:
        read_graph(file(content))
    if line is not None:
        assert caught.value.line == line


WEIGHT = "<key id='w' for='edge' attr.name='weight' attr.type='{}'/>"
ENDS = "<node id='a'/><node id='b'/><node id='c'/>"


@pytest.mark.parametrize(
    ("kind", "weight", "message"),
    [
        ("double", "<data key='w'>nan</data>", "not NaN, got nan on 1 edge, first 'a' to 'b'"),
        ("string", "<data key='w'>heavy</data>", "got 'heavy' on 1 edge"),
        ("boolean", "<data key='w'>true</data>", "got 'true' on 1 edge"),
    ],
)  # fmt: skip
def test_weights(file, kind, weight, message):
    body = ENDS + f"<edge source='a' target='b'>{weight}</edge>"
    body += "<edge source='b' target='c'><data key='w'>1</data></edge>"
    path = file(document(body, WEIGHT.format(kind)))
    with pytest.raises(GraphFileError, match=message):
        read_graph(path, weight="weight")
    assert read_graph(path).weights is None
    assert read_graph(path, weight=False).source.remarks == ()
    with pytest.raises(GraphFileError, match="must have the edge attribute 'wait', got none; did"):
        read_graph(path, weight="wait")


@pytest.mark.parametrize(("kind", "weight"), [("double", "2"), ("string", " 2 "), ("int", "2.0")])
def test_weights_of_every_declaration(file, kind, weight):
    body = ENDS + f"<edge source='a' target='b'><data key='w'>{weight}</data></edge>"
    graph = read_graph(file(document(body, WEIGHT.format(kind))))
    assert graph.edge_weights().tolist() == [2.0]


def test_weights_with_gaps_are_left_out_and_said(file):
    body = ENDS + "<edge source='a' target='b'/>"
    body += "<edge source='b' target='c'><data key='w'>1</data></edge>"
    path = file(document(body, WEIGHT.format("double")))
    graph = read_graph(path)
    assert graph.weights is None
    assert "weights left out: 1 of 2 are missing" in str(graph.source)
    with pytest.raises(GraphFileError, match="got none on 1 edge"):
        read_graph(path, weight="weight")


def test_a_value_of_another_type_makes_its_column_text(file):
    key = "<key id='k' for='node' attr.name='k' attr.type='int'/>"
    body = "<node id='a'><data key='k'>x</data></node><node id='b'><data key='k'> 1 </data></node>"
    graph = read_graph(file(document(body, key)))
    assert graph.attributes["k"].tolist() == ["x", " 1 "]
    assert "attribute 'k' is text: it is declared int, but holds 'x'" in str(graph.source)


def test_a_doctype_without_entities_is_harmless(file):
    text = '<!DOCTYPE graphml SYSTEM "http://example.org/graphml.dtd">' + document("<node id='a'/>")
    assert read_graph(file(text)).num_nodes == 1


def test_nested_graphs_are_flattened_and_said(file):
    inner = "<graph edgedefault='directed'><node id='a::0'/><node id='a::1'/><edge source='a::0' target='a::1'/></graph>"
    graph = read_graph(file(document(f"<node id='a'>{inner}</node><hyperedge/>")))
    assert (graph.num_nodes, graph.num_edges, graph.directed) == (3, 1, False)
    assert "nested graphs are flattened" in str(graph.source)
    assert "1 hyperedges left out" in str(graph.source)


def test_labels_and_places_of_yed(file):
    keys = "<key for='node' id='d6' yfiles.type='nodegraphics'/>"
    drawn = "<y:ShapeNode xmlns:y='y'><y:Geometry x='1.5' y='2'/><y:NodeLabel>Ann</y:NodeLabel></y:ShapeNode>"
    graph = read_graph(file(document(f"<node id='n0'><data key='d6'>{drawn}</data></node>", keys)))
    assert {name: column.tolist() for name, column in graph.attributes.items()} == {
        "x": [1.5], "y": [2], "label": ["Ann"],
    }  # fmt: skip


def test_mixed_directions(file):
    body = ENDS + "<edge source='a' target='b' directed='true'/><edge source='b' target='c'/>"
    graph = read_graph(file(document(body)))
    assert graph.directed
    assert graph.edges().T.tolist() == [[0, 1], [1, 2], [2, 1]]


def test_text_that_xml_cannot_hold(tmp_path, file):
    graph = read_graph(file(document("<node id='a'/>")))
    for labels, attributes in ((["\0"], {}), (["a"], {"x\x01": [1]})):
        with pytest.raises(ValueError, match="`graph` must have text of XML characters"):
            write_graph(graph.replace(labels=labels, attributes=attributes), tmp_path / "h.graphml")
    assert not (tmp_path / "h.graphml").exists()
