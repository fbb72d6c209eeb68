"""What `fit`, `evaluate` and a loop of one's own take: data sets, loaders, masks, optimizers."""

import logging
import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Subset
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

import graphmax as gm
from graphmax.datasets import PeakDataset, RootedNeighborhoods, neighborhood_loader
from graphmax.nn import FeatureScore, PeakDetector, SignHead

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])


def labelled(nodes=40, hops=1, seed=0, channels=1, flips=0.0):
    rng = np.random.default_rng(seed)
    graph = gm.as_graph(nx.gnp_random_graph(nodes, 3 / nodes, seed=seed))
    x = rng.normal(size=(nodes, channels))
    y = gm.local_maxima(graph, x.sum(1), hops) ^ (rng.random(nodes) < flips)
    data = graph.to_data()
    data.x, data.y = torch.from_numpy(x), torch.from_numpy(y)
    return data


@pytest.fixture(scope="module")
def dataset():
    graphs = [nx.gnp_random_graph(30, 0.1, seed=seed) for seed in range(10)]
    rng = np.random.default_rng(0)
    return PeakDataset.from_graphs(graphs, [rng.normal(size=30) for _ in graphs])


# --- the radius in force is a function of the weights


def test_validation_judges_with_the_radius_that_the_weights_say():
    detector = PeakDetector(hops="learn")
    found = gm.fit(detector, [labelled(200, 2)], validation=[labelled(200, 2, seed=1)], epochs=60)
    assert found.hops == detector.hops_ == 2
    last = found.history[-1]["validation_average_precision"]
    assert last > 0.99  # judged with radius 1 it stays below .8
    assert gm.evaluate(detector, [labelled(200, 2, seed=2)]).errors == 0


@pytest.mark.parametrize("head", ["sign", "choice"])
def test_a_loop_of_ones_own_learns_the_radius_and_decides_with_it(head):
    detector, data = PeakDetector(hops="learn", head=head), labelled(200, 2)
    assert detector.hops_ is None
    assert detector.receptive_hops == 4
    optimizer = torch.optim.Adam(detector.parameters(), 0.1)
    detector.train()
    for _ in range(80):
        optimizer.zero_grad()
        detector.loss(data).backward()
        optimizer.step()
    detector.eval()
    assert detector.hops_ == detector.receptive_hops == 2
    wrong = detector.predict(data) != data.y
    assert wrong.float().mean() < (0.001 if head == "sign" else 0.08)


# --- what holds graphs


def forms(dataset):
    return {
        "data set": dataset,
        "slice": dataset[:8],
        "part": dataset.part("train"),
        "subset": Subset(dataset, [0, 1, 2, 3]),
        "list": list(dataset),
        "generator": (item for item in dataset),
        "batches": [Batch.from_data_list(list(dataset))],
        "loader": DataLoader(dataset, batch_size=4, shuffle=True),
    }


FORMS = ["data set", "slice", "part", "subset", "list", "generator", "batches", "loader"]


@pytest.mark.parametrize("form", FORMS)
def test_graphs_come_in_any_holder(dataset, form):
    detector = PeakDetector()
    found = gm.fit(detector, forms(dataset)[form], epochs=2, progress=False)
    assert len(found.history) == 2
    judged = gm.evaluate(detector, forms(dataset)[form], resamples=0)
    assert judged.errors == 0
    assert judged.nodes % 30 == 0
    assert judged.intervals == {}


def test_only_masks_that_are_there_are_told_of(dataset):
    loader = DataLoader(dataset, batch_size=4)
    assert gm.fit(PeakDetector(), loader, epochs=1, progress=False).mask == "all"
    items = [item.clone() for item in dataset]
    items[-1].train_mask = torch.ones(30, dtype=torch.bool)
    for graphs in (items, DataLoader(items[-1:])):
        assert gm.fit(PeakDetector(), graphs, epochs=1, progress=False).mask == "train_mask"


def test_graphs_without_a_mask_count_whole(dataset):
    items = [item.clone() for item in dataset[:2]]
    items[0].test_mask = items[0].val_mask = torch.arange(30) < 10
    items[0].y = items[0].y ^ ~items[0].test_mask
    judged = gm.evaluate(PeakDetector(), items, resamples=0)
    assert (judged.errors, judged.nodes, judged.mask) == (0, 40, "test_mask")
    found = gm.fit(PeakDetector(), dataset, validation=items, epochs=1, progress=False)
    assert found.validation_mask == "val_mask"


def test_a_loader_gives_the_same_bits_for_the_same_seed(dataset):
    weights = []
    for _ in range(2):
        detector = PeakDetector()
        loader = DataLoader(dataset, batch_size=3, shuffle=True)
        gm.fit(detector, loader, epochs=3, seed=5, progress=False)
        weights.append(detector.head.log_scale.detach().clone())
        torch.rand(7)  # other draws in between change nothing
    assert torch.equal(*weights)


def test_batches_of_graphs(dataset):
    by_one, whole = PeakDetector(), PeakDetector()
    gm.fit(by_one, dataset, epochs=3, batch_size=3, progress=False)
    gm.fit(whole, dataset, epochs=3, progress=False)
    assert not torch.equal(by_one.head.log_scale, whole.head.log_scale)
    equal = PeakDetector()
    gm.fit(equal, dataset, epochs=3, batch_size=10, progress=False)
    torch.testing.assert_close(equal.head.log_scale, whole.head.log_scale)
    with pytest.raises(ValueError, match="`batch_size` must be left out with a loader"):
        gm.fit(PeakDetector(), DataLoader(dataset), batch_size=2)


def test_cut_out_neighborhoods_train_as_the_whole_graph_does():
    data = labelled(60)
    graph = gm.as_graph(data.edge_index, num_nodes=60)
    rooted = RootedNeighborhoods(graph, data.x[:, 0].numpy(), hops=1)
    loader = neighborhood_loader(rooted, batch_size=60, generator=np.random.default_rng(0))
    detector, whole = PeakDetector(), PeakDetector()
    found = gm.fit(detector, loader, epochs=4, progress=False)
    expected = gm.fit(whole, [data], epochs=4, progress=False)
    for ours, theirs in zip(found.history, expected.history, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-9)


# --- masks and labels


def test_masks_say_which_nodes_count():
    data = labelled(60)
    data.train_mask = torch.arange(60) < 30
    data.val_mask = (torch.arange(60) >= 30) & (torch.arange(60) < 40)
    data.test_mask = torch.arange(60) >= 40
    twisted = data.clone()
    twisted.y = torch.where(data.test_mask, ~data.y, data.y)
    found = gm.fit(PeakDetector(), [twisted], validation=[twisted], epochs=3)
    assert (found.mask, found.validation_mask) == ("train_mask", "val_mask")
    detector = PeakDetector()
    for mask in (None, "test_mask", data.test_mask, [data.test_mask]):
        judged = gm.evaluate(detector, [twisted], mask=mask)
        assert (judged.errors, judged.nodes) == (20, 20)
    assert gm.evaluate(detector, [twisted]).mask == "test_mask"
    assert gm.evaluate(detector, [twisted], mask=data.test_mask).mask == "given"
    assert gm.evaluate(detector, [twisted], mask="train_mask").errors == 0
    whole = gm.evaluate(detector, [twisted], mask="all")
    assert (whole.errors, whole.nodes, whole.mask) == (20, 60, "all")
    for indices in (data.test_mask.nonzero()[:, 0], np.arange(40, 60)):
        judged = gm.evaluate(detector, [twisted], mask=indices)
        assert (judged.errors, judged.nodes, judged.mask) == (20, 20, "given")
    with pytest.raises(TypeError, match="`mask` must be the name of a mask, flags, .* got object"):
        gm.evaluate(detector, [twisted], mask=object())
    with pytest.raises(ValueError, match=r"'blue_mask', which graphs\[0\] lacks"):
        gm.evaluate(detector, [twisted], mask="blue_mask")
    with pytest.raises(ValueError, match=r"one entry per node \(60\), got 3"):
        gm.evaluate(detector, [twisted], mask=torch.tensor([True] * 3))


@pytest.mark.parametrize(
    "y",
    [
        torch.tensor([0, 1, 0, -1]),
        torch.tensor([[0], [1], [0], [-1]]),
        torch.tensor([0.0, 1.0, 0.0, torch.nan]),
        torch.tensor([0.0, 1.0, 0.0, -1.0]),
        torch.tensor([0, 1, 0, -1], dtype=torch.float16),
    ],
)
def test_labels_as_people_have_them(y):
    data = Data(x=torch.tensor([1.0, 3.0, 2.0, 2.5]), edge_index=PATH, y=y)
    known = Data(
        x=data.x, edge_index=PATH, y=torch.tensor([False, True, False, True]),
        train_mask=torch.tensor([True, True, True, False]),
    )  # fmt: skip
    detector = PeakDetector().train()
    assert torch.equal(detector.loss(data), detector.loss(known))
    assert gm.fit(PeakDetector(), [data], epochs=2).history == gm.fit(
        PeakDetector(), [known], epochs=2
    ).history  # fmt: skip
    assert gm.evaluate(detector, [data]).nodes == 3


def test_labels_and_masks_that_are_refused():
    detector = PeakDetector()
    data = Data(x=torch.zeros(4), edge_index=PATH, y=torch.tensor([0, 2, 0, 1]))
    with pytest.raises(ValueError, match="1 and 0 with -1 for unknown, got 2 at node 1"):
        detector.loss(data)
    data.y = torch.zeros(4, 2)
    with pytest.raises(ValueError, match=r"one column, got shape .* pass data.y.argmax\(1\)"):
        detector.loss(data)
    data.y = torch.full((4,), -1)
    assert detector.loss(data).item() == 0
    with pytest.raises(ValueError, match="`graphs` must have nodes of known label"):
        gm.evaluate(detector, [data])
    data.y = None
    with pytest.raises(ValueError, match="must have labels y, got none"):
        detector.loss(data)
    data.y, data.train_mask = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 0, 1])
    with pytest.raises(ValueError, match="must hold each node once"):
        detector.loss(data)
    data.train_mask = torch.tensor([0, 1])  # indices of nodes
    assert bool(detector.loss(data).isfinite())


# --- a loop of one's own


def test_logits_are_finite_so_that_a_plain_loss_is():
    data = Data(
        x=torch.tensor([1.0, 3.0, torch.inf, 2.5, -1.0]), edge_index=PATH,
        y=torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0]),
    )  # fmt: skip
    detector = PeakDetector().train()
    logits = detector(data.x, data.edge_index)
    assert logits[4].item() == logits.abs().max().item() == 1e30
    loss = nn.functional.binary_cross_entropy_with_logits(logits, data.y.double())
    loss.backward()
    assert bool(loss.isfinite())
    assert bool(detector.head.log_scale.grad.isfinite())


def test_sparse_features_are_read():
    data = labelled(30, channels=3)
    expected = PeakDetector(3).loss(data)
    dense, data.x = data.x, data.x.to_sparse()
    assert torch.equal(PeakDetector(3).loss(data), expected)
    told = PeakDetector(3)(data.x, data.edge_index)
    assert torch.equal(told, PeakDetector(3)(dense, data.edge_index))


def test_losses_have_one_unit():
    data = labelled(100, channels=3)
    detector = PeakDetector.composed(FeatureScore(3, width=8, members=1), SignHead(1))
    history = gm.fit(detector, [data], validation=[data], epochs=5).history
    for before, after in pairwise(history):  # one is taken before the step, the other after it
        assert after["loss"] == pytest.approx(before["validation_loss"])
    several = gm.fit(PeakDetector(3), [data], epochs=1).history[0]["loss"]
    assert 0 < several < 2 * math.log(2)


def test_a_callback_sees_every_epoch_and_may_stop(caplog):
    records = []

    def callback(record):
        records.append(record)
        return record.epoch == 3

    with caplog.at_level(logging.INFO, logger="graphmax"):
        found = gm.fit(
            PeakDetector(), [labelled()], validation=[labelled(seed=1)], epochs=9,
            callback=callback,
        )  # fmt: skip
    assert (found.stopped, found.epochs) == ("callback", 3)
    assert [record.epoch for record in records] == [1, 2, 3]
    assert records[-1].validation_loss == found.history[-1]["validation_loss"]
    assert [line for line in caplog.messages if "epoch 2/9  loss" in line]
    with pytest.raises(TypeError, match="`callback` must be callable"):
        gm.fit(PeakDetector(), [labelled()], callback=3)


def test_optimizers_of_ones_own(tmp_path):
    def trained(**options):
        detector = PeakDetector()
        optimizer = options.pop("optimizer", None)
        given = optimizer(detector) if optimizer else None
        gm.fit(detector, [labelled()], epochs=4, optimizer=given, progress=False, **options)
        return detector.head.log_scale.item()

    plain = trained()
    assert trained(lr=0.001) != plain
    made = trained(optimizer=lambda detector: torch.optim.SGD(detector.parameters(), 0.5, 0.9))
    called = trained(
        optimizer=lambda detector: lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9), lr=0.5
    )
    assert made == called != plain
    whole = PeakDetector()
    gm.fit(whole, [labelled()], epochs=4, optimizer=torch.optim.RMSprop)
    resumed = PeakDetector()
    options = {"epochs": 4, "optimizer": torch.optim.RMSprop, "checkpoint": tmp_path / "c"}
    gm.fit(PeakDetector(), [labelled()], callback=lambda r: r.epoch == 2, **options)
    gm.fit(resumed, [labelled()], resume=True, **options)
    assert torch.equal(whole.head.log_scale, resumed.head.log_scale)


def test_optimizers_that_are_refused():
    detector, data = PeakDetector(), [labelled()]
    adam = torch.optim.Adam(detector.parameters())
    with pytest.raises(ValueError, match="`lr` must be left out with an optimizer"):
        gm.fit(detector, data, optimizer=adam, lr=0.1)
    with pytest.raises(TypeError, match="`optimizer` must be a torch.optim.Optimizer"):
        gm.fit(detector, data, optimizer="adam")
    with pytest.raises(ValueError, match="`optimizer` must be made of parameters of the detector"):
        gm.fit(detector, data, optimizer=torch.optim.Adam(PeakDetector().parameters()))
    with pytest.raises(TypeError, match="LBFGS"):
        gm.fit(detector, data, optimizer=torch.optim.LBFGS)
    with pytest.raises(ValueError, match="`lr` must be above 0"):
        gm.fit(detector, data, lr=0)


# --- nothing that is not a number is learned in silence


def test_training_that_diverges_says_so_and_keeps_the_last_good_weights():
    detector = PeakDetector(3)
    with pytest.raises(FloatingPointError, match=r"training diverged: .* in epoch \d+; bring `x`"):
        gm.fit(detector, [labelled(channels=3)], epochs=50, lr=1e300)
    assert all(bool(p.isfinite().all()) for p in detector.parameters())


def test_an_infinite_value_is_refused_where_scores_are_added_up():
    data = labelled()
    data.x[0] = torch.inf
    with pytest.raises(ValueError, match="`x` must be finite for this score"):
        gm.fit(PeakDetector(head="choice"), [data], epochs=2)


@pytest.mark.parametrize("scale", [1e-320, 1e-301, 1e-6, 1.0, 1e6, 1e300])
def test_the_choice_head_learns_at_any_scale(scale):
    data = labelled(200)
    y, data.x = data.y, torch.round(data.x * 4) * scale
    data.y = gm.local_maxima(gm.as_graph(data.edge_index, num_nodes=200), data.x[:, 0])
    detector = PeakDetector(head="choice")
    gm.fit(detector, [data], epochs=30)
    assert int(data.y.sum()) > 20 <= int(y.sum())
    assert gm.evaluate(detector, [data], resamples=0).f1 > 0.95


def test_scores_that_a_choice_cannot_tell_apart_are_told():
    data = labelled(200)
    detector = PeakDetector(head="choice")
    gm.fit(detector, [data], epochs=30)
    assert int(detector.predict(data).sum()) > 20
    for factor in (1e-4, 1e-301):
        far = Data(x=data.x * factor, edge_index=data.edge_index)
        with pytest.warns(UserWarning, match="the scores differ by at most .* apart, so that no"):
            detector.predict(far)
    for x in (data.x * 1e6, torch.ones(200, 1)):
        detector.predict(Data(x=x, edge_index=data.edge_index))


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e300])
def test_the_radius_is_learned_at_any_scale(scale):
    data = labelled(100, 2)
    data.x = data.x * scale
    detector = PeakDetector(hops="learn")
    found = gm.fit(detector, [data], epochs=20)
    assert found.hops == 2
    assert np.isfinite([record["loss"] for record in found.history]).all()


def test_values_whose_deviation_overflows():
    data = labelled()
    data.x = data.x * 1e307
    with pytest.raises(ValueError, match="finite mean and deviation"):
        gm.fit(PeakDetector(head="normal", denoise=True), [data], epochs=2)


# --- scorers


class TakesData(nn.Module):
    def forward(self, data):
        return torch.stack([-data.x[:, 0], data.x[:, 0]], 1)


def test_scorers_of_any_kind_agree():
    data = [labelled(50, seed=seed) for seed in range(3)]
    raw = torch.cat([item.x[:, 0] for item in data])
    scorers = {
        "module of data, two columns": TakesData(),
        "function": lambda item: 2 * item.x[:, 0],
        "logits": 2 * raw,
        "list of arrays": [2 * item.x[:, 0].numpy() for item in data],
        "probabilities": torch.sigmoid(2 * raw).numpy(),
    }
    figures = [gm.evaluate(scorer, data, resamples=0) for scorer in scorers.values()]
    for found in figures[1:]:
        assert found.f1 == figures[0].f1
        assert found.average_precision == figures[0].average_precision
        assert found.log_loss == pytest.approx(figures[0].log_loss)
    decided = gm.evaluate((raw > 0).numpy(), data, resamples=0)
    assert decided.errors == figures[0].errors
    with pytest.raises(ValueError, match="one prediction per node"):
        gm.evaluate(raw[:-1], data)
    with pytest.raises(ValueError, match=r"one prediction per node \(150\), got 151"):
        gm.evaluate(torch.cat([raw, raw[:1]]), data)


def test_the_exact_rule_judges_integers_that_no_float_holds():
    data = Data(
        x=torch.tensor([[2**60], [2**60 + 1], [2**60], [5]]), edge_index=PATH,
        y=torch.tensor([0, 1, 0, 0]),
    )  # fmt: skip
    assert gm.evaluate(gm.Rule(), [data], resamples=0).errors == 0
    with pytest.raises(ValueError, match="got an integer beyond"):
        gm.evaluate(PeakDetector(), [data])


@pytest.mark.parametrize("head", ["sign", "choice", "normal"])
def test_decisions_of_evaluate_are_those_of_predict(head):
    data = labelled(150)
    detector = PeakDetector(head=head, denoise=head == "normal")
    gm.fit(detector, [data], epochs=3)
    wrong = int((detector.predict(data) != data.y).sum())
    assert gm.evaluate(detector, [data], resamples=0).errors == wrong


def test_intervals_are_left_out_on_request():
    data = [labelled()]
    assert gm.evaluate(PeakDetector(), data, resamples=0).intervals == {}
    assert "f1" in gm.evaluate(PeakDetector(), data, resamples=5).intervals
    with pytest.raises(ValueError, match="`resamples` must be at least 0"):
        gm.evaluate(PeakDetector(), data, resamples=-1)
