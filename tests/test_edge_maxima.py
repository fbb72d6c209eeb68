"""Edge maxima: cases readable by eye, then thousands of graphs against brute force."""

from dataclasses import replace

import networkx as nx
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from oracles import Network
from strategies import examples, graph_of, networks

import graphmax as gm


def path(size, **options):
    """The path 0 - 1 - ... as a graph."""
    return gm.Graph.from_edges(range(size - 1), range(1, size), size, **options)


def as_stored(graph):
    """The edges of a graph, each once, as the oracle wants them."""
    edges = tuple((int(u), int(v)) for u, v in graph.edges().T)
    return Network(graph.num_nodes, edges, None, graph.directed)


def assert_oracle(graph, weights, hops, ties):
    expected = oracles.edge_maxima(as_stored(graph), weights, hops=hops, ties=ties)
    found = gm.edge_maxima(graph, weights, hops, ties=ties)
    assert_array_equal(found, np.array(expected, dtype=bool), strict=True)


# --- known cases


def test_an_edge_beats_the_edges_between_its_two_balls():
    weights = np.array([3, 1, 2, 5])
    assert_array_equal(gm.edge_maxima(path(5), weights), [True, False, False, True])
    assert_array_equal(gm.edge_maxima(path(5), weights, 3), [False, False, False, True])


def test_it_is_not_the_line_graph():
    """The edge 2 - 3 touches neither end of 0 - 1, but joins two of their neighbors."""
    graph = gm.Graph.from_edges([0, 0, 1, 2], [1, 2, 3, 3])
    assert_array_equal(graph.edges(), [[0, 0, 1, 2], [1, 2, 3, 3]])
    weights = np.array([2, 1, 1, 3])
    assert_array_equal(gm.edge_maxima(graph, weights), [False, False, False, True])
    line = nx.line_graph(nx.Graph(graph.edges().T.tolist()))
    assert sorted(line[0, 1]) == [(0, 2), (1, 3)]


def test_equal_weights():
    assert_array_equal(gm.edge_maxima(path(3), [1, 1]), [False, False])
    assert_array_equal(gm.edge_maxima(path(3), [1, 1], ties="weak"), [True, True])


def test_the_reverse_edge_is_a_competitor():
    both_ways = gm.Graph.from_edges([0, 1], [1, 0], directed=True)
    assert_array_equal(gm.edge_maxima(both_ways, [1, 2]), [False, True])
    assert_array_equal(gm.edge_maxima(both_ways, [2, 2]), [False, False])


def test_arrows_are_ignored_by_the_balls():
    chain = gm.Graph.from_edges([0, 2, 2], [1, 1, 3], directed=True)
    assert_array_equal(gm.edge_maxima(chain, [1, 2, 3]), [False, False, True])
    assert_array_equal(gm.edge_maxima(chain, [3, 2, 1]), [True, False, False])


def test_the_graph_has_weights_of_its_own():
    graph = path(4, weights=[1.0, 3.0, 2.0])
    assert_array_equal(gm.edge_maxima(graph), [False, True, False])
    assert_array_equal(gm.edge_maxima(nx.path_graph(2), [-1]), [True])
    friends = nx.Graph([("a", "b", {"weight": 2}), ("b", "c", {"weight": 1})])
    assert_array_equal(gm.edge_maxima(friends), [True, False])


def test_graphs_without_edges():
    assert gm.edge_maxima(gm.Graph.from_edges([], [], 4), []).shape == (0,)
    assert gm.edge_maxima(gm.Graph.from_edges([], [], 0), np.zeros(0)).dtype == bool


def test_more_hops_than_nodes():
    assert_array_equal(gm.edge_maxima(path(3), [1, 2], 2**40), [False, True])


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", "float32", "bool", "datetime64[s]"])
def test_every_comparable_dtype(dtype):
    weights = np.array([0, 1, 0]).astype(dtype)
    assert_array_equal(gm.edge_maxima(path(4), weights), [False, True, False])


def test_weights_are_compared_exactly():
    weights = np.array([2**53, 2**53 + 1])
    assert_array_equal(gm.edge_maxima(path(3), weights), [False, True])
    assert_array_equal(gm.edge_maxima(path(3), [-np.inf, -1e300]), [False, True])
    assert_array_equal(gm.edge_maxima(path(3), [-(2**63), -(2**63) + 1]), [False, True])


def test_a_tensor_is_answered_with_a_tensor():
    torch = pytest.importorskip("torch")
    found = gm.edge_maxima(path(4), torch.tensor([1.0, 3.0, 2.0]))
    torch.testing.assert_close(found, torch.tensor([False, True, False]))


# --- against brute force


@settings(max_examples=examples(100))
@given(st.data())
def test_small_graphs_with_ties(data):
    network = data.draw(networks(max_nodes=7))
    graph = graph_of(replace(network, weights=None))
    weights = data.draw(hnp.arrays(np.int64, graph.num_edges, elements=st.integers(-2, 2)))
    for hops in (1, 2, 3):
        for ties in ("strict", "weak"):
            assert_oracle(graph, weights, hops, ties)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_hundreds_of_random_graphs(hops, directed):
    """Sparse and dense ones of up to 12 nodes, distinct weights and few levels by turns."""
    generator = np.random.default_rng(hops)
    for trial in range(50):
        size = int(generator.integers(2, 13))
        ends = generator.integers(0, size, (2, int(generator.integers(1, 3 * size))))
        graph = gm.Graph.from_edges(*ends, size, directed=directed)
        levels = graph.num_edges + 1 if trial % 2 else 3
        weights = generator.permutation(graph.num_edges) % levels
        assert_oracle(graph, weights, hops, ("strict", "weak")[trial // 2 % 2])


@pytest.mark.slow
@pytest.mark.parametrize("directed", [False, True])
def test_thousands_of_random_graphs(directed):
    generator = np.random.default_rng(5)
    for trial in range(2000):
        size = int(generator.integers(2, 20))
        ends = generator.integers(0, size, (2, int(generator.integers(1, 4 * size))))
        graph = gm.Graph.from_edges(*ends, size, directed=directed)
        weights = generator.integers(-3, 4, graph.num_edges) * (1 if trial % 2 else 0.1)
        for hops in (1, 2, 3):
            assert_oracle(graph, weights, hops, ("strict", "weak")[trial // 2 % 2])


# --- laws


@settings(max_examples=examples(50))
@given(st.data())
def test_nesting_renumbering_and_increasing_maps(data):
    network = data.draw(networks(max_nodes=8))
    graph = graph_of(replace(network, weights=None))
    weights = data.draw(hnp.arrays(np.int64, graph.num_edges, elements=st.integers(-2, 2)))
    near, far = (gm.edge_maxima(graph, weights, hops) for hops in (1, 2))
    assert_array_equal(near & far, far)
    assert_array_equal(gm.edge_maxima(graph, np.exp(weights)), near)
    number = np.array(data.draw(st.permutations(range(graph.num_nodes))), np.int64)
    src, dst = number[graph.edges()]
    renumbered = gm.Graph.from_edges(src, dst, graph.num_nodes, directed=graph.directed)
    ends = zip(src, dst, strict=True)
    place = {tuple(pair if graph.directed else sorted(pair)): i for i, pair in enumerate(ends)}
    order = [place[tuple(pair)] for pair in renumbered.edges().T.tolist()]
    assert_array_equal(gm.edge_maxima(renumbered, weights[order]), near[order])


# --- refusals

REFUSALS = [
    ({"weights": None}, ValueError, r"`weights` must be given for a graph without edge weights"),
    ({"weights": [1]}, ValueError, r"`weights` must have one entry per edge \(2,\), got \(1,\)"),
    ({"weights": np.ones((2, 2))}, ValueError, r"one entry per edge \(2,\), got \(2, 2\)"),
    ({"weights": [1, np.nan]}, ValueError, r"must not be NaN, got 1 NaN \(first: edge 1, 1 - 2\)"),
    ({"weights": [1j, 1]}, TypeError, r"`weights` must be bool, int, .*, got dtype complex128"),
    ({"hops": 0}, ValueError, r"`hops` must be at least 1, got 0"),
    ({"hops": 1.5}, TypeError, r"`hops` must be an integer of at least 1, got 1.5"),
    ({"ties": "plateau"}, ValueError, r"'strict' or 'weak' for edge_maxima, got 'plateau'; .*weak"),
    ({"ties": "index"}, ValueError, r"'strict' or 'weak' for edge_maxima, got 'index'; .*weak"),
    ({"ties": "most"}, ValueError, r"`ties` must be one of 'strict', .*, got 'most'"),
    ({"graph": [[0, 1]]}, TypeError, r"`graph` must be a graphmax Graph"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSALS)
def test_refusals(wrong, error, message):
    arguments = {"graph": path(3), "weights": [1, 2], **wrong}
    with pytest.raises(error, match=message):
        gm.edge_maxima(**arguments)
