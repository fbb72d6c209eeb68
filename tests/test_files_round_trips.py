"""A graph in every writable format and back: the same labels, dtypes, masks, weights, direction."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_graph import assert_same_graph

from graphmax import Graph, GraphFileError, grid_graph, knn_graph, read_graph, write_graph

EXACT = ["npz", "graphml", "parquet", "json", "csv"]
LABELS = {
    "none": None,
    "int64": np.array([5, -3, 10**15, 7, 8, 9]),
    "text": ["a ", " b", "é\n", "1", "#x", 'q"u,<o>&'],
    "digits": ["1", "2", "03", "4", "5", "6"],
}
ATTRIBUTES = {
    "bool": np.array([1, 0, 1, 0, 1, 1], bool),
    **{f"i{8 * b}": np.array([-1, 0, 1, 2, 3, 100], f"i{b}") for b in (1, 2, 4, 8)},
    **{f"u{8 * b}": np.array([255, 0, 1, 2, 3, 100], f"u{b}") for b in (1, 2, 4, 8)},
    "least": np.array([-(2**63), 2**63 - 1, 2**53 + 1, 0, 1, 2]),
    "most": np.array([2**64 - 1, 2**63, 2**53 + 1, 0, 1, 2], np.uint64),
    "f16": np.array([1.5, np.nan, np.inf, -np.inf, 0, -0.0], np.float16),
    "f32": np.array([0.1, np.nan, np.inf, 1e-45, 3, -0.0], np.float32),
    "f64": np.array([0.1, np.nan, -np.inf, 5e-324, 1.7976931348623157e308, -0.0]),
    "text": np.array(["x", "", " y z ", "\t", "a\r\nb", "NULL"], object),
    "ns": np.array(["2020-01-01T00:00:00.123456789", "NaT"] * 3, "M8[ns]"),
    "s": np.array(["2020-01-01T01:02:03"] * 6, "M8[s]"),
    "day": np.array(["2020-01-01", "1969-12-31"] * 3, "M8[D]"),
    "ticks": np.array([1, 2, -3, 2**60, 5, 6], "m8[ns]"),
    "wide": np.arange(12.0).reshape(6, 2),
    "some bool": np.ma.array([True, False] * 3, mask=[0, 0, 1, 0, 0, 0]),
    "some int": np.ma.array(np.arange(6) + 2**60, mask=[0, 1, 0, 0, 0, 0]),
    "some float": np.ma.array([1.0, np.nan, 3, 4, 5, 6], mask=[1, 0, 0, 0, 0, 0]),
    "some text": np.ma.array(np.array(list("xyzqwa"), object), mask=[1, 0, 0, 0, 0, 1]),
    "some time": np.ma.array(np.array(["2020-01-01"] * 6, "M8[us]"), mask=[1, 0, 0, 0, 0, 0]),
    "no text": np.ma.array(np.array(["x"] * 6, object), mask=True),
    "no <int>": np.ma.array(np.arange(6, dtype=np.int16), mask=True),
}  # fmt: skip


def rich_graph(labels="text", directed=False, weighted=True):
    """Six nodes, one of them isolated, with an attribute of every dtype."""
    weights = [0.1, 2.5, 1e300, np.inf] if weighted else None
    return Graph.from_edges(
        [0, 1, 2, 4], [1, 2, 4, 0], 6, weights=weights, directed=directed,
        labels=LABELS[labels], attributes=ATTRIBUTES,
    )  # fmt: skip


@pytest.mark.parametrize("ending", EXACT)
@pytest.mark.parametrize(
    ("labels", "directed", "weighted"),
    list(itertools.product(LABELS, [False, True], [False, True])),
)
def test_everything_comes_back(tmp_path, ending, labels, directed, weighted):
    graph = rich_graph(labels, directed, weighted)
    write_graph(graph, tmp_path / f"g.{ending}")
    found = read_graph(tmp_path / f"g.{ending}")
    assert_same_graph(found, graph)


@pytest.mark.parametrize("ending", EXACT)
def test_a_graph_of_nothing(tmp_path, ending):
    for graph in (Graph.from_edges([], [], 0), Graph.from_edges([], [], 3)):
        write_graph(graph, tmp_path / f"g.{ending}")
        assert_same_graph(read_graph(tmp_path / f"g.{ending}"), graph)


def test_npz_knows_what_was_dropped(tmp_path):
    graph = Graph.from_edges([0, 0, 1], [0, 1, 0])
    write_graph(graph, tmp_path / "g.npz")
    assert read_graph(tmp_path / "g.npz").dropped == graph.dropped == (1, 1)


def test_the_two_tables_of_a_csv(tmp_path):
    graph = Graph.from_edges(
        [0, 1], [1, 2], 4, weights=[1, 0.5], directed=True, attributes={"x": [4, 3, 2, 1]}
    )
    write_graph(graph, tmp_path / "g.csv")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["g.csv", "g.nodes.csv"]
    first, _, edges = (tmp_path / "g.csv").read_text().partition("\n")
    assert first.startswith("# graphmax {'directed': true, 'labels': 'none'")
    assert edges == "# Directed graph\nsrc,dst,weight\n0,1,1.0\n1,2,0.5\n"
    nodes = (tmp_path / "g.nodes.csv").read_text().split("\n", 2)[2]
    assert nodes == "id,x\n0,4\n1,3\n2,2\n3,1\n"
    assert list(pd.read_csv(tmp_path / "g.nodes.csv", comment="#").columns) == ["id", "x"]


LOOKS = [["nan", "inf", "1e3", "True"], ["1", "2.0", "007", "-0"], ["#a", "#b,c", "% d", "//"],
         ["a\nb", 'c"d', "'", "e\r\nf"], [" a", "b ", "", "\t"], ["1", "2", "3", "4"]]  # fmt: skip


@pytest.mark.parametrize("labels", LOOKS)
@pytest.mark.parametrize("ending", EXACT)
def test_text_that_looks_like_something_else_stays_text(tmp_path, labels, ending):
    """Ids, entries and names of attributes."""
    columns = {"text": np.array(labels, object), "2020": np.arange(4), "a\nb": np.arange(4.0)}
    columns["'quoted\" \\"] = np.array([1, 2, 3, 4], np.int8)
    graph = Graph.from_edges([0, 1, 2], [1, 2, 3], labels=labels, attributes=columns)
    write_graph(graph, tmp_path / f"g.{ending}")
    assert_same_graph(read_graph(tmp_path / f"g.{ending}"), graph)


@pytest.mark.parametrize("ending", EXACT)
def test_grids_and_places_come_back(tmp_path, ending):
    for graph in (
        grid_graph((2, 3), spacing=(1, 2)),
        knn_graph(np.random.default_rng(0).random((9, 3)), 2),
    ):
        write_graph(graph, tmp_path / f"g.{ending}")
        found = read_graph(tmp_path / f"g.{ending}")
        assert_same_graph(found, graph)
        assert found.shape == graph.shape
        np.testing.assert_array_equal(found.positions, graph.positions)


@pytest.mark.parametrize("ending", [e for e in EXACT if e != "npz"])
def test_every_flipped_byte_is_noticed(tmp_path, ending):
    path = tmp_path / f"g.{ending}"
    graph = rich_graph("text", True)
    write_graph(graph, path)
    for file in tmp_path.iterdir():
        whole, rng = file.read_bytes(), np.random.default_rng(0)
        for place in rng.integers(0, len(whole), 30).tolist():
            damaged = bytearray(whole)
            damaged[place] ^= 1 << int(rng.integers(8))
            file.write_bytes(damaged)
            try:
                assert_same_graph(read_graph(path), graph)
            except GraphFileError:
                continue
            finally:
                file.write_bytes(whole)


def test_what_others_write_anew_is_not_checked(tmp_path):
    write_graph(rich_graph("text", False), tmp_path / "g.graphml")
    graph = nx.read_graphml(tmp_path / "g.graphml")
    graph.remove_node(next(iter(graph)))
    nx.write_graphml(graph, tmp_path / "h.graphml")
    assert read_graph(tmp_path / "h.graphml").num_nodes == len(graph)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_of_two_writes_are_refused(tmp_path, ending):
    for name in ("a", "b"):
        write_graph(Graph.from_edges([0], [1]), tmp_path / f"{name}.{ending}")
    (tmp_path / f"a.nodes.{ending}").replace(tmp_path / f"b.nodes.{ending}")
    with pytest.raises(GraphFileError, match="written together with its node table"):
        read_graph(tmp_path / f"b.{ending}")


@pytest.mark.parametrize("ending", EXACT)
@pytest.mark.parametrize("column", [
    ["ab", "c", "d"], np.array(["ab", "c", "d"]), np.array([1, 2, 3], ">f8"),
    np.array([1, 2, 3], ">i2"), np.array([1, 2, 3]).astype(">M8[s]"),
])  # fmt: skip
def test_columns_of_any_dtype_that_is_written_are_read(tmp_path, ending, column):
    graph = Graph.from_edges([0, 1], [1, 2], attributes={"a": column})
    write_graph(graph, tmp_path / f"g.{ending}")
    found = read_graph(tmp_path / f"g.{ending}").attributes["a"]
    assert found.tolist() == np.asarray(column).tolist()


def test_modes_stay(tmp_path):
    path = tmp_path / "g.npz"
    write_graph(Graph.from_edges([0], [1]), path)
    path.chmod(0o600)
    write_graph(Graph.from_edges([0], [1]), path)
    assert path.stat().st_mode & 0o777 == 0o600


# What XML can hold: no control characters, no halves of surrogate pairs.
TEXT = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
ids = st.one_of(
    st.lists(st.integers(1 - 2**63, 2**63 - 1), min_size=1, max_size=6, unique=True),
    st.lists(st.text(TEXT, min_size=1, max_size=5), min_size=1, max_size=6, unique=True),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), labels=ids, directed=st.booleans(), ending=st.sampled_from(EXACT))
def test_random_graphs(tmp_path, data, labels, directed, ending):
    node = st.integers(0, len(labels) - 1)
    pairs = data.draw(st.lists(st.tuples(node, node), max_size=12))
    weight = st.floats(0, allow_nan=False)
    weights = data.draw(st.none() | st.lists(weight, min_size=len(pairs), max_size=len(pairs)))
    column = data.draw(
        st.lists(st.floats() | st.none(), min_size=len(labels), max_size=len(labels))
    )
    missing = np.array([value is None for value in column])
    values = np.ma.array([0.0 if value is None else value for value in column], mask=missing)
    src, dst = [u for u, _ in pairs], [v for _, v in pairs]
    graph = Graph.from_edges(
        src, dst, len(labels), weights=weights, directed=directed, labels=labels,
        attributes={"x": values if missing.any() else values.data},
    )  # fmt: skip
    write_graph(graph, tmp_path / f"g.{ending}")
    assert_same_graph(read_graph(tmp_path / f"g.{ending}"), graph)
