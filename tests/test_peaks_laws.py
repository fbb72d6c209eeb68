"""Laws of peaks that need no oracle, on graphs of a few dozen nodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import examples

import graphmax as gm

ROWS = (
    "node", "value", "isolation", "nearest_higher", "prominence", "key_saddle",
    "key_saddle_value", "parent", "plateau_size",
)  # fmt: skip


@st.composite
def mountains(draw):
    """Draw a graph of up to 40 nodes and integer values with ties."""
    size = draw(st.integers(1, 40))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ends = generator.integers(0, size, (2, draw(st.integers(0, 3 * size))))
    values = generator.integers(0, draw(st.sampled_from([2, 5, 1000])), size)
    return gm.Graph.from_edges(*ends, size), values


def position(values, nodes):
    """Place of nodes in the order "value descending, then index ascending"."""
    order = np.lexsort((np.arange(values.size), -values))
    place = np.empty(values.size, np.int64)
    place[order] = np.arange(values.size)
    return place[nodes]


@settings(max_examples=examples(80))
@given(mountains(), st.integers(-50, 50), st.integers(1, 7))
def test_prominence_is_a_difference(mountain, shift, factor):
    graph, values = mountain
    peaks = gm.find_peaks(graph, values)
    moved = gm.find_peaks(graph, values * factor + shift)
    assert_array_equal(moved.nodes, peaks.nodes)
    assert_array_equal(moved.prominence, peaks.prominence * factor)


@settings(max_examples=examples(80))
@given(mountains(), st.randoms(use_true_random=False))
def test_prominences_do_not_depend_on_the_numbering(mountain, random):
    graph, values = mountain
    number = np.array(random.sample(range(values.size), values.size))
    src, dst = number[graph.edges()]
    renumbered = np.empty_like(values)
    renumbered[number] = values
    other = gm.find_peaks(gm.Graph.from_edges(src, dst, values.size), renumbered)
    peaks = gm.find_peaks(graph, values)
    for name in ("value", "prominence", "isolation", "plateau_size"):
        assert_array_equal(np.sort(getattr(other, name)), np.sort(getattr(peaks, name)))


@settings(max_examples=examples(80))
@given(mountains(), st.integers(1, 3), st.sampled_from(["plateau", "strict"]))
def test_parents_and_saddles_come_where_they_must(mountain, hops, ties):
    graph, values = mountain
    peaks = gm.find_peaks(graph, values, hops, ties=ties)
    assert (np.diff(position(values, peaks.nodes)) > 0).all()
    child = peaks.parent >= 0
    assert set(peaks.parent[child]) <= set(peaks.nodes)
    parent = position(values, peaks.parent[child])
    assert (parent < position(values, peaks.nodes[child])).all()
    met = peaks.key_saddle >= 0
    assert_array_equal(
        values[peaks.key_saddle[met]], peaks.value[met] - peaks.prominence[met].astype(int)
    )


@settings(max_examples=examples(80))
@given(mountains())
def test_basins_share_out_all_nodes(mountain):
    graph, values = mountain
    peaks = gm.find_peaks(graph, values)
    assert peaks.basin_size.sum() == values.size
    assert_array_equal(gm.basins(graph, values), peaks.basins)
    assert_array_equal(peaks.basins[peaks.nodes], peaks.nodes)
    assert_array_equal(peaks.mask, gm.local_maxima(graph, values, ties="plateau"))


@settings(max_examples=examples(80))
@given(mountains(), st.integers(1, 4), st.sampled_from(["plateau", "strict"]), st.booleans())
def test_the_mask_is_that_of_local_maxima(mountain, hops, ties, isolated):
    graph, values = mountain
    asked = {"ties": ties, "isolated": isolated}
    peaks = gm.find_peaks(graph, values, hops, **asked)
    assert_array_equal(peaks.mask, gm.local_maxima(graph, values, hops, **asked))
    alone = gm.isolation(graph, values, ties=ties)
    assert_array_equal(peaks.isolation, alone.distance[peaks.nodes])
    assert_array_equal(peaks.nearest_higher, alone.witness[peaks.nodes])


@settings(max_examples=examples(80))
@given(mountains(), st.integers(0, 5))
def test_a_threshold_keeps_rows_as_they_are(mountain, least):
    graph, values = mountain
    peaks = gm.find_peaks(graph, values)
    kept = gm.find_peaks(graph, values, min_prominence=least)
    for name in ROWS:
        assert_array_equal(getattr(kept, name), getattr(peaks, name)[peaks.prominence >= least])
    assert_array_equal(peaks[peaks.prominence >= least].basins, kept.basins)
    assert_array_equal(peaks[peaks.prominence >= least].basin_size, kept.basin_size)


@settings(max_examples=examples(80))
@given(mountains(), st.integers(1, 3), st.integers(0, 4), st.integers(1, 5))
def test_filters_are_cuts_of_the_table(mountain, hops, far, most):
    graph, values = mountain
    peaks = gm.find_peaks(graph, values, hops)
    cut = gm.find_peaks(graph, values, hops, min_isolation=far, num_peaks=most)
    expected = peaks[peaks.isolation >= far][:most]
    for name in (*ROWS, "basin_size", "basins"):
        assert_array_equal(getattr(cut, name), getattr(expected, name), err_msg=name)


@settings(max_examples=examples(80))
@given(mountains(), st.integers(1, 4), st.integers(1, 5), st.sampled_from(["plateau", "strict"]))
def test_a_number_of_peaks_is_the_head_of_the_table_of_the_rule(mountain, hops, most, ties):
    """Peaks that are too near to higher ground are gone before the first ones are counted."""
    graph, values = mountain
    peaks = gm.find_peaks(graph, values, hops, ties=ties)
    cut = gm.find_peaks(graph, values, hops, ties=ties, num_peaks=most)
    for name in (*ROWS, "basin_size", "basins"):
        assert_array_equal(getattr(cut, name), getattr(peaks[:most], name), err_msg=name)


@settings(max_examples=examples(80))
@given(mountains())
def test_minima_are_the_maxima_of_the_reversed_values(mountain):
    graph, values = mountain
    depths, peaks = gm.find_peaks(graph, values, extremum="min"), gm.find_peaks(graph, -values)
    for name in set(ROWS) - {"value", "key_saddle_value"}:
        assert_array_equal(getattr(depths, name), getattr(peaks, name))


@settings(max_examples=examples(60))
@given(mountains(), mountains())
def test_components_share_nothing_but_the_sea(first, second):
    (graph, values), (other, heights) = first, second
    shift = values.size
    src, dst = np.concatenate([graph.edges(), other.edges() + shift], axis=1)
    both = gm.find_peaks(
        gm.Graph.from_edges(src, dst, shift + heights.size),
        np.concatenate([values, heights]),
        base=0,
    )
    alone = gm.find_peaks(graph, values, base=0)
    mine = both.nodes < shift
    for name in (*ROWS, "basin_size"):
        assert_array_equal(getattr(both, name)[mine], getattr(alone, name))


@pytest.mark.parametrize("levels", [3, 50, 10**6])
def test_a_larger_graph_in_several_pieces(levels, monkeypatch):
    """The same table whether the loops run in one piece or are cut into many."""
    from graphmax.kernels import edges, isolation, merge, suppress

    generator = np.random.default_rng(levels)
    graph = gm.Graph.from_edges(*generator.integers(0, 4000, (2, 9000)), 4000)
    values, weights = generator.integers(0, levels, 4000), generator.random(graph.num_edges)
    peaks = gm.find_peaks(graph, values)
    kept = gm.non_maximum_suppression(graph, values, 3)
    heavy = gm.edge_maxima(graph, weights, 2)
    monkeypatch.setattr(merge, "NODES_PER_CALL", 1 << 10)
    monkeypatch.setattr(merge, "ENTRIES_PER_CALL", 1)
    monkeypatch.setattr(isolation, "EDGES_PER_CALL", 7)
    monkeypatch.setattr(suppress, "EDGES_PER_CALL", 7)
    monkeypatch.setattr(edges, "EDGES_PER_CALL", 7)
    monkeypatch.setattr(edges, "ENTRIES_PER_CALL", 1)
    again = gm.find_peaks(graph, values)
    for name in (*ROWS, "basin_size", "basins"):
        assert_array_equal(getattr(again, name), getattr(peaks, name), err_msg=name)
    assert_array_equal(gm.non_maximum_suppression(graph, values, 3), kept)
    assert_array_equal(gm.edge_maxima(graph, weights, 2), heavy)


@pytest.mark.parametrize("absent", [0, 0.05])
@pytest.mark.parametrize("levels", [2, 5, 40])
def test_a_flood_answers_what_single_walks_answer(levels, absent, monkeypatch):
    """Many peaks of one height: each on its own, then all of them from one flood."""
    from graphmax.kernels import isolation

    generator = np.random.default_rng(levels)
    pixels = gm.grid_graph((60, 60), 4)
    values = generator.integers(0, levels, 3600).astype(float)
    values[generator.random(3600) < absent] = np.nan
    walked = gm.find_peaks(pixels, values)
    monkeypatch.setattr(isolation, "EDGES_PER_CALL", 50)
    monkeypatch.setattr(isolation, "FLOOD_COST", 0)
    flooded = gm.find_peaks(pixels, values)
    assert_array_equal(flooded.isolation, walked.isolation)
    assert_array_equal(flooded.nearest_higher, walked.nearest_higher)


def test_a_saturated_image_costs_no_more_than_another():
    """Without a flood each of the thousands of equal spots would walk over the whole image."""
    generator = np.random.default_rng(0)
    image = generator.integers(0, 200, (300, 300))
    image[generator.random(image.shape) < 0.05] = 254
    image[0, 0] = 255
    peaks = gm.find_peaks(gm.grid_graph(image.shape), image.ravel())
    spots = peaks.value == 254
    rows, columns = np.divmod(peaks.nodes[spots], 300)
    single = peaks.plateau_size[spots] == 1
    assert_array_equal(peaks.isolation[spots][single], np.maximum(rows, columns)[single])
    assert_array_equal(peaks.nearest_higher[spots], 0)
