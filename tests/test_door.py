"""Whatever a user holds arrives by key, mask and shape, or is refused with the way out."""

import warnings
from unittest import mock

import networkx as nx
import numpy as np
import oracles
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import columns, graph_of, networks
from torch_geometric.data import Data

import graphmax as gm
from graphmax.kernels import stream
from graphmax.maxima import engine

KARATE = nx.karate_club_graph()
RANK = nx.pagerank(KARATE)
PEAKS = [0, 33]


def nodes_of(mask):
    return np.flatnonzero(np.asarray(mask)).tolist()


# --- keyed values


@pytest.mark.parametrize(
    "values",
    [
        RANK,
        dict(sorted(RANK.items(), key=lambda item: item[1])),
        RANK.items(),
        [RANK[node] for node in KARATE],
    ],
    ids=["dict", "dict in another order", "items", "list"],
)
def test_mappings_are_matched_by_key(values):
    assert nodes_of(gm.local_maxima(KARATE, values)) == PEAKS


def test_a_series_is_matched_by_its_index():
    shuffled = pd.Series(RANK).sort_values()
    mask = gm.local_maxima(KARATE, shuffled)
    assert isinstance(mask, pd.Series)
    assert_array_equal(mask.index, shuffled.index)
    assert sorted(mask.index[mask]) == PEAKS
    distance, witness = gm.isolation(KARATE, shuffled)
    expected = gm.isolation(KARATE, RANK)
    assert_array_equal(distance.sort_index(), expected.distance)
    assert_array_equal(witness.sort_index(), expected.witness)


@pytest.mark.parametrize("degree", ["degree", "in_degree", "out_degree"])
def test_degree_views(degree):
    G = nx.gnp_random_graph(30, 0.1, seed=3, directed=True)
    view = getattr(G, degree)
    expected = gm.local_maxima(G, [view[node] for node in G])
    assert expected.shape == (30,)
    assert_array_equal(gm.local_maxima(G, view), expected)
    assert_array_equal(gm.local_maxima(G, view()), expected)
    assert_array_equal(gm.local_maxima(G, dict(view)), expected)
    with pytest.raises(TypeError, match=r"list; a list of pairs has keys: pass dict\(pairs\)"):
        gm.local_maxima(G, list(view))


def test_node_data_views():
    G = nx.path_graph(["c", "a", "b"])
    nx.set_node_attributes(G, {"a": 5, "b": 1, "c": 2}, "h")
    assert_array_equal(gm.local_maxima(G, G.nodes(data="h")), [False, True, False])
    assert_array_equal(gm.local_maxima(G, "h"), [False, True, False])


def test_a_frame_is_as_many_questions_as_columns():
    G = nx.path_graph(["x", "y", "z"])
    frame = pd.DataFrame({"p": [3, 2, 1], "q": [1.5, 9.0, 1.0]}, index=["z", "x", "y"])
    mask = gm.local_maxima(G, frame)
    assert isinstance(mask, pd.DataFrame)
    assert mask.columns.tolist() == ["p", "q"]
    assert mask.index.tolist() == ["z", "x", "y"]
    for name in frame:
        assert_array_equal(mask[name], gm.local_maxima(G, frame[name]))


def test_columns_of_a_frame_keep_their_digits():
    frame = pd.DataFrame({"big": [2**53, 2**53 + 1, 0], "half": [0.5, 0.25, 0.125]})
    mask = gm.local_maxima(gm.grid_graph(3), frame)
    assert mask["big"].tolist() == [False, True, False]
    assert mask["half"].tolist() == [True, False, False]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([1.0, None, 3.0], dtype="Float64"),
        pd.Series([False, None, True], dtype="boolean"),
        pd.Series([1, None, 3], dtype="int64[pyarrow]"),
        pd.Series([1, None, 3], dtype=object),
        pd.Series([1.0, np.nan, 3.0]),
    ],
)
def test_missing_entries_are_missing(series):
    graph = gm.grid_graph(3)
    with pytest.raises(ValueError, match=r"nan='omit'"):
        gm.local_maxima(graph, series)
    assert gm.local_maxima(graph, series, nan="omit").tolist() == [True, False, True]
    assert gm.local_maxima(graph, series.array, nan="omit").tolist() == [True, False, True]


def test_nullable_integers_are_exact():
    big = pd.Series([2**53 + 1, 2**53, None], dtype="Int64")
    assert gm.local_maxima(gm.grid_graph(3), big, nan="omit").tolist() == [True, False, False]


def test_a_list_may_lack_values():
    assert_array_equal(gm.local_maxima(gm.grid_graph(3), [1, None, 3], nan="omit"), [1, 0, 1])


def test_dates_with_a_zone_are_compared():
    days = pd.Series(pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-02"], utc=True))
    assert gm.local_maxima(gm.grid_graph(3), days).tolist() == [True, False, True]


def test_a_series_on_a_graph_without_ids():
    path = gm.grid_graph(4)
    series = pd.Series([4, 1, 2, 3], index=[3, 0, 1, 2])
    assert gm.local_maxima(path, series).loc[3]
    assert gm.local_maxima(path, series).sum() == 1
    edges = torch.tensor([[0, 1, 2], [1, 2, 3]])
    assert nodes_of(gm.local_maxima(edges, series, direction="both").sort_index()) == [3]
    with pytest.raises(ValueError, match=r"got 1 others \(first five: 9\)"):
        gm.local_maxima(path, pd.Series([1, 2, 3, 4], index=[0, 1, 2, 9]))
    with pytest.raises(ValueError, match="known for every node, got 1 without"):
        gm.local_maxima(path, pd.Series([1, 2, 3]))


@pytest.mark.parametrize("name", ["values", "where", "groups", "hops", "radius"])
def test_everything_per_node_is_matched_alike(name):
    """The same rule for values, masks, groups and reaches."""
    G = nx.path_graph(["d", "b", "a", "c"])
    nx.set_edge_attributes(G, 1.0, "weight")
    plain = {"values": [3, 1, 2, 5]}
    columns_of = {
        "values": [3, 1, 2, 5],
        "where": [True, True, True, False],
        "groups": ["u", "u", "v", "v"],
        "hops": [1, 2, 1, 3],
        "radius": [1.0, 2.0, 1.0, 3.0],
    }
    column = columns_of[name]
    expected = gm.local_maxima(G, **{**plain, name: column})
    keyed = dict(zip(G, column, strict=True))
    shuffled = {node: keyed[node] for node in sorted(G)}
    for given_column in (shuffled, pd.Series(shuffled)):
        answer = gm.local_maxima(G, **{**plain, name: given_column})
        answer = answer.loc[list(G)] if isinstance(answer, pd.Series) else answer
        assert_array_equal(answer, expected)
    with pytest.raises(ValueError, match=f"`{name}` must have nodes of the graph as keys, got 1"):
        gm.local_maxima(G, **{**plain, name: {**shuffled, "nobody": column[0]}})
    lacking = {node: keyed[node] for node in "abc"}
    with pytest.raises(ValueError, match=f"`{name}` must be known for every node.*first five: d"):
        gm.local_maxima(G, **{**plain, name: lacking})


def test_repeated_keys_are_refused():
    twice = pd.Series([1, 2, 3, 4], index=[0, 1, 1, 2])
    with pytest.raises(ValueError, match=r"each node once as key, got 1 repeated \(first five: 1"):
        gm.local_maxima(gm.grid_graph(3), twice)


def test_xarray_and_polars():
    xr, pl = pytest.importorskip("xarray"), pytest.importorskip("polars")
    G = nx.path_graph(["x", "y", "z"])
    array = xr.DataArray([1, 5, 2], dims="node", coords={"node": ["z", "x", "y"]})
    answer = gm.local_maxima(G, array)
    assert isinstance(answer, xr.DataArray)
    assert answer.sel(node="x").item()
    grid = xr.DataArray([[1, 5], [2, 3]], dims=("a", "b"))
    assert np.asarray(gm.local_maxima(gm.grid_graph((2, 2)), grid)).shape == (2, 2)
    assert_array_equal(gm.local_maxima(grid, grid), [[False, True], [False, False]])
    column = gm.local_maxima(G, pl.Series("h", [1, 5, 2]))
    assert isinstance(column, pl.Series)
    assert column.to_list() == [False, True, False]
    lacking = gm.local_maxima(G, pl.Series([1, None, 2]), nan="omit")
    assert lacking.to_list() == [True, False, True]


# --- grids


def test_an_array_of_the_grids_shape_is_answered_in_its_shape():
    image = np.array([[1, 5, 2], [0, 3, 9]])
    graph = gm.grid_graph(image.shape)
    mask = gm.local_maxima(graph, image)
    assert mask.shape == image.shape
    assert_array_equal(mask.ravel(), gm.local_maxima(graph, image.ravel()))
    tensor = gm.local_maxima(graph, torch.from_numpy(image))
    assert tensor.shape == image.shape
    assert gm.isolation(graph, image).distance.shape == image.shape
    where = np.array([[True, True, True], [True, True, False]])
    assert_array_equal(
        gm.local_maxima(graph, image, where=where).ravel(),
        gm.local_maxima(graph, image.ravel(), where=where.ravel()),
    )
    masked = np.ma.MaskedArray(image, ~where)
    assert_array_equal(
        gm.local_maxima(graph, masked, nan="omit"), gm.local_maxima(graph, image, where=where)
    )


def test_an_image_on_a_graph_that_is_no_grid():
    ring = nx.cycle_graph(6)
    with pytest.raises(ValueError, match=r"ravel\(\), or build the graph with grid_graph"):
        gm.local_maxima(ring, np.zeros((2, 3)))


# --- order


def test_integers_in_another_order_and_a_bare_array():
    G = nx.Graph([(2, 0), (0, 1)])
    assert list(G) == [2, 0, 1]
    with pytest.warns(gm.GraphmaxWarning, match=r"order of list\(G\).*Pass a dict"):
        mask = gm.local_maxima(G, np.array([9, 1, 2]))
    assert mask.tolist() == [True, False, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gm.local_maxima(G, [9, 1, 2])
        gm.local_maxima(G, {0: 1, 1: 2, 2: 9})
        gm.local_maxima(nx.path_graph(3), np.array([9, 1, 2]))


def test_a_matrix_with_arrows_and_no_direction():
    lists = sp.csr_array(np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0]]))
    values = np.array([1, 2, 9])
    for call in (gm.local_maxima, gm.isolation, gm.margin):
        with pytest.warns(gm.GraphmaxWarning, match=r"read as arrows.*who lists me.*'both'"):
            call(lists, values)
    tensor = torch.from_numpy(lists.toarray()).to_sparse_coo()
    with pytest.warns(gm.GraphmaxWarning, match="read as arrows"):
        gm.local_maxima(tensor, values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gm.local_maxima(lists, values, direction="in")
        gm.local_maxima(lists, values, rule=gm.Rule(direction="both"))
        gm.local_maxima(lists + lists.T, values)
        gm.local_maxima(torch.tensor([[0, 1], [1, 2]]), values)


def test_a_warning_points_at_the_users_line():
    lists = sp.csr_array(np.array([[0, 1], [0, 0]]))
    with pytest.warns(gm.GraphmaxWarning) as caught:
        gm.local_maxima(lists, [1, 2])
    assert caught[0].filename == __file__


# --- what is no column


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((node for node in range(3)), "generator; it has no order"),
        ({0: 1, 1: 2, 2: 3}.values(), "dict_values; it has no order"),
        ({1, 2, 3}, "set; a set has no order"),
        (7, "int; pass one value per node"),
        (None, "NoneType; pass an array or a mapping"),
        (sp.csr_array((3, 1)), r"pass values.toarray\(\)"),
        ([("a", 1), ("b", 2), ("c", 3)], "pass dict"),
    ],
)
def test_what_is_no_column(values, message):
    with pytest.raises(TypeError, match=message):
        gm.local_maxima(gm.grid_graph(3), values)


def test_text_is_no_attribute():
    with pytest.raises(TypeError, match=r"3 entries are text and no numbers, first 'a' at 0"):
        gm.local_maxima(gm.grid_graph(3), pd.Series(["a", "b", "c"]))
    with pytest.raises(TypeError, match=r"first 'a' at 0, 'b' at 1, 'c' at 2\)$"):
        gm.local_maxima(gm.grid_graph(4), ["a", "b", "c", "d"])
    with pytest.raises(TypeError, match="beside floats are not exact"):
        gm.local_maxima(gm.grid_graph(3), [2**53 + 1, 0.5, 1.0])
    with pytest.raises(TypeError, match="beside floats are not exact"):
        gm.local_maxima(gm.grid_graph(2), [[2**53 + 1, 0.5], [1.0, 2.0]])


def test_measures_stand_behind_attributes():
    G = nx.star_graph(3)
    assert_array_equal(gm.local_maxima(G, "degree"), [True, False, False, False])
    nx.set_node_attributes(G, {0: 0, 1: 1, 2: 2, 3: 3}, "degree")
    assert_array_equal(gm.local_maxima(G, "degree"), [False, True, True, True])
    with pytest.raises(ValueError, match="must name a node attribute, got 'degre'; did you mean"):
        gm.local_maxima(G, "degre")


# --- absent, groups, reach: each against brute force


def induced(network, kept):
    """The graph without the edges that `kept` says no to."""
    weights = network.weights or (None,) * len(network.edges)
    pairs = [(e, w) for e, w in zip(network.edges, weights, strict=True) if kept(*e)]
    lengths = None if network.weights is None else tuple(w for _, w in pairs)
    return oracles.Network(network.num_nodes, tuple(e for e, _ in pairs), lengths, network.directed)


@settings(max_examples=150)
@given(st.data())
def test_blocking_absent_nodes_is_the_induced_subgraph(data):
    network = data.draw(networks(max_nodes=8))
    values = data.draw(columns(network.num_nodes, 1))[:, 0]
    where = np.array(
        data.draw(st.lists(st.booleans(), min_size=network.num_nodes, max_size=network.num_nodes)),
        bool,
    )
    asked = {
        "hops": data.draw(st.integers(1, 3)),
        "ties": data.draw(st.sampled_from(["strict", "weak", "plateau", "index"])),
        "direction": data.draw(st.sampled_from(["in", "out", "both"])),
        "isolated": data.draw(st.booleans()),
    }
    alone = induced(network, lambda u, v: where[u] and where[v])
    expected = oracles.local_maxima(alone, values, where=where, **asked)
    found = gm.local_maxima(graph_of(network), values, where=where, absent="block", **asked)
    assert_array_equal(found, expected)
    node = data.draw(st.integers(0, network.num_nodes - 1)) if network.num_nodes else None
    if node is not None:
        certificate = gm.explain(
            graph_of(network), values, node, where=where, absent="block", **asked
        )
        assert certificate.is_maximum == expected[node]
        assert certificate.verify(graph_of(network), values, where=where)


@settings(max_examples=150)
@given(st.data())
def test_groups_are_asked_on_their_own(data):
    network = data.draw(networks(max_nodes=8))
    n = network.num_nodes
    values = data.draw(columns(n, 1))[:, 0]
    groups = data.draw(st.lists(st.sampled_from(["a", "b", 3]), min_size=n, max_size=n))
    asked = {
        "hops": data.draw(st.integers(1, 3)),
        "ties": data.draw(st.sampled_from(["strict", "weak", "plateau", "index"])),
        "direction": data.draw(st.sampled_from(["in", "out", "both"])),
        "isolated": data.draw(st.booleans()),
    }
    apart = induced(network, lambda u, v: groups[u] == groups[v])
    expected = oracles.local_maxima(apart, values, **asked)
    graph = graph_of(network)
    assert_array_equal(gm.local_maxima(graph, values, groups=groups, **asked), expected)
    column = np.array([*groups, None], object)[:-1]
    assert_array_equal(gm.local_maxima(graph.split(column), values, **asked), expected)
    if n:
        node = data.draw(st.integers(0, n - 1))
        certificate = gm.explain(graph, values, node, groups=groups, **asked)
        assert certificate.is_maximum == expected[node]
        assert certificate.verify(graph, values, groups=groups)
    found = gm.edge_maxima(graph, np.arange(graph.num_edges), groups=groups)
    ends = graph.edges()
    assert not found[[groups[u] != groups[v] for u, v in ends.T]].any()


@settings(max_examples=150)
@given(st.data())
def test_a_reach_of_ones_own(data):
    network = data.draw(networks(max_nodes=8))
    n = network.num_nodes
    graph, values = graph_of(network), data.draw(columns(n, 1))[:, 0]
    hops = np.array(data.draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)), int)
    asked = {
        "ties": data.draw(st.sampled_from(["strict", "weak", "plateau", "index"])),
        "direction": data.draw(st.sampled_from(["in", "out", "both"])),
    }
    level = oracles.levels(values)
    reach = hops.copy()
    if asked["ties"] == "plateau":
        for v in range(n):
            plateau = oracles.plateau(network, v, level, asked["direction"])
            reach[v] = max(hops[list(plateau)])
    masks = {k: oracles.local_maxima(network, values, hops=k, **asked) for k in range(1, 5)}
    expected = [masks[reach[v]][v] for v in range(n)]
    found = gm.local_maxima(graph, values, hops, **asked)
    assert_array_equal(found, expected)
    distance = gm.isolation(graph, values, **asked).distance
    assert_array_equal(found, distance > reach)
    for v in range(n):
        assert gm.explain(graph, values, v, hops, **asked).is_maximum == expected[v]


@settings(max_examples=100)
@given(st.data())
def test_rivals_are_the_highest_others(data):
    network = data.draw(networks(max_nodes=8))
    n = network.num_nodes
    values = data.draw(columns(n, 1))[:, 0]
    hops = data.draw(st.integers(1, 3))
    direction = data.draw(st.sampled_from(["in", "out", "both"]))
    level = oracles.levels(values)
    expected = []
    for v in range(n):
        others = oracles.ball(network, v, hops=hops, direction=direction) - {v}
        expected.append(min(others, key=lambda u: oracles.position(level, u), default=-1))
    found = gm.rivals(graph_of(network), torch.from_numpy(values), hops, direction=direction)
    assert isinstance(found, torch.Tensor)
    assert_array_equal(found, expected)


def test_columns_that_lack_different_nodes_block_each_on_its_own():
    path, values = gm.grid_graph(4), np.array([[1, 4], [np.nan, 1], [3, np.nan], [2, 9]])
    both = gm.local_maxima(path, values, 3, nan="omit", absent="block")
    for column in range(2):
        single = gm.local_maxima(path, values[:, column], 3, nan="omit", absent="block")
        assert_array_equal(both[:, column], single)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"hops": [1, 0, 2]}, ValueError, "`hops` must be at least 1 for every node, got 0 at 1"),
        ({"hops": [1, 2]}, ValueError, "`hops` must have one entry per node"),
        ({"hops": [1.5, 1, 1]}, TypeError, "`hops` must hold integers"),
        ({"hops": [1, 1, 1], "radius": 1.0}, ValueError, "must not be given together"),
        ({"hops": [1, 1, 1], "rule": gm.Rule()}, ValueError, "nor beside a rule"),
        ({"radius": [1.0, np.nan, 1]}, ValueError, "`radius` must be known for every node"),
        ({"groups": ["a", None, "b"]}, ValueError, "`groups` must be known for every node"),
        ({"groups": ["a", "b"]}, ValueError, "`groups` must have one entry per node"),
        ({"where": [1, 0, 1]}, TypeError, "`where` must be bool"),
        ({"k": 3}, TypeError, "`k` must be a field of Rule"),
        ({"tie": "weak"}, TypeError, "did you mean 'ties'"),
    ],
)
def test_refusals(fields, error, message):
    graph = gm.Graph.from_edges([0, 1], [1, 2], weights=[1, 1])
    with pytest.raises(error, match=message):
        gm.local_maxima(graph, [1, 2, 3], **fields)


def test_negative_weights_are_no_lengths():
    graph = gm.Graph.from_edges([0, 1], [1, 2], weights=[1, -1])
    assert gm.local_maxima(graph, [1, 2, 3], 2).tolist() == [False, False, True]
    for asked in ({"radius": 1.0}, {"radius": [1.0, 1.0, 1.0]}):
        with pytest.raises(ValueError, match="weights of at least 0 where they are lengths"):
            gm.local_maxima(graph, [1, 2, 3], **asked)
    with pytest.raises(ValueError, match="weights of at least 0 where they are lengths"):
        gm.isolation(graph, [1, 2, 3], weighted=True)


# --- edges in memory: one hop without rows


def any_fields(data, n, hops):
    """Draw all fields of a question about n nodes."""
    return {
        "ties": data.draw(st.sampled_from(["strict", "weak", "plateau", "index"])),
        "direction": data.draw(st.sampled_from(["in", "out", "both"])),
        "isolated": data.draw(st.booleans()),
        "extremum": data.draw(st.sampled_from(["max", "min"])),
        "where": np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n))),
        "absent": data.draw(st.sampled_from(["pass", "block"])),
        "hops": data.draw(hops),
    }


def test_an_absent_node_below_all_others():
    edges = torch.tensor([[0, 1, 2], [1, 2, 3]])
    where = np.array([False, True, True, True])
    for values in ([0, 1, 1, 2], [-(2**63), 2**62, 2**62, 2**62 + 1], [-np.inf, 1.0, 1.0, 2.0]):
        found = gm.local_maxima(edges, np.array(values), where=where, direction="both")
        assert_array_equal(found, [False, False, False, True])


@settings(max_examples=200)
@given(st.data())
def test_one_hop_from_edges_is_one_hop_from_rows(data):
    n = data.draw(st.integers(1, 9))
    pairs = data.draw(st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), max_size=25))
    src, dst = np.array(pairs, np.int64).reshape(-1, 2).T
    values = data.draw(columns(n, data.draw(st.integers(1, 3))))
    asked = any_fields(data, n, st.integers(1, 2))
    edge_index = torch.from_numpy(np.stack([src, dst]))
    expected = gm.local_maxima(gm.as_graph(edge_index, num_nodes=n), values, **asked)
    assert_array_equal(gm.local_maxima(edge_index, values, **asked), expected)
    # The ways that large graphs take: short states, ends asked for early, several calls.
    large = {
        "FEW_NODES": 0,
        "CACHED_NODES": -1,
        "CACHED_BYTES": -1,
        "EDGES_PER_CALL": data.draw(st.integers(1, 9)),
    }
    chosen = data.draw(st.sets(st.sampled_from(sorted(large)), min_size=1))
    with mock.patch.multiple(stream, **{name: large[name] for name in chosen}):
        assert_array_equal(gm.local_maxima(edge_index, values, **asked), expected)
    assert_array_equal(gm.local_maxima((src, dst), values, **asked), expected)
    assert_array_equal(gm.local_maxima((src.astype(np.int32), dst), values, **asked), expected)
    matrix = sp.coo_array((np.ones(len(src), bool), (src, dst)), shape=(n, n))
    for form in ("coo", "csr", "csc", "lil", "dok"):
        assert_array_equal(gm.local_maxima(matrix.asformat(form), values, **asked), expected)


@settings(max_examples=200)
@given(st.data())
def test_several_hops_from_edges_are_those_from_rows(data):
    """Whichever the model takes for cheaper: arrows, weights, repeats, loops, columns, absentees."""
    n = data.draw(st.integers(1, 9))
    pairs = data.draw(st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), max_size=25))
    src, dst = np.array(pairs, np.int64).reshape(-1, 2).T
    if data.draw(st.booleans()):
        src, dst = np.concatenate([src, dst]), np.concatenate([dst, src])
    values = data.draw(columns(n, data.draw(st.integers(1, 3))))
    asked = any_fields(data, n, st.sampled_from([2, 3, 4, 2**40]))
    edge_index = torch.from_numpy(np.stack([src, dst]))
    weights = torch.from_numpy(np.where(src < dst, 1.0, 2.0))
    forms = [
        edge_index,
        (src.astype(np.int32), dst),
        sp.coo_array((weights.numpy(), (src, dst)), shape=(n, n)),
        Data(edge_index=edge_index, edge_weight=weights, num_nodes=n),
    ]
    expected = gm.local_maxima(gm.as_graph(edge_index, num_nodes=n), values, **asked)
    for cost in (0.0, np.inf):
        with mock.patch.object(engine, "cost_of_rounds", return_value=cost):
            for form in forms:
                assert_array_equal(gm.local_maxima(form, values, **asked), expected)


def test_rounds_where_they_are_cheaper(monkeypatch):
    """Few neighbors and few hops: rounds; many of either, few nodes, or rows at hand: rows."""
    asked = []
    rounds = engine.rounds_mask
    monkeypatch.setattr(engine, "rounds_mask", lambda *a: asked.append(a) or rounds(*a))
    draw = np.random.default_rng(3)

    def takes_rounds(n, entries, hops, form=tuple, **fields):
        asked.clear()
        graph = form(draw.integers(0, n, (2, entries)))
        gm.local_maxima(graph, np.arange(n), hops, direction="in", **fields)
        return bool(asked)

    def csr(pairs):
        return sp.csr_array((np.ones(pairs.shape[1]), tuple(pairs)), shape=(200_000, 200_000))

    assert takes_rounds(200_000, 200_000, 2)
    assert not takes_rounds(200_000, 3_200_000, 3)
    assert not takes_rounds(200_000, 200_000, 60)
    assert not takes_rounds(1000, 1000, 2)
    assert not takes_rounds(200_000, 200_000, 2, csr)
    assert not takes_rounds(200_000, 200_000, 2, ties="plateau")


@pytest.mark.parametrize("cost", [0.0, np.inf])
@pytest.mark.parametrize("bad", [-1, 3])
def test_an_index_outside_is_refused(bad, cost, monkeypatch):
    monkeypatch.setattr(engine, "cost_of_rounds", lambda *_: cost)
    edge_index = torch.tensor([[0, 1], [1, bad]])
    for hops in (1, 2):
        with pytest.raises(ValueError, match=f"indices from 0 to 2 .*got {bad} at edge 1"):
            gm.local_maxima(edge_index, [1, 2, 3], hops)
