"""Where the processor takes subnormal numbers for 0 they are told apart all the same.

`torch.set_flush_denormal` turns that on for a whole thread: the answers of both modes are those of
integers in the place of the floats.
"""

import numpy as np
import pytest
import torch

import graphmax as gm
from graphmax import images

pytestmark = pytest.mark.usefixtures("one_thread")
GRAPH = gm.grid_graph((5, 6))


@pytest.fixture
def flushing():
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot")
    yield
    torch.set_flush_denormal(False)


def attribute(dtype, shape, seed=0):
    """Whole numbers, and as many times the least float."""
    whole = np.random.default_rng(seed).integers(-3, 4, shape)
    least = np.finfo(dtype).smallest_subnormal
    bits = np.abs(whole).astype({4: np.int32, 8: np.int64, 2: np.int16}[np.dtype(dtype).itemsize])
    assert least.view(bits.dtype) == 1
    values = bits.view(dtype)
    return whole, np.where(whole < 0, -values, values)


FLOATS = pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])


@FLOATS
@pytest.mark.parametrize("ties", ["strict", "weak", "plateau", "index"])
@pytest.mark.parametrize(("shape", "size"), [((23,), 3), ((7, 9), 3), ((7, 9), 5), ((4, 5, 6), 3)])
def test_pixels(flushing, dtype, ties, shape, size):
    whole, values = attribute(dtype, shape)
    where = np.random.default_rng(1).random(shape) < 0.8
    for fields in ({}, {"where": where}, {"extremum": "min"}):
        found = images.peak_pixels(values, size, ties=ties, volume=True, **fields)
        expected = images.peak_pixels(whole, size, ties=ties, volume=True, **fields)
        np.testing.assert_array_equal(found, expected)


@FLOATS
def test_margins_are_exact(flushing, dtype):
    whole, values = attribute(dtype, 30)
    margin = gm.margin(GRAPH, values)
    unit = float(np.finfo(dtype).smallest_subnormal) or np.nan
    torch.set_flush_denormal(False)
    unit = float(np.finfo(dtype).smallest_subnormal)
    np.testing.assert_array_equal(margin, gm.margin(GRAPH, whole) * unit)


def test_a_margin_of_normal_numbers_may_be_subnormal(flushing):
    low = 2.0**-1022
    high = np.nextafter(low, 1)
    margin = gm.margin(gm.grid_graph(2), np.array([low, high]))
    assert margin.view(np.int64).tolist() == [1 - 2**63, 1]


def test_differences_across_the_least_normal_number(flushing):
    sizes = [0, 1, 2**51 + 1, 2**52 - 1, 2**52, 2**52 + 7, 2**53 - 1, 2**53, 2**53 + 2, 3 * 2**80]
    torch.set_flush_denormal(False)
    steps = np.array([*sizes, *(-size for size in sizes[1:])], np.float64)
    values = np.ldexp(steps, -1074)
    first, second = (each.reshape(-1) for each in np.meshgrid(values, values))
    expected = first - second
    pairs = gm.Graph.from_edges(np.arange(first.size), np.arange(first.size) + first.size)
    torch.set_flush_denormal(True)
    margin = gm.margin(pairs, np.concatenate([first, second]))[: first.size]
    np.testing.assert_array_equal(margin.view(np.int64), expected.view(np.int64))


def test_equal_subnormals_differ_by_a_plain_zero(flushing):
    unit = np.array([1, 1], np.int64).view(np.float64)
    margin = gm.margin(gm.grid_graph(2), unit)
    assert margin.view(np.int64).tolist() == [0, 0]


@FLOATS
def test_peaks_trees_and_thresholds(flushing, dtype):
    whole, values = attribute(dtype, 30)
    levels = np.arange(-3, 4), attribute_of(np.arange(-3, 4), dtype)
    found, expected = gm.find_peaks(GRAPH, values), gm.find_peaks(GRAPH, whole)
    for name in ("nodes", "isolation", "parent", "key_saddle", "basin_size"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for level, height in zip(*levels, strict=True):
        pairs = [
            (gm.find_peaks(GRAPH, v, min_height=h).nodes, gm.merge_tree(GRAPH, v).cut(h),
             gm.non_maximum_suppression(GRAPH, v, threshold=h))
            for v, h in ((values, height), (whole, level))
        ]  # fmt: skip
        for one, other in zip(*pairs, strict=True):
            np.testing.assert_array_equal(one, other)


def attribute_of(whole, dtype):
    bits = np.abs(whole).astype({4: np.int32, 8: np.int64, 2: np.int16}[np.dtype(dtype).itemsize])
    return np.where(whole < 0, -bits.view(dtype), bits.view(dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ties", ["strict", "weak"])
def test_the_center_of_a_matrix(flushing, dtype, ties):
    whole, values = attribute(dtype, (40, 5))
    adjacency = np.ones((40, 5, 5))
    expected = gm.center_is_maximum(adjacency, whole, ties=ties)
    np.testing.assert_array_equal(gm.center_is_maximum(adjacency, values, ties=ties), expected)
    found = gm.center_is_maximum(torch.ones(40, 5, 5), torch.from_numpy(values), ties=ties)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_a_missing_value_reaches_no_height(flushing):
    bits = np.array([0x7FF8_0000_0000_0000, 1, 0, 2])
    values, least = bits.view(np.float64), bits[1:2].view(np.float64)[0]
    peaks = gm.find_peaks(gm.grid_graph(4), values, min_height=least, nan="omit")
    assert peaks.nodes.tolist() == [3, 1]
    kept = gm.non_maximum_suppression(gm.grid_graph(4), values, threshold=least, nan="omit")
    assert kept.tolist() == [3, 1]


# --- sums of weights


def weighted(weights):
    bits = np.abs(np.array(weights, np.int64))
    small = np.where(np.array(weights) < 0, -bits.view(np.float64), bits.view(np.float64))
    return gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4], weights=small)


VALUES = [5, 1, 3, 2, 4]
SUMS = {
    "radius": lambda g: gm.local_maxima(g, VALUES, radius=1.0),
    "radii": lambda g: gm.local_maxima(g, VALUES, radius=np.ones(5)),
    "margin": lambda g: gm.margin(g, VALUES, radius=1.0),
    "isolation": lambda g: gm.isolation(g, VALUES, weighted=True),
    "neighborhoods": lambda g: gm.neighborhoods(g, VALUES, [0], radius=1.0),
    "explain": lambda g: gm.explain(g, VALUES, 2, radius=1.0),
    "peaks": lambda g: gm.find_peaks(g, VALUES, radius=1.0),
    "suppression": lambda g: gm.non_maximum_suppression(g, VALUES, radius=1.0),
    "distance": lambda g: gm.find_peaks(g, VALUES, min_distance=1.0, metric="weight"),
    "strength": lambda g: gm.local_maxima(g, "strength"),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_that_would_vanish_are_refused(name):
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot")
    torch.set_flush_denormal(False)
    graph, plain = weighted([1, 2, 4, 1]), gm.Graph.from_edges([0, 1], [1, 2], weights=[0.0, 1.0])
    SUMS[name](graph)
    torch.set_flush_denormal(True)
    try:
        with pytest.raises(ValueError, match="`graph` must have weights whose sums"):
            SUMS[name](graph)
        assert gm.local_maxima(plain, [1, 2, 3], radius=1.0).tolist() == [False, False, True]
    finally:
        torch.set_flush_denormal(False)


def test_sums_of_two_signs(flushing):
    low = np.array([1 << 52 | 1, 1 << 52], np.int64).view(np.float64)
    graph = gm.Graph.from_edges([0, 1], [1, 2], weights=low * np.array([1, -1]))
    alike = gm.Graph.from_edges([0, 1], [1, 2], weights=low)
    with pytest.raises(ValueError, match="may make one"):
        gm.local_maxima(graph, "strength")
    assert gm.local_maxima(alike, "strength").any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_means_of_neighbors_that_would_vanish(flushing, dtype):
    whole = {np.float32: np.int32, np.float64: np.int64}[dtype]
    graph = gm.Graph.from_edges([0, 1], [1, 2])
    low = np.array([1, 2, 3], whole).view(dtype)
    if dtype == np.float32:  # no subnormal once it has 64 bits
        assert gm.node_measures.neighbor_mean(graph, low).all()
        return
    with pytest.raises(ValueError, match="may make one"):
        gm.node_measures.neighbor_mean(graph, low)
