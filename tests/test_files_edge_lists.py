"""Edge lists: what is read, in the order of simple to odd."""

import gzip

import numpy as np
import pytest

from graphmax import Graph, GraphFileError, read_graph


@pytest.fixture
def file(tmp_path):
    def write(content, name="graph.csv"):
        path = tmp_path / name
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


PATH = {"labels": [1, 2, 5], "edges": [[0, 1], [1, 2]]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "src,dst\n1,2\n2,5\n"),
        ("a.csv", "1,2\n2,5"),
        ("a.csv", "# made by hand\n\n1,2\n2,5\n"),
        ("a.csv", "dst,src\n2,1\n5,2\n"),
        ("a.csv", "when,source,target\n2020,1,2\n2021,2,5\n"),
        ("a.csv", "Source;Target\n1;2\n2;5\n"),
        ("a.csv", "from,to\n1,2\n# between\n2,5\n"),
        ("a.csv", "\ufeffsrc,dst\r\n1,2\r\n2,5\r\n"),
        ("a.csv", "\ufeff1,2\n2,5\n"),
        ("a.csv", "1,2\r\n2,5\n"),
        ("a.csv", "1,2\r2,5\r"),
        ("a.csv", "1, 2\n2 ,5\n"),
        ("a.csv", '"1","2"\n"2","5"\n'),
        ("a.csv", "1,2\n\n  \n2,5\n"),
        ("a.csv.gz", "src,dst\n1,2\n2,5\n"),
        ("a.tsv", "src\tdst\n1\t2\n2\t5\n"),
        ("a.tsv", "1,2\n2,5\n"),
        ("a.txt", "# Undirected graph: ../a.txt\n# FromNodeId\tToNodeId\n1\t2\n2\t5\n"),
        ("a.txt.gz", "# FromNodeId\tToNodeId\n1\t2\n2\t5\n"),
        ("a.txt", "1 2\n2 5\n"),
        ("a.txt", " 1   2\n2 \t 5 \n"),
        ("a.edges", "1 2\n2 5\n"),
        ("a.edgelist", "1|2\n2|5\n"),
    ],
)
def test_spellings_of_one_path(file, name, content):
    graph = read_graph(file(content, name))
    assert graph.labels.dtype == np.int64
    assert graph.labels.tolist() == PATH["labels"]
    np.testing.assert_array_equal(graph.edges(), PATH["edges"])
    assert not graph.directed


def test_text_ids_are_sorted_labels(file):
    graph = read_graph(file("b,a\nC#,b\né,007\n7,a\n"))
    assert graph.labels.tolist() == ["007", "7", "C#", "a", "b", "é"]
    np.testing.assert_array_equal(graph.edges(), [[0, 1, 2, 3], [5, 3, 4, 4]])


def test_one_text_id_makes_all_ids_text(file):
    assert read_graph(file("1,2\n2,x\n")).labels.tolist() == ["1", "2", "x"]


def test_quoted_ids_keep_their_blanks(file):
    assert read_graph(file('" a","a"\n"a","b,c"\n')).labels.tolist() == [" a", "a", "b,c"]


@pytest.mark.parametrize("big", [10**12, 2**63 - 1, -(2**63), -1])
def test_a_large_id_is_only_a_label(file, big):
    assert read_graph(file(f"1,{big}\n")).labels.tolist() == sorted([1, big])


def test_an_id_beyond_int64_is_text(file):
    graph = read_graph(file(f"1,{2**64}\n"))
    assert graph.labels.tolist() == ["1", str(2**64)]


def test_dense_ids_with_a_gap_and_an_offset(file):
    assert read_graph(file("100,102\n105,100\n")).labels.tolist() == [100, 102, 105]


def test_self_loops_and_repeats_are_counted(file):
    assert read_graph(file("1,1\n1,2\n2,1\n1,2\n")).dropped == (1, 2)


def test_a_header_alone_is_an_empty_graph(file):
    graph = read_graph(file("src,dst\n"))
    assert graph.num_nodes == graph.num_edges == 0


@pytest.mark.parametrize(
    ("content", "weights"),
    [
        ("src,dst,weight\n1,2,3\n2,5,4\n", [3.0, 4.0]),
        ("src,dst,weight\n1,2,.5\n2,5,1e-3\n", [0.5, 0.001]),
        ("weight,src,dst\n0,1,2\ninf,2,5\n", [0.0, np.inf]),
        ("src,dst,Weight\na,b,1\nb,c,2.5\n", [1.0, 2.5]),
        ("src,dst,weight\n1,1000000000000,3\n2,1,4\n", [4.0, 3.0]),
    ],
)
def test_weights(file, content, weights):
    np.testing.assert_array_equal(read_graph(file(content)).edge_weights(), weights)


def test_only_a_column_named_weight_is_one(file):
    path = file("1 2 9\n2 5 7\n", "temporal.txt")
    assert read_graph(path).weights is None
    np.testing.assert_array_equal(read_graph(path, weight=2).edge_weights(), [9, 7])


def test_weights_can_be_left_out(file):
    assert read_graph(file("src,dst,weight\n1,2,-3\n"), weight=False).weights is None


def test_columns_by_name_and_place(file):
    path = file("a,b,c,cost\n1,9,2,5\n")
    graph = read_graph(path, src="c", dst=0, weight="cost")
    assert graph.labels.tolist() == [1, 2]
    np.testing.assert_array_equal(graph.edge_weights(), [5])


def test_header_and_delimiter_as_told(file):
    assert read_graph(file("a,b\nb,c\n"), header=True).labels.tolist() == ["b", "c"]
    assert read_graph(file("src,dst\nb,c\n"), header=False).num_nodes == 4
    assert read_graph(file("1;2,5\n"), delimiter=";").labels.tolist() == ["1", "2,5"]


def test_direction(file):
    path = file("1,2\n2,1\n")
    assert not read_graph(path).directed
    assert read_graph(path, directed=True).num_edges == 2
    snap = file("# Directed graph (each unordered pair once): web\n1\t2\n", "web.txt")
    assert read_graph(snap).directed
    assert not read_graph(snap, directed=False).directed


def test_the_format_as_told(file):
    assert read_graph(file("1,2\n", "graph.data"), format="csv").num_nodes == 2


def test_a_name_with_pattern_characters_is_one_file(file):
    file("7,8\n", "a1.csv")
    assert read_graph(file("1,2\n", "a[1].csv")).labels.tolist() == [1, 2]
    assert read_graph(file("3,4\n", "a*.csv")).labels.tolist() == [3, 4]


def test_rows_past_the_first_chunk_count(file):
    """The bytes are looked at in chunks: a comment, a float or a zero may lie on any border."""
    rows = "".join(f"{i},{i + 1}\n" for i in range(60_000))
    assert len(rows) > 2 * 2**18
    assert read_graph(file(rows)).num_nodes == 60_001
    assert read_graph(file(rows + "# end\n5,7\n")).num_edges == 60_001
    assert read_graph(file(rows + "5,007\n")).labels.dtype == object
    assert read_graph(file(rows + "1.0,3\n")).labels.dtype == np.int64
    with pytest.raises(ValueError, match=r"the float 1\.5 in .*, line 60001"):
        read_graph(file(rows + "1.5,2\n"))


class TestNodeTable:
    """The table beside the edges, or named by an option."""

    def test_beside_the_edges(self, file):
        file("id,x\n5,0.5\n1,1.5\n2,2.5\n9,3.5\n", "graph.nodes.csv")
        graph = read_graph(file("1,2\n2,5\n"))
        assert graph.labels.tolist() == [5, 1, 2, 9]
        np.testing.assert_array_equal(graph.attributes["x"], [0.5, 1.5, 2.5, 3.5])
        np.testing.assert_array_equal(graph.edges(), [[0, 1], [2, 2]])

    def test_can_be_ignored(self, file):
        file("id\n9\n", "graph.nodes.csv")
        assert read_graph(file("1,2\n"), nodes=False).num_nodes == 2

    def test_text_ids(self, file):
        nodes = file("name,node\nAnn,a\nBob,b\nCy,c\n", "people.tsv")
        graph = read_graph(file("b,a\n"), nodes=nodes)
        assert graph.labels.tolist() == ["a", "b", "c"]
        assert graph.attributes["name"].tolist() == ["Ann", "Bob", "Cy"]

    def test_key_by_name(self, file):
        nodes = file("id,key\n1,a\n2,b\n", "n.csv")
        assert read_graph(file("b,a\n"), nodes=nodes, id="key").labels.tolist() == ["a", "b"]

    def test_integer_edges_among_text_nodes(self, file):
        nodes = file("id\n1\n2\nx\n", "n.csv")
        assert read_graph(file("1,2\n"), nodes=nodes).labels.tolist() == ["1", "2", "x"]

    def test_sparse_integers(self, file):
        nodes = file(f"id\n{10**15}\n-4\n77\n", "n.csv")
        graph = read_graph(file(f"-4,{10**15}\n"), nodes=nodes)
        assert graph.labels.tolist() == [10**15, -4, 77]
        np.testing.assert_array_equal(graph.edges(), [[0], [1]])

    @pytest.mark.parametrize(
        ("cells", "dtype", "values"),
        [
            (["1", "-2", "3"], "int64", [1, -2, 3]),
            ([str(2**63 - 1), "9007199254740993", "0"], "int64", [2**63 - 1, 2**53 + 1, 0]),
            ([str(2**64 - 1), "9007199254740993", "0"], "uint64", [2**64 - 1, 2**53 + 1, 0]),
            (["007", "+7", "7"], "int64", [7, 7, 7]),
            (["1", "2.5", "-inf"], "float64", [1, 2.5, -np.inf]),
            (["nan", "NaN", "1"], "float64", [np.nan, np.nan, 1]),
            (["0.1", "5e-324", "1.8e308"], "float64", [0.1, 5e-324, np.inf]),
            (["true", "FALSE", "True"], "bool", [True, False, True]),
            (["2020-01-02", "1969-12-31"], "datetime64[us]", ["2020-01-02", "1969-12-31"]),
            (["2020-01-02 03:04:05.123456", "2020-01-02T03:04", "2020-01-01"], "datetime64[us]",
             ["2020-01-02T03:04:05.123456", "2020-01-02T03:04", "2020-01-01"]),
            (["2020-01-02 03:04:05.123456789"] * 2, "datetime64[ns]",
             ["2020-01-02T03:04:05.123456789"] * 2),
            (["a", "1", "NULL"], "object", ["a", "1", "NULL"]),
            ([str(2**64 + 1), "-1", "0"], "object", [str(2**64 + 1), "-1", "0"]),
            (["9007199254740993", "0.5", "1"], "object", ["9007199254740993", "0.5", "1"]),
            (["1_0", "2", "3"], "object", ["1_0", "2", "3"]),
            (["0x10", "2", "3"], "object", ["0x10", "2", "3"]),
        ],
    )  # fmt: skip
    def test_types(self, file, cells, dtype, values):
        rows = "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
        nodes = file("id,a\n" + rows, "n.csv")
        column = read_graph(file("0,1\n"), nodes=nodes).attributes["a"]
        assert column.dtype == dtype
        np.testing.assert_array_equal(column, np.array(values, dtype))

    def test_missing_entries_are_masked(self, file):
        nodes = file("id,a,b,c\n0,1,,\n1,,x,\n2,3,y,\n", "n.csv")
        found = read_graph(file("0,1\n"), nodes=nodes).attributes
        assert found["a"].dtype == np.int64
        assert found["a"].tolist() == [1, None, 3]
        assert found["b"].tolist() == [None, "x", "y"]
        assert found["c"].tolist() == [None, None, None]

    def test_one_column_of_ids(self, file):
        nodes = file("5\n1\n2\n", "n.csv")
        assert read_graph(file("1,2\n"), nodes=nodes).labels.tolist() == [5, 1, 2]


# Products of keys wrap around, of which NumPy warns where the loops are plain Python.
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("threshold", [0, 500_000])
def test_ids_that_lie_far_apart_are_numbered_alike(tmp_path, monkeypatch, threshold):
    """By a hash table where there are many edges, else by a join."""
    monkeypatch.setattr("graphmax.files.building._WORTH_A_LOOKUP", threshold)
    rng = np.random.default_rng(3)
    known = rng.integers(-(2**62), 2**62, 300)
    pairs = known[rng.integers(0, 300, (1000, 2))]
    path = tmp_path / "e.csv"
    path.write_text("src,dst,weight\n" + "".join(f"{u},{v},{u % 7}\n" for u, v in pairs.tolist()))
    graph = read_graph(path)
    ids = np.unique(pairs)
    assert graph.labels.tolist() == ids.tolist()
    expected = Graph.from_edges(
        *np.searchsorted(ids, pairs.T), ids.size, weights=pairs[:, 0] % 7, labels=ids
    )
    np.testing.assert_array_equal(graph.edges(), expected.edges())
    np.testing.assert_array_equal(graph.edge_weights(), expected.edge_weights())
    (tmp_path / "e.nodes.csv").write_text("id\n" + "".join(f"{i}\n" for i in ids[::-1].tolist()))
    assert read_graph(path).labels.tolist() == ids[::-1].tolist()
    (tmp_path / "e.nodes.csv").write_text("id\n" + "".join(f"{i}\n" for i in ids[2:].tolist()))
    with pytest.raises(GraphFileError, match=rf"ids that it lacks \(2: {ids[0]}, {ids[1]}\)"):
        read_graph(path)
