"""Grids: by eye, then against a loop over all pairs of pixels."""

from itertools import product
from math import dist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import graphmax as gm


def neighbors_by_pairs(shape, most, periodic):
    """Return {edge: step} of the grid, from the definition: touching along at most `most` axes."""
    pixels = list(product(*map(range, shape)))
    edges = {}
    for u, first in enumerate(pixels):
        for v, second in enumerate(pixels[:u]):
            step = []
            for a, b, side, wraps in zip(first, second, shape, periodic, strict=True):
                apart = abs(a - b)
                step.append(min(apart, side - apart) if wraps else apart)
            if max(step) == 1 and sum(step) <= most:
                edges[v, u] = step
    return edges


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).filter(lambda s: np.prod(s) <= 70)


@given(st.data())
def test_every_grid_joins_the_pixels_that_touch(data):
    shape = tuple(data.draw(shapes))
    axes = len(shape)
    most = data.draw(st.sampled_from([None, *range(1, axes + 1)]))
    periodic = data.draw(st.lists(st.booleans(), min_size=axes, max_size=axes))
    spacing = data.draw(st.lists(st.sampled_from([0.25, 1.0, 3.0]), min_size=axes, max_size=axes))
    graph = gm.grid_graph(shape, most, spacing=spacing, periodic=periodic)
    expected = neighbors_by_pairs(shape, axes if most is None else most, periodic)
    edges = list(map(tuple, graph.edges().T.tolist()))
    assert edges == sorted(expected)
    assert graph.dropped == (0, 0)
    assert graph.shape == shape
    lengths = [dist(np.multiply(expected[edge], spacing), [0] * axes) for edge in edges]
    assert_allclose(graph.edge_weights(), lengths, rtol=1e-15)
    pixels = np.array(list(product(*map(range, shape))))
    assert_array_equal(graph.positions, pixels * spacing)


def test_counts_of_neighbors_and_numbers_of_axes_mean_the_same():
    for axes, counts in {1: [2], 2: [4, 8], 3: [6, 18, 26], 4: [8, 32, 64, 80]}.items():
        shape = (3,) * axes
        center = 3**axes // 2
        for most, count in enumerate(counts, start=1):
            graph = gm.grid_graph(shape, count)
            assert_array_equal(graph.edges(), gm.grid_graph(shape, most).edges())
            assert np.diff(graph.indptr)[center] == count
        assert_array_equal(gm.grid_graph(shape).edges(), graph.edges())


def test_a_torus_is_the_same_from_every_pixel():
    torus = gm.grid_graph((5, 4), 4, periodic=True)
    assert_array_equal(np.diff(torus.indptr), 4)
    cylinder = gm.grid_graph((5, 4), 4, periodic=(False, True))
    assert_array_equal(np.diff(cylinder.indptr).reshape(5, 4), [[3] * 4, *[[4] * 4] * 3, [3] * 4])


def test_a_plain_grid_knows_its_shape_and_no_lengths():
    graph = gm.grid_graph((2, 3))
    assert (graph.shape, graph.positions, graph.weights) == ((2, 3), None, None)


def test_steps_of_one_kind_have_one_length():
    """So that a radius of just that length takes them all: nothing is compared with tolerance."""
    graph = gm.grid_graph((7, 7), 4, spacing=0.1)
    assert set(graph.edge_weights()) == {0.1}
    values = np.zeros(49)
    values[24] = 1
    assert gm.local_maxima(graph, values, rule=gm.Rule(radius=0.1, ties="weak")).sum() == 45


@pytest.mark.parametrize("shape", [0, (0, 3), (3, 0, 2)])
def test_empty_grids(shape):
    graph = gm.grid_graph(shape, spacing=1.0, periodic=True)
    assert (graph.num_nodes, graph.num_edges) == (0, 0)
    assert graph.positions.shape == (0, np.size(shape))


def test_a_grid_of_many_axes():
    cube = gm.grid_graph((2,) * 10, 1)
    assert (cube.num_nodes, cube.num_edges) == (1024, 5120)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shape": ()}, ValueError, r"`shape` must have at least one axis, got \(\)"),
        ({"shape": (3, -1)}, ValueError, r"`shape` must be from 0 to 2147483647, got -1"),
        ({"shape": (3, 2.0)}, TypeError, r"`shape` must be an integer of at least 0, got 2.0"),
        ({"shape": (1 << 16,) * 2}, ValueError, r"`shape` must have at most 2\*\*31 - 1 pixels"),
        ({"connectivity": 5}, ValueError, r"one of \[4, 8\] with 2 axes, .* from 1 to 2, got 5"),
        ({"connectivity": 0}, ValueError, r"one of \[4, 8\] with 2 axes, .* from 1 to 2, got 0"),
        ({"connectivity": "all"}, TypeError, r"`connectivity` must be an integer, got 'all'"),
        ({"spacing": 0.0}, ValueError, r"`spacing` must be above 0, got 0.0"),
        ({"spacing": (1.0, np.nan)}, ValueError, r"`spacing` must be above 0, got nan"),
        ({"spacing": (1.0, np.inf)}, ValueError, r"`spacing` must be at most"),
        ({"spacing": (1.0,)}, ValueError, r"`spacing` must have one entry per axis \(2\)"),
        ({"periodic": (True,) * 3}, ValueError, r"`periodic` must have one entry per axis \(2\)"),
        ({"periodic": 1}, TypeError, r"`periodic` must be True or False, got 1"),
    ],
)
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        gm.grid_graph(**{"shape": (3, 3), **arguments})
