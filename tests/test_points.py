"""Graphs of points: by eye, then against brute force over all pairs and circles."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

import graphmax as gm


def distance(points):
    return np.linalg.norm(points[:, None] - points, axis=2)


def edges_of(graph):
    return set(map(tuple, graph.edges().T.tolist()))


def assert_lengths(graph, points):
    src, dst = graph.edges()
    assert_array_equal(graph.edge_weights(), np.linalg.norm(points[src] - points[dst], axis=1))
    assert_array_equal(graph.positions, points)


# few places, so that points coincide and distances tie
lattices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(2, 14), st.integers(1, 3)),
    elements=st.sampled_from([0.0, 1.0, 2.0, 3.0]),
)


# --- nearest neighbors


@given(st.data())
def test_nearest_neighbors_are_those_of_all_pairs(data):
    points = data.draw(lattices)
    count = len(points)
    k = data.draw(st.integers(1, count - 1))
    apart = distance(points)
    lists = [sorted(set(range(count)) - {v}, key=lambda u: (apart[v, u], u))[:k]
             for v in range(count)]  # fmt: skip
    pairs = list(combinations(range(count), 2))
    either = {(u, v) for u, v in pairs if u in lists[v] or v in lists[u]}
    both = {(u, v) for u, v in pairs if u in lists[v] and v in lists[u]}
    graph = gm.knn_graph(points, k)
    assert edges_of(graph) == either
    assert edges_of(gm.knn_graph(points, k, mutual=True)) == both
    assert_lengths(graph, points)


def test_many_points_in_one_place():
    graph = gm.knn_graph(np.zeros((50, 2)), 2)
    # each lists the two others of lowest index
    assert edges_of(graph) == {(u, v) for u in (0, 1) for v in range(u + 1, 50)} | {(0, 2), (1, 2)}


def test_nearest_neighbors_of_random_points():
    points = np.random.default_rng(0).random((300, 5))
    order = np.argsort(distance(points), axis=1)[:, 1:8]
    expected = {tuple(sorted((v, int(u)))) for v in range(300) for u in order[v]}
    assert edges_of(gm.knn_graph(points, 7)) == expected


# --- within a radius


@given(points=lattices, radius=st.sampled_from([0.5, 1.0, 2**0.5, 2.0, 5**0.5]))
def test_the_radius_is_inclusive_and_exact(points, radius):
    apart = distance(points)
    pairs = combinations(range(len(points)), 2)
    graph = gm.radius_graph(points, radius)
    assert edges_of(graph) == {(u, v) for u, v in pairs if apart[u, v] <= radius}
    assert_lengths(graph, points)


# --- triangulation


@given(st.data())
def test_a_triangulation_has_the_triangles_with_empty_circles(data):
    count = data.draw(st.integers(3, 9))
    seed = data.draw(st.integers(0, 2**32))
    points = np.random.default_rng(seed).random((count, 2))
    expected = set()
    for triangle in combinations(range(count), 3):
        a, b, c = points[list(triangle)]
        turned = np.linalg.det(np.array([b - a, c - a]))
        assume(abs(turned) > 1e-6)
        inside = []
        for d in set(range(count)) - set(triangle):
            lifted = [[*(p - points[d]), ((p - points[d]) ** 2).sum()] for p in (a, b, c)]
            sign = np.linalg.det(np.array(lifted)) * np.sign(turned)
            assume(abs(sign) > 1e-9)
            inside.append(sign > 0)
        if not any(inside):
            expected |= set(combinations(triangle, 2))
    graph = gm.delaunay_graph(points)
    assert edges_of(graph) == expected
    assert_lengths(graph, points)


def test_on_one_axis_consecutive_points_are_neighbors():
    assert edges_of(gm.delaunay_graph([[3.0], [1.0], [7.0], [2.0]])) == {(1, 3), (0, 3), (0, 2)}


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_points_are_all_joined(count):
    points = np.random.default_rng(1).random((count, 3))
    for graph in (gm.delaunay_graph(points), gm.radius_graph(points, 2.0)):
        assert graph.num_edges == count * (count - 1) // 2
        assert graph.positions.shape == (count, 3)
    assert gm.knn_graph(points[:1], 1).num_edges == 0


def test_a_maximum_is_found_within_a_length():
    points = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    graph = gm.delaunay_graph(points[:, 1:])
    mask = gm.local_maxima(graph, [1, 2, 3], rule=gm.Rule(radius=1.5))
    assert_array_equal(mask, [False, True, True])


def test_tensors_and_integers_are_points_too():
    torch = pytest.importorskip("torch")
    assert gm.knn_graph(torch.tensor([[0], [2], [5]]), 1).num_edges == 2


BUILDERS = (lambda p: gm.knn_graph(p, 1), lambda p: gm.radius_graph(p, 1.0), gm.delaunay_graph)


@pytest.mark.parametrize("build", BUILDERS)
def test_refused_points(build):
    with pytest.raises(ValueError, match=r"must have shape \(n, d\), got \(3,\); pass points\[:"):
        build([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"must have shape \(n, d\), got \(2, 2, 2\)$"):
        build(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match=r"must be finite, got 1 points .* \(first: point 1\)"):
        build([[0.0, 1.0], [np.nan, 2.0], [3.0, 3.0]])
    with pytest.raises(TypeError, match=r"`points` must be real numbers, got dtype complex128"):
        build(np.zeros((3, 2), complex))


def test_refused_numbers():
    points = np.random.default_rng(0).random((5, 2))
    with pytest.raises(ValueError, match=r"`k` must be from 1 to 4, got 5"):
        gm.knn_graph(points, 5)
    with pytest.raises(TypeError, match=r"`k` must be an integer of at least 1, got 2.0"):
        gm.knn_graph(points, 2.0)
    with pytest.raises(TypeError, match=r"`mutual` must be True or False, got 'yes'"):
        gm.knn_graph(points, 2, mutual="yes")
    with pytest.raises(ValueError, match=r"`radius` must be above 0, got 0"):
        gm.radius_graph(points, 0)
    with pytest.raises(ValueError, match=r"`points` must all be different .* got 2 .* point 5\)"):
        gm.delaunay_graph(np.concatenate([points, points[:2]]))
    for flat in (np.arange(8.0).reshape(4, 2), np.arange(9.0).reshape(3, 3)):
        with pytest.raises(ValueError, match=r"must span a simplex .* lie on a line or plane"):
            gm.delaunay_graph(flat)
