"""Centered against shifted, hard negatives, and splits of one graph by blocks."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import graph_of, networks

import graphmax as gm
from graphmax.datasets import centered_pairs, hard_negatives, split_nodes


def path(size):
    return gm.Graph.from_edges(range(size - 1), range(1, size), size)


# --- centered pairs


def test_a_maximum_and_its_neighbors():
    (pairs,) = centered_pairs(path(5), np.array([1, 2, 9, 2, 1]), hops=2)
    assert pairs.center == 2
    assert_array_equal(pairs.batch.root, [2, 1, 3])
    assert_array_equal(pairs.labels, [True, False, False])
    assert_array_equal(pairs.batch.labels(), pairs.labels)
    assert_array_equal(pairs.batch.ptr, [0, 5, 9, 13])


def test_neighbors_of_the_same_label_are_left_out():
    values = np.array([1, 5, 5, 1])
    weak = list(centered_pairs(path(4), values, rule=gm.Rule(ties="weak")))
    assert [pairs.batch.root.tolist() for pairs in weak] == [[1, 0], [2, 3]]
    assert list(centered_pairs(path(2), np.array([3, 3]), rule=gm.Rule(ties="weak"))) == []
    assert list(centered_pairs(gm.Graph.from_edges([], [], 2), np.array([3, 4]))) == []


@given(st.data())
@settings(max_examples=100)
def test_every_maximum_with_another_neighbor_has_its_pairs(data):
    network = data.draw(networks(weighted=False, directed=False))
    values = np.array(data.draw(st.lists(st.integers(0, 3), min_size=8, max_size=8)))
    values, graph = values[: network.num_nodes], graph_of(network)
    hops, layout = data.draw(st.integers(1, 3)), data.draw(st.sampled_from(["sparse", "dense"]))
    rule = gm.Rule(hops=hops, ties=data.draw(st.sampled_from(["strict", "weak", "index"])))
    mask = gm.local_maxima(graph, values, rule=rule)
    found = {p.center: p for p in centered_pairs(graph, values, rule=rule, layout=layout)}
    for v in range(network.num_nodes):
        row = graph.indices[graph.indptr[v] : graph.indptr[v + 1]]
        others = [u for u in row if not mask[u]]
        assert (v in found) == bool(mask[v] and others)
        if v in found:
            assert_array_equal(found[v].batch.root, [v, *others])
            assert_array_equal(found[v].batch.labels(), mask[found[v].batch.root])


def test_pairs_of_tensors_and_names():
    torch = pytest.importorskip("torch")
    G = nx.path_graph(3)
    nx.set_node_attributes(G, {0: 1, 1: 7, 2: 3}, "height")
    (named,) = centered_pairs(G, "height")
    assert named.batch.root.tolist() == [1, 0, 2]
    (pairs,) = centered_pairs(path(3), torch.tensor([1.0, 7.0, 3.0]))
    assert isinstance(pairs.labels, torch.Tensor)
    assert isinstance(pairs.batch.x, torch.Tensor)


# --- hard negatives


def test_hard_by_margin_and_by_witness():
    values = np.array([9, 8, 0, 5, 1, 7])
    assert_array_equal(hard_negatives(path(6), values, 2, num_nodes=9), [1, 3, 4, 2])
    assert_array_equal(hard_negatives(path(6), values, 2, num_nodes=9, by="witness"), [3, 1, 4, 2])
    assert_array_equal(hard_negatives(path(6), values, 2, num_nodes=1), [1])


@given(st.data())
@settings(max_examples=100)
def test_hard_negatives_are_no_maxima_and_sorted(data):
    network = data.draw(networks())
    values = np.array(data.draw(st.lists(st.integers(0, 5), min_size=8, max_size=8)))
    values, graph = values[: network.num_nodes], graph_of(network)
    rule = gm.Rule(
        hops=data.draw(st.integers(1, 3)), ties=data.draw(st.sampled_from(["strict", "weak"])),
        extremum=data.draw(st.sampled_from(["max", "min"])),
    )  # fmt: skip
    mask = gm.local_maxima(graph, values, rule=rule)
    lead = gm.margin(graph, values, rule.hops, extremum=rule.extremum)
    distance = gm.isolation(graph, values, ties=rule.ties, extremum=rule.extremum).distance
    nearest = hard_negatives(graph, values, rule=rule, num_nodes=99)
    farthest = hard_negatives(graph, values, rule=rule, num_nodes=99, by="witness")
    for chosen in (nearest, farthest):
        assert_array_equal(np.sort(chosen), np.flatnonzero(~mask))
    assert (np.diff(lead[nearest]) <= 0).all()
    assert (np.diff(distance[farthest]) <= 0).all()


def test_nodes_without_a_value_are_no_negatives():
    values = np.array([np.nan, 2.0, 1.0, np.nan])
    found = hard_negatives(path(4), values, rule=gm.Rule(nan="omit"), num_nodes=9)
    assert_array_equal(found, [2])
    lacking = np.ma.MaskedArray([9, 2, 1, 9], [True, False, False, True])
    assert_array_equal(hard_negatives(path(4), lacking, rule=gm.Rule(nan="omit"), num_nodes=9), [2])


def test_negatives_refuse():
    with pytest.raises(ValueError, match=r"`by` must be one of 'margin', 'witness', got 'height'"):
        hard_negatives(path(3), [1, 2, 3], num_nodes=1, by="height")
    with pytest.raises(ValueError, match=r"`num_nodes` must be at least 1, got 0"):
        hard_negatives(path(3), [1, 2, 3], num_nodes=0)
    with pytest.raises(ValueError, match=r"`ties` must be .* got 'plateau'"):
        hard_negatives(path(3), [1, 2, 3], rule=gm.Rule(ties="plateau"), num_nodes=1)
    with pytest.raises(ValueError, match=r"`ties` must be .* got 'plateau'"):
        centered_pairs(path(3), [1, 2, 3], rule=gm.Rule(ties="plateau"))


# --- blocks


@pytest.mark.parametrize("shares", [(0.6, 0.2, 0.2), (0.5, 0.0, 0.5), (1.0, 0.0, 0.0)])
def test_parts_are_whole_blocks_and_have_their_shares(shares):
    graph = gm.grid_graph((50, 50), 4)
    generator = np.random.default_rng(0)
    parts = split_nodes(graph, gm.Rule(), shares, num_blocks=40, generator=generator)
    masks = np.stack(parts[:3])
    assert_array_equal(masks.sum(axis=0), np.ones(2500))
    assert abs(masks.mean(axis=1) - shares).max() < 0.06
    inside = graph.to_networkx()
    pieces = sum(
        nx.number_connected_components(inside.subgraph(np.flatnonzero(mask).tolist()))
        for mask in masks
        if mask.any()
    )
    assert pieces <= 40


@given(st.data())
@settings(max_examples=60)
def test_touching_is_the_share_of_test_balls_with_a_training_node(data):
    network = data.draw(networks(min_nodes=2))
    graph, rule = graph_of(network), gm.Rule(
        hops=data.draw(st.integers(1, 3)), direction=data.draw(st.sampled_from(["in", "out", "both"]))
    )  # fmt: skip
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    parts = split_nodes(graph, rule, (0.4, 0.2, 0.4), num_blocks=3, generator=generator)
    batch = gm.neighborhoods(graph, np.zeros(network.num_nodes), rule=rule)
    touched = [
        bool(parts.train[batch.node[batch.ptr[v] : batch.ptr[v + 1]]].any())
        for v in np.flatnonzero(parts.test)
    ]
    assert parts.touching == pytest.approx(np.mean(touched) if touched else 0.0)


def test_nothing_to_split():
    parts = split_nodes(
        gm.Graph.from_edges([], [], 0), gm.Rule(), generator=np.random.default_rng(0)
    )
    assert (parts.train.size, parts.touching) == (0, 0.0)


def test_fields_are_spelled_out_and_a_rule_stands_in_place_of_hops():
    values = np.array([1, 5, 5, 1])
    weak = [pairs.batch.root.tolist() for pairs in centered_pairs(path(4), values, ties="weak")]
    assert weak == [[1, 0], [2, 3]]
    whole = gm.Rule(ties="weak")
    assert [p.batch.root.tolist() for p in centered_pairs(path(4), values, whole)] == weak
    assert_array_equal(hard_negatives(path(4), values, num_nodes=2, ties="weak"), [0, 3])
    inside = np.array([True, False, True, True])
    found = [pairs.batch.root.tolist() for pairs in centered_pairs(path(4), values, where=inside)]
    assert found == [[0, 1], [2, 1, 3]]
