"""Values that a graph knows without an attribute, in Python and on the command line."""

import json
import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app
from graphmax.kernels.node_measures import row_sums
from graphmax.node_measures import MEASURES, _tell_apart, measure, measures_of


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 9))
    node = st.integers(0, count - 1)
    weight = st.floats(-1e300, 1e300) | st.integers(-3, 3).map(float)
    edges = draw(st.lists(st.tuples(node, node, weight), max_size=30))
    drawn = nx.DiGraph() if draw(st.booleans()) else nx.Graph()
    drawn.add_nodes_from(range(count))
    drawn.add_weighted_edges_from(edge for edge in edges if edge[0] != edge[1])
    return drawn


# --- known: a triangle 0 1 2, 3 hangs on 2, 4 is alone

KNOWN = {
    "degree": [2, 2, 3, 1, 0],
    "in_degree": [1, 1, 1, 1, 0],
    "out_degree": [1, 1, 2, 0, 0],
    "strength": [0.4, 0.3, 1.6, 1.0, 0.0],
    "core_number": [2, 2, 2, 1, 0],
    "clustering": [1, 1, 1 / 3, 0, 0],
}


@pytest.mark.parametrize("name", KNOWN)
def test_known(name):
    graph = gm.Graph.from_edges(
        [0, 1, 2, 2], [1, 2, 0, 3], 5, weights=[0.1, 0.2, 0.3, 1.0], directed=True
    )
    expected = KNOWN[name]
    if name == "strength":
        expected = [math.fsum(terms) for terms in ([0.1, 0.3], [0.1, 0.2], [0.2, 0.3, 1], [1], [])]
    assert measure(graph, name).tolist() == expected


# --- networkx


@given(graphs())
def test_equal_to_networkx(drawn):
    graph = gm.as_graph(drawn)
    plain = drawn.to_undirected(as_view=True)
    expected = {
        "degree": dict(drawn.degree),
        "core_number": nx.core_number(nx.Graph(plain)),
        "in_degree": dict(drawn.in_degree if drawn.is_directed() else drawn.degree),
        "out_degree": dict(drawn.out_degree if drawn.is_directed() else drawn.degree),
    }
    for name, values in expected.items():
        assert measure(graph, name).tolist() == [values[node] for node in drawn]
    triangles = nx.triangles(nx.Graph(plain))
    for node, share in enumerate(measure(graph, "clustering")):
        degree = nx.Graph(plain).degree[node]
        assert share == (2 * triangles[node] / (degree * (degree - 1)) if degree > 1 else 0)


@given(
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=12), max_size=5)
)
def test_sums_are_those_of_fsum(rows):
    indptr = np.cumsum([0, *map(len, rows)])
    terms = np.array([term for row in rows for term in row], np.float64)
    for row, total in zip(rows, row_sums(indptr, terms), strict=True):
        try:
            assert total == math.fsum(row)
        except OverflowError:
            assert not np.isfinite(total) or total == sum(row)


def test_sums_do_not_depend_on_the_order_of_edges():
    rng = np.random.default_rng(5)
    terms = rng.normal(size=500) * 10.0 ** rng.integers(-12, 12, 500)
    shuffled = np.concatenate([rng.permutation(terms) for _ in range(20)])
    assert np.unique(row_sums(np.arange(21) * 500, shuffled)).size == 1


def test_shares_of_large_denominators_are_told_apart():
    pairs = 2**60 - np.array([0, 0, 1, 1, 2, 2, 0])
    closed = 2**58 + np.array([0, 1, 0, 1, -1, 0, 0])
    shares = closed / pairs
    exact = [Fraction(int(a), int(b)) for a, b in zip(closed, pairs, strict=True)]
    assert np.unique(shares).size < len(set(exact))
    _tell_apart(shares, closed, pairs)
    for a, x in zip(exact, shares, strict=True):
        for b, y in zip(exact, shares, strict=True):
            assert (a < b, a == b) == (x < y, x == y)


# --- by name


def test_a_graph_says_which_measures_it_has():
    plain = gm.Graph.from_edges([0], [1])
    assert measures_of(plain) == ["degree", "core_number", "clustering"]
    arrows = gm.Graph.from_edges(
        [0], [1], directed=True, weights=[2], attributes={"degree": [1, 2]}
    )
    assert measures_of(arrows) == [name for name in MEASURES if name != "degree"]


def test_refusals():
    graph = gm.Graph.from_edges([0], [1])
    with pytest.raises(ValueError, match="must be one of degree, .* did you mean 'clustering'"):
        measure(graph, "clusterin")
    with pytest.raises(ValueError, match="with edge weights, got one without; use degree"):
        measure(graph, "strength")


# --- on the command line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "edges.csv").write_text("src,dst,weight\na,b,1\nb,c,.5\nc,a,1\nc,d,4\n")
    (tmp_path / "named.csv").write_text("a,b\nb,c\n")
    (tmp_path / "named.nodes.csv").write_text("id,degree\na,9\nb,1\nc,1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(*words):
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["degree", "strength", "core_number", "clustering"])
def test_a_file_without_attributes_has_measures(folder, name):
    graph = gm.read_graph("edges.csv")
    values = measure(graph, name)
    labels = told("label", "edges.csv", "--values", name, "--ties", "weak")["labels"]
    assert [row["is_maximum"] for row in labels] == gm.local_maxima(
        graph, values, ties="weak"
    ).tolist()
    peaks = told("peaks", "edges.csv", "--values", name)["maxima"]
    assert [row["value"] for row in peaks] == gm.find_peaks(graph, values).value.tolist()


def test_an_attribute_of_that_name_goes_first(folder):
    assert [row["value"] for row in told("peaks", "named.csv", "--values", "degree")["maxima"]] == [
        9
    ]
    assert told("info", "named.csv")["measures"] == ["core_number", "clustering"]
    assert (
        "--values also takes: core_number, clustering"
        in CliRunner().invoke(app, ["info", "named.csv"]).stdout
    )


def test_an_unknown_name_is_told_what_there_is(folder):
    done = CliRunner().invoke(app, ["peaks", "edges.csv", "--values", "height"])
    assert done.exit_code == 2
    assert "`--values` must name a node attribute, got 'height'" in done.stderr
    assert "'degree', 'strength'" in done.stderr


def test_where_and_groups_are_columns(folder):
    nodes = "id,h,inside,region\na,5,true,x\nb,4,true,y\nc,3,false,y\nd,2,true,x\n"
    (folder / "nodes.csv").write_text(nodes)
    graph = gm.read_graph("edges.csv", nodes="nodes.csv")
    inside, region = graph.attributes["inside"], graph.attributes["region"]
    words = ("edges.csv", "--nodes", "nodes.csv", "--values", "h")
    for more, selection in (
        (("--where", "inside"), {"where": inside}),
        (("--groups", "region"), {"groups": region}),
        (
            ("--where", "inside", "--groups", "region", "--absent", "block"),
            {"where": inside, "groups": region, "absent": "block"},
        ),
    ):
        labels = told("label", *words, *more)["labels"]
        mask = gm.local_maxima(graph, "h", **selection)
        assert [row["is_maximum"] for row in labels] == mask.tolist()
        assert 1 < mask.sum() < 4
    peaks = told("peaks", *words, "--where", "inside")["maxima"]
    assert [row["label"] for row in peaks] == ["a", "d"]
    weak = told("peaks", *words, "--groups", "region", "--ties", "weak")["maxima"]
    assert [row["label"] for row in weak] == ["a", "b", "d"]
    done = CliRunner().invoke(app, ["label", *words, "--where", "insid"])
    assert "`--where` must name a node attribute, got 'insid'; did you mean 'inside'" in done.stderr
    done = CliRunner().invoke(app, ["label", *words, "--where", "h"])
    assert "`--where` must be" in done.stderr
