"""Peaks, the merge tree and edge maxima against Higra, GUDHI and our own node maxima, in one run.

    pytest tests/benchmarks/test_bench_peaks.py --benchmark-only -s

Each benchmark times us with pytest-benchmark, the peer in turn with us, and prints the median of
the ratios; absolute times mean nothing on another machine.
"""

import gc
import time
from statistics import median

import numpy as np
import pytest

from graphmax import (
    Graph,
    basins,
    edge_maxima,
    find_peaks,
    grid_graph,
    local_maxima,
    non_maximum_suppression,
)
from graphmax.kernels.merge import highest_neighbors, in_order, merge_tree
from graphmax.values import order_key

NODES = 1_000_000
EDGES = 8_000_000


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratios(ours, theirs, rounds):
    """Theirs / ours over rounds in which each runs right after the other."""
    ours()
    gc.disable()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    gc.enable()
    return [peer / own for own, peer in pairs]


def report(benchmark, name, found, goal):
    benchmark.extra_info["ratio"] = median(found)
    each = ", ".join(f"{ratio:.1f}" for ratio in found)
    print(f"\n{name}: {median(found):.2f} times ({goal}); rounds {each}")


@pytest.fixture(scope="module")
def edge_list():
    rng = np.random.default_rng(0)
    src, dst = rng.integers(0, NODES, (2, EDGES), dtype=np.int32)
    return src, dst, rng.random(NODES)


def higra_graph(src, dst):
    higra = pytest.importorskip("higra")
    graph = higra.UndirectedGraph(NODES)
    graph.add_edges(src, dst)
    return graph


def tree_alone(rows, key):
    """From the finished graph to key saddles and parents, as Higra's max tree starts too."""
    order, level = in_order(key, np.zeros(0, bool))
    up, _ = highest_neighbors(rows.indptr, rows.indices, level)
    return merge_tree(rows.indptr, rows.indices, order, up)


def test_find_peaks_from_an_edge_list(benchmark, edge_list):
    """Building the graph is part of it on both sides; our table has the isolation on top."""
    higra = pytest.importorskip("higra")
    src, dst, values = edge_list

    def ours():
        return find_peaks(Graph.from_edges(src, dst, NODES), values)

    def theirs():
        tree, altitudes = higra.component_tree_max_tree(higra_graph(src, dst), values)
        return higra.attribute_dynamics(tree, altitudes)

    peaks = ours()
    print(f"\n{len(peaks)} peaks")
    np.testing.assert_array_equal(theirs()[peaks.nodes], peaks.prominence)
    found = ratios(ours, theirs, 3)
    report(benchmark, "find_peaks against Higra's build + tree + dynamics", found, "floor 3")
    benchmark.pedantic(ours, rounds=3)


def test_the_merge_tree_alone(benchmark, edge_list):
    higra = pytest.importorskip("higra")
    src, dst, values = edge_list
    rows, key = Graph.from_edges(src, dst, NODES).adjacency("in"), order_key(values).key
    graph = higra_graph(src, dst)
    found = ratios(
        lambda: tree_alone(rows, key), lambda: higra.component_tree_max_tree(graph, values), 5
    )
    report(benchmark, "merge tree against Higra's tree", found, "floor 2.5, aim 5")
    benchmark.pedantic(tree_alone, (rows, key), rounds=5)


@pytest.mark.timeout(900)
def test_the_merge_tree_against_gudhi(benchmark, edge_list):
    """Persistence of a finished complex, without the time to build it; a minute and more."""
    gudhi = pytest.importorskip("gudhi")
    src, dst, values = edge_list
    rows, key = Graph.from_edges(src, dst, NODES).adjacency("in"), order_key(values).key
    flag = gudhi.SimplexTree()
    flag.insert_batch(np.arange(NODES)[None], -values)
    flag.insert_batch(np.stack([src, dst]), -np.minimum(values[src], values[dst]))
    found = ratios(
        lambda: tree_alone(rows, key),
        lambda: flag.compute_persistence(homology_coeff_field=2, min_persistence=0),
        1,
    )
    report(benchmark, "merge tree against GUDHI's persistence", found, "floor 15")
    benchmark.pedantic(tree_alone, (rows, key), rounds=3)


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_edge_maxima_against_node_maxima(benchmark, hops):
    rng = np.random.default_rng(1)
    src, dst = rng.integers(0, 125_000, (2, 1_000_000), dtype=np.int32)
    graph = Graph.from_edges(src, dst, 125_000)
    values, weights = rng.random(graph.num_nodes), rng.permutation(graph.num_edges).astype(float)
    count = int(edge_maxima(graph, weights, hops).sum())
    print(f"\n{graph.num_edges} edges, {count} maxima")
    found = ratios(
        lambda: local_maxima(graph, values), lambda: edge_maxima(graph, weights, hops), 21
    )
    goal = "ceiling 30" if hops == 1 else "no goal"
    report(benchmark, f"edge_maxima(hops={hops}) costs local_maxima", found, goal)
    benchmark.pedantic(edge_maxima, (graph, weights, hops), rounds=10)


@pytest.fixture(scope="module")
def graph(edge_list):
    src, dst, values = edge_list
    return Graph.from_edges(src, dst, NODES, weights=values[src]), values


@pytest.mark.parametrize("distance", [2, 3, 4])
def test_one_peak_within_a_distance_against_the_plain_table(benchmark, graph, distance):
    rows, values = graph
    plain = find_peaks(rows, values)
    kept = find_peaks(rows, values, min_distance=distance)
    print(f"\n{len(plain)} peaks, {len(kept)} at least {distance} hops apart")
    found = ratios(
        lambda: find_peaks(rows, values),
        lambda: find_peaks(rows, values, min_distance=distance),
        3,
    )
    report(benchmark, f"min_distance={distance} costs plain tables", found, "ceiling 3")
    benchmark.pedantic(find_peaks, (rows, values), {"min_distance": distance}, rounds=2)


def test_straight_lines_between_peaks_against_the_plain_table(benchmark, graph):
    rows, values = graph
    placed = rows.replace(positions=np.random.default_rng(4).random((NODES, 3)))
    asked = {"min_distance": 0.02, "metric": "euclidean"}
    print(f"\n{len(find_peaks(placed, values, **asked))} peaks stay")
    found = ratios(
        lambda: find_peaks(placed, values), lambda: find_peaks(placed, values, **asked), 3
    )
    report(benchmark, "straight lines cost plain tables", found, "ceiling 3")
    benchmark.pedantic(find_peaks, (placed, values), asked, rounds=2)


def test_ten_thousand_groups_against_one_call(benchmark, graph):
    """On the graph of the groups, which has fewer edges, and on the whole one."""
    rows, values = graph
    groups = np.random.default_rng(5).integers(0, 10_000, NODES)
    grouped = find_peaks(rows, values, groups=groups, num_peaks=3)
    print(f"\n{len(grouped)} peaks of {len(np.unique(grouped.group))} groups")
    found = ratios(
        lambda: find_peaks(rows, values), lambda: find_peaks(rows, values, groups=groups), 3
    )
    report(benchmark, "10,000 groups cost one call", found, "ceiling 1.5")
    benchmark.pedantic(find_peaks, (rows, values), {"groups": groups}, rounds=2)


def test_regions_of_a_grid_against_one_call(benchmark):
    """Regions that hang together, so that most edges stay."""
    pixels = grid_graph((1000, 1000), 8)
    values = np.random.default_rng(6).random(1_000_000)
    row, column = np.divmod(np.arange(1_000_000), 1000)
    groups = (row // 10) * 100 + column // 10
    found = ratios(
        lambda: find_peaks(pixels, values), lambda: find_peaks(pixels, values, groups=groups), 3
    )
    report(benchmark, "10,000 regions of a grid cost one call", found, "ceiling 1.5")
    benchmark.pedantic(find_peaks, (pixels, values), {"groups": groups}, rounds=2)


def test_watershed_of_an_image_against_scikit_image(benchmark):
    segmentation = pytest.importorskip("skimage.segmentation")
    generator = np.random.default_rng(7)
    image = generator.integers(0, 256, (1000, 1000)).astype(np.uint8)
    markers = np.zeros(image.shape, np.int32)
    markers.reshape(-1)[generator.choice(image.size, 5000, replace=False)] = np.arange(1, 5001)
    pixels = grid_graph(image.shape, 4)
    found = ratios(
        lambda: basins(pixels, image.ravel(), markers=markers),
        lambda: segmentation.watershed(255 - image, markers),
        3,
    )
    report(benchmark, "watershed of markers against scikit-image", found, "no goal")
    benchmark.pedantic(basins, (pixels, image.ravel()), {"markers": markers}, rounds=2)


def test_suppression_in_millimeters_against_one_search_per_node(benchmark):
    """Straight lines among 200,000 points against a k-d tree asked point by point."""
    from scipy.spatial import cKDTree

    generator = np.random.default_rng(8)
    points, scores = generator.random((200_000, 3)), generator.random(200_000)
    cloud = Graph.from_edges([], [], 200_000).replace(positions=points)
    order = np.argsort(-scores)

    def by_tree():
        tree, alive = cKDTree(points), np.ones(200_000, bool)
        for v in order:
            if alive[v]:
                alive[tree.query_ball_point(points[v], 0.05)] = False

    asked = {"radius": 0.05, "metric": "euclidean"}
    found = ratios(lambda: non_maximum_suppression(cloud, scores, **asked), by_tree, 3)
    report(benchmark, "straight suppression against a k-d tree", found, "no goal")
    benchmark.pedantic(non_maximum_suppression, (cloud, scores), asked, rounds=2)
