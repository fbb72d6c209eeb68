"""How text tables are guessed: comments, delimiters, headers, ends, directions, weights."""

import numpy as np
import pytest

from graphmax import GraphFileError, read_graph


@pytest.fixture
def read(tmp_path):
    def ask(text, name="g.csv", **options):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_graph(path, **options)

    return ask


def ends(graph):
    names = graph.label_of(np.arange(graph.num_nodes)).tolist()
    return [(names[u], names[v]) for u, v in graph.edges().T.tolist()]


AB = [("a", "b"), ("b", "c")]
ONE = [(1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        # delimiters
        ("1, 2\n2, 3\n", "g.txt", ONE),
        ("1 ,2\n2 ,3\n", "g.edges", ONE),
        ("1;2\n2;3\n", "g.txt", ONE),
        ("1 | 2\n2 | 3\n", "g.txt", ONE),
        ("1\t2\n2\t3\n", "g.csv", ONE),
        ("a b,b\nb,c d\n", "g.txt", [("a b", "b"), ("b", "c d")]),
        ("a b\tb\nb\tc, d\n", "g.txt", [("a b", "b"), ("b", "c, d")]),
        ("a, b\tb\nb\tc, d\n", "g.tsv", [("a, b", "b"), ("b", "c, d")]),
        ("1;2;0,5\n2;3;0,7\n", "g.csv", ONE),
        ("1,2,x;y\n2,3,z;w\n", "g.csv", ONE),
        ("  1   2\n  2   3\n", "g.txt", ONE),
        ("1 2 {}\n2 3 {'weight': 3, 'x': 'a, b'}\n", "g.edgelist", ONE),
        # comments and headers behind marks
        ("// made by hand\n1 2\n2 3\n", "g.txt", ONE),
        ("# Nodes: 3\n# FromNodeId\tToNodeId\n1\t2\n2\t3\n", "g.txt", ONE),
        ("# node_1 node_2\n1 2\n2 3\n", "g.txt", ONE),
        ("#source,target\na,b\nb,c\n", "g.csv", AB),
        ("% 3 nodes\n1 2 % x\n2 3 % y\n", "g.txt", ONE),
        ("a,b\n# in between\nb,c\n", "g.csv", AB),
        ("#a,b\nb,#c\n", "g.csv", [("#a", "b"), ("#c", "b")]),
        ("src,dst\n#a,b\n#b,#c\n", "g.csv", [("#a", "b"), ("#b", "#c")]),
        ("#a,#b\n#b,#c\n", "g.csv", [("#a", "#b"), ("#b", "#c")]),
        # headers
        ("Source,Target\na,b\nb,c\n", "g.csv", AB),
        ("From Node,To Node\na,b\nb,c\n", "g.csv", AB),
        ("source_id,target_id\n1,2\n2,3\n", "g.csv", ONE),
        ("Person A,Person B\na,b\nb,c\n", "g.csv", AB),
        ("gene1,gene2,score\na,b,1\nb,c,2\n", "g.csv", AB),
        ("node1,node2\nnode2,node3\n", "g.csv", [("node1", "node2"), ("node2", "node3")]),
        ("u,v\na,b\nb,c\n", "g.csv", AB),
        ("u,v\nv,w\n", "g.csv", [("u", "v"), ("v", "w")]),
        ("a,b\nb,c\n", "g.csv", AB),
        # ends elsewhere
        ("weight,target,source\n5,a,b\n6,b,c\n", "g.csv", AB),
        ("id,from,to\n7,a,b\n8,b,c\n", "g.csv", AB),
        ("Unnamed: 0,x,y\n0,a,b\n1,b,c\n", "g.csv", AB),
        (",protein1,protein2\n0,a,b\n1,b,c\n", "g.csv", AB),
        ("interactor_a,interactor_b,kind\na,b,x\nb,c,x\n", "g.csv", AB),
        ("e1,a,b\ne2,b,c\ne3,c,a\n", "g.csv", [("a", "b"), ("a", "c"), ("b", "c")]),
        ("a\tlikes\tb\nb\tlikes\tc\n", "g.tsv", AB),
        ("time,a,b\n1,x,y\n1,y,z\n", "g.csv", [("x", "y"), ("y", "z")]),
        (":START_ID(User),since,:END_ID(User),:TYPE\na,1,b,K\nb,2,c,K\n", "g.csv", AB),
        ("u1,7,5\nu2,7,3\nu1,9,4\n", "g.csv", [("7", "u1"), ("7", "u2"), ("9", "u1")]),
        ("1 2 3\n1 3 1\n2 3 2\n", "g.edges", [(1, 2), (1, 3), (2, 3)]),
        ("1 2 3\n1 3 1\n2 4 2\n3 4 1\n", "g.edges", [(1, 2), (1, 3), (2, 4), (3, 4)]),
        # ids
        ("1.0,2.0\n2.0,3.0\n", "g.csv", ONE),
        ("1,2.0\n2,3.0\n", "g.csv", ONE),
        ("007,1\n1,2\n", "g.csv", [("007", "1"), ("1", "2")]),
    ],
)
def test_edges(read, text, name, expected):
    found = {frozenset(pair) for pair in ends(read(text, name))}
    assert found == {frozenset(pair) for pair in expected}


@pytest.mark.parametrize(
    ("text", "directed", "edges"),
    [
        ("Source,Target,Type\n1,2,DIRECTED\n2,3,directed\n", True, ONE),
        ("Source,Target,Type\n1,2,Undirected\n2,3,mutual\n", False, ONE),
        ("Source,Target,Type\n1,2,Directed\n2,3,Undirected\n", True, [*ONE, (3, 2)]),
        ("Source,Target,Type\n1,2,friend\n2,3,directed\n", False, ONE),
        ("% asym unweighted\n1 2\n2 3\n", True, ONE),
        ("% sym unweighted\n1 2\n2 3\n", False, ONE),
        ("# Directed graph\n1 2\n2 3\n", True, ONE),
        (":START_ID,:END_ID\n1,2\n2,3\n", True, ONE),
    ],
)
def test_directions(read, text, directed, edges):
    graph = read(text)
    assert graph.directed == directed
    assert ends(graph) == edges
    assert not read(text, directed=False).directed
    assert read(text, directed=True).num_edges == 2


def test_nodes_that_a_banner_counts(read):
    assert read("% sym unweighted\n% 2 5 5\n1 2\n2 3\n").num_nodes == 5
    assert read("% bip unweighted\n% 2 2 3\n1 2\n2 3\n").num_nodes == 5
    with pytest.raises(GraphFileError, match="at most .* nodes"):
        read("% sym unweighted\n% 2 9999999999 9999999999\n1 2\n")


@pytest.mark.parametrize(
    ("name", "taken"),
    [("weight", True), ("Length", True), ("distance", True), ("cost", True), ("value", False), ("sim", False)],
)  # fmt: skip
def test_lengths_are_weights_and_strengths_are_not(read, name, taken):
    text = f"source,target,{name}\na,b,2\nb,c,3\n"
    graph = read(text)
    assert (graph.weights is not None) == taken
    assert name in str(graph.source)
    assert read(text, weight=name).edge_weights().tolist() == [2, 3]
    assert read(text, weight=False).weights is None


def test_weights_with_gaps(read):
    text = "src,dst,weight\na,b,2\nb,c,\n"
    graph = read(text)
    assert graph.weights is None
    assert "weights left out: 1 of 2 are missing" in str(graph.source)
    with pytest.raises(GraphFileError, match="got no weight"):
        read(text, weight="weight")
    assert read(text.replace(",\n", ",NA\n"), missing="NA").weights is None
    with pytest.raises(GraphFileError, match="got weight 'NA'"):
        read(text.replace(",\n", ",NA\n"))


def test_contacts_are_asked_for(read):
    text = "20 1 2\n20 2 3\n40 1 3\n"
    with pytest.raises(GraphFileError, match=r"a time and two ids .*--src 1 --dst 2"):
        read(text, "g.txt")
    assert ends(read(text, "g.txt", src=1, dst=2)) == [(1, 2), (1, 3), (2, 3)]


def test_what_is_said(read):
    graph = read("id,u,v,sim\n0,a,b,1\n1,b,c,2\n")
    assert str(graph.source) == (
        "g.csv: source = column 2 'u', target = column 3 'v', left out = column 1 'id' and "
        "column 4 'sim', header, comma, undirected"
    )
    assert graph.source.to_dict()["left_out"] == ["column 1 'id'", "column 4 'sim'"]
    assert not graph.source.plain
    for plain in ("src,dst\na,b\n", "1 2\n2 3\n", "source,target,weight\n1,2,3\n"):
        assert read(plain).source.plain
    assert graph.replace(labels=["x", "y", "z"]).source is graph.source


def test_encodings(read, tmp_path):
    (tmp_path / "g.csv").write_bytes("Zürich,Köln\n".encode("cp1252"))
    with pytest.raises(GraphFileError, match="pass encoding"):
        read_graph(tmp_path / "g.csv")
    assert read_graph(tmp_path / "g.csv", encoding="cp1252").labels.tolist() == ["Köln", "Zürich"]
    (tmp_path / "g.csv").write_bytes("a,é\n".encode("utf-16"))
    assert read_graph(tmp_path / "g.csv", encoding="utf-16").labels.tolist() == ["a", "é"]
    with pytest.raises(GraphFileError, match="must be text in utf-32"):
        read_graph(tmp_path / "g.csv", encoding="utf-32")
    with pytest.raises(ValueError, match="`encoding` must be one that Python knows"):
        read("a,b\n", encoding="klingon")


class TestNodeTables:
    def test_sisters(self, read, tmp_path):
        (tmp_path / "nodes.csv").write_text("Id,Label,2019\na,Ann,1\nb,Bob,2\nd,Dan,3\n")
        graph = read("Source,Target\na,b\n", "edges.csv")
        assert graph.labels.tolist() == ["a", "b", "d"]
        assert graph.attributes["2019"].tolist() == [1, 2, 3]
        assert "node table nodes.csv" in str(graph.source)
        assert read("Source,Target\na,b\n", "edges.csv", nodes=False).num_nodes == 2

    def test_lacking_nodes(self, read, tmp_path):
        (tmp_path / "n.csv").write_text("id,h\na,1\nb,2\n")
        with pytest.raises(GraphFileError, match=r"ids that it lacks \(1: 'c'\) .*--add-nodes"):
            read("a,b\nb,c\n", nodes=tmp_path / "n.csv")
        graph = read("a,b\nb,c\n", nodes=tmp_path / "n.csv", add_nodes=True)
        assert graph.labels.tolist() == ["a", "b", "c"]
        assert graph.attributes["h"].tolist() == [1, 2, None]

    def test_keys(self, read, tmp_path):
        (tmp_path / "n.csv").write_text("name,personId:ID(P)\nAnn,a\nBob,b\n")
        assert read("a,b\n", nodes=tmp_path / "n.csv").attributes["name"].tolist() == ["Ann", "Bob"]
        (tmp_path / "n.csv").write_text("id,h\n1.0,3\n2.0,4\n")
        assert read("1,2\n", nodes=tmp_path / "n.csv").labels.tolist() == [1, 2]


def test_options(read):
    for options, error, message in (
        ({"directed": "no"}, TypeError, "`directed` must be True or False, got 'no'"),
        ({"max_seconds": "5"}, TypeError, "`max_seconds` must be a number"),
        ({"max_seconds": -1}, ValueError, "`max_seconds` must be above 0"),
        ({"max_seconds": float("nan")}, ValueError, "`max_seconds` must be above 0"),
        ({"src": True}, TypeError, "a column must be a name or a place"),
    ):
        with pytest.raises(error, match=message):
            read("a,b\n", **options)


class TestDecimalCommas:
    @pytest.mark.parametrize("delimiter", [";", "\t", "|"])
    def test_weights_and_attributes(self, read, tmp_path, delimiter):
        rows = ["Source;Target;Weight", "1;2;0,5", "2;3;1,25", "3;1;7"]
        nodes = ["id;h;n", "1;-0,5;1", "2;1,5e2;2", "3;;3"]
        (tmp_path / "g.nodes.csv").write_text("\n".join(nodes).replace(";", delimiter))
        graph = read("\n".join(rows).replace(";", delimiter))
        assert graph.edge_weights().tolist() == [0.5, 7, 1.25]
        assert graph.attributes["h"].tolist() == [-0.5, 150, None]
        assert graph.attributes["n"].tolist() == [1, 2, 3]
        assert set(graph.source.remarks) == {
            "decimal commas in the weights",
            "decimal commas in attribute 'h'",
        }

    @pytest.mark.parametrize(
        "cells", [("1,500", "2,750"), ("1,5", "2.5"), ("1,5", "1.000,5"), ("1,5", "x"), ("1,5,2", "3")]
    )  # fmt: skip
    def test_what_may_be_thousands_or_something_else_stays(self, read, tmp_path, cells):
        (tmp_path / "n.csv").write_text("id;h\n1;{}\n2;{}\n".format(*cells))
        text = "source;target;weight\n1;2;{}\n2;1;{}\n".format(*cells)
        with pytest.raises(GraphFileError, match="numbers with a decimal point, or|no-weight"):
            read(text, nodes=False)
        graph = read(text, nodes=tmp_path / "n.csv", weight=False)
        assert graph.attributes["h"].tolist() == list(cells)

    def test_sure_ones_make_all_sure(self, read):
        text = "source;target;weight\n1;2;0,125\n2;3;1,500\n"
        assert read(text).edge_weights().tolist() == [0.125, 1.5]

    def test_between_blanks_the_comma_splits_nothing(self, read):
        graph = read("1 2 0,5\n2 3 1,25\n", "g.txt", weight=2)
        assert ends(graph) == ONE
        assert graph.edge_weights().tolist() == [0.5, 1.25]
        assert ends(read("1 2,5\n2 3,7\n", "h.txt", delimiter=",")) == [("1 2", "5"), ("2 3", "7")]


class TestEndingsThatSayNothing:
    @pytest.mark.parametrize("name", ["g.dat", "g.data", "g", "g.el", "g.links", "g.dat.gz"])
    @pytest.mark.parametrize("text", [
        "1 2\n2 3\n", "1,2\n2,3\n", "# c\n1\t2\t0.5\n2\t3\t1\n", "u v w\n1 2 7\n2 3 8\n", "1 2 5 6\n\n2 3 7 8\n",
    ])  # fmt: skip
    def test_edge_lists_of_integers_are_read_with_a_word(self, read, tmp_path, name, text):
        if name.endswith("gz"):
            import gzip

            (tmp_path / name).write_bytes(gzip.compress(text.encode()))
            graph = read_graph(tmp_path / name)
        else:
            graph = read(text, name)
        assert ends(graph) == ONE
        assert "read as an edge list, as its first lines look (--format)" in graph.source.remarks

    @pytest.mark.parametrize("text", [
        "5.1,3.5,1.4\n4.9,3.0,1.4\n", "1 2\n", "a b\nb c\n", "1,2,3,4,5\n2,3,4,5,6\n", "1 2\n2 3 4\n", "DL n=3\n1 2\n",
        "12\n13\n", "x\n\x00\x01\n",
    ])  # fmt: skip
    def test_other_text_is_refused(self, read, text):
        with pytest.raises(GraphFileError, match="must end in one of.*--format"):
            read(text, "g.dat")

    def test_long_files_whose_last_line_is_cut(self, read):
        text = "".join(f"{i} {i + 1}\n" for i in range(1000, 3000))
        assert read(text, "g.dat").num_edges == 2000


@pytest.mark.parametrize(("edges", "nodes"), [
    ("edges_2020.csv", "nodes_2020.csv"), ("links-a.b.csv", "nodes-a.b.csv"), ("x_edges.csv", "x_nodes.csv"),
    ("edgelist.csv", "nodelist.csv"), ("Edges.csv", "Nodes.csv"), ("my_edge_list.csv", "my_node_list.csv"),
    ("EDGES.csv", "NODES.csv"), ("edges.tsv", "nodes.tsv"), ("powerEdges.csv", "powerNodes.csv"),
    ("graph.edges.csv", "graph.nodes.csv"),
])  # fmt: skip
def test_pairs_of_tables(read, tmp_path, edges, nodes):
    text = "id,h\n1,5\n2,7\n3,6\n"
    (tmp_path / nodes).write_text(text.replace(",", "\t") if nodes.endswith("tsv") else text)
    graph = read("src\tdst\n1\t2\n" if edges.endswith("tsv") else "src,dst\n1,2\n", edges)
    assert graph.num_nodes == 3
    assert graph.source.remarks == (f"node table {nodes}",)


def test_words_that_only_end_like_edges_have_no_sister(read, tmp_path):
    (tmp_path / "knownodes.csv").write_text("id,h\n1,5\n2,7\n3,6\n")
    (tmp_path / "hnodes.csv").write_text("id,h\n1,5\n2,7\n3,6\n")
    assert read("src,dst\n1,2\n", "knowledges.csv").num_nodes == 2
    assert read("src,dst\n1,2\n", "hlinks.csv").num_nodes == 2


@pytest.mark.parametrize("text", [
    "Id,Label\nAnn,Ann B.\nBob,Bob C.\n", "Id,Label\nAnn,Ann\nBob,Bob\n", "id,height\n1,30\n2,50\n3,40\n",
    "Id;Label;timeset\n1;Ann;\n2;Bob;\n", "node,group\na,1\nb,2\n"
])  # fmt: skip
def test_a_table_of_nodes_is_no_edge_list(read, text):
    with pytest.raises(
        GraphFileError, match=r"looks like a table of nodes.*--nodes.*--src 0 --dst 1"
    ):
        read(text)
    assert read(text, src=0, dst=1).num_nodes > 1


@pytest.mark.parametrize("text", [
    "id,friend\n1,2\n2,3\n", "id,a,b\n7,1,2\n8,2,3\n", "node,other\n1,2\n1,3\n", "id,source,target\n9,1,2\n8,2,3\n",
])  # fmt: skip
def test_an_id_in_front_of_edges_is_none(read, text):
    assert read(text).num_edges == 2
