"""Greedy suppression: known cases, the oracle, and its laws."""

import networkx as nx
import numpy as np
import oracles
import oracles_peaks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import columns, examples, graph_of, masks, networks

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


def test_the_reach_of_the_node_that_is_kept_counts():
    reach = np.array([1, 3, 1, 1, 1, 1, 1])
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, reach), [1, 5])
    assert_array_equal(
        gm.non_maximum_suppression(PATH, [9, 1, 1, 8, 1, 1, 7], [1] * 6 + [6]), [0, 3, 6]
    )
    near = np.array([2.0, 0.5, 0.5])
    triple = gm.Graph.from_edges([0, 1], [1, 2], weights=[1.0, 1.0])
    assert_array_equal(gm.non_maximum_suppression(triple, [3, 2, 1], radius=near), [0])
    assert_array_equal(gm.non_maximum_suppression(triple, [1, 2, 3], radius=near), [2, 1, 0])


def test_a_radius_is_a_length_along_edges_or_a_straight_line():
    """Two ends of a bent wire: far apart along it, near to each other."""
    wire = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], weights=[3.0, 1.0, 3.0])
    wire = wire.replace(positions=[[0, 0], [3, 0], [3, 1], [0, 1]])
    scores = [9, 1, 2, 8]
    assert_array_equal(gm.non_maximum_suppression(wire, scores, radius=3), [0, 3])
    straight = {"metric": "euclidean"}
    assert_array_equal(gm.non_maximum_suppression(wire, scores, radius=1, **straight), [0, 2])
    assert_array_equal(
        gm.non_maximum_suppression(wire, scores, radius=0.9, **straight), [0, 3, 2, 1]
    )
    assert_array_equal(gm.non_maximum_suppression(wire, scores, radius=4, **straight), [0])


def test_groups_and_nodes_without_a_score():
    groups = [0, 0, 0, 1, 1, 1, 1]
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, 6, groups=groups), [1, 3])
    holes = [0, np.nan, 5, 8, 0, 7, 0]
    assert_array_equal(gm.non_maximum_suppression(PATH, holes, 2), [3, 0, 6])
    rule = gm.Rule(2)
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, rule), [1, 5])
    assert_array_equal(gm.non_maximum_suppression(PATH, SCORES, rule=rule), [1, 5])


@settings(max_examples=examples(120))
@given(st.data())
def test_it_keeps_what_the_oracle_keeps(data):
    network = data.draw(networks(max_nodes=9))
    size, weighted = network.num_nodes, network.weights is not None
    scores = data.draw(columns(size, 1))[:, 0]
    threshold, where = data.draw(st.none() | st.integers(0, 4)), data.draw(masks(size))
    groups = np.array(data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)))
    groups = groups if data.draw(st.booleans()) else np.zeros(size, int)
    level = oracles.levels(scores, where=where)
    inside = oracles_peaks.inside_groups(oracles_peaks.induced(network, level), groups)
    metric = data.draw(st.sampled_from(["hops", "euclidean"] + ["weight"] * weighted))
    points = data.draw(st.lists(st.integers(0, 3), min_size=2 * size, max_size=2 * size))
    positions = np.reshape(points, (size, 2)).astype(float)
    reaches = [1, 2, 3] if metric == "hops" else [0.3, 0.6, 1.0, 2.0, 5.0]
    reach = np.array(data.draw(st.lists(st.sampled_from(reaches), min_size=size, max_size=size)))
    asked = {"hops": reach} if metric == "hops" else {"radius": reach, "metric": metric}
    if data.draw(st.booleans()):
        reach = np.full(size, reach[0])
        asked |= {name: reach[0].item() for name in set(asked) & {"hops", "radius"}}
    graph = graph_of(network).replace(positions=positions)
    if metric == "euclidean":  # a radius asks for weights only where it measures them
        straight = oracles_peaks.lines(positions)
        distance = lambda v, u: straight(v, u) if groups[v] == groups[u] else np.inf  # noqa: E731
    else:
        distance = oracles_peaks.walks(inside, weighted=metric == "weight")
    candidates = [
        v
        for v in range(size)
        if level[v] is not None and (threshold is None or scores[v] >= threshold)
    ]
    candidates.sort(key=lambda v: oracles.position(level, v))
    found = gm.non_maximum_suppression(
        graph, scores, threshold=threshold, where=where, groups=groups, direction="both", **asked
    )
    assert_array_equal(found, oracles_peaks.suppression(candidates, distance, lambda v: reach[v]))


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
@pytest.mark.parametrize("radius", [0.02, 0.3, 2.0])
def test_straight_lines_among_many_points(dimension, radius, monkeypatch):
    """Against a k-d tree, point after point; then in many pieces, then with a reach each."""
    from graphmax.kernels import suppress

    generator = np.random.default_rng(dimension)
    points, scores = generator.random((600, dimension)), generator.random(600)
    graph = gm.Graph.from_edges([], [], 600).replace(positions=points)
    reaches = generator.random(600) * radius
    for reach in (np.full(600, radius), reaches):
        alive, kept = np.ones(600, bool), []
        for v in np.argsort(-scores):
            if alive[v]:
                kept.append(v)
                alive &= np.sqrt(((points - points[v]) ** 2).sum(axis=1)) > reach[v]
        asked = {"radius": reach if reach is reaches else radius, "metric": "euclidean"}
        assert_array_equal(gm.non_maximum_suppression(graph, scores, **asked), kept)
        with monkeypatch.context() as patch:
            patch.setattr(suppress, "PAIRS_PER_CALL", 5)
            assert_array_equal(gm.non_maximum_suppression(graph, scores, **asked), kept)


def test_a_larger_graph_in_several_pieces(monkeypatch):
    from graphmax.kernels import suppress

    generator = np.random.default_rng(1)
    ends = generator.integers(0, 2000, (2, 6000))
    graph = gm.Graph.from_edges(*ends, 2000, weights=generator.random(6000))
    scores, reach = generator.random(2000), generator.random(2000)
    whole = gm.non_maximum_suppression(graph, scores, radius=reach)
    hops = gm.non_maximum_suppression(graph, scores, np.ceil(4 * reach).astype(int))
    monkeypatch.setattr(suppress, "EDGES_PER_CALL", 7)
    assert_array_equal(gm.non_maximum_suppression(graph, scores, radius=reach), whole)
    assert_array_equal(
        gm.non_maximum_suppression(graph, scores, np.ceil(4 * reach).astype(int)), hops
    )


@settings(max_examples=examples(100))
@given(st.data())
def test_every_maximum_in_order_is_kept(data):
    network = data.draw(networks(max_nodes=9))
    graph, scores = graph_of(network), data.draw(columns(network.num_nodes, 1))[:, 0]
    hops = data.draw(st.integers(1, 3))
    kept = gm.non_maximum_suppression(graph, scores, hops, direction="both")
    maxima = gm.local_maxima(graph, scores, hops, ties="index", direction="both")
    assert set(np.flatnonzero(maxima)) <= set(kept)
    assert (np.diff(scores[kept]) <= 0).all()
