"""What `find_peaks`, `basins` and `non_maximum_suppression` refuse, and with which words."""

import numpy as np
import pytest

import graphmax as gm

PATH = gm.Graph.from_edges([0, 1], [1, 2])
CHAIN = gm.Graph.from_edges([0, 1], [1, 2], directed=True)

PEAKS = [
    ({"min_prominence": -1}, ValueError, r"`min_prominence` must be at least 0, got -1"),
    ({"min_prominence": np.nan}, ValueError, r"`min_prominence` must be a number, got NaN"),
    ({"min_prominence": "1"}, TypeError, r"`min_prominence` must be a number, got '1'"),
    ({"min_isolation": -0.5}, ValueError, r"`min_isolation` must be at least 0, got -0.5"),
    ({"min_height": np.nan}, ValueError, r"`min_height` must be a number, got NaN"),
    ({"min_height": None, "num_peaks": 0}, ValueError, r"`num_peaks` must be at least 1, got 0; "),
    ({"num_peaks": -2}, ValueError, r"`num_peaks` must be at least 1, got -2"),
    ({"num_peaks": 1.0}, TypeError, r"`num_peaks` must be an integer of at least 1, got 1.0"),
    ({"num_peaks": True}, TypeError, r"`num_peaks` must be an integer of at least 1, got True"),
    ({"min_distance": -1}, ValueError, r"`min_distance` must be at least 0, got -1"),
    ({"min_distance": np.nan}, ValueError, r"`min_distance` must be a number, got NaN"),
    ({"min_distance": "2"}, TypeError, r"`min_distance` must be a number, got '2'"),
    ({"metric": "hops"}, ValueError, r"`metric` must be given with min_distance, got 'hops' alone"),
    ({"metric": "hop", "min_distance": 1}, ValueError, r"`metric` must be one of .*did you mean"),
    ({"metric": "weight", "min_distance": 1}, ValueError, r"without edge weights; measure in hops"),
    ({"metric": "euclidean", "min_distance": 1}, ValueError, r"without positions; .*positions="),
    ({"by": "size"}, ValueError, r"`by` must be one of 'height', 'prominence', 'isolation', got"),
    ({"by": None}, ValueError, r"`by` must be one of"),
    ({"base": np.nan}, ValueError, r"`base` must be a number, got NaN"),
    ({"base": "0"}, TypeError, r"`base` must be a number, got '0'"),
    ({"groups": [1, 2]}, ValueError, r"`groups` must have one entry per node"),
    ({"hops": [1, 2]}, ValueError, r"`hops` must have one entry per node"),
    ({"hops": [1, 0, 1]}, ValueError, r"`hops` must be at least 1 for every node, got 0"),
    ({"min_height": np.timedelta64(1, "s")}, TypeError, r"`min_height` must be a number"),
    ({"ties": "weak"}, ValueError, r"`ties` must be 'plateau' or 'strict' .*, got 'weak'; "),
    ({"ties": "index"}, ValueError, r"`ties` must be 'plateau' or 'strict' .*, got 'index'; "),
    ({"rule": gm.Rule(ties="weak")}, ValueError, r"`ties` must be 'plateau' or 'strict'"),
    ({"ties": "flat"}, ValueError, r"`ties` must be one of"),
    ({"graph": CHAIN}, ValueError, r"`graph` must be undirected .*direction='in'; .*'both'"),
    ({"graph": CHAIN, "direction": "out"}, ValueError, r"direction='out'; pass direction='both'"),
    ({"values": np.zeros((3, 2))}, ValueError, r"`values` must have shape .*; pass one column"),
    ({"values": [1, 2]}, ValueError, r"`values` must have one entry per node \(3\), got 2"),
    ({"values": [1j, 2, 3]}, TypeError, r"`values` must be .*, got dtype complex128"),
    ({"values": [1, np.nan, 3], "nan": "raise"}, ValueError, r"`values` must not be NaN, got 1"),
    ({"hops": 1, "radius": 1.0}, ValueError, r"`hops` and `radius` must not be given together"),
    ({"radius": 1.0}, ValueError, r"`radius` must be used with edge weights"),
    ({"hops": 0}, ValueError, r"`hops` must be at least 1, got 0"),
    ({"rule": gm.Rule(), "hops": 1}, TypeError, r"`rule` must not be given beside hops"),
    ({"rule": gm.Rule(), "ties": "strict"}, TypeError, r"must not be given beside ties"),
    ({"height": 3}, TypeError, r"`height` must be a field of Rule"),
    ({"graph": [[0, 1]]}, TypeError, r"`graph` must be a graphmax Graph"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), PEAKS)
def test_find_peaks_refuses(wrong, error, message):
    with pytest.raises(error, match=message):
        gm.find_peaks(**{"graph": PATH, "values": [1, 2, 3], **wrong})


def test_thresholds_of_times_are_times():
    days = np.array(["2020-01-03", "2020-01-01", "2020-01-02"], "datetime64[D]")
    kept = gm.find_peaks(PATH, days, min_height=np.datetime64("2020-01-02T12"))
    np.testing.assert_array_equal(kept.nodes, [0])
    with pytest.raises(TypeError, match=r"`min_height` must be a datetime64 like the values"):
        gm.find_peaks(PATH, days, min_height=3)
    with pytest.raises(ValueError, match=r"`min_height` must not be NaT"):
        gm.find_peaks(PATH, days, min_height=np.datetime64("NaT"))


def test_a_base_of_times_is_a_whole_time():
    days = np.array(["2020-01-03", "2020-01-01", "2020-01-02"], "datetime64[D]")
    peaks = gm.find_peaks(PATH, days, base=np.datetime64("2019-12-31"))
    np.testing.assert_array_equal(peaks.prominence, [3, 1])
    with pytest.raises(ValueError, match=r"`base` must be a whole number of the unit"):
        gm.find_peaks(PATH, days, base=np.datetime64("2019-12-31T12"))
    with pytest.raises(TypeError, match=r"`base` must be a datetime64 like the values"):
        gm.find_peaks(PATH, days, base=0)


def test_a_negative_height_is_a_height():
    assert len(gm.find_peaks(PATH, [-1, -5, -3], min_height=-2)) == 1


BASINS = [
    ({"hops": 2}, TypeError, r"`hops` must not be given to basins; "),
    ({"radius": 2.0}, TypeError, r"`radius` must not be given to basins; "),
    ({"ties": "weak"}, TypeError, r"`ties` must not be given to basins; each plateau walks as one"),
    ({"isolated": False}, TypeError, r"`isolated` must not be given to basins; "),
    ({"graph": CHAIN}, ValueError, r"`graph` must be undirected for basins, .*'both'"),
    ({"values": np.zeros((3, 2))}, ValueError, r"`values` must have shape .*; pass one column"),
    ({"nan": "raise", "values": [1, np.nan, 2]}, ValueError, r"`values` must not be NaN"),
    ({"markers": [1, 0]}, ValueError, r"`markers` must have one entry per node"),
    ({"markers": [1, -1, 0]}, ValueError, r"`markers` must be labels above 0, .*got -1"),
    ({"markers": [1.0, 0, 0]}, TypeError, r"`markers` must be bool or integer labels, got dtype"),
    (
        {"markers": [1, 0, 0], "where": [False, True, True]},
        ValueError,
        r"`markers` must lie on nodes with a value, .*got 1 outside \(first: 0\)",
    ),
    ({"markers": [1, 0, 0], "split_plateaus": True}, ValueError, r"`split_plateaus` must not be"),
    ({"split_plateaus": 1}, TypeError, r"`split_plateaus` must be True or False, got 1"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), BASINS)
def test_basins_refuses(wrong, error, message):
    with pytest.raises(error, match=message):
        gm.basins(**{"graph": PATH, "values": [1, 2, 3], **wrong})


SUPPRESSION = [
    ({"scores": [1, np.nan, 2], "nan": "raise"}, ValueError, r"`scores` must not be NaN, got 1 "),
    ({"scores": [1, 2]}, ValueError, r"`scores` must have one entry per node \(3\), got 2"),
    ({"scores": np.zeros((3, 2))}, ValueError, r"`scores` must have shape .*; pass one column"),
    ({"scores": ["a", "b", "c"]}, TypeError, r"`scores` must be .*, got dtype"),
    ({"hops": 0}, ValueError, r"`hops` must be at least 1, got 0"),
    ({"hops": 1.5}, TypeError, r"`hops` must be an integer of at least 1, got 1.5"),
    ({"threshold": np.nan}, ValueError, r"`threshold` must be a number, got NaN"),
    ({"threshold": "1"}, TypeError, r"`threshold` must be a number, got '1'"),
    ({"graph": CHAIN}, ValueError, r"undirected for non_maximum_suppression, .*'both'"),
    ({"ties": "weak"}, TypeError, r"`ties` must not be given to non_maximum_suppression; "),
    ({"absent": "pass"}, ValueError, r"`absent` must be 'block' for non_max.*fill NaN in"),
    ({"extremum": "min"}, TypeError, r"`extremum` must not be given .*negate the scores"),
    ({"radius": 1.0}, ValueError, r"`radius` must be used with edge weights"),
    ({"metric": "hops", "radius": 1.0}, ValueError, r"`metric` must fit the reach, .*give hops"),
    ({"metric": "weight"}, ValueError, r"`metric` must fit the reach, .*give a radius"),
    ({"metric": "euclidean", "radius": 1.0}, ValueError, r"'euclidean' for non_max.*positions"),
    ({"metric": "euclidean", "radius": -1.0}, ValueError, r"`radius` must be above 0"),
    ({"metric": "miles", "radius": 1.0}, ValueError, r"`metric` must be one of 'hops'"),
    ({"metric": "euclidean", "rule": gm.Rule(radius=1.0)}, ValueError, r"with a rule; .*radius="),
]


@pytest.mark.parametrize(("wrong", "error", "message"), SUPPRESSION)
def test_suppression_refuses(wrong, error, message):
    with pytest.raises(error, match=message):
        gm.non_maximum_suppression(**{"graph": PATH, "scores": [1, 2, 3], **wrong})
