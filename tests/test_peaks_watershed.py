"""Basins of markers and divided plateaus: cases readable by eye, the oracle, laws, scikit-image."""

import networkx as nx
import numpy as np
import oracles
import oracles_peaks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import EXTREMA, examples, graph_of, masks, networks, with_gaps

import graphmax as gm

PATH = gm.Graph.from_edges(range(6), range(1, 7))

# --- known cases


def test_markers_flood_from_the_top():
    """Heights 1 9 4 6 5 7 2: the marker on 7 is stopped by the saddle at 4, as the other is."""
    values = [1, 9, 4, 6, 5, 7, 2]
    assert_array_equal(
        gm.basins(PATH, values, markers=[0, 8, 0, 0, 0, 3, 0]), [8, 8, 3, 3, 3, 3, 3]
    )
    assert_array_equal(
        gm.basins(PATH, values, markers=[0, 2, 0, 0, 0, 3, 0]), [2, 2, 2, 3, 3, 3, 3]
    )
    assert_array_equal(gm.basins(PATH, values, markers=[0, 0, 0, 0, 5, 0, 0]), [5] * 7)


def test_of_equal_ways_the_fewer_steps_then_the_lower_label():
    flat = [9, 1, 1, 1, 1, 1, 9]
    assert_array_equal(gm.basins(PATH, flat, markers=[5, 0, 0, 0, 0, 0, 4]), [5, 5, 5, 4, 4, 4, 4])


def test_a_marker_that_lies_low_waits_for_the_water():
    """The marker at the foot of a hill gets what the one on the hill has not taken before."""
    values = [9, 8, 7, 1, 5, 6, 2]
    assert_array_equal(
        gm.basins(PATH, values, markers=[1, 0, 0, 2, 0, 0, 0]), [1, 1, 1, 2, 2, 2, 2]
    )


def test_pieces_of_a_mask_are_markers():
    mask = np.array([True, True, False, False, False, True, False])
    assert_array_equal(gm.basins(PATH, [1, 9, 4, 6, 5, 7, 2], markers=mask), [0, 0, 0, 5, 5, 5, 5])


def test_what_no_marker_reaches_has_none():
    graph = gm.Graph.from_edges([0, 2], [1, 3], 5)
    values = [1.0, 2, 3, np.nan, 5]
    assert_array_equal(gm.basins(graph, values, markers=[7, 0, 0, 0, 0]), [7, 7, -1, -1, -1])


def test_plateaus_are_divided_by_steps_from_their_rim():
    values = [9, 1, 1, 1, 1, 1, 8]
    assert_array_equal(gm.basins(PATH, values), [0] * 6 + [6])
    assert_array_equal(gm.basins(PATH, values, split_plateaus=True), [0, 0, 0, 0, 6, 6, 6])
    flat = gm.basins(PATH, [3, 3, 1, 2, 2, 1, 3], split_plateaus=True)
    assert_array_equal(flat, [0, 0, 0, 3, 3, 6, 6])


def test_markers_of_a_grid_have_its_shape():
    image = np.array([[3, 1, 4], [3, 1, 4]])
    markers = np.array([[1, 0, 2], [0, 0, 0]])
    found = gm.basins(gm.grid_graph(image.shape, 4), image.ravel(), markers=markers)
    assert_array_equal(np.reshape(found, (2, 3)), [[1, 1, 2], [1, 1, 2]])


def test_names_and_tensors_come_back_as_they_do_elsewhere():
    torch = pytest.importorskip("torch")
    graph = nx.path_graph(4)
    found = gm.basins(graph, torch.tensor([1, 5, 2, 3]), markers=torch.tensor([0, 4, 0, 2]))
    torch.testing.assert_close(found, torch.tensor([4, 4, 2, 2]))


# --- against the oracle


@settings(max_examples=examples(100))
@given(st.data())
def test_floods_are_those_of_the_oracle(data):
    network = data.draw(networks(max_nodes=9))
    size = network.num_nodes
    values, where = data.draw(with_gaps(size)), data.draw(masks(size))
    extremum = data.draw(st.sampled_from(EXTREMA))
    level = oracles.levels(values, extremum=extremum, where=where)
    markers = np.array(
        data.draw(st.lists(st.sampled_from([0, 0, 1, 2]), min_size=size, max_size=size))
    )
    markers[[height is None for height in level]] = 0
    marked = {v: int(markers[v]) for v in np.flatnonzero(markers)}
    asked = {"direction": "both", "where": where, "extremum": extremum}
    found = gm.basins(graph_of(network), values, markers=markers, **asked)
    expected = oracles_peaks.watershed(network, level, marked)
    assert_array_equal(found, [min(labels) for labels in expected])
    for v in range(size):  # nobody else is joined to it higher up
        heights = {
            label: oracles_peaks.bottleneck(
                network, level, v, [m for m in marked if marked[m] == label]
            )
            for label in set(marked.values())
        }
        present = {label: height for label, height in heights.items() if height is not None}
        if level[v] is None or not present or v in marked:
            continue
        assert heights[int(found[v])] == max(present.values())


@settings(max_examples=examples(100))
@given(st.data())
def test_divided_plateaus_are_those_of_the_oracle(data):
    network = data.draw(networks(max_nodes=9))
    values, where = data.draw(with_gaps(network.num_nodes)), data.draw(masks(network.num_nodes))
    level = oracles.levels(values, where=where)
    found = gm.basins(graph_of(network), values, split_plateaus=True, where=where, direction="both")
    expected = oracles_peaks.divided(network, level)
    assert_array_equal(found, [min(basins, default=-1) for basins in expected])


# --- laws


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32 - 1))
def test_without_ties_peaks_as_markers_and_divided_plateaus_change_nothing(seed):
    generator = np.random.default_rng(seed)
    graph = gm.Graph.from_edges(*generator.integers(0, 30, (2, 60)), 30)
    values = generator.permutation(30)
    plain = gm.basins(graph, values)
    assert_array_equal(gm.basins(graph, values, split_plateaus=True), plain)


def test_a_flood_in_many_pieces(monkeypatch):
    from graphmax.kernels import merge

    generator = np.random.default_rng(3)
    graph = gm.Graph.from_edges(*generator.integers(0, 500, (2, 900)), 500)
    values = generator.integers(0, 9, 500)
    markers = generator.integers(0, 40, 500) * (generator.random(500) < 0.1)
    whole = gm.basins(graph, values, markers=markers)
    monkeypatch.setattr(merge, "EDGES_PER_CALL", 7)
    assert_array_equal(gm.basins(graph, values, markers=markers), whole)


# --- scikit-image


def network_of(shape):
    graph = gm.grid_graph(shape, 4)
    return oracles.Network(graph.num_nodes, tuple(map(tuple, graph.edges().T.tolist())))


@pytest.mark.parametrize("levels", [None, 6])
def test_scikit_image_floods_the_same_where_the_best_path_is_unique(levels):
    """Markers anywhere on images without ties; with ties a marker on every peak."""
    watershed = pytest.importorskip("skimage.segmentation").watershed
    generator = np.random.default_rng(0)
    shape, compared = (9, 11), 0
    network = network_of(shape)
    for _ in range(25):
        image = generator.permutation(99) if levels is None else generator.integers(0, levels, 99)
        graph = gm.grid_graph(shape, 4)
        markers = np.zeros(99, np.int64)
        if levels is None:
            markers[generator.choice(99, 6, replace=False)] = np.arange(1, 7)
        else:
            mask = gm.find_peaks(graph, image).mask
            markers[mask] = gm.basins(graph, image)[mask] + 1
        theirs = watershed(-image.reshape(shape), markers.reshape(shape)).ravel()
        marked = {int(v): int(markers[v]) for v in np.flatnonzero(markers)}
        labels = oracles_peaks.watershed(network, oracles.levels(image), marked, every=True)
        unique = np.array([len(found) == 1 for found in labels])
        assert_array_equal(gm.basins(graph, image, markers=markers)[unique], theirs[unique])
        compared += int(unique.sum())
    assert compared > 25 * 99 // 2


def test_scikit_image_divides_plateaus_the_same_without_equal_distances():
    segmentation = pytest.importorskip("skimage.segmentation")
    generator = np.random.default_rng(1)
    shape, compared, divided = (9, 11), 0, 0
    network = network_of(shape)
    for _ in range(25):
        image = generator.integers(0, 5, 99)
        graph = gm.grid_graph(shape, 4)
        split = gm.basins(graph, image, split_plateaus=True)
        theirs = segmentation.watershed(-image.reshape(shape)).ravel()
        # Theirs are numbered: name each by the lowest pixel of its peak.
        peak = {int(theirs[v]): int(v) for v in gm.find_peaks(graph, image).nodes[::-1]}
        named = np.array([peak[label] for label in theirs.tolist()])
        labels = oracles_peaks.divided(network, oracles.levels(image), every=True)
        unique = np.array([len(basins) == 1 for basins in labels])
        assert_array_equal(split[unique], named[unique])
        compared += int(unique.sum())
        divided += int((split != gm.basins(graph, image)).sum())
    assert compared > 25 * 99 // 2
    assert divided > 100
