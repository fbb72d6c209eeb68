"""The merge tree as an object: cases readable by eye, brute force over levels, laws, peers."""

import numpy as np
import oracles
import oracles_peaks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import EXTREMA, examples, graph_of, masks, networks, with_gaps

import graphmax as gm

PATH = gm.Graph.from_edges(range(5), range(1, 6))
VALUES = [1, 9, 4, 6, 5, 7]


def test_a_small_range_of_mountains():
    """9, 7 and 6 join at 5 and at 4; the foot is 1."""
    tree = gm.merge_tree(PATH, VALUES)
    assert_array_equal(tree.nodes, [1, 5, 3, 4, 2, 0])
    assert_array_equal(tree.heights, [9, 7, 6, 5, 4, 1])
    assert_array_equal(tree.parents, [4, 3, 3, 4, 5, -1])
    assert_array_equal(tree.is_leaf, [True, True, True, False, False, False])
    assert repr(tree) == "MergeTree(6 vertices, 3 peaks, 1 root)"
    assert_array_equal(tree.peaks.nodes, [1, 5, 3])
    assert tree.nodes.flags.writeable is False


def test_cuts_are_components():
    tree = gm.merge_tree(PATH, VALUES)
    assert_array_equal(tree.cut(9.5), [-1] * 6)
    assert_array_equal(tree.cut(5), [-1, 1, -1, 5, 5, 5])
    assert_array_equal(tree.cut(4), [-1, 1, 1, 1, 1, 1])
    assert_array_equal(tree.cut(-np.inf), [1] * 6)


def test_the_first_node_may_be_a_saddle_and_a_parent():
    """Node 0 lies between two summits; a third one stands alone."""
    graph = gm.Graph.from_edges([1, 0], [0, 2], 4)
    tree = gm.merge_tree(graph, [1, 3, 2, 5])
    assert repr(tree) == "MergeTree(4 vertices, 3 peaks, 2 roots)"
    assert_array_equal(tree.cut(1), [1, 1, 1, 3])
    assert_array_equal(tree.cut(2), [-1, 1, 2, 3])
    one = gm.merge_tree(gm.Graph.from_edges([0], [1]), [3, 2])
    assert_array_equal(one.parents, [1, -1])
    assert repr(one) == "MergeTree(2 vertices, 1 peaks, 1 root)"
    death = gm.find_peaks(graph, [1, 3, 2, 5]).persistence.death_node
    assert_array_equal(death, [0, 0, 0])


def test_hills_are_cut_down_to_their_saddle():
    tree = gm.merge_tree(PATH, VALUES)
    assert_array_equal(tree.simplify(0), VALUES)
    assert_array_equal(tree.simplify(2), [1, 9, 4, 5, 5, 7])
    assert_array_equal(tree.simplify(3.5), [1, 9, 4, 4, 4, 4])
    assert_array_equal(tree.simplify(np.inf), [1, 9, 4, 4, 4, 4])
    low = gm.merge_tree(PATH, -np.array(VALUES), extremum="min")
    assert_array_equal(low.simplify(2), [-1, -9, -4, -5, -5, -7])


def test_several_that_meet_at_one_height_have_one_vertex():
    """Three tops around two saddles of one height that do not touch."""
    graph = gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4])
    tree = gm.merge_tree(graph, [5, 2, 6, 2, 7])
    assert_array_equal(tree.nodes, [4, 2, 0, 1])
    assert_array_equal(tree.parents, [3, 3, 3, -1])


def test_flat_and_empty_graphs():
    flat = gm.merge_tree(gm.Graph.from_edges([0], [1], 3), [2, 2, 2])
    assert_array_equal(flat.nodes, [0, 2])
    assert_array_equal(flat.parents, [-1, -1])
    assert_array_equal(flat.simplify(1), [2, 2, 2])
    empty = gm.merge_tree(gm.Graph.from_edges([], [], 0), np.zeros(0))
    assert len(empty) == 0
    assert empty.cut(0).shape == (0,)
    assert empty.simplify(1).shape == (0,)


def test_large_integers_and_tensors_stay_what_they_are():
    torch = pytest.importorskip("torch")
    values = torch.tensor([2**53 + 1, 0, 2**53, -1])
    tree = gm.merge_tree(gm.Graph.from_edges([0, 1, 2], [1, 2, 3]), values)
    torch.testing.assert_close(tree.simplify(2**53 + 2), torch.tensor([2**53 + 1, 0, 0, -1]))
    torch.testing.assert_close(tree.cut(2**53), torch.tensor([0, -1, 2, -1]))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"hops": 2}, TypeError, "`hops` must not be given to merge_tree; "),
        ({"ties": "weak"}, TypeError, "`ties` must not be given to merge_tree; "),
        ({"values": [1, 2]}, ValueError, "`values` must have one entry per node"),
    ],
)
def test_merge_tree_refuses(wrong, error, message):
    with pytest.raises(error, match=message):
        gm.merge_tree(**{"graph": PATH, "values": VALUES, **wrong})


def test_levels_are_checked():
    tree = gm.merge_tree(PATH, VALUES)
    with pytest.raises(ValueError, match="`height` must be a number, got NaN"):
        tree.cut(np.nan)
    with pytest.raises(ValueError, match="`min_prominence` must be at least 0, got -1"):
        tree.simplify(-1)


@st.composite
def mountains(draw):
    """Draw a small network, values, and the levels they mean."""
    network = draw(networks(max_nodes=9, directed=False))
    values, where = draw(with_gaps(network.num_nodes)), draw(masks(network.num_nodes))
    extremum = draw(st.sampled_from(EXTREMA))
    level = oracles.levels(values, extremum=extremum, where=where)
    return network, values, {"where": where, "extremum": extremum}, level


@settings(max_examples=examples(120))
@given(mountains())
def test_vertices_are_those_of_the_falling_level(mountain):
    network, values, asked, level = mountain
    tree = gm.merge_tree(graph_of(network), values, **asked)
    below = np.append(tree.nodes, -1)[tree.parents]
    found = set(zip(tree.nodes.tolist(), below.tolist(), strict=True))
    assert found == oracles_peaks.merge_tree(network, level)
    assert_array_equal(tree.heights, np.asarray(values)[tree.nodes])
    assert (tree.parents[tree.parents >= 0] > np.flatnonzero(tree.parents >= 0)).all()


@settings(max_examples=examples(80))
@given(mountains(), st.sampled_from([-1, 0, 1, 1.5, 3, np.inf, -np.inf]))
def test_cuts_are_those_of_networkx(mountain, height):
    network, values, asked, level = mountain
    sign = -1 if asked["extremum"] == "min" else 1
    expected = np.full(network.num_nodes, -1)
    for component in oracles_peaks.components(network, level, sign * height):
        expected[list(component)] = min(component, key=lambda v: oracles.position(level, v))
    tree = gm.merge_tree(graph_of(network), values, **asked)
    assert_array_equal(tree.cut(height), expected)


@settings(max_examples=examples(80))
@given(mountains(), st.sampled_from([0, 1, 1.5, 2, 3, np.inf]))
def test_repaired_fields_are_those_of_the_best_paths(mountain, least):
    network, values, asked, level = mountain
    sign = -1 if asked["extremum"] == "min" else 1
    repaired = gm.merge_tree(graph_of(network), values, **asked).simplify(least)
    expected = oracles_peaks.repaired(network, level, least)
    present = [v for v in range(network.num_nodes) if level[v] is not None]
    assert_array_equal(repaired[present], [sign * expected[v] for v in present])
    absent = np.setdiff1d(np.arange(network.num_nodes), present)
    assert_array_equal(repaired[absent], np.asarray(values)[absent])


@settings(max_examples=examples(80))
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 1000]), st.integers(0, 6))
def test_exactly_the_peaks_that_stay_are_peaks(seed, levels, least):
    generator = np.random.default_rng(seed)
    graph = gm.Graph.from_edges(*generator.integers(0, 40, (2, 70)), 40)
    values = generator.integers(0, levels, 40)
    peaks = gm.find_peaks(graph, values)
    stay = peaks[(peaks.prominence >= least) | (peaks.key_saddle < 0)]
    repaired = gm.merge_tree(graph, values).simplify(least)
    assert repaired.dtype == values.dtype
    assert (repaired <= values).all()
    again = gm.find_peaks(graph, repaired)
    assert_array_equal(again.nodes, stay.nodes)
    assert_array_equal(again.value, stay.value)
    assert_array_equal(
        again.key_saddle_value[again.key_saddle >= 0], stay.key_saddle_value[stay.key_saddle >= 0]
    )


def test_h_maxima_of_scikit_image_are_the_prominent_peaks():
    """On images without ties, where theirs and ours do not have to choose between twins."""
    morphology = pytest.importorskip("skimage.morphology")
    generator = np.random.default_rng(4)
    for _ in range(20):
        image = generator.permutation(168).reshape(12, 14).astype(np.uint8)
        graph = gm.grid_graph(image.shape, 8)
        for h in (5, 20, 60):
            peaks = gm.find_peaks(graph, image.ravel(), min_prominence=h)
            theirs = morphology.h_maxima(image, h, footprint=np.ones((3, 3)))
            assert_array_equal(np.flatnonzero(theirs), np.sort(peaks.nodes))
            repaired = gm.merge_tree(graph, image.ravel()).simplify(h)
            again = morphology.local_maxima(repaired.reshape(image.shape))
            assert_array_equal(np.flatnonzero(again), np.sort(peaks.nodes))


def test_gudhi_finds_the_same_persistence_after_the_repair():
    gudhi = pytest.importorskip("gudhi")
    generator = np.random.default_rng(9)
    for _ in range(20):
        graph = gm.Graph.from_edges(*generator.integers(0, 40, (2, 60)), 40)
        values = generator.integers(0, 9, 40).astype(float)
        repaired = gm.merge_tree(graph, values).simplify(3)
        flag = gudhi.SimplexTree()
        for v, value in enumerate(repaired):
            flag.insert([v], -value)
        for u, v in graph.edges().T.tolist():
            flag.insert([u, v], -min(repaired[u], repaired[v]))
        flag.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        pairs = flag.persistence_intervals_in_dimension(0)
        finite = pairs[np.isfinite(pairs[:, 1])]
        assert (finite[:, 1] - finite[:, 0] >= 3).all()
        peaks = gm.find_peaks(graph, values)
        assert len(finite) == int(((peaks.prominence >= 3) & (peaks.key_saddle >= 0)).sum())


def test_a_saddle_may_be_the_first_node():
    graph, values = gm.Graph.from_edges([1, 0, 2], [0, 2, 3]), [2, 4, 3, 1]
    tree = gm.merge_tree(graph, values)
    assert tree.nodes.tolist() == [1, 2, 0, 3]
    assert tree.parents.tolist() == [2, 2, 3, -1]
    persistence = gm.find_peaks(graph, values).persistence
    assert persistence.death_node.tolist() == [3, 0]
    assert persistence.death.tolist() == [1, 2]


def test_a_tree_says_how_many_roots_it_has():
    path = gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4], 5)
    assert repr(gm.merge_tree(path, [5, 1, 4, 0, 3])) == "MergeTree(5 vertices, 3 peaks, 1 root)"
