"""Neighborhoods: cases readable by eye, then all against networkx and the oracle."""

import networkx as nx
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import Network
from strategies import RADII, graph_of, masks, networks, with_gaps

import graphmax as gm
from graphmax.kernels import neighborhoods

LOCAL_TIES = ("strict", "weak", "index")
NAMED = {"les miserables": nx.les_miserables_graph, "karate club": nx.karate_club_graph}


def path(size, weights=None, directed=False):
    return gm.Graph.from_edges(
        range(size - 1), range(1, size), size, weights=weights, directed=directed
    )


def part(batch, i):
    """Nodes, distances and set of entries (in node indices) of neighborhood i."""
    nodes = slice(batch.ptr[i], batch.ptr[i + 1])
    ends = batch.node[batch.edge_index]
    own = batch.batch[batch.edge_index[0]] == i
    return batch.node[nodes], batch.distance[nodes], {tuple(pair) for pair in ends[:, own].T}


# --- known cases


def test_two_neighborhoods_of_a_path():
    batch = gm.neighborhoods(path(5), np.array([4, 1, 2, 9, 3]), roots=[2, 0], hops=1)
    assert_array_equal(batch.node, [2, 1, 3, 0, 1])
    assert_array_equal(batch.x, [[2], [1], [9], [4], [1]])
    assert_array_equal(batch.distance, [0, 1, 1, 0, 1])
    assert_array_equal(batch.batch, [0, 0, 0, 1, 1])
    assert_array_equal(batch.ptr, [0, 3, 5])
    assert_array_equal(batch.root, [2, 0])
    assert_array_equal(batch.edge_index, [[1, 2, 0, 0, 4, 3], [0, 0, 1, 2, 3, 4]])
    assert batch.edge_weight is None
    assert_array_equal(batch.labels(), [False, True])
    assert (len(batch), batch.layout, batch.rule) == (2, "sparse", gm.Rule(hops=1).filled())


def test_the_same_as_matrices():
    batch = gm.neighborhoods(path(5), np.array([4, 1, 2, 9, 3]), [2, 0], 1, layout="dense")
    assert_array_equal(
        batch.adjacency, [[[0, 1, 1], [1, 0, 0], [1, 0, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 0]]]
    )
    assert_array_equal(batch.values, [[2, 1, 9], [4, 1, 0]])
    assert_array_equal(batch.mask, [[True, True, True], [True, True, False]])
    assert_array_equal(batch.node, [[2, 1, 3], [0, 1, -1]])
    assert_array_equal(batch.distance, [[0, 1, 1], [0, 1, np.inf]])
    assert_array_equal(batch.as_matrix()[0], [[2, 1, 1], [1, 1, 0], [1, 0, 9]])
    assert_array_equal(batch.labels(), [False, True])


def test_a_batch_tells_what_it_is_in_one_line():
    batch = gm.neighborhoods(path(5), np.arange(5), hops=2, layout="dense", max_nodes=4)
    assert repr(batch).startswith("DenseNeighborhoods(5 neighborhoods, values (5, 4), 1 cut, Rule(")
    assert "cut" not in repr(gm.neighborhoods(path(5), np.arange(5)))


def test_edges_between_the_outermost_nodes_belong_to_it():
    triangle = gm.Graph.from_edges([0, 0, 1], [1, 2, 2])
    batch = gm.neighborhoods(triangle, [3, 2, 1], roots=[0])
    assert part(batch, 0)[2] == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}


def test_arrows_are_kept_whatever_direction_the_ball_has():
    arrows = path(3, directed=True)
    inwards = gm.neighborhoods(arrows, [0, 1, 2], roots=[1], rule=gm.Rule(direction="in"))
    outwards = gm.neighborhoods(arrows, [0, 1, 2], roots=[1], rule=gm.Rule(direction="out"))
    either = gm.neighborhoods(arrows, [0, 1, 2], roots=[1], rule=gm.Rule(direction="both"))
    assert [part(batch, 0)[0].tolist() for batch in (inwards, outwards, either)] == [
        [1, 0], [1, 2], [1, 0, 2],
    ]  # fmt: skip
    assert part(either, 0)[2] == {(0, 1), (1, 2)}
    assert_array_equal([batch.labels()[0] for batch in (inwards, outwards, either)], [1, 0, 0])


def test_a_radius_takes_the_near_ones_and_keeps_the_weights():
    graph = path(4, weights=[0.5, 2.0, 0.5])
    batch = gm.neighborhoods(graph, [1, 2, 3, 4], roots=[1], rule=gm.Rule(radius=2.0))
    assert_array_equal(batch.node, [1, 0, 2])
    assert_array_equal(batch.distance, [0, 0.5, 2.0])
    assert_array_equal(np.sort(batch.edge_weight), [0.5, 0.5, 2.0, 2.0])
    dense = gm.neighborhoods(graph, [1, 2, 3, 4], [1], rule=gm.Rule(radius=2.0), layout="dense")
    assert_array_equal(dense.as_matrix(), [[[2, 0.5, 2], [0.5, 1, 0], [2, 0, 3]]])


def test_at_distance_zero_the_root_still_comes_first():
    graph = path(3, weights=[0.0, 0.0])
    batch = gm.neighborhoods(graph, [1, 2, 3], roots=[2], rule=gm.Rule(radius=1.0))
    assert_array_equal(batch.node, [2, 0, 1])
    cut = gm.neighborhoods(graph, [1, 2, 3], [2], rule=gm.Rule(radius=1.0), max_nodes=2)
    assert_array_equal(cut.node, [2, 0])
    assert_array_equal(cut.cut, [True])


def test_a_neighbor_beyond_the_radius_makes_a_node_not_isolated():
    graph = gm.Graph.from_edges([0], [1], 3, weights=[5.0])
    rule = gm.Rule(radius=1.0, isolated=False)
    assert_array_equal(gm.neighborhoods(graph, [1, 2, 3], rule=rule).labels(), [True, True, False])


def test_a_node_without_a_value_neither_wins_nor_challenges():
    values = np.array([np.nan, 1.0, np.nan])
    rule = gm.Rule(nan="omit")
    assert_array_equal(gm.neighborhoods(path(3), values, rule=rule).labels(), [False, True, False])
    lacking = np.ma.MaskedArray([9, 1, 9], [True, False, True])
    batch = gm.neighborhoods(path(3), lacking, rule=rule)
    assert_array_equal(batch.x[:, 0], [np.nan, 1, 1, np.nan, np.nan, np.nan, 1])
    assert_array_equal(batch.labels(), [False, True, False])


def test_no_roots_and_no_nodes():
    for layout in ("sparse", "dense"):
        nothing = gm.neighborhoods(path(3), [1, 2, 3], roots=[], layout=layout)
        assert_array_equal(nothing.labels(), np.zeros(0, bool), strict=True)
        empty = gm.neighborhoods(gm.Graph.from_edges([], [], 0), np.zeros(0), layout=layout)
        assert len(empty) == 0


def test_a_mask_as_an_attribute_of_the_matrix():
    batch = gm.neighborhoods(path(2), np.array([True, False]), layout="dense")
    assert_array_equal(batch.as_matrix(), [[[1, 1], [1, 0]], [[0, 1], [1, 1]]])


def test_integers_that_no_float_holds_stay_apart():
    values = np.array([2**53, 2**53 + 1])
    for layout in ("sparse", "dense"):
        batch = gm.neighborhoods(path(2), values, layout=layout)
        assert_array_equal(batch.labels(), [False, True])
    assert_array_equal(batch.as_matrix()[0].diagonal(), values)


# --- whatever is cut off is told


def test_cut_balls_are_told_and_not_labelled():
    star = gm.Graph.from_edges([0] * 4, [1, 2, 3, 4])
    batch = gm.neighborhoods(star, [1, 0, 0, 0, 9], max_nodes=3)
    assert_array_equal(batch.cut, [True, False, False, False, False])
    assert_array_equal(part(batch, 0)[0], [0, 1, 2])
    assert_array_equal(batch.labels(allow_cut=True), [True, False, False, False, True])
    with pytest.raises(ValueError, match=r"`max_nodes` must leave a ball whole .* got 1 cut"):
        batch.labels()


def test_a_ball_of_just_the_size_is_not_cut():
    assert not gm.neighborhoods(path(9), np.arange(9), hops=2, max_nodes=5).cut.any()
    weighted = path(9, weights=np.ones(8))
    batch = gm.neighborhoods(weighted, np.arange(9), rule=gm.Rule(radius=2.0), max_nodes=5)
    assert not batch.cut.any()


@given(st.data())
def test_a_cut_ball_is_the_beginning_of_the_whole_one(data):
    network = data.draw(networks())
    values, most = np.zeros(network.num_nodes), data.draw(st.integers(1, 4))
    rule = data.draw(local_rules(network))
    whole = gm.neighborhoods(graph_of(network), values, rule=rule)
    cut = gm.neighborhoods(graph_of(network), values, rule=rule, max_nodes=most)
    for v in range(network.num_nodes):
        nodes, distance, entries = part(whole, v)
        kept, near, inside = part(cut, v)
        assert_array_equal(kept, nodes[:most])
        assert_array_equal(near, distance[:most])
        assert inside == {pair for pair in entries if set(pair) <= set(kept)}
        assert cut.cut[v] == (len(nodes) > most)


# --- against networkx and the oracle


@st.composite
def local_rules(draw, network, **fixed):
    size = {"hops": draw(st.integers(1, 4))}
    if network.weights is not None and draw(st.booleans()):
        size = {"radius": draw(st.sampled_from(RADII))}
    return gm.Rule(
        **size,
        ties=draw(st.sampled_from(LOCAL_TIES)),
        direction=draw(st.sampled_from(("in", "out", "both"))),
        isolated=draw(st.booleans()),
        extremum=draw(st.sampled_from(("max", "min"))),
        **fixed,
    )


@given(st.data())
def test_every_ball_holds_what_the_oracle_says_in_its_order(data):
    network = data.draw(networks())
    rule = data.draw(local_rules(network))
    batch = gm.neighborhoods(graph_of(network), np.zeros(network.num_nodes), rule=rule)
    arrows = {(u, v) for u, v in network.edges if u != v}
    entries = arrows if network.directed else arrows | {(v, u) for u, v in arrows}
    by_weight = rule.radius is not None
    for v in range(network.num_nodes):
        length = oracles.distances(network, v, direction=rule.direction, weighted=by_weight)
        ball = oracles.ball(
            network, v, hops=rule.hops, radius=rule.radius, direction=rule.direction
        )
        ordered = sorted(ball, key=lambda u: (length[u], u != v, u))
        nodes, distance, inside = part(batch, v)
        assert_array_equal(nodes, ordered)
        assert_array_equal(distance, [length[u] for u in ordered])
        assert inside == {(a, b) for a, b in entries if {a, b} <= ball}


@given(st.data())
def test_labels_of_neighborhoods_are_the_labels_of_the_graph(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    rule = data.draw(local_rules(network, nan="omit"))
    graph = graph_of(network)
    expected = gm.local_maxima(graph, values, rule=rule)
    assert_array_equal(gm.neighborhoods(graph, values, rule=rule).labels(), expected)
    if network.weights is None or min(network.weights, default=1) > 0:
        dense = gm.neighborhoods(graph, values, rule=rule, layout="dense")
        assert_array_equal(dense.labels(), expected)
        if rule.ties != "index" and rule.extremum == "max" and not np.isnan(values).any():
            answer = gm.center_is_maximum(dense.adjacency, dense.values, dense.mask, ties=rule.ties)
            lonely = np.diff(graph.adjacency(rule.direction).indptr) == 0
            assert_array_equal(answer & (rule.isolated | ~lonely), expected)


def drawn_graphs():
    """Les Miserables, the karate club and 200 random graphs, weighted, directed and not."""
    for name, build in NAMED.items():
        yield name, nx.convert_node_labels_to_integers(build())
    generator = np.random.default_rng(5)
    for number in range(200):
        size = int(generator.integers(2, 14))
        graph = nx.gnp_random_graph(size, 2.5 / size, seed=number, directed=number % 2 == 0)
        for _, _, data in graph.edges(data=True):
            data["weight"] = float(generator.choice([0.25, 0.5, 1.0, 1.5]))
        yield f"random {number}", graph


def without_arrows(G):
    """Of the weights of two opposite edges the smaller stays."""
    longest_first = sorted(G.edges(data="weight", default=1), key=lambda edge: -edge[2])
    result = nx.empty_graph(len(G))
    result.add_weighted_edges_from(longest_first)
    return result


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_every_ball_is_the_ego_graph_and_every_label_that_of_the_graph(direction):
    generator = np.random.default_rng(17)
    for name, G in drawn_graphs():
        values = generator.integers(0, 6, len(G))
        graph = gm.as_graph(G)
        walked = G if direction == "out" or not G.is_directed() else G.reverse()
        walked = without_arrows(G) if direction == "both" else walked
        for size in ({"hops": 1}, {"hops": 2}, {"hops": 3}, {"radius": 1.5}):
            rule = gm.Rule(**size, direction=direction)
            batch = gm.neighborhoods(graph, values, rule=rule)
            dense = gm.neighborhoods(graph, values, rule=rule, layout="dense")
            length = "weight" if rule.reach is None else None
            for v in G:
                nodes, _, entries = part(batch, v)
                ego = nx.ego_graph(walked, v, rule.reach or rule.radius, distance=length)
                assert set(nodes) == set(ego), name
                inside = nx.DiGraph(G.subgraph(ego)).edges
                assert entries == set(inside), name
            for ties in LOCAL_TIES:
                rule = gm.Rule(**size, direction=direction, ties=ties)
                expected = gm.local_maxima(graph, values, rule=rule)
                for layout in ("sparse", "dense"):
                    found = gm.neighborhoods(graph, values, rule=rule, layout=layout).labels()
                    assert_array_equal(found, expected, err_msg=f"{name} {rule} {layout}")
                if ties != "index":
                    centers = (dense.adjacency, dense.values, dense.mask)
                    assert_array_equal(gm.center_is_maximum(*centers, ties=ties), expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_hubs_in_small_balls_are_looked_up_in_their_rows(weighted):
    """A hub of 3,000 neighbors among balls of two or three nodes, some of them triangles."""
    leaves = np.arange(1, 3001)
    src = np.concatenate([np.zeros(3000, int), leaves[:500:2]])
    dst = np.concatenate([leaves, leaves[1:501:2]])
    weights = np.linspace(1, 2, src.size) if weighted else None
    graph = gm.Graph.from_edges(src, dst, weights=weights)
    values = np.random.default_rng(1).random(3001)
    batch = gm.neighborhoods(graph, values, leaves)
    assert_array_equal(batch.labels(), gm.local_maxima(graph, values)[1:])
    G = graph.to_networkx()
    for i in (0, 1, 498, 499, 500, 2999):
        nodes, _, entries = part(batch, i)
        assert set(nodes) == set(nx.ego_graph(G, i + 1))
        assert entries == set(nx.DiGraph(G.subgraph(nodes.tolist())).edges)
    if weighted:
        pairs = map(tuple, batch.node[batch.edge_index].T.tolist())
        expected = [G.edges[pair]["weight"] for pair in pairs]
        assert_array_equal(batch.edge_weight, expected)


def test_many_blocks_are_one_batch(monkeypatch):
    graph = gm.generators.erdos_renyi(60, 0.1, generator=np.random.default_rng(0))
    values = np.arange(60)
    whole = gm.neighborhoods(graph, values, hops=2)
    monkeypatch.setattr(neighborhoods, "ENTRIES_PER_BLOCK", 100)
    pieces = gm.neighborhoods(graph, values, hops=2)
    assert_array_equal(pieces.edge_index, whole.edge_index)
    assert_array_equal(pieces.node, whole.node)


# --- laws


@given(st.data())
def test_renumbering_the_graph_permutes_the_batch_and_nothing_else(data):
    network = data.draw(networks())
    new = np.array(data.draw(st.permutations(range(network.num_nodes))))
    edges = tuple((int(new[u]), int(new[v])) for u, v in network.edges)
    renamed = Network(network.num_nodes, edges, network.weights, network.directed)
    values, rule = np.arange(network.num_nodes) % 3, data.draw(local_rules(network))
    moved = np.empty_like(values)
    moved[new] = values
    before = gm.neighborhoods(graph_of(network), values, rule=rule)
    after = gm.neighborhoods(graph_of(renamed), moved, roots=new, rule=rule)
    assert_array_equal(after.root, new[before.root])
    assert_array_equal(after.ptr, before.ptr)
    assert_array_equal(after.distance, before.distance)
    for i in range(len(before)):
        nodes, _, entries = part(before, i)
        renamed_nodes, _, renamed_entries = part(after, i)
        assert set(renamed_nodes) == set(new[nodes])
        assert renamed_entries == {(new[u], new[v]) for u, v in entries}
    if rule.ties != "index":
        assert_array_equal(after.labels(), before.labels())


@given(st.data())
def test_one_batch_is_all_batches(data):
    network = data.draw(networks())
    graph, values = graph_of(network), np.arange(network.num_nodes)
    rule, most = data.draw(local_rules(network)), data.draw(st.integers(1, 12))
    whole = gm.neighborhoods(graph, values, rule=rule)
    pieces = list(gm.iter_neighborhoods(graph, values, rule=rule, batch_nodes=most))
    for name in ("root", "node", "distance", "x", "degree"):
        joined = np.concatenate([getattr(piece, name) for piece in pieces])
        assert_array_equal(joined, getattr(whole, name))
    shifts = np.cumsum([0, *(piece.node.size for piece in pieces[:-1])])
    entries = [piece.edge_index + shift for piece, shift in zip(pieces, shifts, strict=True)]
    assert_array_equal(np.concatenate(entries, axis=1), whole.edge_index)
    assert all(len(piece) == 1 or piece.node.size <= most for piece in pieces)


def test_dense_pieces_count_their_padding():
    star = gm.Graph.from_edges([0] * 4, [1, 2, 3, 4])
    pieces = gm.iter_neighborhoods(
        star, np.arange(5), [1, 0, 2, 3, 4], layout="dense", batch_nodes=6
    )
    assert [piece.mask.shape for piece in pieces] == [(1, 2), (1, 5), (3, 2)]


def test_more_roots_than_are_sized_at_once():
    graph, values = path(40_000), np.arange(40_000) % 7
    pieces = list(gm.iter_neighborhoods(graph, values, hops=1))
    labels = np.concatenate([piece.labels() for piece in pieces])
    assert_array_equal(labels, gm.local_maxima(graph, values))
    assert max(piece.node.size for piece in pieces) <= 1 << 16


# --- kinds


def test_tensors_give_tensors_and_a_pyg_batch_of_the_same_memory():
    torch = pytest.importorskip("torch")
    graph = path(5, weights=np.arange(1.0, 5.0))
    values = torch.tensor([4.0, 1.0, 2.0, 9.0, 3.0])
    batch = gm.neighborhoods(graph, values, roots=torch.tensor([2, 0]))
    assert isinstance(batch.x, torch.Tensor)
    assert batch.labels().tolist() == [False, True]
    joined = batch.to_batch()
    for name in ("x", "edge_index", "edge_weight", "batch", "ptr", "node", "distance", "root"):
        assert joined[name].data_ptr() == getattr(batch, name).data_ptr()
    assert joined.num_graphs == 2
    first, second = joined.to_data_list()
    assert first.edge_index.tolist() == [[1, 2, 0, 0], [0, 0, 1, 2]]
    assert second.edge_index.tolist() == [[1, 0], [0, 1]]
    assert second.x.tolist() == [[4.0], [1.0]]
    assert second.edge_weight.tolist() == [1.0, 1.0]
    assert second.root.tolist() == [0]


def test_arrays_become_a_pyg_batch_without_a_copy():
    batch = gm.neighborhoods(path(3), np.array([1, 2, 3]))
    joined = batch.to_batch()
    assert joined.x.data_ptr() == batch.x.ctypes.data
    assert joined.edge_index.data_ptr() == batch.edge_index.ctypes.data
    batch = gm.neighborhoods(path(2), np.array(["2020", "2021"], "datetime64[Y]"))
    with pytest.raises(TypeError, match=r"`values` must have a dtype that torch knows"):
        batch.to_batch()


@pytest.mark.gpu
def test_tensors_on_a_device_give_tensors_there():
    import torch

    values = torch.tensor([1.0, 3.0, 2.0], device="cuda")
    for layout in ("sparse", "dense"):
        batch = gm.neighborhoods(path(3), values, layout=layout)
        assert batch.root.device == batch.values.device == values.device
        assert batch.labels().tolist() == [False, True, False]
    answer = gm.center_is_maximum(batch.adjacency, batch.values, batch.mask)
    assert answer.is_cuda
    assert answer.tolist() == [False, True, False]


# --- features, masks, parts, several graphs


def test_features_are_carried_and_each_column_is_labelled():
    features = np.array([[1, 5], [3, 4], [2, 3], [0, 9]])
    for layout in ("sparse", "dense"):
        batch = gm.neighborhoods(path(4), features, [1, 3], layout=layout)
        assert_array_equal(batch.labels(), [[True, False], [False, True]])
    assert_array_equal(batch.values[0], [[3, 4], [1, 5], [2, 3]])
    assert_array_equal(gm.neighborhoods(path(4), features, [1]).x, features[[1, 0, 2]])
    with pytest.raises(TypeError, match=r"`values` must be one number per node to stand on"):
        batch.as_matrix()


@given(st.data())
def test_columns_of_features_are_labelled_as_the_graph_says(data):
    network = data.draw(networks())
    columns = np.stack([data.draw(with_gaps(network.num_nodes)) for _ in range(3)], axis=1)
    rule = data.draw(local_rules(network, nan="omit"))
    batch = gm.neighborhoods(graph_of(network), columns, rule=rule)
    assert_array_equal(batch.labels(), gm.local_maxima(graph_of(network), columns, rule))


def test_neighborhoods_without_values_have_no_labels():
    for layout in ("sparse", "dense"):
        batch = gm.neighborhoods(path(4), None, [1], layout=layout)
        assert batch.values is None
        with pytest.raises(TypeError, match=r"`values` must be given for labels"):
            batch.labels()
    assert_array_equal(batch.adjacency, [[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
    assert "values none" in repr(batch)
    sparse = gm.neighborhoods(path(4), None)
    assert sparse.x is None
    assert "x" not in sparse.to_batch()


@given(st.data())
def test_nodes_outside_a_mask_are_there_and_challenge_nobody(data):
    network = data.draw(networks())
    values, inside = data.draw(with_gaps(network.num_nodes)), data.draw(masks(network.num_nodes))
    rule = data.draw(local_rules(network, nan="omit"))
    graph = graph_of(network)
    batch = gm.neighborhoods(graph, values, rule=rule, where=inside)
    expected = gm.local_maxima(graph, values, rule=rule, where=inside)
    assert_array_equal(batch.labels(), expected)
    assert_array_equal(batch.node, gm.neighborhoods(graph, values, rule=rule).node)
    assert_array_equal([part.labels()[0] for part in batch], expected)


def test_matrices_are_padded_to_a_size_of_their_own():
    batch = gm.neighborhoods(path(5), np.arange(5), layout="dense", pad_to=6)
    assert batch.adjacency.shape == (5, 6, 6)
    assert_array_equal(batch.labels(), [0, 0, 0, 0, 1])
    pieces = gm.iter_neighborhoods(path(5), np.arange(5), layout="dense", pad_to=4, batch_nodes=8)
    assert [piece.mask.shape for piece in pieces] == [(2, 4), (2, 4), (1, 4)]
    with pytest.raises(ValueError, match=r"`pad_to` must be at least .* got 2 and one of 3 nodes"):
        gm.neighborhoods(path(5), np.arange(5), layout="dense", pad_to=2)
    with pytest.raises(ValueError, match=r'`pad_to` must be used with layout="dense"'):
        gm.neighborhoods(path(5), np.arange(5), pad_to=2)
    cut = gm.neighborhoods(path(5), np.arange(5), layout="dense", pad_to=2, max_nodes=2)
    assert cut.mask.shape == (5, 2)


@given(st.data())
def test_a_part_of_a_batch_is_the_batch_of_these_roots(data):
    network = data.draw(networks())
    graph, values = graph_of(network), np.arange(network.num_nodes) % 3
    rule = data.draw(local_rules(network))
    order = st.permutations(range(network.num_nodes))
    roots = np.array(data.draw(order))[: data.draw(st.integers(1, network.num_nodes))]
    layout = "dense" if network.weights is None and data.draw(st.booleans()) else "sparse"
    whole = gm.neighborhoods(graph, values, rule=rule, layout=layout)
    part, alone = whole[roots], gm.neighborhoods(graph, values, roots, rule=rule, layout=layout)
    names = ["root", "degree"]
    names += ["x", "ptr", "batch", "edge_index", "node", "distance"] if layout == "sparse" else []
    for name in names:
        assert_array_equal(getattr(part, name), getattr(alone, name))
    if layout == "dense":
        width = alone.mask.shape[1]
        for name in ("values", "mask", "node", "distance"):
            assert_array_equal(getattr(part, name)[:, :width], getattr(alone, name))
        assert_array_equal(part.adjacency[:, :width, :width], alone.adjacency)
    assert_array_equal(part.labels(), alone.labels())


def test_one_neighborhood_slices_and_masks():
    batch = gm.neighborhoods(path(5), np.array([4, 1, 2, 9, 3]))
    assert_array_equal(batch[-1].node, [4, 3])
    assert_array_equal(batch[3:].root, [3, 4])
    assert_array_equal(batch[batch.labels()].root, [0, 3])
    assert [len(part) for part in batch] == [1] * 5
    assert_array_equal(batch[2].edge_index, [[1, 2, 0, 0], [0, 0, 1, 2]])
    with pytest.raises(IndexError):
        batch[5]
    torch = pytest.importorskip("torch")
    tensors = gm.neighborhoods(path(5), torch.arange(5))
    assert isinstance(tensors[torch.tensor([1, 2])].x, torch.Tensor)
    assert tensors[1].labels().tolist() == [False]


def test_several_graphs_are_one_batch():
    graphs = [path(3), nx.star_graph(3), gm.Graph.from_edges([], [], 1)]
    values = [np.array([1, 3, 2]), np.array([5, 6, 1, 2]), np.array([7])]
    batch = gm.neighborhoods(graphs, values)
    assert_array_equal(batch.graph, [0, 0, 0, 1, 1, 1, 1, 2])
    assert_array_equal(batch.root, [0, 1, 2, 0, 1, 2, 3, 0])
    one_by_one = [gm.neighborhoods(g, v) for g, v in zip(graphs, values, strict=True)]
    for name in ("node", "x", "distance", "degree"):
        joined = np.concatenate([getattr(part, name) for part in one_by_one])
        assert_array_equal(getattr(batch, name), joined)
    labels = np.concatenate([part.labels() for part in one_by_one])
    assert_array_equal(batch.labels(), labels)
    inside = [[True, True, False], [True] * 4, [True]]
    some = gm.neighborhoods(graphs, values, [[1], None, []], where=inside)
    assert_array_equal(some.root, [1, 0, 1, 2, 3])
    assert_array_equal(some[some.graph == 0].labels(), [True])
    assert_array_equal(some.to_batch().graph, some.graph)


def test_several_graphs_that_do_not_fit_are_refused():
    pair = [path(3), path(2)]
    with pytest.raises(ValueError, match=r"`values` must have one entry per graph \(2\), got 3"):
        gm.neighborhoods(pair, [1, 2, 3])
    with pytest.raises(TypeError, match=r"`values` must have one dtype in all graphs, got float64"):
        gm.neighborhoods(pair, [np.zeros(3), np.zeros(2, int)])
    with pytest.raises(ValueError, match=r"`graph` must be all directed or all undirected"):
        gm.neighborhoods([path(3), path(2, directed=True)], None)
    with pytest.raises(ValueError, match=r"`graph` must all have weights or none"):
        gm.neighborhoods([path(3), path(2, weights=[1.0])], None)
    with pytest.raises(ValueError, match=r"`roots` must hold node indices of each graph, got 2"):
        gm.neighborhoods(pair, None, [[0], [2]])
    with pytest.raises(ValueError, match=r"`graph` must be at least one graph"):
        gm.neighborhoods([], None)


def test_a_rule_stands_in_place_of_hops_and_fields_are_spelled_out():
    graph, values = path(4, directed=True), [1, 3, 3, 0]
    said = gm.neighborhoods(graph, values, None, 2, ties="weak", direction="both")
    assert said.rule == gm.neighborhoods(graph, values, None, said.rule).rule
    assert_array_equal(said.labels(), [False, True, True, False])
    with pytest.raises(TypeError, match=r"`tie` must be a field of Rule .* did you mean 'ties'"):
        gm.neighborhoods(graph, values, tie="weak")
    with pytest.raises(TypeError, match=r"`groups` must not be given to neighborhoods; take graph"):
        gm.neighborhoods(graph, values, groups=[0, 0, 1, 1])


# --- matrices


def test_a_rule_asks_matrices_too():
    ring = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])
    values = np.array([5, 1, 7, 5])
    assert gm.center_is_maximum(ring, values, rule=gm.Rule(1, ties="weak"))
    assert gm.center_is_maximum(ring, values, hops=gm.Rule(1, ties="weak"))
    assert not gm.center_is_maximum(ring, values, rule=gm.Rule(ties="weak"))


def test_the_center_of_one_matrix():
    ring = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])
    values = np.array([5, 1, 7, 5])
    assert gm.center_is_maximum(ring, values, hops=1, ties="weak").tolist() is True
    assert gm.center_is_maximum(ring, values, hops=1).tolist() is False
    assert gm.center_is_maximum(ring, values, ties="weak").tolist() is False
    without = np.array([True, True, False, True])
    assert gm.center_is_maximum(ring, values, without, ties="weak").tolist() is True
    assert gm.center_is_maximum(ring, values, hops=2, ties="weak").tolist() is False


def test_a_masked_row_neither_challenges_nor_passes_on():
    matrix = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    values, mask = np.array([2, 9, 5]), np.array([True, False, True])
    assert gm.center_is_maximum(matrix, values, mask, hops=2).tolist() is True
    lonely = gm.center_is_maximum(matrix, values, mask, hops=2, isolated=False)
    assert lonely.tolist() is False


@given(st.data())
@settings(max_examples=100)
def test_balls_in_the_matrix_of_the_whole_graph(data):
    torch = pytest.importorskip("torch")
    network = data.draw(networks(weighted=False, directed=False))
    values = np.array(data.draw(st.lists(st.integers(0, 3), min_size=8, max_size=8)))
    values, matrix = values[: network.num_nodes], graph_of(network).to_scipy().toarray()
    for ties in ("strict", "weak"):
        for hops in (1, 2, 3):
            isolated = data.draw(st.booleans())
            asked = {"hops": hops, "ties": ties, "isolated": isolated}
            expected = oracles.local_maxima(network, values, **asked)[0]
            assert gm.center_is_maximum(matrix, values, **asked).tolist() is expected
            tensors = torch.from_numpy(matrix)[None], torch.from_numpy(values)[None]
            assert gm.center_is_maximum(*tensors, **asked).tolist() == [expected]


# --- refusals

GRAPH, VALUES = path(4), np.array([1, 2, 3, 4])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"roots": [4]}, ValueError, r"`roots` must hold node indices from 0 to 3, got 4"),
        ({"roots": [0, -1]}, ValueError, r"`roots` must hold node indices from 0 to 3, got -1"),
        ({"roots": [2, 0, 2]}, ValueError, r"`roots` must hold each node once, got 2 more than"),
        ({"roots": [1.0]}, TypeError, r"`roots` must hold integer node indices, got dtype float64"),
        ({"roots": [True] * 4}, TypeError, r"`roots` must hold node indices, got a mask"),
        ({"hops": 0}, ValueError, r"`hops` must be at least 1, got 0"),
        ({"max_nodes": 0}, ValueError, r"`max_nodes` must be at least 1, got 0"),
        ({"max_nodes": 2.0}, TypeError, r"`max_nodes` must be an integer of at least 1, got 2.0"),
        ({"layout": "matrix"}, ValueError, r"`layout` must be one of 'sparse', 'dense', got 'matrix'"),
        ({"rule": gm.Rule(ties="plateau")}, ValueError, r"`ties` must be .* reach beyond any ball"),
        ({"rule": gm.Rule(), "hops": 1}, TypeError, r"`rule` must not be given beside hops"),
        ({"rule": "strict"}, TypeError, r"`rule` must be a Rule, got str"),
        ({"rule": gm.Rule(radius=1.0)}, ValueError, r"`radius` must be used with edge weights"),
    ],
)  # fmt: skip
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        gm.neighborhoods(GRAPH, VALUES, **arguments)
    with pytest.raises(error, match=message):
        gm.iter_neighborhoods(GRAPH, VALUES, **arguments)


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"`values` must not be NaN, got 1 NaN \(first: node 2\)"):
        gm.neighborhoods(GRAPH, np.array([1.0, 2.0, np.nan, 4.0]))
    large = np.ma.MaskedArray([2**60 + 1, 1, 1, 1], [False, True, False, False])
    with pytest.raises(ValueError, match=r"`values` must be exact in float64 where nodes lack it"):
        gm.neighborhoods(GRAPH, large, rule=gm.Rule(nan="omit"))


def test_matrices_that_cannot_hold_it_are_refused():
    weightless = path(2, weights=[0.0])
    with pytest.raises(ValueError, match=r"must not be used with a weight of 0"):
        gm.neighborhoods(weightless, [1, 2], layout="dense")
    times = gm.neighborhoods(path(2), np.array(["2020", "2021"], "datetime64[Y]"), layout="dense")
    with pytest.raises(TypeError, match=r"`values` must be numbers to stand in a matrix"):
        times.as_matrix()
    large = gm.neighborhoods(path(2, weights=[1.0]), np.array([1, 2**60]), layout="dense")
    with pytest.raises(ValueError, match=r"`values` must be exact in float64 to stand beside"):
        large.as_matrix()


def test_what_does_not_fit_into_memory_is_refused():
    star = gm.Graph.from_edges(np.zeros(40_000, int), np.arange(1, 40_001))
    with pytest.raises(ValueError, match=r"at most 8 GiB together, got .* use iter_neighborhoods"):
        gm.neighborhoods(star, np.zeros(40_001), layout="dense")
    pieces = gm.iter_neighborhoods(star, np.zeros(40_001), memory=1 << 20)
    with pytest.raises(ValueError, match=r"`memory` must hold .* around node 0"):
        next(pieces)
    with pytest.raises(ValueError, match=r"`batch_nodes` must be at least 1, got 0"):
        gm.iter_neighborhoods(star, np.zeros(40_001), batch_nodes=0)
    with pytest.raises(TypeError, match=r"`memory` must be an integer of at least 1, got '1G'"):
        gm.iter_neighborhoods(star, np.zeros(40_001), memory="1G")


PAIR = np.array([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("matrix", "values", "more", "error", "message"),
    [
        (PAIR[0], [1, 2], {}, ValueError, r"`adjacency` must have shape \(B, M, M\) or \(M, M\)"),
        (
            PAIR,
            [1],
            {},
            ValueError,
            r"`values` must have one entry per row of `adjacency` \(2, 2\)",
        ),
        (PAIR, [1, 2], {"mask": [1, 1]}, TypeError, r"`mask` must be bool, got dtype int64"),
        (PAIR, [1, 2], {"mask": [True]}, ValueError, r"`mask` must have the shape of `values`"),
        (PAIR, [1, 2], {"mask": [False, True]}, ValueError, r"`mask` must hold row 0, the center"),
        (PAIR, [1, np.nan], {}, ValueError, r"`values` must not be NaN, got NaN in a row"),
        (PAIR, [1, 2], {"hops": 0}, ValueError, r"`hops` must be at least 1, got 0"),
        (PAIR, [1, 2], {"ties": "index"}, ValueError, r"`ties` must be 'strict' or 'weak' for"),
        (PAIR, [1, 2], {"ties": "plateau"}, ValueError, r"`ties` must be 'strict' or 'weak' for"),
    ],
)
def test_refused_matrices(matrix, values, more, error, message):
    with pytest.raises(error, match=message):
        gm.center_is_maximum(matrix, np.array(values), **more)


def test_matrices_and_values_of_different_libraries_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"`values` must be of the kind of `adjacency`, got Tensor"):
        gm.center_is_maximum(PAIR, torch.tensor([1, 2]))
