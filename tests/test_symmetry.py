import functools

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.stats import binomtest
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GATConv, GCNConv, GINConv, SAGEConv, global_add_pool

import graphmax as gm
from graphmax.nn import PeakDetector
from graphmax.symmetry import (
    assert_equivariant,
    assert_invariant,
    check,
    disjoint_union,
    edge_order,
    flip,
    increasing,
    negation,
    offset,
    outside_ball,
    permutation,
    rotation,
    scaling,
    translation,
)


@pytest.fixture(autouse=True)
def quick(one_thread):
    """Spend no time on waking threads."""


def seeded(make):
    torch.manual_seed(0)
    return make().eval()


def picture(rng):
    return torch.from_numpy(rng.random((1, 1, 8, 8), dtype=np.float32))


def table(rng):
    return rng.integers(0, 6, (7, 7)).astype(float)


def network_input(rng):
    """Draw (x, edge_index) of a random undirected graph of ten nodes."""
    upper = np.argwhere(np.triu(rng.random((10, 10)) < 0.3, 1)).T
    edges = np.hstack([upper, upper[::-1]])
    x = rng.standard_normal((10, 3)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(edges)


def question(rng):
    """Draw (graph, values) with many ties."""
    graph = nx.gnp_random_graph(9, 0.3, seed=int(rng.integers(1 << 30)))
    return gm.as_graph(graph), rng.integers(0, 4, 9)


def path(rng):
    """Draw (graph, values) of a path, where balls stay small."""
    return gm.as_graph(nx.path_graph(12)), rng.integers(0, 9, 12)


def readout(x, edge_index):
    return global_add_pool(x, torch.zeros(len(x), dtype=torch.long))


def maxima(**fields):
    return functools.partial(gm.local_maxima, **fields)


def window_maximum(image):
    return nn.functional.max_pool2d(image, 3, 1, 1)


def circular(make=None):
    return nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")


CIRCULAR = seeded(circular)
PADDED = seeded(lambda: nn.Conv2d(1, 2, 3, padding=1))
STRIDED = seeded(lambda: nn.Conv2d(1, 1, 2, stride=2))
DENSE = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))
GCN = seeded(lambda: GCNConv(3, 4))
SAGE = seeded(lambda: SAGEConv(3, 4, aggr="max"))
GAT = seeded(lambda: GATConv(3, 4))
GIN = seeded(lambda: GINConv(nn.Linear(3, 4)))

KNOWN = [
    # images: places
    (CIRCULAR, translation(1, 2), picture, "equivariant"),
    (CIRCULAR, rotation(1), picture, "neither"),
    (PADDED, translation(1, 2), picture, "neither"),
    (STRIDED, translation(1, 0), picture, "neither"),
    (STRIDED, translation(2, 0), picture, "neither"),
    (DENSE, translation(1, 0), picture, "neither"),
    (torch.relu, translation(3, 0, "zero"), picture, "equivariant"),
    (torch.sum, translation(1, 2), picture, "invariant"),
    (torch.sum, translation(1, 2, "zero"), picture, "neither"),
    (torch.amax, rotation(3), picture, "invariant"),
    (torch.amax, flip(0), picture, "invariant"),
    (window_maximum, rotation(1), picture, "equivariant"),
    (window_maximum, flip(1), picture, "equivariant"),
    (window_maximum, translation(1, 1), picture, "neither"),
    (torch.zeros_like, translation(1, 1), picture, "both"),
    (gm.images.peak_pixels, rotation(2), table, "equivariant"),
    (functools.partial(gm.images.peak_pixels, ties="index"), rotation(2), table, "neither"),
    (gm.images.peak_pixels, outside_ball(1), table, "invariant"),
    (functools.partial(gm.images.peak_pixels, size=5), outside_ball(1), table, "neither"),
    # images: values
    (window_maximum, increasing(), picture, "equivariant"),
    (CIRCULAR, increasing(), picture, "neither"),
    (window_maximum, negation(), picture, "neither"),
    (torch.relu, scaling(2.0), picture, "equivariant"),
    (torch.relu, scaling(-2.0), lambda rng: picture(rng) - 0.5, "neither"),
    (lambda x: x - x.mean(), offset(3.0), picture, "invariant"),
    # graphs: places
    (GCN, permutation(), network_input, "equivariant"),
    (SAGE, permutation(), network_input, "equivariant"),
    (GAT, permutation(), network_input, "equivariant"),
    (GIN, permutation(), network_input, "equivariant"),
    (readout, permutation(), network_input, "invariant"),
    (GCN, edge_order(), network_input, "invariant"),
    (GCN, disjoint_union(), network_input, "equivariant"),
    (readout, disjoint_union(), network_input, "neither"),
    (SAGE, outside_ball(1), network_input, "invariant"),
    (GCN, outside_ball(1), network_input, "neither"),  # it divides by the degrees of neighbors
    (GCN, outside_ball(2), network_input, "invariant"),
    (nn.BatchNorm1d(3), permutation(), lambda rng: network_input(rng)[0], "equivariant"),
    (nn.BatchNorm1d(3), offset(5.0), lambda rng: network_input(rng)[0], "invariant"),
    (lambda x, edge_index: torch.zeros(len(x)), permutation(), network_input, "both"),
    # graphs: the exact rule
    (maxima(), permutation(), question, "equivariant"),
    (maxima(ties="weak"), permutation(), question, "equivariant"),
    (maxima(ties="plateau"), permutation(), question, "equivariant"),
    (maxima(ties="index"), permutation(), question, "neither"),
    (maxima(), increasing(), question, "invariant"),
    (maxima(), negation(), question, "neither"),
    (maxima(), disjoint_union(), question, "equivariant"),
    (maxima(), outside_ball(1), question, "invariant"),
    (maxima(hops=2), outside_ball(1), path, "neither"),
    (maxima(hops=2), outside_ball(2), question, "invariant"),
    (maxima(ties="plateau"), outside_ball(1), question, "neither"),
    (gm.margin, offset(7), question, "invariant"),
    (gm.margin, scaling(3), question, "equivariant"),
]


def ids(known):
    operator, transformation, _, kind = known
    name = getattr(getattr(operator, "func", operator), "__name__", type(operator).__name__)
    return f"{name}-{transformation}-{kind}"


@pytest.mark.parametrize("known", KNOWN, ids=ids)
def test_verdicts_that_theory_knows(known):
    operator, transformation, inputs, kind = known
    verdict = check(operator, transformation, inputs, trials=24)
    assert verdict.kind == kind, str(verdict)
    assert (verdict.counterexample is None) == (kind != "neither")


# --- what a permutation test must do


class Ordered(nn.Module):
    """Gives each node the number of the last edge that points at it: depends on edge order."""

    def forward(self, x, edge_index):
        last = torch.zeros(len(x))
        for at, node in enumerate(edge_index[1].tolist()):
            last[node] = at
        return last


class Numbered(nn.Module):
    """Adds the number of the node: depends on node numbers."""

    def forward(self, x, edge_index):
        return x[:, 0] + torch.arange(len(x))


def relabelled_only(rng, sample):
    """Renumber the nodes and keep the edge order: what a naive test does."""
    from graphmax.symmetry import Move

    order = rng.permutation(sample.num_nodes)
    moved = sample.take(order, np.arange(sample.edges.shape[1]))
    return Move(moved, lambda output: output[order])


def test_a_permutation_that_keeps_the_edge_order_proves_nothing():
    naive = gm.symmetry.Transformation("naive", relabelled_only, "graph")
    assert check(Ordered(), naive, network_input).kind == "equivariant"
    assert check(Ordered(), permutation(), network_input).kind == "neither"
    assert check(Ordered(), edge_order(), network_input).kind == "neither"


def test_a_layer_that_knows_node_numbers_is_caught():
    verdict = check(Numbered(), permutation(), network_input)
    assert verdict.kind == "neither"
    x, edge_index = verdict.counterexample.input
    assert len(x) == 2
    assert edge_index.shape == (2, 0)


def test_sums_in_another_order_are_no_false_alarm():
    """Rounding errors of a long float32 sum stay within the tolerance, and are reported."""

    def inputs(rng):
        x = torch.from_numpy(rng.standard_normal((60, 3)).astype(np.float32))
        return x, torch.from_numpy(rng.integers(0, 60, (2, 2000)))

    verdict = check(GIN, permutation(), inputs)
    assert verdict.kind == "equivariant"
    assert 0 < verdict.errors.largest_absolute < 1e-3
    assert verdict.errors.largest_ulps >= 1


# --- verdicts, counterexamples, statistics


def test_counterexamples_are_small():
    verdict = check(maxima(ties="index"), permutation(), question)
    graph, values = verdict.counterexample.input
    assert (graph.num_nodes, graph.num_edges) == (2, 1)
    assert_array_equal(values, [0, 0])
    text = str(verdict)
    assert "is neither under permutation()" in text
    assert "graph of 2 nodes, edges 0-1, values [0, 0]" in text


def test_a_plateau_is_shrunk_to_three_nodes():
    verdict = check(maxima(ties="plateau"), outside_ball(1), question)
    graph, values = verdict.counterexample.input
    assert graph.num_nodes == 3
    assert sorted(values.tolist()) == [0, 0, 1]


def test_an_image_is_shrunk_to_two_pixels():
    verdict = check(functools.partial(np.cumsum, axis=1), translation(0, 1), table)
    (image,) = verdict.counterexample.input
    assert image.shape == (1, 2)
    assert sorted(image.ravel().tolist()) == [0, 1]


def test_rate_and_interval():
    verdict = check(maxima(), negation(), question, trials=40)
    comparison = verdict.decisive
    assert 0 < comparison.disagreements <= 40
    expected = binomtest(comparison.disagreements, 40).proportion_ci(method="exact")
    assert comparison.interval == pytest.approx((expected.low, expected.high))
    never = check(torch.sum, translation(1, 1), picture, trials=40)
    assert never.rate == 0
    assert never.interval == pytest.approx((0, 1 - 0.025 ** (1 / 40)))


def test_errors_are_measured_three_ways():
    verdict = check(lambda x: x + 1e-7 * x[0, 0], flip(0), np.array([[1.0, 0.5], [2.0, 4.0]]))
    assert verdict.kind == "equivariant"
    assert verdict.errors.largest_absolute == pytest.approx(1e-7)
    assert verdict.errors.largest_relative == pytest.approx(2e-7, rel=1e-3)
    assert verdict.errors.largest_ulps == pytest.approx(1e-7 / np.spacing(0.5), rel=0.02)
    assert (
        check(lambda x: x + 1e-7 * x[0, 0], flip(0), np.eye(2) + 1, tolerance=0).kind == "neither"
    )


def test_the_worst_input_is_the_one_with_the_largest_error():
    inputs = [np.array([[1.0, 2.0]]), np.array([[1.0, 9.0]])]
    verdict = check(functools.partial(np.cumsum, axis=1), translation(0, 1), inputs)
    assert_array_equal(verdict.worst_input[0], inputs[1])


def test_output_transformation():
    half = translation(1, 0)
    verdict = check(STRIDED, translation(2, 0), picture, output_transformation=half)
    assert verdict.kind == "equivariant"
    total = check(torch.sum, scaling(3.0), picture, output_transformation=lambda y: 3 * y)
    assert total.kind == "equivariant"
    assert check(torch.sum, scaling(3.0), picture).equivariance is None


def test_a_transformation_that_changes_nothing_is_noted():
    verdict = check(np.negative, translation(1, 1), np.ones((3, 3)))
    assert verdict.kind == "both"
    assert "changed none of the inputs" in str(verdict)


def test_train_mode_is_noted_and_running_averages_are_given_back():
    norm = nn.BatchNorm1d(3)
    before = norm.running_mean.clone()
    verdict = check(norm, permutation(), lambda rng: network_input(rng)[0])
    assert verdict.notes == ("the operator is in train mode",)
    assert torch.equal(norm.running_mean, before)
    assert int(norm.num_batches_tracked) == 0


# --- kinds of inputs


def test_every_kind_of_graph_is_taken():
    graph = nx.gnp_random_graph(8, 0.4, seed=1)
    values = np.random.default_rng(0).integers(0, 3, 8)
    tensors = torch.tensor(np.array(graph.to_directed().edges).T)
    kinds = [
        (graph, values),
        (graph, dict(enumerate(values.tolist()))),
        (gm.as_graph(graph), torch.from_numpy(values)),
        (nx.to_scipy_sparse_array(graph), values),
        (tensors, torch.from_numpy(values)),
    ]
    for kind in kinds[:4]:
        assert check(maxima(), permutation(), kind).kind == "equivariant"
    x, edge_index = torch.from_numpy(values).float(), tensors
    flipped = lambda x, edge_index: gm.local_maxima(edge_index, x)  # noqa: E731
    assert check(flipped, permutation(), (x, edge_index)).kind == "equivariant"


def test_columns_travel_with_nodes_and_edges():
    def weighted(x, edge_index, weight):
        return torch.zeros(len(x)).index_add(0, edge_index[1], weight * x[edge_index[0]])

    def inputs(rng):
        x, edge_index = network_input(rng)
        return x[:, 0], edge_index, torch.rand(edge_index.shape[1])

    assert check(weighted, permutation(), inputs).kind == "equivariant"
    assert check(weighted, disjoint_union(), inputs).kind == "equivariant"


def test_data_and_networks_on_data():
    x, edge_index = network_input(np.random.default_rng(0))
    data = Data(x=x, edge_index=edge_index, pos=x + 1, weight=torch.rand(edge_index.shape[1]))
    assert check(GCN, permutation(), data).kind == "equivariant"
    uses = lambda d: d.pos[:, 0] + d.x[:, 1]  # noqa: E731
    assert check(uses, permutation(), data).kind == "equivariant"
    uses_edges = lambda d: torch.zeros(10).index_add(0, d.edge_index[1], d.weight)  # noqa: E731
    assert check(uses_edges, permutation(), data).kind == "equivariant"


def test_the_detector_is_equivariant():
    detector = PeakDetector().eval()
    inputs = lambda rng: (network_input(rng)[0][:, :1], network_input(rng)[1])  # noqa: E731
    assert check(detector, permutation(), inputs, tolerance=0).kind == "equivariant"
    decides = lambda x, edge_index: detector(x, edge_index) > 0  # noqa: E731
    assert check(decides, increasing(), inputs).kind == "invariant"


def test_directed_graphs_keep_their_arrows():
    graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], 4, directed=True)
    values = np.array([3, 1, 2, 0])
    for direction in ("in", "out", "both"):
        assert check(maxima(direction=direction), permutation(), (graph, values)).kind == (
            "equivariant"
        )
    assert check(maxima(direction="in"), outside_ball(1), (graph, values)).kind == "invariant"


@settings(max_examples=40)
@given(st.data())
def test_increasing_maps_keep_order_and_ties(data):
    dtype = data.draw(st.sampled_from(["uint8", "int8", "int64", "float32", "float64"]))
    levels = st.sampled_from([0, 1, 2, 100, 127])
    values = np.array(data.draw(st.lists(levels, min_size=1, max_size=9))).astype(dtype)
    sample = gm.symmetry.sample.read_sample(values)
    move = increasing().draw(np.random.default_rng(data.draw(st.integers(0, 99))), sample)
    moved = move.moved.array
    assert moved.dtype == values.dtype
    assert_array_equal(moved[:, None] < moved[None], values[:, None] < values[None])


# --- assertions and refusals


def test_assertions_show_the_counterexample():
    assert_equivariant(GCN, permutation(), network_input)
    assert_invariant(readout, permutation(), network_input)
    with pytest.raises(AssertionError, match=r"(?s)not equivariant under .*x: graph of 2 nodes"):
        assert_equivariant(Numbered(), permutation(), network_input)
    with pytest.raises(AssertionError, match=r"(?s)not invariant under flip.*C\(T\(x\)\) is"):
        assert_invariant(np.negative, flip(0), table)
    with pytest.raises(ValueError, match="`output_transformation` must say how permutation"):
        assert_equivariant(readout, permutation(), network_input)


def test_random_operators_are_refused():
    with pytest.raises(ValueError, match=r"must not be random, got Dropout in train mode.*eval"):
        check(nn.Dropout(0.5), flip(0), picture)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="got two answers to one question; fix its seed"):
        check(lambda image: image + rng.random(image.shape), flip(0), table)
    assert check(nn.Dropout(0.5).eval(), flip(0), picture).kind == "equivariant"


def test_operators_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="must not return NaN, got 49 among 49"):
        check(lambda image: image * np.nan, flip(0), table)
    with pytest.raises(ValueError, match="outputs of one shape, got"):
        check(lambda x: np.argwhere(x > x[0, 0]), translation(1, 1), np.arange(9).reshape(3, 3))
    with pytest.raises(TypeError, match="must return one array or tensor, got Isolation"):
        check(gm.isolation, permutation(), question)
    with pytest.raises(TypeError, match="must return real numbers"):
        check(lambda image: image * 1j, flip(0), table)
    with pytest.raises(TypeError, match="`operator` must be callable"):
        check(3, flip(0), table)


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="must be graphs for this transformation"):
        check(np.sum, edge_order(), table)
    with pytest.raises(TypeError, match=r"must be images for flip\(0\)"):
        check(maxima(), flip(0), question)
    with pytest.raises(TypeError, match="`inputs` must be images"):
        check(np.sum, flip(0), "image")
    with pytest.raises(ValueError, match="at least one input"):
        check(np.sum, flip(0), [])
    with pytest.raises(ValueError, match="must stay within uint8 .* got 256"):
        check(np.sum, offset(1), np.full((2, 2), 255, np.uint8))
    with pytest.raises(TypeError, match="got bool"):
        check(np.sum, scaling(2), np.eye(2, dtype=bool))


def test_parameters_out_of_range_are_refused():
    for wrong, message in (
        (lambda: check(np.sum, flip(0), table, trials=0), "`trials` must be at least 1"),
        (lambda: check(np.sum, flip(0), table, tolerance=-1), "`tolerance` must be at least 0"),
        (lambda: translation(1, 1, "mirror"), "`boundary` must be one of"),
        (lambda: flip(2), "`axis` must be from -2 to 1, got 2; 0 swaps rows"),
        (lambda: outside_ball(-1), "`hops` must be at least 0"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()


# --- no false alarm


def no_alarm(known, seeds):
    operator, transformation, inputs, _ = known
    for seed in seeds:
        verdict = check(operator, transformation, inputs, trials=4, seed=100 + seed)
        told = {"invariant", "equivariant", "both"} & {verdict.kind}
        assert told, f"seed {seed}: {verdict}"


TRUE = [known for known in KNOWN if known[3] != "neither"]


@pytest.mark.parametrize("known", TRUE, ids=ids)
def test_no_false_alarm(known):
    no_alarm(known, range(3))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(at, at + 3) for at in range(0, 30, 3)], ids=str)
@pytest.mark.parametrize("known", TRUE, ids=ids)
def test_no_false_alarm_in_a_thousand_repeats(known, seeds):
    assert 30 * len(TRUE) >= 1000
    no_alarm(known, seeds)


def test_the_old_name_of_offset_still_adds_and_says_so():
    with pytest.warns(DeprecationWarning, match="shift is now called offset"):
        old = gm.symmetry.shift(2)
    assert old.name == "offset(2)"
    assert check(lambda image: image - image.mean(), old, np.eye(3)).kind == "invariant"
