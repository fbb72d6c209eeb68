"""Greedy suppression: known cases, the oracle, and its laws."""

import networkx as nx
import numpy as np
import oracles_peaks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import columns, graph_of, masks, networks

import graphmax as gm

PATH = gm.Graph.from_edges(range(6), range(1, 7))
SCORES = [0, 9, 0, 8, 0, 7, 0]


def test_greedy_is_not_the_window_rule():
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, 2), [1, 5])
    assert_array_equal(np.flatnonzero(gm.local_maxima(PATH, SCORES, 2)), [1])


def test_the_threshold_is_inclusive():
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, threshold=8), [1, 3])
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, threshold=8.5), [1])
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, threshold=10), [])
    exact = np.array([2**53, 0, 2**53 + 1])
    triple = gm.Graph.from_edges([0, 1], [1, 2])
    assert_array_equal(gm.non_maximum_suppression(triple, exact, threshold=2**53 + 1), [2])
    small = np.array([0.1, 0, 0.1], np.float32)
    assert_array_equal(gm.non_maximum_suppression(triple, small, threshold=0.1), [0, 2])
    assert_array_equal(gm.non_maximum_suppression(triple, small, threshold=0.10000001), [])


def test_of_equal_scores_the_lower_index_goes_first():
    assert_array_equal(gm.non_maximum_suppression(PATH, np.ones(7), 2), [0, 3, 6])


def test_where_leaves_nodes_out():
    where = np.array([True, False, True, True, True, True, True])
    scores = [0, np.nan, 0, 8, 0, 7, 0]
    assert_array_equal(gm.non_maximum_suppression(PATH, scores, 2, where=where), [3, 0, 6])


def test_more_hops_than_nodes_and_a_graph_without_nodes():
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, 2**40), [1])
    empty = gm.Graph.from_edges([], [], 0)
    assert gm.non_maximum_suppression(empty, np.zeros(0)).shape == (0,)


def test_arrows_may_be_dropped_and_names_given():
    chain = nx.DiGraph([("a", "b"), ("b", "c")])
    nx.set_node_attributes(chain, {"a": 1, "b": 3, "c": 2}, "score")
    found = gm.non_maximum_suppression(chain, "score", direction="both")
    assert_array_equal(found, [1])


def test_a_tensor_is_answered_with_a_tensor():
    torch = pytest.importorskip("torch")
    found = gm.non_maximum_suppression(PATH, torch.tensor(SCORES), 2)
    torch.testing.assert_close(found, torch.tensor([1, 5]))


@settings(max_examples=100)
@given(st.data())
def test_it_keeps_what_the_oracle_keeps(data):
    network = data.draw(networks(max_nodes=9))
    scores = data.draw(columns(network.num_nodes, 1))[:, 0]
    asked = {
        "hops": data.draw(st.integers(1, 4)),
        "threshold": data.draw(st.none() | st.integers(0, 4)),
        "where": data.draw(masks(network.num_nodes)),
    }
    found = gm.non_maximum_suppression(graph_of(network), scores, direction="both", **asked)
    assert_array_equal(found, oracles_peaks.suppression(network, scores, **asked))


@settings(max_examples=100)
@given(st.data())
def test_every_maximum_in_order_is_kept(data):
    network = data.draw(networks(max_nodes=9))
    graph, scores = graph_of(network), data.draw(columns(network.num_nodes, 1))[:, 0]
    hops = data.draw(st.integers(1, 3))
    kept = gm.non_maximum_suppression(graph, scores, hops, direction="both")
    maxima = gm.local_maxima(graph, scores, hops, ties="index", direction="both")
    assert set(np.flatnonzero(maxima)) <= set(kept)
    assert (np.diff(scores[kept]) <= 0).all()
