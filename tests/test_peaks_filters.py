"""Thinning the table: distance, order, sea level, groups, a reach per node; oracle and laws."""

import numpy as np
import oracles_peaks
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import EXTREMA, examples, graph_of, masks, networks, with_gaps
from test_peaks import assert_table, path

import graphmax as gm
from graphmax.machine import dataset_path

# --- known cases


def test_one_peak_within_a_distance_equal_ones_included():
    values = [5, 0, 5, 0, 4, 0, 3]
    assert_array_equal(gm.find_peaks(path(7), values, min_distance=2).nodes, [0, 2, 4, 6])
    assert_array_equal(gm.find_peaks(path(7), values, min_distance=3).nodes, [0, 4])
    assert_array_equal(gm.find_peaks(path(7), values, min_distance=4).nodes, [0, 4])
    assert_array_equal(gm.find_peaks(path(7), values, min_distance=4.5).nodes, [0, 6])
    assert_array_equal(gm.find_peaks(path(7), values, min_distance=np.inf).nodes, [0])
    assert_array_equal(gm.find_peaks(path(7), values, min_distance=0).nodes, [0, 2, 4, 6])


def test_where_nothing_is_a_peak_no_node_has_one():
    triangle = gm.Graph.from_edges([0, 1, 2], [1, 2, 0])
    for filters in ({}, {"min_prominence": 1}, {"min_distance": 2}):
        peaks = gm.find_peaks(triangle, [1, 1, 1], ties="strict", **filters)
        assert len(peaks) == 0
        assert_array_equal(peaks.basins, [-1, -1, -1])
    nothing = gm.Graph.from_edges([], [], 0)
    for level in (0, 0.5, -np.inf):
        peaks = gm.find_peaks(nothing, np.zeros(0, np.int64), base=level)
        assert len(peaks) == peaks.basins.size == 0


def test_the_first_so_many_are_the_highest_unless_asked_otherwise():
    values = [9, 0, 8, 0, 7, 0, 0, 0, 0, 0, 6]
    far = {"min_isolation": 2, "num_peaks": 2}
    assert_array_equal(gm.find_peaks(path(11), values, **far).nodes, [0, 2])
    assert_array_equal(gm.find_peaks(path(11), values, by="isolation", **far).nodes, [0, 10])


def test_valleys_at_the_threshold_are_kept():
    values = np.array([0.1, 1, 0.3, 1, 0.1])
    for level, expected in ((0.1, [0, 4]), (0.3, [0, 2, 4]), (np.nextafter(0.3, 0), [0, 4])):
        found = gm.find_peaks(path(5), values, extremum="min", min_height=level).nodes
        assert_array_equal(np.sort(found), expected)


def test_a_distance_is_not_a_radius_of_the_question():
    """Node 4 is beaten by 2 within two hops, but 2 itself gives way to 0."""
    values = [9, 0, 8, 0, 7, 0]
    assert_array_equal(gm.find_peaks(path(6), values, 2).nodes, [0])
    assert_array_equal(gm.find_peaks(path(6), values, min_distance=3).nodes, [0, 4])


def test_distances_in_weights_and_in_straight_lines():
    graph = path(4, weights=[1.0, 1.0, 9.0])
    values = [3, 0, 2, 1]
    asked = {"min_distance": 2.0, "metric": "weight"}
    assert_array_equal(gm.find_peaks(graph, values, **asked).nodes, [0, 2])
    asked["min_distance"] = 2.5
    assert_array_equal(gm.find_peaks(graph, values, **asked).nodes, [0])
    assert_array_equal(gm.find_peaks(graph, values, radius=0.5, min_distance=2.5).nodes, [0, 3])
    bent = path(5).replace(positions=[[0, 0], [3, 0], [3, 4], [0, 4], [0, 3]])
    values = [5, 0, 4, 0, 3]
    straight = {"metric": "euclidean"}
    assert_array_equal(gm.find_peaks(bent, values, min_distance=5, **straight).nodes, [0, 2])
    assert_array_equal(gm.find_peaks(bent, values, min_distance=3, **straight).nodes, [0, 2, 4])
    assert_array_equal(gm.find_peaks(bent, values, min_distance=5.1, **straight).nodes, [0])


def test_pixels_are_points_of_their_own_grid():
    image = np.zeros((5, 5))
    image[0, 0], image[3, 4], image[4, 0] = 3, 2, 1
    graph = gm.grid_graph(image.shape)
    asked = {"metric": "euclidean", "min_height": 1}
    assert_array_equal(gm.find_peaks(graph, image.ravel(), min_distance=5, **asked).nodes, [0, 19])
    assert len(gm.find_peaks(graph, image.ravel(), min_distance=4, **asked)) == 3


def test_who_goes_first():
    """Heights 9, 8, 5: 8 stands on the shoulder of 9, 5 stands on its own far away."""
    values = [9, 7, 8, 0, 0, 0, 5, 0]
    peaks = gm.find_peaks(path(8), values, num_peaks=2)
    assert_array_equal(peaks.nodes, [0, 2])
    assert_array_equal(gm.find_peaks(path(8), values, num_peaks=2, by="prominence").nodes, [0, 6])
    assert_array_equal(gm.find_peaks(path(8), values, num_peaks=2, by="isolation").nodes, [0, 6])
    asked = {"min_distance": 5, "by": "prominence"}
    assert_array_equal(gm.find_peaks(path(8), values, **asked).nodes, [0, 6])


def test_islands_rise_from_the_lowest_value_of_all():
    """An island of height 5 is as prominent as it is high above the sea, wherever that is."""
    islands = gm.Graph.from_edges([0], [1], 3)
    peaks = gm.find_peaks(islands, [9, 2, 5])
    assert_array_equal(peaks.prominence, [7, 3])
    assert_array_equal(peaks.key_saddle_value, [2, 2])
    assert_array_equal(peaks.persistence.death_node, [1, 1])
    based = gm.find_peaks(islands, [9, 2, 5], base=6)
    assert_array_equal(based.prominence, [3, -1])
    assert_array_equal(based.persistence.death, [6, 6])
    assert_array_equal(based.persistence.death_node, [-1, -1])
    assert_array_equal(gm.find_peaks(islands, [9, 2, 5], base=6, min_prominence=0).nodes, [0])


def test_an_island_of_the_shipped_graph_is_no_less_of_a_power():
    """No land border leads out of Japan: it rises from the poorest country of the world."""
    graph = gm.read_graph(dataset_path("countries/countries.graphml"))
    powers = gm.find_peaks(graph, "gdp", min_prominence=3_000_000)
    assert_array_equal(powers.label, ["China", "United States of America", "Japan"])


def test_a_base_of_minima_is_a_ceiling():
    lakes = gm.Graph.from_edges([0], [1], 3)
    assert_array_equal(gm.find_peaks(lakes, [1, 9, 5], extremum="min").prominence, [8, 4])
    assert_array_equal(gm.find_peaks(lakes, [1, 9, 5], extremum="min", base=6).prominence, [5, 1])


def test_a_base_beyond_booleans_is_a_number():
    yes = gm.Graph.from_edges([], [], 1)
    assert_array_equal(gm.find_peaks(yes, [False], extremum="min", base=2).prominence, [2])
    assert_array_equal(gm.find_peaks(yes, [True], base=-1).prominence, [2])
    assert_array_equal(gm.find_peaks(yes, [True], base=0).prominence, [1])


def test_integers_beyond_all_floats_are_thresholds():
    assert len(gm.find_peaks(path(3), [1, 0, 2], min_height=10**400)) == 0
    assert len(gm.find_peaks(path(3), [1.0, 0, 2], min_height=-(10**400), min_distance=1)) == 2
    assert_array_equal(gm.find_peaks(path(3), [1, 0, 2], min_distance=10**400).nodes, [2])


@pytest.mark.parametrize(
    ("values", "base", "prominence", "dtype"),
    [
        (np.array([2**62 + 1, 0, 7]), 2**62, [1.0, 7 - 2.0**62], np.int64),
        (np.array([2**62 + 1, 0, 7]), 10**400, [-np.inf, -np.inf], np.float64),
        (np.array([2**62 + 1, 0, 7]), -(10**400), [np.inf, np.inf], np.float64),
        (np.array([2**62 + 1, 0, 7]), 0.5, [2.0**62, 6.5], np.float64),
        (np.array([2**53 + 3, 0, 7]), 0.5, [2.0**53 + 2, 6.5], np.float64),
        (np.array([3, 0, 2], np.uint8), -1, [4, 3], np.float64),
        (np.array([3, 0, 2], np.uint8), -np.inf, [np.inf, np.inf], np.float64),
        (np.array([2**64 - 1, 0, 2], np.uint64), -np.inf, [np.inf, np.inf], np.float64),
        (np.array([1, 0, 0.5], np.float32), 0.1, [1 - 0.1, 0.5 - 0.1], np.float64),
        (np.array([True, False, True]), 0, [1, 1], np.bool_),
        (np.array([np.inf, 0, 1]), np.inf, [0, -np.inf], np.float64),
        (np.array([9, 0, 5], "timedelta64[s]"), np.timedelta64(1, "s"), [8, 4], "timedelta64[s]"),
    ],
)
def test_a_base_is_exact_in_any_dtype(values, base, prominence, dtype):
    peaks = gm.find_peaks(gm.Graph.from_edges([0], [1], 3), values, base=base)
    assert_array_equal(peaks.prominence, prominence)
    assert peaks.persistence.death.dtype == dtype


def test_a_base_between_integers_beyond_all_floats():
    alone = gm.Graph.from_edges([], [], 2)
    peaks = gm.find_peaks(alone, np.array([2**53 + 1, 0]), base=0.5)
    assert peaks.prominence.tolist() == [2.0**53, -0.5]  # 2^53 + .5, rounded once


def test_so_many_peaks_of_each_group():
    values, groups = [9, 0, 8, 0, 3, 1, 2, 0], list("aaaabbbb")
    peaks = gm.find_peaks(path(8), values, groups=groups, num_peaks=1)
    assert_array_equal(peaks.nodes, [0, 4])
    assert_array_equal(peaks.group, ["a", "b"])
    assert_array_equal(peaks.basins, [0] * 4 + [4] * 4)
    assert peaks[1].group == "b"
    assert "group" in repr(peaks).splitlines()[1]
    low = gm.find_peaks(path(4), [9, 5, 3, 2], groups=[0, 0, 1, 1])
    assert_array_equal(low.prominence, [4, 1])


def test_straight_lines_stay_inside_a_group():
    values, groups = [9, 0, 8, 0], [0, 0, 1, 1]
    line = path(4).replace(positions=[[0.0], [1.0], [2.0], [3.0]])
    asked = {"min_distance": 10, "metric": "euclidean"}
    assert_array_equal(gm.find_peaks(line, values, **asked).nodes, [0])
    assert_array_equal(gm.find_peaks(line, values, groups=groups, **asked).nodes, [0, 2])


def test_each_node_has_a_reach_of_its_own():
    values = [9, 0, 8, 0, 7, 0]
    assert_array_equal(gm.find_peaks(path(6), values, np.array([1, 1, 2, 1, 1, 1])).nodes, [0, 4])
    flat = [1, 5, 5, 0, 9]
    assert_array_equal(gm.find_peaks(path(5), flat, np.array([1, 1, 1, 1, 1])).nodes, [4, 1])
    assert_array_equal(gm.find_peaks(path(5), flat, np.array([1, 2, 1, 1, 1])).nodes, [4])


# --- against the oracle


@st.composite
def thinning(draw, weighted):
    """Draw filters, most of them about distance and order."""
    choices = {
        "min_height": st.integers(0, 3) | st.sampled_from([-np.inf, 0.5]),
        "min_prominence": st.sampled_from([0, 1, 1.5, 2]),
        "min_isolation": st.sampled_from([1, 2, 3]),
        "num_peaks": st.integers(1, 3),
        "base": st.sampled_from([-2, 0, 1, 0.5]),
    }
    names = draw(st.lists(st.sampled_from(sorted(choices)), max_size=2, unique=True))
    asked = {name: draw(choices[name]) for name in names}
    asked["by"] = draw(st.sampled_from(["height", "prominence", "isolation"]))
    if draw(st.booleans()) or draw(st.booleans()):
        metrics = [None, "hops", "euclidean"] + ["weight"] * weighted
        asked["metric"] = draw(st.sampled_from(metrics))
        asked["min_distance"] = draw(st.sampled_from([0, 0.3, 1, 1.5, 2, 3, np.inf]))
    return asked


@settings(max_examples=examples(150))
@given(st.data())
def test_every_filter_is_that_of_the_oracle(data):
    network = data.draw(networks(max_nodes=9))
    size, weighted = network.num_nodes, network.weights is not None
    values, where = data.draw(with_gaps(size)), data.draw(masks(size))
    asked = {
        "hops": data.draw(st.integers(1, 2)),
        "ties": data.draw(st.sampled_from(["plateau", "strict"])),
        "extremum": data.draw(st.sampled_from(EXTREMA)),
        "where": where,
        **data.draw(thinning(weighted)),
    }
    if weighted and data.draw(st.booleans()):
        asked |= {"hops": None, "radius": data.draw(st.sampled_from([0.1, 0.6]))}
    if data.draw(st.booleans()):
        name, reaches = ("hops", [1, 2, 3]) if asked["hops"] else ("radius", [0.1, 0.5, 1.0])
        each = st.lists(st.sampled_from(reaches), min_size=size, max_size=size)
        asked[name] = np.array(data.draw(each))
    points = data.draw(st.lists(st.integers(0, 3), min_size=2 * size, max_size=2 * size))
    positions = np.reshape(points, (size, 2)).astype(float)
    graph = graph_of(network).replace(positions=positions)
    table = gm.find_peaks(graph, values, direction="both", **asked)
    assert_table(table, oracles_peaks.peak_table(network, values, positions=positions, **asked))


@pytest.mark.slow
@settings(max_examples=4000)
@given(st.data())
def test_every_filter_many_times(data):
    test_every_filter_is_that_of_the_oracle.hypothesis.inner_test(data)


# --- laws


@st.composite
def landscapes(draw):
    """Draw a graph of up to 40 nodes with positions, weights and values with ties."""
    size = draw(st.integers(1, 40))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ends = generator.integers(0, size, (2, draw(st.integers(0, 3 * size))))
    values = generator.integers(0, draw(st.sampled_from([2, 5, 1000])), size)
    weights = generator.integers(1, 5, ends.shape[1]).astype(float)
    graph = gm.Graph.from_edges(*ends, size, weights=weights)
    return graph.replace(positions=generator.integers(0, 9, (size, 3)).astype(float)), values


def distances_between(graph, nodes, metric):
    """All distances between some nodes, one row each, measured from the node of the row."""
    if metric == "euclidean":
        points = graph.positions[nodes]
        return np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    weighted = graph.to_scipy()
    lengths = scipy.sparse.csgraph.dijkstra(
        weighted, indices=nodes, unweighted=metric == "hops", directed=False
    )
    return lengths[:, nodes]


@settings(max_examples=examples(80))
@given(
    landscapes(),
    st.sampled_from(["hops", "weight", "euclidean"]),
    st.sampled_from(["height", "prominence", "isolation"]),
    st.sampled_from([1, 2, 2.5, 4, 7]),
)
def test_any_two_are_so_far_apart_and_whoever_goes_was_near_one_that_goes_first(
    landscape, metric, by, least
):
    graph, values = landscape
    peaks = gm.find_peaks(graph, values)
    kept = gm.find_peaks(graph, values, min_distance=least, metric=metric, by=by)
    stays = np.isin(peaks.nodes, kept.nodes)
    distance = distances_between(graph, peaks.nodes, metric) if len(peaks) else np.zeros((0, 0))
    among = distance[np.ix_(stays, stays)][~np.eye(int(stays.sum()), dtype=bool)]
    assert (among >= least).all()
    order = {"height": peaks.value, "prominence": peaks.prominence, "isolation": peaks.isolation}
    first = np.argsort(-order[by], kind="stable")
    place = np.empty(len(peaks), int)
    place[first] = np.arange(len(peaks))
    for row in np.flatnonzero(~stays):
        near = stays & (distance[:, row] < least)
        assert (place[near] < place[row]).any()


@settings(max_examples=examples(80))
@given(
    landscapes(),
    st.integers(1, 4),
    st.sampled_from(["height", "prominence", "isolation"]),
    st.integers(1, 2),
)
def test_groups_are_a_loop_over_induced_subgraphs(landscape, kinds, by, hops):
    graph, values = landscape
    groups = np.random.default_rng(kinds).integers(0, kinds, values.size)
    asked = {"num_peaks": 2, "by": by, "hops": hops}
    together = gm.find_peaks(graph, values, groups=groups, **asked)
    for group in range(kinds):
        nodes = np.flatnonzero(groups == group)
        number = np.full(values.size, -1)
        number[nodes] = np.arange(nodes.size)
        src, dst = graph.edges()
        inside = (groups[src] == group) & (groups[dst] == group)
        part = gm.Graph.from_edges(number[src[inside]], number[dst[inside]], nodes.size)
        alone = gm.find_peaks(part, values[nodes], **asked)
        mine = together.group == group
        assert_array_equal(together.nodes[mine], nodes[alone.nodes])
        for name in ("isolation", "prominence", "basin_size", "plateau_size"):
            assert_array_equal(getattr(together, name)[mine], getattr(alone, name), err_msg=name)
        for name in ("parent", "key_saddle", "nearest_higher"):
            expected = np.append(nodes, -1)[getattr(alone, name)]
            assert_array_equal(getattr(together, name)[mine], expected, err_msg=name)


@settings(max_examples=examples(80))
@given(landscapes(), st.sampled_from(["plateau", "strict"]))
def test_a_reach_per_node_asks_for_an_isolation_beyond_it(landscape, ties):
    graph, values = landscape
    reach = np.random.default_rng(values.size).integers(1, 5, values.size)
    peaks = gm.find_peaks(graph, values, ties=ties)
    own = [max(reach[peaks.members(row)]) for row in range(len(peaks))]
    kept = gm.find_peaks(graph, values, reach, ties=ties)
    assert_array_equal(kept.nodes, peaks.nodes[peaks.isolation > own])
    mask = gm.local_maxima(graph, values, reach, ties=ties)
    assert_array_equal(kept.mask, mask)


@settings(max_examples=examples(60))
@given(landscapes(), st.integers(-50, 50))
def test_a_base_moves_first_peaks_alone(landscape, base):
    graph, values = landscape
    plain, based = gm.find_peaks(graph, values), gm.find_peaks(graph, values, base=base)
    first = plain.key_saddle < 0
    assert_array_equal(based.prominence[~first], plain.prominence[~first])
    assert_array_equal(based.prominence[first], plain.value[first] - base)
    lowest = gm.find_peaks(graph, values, base=int(values.min()))
    assert_array_equal(lowest.prominence, plain.prominence)


# --- peers


def test_scipy_thins_the_same_without_ties():
    """SciPy keeps the highest and drops what is nearer than `distance`; of ties it keeps others."""
    generator = np.random.default_rng(2)
    for size in range(5, 60):
        values = generator.permutation(size).astype(float)
        values[[0, -1]] = -1  # its peaks never lie at an end
        for distance in (1, 2, 3, 5):
            theirs, _ = scipy.signal.find_peaks(values, distance=distance)
            ours = gm.find_peaks(path(size), values, min_distance=distance)
            assert_array_equal(np.sort(ours.nodes), theirs)


def test_scikit_image_means_hops_by_its_distance():
    """`peak_local_max(min_distance=d)` asks every pixel; it is `hops=d` where no ties are."""
    feature = pytest.importorskip("skimage.feature")
    image = np.random.default_rng(5).permutation(900).reshape(30, 30)
    graph = gm.grid_graph(image.shape, 8)
    differs = False
    for d in (1, 2, 4):
        theirs = feature.peak_local_max(image, min_distance=d, exclude_border=False)
        ours = gm.find_peaks(graph, image.ravel(), d)
        assert_array_equal(ours.coordinates, theirs)
        thinned = gm.find_peaks(graph, image.ravel(), min_distance=d + 1)
        differs |= not np.array_equal(thinned.nodes, ours.nodes)
    assert differs
