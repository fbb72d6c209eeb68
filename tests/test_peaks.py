"""Peaks: cases readable by eye, then every column against the oracle."""

from math import inf, nan

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

COLUMNS = (
    "node", "value", "isolation", "nearest_higher", "prominence", "key_saddle",
    "key_saddle_value", "parent", "basin_size", "plateau_size",
)  # fmt: skip


def path(size, weights=None, directed=False):
    """The path 0 - 1 - ... as a graph."""
    return gm.Graph.from_edges(
        range(size - 1), range(1, size), size, weights=weights, directed=directed
    )


def assert_table(peaks, expected):
    """Every column, the basins and the mask agree with the oracle's table."""
    for name in COLUMNS:
        assert_array_equal(getattr(peaks, name), expected[name], err_msg=name)
    assert_array_equal(peaks.basins, expected["basins"])


# --- known cases


def test_a_small_range_of_mountains():
    """Heights 1 9 4 6 5 7: the peaks are 9, 7 and 6."""
    peaks = gm.find_peaks(path(6), [1, 9, 4, 6, 5, 7])
    assert_array_equal(peaks.nodes, [1, 5, 3])
    assert_array_equal(peaks.value, [9, 7, 6])
    assert_array_equal(peaks.isolation, [inf, 4, 2])
    assert_array_equal(peaks.nearest_higher, [-1, 1, 1])
    assert_array_equal(peaks.prominence, [8, 3, 1])
    assert_array_equal(peaks.key_saddle, [-1, 2, 4])
    assert_array_equal(peaks.parent, [-1, 1, 5])
    assert_array_equal(peaks.basin_size, [3, 2, 1])
    assert_array_equal(peaks.plateau_size, [1, 1, 1])
    assert_array_equal(peaks.basins, [1, 1, 1, 3, 5, 5])
    assert_array_equal(peaks.mask, [False, True, False, True, False, True])


def test_a_plateau_is_one_peak_named_by_its_lowest_index():
    values = np.array([0, 5, 5, 1, 2, 2, 3])
    peaks = gm.find_peaks(path(7), values)
    assert_array_equal(peaks.nodes, [1, 6])
    assert_array_equal(peaks.plateau_size, [2, 1])
    assert_array_equal(peaks.prominence, [5, 2])
    assert_array_equal(peaks.isolation, [inf, 4])
    assert_array_equal(peaks.mask, gm.local_maxima(path(7), values, ties="plateau"))
    assert_array_equal(gm.find_peaks(path(7), values, ties="strict").nodes, [6])


def test_the_later_of_equal_twins_has_the_small_prominence():
    peaks = gm.find_peaks(path(5), [3, 0, 3, 1, 2])
    assert_array_equal(peaks.nodes, [0, 2, 4])
    assert_array_equal(peaks.prominence, [3, 3, 1])
    assert_array_equal(peaks.isolation, [inf, inf, 2])


def test_the_first_peak_of_a_component_stands_on_the_lowest_node_of_all():
    graph = gm.Graph.from_edges([0, 1, 3], [1, 2, 4], 6)
    peaks = gm.find_peaks(graph, [5, 1, 4, 7, 2, 3])
    assert_array_equal(peaks.nodes, [3, 0, 2, 5])
    assert_array_equal(peaks.prominence, [6, 4, 3, 2])
    assert_array_equal(peaks.key_saddle, [-1, -1, 1, -1])
    assert_array_equal(peaks.parent, [-1, -1, 0, -1])
    assert_array_equal(gm.find_peaks(graph, [5, 1, 4, 7, 2, 3], isolated=False).nodes, [3, 0, 2])


def test_where_several_peaks_meet_at_once_the_first_is_the_parent_of_all():
    """Four summits around one saddle, the highest reached last."""
    star = gm.Graph.from_edges([0, 1, 2, 4], [3, 3, 3, 3])
    peaks = gm.find_peaks(star, [7, 8, 6, 1, 9])
    assert_array_equal(peaks.nodes, [4, 1, 0, 2])
    assert_array_equal(peaks.parent, [-1, 4, 4, 4])
    twins = gm.Graph.from_edges([0, 1, 2, 3], [4, 3, 3, 4])
    assert_array_equal(gm.find_peaks(twins, [1, 1, 1, 0, 1]).parent, [-1, 0, 0])


def test_a_peak_that_goes_gives_its_basin_to_its_nearest_ancestor():
    values = [1, 9, 4, 6, 5, 7]
    peaks = gm.find_peaks(path(6), values, min_prominence=2)
    assert_array_equal(peaks.nodes, [1, 5])
    assert_array_equal(peaks.basins, [1, 1, 1, 5, 5, 5])
    assert_array_equal(peaks.basin_size, [3, 3])
    alone = gm.find_peaks(path(6), values, num_peaks=1)
    assert_array_equal(alone.basins, [1] * 6)
    low = gm.find_peaks(gm.Graph.from_edges([0], [1], 3), [1, 2, 5], num_peaks=1)
    assert_array_equal(low.basins, [-1, -1, 2])


def test_a_node_without_a_value_is_absent():
    values = np.array([5, nan, 4, 3, 6])
    peaks = gm.find_peaks(path(5), values)
    assert_array_equal(peaks.nodes, [4, 0, 2])
    assert_array_equal(peaks.prominence, [3, 2, 1])
    assert_array_equal(peaks.basins, [0, -1, 2, 4, 4])
    assert_array_equal(peaks.isolation, [inf, inf, 2])
    masked = np.ma.MaskedArray([5, 9, 4, 3, 6], mask=[0, 1, 0, 0, 0])
    assert_array_equal(gm.find_peaks(path(5), masked).nodes, [4, 0, 2])
    where = np.array([True, False, True, True, True])
    assert_array_equal(gm.find_peaks(path(5), [5, 9, 4, 3, 6], where=where).nodes, [4, 0, 2])


def test_minima_are_depths():
    peaks = gm.find_peaks(path(5), np.array([4, 1, 3, 2, 9], np.uint8), extremum="min")
    assert_array_equal(peaks.nodes, [1, 3])
    assert_array_equal(peaks.prominence, [8, 1])
    assert_array_equal(peaks.key_saddle, [-1, 2])
    deep = gm.find_peaks(path(5), [4, 1, 3, 2, 9], extremum="min", min_height=1)
    assert_array_equal(deep.nodes, [1])


def test_a_radius_measures_isolation_in_weights():
    graph, values = path(4, weights=[1.0, 5.0, 1.0]), [3, 1, 2, 4]
    peaks = gm.find_peaks(graph, values, radius=2.0)
    assert_array_equal(peaks.nodes, [3, 0])
    assert_array_equal(peaks.isolation, [inf, 7])
    wide = gm.find_peaks(path(2, weights=[9.0]), [1, 2], radius=1.0)
    assert_array_equal(wide.nodes, [1, 0])
    assert_array_equal(wide.key_saddle, [-1, 0])
    assert_array_equal(wide.prominence, [1, 0])


def test_arrows_may_be_dropped():
    chain = path(4, directed=True)
    peaks = gm.find_peaks(chain, [3, 1, 2, 4], direction="both")
    assert_array_equal(peaks.nodes, [3, 0])
    assert_array_equal(gm.basins(chain, [3, 1, 2, 4], direction="both"), [0, 0, 3, 3])


def test_a_rule_stands_for_its_fields():
    rule = gm.Rule(hops=2, ties="strict", nan="omit")
    values = [5.0, 1.0, 4.0, nan, 2.0]
    assert_array_equal(gm.find_peaks(path(5), values, rule=rule).nodes, [0, 4])
    assert gm.find_peaks(path(5), values, rule=rule).rule == rule.filled(absent="block")
    two = gm.find_peaks(path(5), values, rule=gm.Rule(hops=2))
    assert two.rule == gm.find_peaks(path(5), values, 2).rule
    assert two.rule == gm.Rule(2).filled(ties="plateau", nan="omit", absent="block")
    with pytest.raises(ValueError, match="`values` must not be NaN"):
        gm.find_peaks(path(5), values, rule=gm.Rule(ties="plateau", nan="raise"))


# --- the ends of the scale


def test_no_peak_at_all_is_an_empty_table():
    peaks = gm.find_peaks(path(3), [1, 1, 1], ties="strict")
    assert len(peaks) == 0
    assert list(peaks) == []
    assert_array_equal(peaks.basins, [-1, -1, -1])
    assert not peaks.mask.any()
    assert repr(peaks) == "Peaks(0 of 3 nodes)"
    assert peaks.to_pandas().shape == (0, 11)
    assert len(peaks[np.zeros(0, bool)]) == 0
    assert peaks.persistence.birth.size == 0


def test_a_graph_without_nodes():
    empty = gm.Graph.from_edges([], [], 0)
    assert len(gm.find_peaks(empty, np.zeros(0))) == 0
    assert gm.basins(empty, np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("isolated", [True, False])
def test_a_constant_graph(hops, isolated):
    graph = gm.Graph.from_edges([0, 1, 3], [1, 2, 4], 6)
    constant = np.full(6, 7.5)
    peaks = gm.find_peaks(graph, constant, hops, isolated=isolated)
    assert_array_equal(peaks.nodes, [0, 3, 5] if isolated else [0, 3])
    assert_array_equal(peaks.prominence, 0)
    assert_array_equal(peaks.plateau_size, [3, 2, 1][: len(peaks)])
    strict = gm.find_peaks(graph, constant, hops, ties="strict", isolated=isolated)
    assert_array_equal(strict.nodes, [5] if isolated else [])
    assert_array_equal(gm.basins(graph, constant), [0, 0, 0, 3, 3, 5])


def test_a_million_isolated_nodes():
    alone = gm.Graph.from_edges([], [], 1_000_000)
    values = np.arange(1_000_000)
    peaks = gm.find_peaks(alone, values)
    assert_array_equal(peaks.nodes, values[::-1])
    assert_array_equal(peaks.prominence, values[::-1])
    assert_array_equal(peaks.parent, -1)
    assert peaks.mask.all()
    assert len(repr(peaks).splitlines()) == 13
    assert_array_equal(gm.non_maximum_suppression(alone, values), values[::-1])


def test_many_peaks_as_high_as_the_highest():
    """Without a way to see that nobody is higher each of them would walk through everything."""
    values = np.tile([0, 1], 50_000)
    peaks = gm.find_peaks(path(100_000), values)
    assert len(peaks) == 50_000
    assert_array_equal(peaks.isolation, inf)
    assert_array_equal(peaks.prominence, 1)


def test_infinities_are_ordinary_values():
    peaks = gm.find_peaks(path(5), [inf, -inf, inf, 0, 1])
    assert_array_equal(peaks.nodes, [0, 2, 4])
    assert_array_equal(peaks.prominence, [inf, inf, 1])
    flat = gm.find_peaks(path(2), [inf, inf])
    assert_array_equal(flat.prominence, [0])


@pytest.mark.parametrize(
    "dtype",
    ["bool", "uint8", "int16", "uint64", "float16", "float32", "datetime64[D]", "timedelta64[s]"],
)
def test_every_comparable_dtype(dtype):
    values = np.array([0, 1, 0, 1, 0]).astype(dtype)
    peaks = gm.find_peaks(path(5), values)
    assert_array_equal(peaks.nodes, [1, 3])
    assert peaks.value.dtype == values.dtype
    assert_array_equal(peaks.prominence, [1, 1])
    assert peaks.persistence.death.dtype == values.dtype


def test_large_integers_are_exact():
    values = [2**53 + 1, 2**53, 2**53 + 1, -(2**63)]
    peaks = gm.find_peaks(path(4), np.array(values))
    assert_array_equal(peaks.prominence, [2.0**63 + 2.0**53, 1])
    kept = gm.find_peaks(path(4), np.array(values), min_height=float(2**53 + 2))
    assert len(kept) == 0


def test_other_libraries_and_names():
    torch = pytest.importorskip("torch")
    graph = nx.Graph([("a", "b"), ("b", "c")])
    peaks = gm.find_peaks(graph, {"a": 2, "b": 0, "c": 1})
    assert peaks.label.tolist() == ["a", "c"]
    found = gm.basins(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.tensor([2.0, 0.0, 1.0]))
    torch.testing.assert_close(found, torch.tensor([0, 0, 2]))


# --- against the oracle


@st.composite
def filters(draw):
    """Draw some thresholds, most of them absent."""
    choices = {
        "min_height": st.integers(0, 3) | st.sampled_from([-inf, 0.5, inf]),
        "min_prominence": st.sampled_from([0, 1, 1.5, 2, inf]),
        "min_isolation": st.sampled_from([0, 1, 2, 3, 0.5, inf]),
        "num_peaks": st.integers(1, 3),
    }
    names = draw(st.lists(st.sampled_from(sorted(choices)), max_size=2, unique=True))
    return {name: draw(choices[name]) for name in names}


@settings(max_examples=examples(150))
@given(st.data())
def test_every_column_is_that_of_the_oracle(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    sizes = [{"hops": hops} for hops in (1, 2, 3)]
    if network.weights is not None:
        sizes += [{"radius": radius} for radius in (0.1, 0.3, 0.6, 1.5)]
    asked = {
        **data.draw(st.sampled_from(sizes)),
        **data.draw(filters()),
        "ties": data.draw(st.sampled_from(["plateau", "strict"])),
        "extremum": data.draw(st.sampled_from(EXTREMA)),
        "isolated": data.draw(st.booleans()),
        "where": where,
    }
    found = gm.find_peaks(graph_of(network), values, direction="both", **asked)
    assert_table(found, oracles_peaks.peak_table(network, values, **asked))


@settings(max_examples=examples(100))
@given(st.data())
def test_basins_are_those_of_the_oracle(data):
    network = data.draw(networks(max_nodes=9))
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    extremum = data.draw(st.sampled_from(EXTREMA))
    level = oracles.levels(values, extremum=extremum, where=where)
    expected = [oracles.basin(network, level, v) for v in range(network.num_nodes)]
    asked = {"direction": "both", "where": where, "extremum": extremum}
    assert_array_equal(gm.basins(graph_of(network), values, **asked), expected)


@settings(max_examples=examples(60))
@given(st.data())
def test_rows_of_a_table_are_kept_as_a_filter_keeps_them(data):
    network = data.draw(networks(max_nodes=9, weighted=False))
    graph, values = graph_of(network), data.draw(with_gaps(network.num_nodes))
    peaks = gm.find_peaks(graph, values, direction="both")
    rows = np.array(data.draw(st.lists(st.booleans(), min_size=len(peaks), max_size=len(peaks))))
    kept = peaks[rows.astype(bool)]
    level = oracles.levels(values)
    table = set(kept.nodes.tolist())
    basins = [oracles.basin(network, level, v, table) for v in range(network.num_nodes)]
    assert_array_equal(kept.basins, basins)
    assert_array_equal(kept.basin_size, [basins.count(v) for v in kept.nodes])
    parents = [oracles.parent(network, level, v, table) for v in kept.nodes.tolist()]
    assert_array_equal(kept.parent, parents)


@pytest.mark.slow
@settings(max_examples=4000)
@given(st.data())
def test_every_column_many_times(data):
    test_every_column_is_that_of_the_oracle.hypothesis.inner_test(data)
