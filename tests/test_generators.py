"""Random graphs: what each model promises, and frequencies within a stated false-alarm rate.

Every draw here is seeded, so a test of frequencies either always passes or always fails; its
limits are such that a right sampler fails for one seed in 10**6.
"""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import graphmax as gm
from graphmax import generators as gen

FALSE_ALARM = 1e-6

MODELS = {
    "erdos_renyi": lambda rng: gen.erdos_renyi(200, 0.03, generator=rng),
    "erdos_renyi_directed": lambda rng: gen.erdos_renyi(99, 0.03, directed=True, generator=rng),
    "barabasi_albert": lambda rng: gen.barabasi_albert(150, 3, generator=rng),
    "watts_strogatz": lambda rng: gen.watts_strogatz(120, 4, 0.3, generator=rng),
    "random_tree": lambda rng: gen.random_tree(90, generator=rng),
    "random_geometric": lambda rng: gen.random_geometric(150, 0.1, generator=rng),
    "delaunay": lambda rng: gen.delaunay(80, generator=rng),
    "delaunay_3d": lambda rng: gen.delaunay(40, dimension=3, generator=rng),
    "stochastic_block": lambda rng: gen.stochastic_block(
        [40, 60], [[0.2, 0.01], [0.01, 0.1]], generator=rng
    ),
    "rmat": lambda rng: gen.rmat(7, 500, generator=rng),
    "configuration": lambda rng: gen.configuration([3] * 100, generator=rng),
}


def is_plausible(count, trials, p):
    """Whether a number of successes is not one that a right sampler gives once in 10**6."""
    return stats.binomtest(int(count), int(trials), p).pvalue > FALSE_ALARM


@pytest.mark.parametrize("model", MODELS)
def test_the_same_generator_gives_the_same_bits(model):
    first, second, third = (MODELS[model](np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert_array_equal(first.indptr, second.indptr)
    assert_array_equal(first.indices, second.indices)
    assert first.attributes.keys() == second.attributes.keys()
    for name, column in first.attributes.items():
        assert_array_equal(column, second.attributes[name])
    assert first.num_edges != third.num_edges or (first.indices != third.indices).any()


@pytest.mark.parametrize("model", MODELS)
def test_a_seed_is_not_a_generator(model):
    with pytest.raises(TypeError, match=r"`generator` must be a numpy.random.Generator, got int"):
        MODELS[model](7)


# --- independent edges


@pytest.mark.parametrize("directed", [False, True])
def test_every_pair_is_an_edge_as_often_as_any_other(directed):
    rng, size, trials, p = np.random.default_rng(1), 6, 4000, 0.3
    hits = np.zeros((size, size))
    for _ in range(trials):
        src, dst = gen.erdos_renyi(size, p, directed=directed, generator=rng).edges()
        hits[src, dst] += 1
    pairs = [(u, v) for u in range(size) for v in range(size) if (u != v if directed else u < v)]
    expected = trials * p
    observed = np.array([hits[pair] for pair in pairs])
    assert hits.sum() == observed.sum()
    square = ((observed - expected) ** 2 / (expected * (1 - p))).sum()
    assert stats.chi2(len(pairs)).sf(square) > FALSE_ALARM


def test_the_number_of_edges_is_binomial():
    graph = gen.erdos_renyi(3000, 0.01, generator=np.random.default_rng(2))
    assert is_plausible(graph.num_edges, 3000 * 2999 // 2, 0.01)
    assert graph.dropped == (0, 0)


def test_the_ends_of_the_probabilities():
    rng = np.random.default_rng(0)
    assert gen.erdos_renyi(50, 0.0, generator=rng).num_edges == 0
    assert gen.erdos_renyi(50, 1.0, generator=rng).num_edges == 50 * 49 // 2
    assert gen.erdos_renyi(50, 1.0, directed=True, generator=rng).num_edges == 50 * 49
    assert gen.erdos_renyi(50, 1e-300, generator=rng).num_edges == 0
    for size in (0, 1):
        assert gen.erdos_renyi(size, 1.0, generator=rng).num_nodes == size


def test_blocks_have_their_own_probabilities():
    sizes, p = [300, 200], np.array([[0.05, 0.002], [0.002, 0.1]])
    graph = gen.stochastic_block(sizes, p, generator=np.random.default_rng(3))
    block = graph.attributes["block"]
    assert_array_equal(np.bincount(block), sizes)
    pairs = np.sort(block[graph.edges()], axis=0)
    for a, b in ((0, 0), (0, 1), (1, 1)):
        trials = sizes[a] * sizes[b] if a != b else sizes[a] * (sizes[a] - 1) // 2
        count = ((pairs[0] == a) & (pairs[1] == b)).sum()
        assert is_plausible(count, trials, p[a, b])


def test_rectangles_of_certain_edges_are_complete():
    graph = gen.stochastic_block([2, 3], [[0, 1], [1, 0]], generator=np.random.default_rng(0))
    assert nx.is_isomorphic(nx.Graph(graph.to_networkx()), nx.complete_bipartite_graph(2, 3))


# --- growth


def test_preferential_attachment_has_its_edges_and_its_hubs():
    graph = gen.barabasi_albert(3000, 3, generator=np.random.default_rng(4))
    assert graph.num_edges == 3 * (3000 - 3)
    assert graph.dropped == (0, 0)
    assert nx.is_connected(graph.to_networkx())
    degree = np.diff(graph.indptr)
    assert degree.min() == 1 or degree.min() == 3
    assert degree.max() > 100
    # the limit law: a node has degree d with probability 2 m (m + 1) / (d (d + 1) (d + 2))
    assert abs((degree == 3).mean() - 0.4) < 0.03


def test_the_smallest_of_them_is_a_star():
    graph = gen.barabasi_albert(4, 3, generator=np.random.default_rng(0))
    assert_array_equal(graph.edges(), [[0, 0, 0], [1, 2, 3]])


def test_every_labelled_tree_is_as_likely():
    rng, trials = np.random.default_rng(5), 8000
    seen: dict = {}
    for _ in range(trials):
        edges = gen.random_tree(4, generator=rng).edges().tobytes()
        seen[edges] = seen.get(edges, 0) + 1
    assert len(seen) == 16
    assert stats.chisquare(list(seen.values())).pvalue > FALSE_ALARM


@pytest.mark.parametrize("size", [0, 1, 2, 3, 500])
def test_trees_are_trees(size):
    graph = gen.random_tree(size, generator=np.random.default_rng(size))
    assert (graph.num_nodes, graph.num_edges) == (size, max(size - 1, 0))
    if size:
        assert nx.is_tree(graph.to_networkx())


def test_small_worlds_keep_their_number_of_edges():
    for p in (0.0, 0.2, 1.0):
        graph = gen.watts_strogatz(400, 6, p, generator=np.random.default_rng(6))
        assert graph.num_edges == 1200
        assert graph.dropped == (0, 0)
    ring = gen.watts_strogatz(20, 4, 0.0, generator=np.random.default_rng(6))
    assert nx.utils.graphs_equal(
        nx.Graph(ring.to_networkx().edges), nx.Graph(nx.watts_strogatz_graph(20, 4, 0).edges)
    )


def test_a_share_of_the_ring_is_rewired():
    graph = gen.watts_strogatz(5000, 2, 0.3, generator=np.random.default_rng(7))
    src, dst = graph.edges()
    stayed = ((dst - src == 1) | (dst - src == 4999)).sum()
    assert is_plausible(5000 - stayed, 5000, 0.3)


# --- degrees


def test_configurations_have_the_degrees_they_were_asked_for():
    rng = np.random.default_rng(8)
    degrees = rng.integers(0, 5, 400)
    degrees[0] += degrees.sum() % 2
    graph = gen.configuration(degrees, generator=rng)
    lost = graph.dropped
    assert 2 * (graph.num_edges + lost.self_loops + lost.repeats) == degrees.sum()
    assert (np.diff(graph.indptr) <= degrees).all()
    assert (np.diff(graph.indptr) != degrees).sum() <= 2 * (lost.self_loops + lost.repeats)
    assert lost.self_loops + lost.repeats < 20


def test_rmat_draws_quadrants_by_their_probabilities():
    graph = gen.rmat(1, 0, generator=np.random.default_rng(0))
    assert (graph.num_nodes, graph.num_edges) == (2, 0)
    quadrants = (0.1, 0.2, 0.3, 0.4)
    rng = np.random.default_rng(9)
    graph = gen.rmat(20, 40_000, quadrants=quadrants, directed=True, generator=rng)
    src, dst = graph.edges()
    for shift in (0, 7, 19):
        found = np.bincount(2 * ((src >> shift) & 1) + ((dst >> shift) & 1), minlength=4)
        pvalue = stats.chisquare(found, np.array(quadrants) * found.sum()).pvalue
        assert pvalue > FALSE_ALARM, shift


def test_rmat_is_the_same_for_any_number_of_threads():
    import numba

    before = numba.get_num_threads()
    graphs = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        graphs.append(gen.rmat(9, 3000, generator=np.random.default_rng(1)))
    numba.set_num_threads(before)
    assert_array_equal(graphs[0].indices, graphs[-1].indices)


# --- space


@pytest.mark.parametrize("dimension", [2, 3])
def test_geometric_graphs_join_what_is_near(dimension):
    rng = np.random.default_rng(10)
    graph = gen.random_geometric(120, 0.2, dimension=dimension, generator=rng)
    axes = ("x", "y", "z")[:dimension]
    points = np.stack([graph.attributes[axis] for axis in axes], axis=1)
    near = {
        (u, v)
        for u, v in combinations(range(120), 2)
        if np.linalg.norm(points[u] - points[v]) <= 0.2
    }
    src, dst = graph.edges()
    assert {(int(u), int(v)) for u, v in zip(src, dst, strict=True)} == near
    assert_array_equal(graph.edge_weights(), np.linalg.norm(points[src] - points[dst], axis=1))


def test_delaunay_triangles_have_empty_circles():
    graph = gen.delaunay(40, generator=np.random.default_rng(11))
    points = np.stack([graph.attributes["x"], graph.attributes["y"]], axis=1)
    edges = {(int(u), int(v)) for u, v in graph.edges().T}
    for a, b, c in combinations(range(40), 3):
        if {(a, b), (a, c), (b, c)} <= edges:
            matrix = 2 * (points[[b, c]] - points[a])
            center = np.linalg.solve(matrix, (points[[b, c]] ** 2 - points[a] ** 2).sum(axis=1))
            inside = np.linalg.norm(points - center, axis=1) < (
                np.linalg.norm(points[a] - center) * (1 - 1e-9)
            )
            assert not inside.any() or _holds_a_point((a, b, c), points)
    assert nx.check_planarity(graph.to_networkx())[0]
    assert graph.num_edges <= 3 * 40 - 6


def _holds_a_point(triangle, points):
    """A triangle of edges that is no face: some point lies inside it."""
    from matplotlib.path import Path

    others = np.delete(points, triangle, axis=0)
    return bool(Path(points[list(triangle)]).contains_points(others).any())


def test_grids_are_those_of_the_front_door():
    assert gen.grid_graph is gm.grid_graph
    assert gen.grid_graph((3, 3, 3), 6).num_edges == 54


# --- refusals

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gen.erdos_renyi(-1, 0.1, generator=RNG), ValueError, "`num_nodes` must be from 0"),
        (lambda: gen.erdos_renyi(9, 1.1, generator=RNG), ValueError, "`p` must be from 0 to 1"),
        (
            lambda: gen.erdos_renyi(9, "a", generator=RNG),
            TypeError,
            "`p` must be a number, got 'a'",
        ),
        (lambda: gen.barabasi_albert(3, 3, generator=RNG), ValueError, "`m` must be from 1 to 2"),
        (lambda: gen.barabasi_albert(3, 1.5, generator=RNG), TypeError, "`m` must be an integer"),
        (lambda: gen.watts_strogatz(9, 3, 0, generator=RNG), ValueError, "`k` must be even, got 3"),
        (lambda: gen.watts_strogatz(5, 4, 0, generator=RNG), ValueError, "`k` must be from 0 to 3"),
        (lambda: gen.configuration([1, 2], generator=RNG), ValueError, "must have an even sum"),
        (lambda: gen.configuration([3, -1], generator=RNG), ValueError, "must be at least 0"),
        (lambda: gen.configuration([0.5], generator=RNG), TypeError, "must be a list of integers"),
        (lambda: gen.rmat(31, 1, generator=RNG), ValueError, "`scale` must be from 0 to 30"),
        (lambda: gen.rmat(3, -1, generator=RNG), ValueError, "`num_edges` must be at least 0"),
        (
            lambda: gen.rmat(3, 1, quadrants=(0.5, 0.5, 0.5, 0), generator=RNG),
            ValueError,
            "`quadrants` must be four numbers that sum to 1",
        ),
        (lambda: gen.random_geometric(5, 0, generator=RNG), ValueError, "`radius` must be above 0"),
        (lambda: gen.delaunay(2, generator=RNG), ValueError, "`num_nodes` must be at least 3"),
        (
            lambda: gen.delaunay(9, dimension=4, generator=RNG),
            ValueError,
            "`dimension` must be from 2 to 3",
        ),
        (
            lambda: gen.stochastic_block([2, 2], [[0.1, 0.2], [0.3, 0.1]], generator=RNG),
            ValueError,
            "`p` must be a symmetric matrix",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
