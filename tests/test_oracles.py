"""The oracles against each other, and against independent libraries: who guards the guardians?"""

from math import inf

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from oracles import (
    Network,
    basin,
    distance_matrix,
    edge_maxima,
    exact,
    key_saddle,
    levels,
    local_maxima,
    margin,
    matrix_maxima,
    parent,
    plateau,
    position,
    prominence,
    summit,
    weak_orderings,
)
from scipy.signal import find_peaks, peak_prominences


def random_network(generator, size, directed, share=0.35):
    pairs = np.argwhere(generator.random((size, size)) < share)
    edges = tuple((int(a), int(b)) for a, b in pairs)
    weights = tuple(generator.choice([0.1, 0.2, 0.3, 1.0], len(edges)).tolist())
    return Network(size, edges, weights, directed)


def as_networkx(network, arrows=True):
    graph = nx.MultiDiGraph() if network.directed and arrows else nx.MultiGraph()
    graph.add_nodes_from(range(network.num_nodes))
    for (u, v), weight in zip(network.edges, network.weights, strict=True):
        graph.add_edge(u, v, weight=weight)
    return graph


@pytest.mark.parametrize("direction", ["in", "out", "both"])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_distances_are_those_of_networkx(direction, directed, weighted):
    for seed in range(30):
        network = random_network(np.random.default_rng(seed), 6, directed)
        graph = as_networkx(network, arrows=direction != "both")
        if directed and direction == "in":
            graph = graph.reverse()
        expected = np.full((6, 6), inf)
        weight = "weight" if weighted else (lambda *_: 1)
        for v in range(6):
            lengths = nx.single_source_dijkstra_path_length(graph, v, weight=weight)
            expected[v, list(lengths)] = list(lengths.values())
        found = distance_matrix(network, direction=direction, weighted=weighted)
        assert_array_equal(found, expected)


@pytest.mark.parametrize("ties", ["strict", "weak", "plateau", "index"])
def test_the_matrix_oracle_is_the_slow_oracle(ties):
    generator = np.random.default_rng(3)
    for _ in range(60):
        network = random_network(generator, 6, directed=False, share=0.2)
        patterns = generator.integers(0, 3, (6, 4))
        matrix = distance_matrix(network)
        for hops in (1, 2, 3):
            found = matrix_maxima(matrix, patterns, hops, ties)
            for column in range(4):
                slow = local_maxima(network, patterns[:, column], hops=hops, ties=ties)
                assert_array_equal(found[:, column], slow)


def test_margin_decides_strict_and_weak():
    generator = np.random.default_rng(4)
    for _ in range(60):
        network = random_network(generator, 6, directed=True)
        values = generator.integers(0, 3, 6)
        for hops in (1, 2):
            margins = np.array(margin(network, values, hops=hops, direction="out"))
            strict = local_maxima(network, values, hops=hops, direction="out")
            weak = local_maxima(network, values, hops=hops, direction="out", ties="weak")
            assert_array_equal(margins > 0, strict)
            assert_array_equal(margins >= 0, weak)


def test_an_undirected_plateau_is_a_component_of_equal_values():
    generator = np.random.default_rng(5)
    for _ in range(60):
        network = random_network(generator, 7, directed=False)
        level = levels(generator.integers(0, 2, 7))
        same = nx.Graph()
        same.add_nodes_from(range(7))
        same.add_edges_from((u, v) for u, v in network.edges if level[u] == level[v])
        for v in range(7):
            assert plateau(network, v, level) == nx.node_connected_component(same, v)


def test_weak_orderings_are_counted_by_the_fubini_numbers():
    assert [weak_orderings(size).shape[1] for size in range(1, 7)] == [1, 3, 13, 75, 541, 4683]


def best_saddle(graph, level, peak):
    """The lowest node of the best of all simple paths to a node before the peak, by enumeration."""
    best = None
    for higher in graph:
        if position(level, higher) < position(level, peak):
            for path in nx.all_simple_paths(graph, peak, higher):
                lowest = max(position(level, v) for v in path)
                best = lowest if best is None else min(best, lowest)
    return -1 if best is None else best[1]


def test_the_key_saddle_is_the_lowest_node_of_the_best_path():
    generator = np.random.default_rng(6)
    for _ in range(60):
        network = random_network(generator, 6, directed=False, share=0.2)
        level = levels(generator.integers(0, 4, 6))
        graph = nx.Graph(as_networkx(network))
        for peak in range(6):
            assert key_saddle(network, level, peak) == best_saddle(graph, level, peak)


def path_of(values):
    return Network(len(values), tuple((v, v + 1) for v in range(len(values) - 1)))


def test_prominences_between_two_walls_are_those_of_scipy():
    """SciPy's saddles look both ways, ours towards higher ground: walls make the two the same."""
    generator = np.random.default_rng(7)
    for _ in range(50):
        values = np.concatenate([[20], generator.permutation(12), [20]])
        level = levels(values)
        peaks, _ = find_peaks(values)
        found = [prominence(path_of(values), level, int(v)) for v in peaks]
        assert_array_equal(found, peak_prominences(values, peaks)[0])


def test_topography_of_two_hills():
    """Heights 3 1 2 and alone a 7: the hill of height 2 is 1 above its saddle, the sea at 1."""
    network, level = Network(4, ((0, 1), (1, 2))), levels([3, 1, 2, 7])
    assert [key_saddle(network, level, v) for v in (0, 2, 3)] == [-1, 1, -1]
    assert [prominence(network, level, v) for v in (0, 2, 3)] == [2, 1, 6]
    assert [prominence(network, level, v, 4) for v in (0, 2, 3)] == [-1, 1, 3]
    assert [parent(network, level, v, {0, 2, 3}) for v in (0, 2, 3)] == [-1, 0, -1]
    assert [summit(network, level, v) for v in range(4)] == [0, 0, 2, 3]
    assert [basin(network, level, v, {0, 3}) for v in range(4)] == [0, 0, 0, 3]
    assert [basin(network, level, v, {3}) for v in range(4)] == [-1, -1, -1, 3]


def test_the_later_of_equal_twins_has_the_small_prominence():
    network, level = Network(3, ((0, 1), (1, 2))), levels([5, 2, 5])
    assert [prominence(network, level, v) for v in (0, 2)] == [3, 3]
    longer = Network(4, ((0, 1), (1, 2), (2, 3)))
    level = levels([5, 2, 5, 1])
    assert [prominence(longer, level, v) for v in (0, 2)] == [4, 3]


def test_an_absent_node_stops_the_walk():
    network, level = Network(3, ((0, 1), (1, 2))), levels([5, float("nan"), 4])
    assert [key_saddle(network, level, v) for v in (0, 2)] == [-1, -1]
    assert [basin(network, level, v) for v in range(3)] == [0, -1, 2]


def test_edge_maxima_of_a_path_and_a_triangle():
    path = Network(5, ((0, 1), (1, 2), (2, 3), (3, 4)))
    assert edge_maxima(path, [4, 1, 2, 3]) == [True, False, False, True]
    assert edge_maxima(path, [4, 1, 2, 3], hops=2) == [True, False, False, True]
    assert edge_maxima(path, [4, 1, 2, 3], hops=3) == [True, False, False, False]
    triangle = Network(3, ((0, 1), (0, 2), (1, 2)))
    assert edge_maxima(triangle, [1, 1, 0]) == [False, False, False]
    assert edge_maxima(triangle, [1, 1, 0], ties="weak") == [True, True, False]


def test_the_reverse_edge_is_a_competitor():
    both_ways = Network(2, ((0, 1), (1, 0)), None, directed=True)
    assert edge_maxima(both_ways, [1, 1]) == [False, False]
    assert edge_maxima(both_ways, [1, 2]) == [False, True]


def test_exact_numbers_keep_what_floats_lose():
    assert exact(np.uint64(2**64 - 1)) == 2**64 - 1
    assert exact(np.datetime64("NaT")) is None
    assert exact(np.float64("nan")) is None
    assert exact(np.float64(-0.0)) == exact(np.float64(0.0))
    assert exact(np.float64(0.1)) != exact(np.float32(0.1))
