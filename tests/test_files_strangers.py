"""Tables of many makers: names of columns, delimiters, matrices, directions, as they come."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from graphmax import GraphFileError, read_graph
from graphmax.cli import app

NAMES = """source,target SRC,DST From,To from_node,to_node FromNode,ToNode u,v U,V bus0,bus1 start,end
Origin,Destination head,tail node1,node2 protein1,protein2 interactor_a,interactor_b gene1,gene2
Gene_A,Gene_B sender,receiver pre,post pre_pt_root_id,post_pt_root_id parent,child from_bus,to_bus
SOURCE_ID,TARGET_ID from_id,to_id id1,id2 node_a,node_b nodeA,nodeB node_from,node_to citing,cited
startNode,endNode person1,person2 i,j x_id,y_id src_ip,dst_ip sourceIP,destIP ANode,BNode tf,target
A_NODE,B_NODE init_node,term_node TF,gene ligand,receptor predator,prey fnode,tnode FNODE_,TNODE_
from_stop_id,to_stop_id n1,n2 v1,v2 from.id,to.id source:id,target:id city1,city2 FID1,FID2"""
BLANKS = ["Node 1,Node 2", "Interactor A,Interactor B", "source airport,destination airport"]
BLANKS += ["Official Symbol Interactor A,Official Symbol Interactor B", "Protein A,Protein B"]
BLANKS += ["#ID(s) interactor A,ID(s) interactor B"]
SQUARE = "0,1,0,0,1\n1,0,1,0,0\n0,1,0,1,0\n0,0,1,0,1\n1,0,0,1,0\n"
ROWS = SQUARE.split()


@pytest.fixture
def read(tmp_path):
    def call(text, name="e.csv", **options):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_graph(tmp_path / name, **options)

    return call


@pytest.mark.parametrize("pair", [*NAMES.split(), *BLANKS])
def test_ends_are_found_by_name(read, pair):
    first, second = pair.split(",")
    graph = read(f"kind,{first},note,{second}\nk,a,p q,b\nk,b,r s,c\n")
    assert graph.labels.tolist() == ["a", "b", "c"]
    assert f"column 2 {first!r}" in str(graph.source)


@pytest.mark.parametrize(
    "text",
    ["n1,n2\nn3,n4\n", "u1,v1\nu2,v2\n", "gene-A,gene-B\ngene-C,gene-D\n", "x1,x2\ny1,y2\n",
     "player 1,player 2\nplayer7,player 9\n", "from_a,to_b\nto_b,from_c\n"],
)  # fmt: skip
def test_ids_that_look_like_names_of_ends_are_ids(read, text):
    assert read(text).num_edges == 2


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("New York, NY;Los Angeles, CA\nLos Angeles, CA;San Diego, CA\n",
         ["Los Angeles, CA", "New York, NY", "San Diego, CA"]),
        ("ann, bob\nbob, cy d\n", ["ann", "bob", "cy d"]),
        ("ann; bob\nbob; cy\n", ["ann", "bob", "cy"]),
        ("a,b,\nb,c,\n", ["a", "b", "c"]),
        ("sep=;\nsource;target\na;b\nb;c\n", ["a", "b", "c"]),
        ('"sep=,"\nsource,target\na,b\nb,c\n', ["a", "b", "c"]),
        (b"\xef\xbb\xbfSource,Target\r\na,b\r\nb,c\r\n", ["a", "b", "c"]),
        ("src,dst\ra,b\rb,c\r", ["a", "b", "c"]),
        ('"source","target"\n"Doe, J","b"\n"b","Roe, R"\n', ["Doe, J", "Roe, R", "b"]),
    ],
)  # fmt: skip
def test_delimiters(read, text, ids):
    assert read(text).labels.tolist() == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (SQUARE, None),
        (SQUARE.replace(",", ", "), None),
        ("# adjacency\n" + SQUARE.replace(",", " "), None),
        ("A,B,C,D,E\n" + SQUARE, list("ABCDE")),
        ("".join(f"{c};{row}\n".replace(",", ";") for c, row in zip("ABCDE", ROWS, strict=True)),
         list("ABCDE")),
        (",0,1,2,3,4\n" + "".join(f"{i},{row}\n" for i, row in enumerate(ROWS)), [0, 1, 2, 3, 4]),
        (",10,20,30\n10,0,1,0\n20,1,0,1\n30,0,1,0\n", [10, 20, 30]),
        (",A,B,C\nA,NA,1,NA\nB,1,NA,1\nC,NA,1,NA\n", list("ABC")),
        ('"","A","B","C"\n"A",0,1,0\n"B",1,0,1\n"C",0,1,0\n', list("ABC")),
        ("A B C\nA 0 1 0\nB 1 0 1\nC 0 1 0\n", list("ABC")),
    ],
)  # fmt: skip
def test_matrices(read, text, ids):
    graph = read(text)
    assert not graph.directed
    assert graph.weights is None
    assert graph.num_edges == (5 if graph.num_nodes == 5 else 2)
    assert (graph.labels is None) if ids is None else graph.labels.tolist() == ids


@pytest.mark.parametrize(
    "text",
    ["0,1,2\n3,0,4\n5,6,0\n", "0 1 1 0\n1 0 0 1\n1 0 0 1\n0 1 1 0\n",
     "A,B,C\n0,1,0\n1,0,1\n0,1,0\n", "A,0,1,0\nB,1,0,1\nC,0,1,0\n"],
)  # fmt: skip
def test_small_squares_are_refused_and_both_ways_out_work(read, text):
    with pytest.raises(GraphFileError, match=r"--format matrix, --format edges"):
        read(text)
    assert read(text, format="matrix").num_nodes in (3, 4)
    assert read(text, format="edges").num_edges > 0


@pytest.mark.parametrize(
    "text",
    [":start_id,:end_id,:type\n1,2,X\n2,3,X\n", "% asym positive\n1\t2\t3\n2\t3\t1\n",
     "name,:START_ID(Person),:END_ID(Movie)\nx,1,2\ny,2,3\n", "Source;Target;TYPE\n1;2;DIRECTED\n2;3;Directed\n",
     "# Directed graph: x.txt\n# FromNodeId\tToNodeId\n1\t2\n2\t3\n"],
)  # fmt: skip
def test_directed(read, text):
    graph = read(text)
    assert graph.directed
    assert graph.edges().T.tolist() == [[0, 1], [1, 2]]


def test_a_first_row_that_stands_apart_is_said(read):
    said = "the first row is an edge (--header if it names the columns)"
    text = "Employee,Manager\nann,bob\nbob,cy\n"
    assert said in str(read(text).source)
    assert read(text).num_nodes == 5
    assert read(text, header=True).num_nodes == 3
    assert said not in str(read(text, header=False).source)
    for plain in ("a,b\nb,c\n", "a,b\nc,d\n"):
        assert said not in str(read(plain).source)


def test_a_word_for_a_missing_weight_is_named_with_its_way_out(read):
    text = "source,target,weight\na,b,NA\nb,c,3\n"
    with pytest.raises(GraphFileError, match=r"line 2; pass missing \(--missing NA\)"):
        read(text)
    assert "1 of 2 are missing" in str(read(text, missing="NA").source)


def test_the_key_of_a_node_table_is_named_where_no_id_fits(read, tmp_path):
    (tmp_path / "nodes.csv").write_text("h,person\n1,a\n2,b\n3,c\n")
    with pytest.raises(GraphFileError, match=r"--add-nodes\), id \(--key\)"):
        read("source,target\na,b\nb,c\n", "edges.csv")
    found = read("source,target\na,b\nb,c\n", "edges.csv", id="person")
    assert found.attributes["h"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("arrows", "directed", "ends"),
    [
        ("to", True, [0, 1]),
        ("from", True, [1, 0]),
        ("to, from", False, [0, 1]),
        ("middle", True, [0, 1]),
        ({"to": {"enabled": True}}, True, [0, 1]),
        ({"from": True, "to": {"enabled": False}}, True, [1, 0]),
        ({"to": True, "from": {"type": "arrow"}}, False, [0, 1]),
        ("", False, [0, 1]),
        (None, False, [0, 1]),
    ],
)
def test_arrows_of_vis_js(read, arrows, directed, ends):
    edge = {"from": 1, "to": 2, "arrows": arrows}
    graph = read(json.dumps({"nodes": [{"id": 1}, {"id": 2}], "edges": [edge]}), "g.json")
    assert graph.directed == directed
    assert graph.edges().T.tolist() == [ends]


def test_formats_of_json_that_do_not_say_whether_they_are_directed(read):
    nodes = {"a": {}, "b": {}}
    graph = read(
        json.dumps({"graph": {"nodes": nodes, "edges": [{"source": "b", "target": "a"}]}}), "g.json"
    )
    assert not graph.directed
    assert "undirected, the file does not say whether edges are arrows" in str(graph.source)
    old = {"vertices": [{"_id": 1}, {"_id": 2}], "edges": [{"_id": 3, "_outV": 2, "_inV": 1}]}
    assert read(json.dumps({"graph": {"mode": "NORMAL", **old}}), "g.json").directed
    rows = [
        {"type": "node", "id": "1", "labels": ["P"], "properties": {"h": 4}},
        {"type": "node", "id": "2", "labels": ["P"], "properties": {"h": 5}},
        {"type": "relationship", "id": "0", "label": "K", "start": {"id": "2"}, "end": {"id": "1"}},
    ]
    graph = read("\n".join(map(json.dumps, rows)), "g.json")
    assert graph.directed
    assert graph.edges().tolist() == [[1], [0]]
    assert graph.attributes["h"].tolist() == [4, 5]


def test_a_value_of_an_undeclared_attribute_never_refuses_gexf(read):
    text = """<gexf><graph><attributes class="node"><attribute id="0" title="h" type="int"/></attributes>
    <nodes><node id="a"><attvalues><attvalue for="0" value="3"/><attvalue for="zz" value="x"/></attvalues>
    </node></nodes></graph></gexf>"""
    graph = read(text, "g.gexf")
    assert graph.attributes["h"].tolist() == [3]
    assert "1 values of undeclared attributes left out (1: 'zz')" in str(graph.source)


@pytest.mark.parametrize(
    "banner", ["%%MATRIXMARKET MATRIX", "%MatrixMarket matrix", "%%matrixmarket matrix"]
)
@pytest.mark.parametrize("name", ["g.mtx", "g.unknown", "g.edges"])
def test_banners_of_matrix_market(read, banner, name):
    assert read(f"{banner} coordinate real general\n2 2 1\n1 2 1.5\n", name).edge_weights() == [1.5]


def test_nan_for_nothing_in_a_grid(read):
    text = "ncols 2\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value nan\n1.5 nan\n"
    assert np.ma.getmaskarray(read(text, "g.asc").attributes["value"]).tolist() == [False, True]


def test_first_bytes_of_json_and_of_surfaces(read):
    assert read('{"nodes": [{"id": 1}], "links": []}', "g.data").num_nodes == 1
    with pytest.raises(GraphFileError, match="points and triangles"):
        read('<?xml version="1.0"?><GIFTI></GIFTI>', "g.data")


def test_the_line_is_short_and_json_has_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"{'long ' * 30}{i}" for i in range(60)]
    (tmp_path / "e.csv").write_text(
        f"id,u,v,{','.join(names)}\n0,a,b{',1' * 60}\n1,b,c{',1' * 60}\n"
    )
    result = CliRunner().invoke(app, ["info", "e.csv"])
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("e.csv")]
    assert len(line) < 300
    assert "and 58 more" in line
    document = json.loads(CliRunner().invoke(app, ["info", "e.csv", "--json"]).stdout)
    assert len(document["reading"]["left_out"]) == 61


def test_names_beside_ids_where_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nodes = [{"id": "n0", "who": "Ann", "h": 1}, {"id": "n1", "who": "Bob", "h": 2}]
    edges = [{"source": "n0", "target": "n1"}]
    (tmp_path / "g.json").write_text(json.dumps({"nodes": nodes, "links": edges}))
    words = ["label", "g.json", "--values", "h"]
    found = CliRunner().invoke(app, [*words, "--label", "who"])
    assert found.stdout == "id,label,is_maximum\nn0,Ann,false\nn1,Bob,true\n"
    assert CliRunner().invoke(app, words).stdout == "id,is_maximum\nn0,false\nn1,true\n"
    wrong = CliRunner().invoke(app, [*words, "--label", "whom"])
    assert wrong.exit_code == 2


@pytest.mark.parametrize(
    ("option", "limit", "name"),
    [
        ("--max-bytes", "3", "g.json"),
        ("--max-depth", "1", "g.json"),
        ("--max-ratio", "0.01", "g.json.gz"),
    ],
)
def test_limits_that_errors_name_are_options(tmp_path, monkeypatch, option, limit, name):
    import gzip

    monkeypatch.chdir(tmp_path)
    text = json.dumps({"nodes": [{"id": i} for i in range(2000)], "links": []}).encode()
    monkeypatch.setattr("graphmax.files.opening._HARMLESS", 1)
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert (
        CliRunner()
        .invoke(app, ["info", name, *(["--max-ratio", "1e6"] if name.endswith("gz") else [])])
        .exit_code
        == 0
    )
    refused = CliRunner().invoke(app, ["info", name, option, limit])
    assert refused.exit_code == 2
    assert option in refused.stderr.partition("pass ")[2]
