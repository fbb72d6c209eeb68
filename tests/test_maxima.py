"""Maxima, isolation and margin: cases readable by eye, then everything against the oracle."""

from itertools import combinations
from math import inf, nan

import networkx as nx
import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import Network
from strategies import TIES, graph_of, masks, networks, rules, with_gaps

import graphmax as gm

pytestmark = pytest.mark.usefixtures("one_thread")


def path(size, weights=None, directed=False):
    """The path 0 - 1 - ... as a graph."""
    return gm.Graph.from_edges(
        range(size - 1), range(1, size), size, weights=weights, directed=directed
    )


# --- known cases


@pytest.mark.parametrize(
    ("ties", "drawn"),
    [
        ("strict", ".......^"),
        ("weak", ".^^.^..^"),
        ("plateau", ".^^....^"),
        ("index", ".^..^..^"),
    ],
)
def test_the_four_rules_on_one_slope(ties, drawn):
    """A hill with a flat top, then a slope with a step in it."""
    values = np.array([0, 5, 5, 1, 2, 2, 3, 4])
    expected = np.array([mark == "^" for mark in drawn])
    assert_array_equal(gm.local_maxima(path(8), values, ties=ties), expected)


def test_more_hops_leave_fewer_maxima():
    values = np.array([9, 1, 5, 1, 7])
    assert_array_equal(gm.local_maxima(path(5), values), [True, False, True, False, True])
    assert_array_equal(gm.local_maxima(path(5), values, 2), [True, False, False, False, True])
    assert_array_equal(gm.local_maxima(path(5), values, hops=4), [True] + [False] * 4)


def test_minima_are_the_other_side():
    values = np.array([3, 1, 2, 0])
    assert_array_equal(gm.local_minima(path(4), values), [False, True, False, True])
    assert_array_equal(gm.local_minima(path(4), values, 2), [False, False, False, True])


def test_isolation_is_the_distance_to_the_nearest_challenger():
    found = gm.isolation(path(5), np.array([9, 1, 5, 1, 7]))
    assert isinstance(found, gm.Isolation)
    assert_array_equal(found.distance, np.array([inf, 1, 2, 1, 4]), strict=True)
    assert_array_equal(found.witness, np.array([-1, 0, 0, 4, 0]), strict=True)


def test_isolation_in_edge_weights_and_up_to_a_distance():
    graph, values = path(3, weights=[2.5, 0.5]), np.array([3, 1, 2])
    weighted = gm.isolation(graph, values, weighted=True)
    assert_array_equal(weighted.distance, [inf, 0.5, 3.0])
    assert_array_equal(weighted.witness, [-1, 2, 0])
    near = gm.isolation(graph, values, weighted=True, max_distance=2.5)
    assert_array_equal(near.distance, [inf, 0.5, inf])
    assert_array_equal(near.witness, [-1, 2, -1])
    assert_array_equal(gm.isolation(graph, values, max_distance=1).distance, [inf, 1, inf])


def test_margin_is_the_lead_over_the_rival():
    values = np.array([1, 3, 2])
    assert_array_equal(gm.margin(path(3), values), np.array([-2.0, 1.0, -1.0]), strict=True)
    assert_array_equal(gm.margin(path(3), values, extremum="min"), [2, -2, 1])
    assert_array_equal(gm.margin(path(3), np.array([5, 1, 4]), 2), [1, -4, -1])


def test_margin_at_the_ends_of_the_scale():
    pair = path(2)
    assert_array_equal(gm.margin(pair, np.array([0, 255], dtype=np.uint8)), [-255, 255])
    ends = np.array([-(2**63), 2**63 - 1])
    assert_array_equal(gm.margin(pair, ends), [-float(2**64 - 1), float(2**64 - 1)])
    assert_array_equal(gm.margin(pair, np.array([2**53, 2**53 + 1])), [-1, 1])
    assert_array_equal(gm.margin(pair, np.array([inf, inf])), [0, 0])
    assert_array_equal(gm.margin(pair, np.array([inf, -inf])), [inf, -inf])
    assert_array_equal(gm.margin(pair, np.array([5e-324, 0.0])), [5e-324, -5e-324])
    assert_array_equal(gm.margin(pair, np.array([1.7e308, -1.7e308])), [inf, -inf])
    assert_array_equal(gm.margin(pair, np.array([True, False])), [1, -1])
    days = np.array(["2020-01-01", "2020-01-03"], dtype="datetime64[h]")
    assert_array_equal(gm.margin(pair, days), [-48, 48])


def test_nobody_to_beat_is_an_infinite_margin():
    lone = gm.Graph.from_edges([0], [1], 4)
    assert_array_equal(gm.margin(lone, [2, 1, 0, -9]), [1, -1, inf, inf])
    gappy = np.array([nan, 1.0, 0.0, nan])
    assert_array_equal(gm.margin(lone, gappy, nan="omit"), [nan, inf, inf, nan])


def test_a_graph_without_nodes_has_an_empty_answer():
    empty = gm.Graph.from_edges([], [], 0)
    for shape in (0, (0, 3)):
        values = np.zeros(shape)
        assert_array_equal(gm.local_maxima(empty, values), np.zeros(shape, bool), strict=True)
        assert_array_equal(gm.margin(empty, values), np.zeros(shape), strict=True)
        assert_array_equal(gm.isolation(empty, values).distance, np.zeros(shape), strict=True)
        witness = np.zeros(shape, np.int64)
        assert_array_equal(gm.isolation(empty, values).witness, witness, strict=True)


def test_an_attribute_without_columns_has_an_answer_without_columns():
    assert gm.local_maxima(path(3), np.zeros((3, 0))).shape == (3, 0)
    assert gm.isolation(path(3), np.zeros((3, 0))).distance.shape == (3, 0)


def test_a_rule_stands_for_its_fields():
    rule = gm.Rule(hops=2, ties="weak", isolated=False, extremum="min")
    values = np.array([3, 1, 1, 0, 7])
    graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], 5)
    expected = gm.local_maxima(graph, values, 2, ties="weak", isolated=False, extremum="min")
    assert_array_equal(gm.local_maxima(graph, values, rule=rule), expected)
    assert_array_equal(expected, [False, False, False, True, False])


def test_index_depends_on_the_numbering_and_says_so():
    """The same constant path, numbered in two ways."""
    constant = np.zeros(3)
    assert_array_equal(gm.local_maxima(path(3), constant, ties="index"), [True, False, False])
    bent = gm.Graph.from_edges([0, 2], [2, 1], 3)
    assert_array_equal(gm.local_maxima(bent, constant, ties="index"), [True, True, False])


def test_more_hops_than_any_integer_type_of_the_kernels():
    values = np.array([9, 1, 5])
    assert_array_equal(gm.local_maxima(path(3), values, 2**40), [True, False, False])
    assert_array_equal(gm.local_maxima(path(3), values, np.int8(2)), [True, False, False])


@pytest.mark.parametrize("limit", [1, 2, 3, None])
def test_a_constant_complete_graph_fits_into_the_queue(limit):
    """Every node starts a search of the whole plateau, and meets every node from every node."""
    graph = graph_of(Network(30, tuple(combinations(range(30), 2))))
    constant = np.zeros(30)
    found = gm.isolation(graph, constant, ties="plateau", max_distance=limit)
    assert_array_equal(found.distance, np.full(30, inf))
    assert gm.local_maxima(graph, constant, limit, ties="plateau").all()


# --- against the oracle


@given(st.data())
def test_maxima_are_those_of_the_oracle(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    graph = graph_of(network)
    rule = data.draw(rules(network, "direction", "extremum", "isolated"))
    for ties in TIES:
        asked = {**rule, "ties": ties, "nan": "omit", "where": where}
        expected = oracles.local_maxima(network, values, **asked)
        assert_array_equal(gm.local_maxima(graph, values, **asked), expected, err_msg=str(asked))


@given(st.data())
def test_minima_are_those_of_the_oracle(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    rule = data.draw(rules(network, "direction", "isolated"))
    for ties in TIES:
        asked = {**rule, "ties": ties, "nan": "omit"}
        expected = oracles.local_maxima(network, values, extremum="min", **asked)
        assert_array_equal(gm.local_minima(graph_of(network), values, **asked), expected)


@given(st.data())
def test_isolation_and_witness_are_those_of_the_oracle(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    rule = data.draw(rules(network, "direction", "extremum"))
    weighted = "radius" in rule
    limit = data.draw(st.sampled_from([None, rule.pop("radius" if weighted else "hops")]))
    where = data.draw(masks(network.num_nodes))
    for ties in TIES:
        asked = {**rule, "ties": ties, "weighted": weighted, "max_distance": limit}
        asked |= {"where": where, "nan": "omit"}
        distance, witness = oracles.isolation(network, values, **asked)
        found = gm.isolation(graph_of(network), values, **asked)
        assert_array_equal(found.distance, distance, err_msg=str(asked))
        assert_array_equal(found.witness, witness, err_msg=str(asked))


@given(st.data())
def test_margins_are_those_of_the_oracle(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    rule = data.draw(rules(network, "direction", "extremum"))
    asked = {**rule, "nan": "omit", "where": where}
    found = gm.margin(graph_of(network), values, **asked)
    assert_array_equal(found, oracles.margin(network, values, **asked), err_msg=str(asked))


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("directed", [False, True])
def test_larger_sparse_graphs_with_long_distances(ties, directed):
    """Trees and rings of a few dozen nodes, where isolation reaches far."""
    generator = np.random.default_rng(11)
    for size in (12, 25, 40):
        tree = nx.random_labeled_tree(size, seed=size)
        edges = (*tree.edges(), (0, size - 1))
        weights = tuple(generator.choice([0.0, 0.1, 0.2, 0.7], len(edges)).tolist())
        network = Network(size, edges, weights, directed)
        values = generator.integers(0, 6, size)
        for weighted in (False, True):
            asked = {"ties": ties, "weighted": weighted, "direction": "out"}
            distance, witness = oracles.isolation(network, values, **asked)
            found = gm.isolation(graph_of(network), values, **asked)
            assert_array_equal(found.distance, distance)
            assert_array_equal(found.witness, witness)


def test_loners_under_a_reach_of_their_own():
    graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], 6)  # a path, and two nodes alone
    values, reach = np.array([3, 1, 2, 4, 9, 5]), np.array([1, 1, 1, 3, 2, 1])
    assert_array_equal(np.flatnonzero(gm.local_maxima(graph, values, reach)), [0, 3, 4, 5])
    among = gm.local_maxima(graph, values, reach, isolated=False)
    assert_array_equal(np.flatnonzero(among), [0, 3])
    lengths = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], 6, weights=[2.0, 2, 2])
    among = gm.local_maxima(lengths, values, radius=reach.astype(float), isolated=False)
    assert_array_equal(np.flatnonzero(among), [0, 1, 2, 3])


def test_columns_that_are_cut_at_other_nodes_are_answered_one_by_one():
    graph = gm.grid_graph(5)
    values = np.array([[1, 5], [np.nan, 4], [3, np.nan], [2, 3], [4, 1]], np.float64)
    fields = {"nan": "omit", "absent": "block"}
    for call in (gm.local_maxima, gm.margin, gm.rivals):
        columns = [call(graph, values[:, column], 2, **fields) for column in (0, 1)]
        assert_array_equal(call(graph, values, 2, **fields), np.stack(columns, axis=1))


def test_a_reach_of_every_node_may_be_short():
    path = gm.Graph.from_edges([0, 1], [1, 2], weights=[0.4, 0.4])
    assert_array_equal(gm.local_maxima(path, [1, 2, 3], radius=[0.5, 0.3, 0.2]), [0, 1, 1])
