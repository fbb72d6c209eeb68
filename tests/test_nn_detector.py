"""PeakDetector: known answers, laws, neighborhoods, export, and what it refuses."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import graph_of, networks
from torch_geometric.data import Batch, Data
from torch_geometric.nn import SAGEConv, summary

import graphmax as gm
from graphmax.nn import ChoiceHead, FeatureScore, Identity, Max, PeakDetector, SignHead, Sum
from graphmax.nn.parts import HEADS
from graphmax.rule import Rule

pytestmark = pytest.mark.filterwarnings("ignore:the detector is untrained")
PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
KINDS = {
    "sign": {},
    "sign 2": {"hops": 2},
    "learn": {"hops": "learn"},
    "choice": {"head": "choice"},
    "choice 2": {"head": "choice", "hops": 2},
    "normal": {"head": "normal", "denoise": True},
    "normal 2": {"head": "normal", "denoise": True, "hops": 2},
    "filtered sign": {"denoise": True},
    "features": {"in_channels": 3},
    "feature choice": {"in_channels": 3, "head": "choice"},
    "encoder": {"in_channels": 3, "encoder": SAGEConv(3, 5).double()},
}


def build(kind):
    detector = PeakDetector(**KINDS[kind])
    if "normal" in kind or "filtered" in kind:
        with torch.no_grad():  # gains that differ from node to node
            for weight in (detector.score.own, detector.score.passed, detector.score.deviations):
                weight += torch.linspace(-0.2, 0.2, 6).reshape(2, 3).double()
    return detector


def random_data(nodes=60, channels=1, seed=0):
    graph = nx.gnp_random_graph(nodes, 3 / nodes, seed=seed)
    pairs = torch.tensor(list(graph.edges)).T
    entries = torch.cat([pairs, pairs.flip(0)], 1)
    torch.manual_seed(seed)
    return Data(x=torch.randn(nodes, channels, dtype=torch.float64), edge_index=entries)


def data_for(detector, **options):
    return random_data(channels=detector.score.in_channels, **options)


# --- known cases


def test_a_path():
    x = torch.tensor([1.0, 3.0, 2.0, 2.5])
    assert PeakDetector().predict((PATH, x)).tolist() == [False, True, False, True]
    assert PeakDetector(hops=2).predict((PATH, x)).tolist() == [False, True, False, False]
    assert PeakDetector()(x, PATH).tolist() == [-2, 1, -1, 0.5]


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_isolated_node_of_negative_value_is_a_maximum(kind):
    detector = build(kind)
    x = -torch.ones(3, detector.score.in_channels, dtype=torch.float64)
    data = Data(x=x, edge_index=torch.tensor([[0, 1, 2], [1, 0, 2]]))
    assert detector.predict(data)[2]
    assert float(detector.predict_proba(data)[2]) == 1.0
    assert not PeakDetector(rule=Rule(isolated=False)).predict((data.edge_index, x[:, :1]))[2]


def test_ties_direction_and_minima_follow_the_rule():
    x = torch.tensor([2.0, 2.0, 0.0])
    arrow = torch.tensor([[0, 1], [1, 2]])
    path = torch.cat([arrow, arrow.flip(0)], 1)

    def answer(entries, **fields):
        return PeakDetector(rule=Rule(**fields)).predict((entries, x)).tolist()

    assert answer(path) == [False, False, False]
    assert answer(path, ties="weak") == [True, True, False]
    assert answer(arrow, direction="in") == [True, False, False]
    assert answer(arrow, direction="out") == [False, True, True]
    assert answer(arrow, direction="both") == [False, False, False]
    assert answer(path, extremum="min") == [False, False, True]


def test_probabilities_of_choice_add_up_on_a_complete_graph():
    graph = gm.as_graph(nx.complete_graph(6))
    chance = PeakDetector(head="choice").predict_proba((graph, np.arange(6.0)))
    np.testing.assert_allclose(chance, np.exp(np.arange(6.0)) / np.exp(np.arange(6.0)).sum())


def test_the_normal_head_is_the_probability_that_it_says():
    detector = build("normal")
    data = random_data(12)
    steps_mean = detector.score_nodes(data)
    steps = gm.nn.steps.Steps.of(data.edge_index, 12)
    own, other = detector.score(data.x, steps).deviation.detach()
    rng = np.random.default_rng(0)
    chance = detector.predict_proba(data)
    for v in range(12):
        near = data.edge_index[0][data.edge_index[1] == v].numpy()
        mine = rng.normal(steps_mean[v], own[v], (200_000, 1))
        theirs = rng.normal(steps_mean[near], other[near], (200_000, len(near)))
        assert abs((mine > theirs).all(1).mean() - float(chance[v])) < 0.006


# --- oracle


@settings(max_examples=60)
@given(st.data())
def test_sign_is_the_exact_rule(data):
    network = data.draw(networks())
    size = network.num_nodes
    x = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), float)
    fields = {
        "ties": data.draw(st.sampled_from(["strict", "weak"])),
        "direction": data.draw(st.sampled_from(["in", "out", "both"])),
        "isolated": data.draw(st.booleans()),
        "extremum": data.draw(st.sampled_from(["max", "min"])),
    }
    hops = data.draw(st.integers(1, 3))
    graph = graph_of(network)
    found = PeakDetector(hops=hops, rule=Rule(**fields)).predict((graph, x))
    np.testing.assert_array_equal(found, gm.local_maxima(graph, x, hops, **fields))


# --- laws


@pytest.mark.parametrize("kind", list(KINDS))
def test_renumbering_with_shuffled_edges_permutes_the_scores(kind):
    detector = build(kind)
    data = data_for(detector)
    order, shuffle = torch.randperm(60), torch.randperm(data.edge_index.shape[1])
    place = torch.argsort(order)
    moved = Data(x=data.x[order], edge_index=place[data.edge_index][:, shuffle])
    expected, found = detector.predict_proba(data)[order], detector.predict_proba(moved)
    if (
        detector.score.in_channels == 1
        and not KINDS[kind].get("denoise")
        and "head" not in KINDS[kind]
    ):
        assert torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_disjoint_union_is_judged_part_by_part(kind):
    detector = build(kind)
    parts = [data_for(detector, seed=seed) for seed in range(2)]
    together = detector.predict_proba(Batch.from_data_list(parts))
    apart = torch.cat([detector.predict_proba(part) for part in parts])
    torch.testing.assert_close(together, apart, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("layout", ["sparse", "dense"])
@pytest.mark.parametrize("kind", ["sign", "sign 2", "choice", "normal", "normal 2"])
def test_the_score_on_the_whole_graph_is_the_score_on_the_neighborhood(kind, layout):
    detector = build(kind)
    data = random_data(80)
    x = data.x[:, 0].numpy()
    graph = gm.as_graph(data.edge_index, num_nodes=80)
    reach = detector.receptive_hops
    cut = gm.neighborhoods(graph, x, hops=reach, layout=layout)
    whole = detector.predict_proba((graph, x))
    if kind.startswith("sign"):
        np.testing.assert_array_equal(detector.predict_proba(cut), whole)
        np.testing.assert_array_equal(detector.predict(cut), detector.predict((graph, x)))
    np.testing.assert_allclose(detector.predict_proba(cut), whole, rtol=1e-12)
    assert detector.explain(cut, 7)[:2] == detector.explain((graph, x), 7)[:2]


def test_neighborhoods_take_features_of_the_whole_graph():
    detector = build("features")
    data = random_data(40, 3)
    graph = gm.as_graph(data.edge_index, num_nodes=40)
    cut = gm.neighborhoods(graph, np.zeros(40), hops=1)
    found = detector.predict_proba((cut, data.x.numpy()))
    np.testing.assert_allclose(found, detector.predict_proba(data).numpy(), rtol=1e-12)


@pytest.mark.parametrize("hops", [1, 3])
def test_increasing_maps_leave_decisions_of_sign_unchanged(hops):
    data = random_data(200)
    detector = PeakDetector(hops=hops)
    expected = detector.predict(data)
    for change in (lambda x: 1e3 * x, lambda x: x + 1e4, torch.exp, lambda x: x**3):
        assert torch.equal(detector.predict((data.edge_index, change(data.x))), expected)


def test_gaps_that_no_float32_holds_are_seen():
    x = 1.0 + 1e-9 * torch.arange(4, dtype=torch.float64)
    assert PeakDetector().predict((PATH, x)).tolist() == [False, False, False, True]
    assert PeakDetector().float().predict((PATH, x)).tolist() == [False, False, False, True]
    subnormal = torch.tensor([0.0, 5e-324, 0.0, 1e-323], dtype=torch.float64)
    assert PeakDetector().predict((PATH, subnormal)).tolist() == [False, True, False, True]


def test_autocast_does_not_round_what_is_compared():
    data = random_data(50, 3)
    for kind in ("features", "choice", "normal"):
        detector = build(kind)
        asked = data if kind == "features" else random_data(50)
        expected = detector.predict_proba(asked)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(detector.predict_proba(asked), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.int64, torch.bool])
def test_dtypes_of_x(dtype):
    x = torch.tensor([0, 1, 0, 1]).to(dtype)
    assert PeakDetector().predict((PATH, x)).tolist() == [False, True, False, True]


def test_the_answer_is_of_the_kind_of_x():
    graph = gm.Graph.from_edges([0, 1], [1, 2], attributes={"height": [1.0, 3.0, 2.0]})
    assert isinstance(PeakDetector().predict((graph, "height")), np.ndarray)
    assert isinstance(PeakDetector().predict((graph, np.arange(3))), np.ndarray)
    assert isinstance(PeakDetector().predict((graph, torch.arange(3))), torch.Tensor)


@pytest.mark.parametrize("kind", list(KINDS))
def test_explanations_name_the_rival(kind):
    detector = build(kind)
    data = data_for(detector)
    scores = detector.score_nodes(data)
    told = detector.explain(data, 5)
    near = data.edge_index[0][data.edge_index[1] == 5].tolist()
    if detector.hops_ == 1:
        assert told.rival in near
    assert told.margin == float(scores[5] - scores[told.rival])
    assert told.probability == pytest.approx(float(detector.predict_proba(data)[5]), rel=1e-12)
    if "normal" not in kind and detector.hops_ == 1:
        assert told.rival == max(near, key=lambda u: float(scores[u]))


def test_an_explanation_without_a_rival():
    told = PeakDetector().explain((torch.zeros(2, 0, dtype=torch.int64), torch.zeros(2)), 1)
    assert told == (1, -1, torch.inf, 1.0)


# --- with PyG and torch


def test_summary_and_explainer_of_pyg():
    from torch_geometric.explain import Explainer, GNNExplainer

    data = random_data(30, 3)
    detector = build("features")
    assert "FeatureScore" in summary(detector, data.x, data.edge_index)
    explainer = Explainer(
        detector, GNNExplainer(epochs=3), explanation_type="model", node_mask_type="attributes",
        model_config={
            "mode": "binary_classification", "task_level": "node", "return_type": "raw",
        },
    )  # fmt: skip
    node = int(data.edge_index[0, 0])
    told = explainer(data.x, data.edge_index, index=node)
    assert told.node_mask.shape == data.x.shape


EXPORTED = ["sign", "sign 2", "choice", "normal", "features", "feature choice", "filtered sign"]


def sizes(detector):
    return [data_for(detector, nodes=nodes, seed=nodes) for nodes in (20, 33)]


@pytest.mark.parametrize("kind", EXPORTED)
def test_compiles_into_one_graph_for_any_size(kind):
    detector = build(kind)
    compiled = torch.compile(detector, fullgraph=True, dynamic=True, backend="eager")
    for data in sizes(detector):
        torch.testing.assert_close(
            compiled(data.x, data.edge_index), detector(data.x, data.edge_index), rtol=1e-9, atol=0
        )


@pytest.mark.parametrize("kind", EXPORTED)
def test_exports_with_dynamic_sizes(kind):
    detector = build(kind)
    small, large = sizes(detector)
    program = torch.export.export(detector, (small.x, small.edge_index), dynamic_shapes=DYNAMIC)
    found = program.module()(large.x, large.edge_index)
    rtol = 1e-6 if kind == "normal" else 1e-9  # its distribution function has 7 digits there
    torch.testing.assert_close(found, detector(large.x, large.edge_index), rtol=rtol, atol=0)


DYNAMIC = {
    "x": {0: torch.export.Dim("nodes")},
    "edge_index": {1: torch.export.Dim("entries")},
}


@pytest.mark.parametrize("kind", EXPORTED)
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
def test_onnx_runs_at_another_size_on_negative_values(kind, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    detector = build(kind)
    small, large = sizes(detector)
    large.x = large.x - 10
    file = tmp_path / "detector.onnx"
    torch.onnx.export(
        detector, (small.x, small.edge_index), file, dynamo=True, dynamic_shapes=DYNAMIC,
        verbose=False,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [argument.name for argument in session.get_inputs()]
    (found,) = session.run(
        None, dict(zip(names, (large.x.numpy(), large.edge_index.numpy()), strict=True))
    )
    expected = detector(large.x, large.edge_index).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


# --- construction and refusals


def test_valid_combinations_are_those_of_the_table():
    allowed = set()
    for head in HEADS:
        for hops in (1, 2, "learn"):
            for score in ("attribute", "denoise", "features", "encoder"):
                given = {
                    "attribute": {}, "denoise": {"denoise": True}, "features": {"in_channels": 3},
                    "encoder": {"in_channels": 3, "encoder": SAGEConv(3, 1)},
                }[score]  # fmt: skip
                try:
                    PeakDetector(hops=hops, head=head, **given)
                except ValueError:
                    continue
                allowed.add((head, hops, score))
    scores = ("attribute", "denoise", "features", "encoder")
    expected = {("sign", hops, score) for hops in (1, 2, "learn") for score in scores}
    expected |= {("choice", hops, score) for hops in (1, 2, "learn") for score in scores}
    expected |= {("normal", hops, "denoise") for hops in (1, 2)}
    assert allowed == expected


def test_parameters_are_shown():
    assert "hops=2, " in repr(PeakDetector(hops=2))
    assert "hops='learn', max_hops=3" in repr(PeakDetector(hops="learn", max_hops=3))
    assert "5, width=64, members=8" in repr(PeakDetector(5))


def test_integers_of_numpy_are_integers():
    detector = PeakDetector(np.int64(1), np.int64(3), max_hops=np.int32(4))
    assert detector.hops_ == detector.rule.hops == 3
    assert gm.nn.hop_max(torch.tensor([1.0, 2.0]), torch.tensor([[0], [1]]), np.int64(2))


def test_the_rule_is_filled_in():
    rule = PeakDetector(hops=2, rule=Rule(ties="weak")).rule
    assert (rule.hops, rule.ties, rule.direction, rule.isolated) == (2, "weak", "in", True)


@pytest.mark.parametrize("combine", [Sum, Max])
def test_combined_scores_are_equivariant_and_learn(combine):
    score = combine([FeatureScore(3, width=8, members=2), FeatureScore(3, width=4, members=1)])
    detector = PeakDetector.composed(score, SignHead(1))
    data = random_data(channels=3)
    data.y = gm.local_maxima(data.edge_index, data.x.sum(1))
    found = gm.fit(detector, [data], epochs=30)
    assert found.history[-1]["loss"] < 0.8 * found.history[0]["loss"]
    order = torch.randperm(60)
    moved = Data(x=data.x[order], edge_index=torch.argsort(order)[data.edge_index])
    torch.testing.assert_close(detector.predict_proba(moved), detector.predict_proba(data)[order])
    with pytest.raises(TypeError, match="`parts` must be at least two scores"):
        combine([FeatureScore(3)])
    with pytest.raises(ValueError, match=r"features of one width, got \[1, 3\]"):
        combine([Identity(), FeatureScore(3)])


def test_composed_of_parts():
    detector = PeakDetector.composed(Identity(), SignHead(2), Rule(ties="weak"))
    assert detector.predict((PATH, torch.zeros(4))).all()
    assert PeakDetector.composed(FeatureScore(2, width=4, members=1), ChoiceHead(1)).hops_ == 1


def test_the_rule_gives_the_hops():
    assert PeakDetector(rule=Rule(hops=3)).hops_ == 3
    assert PeakDetector(hops=3, rule=Rule(hops=3)).receptive_hops == 3
    assert PeakDetector(hops="learn", max_hops=5).receptive_hops == 5
    assert build("normal 2").receptive_hops == 10
    assert build("encoder").receptive_hops == 2


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"hops": 0}, ValueError, "`hops` must be at least 1, got 0; or pass 'learn'"),
        ({"hops": "all"}, ValueError, "integer of at least 1 or 'learn', got 'all'"),
        ({"in_channels": 0}, ValueError, "`in_channels` must be at least 1"),
        ({"max_hops": True}, TypeError, "`max_hops` must be an integer"),
        ({"head": "soft"}, ValueError, "`head` must be one of 'sign', 'choice', 'normal'"),
        (
            {"head": "normal", "denoise": True, "hops": "learn"},
            ValueError,
            r"got 'learn'; what goes together:\n    head    hops",
        ),
        (
            {"head": "normal"},
            ValueError,
            "without denoise=True, for the score Identity .* got 'normal'; what goes",
        ),
        ({"denoise": True, "in_channels": 2}, ValueError, "`in_channels` must be 1"),
        ({"denoise": True, "encoder": SAGEConv(1, 1)}, ValueError, "choose one score"),
        ({"encoder": "gcn"}, TypeError, "`encoder` must be a torch module, got str"),
        ({"rule": Rule(radius=1.0)}, ValueError, "give hops instead"),
        ({"rule": Rule(ties="plateau")}, ValueError, "'strict' or 'weak' .*, got 'plateau'"),
        ({"rule": Rule(nan="omit")}, ValueError, "drop or fill"),
        ({"rule": Rule(hops=2), "hops": 3}, ValueError, "must agree with the rule, got 3 and 2"),
        ({"rule": "weak"}, TypeError, "`rule` must be a Rule, got str"),
    ],
)
def test_what_cannot_be_built(options, error, words):
    with pytest.raises(error, match=words):
        PeakDetector(**options)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (torch.zeros(4, 2), ValueError, r"`x` must have shape \(num_nodes, 1\), got \(4, 2\)"),
        (torch.zeros(4, dtype=torch.complex64), TypeError, "real numbers, got torch.complex64"),
        (torch.tensor([0, 0, np.nan, 0]), ValueError, "got NaN at node 2; drop or fill"),
        (torch.tensor([0, 0, 2**53 + 1, 0]), ValueError, r"beyond 2\*\*53; pass ranks"),
        (torch.zeros(3), ValueError, "`edge_index` must hold node indices from 0 to 2"),
    ],
)
def test_features_that_are_refused(x, error, words):
    with pytest.raises(error, match=words):
        PeakDetector().predict((PATH, x))
    with pytest.raises(error, match=words):
        PeakDetector()(x, PATH)


def test_questions_that_are_refused():
    detector = build("normal")
    with pytest.raises(ValueError, match="finite for this score, got an infinite value at node 0"):
        detector.predict((PATH, torch.full((4,), np.inf)))
    with pytest.raises(TypeError, match="`data` must be PyG Data"):
        detector.predict([1, 2])
    with pytest.raises(ValueError, match="set data.x"):
        detector.predict(Data(edge_index=PATH))
    graph = gm.Graph.from_edges([0], [1], attributes={"a": np.ma.masked_invalid([1.0, np.nan])})
    with pytest.raises(ValueError, match="got 1 without 'a'"):
        detector.predict((graph, "a"))
    with pytest.raises(ValueError, match="`node` must be from 0 to 3, got 4"):
        detector.explain((PATH, torch.zeros(4)), 4)


def test_neighborhoods_that_are_refused():
    graph, x = gm.as_graph(nx.path_graph(6)), np.arange(6.0)
    with pytest.raises(ValueError, match="at least 9 hops for this detector, got 2 hops"):
        build("normal").predict(gm.neighborhoods(graph, x, hops=2))
    with pytest.raises(ValueError, match="whole neighborhoods, got 6 cut by max_nodes"):
        PeakDetector().predict(gm.neighborhoods(graph, x, hops=2, max_nodes=2))
    turned = gm.neighborhoods(graph, x, rule=replace(Rule(hops=1), direction="out"))
    with pytest.raises(ValueError, match="of direction 'in', got 'out'"):
        PeakDetector().predict(turned)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", list(KINDS))
def test_on_a_graphics_card(kind):
    detector = build(kind)
    data = data_for(detector)
    expected = detector.predict_proba(data)
    found = detector.to("cuda").predict_proba(data.to("cuda"))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-9, atol=1e-12)


def test_every_other_node_of_a_ball_is_counted_once():
    graph = gm.as_graph(nx.cycle_graph(7))
    chance = PeakDetector(hops=3, head="choice").predict_proba((graph, np.zeros(7)))
    np.testing.assert_allclose(chance, 1 / 7)
