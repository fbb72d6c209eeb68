"""Peaks among edges: cases readable by eye, the oracle on the line graph, laws, refusals."""

import numpy as np
import oracles
import oracles_peaks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import Network
from strategies import EXTREMA, examples, graph_of, networks
from test_peaks import assert_table

import graphmax as gm

PATH = gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4], weights=[3, 1, 2, 5], labels=list("abcde"))


def test_a_path_of_edges():
    peaks = gm.edge_peaks(PATH)
    assert_array_equal(peaks.nodes, [3, 0])
    assert_array_equal(peaks.prominence, [4, 2])
    assert_array_equal(peaks.isolation, [np.inf, 3])
    assert_array_equal(peaks.basins, [0, 0, 3, 3])
    table = peaks.to_dict()
    assert list(table)[:4] == ["edge", "src", "dst", "value"]
    assert_array_equal(table["src"], ["d", "a"])
    assert_array_equal(table["dst"], ["e", "b"])
    assert peaks[0].label == ("d", "e")
    assert_array_equal(peaks.to_pandas(ids_as_index=True).loc[("a", "b"), "value"], 3)
    assert repr(peaks).splitlines()[0] == "Peaks(2 of 4 edges, highest first)"


def test_files_name_both_ends(tmp_path):
    gm.edge_peaks(PATH).write(tmp_path / "edges.csv")
    lines = (tmp_path / "edges.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    assert names[:4] == ["edge", "src", "dst", "value"]
    second = dict(zip(names, lines[2].split(","), strict=True))
    assert (second["parent_src"], second["parent_dst"]) == ("d", "e")
    assert (second["key_saddle_src"], second["key_saddle_dst"]) == ("b", "c")


def test_the_induced_subgraph_decides_who_is_a_peak():
    """The edge 2 - 3 shares no end with 0 - 1, but lies between the neighbors of 0."""
    square = gm.Graph.from_edges([0, 0, 1, 2, 0], [1, 2, 2, 3, 3], weights=[4, 1, 1, 5, 1])
    assert_array_equal(gm.edge_peaks(square).nodes, [4])
    assert_array_equal(square.edges()[:, 4], [2, 3])


def test_a_higher_edge_between_the_neighbors_takes_the_peak():
    """The edge 1 - 3 is above all that share an end with it, and below 0 - 2 of its ball."""
    ends = [0, 0, 1, 2, 2], [2, 3, 3, 3, 4]
    graph = gm.Graph.from_edges(*ends, weights=[2, 0, 1, 0, 2])
    assert_array_equal(gm.edge_peaks(graph).nodes, [0])
    assert_array_equal(gm.edge_peaks(graph).plateau_size, [2])


def test_equal_edges_that_share_ends_are_one_peak():
    graph = gm.Graph.from_edges([0, 1, 2, 3, 4], [1, 2, 3, 4, 5], weights=[2, 2, 1, 0, 3])
    peaks = gm.edge_peaks(graph)
    assert_array_equal(peaks.nodes, [4, 0])
    assert_array_equal(peaks.plateau_size, [1, 2])
    assert_array_equal(gm.edge_peaks(graph, ties="strict").nodes, [4])


def test_groups_leave_out_the_edges_between_them():
    peaks = gm.edge_peaks(PATH, groups=[0, 0, 0, 1, 1])
    assert_array_equal(peaks.nodes, [3, 0])
    assert_array_equal(peaks.group, [1, 0])
    assert_array_equal(peaks.basins, [0, 0, -1, 3])
    assert_array_equal(peaks.prominence, [0, 2])


def line_network(network):
    """The line graph of a network whose edges are those of ``graph.edges()``."""
    graph = graph_of(network)
    ends = [set(edge) for edge in graph.edges().T.tolist()]
    pairs = [(e, f) for e in range(len(ends)) for f in range(e) if ends[e] & ends[f]]
    plain = Network(
        graph.num_nodes, tuple(map(tuple, graph.edges().T.tolist())), None, network.directed
    )
    return plain, Network(len(ends), tuple(pairs))


@settings(max_examples=examples(120))
@given(st.data())
def test_every_column_is_that_of_the_oracle_on_the_line_graph(data):
    network = data.draw(networks(max_nodes=6, weighted=False))
    plain, line = line_network(network)
    weights = np.array(
        data.draw(st.lists(st.integers(-1, 3), min_size=line.num_nodes, max_size=line.num_nodes)),
        np.int64,
    )
    asked = {
        "hops": data.draw(st.integers(1, 2)),
        "ties": data.draw(st.sampled_from(["plateau", "strict"])),
        "extremum": data.draw(st.sampled_from(EXTREMA)),
        "num_peaks": data.draw(st.sampled_from([None, 1, 2])),
        "min_distance": data.draw(st.sampled_from([None, 2, 3])),
    }
    sign = -1 if asked["extremum"] == "min" else 1
    is_strict = asked["ties"] == "strict"
    mask = oracles.edge_maxima(
        plain, sign * weights, hops=asked["hops"], ties="strict" if is_strict else "weak"
    )
    level = oracles.levels(sign * weights)
    allowed = [
        all(mask[f] for f in ({e} if is_strict else oracles.plateau(line, e, level, "both")))
        for e in range(line.num_nodes)
    ]
    found = gm.edge_peaks(graph_of(network), weights, **asked)
    assert_table(found, oracles_peaks.peak_table(line, weights, allowed=allowed, **asked))


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([3, 1000]))
def test_strict_peaks_are_the_edge_maxima(seed, hops, levels):
    generator = np.random.default_rng(seed)
    graph = gm.Graph.from_edges(*generator.integers(0, 30, (2, 60)), 30)
    weights = generator.integers(0, levels, graph.num_edges)
    peaks = gm.edge_peaks(graph, weights, hops, ties="strict")
    assert_array_equal(peaks.mask, gm.edge_maxima(graph, weights, hops))
    assert (peaks.isolation > hops).all()


def test_a_line_graph_in_many_pieces(monkeypatch):
    from graphmax.kernels import edges

    generator = np.random.default_rng(0)
    graph = gm.Graph.from_edges(*generator.integers(0, 300, (2, 4000)), 300)
    weights = generator.integers(0, 50, graph.num_edges)
    whole = gm.edge_peaks(graph, weights)
    monkeypatch.setattr(edges, "ENTRIES_PER_CALL", 1)
    again = gm.edge_peaks(graph, weights)
    assert_array_equal(again.nodes, whole.nodes)
    assert_array_equal(again.basins, whole.basins)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"weights": [1, np.nan, 2, 3]}, ValueError, "`weights` must not be NaN"),
        ({"weights": [1, 2]}, ValueError, "`weights` must have one entry per edge"),
        ({"graph": gm.Graph.from_edges([0], [1])}, ValueError, "`weights` must be given"),
        ({"radius": 1.0}, TypeError, "`radius` must not be given to edge_peaks; .*hops"),
        ({"direction": "both"}, TypeError, "`direction` must not be given to edge_peaks; "),
        ({"ties": "weak"}, ValueError, "`ties` must be 'plateau' or 'strict' for edge_peaks"),
        ({"hops": 0}, ValueError, "`hops` must be at least 1"),
        ({"min_prominence": -1}, ValueError, "`min_prominence` must be at least 0"),
    ],
)
def test_edge_peaks_refuses(wrong, error, message):
    with pytest.raises(error, match=message):
        gm.edge_peaks(**{"graph": PATH, **wrong})


def test_hubs_beyond_memory_are_refused(monkeypatch):
    from graphmax.peaks import finding

    monkeypatch.setattr(finding, "MOST_ENTRIES", 5)
    star = gm.Graph.from_edges([0, 0, 0], [1, 2, 3], weights=[1, 2, 3])
    with pytest.raises(
        ValueError, match="more than 5 pairs of edges .* got 6 .*node 0 alone has 3"
    ):
        gm.edge_peaks(star)
