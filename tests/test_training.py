"""`fit`: what is learned, that it is the same every time, and that no state is lost."""

import dataclasses
import os
import signal

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import graphmax as gm
from graphmax.nn import FeatureScore, PeakDetector, SignHead
from graphmax.sealed import write_tensors
from graphmax.training import trainer
from graphmax.training.blocks import blocks_of
from graphmax.training.trainer import CHECKPOINT, read_checkpoint

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])


def labelled(nodes=40, hops=1, seed=0, *, flips=0.0, channels=1, degree=3.0):
    rng = np.random.default_rng(seed)
    graph = gm.as_graph(nx.gnp_random_graph(nodes, degree / nodes, seed=seed))
    x = rng.normal(size=(nodes, channels))
    y = gm.local_maxima(graph, x.sum(1), hops) ^ (rng.random(nodes) < flips)
    data = graph.to_data()
    data.x, data.y = torch.from_numpy(x), torch.from_numpy(y)
    return data


def weights(detector):
    return {name: tensor.clone() for name, tensor in detector.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


# --- what is learned


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_the_radius_is_found_from_one_graph_of_40_nodes(hops):
    detector = PeakDetector(hops="learn", max_hops=6)
    assert gm.fit(detector, [labelled(hops=hops, seed=hops)]).hops == hops
    assert detector.hops_ == detector.receptive_hops == hops


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_the_radius_is_found_through_flipped_labels(hops):
    detector = PeakDetector(hops="learn", max_hops=6)
    found = gm.fit(detector, [labelled(200, hops, seed=hops, flips=0.05)])
    assert found.hops == hops
    assert 0.005 < found.flip_rate < 0.12


def test_a_hidden_sum_of_features_is_recovered():
    detector = PeakDetector(3)
    gm.fit(detector, [labelled(300, channels=3)], epochs=40)
    fresh = labelled(400, channels=3, seed=1)
    assert gm.evaluate(detector, [fresh]).average_precision > 0.9
    correlation = np.corrcoef(detector.score_nodes(fresh), fresh.x.sum(1))[0, 1]
    assert correlation > 0.95


def test_only_masked_nodes_count():
    data = labelled(hops=2)
    data.train_mask = torch.zeros(40, dtype=torch.bool)
    data.train_mask[:30] = True
    twisted = data.clone()
    twisted.y[30:] = ~twisted.y[30:]
    results = []
    for given in (data, twisted):
        detector = PeakDetector(hops="learn")
        gm.fit(detector, [given], epochs=20)
        results.append(weights(detector))
    assert_same(*results)


@pytest.mark.parametrize(
    "options",
    [
        {"head": "choice"},
        {"head": "normal", "denoise": True},
        {"in_channels": 2},
        {"denoise": True},
    ],
)
def test_every_kind_learns(options):
    data = labelled(150, channels=options.get("in_channels", 1))
    found = gm.fit(PeakDetector(**options), [data], epochs=30)
    assert found.history[-1]["loss"] < found.history[0]["loss"]


def test_lonely_nodes_and_infinite_margins_are_left_out_of_the_loss():
    data = Data(
        x=torch.tensor([[1.0], [3.0], [2.0], [np.inf], [-5.0]]), edge_index=PATH,
        y=torch.tensor([False, True, False, True, True]),
    )  # fmt: skip
    detector = PeakDetector()
    found = gm.fit(detector, [data], epochs=10)
    assert np.isfinite([told["loss"] for told in found.history]).all()
    assert all(torch.isfinite(tensor).all() for tensor in weights(detector).values())


def test_validation_stops_early_and_keeps_the_best_weights():
    train, held = labelled(60, channels=6), labelled(200, channels=6, seed=1)
    for data in (train, held):  # labels by lot: there is nothing to learn
        order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(1))
        data.y = data.y[order]
    detector = PeakDetector(6)
    found = gm.fit(detector, [train], validation=[held], epochs=200)
    assert found.stopped == "validation"
    assert found.epochs < 200
    losses = [told["validation_loss_rescaled"] for told in found.history]
    assert found.best_epoch == 1 + int(np.argmin(losses))
    assert "validation_average_precision" in found.history[0]


def test_epochs_are_compared_whatever_the_scale_of_the_logits():
    """Too large logits make the loss worse and no ranking: training would end long too early."""
    detector, data = PeakDetector(), labelled(200, flips=0.1)
    blocks = blocks_of([data], "validation", 1, "in")
    before = trainer.judged_on(detector, blocks)
    detector.head.rescale(1.5)
    after = trainer.judged_on(detector, blocks)
    assert after["validation_loss"] > before["validation_loss"] + 0.03
    for name in ("validation_loss_rescaled", "validation_average_precision"):
        assert after[name] == pytest.approx(before[name], abs=1e-4)


def test_after_validation_the_scale_is_the_one_that_suits_it():
    detector, held = PeakDetector(2), labelled(200, channels=2, seed=1, flips=0.1)
    gm.fit(detector, [labelled(channels=2)], validation=[held], epochs=15)
    blocks = blocks_of([held], "validation", 2, "in")
    told = trainer.judged_on(detector, blocks)
    assert told["validation_loss"] == pytest.approx(told["validation_loss_rescaled"], abs=1e-4)
    detector.head.rescale(0.3)
    assert trainer.judged_on(detector, blocks)["validation_loss"] > told["validation_loss"]


def test_after_fit_no_member_of_a_score_outvotes_the_others():
    detector, data = PeakDetector(3), labelled(200, channels=3)
    gm.fit(detector, [data], epochs=20)
    opinions = detector.score(data.x, gm.nn.steps.Steps.of(data.edge_index, 200)).mean
    spread = opinions.detach().std(0, unbiased=False)
    assert spread.numel() == 8
    torch.testing.assert_close(spread, spread[:1].expand(8), rtol=1e-9, atol=0)


def test_weight_decay_makes_weights_smaller():
    class Decaying(FeatureScore):
        weight_decay = 3.0

    class Plain(FeatureScore):
        weight_decay = 0.0

    sizes = {}
    for kind in (Decaying, Plain):
        detector = PeakDetector.composed(kind(3, width=8, members=2), SignHead(1))
        gm.fit(detector, [labelled(200, channels=3)], epochs=60)
        sizes[kind] = float(detector.score.weights[1].detach().norm())
    assert sizes[Decaying] < 0.8 * sizes[Plain]


# --- determinism


def test_a_seed_gives_the_same_bits_and_another_seed_others():
    results = []
    for seed in (1, 1, 2):
        detector = PeakDetector(2)
        gm.fit(detector, [labelled(channels=2)], epochs=5, seed=seed)
        results.append(weights(detector))
    assert_same(results[0], results[1])
    assert not torch.equal(results[0]["score.weights.0"], results[2]["score.weights.0"])


def test_a_trained_detector_goes_on_from_its_weights():
    detector = PeakDetector(2)
    gm.fit(detector, [labelled(channels=2)], epochs=30)
    found = gm.fit(detector, [labelled(channels=2)], epochs=1)
    fresh = gm.fit(PeakDetector(2), [labelled(channels=2)], epochs=1)
    assert found.history[0]["loss"] < 0.5 * fresh.history[0]["loss"]


# --- checkpoints


class Stop(BaseException):
    pass


def stopping_after(monkeypatch, epochs, error):
    step = trainer.Training.step

    def stopped(training):
        if training.epoch == epochs:
            raise error
        step(training)

    monkeypatch.setattr(trainer.Training, "step", stopped)


@pytest.mark.parametrize("options", [{"in_channels": 2}, {"hops": "learn", "in_channels": 2}])
def test_resumed_to_the_same_bits(tmp_path, monkeypatch, options):
    monkeypatch.setattr(trainer, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr("graphmax.training.blocks.ENTRIES_PER_BLOCK", 100)
    graphs = [labelled(30, channels=2, seed=seed) for seed in range(4)]
    call = {"validation": [labelled(30, channels=2, seed=9)], "epochs": 12}
    whole = PeakDetector(**options)
    expected = gm.fit(whole, graphs, **call)
    with monkeypatch.context() as patch:
        stopping_after(patch, 5, Stop())
        with pytest.raises(Stop):
            gm.fit(PeakDetector(**options), graphs, checkpoint=tmp_path / "c", **call)
    resumed = PeakDetector(**options)
    found = gm.fit(resumed, graphs, checkpoint=tmp_path / "c", resume=True, **call)
    assert_same(weights(resumed), weights(whole))
    assert found.history == expected.history


def test_interrupted_it_saves_and_returns(tmp_path, monkeypatch):
    detector, graphs = PeakDetector(2), [labelled(channels=2)]
    with monkeypatch.context() as patch:
        stopping_after(patch, 5, KeyboardInterrupt())
        found = gm.fit(detector, graphs, epochs=12, checkpoint=tmp_path / "c")
    assert (found.stopped, found.epochs, len(found.history)) == ("interrupt", 5, 5)
    assert detector.trained
    again, whole = PeakDetector(2), PeakDetector(2)
    gm.fit(again, graphs, epochs=12, checkpoint=tmp_path / "c", resume=True)
    gm.fit(whole, graphs, epochs=12)
    assert_same(weights(again), weights(whole))


def test_a_real_interrupt_in_the_middle_of_an_epoch_leaves_whole_weights(tmp_path, monkeypatch):
    detector, graphs = PeakDetector(2), [labelled(channels=2)]
    step = torch.optim.AdamW.step
    calls = []

    def interrupted(optimizer, *arguments, **options):
        calls.append(step(optimizer, *arguments, **options))
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", interrupted)
        found = gm.fit(detector, graphs, epochs=8, checkpoint=tmp_path / "c")
    assert found.stopped == "interrupt"
    assert found.epochs in (3, 4)
    again, whole = PeakDetector(2), PeakDetector(2)
    gm.fit(again, graphs, epochs=8, checkpoint=tmp_path / "c", resume=True)
    gm.fit(whole, graphs, epochs=8)
    assert_same(weights(again), weights(whole))


def test_a_finished_training_resumes_to_itself(tmp_path):
    graphs = [labelled(channels=2)]
    detector, again = PeakDetector(2), PeakDetector(2)
    gm.fit(detector, graphs, epochs=3, checkpoint=tmp_path / "c")
    gm.fit(again, graphs, epochs=3, checkpoint=tmp_path / "c", resume=True)
    assert_same(weights(again), weights(detector))


@pytest.fixture
def checkpoint(tmp_path):
    gm.fit(PeakDetector(hops="learn"), [labelled()], epochs=3, checkpoint=tmp_path / "c")
    return tmp_path / "c"


def resume(checkpoint, detector=None, graphs=None, **options):
    detector = PeakDetector(hops="learn") if detector is None else detector
    call = {"epochs": 3, "checkpoint": checkpoint, "resume": True} | options
    return gm.fit(detector, [labelled()] if graphs is None else graphs, **call)


def test_a_checkpoint_cut_short_or_with_a_flipped_bit(checkpoint):
    content = checkpoint.read_bytes()
    rng = np.random.default_rng(0)
    for size in rng.integers(0, len(content) - 1, 30):
        checkpoint.write_bytes(content[:size])
        with pytest.raises(ValueError, match="`checkpoint` must be"):
            resume(checkpoint)
    for place in rng.integers(0, len(content), 100):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        checkpoint.write_bytes(damaged)
        with pytest.raises(ValueError, match="`checkpoint` must be"):
            resume(checkpoint)


def test_checkpoints_of_another_training(checkpoint, tmp_path):
    with pytest.raises(ValueError, match="of the same training, got another detector"):
        resume(checkpoint, PeakDetector(hops=2))
    with pytest.raises(ValueError, match="got another epochs: 3 where this has 4"):
        resume(checkpoint, epochs=4)
    with pytest.raises(ValueError, match="got another seed"):
        resume(checkpoint, seed=1)
    with pytest.raises(ValueError, match="got another graphs"):
        resume(checkpoint, graphs=[labelled(30)])
    tensors, document = read_checkpoint(checkpoint)
    older = dataclasses.replace(CHECKPOINT, version=1)
    write_tensors(older, tmp_path / "d", document, tensors)
    with pytest.raises(ValueError, match="of version 1 where this is 2"):
        resume(tmp_path / "d")
    with pytest.raises(FileNotFoundError, match="start with resume=False"):
        resume(tmp_path / "none")
    with pytest.raises(ValueError, match="must not exist yet, got .*; pass resume=True"):
        resume(checkpoint, resume=False)
    with pytest.raises(ValueError, match="`resume` must be False without a checkpoint"):
        resume(None)


def test_a_full_disk_ends_in_an_error_and_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    written = []
    write = trainer.write_checkpoint

    def full(path, tensors, told):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(write(path, tensors, told))

    monkeypatch.setattr(trainer, "write_checkpoint", full)
    detector, whole = PeakDetector(2), PeakDetector(2)
    graphs = [labelled(channels=2)]
    with pytest.raises(OSError, match="No space left .* the detector has its weights"):
        gm.fit(detector, graphs, epochs=8, checkpoint=tmp_path / "c")
    monkeypatch.undo()
    gm.fit(whole, graphs, epochs=8)
    assert_same(weights(detector), weights(whole))
    assert read_checkpoint(tmp_path / "c")[1]["epoch"] == 2


def test_a_folder_that_is_not_there_is_noticed_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="an existing folder"):
        gm.fit(PeakDetector(), [labelled()], checkpoint=tmp_path / "none" / "c")


# --- refusals


def changed(**columns):
    data = labelled()
    for name, column in columns.items():
        data[name] = column
    return [data]


@pytest.mark.parametrize(
    ("graphs", "error", "words"),
    [
        ([], ValueError, "`graphs` must hold at least one graph"),
        (labelled(), TypeError, r"got one; pass \[data\]"),
        ([1], TypeError, r"`graphs\[0\]` must be PyG Data with an edge_index, got int"),
        (changed(x=None), ValueError, r"`graphs\[0\]` must have x"),
        (changed(y=None), ValueError, r"`graphs\[0\]` must have y"),
        (changed(y=torch.full((40,), 0.5)), ValueError, "1 and 0 with -1 for unknown, got 0.5"),
        (
            changed(y=torch.zeros(3, dtype=torch.bool)),
            ValueError,
            r"one entry per node \(40\), got 3",
        ),
        (changed(y=torch.zeros(40, dtype=torch.bool)), ValueError, "both classes, got 0 positives"),
        (changed(y=torch.ones(40, dtype=torch.bool)), ValueError, "got 40 positives of 40"),
        (changed(train_mask=torch.zeros(40, dtype=torch.bool)), ValueError, "got no label at all"),
        (changed(train_mask=torch.zeros(40)), TypeError, "train_mask` must be a boolean tensor"),
        (changed(x=torch.zeros(40, 2)), ValueError, r"`graphs\[0\]`: `x` must have shape"),
        (changed(x=torch.full((40, 1), np.nan)), ValueError, "got NaN at node 0"),
        (changed(edge_index=torch.tensor([[0], [40]])), ValueError, r"got \[0, 40\] at entry 0"),
    ],
)
def test_graphs_that_are_refused(graphs, error, words):
    with pytest.raises(error, match=words):
        gm.fit(PeakDetector(), graphs)


@pytest.mark.parametrize(
    ("epochs", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_epochs_that_are_refused(epochs, error):
    with pytest.raises(error, match="`epochs` must be .*at least 1, got"):
        gm.fit(PeakDetector(), [labelled()], epochs=epochs)


def test_the_live_line(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    gm.fit(PeakDetector(), [labelled()], validation=[labelled(seed=1)], epochs=2)
    told = capsys.readouterr().err
    assert "epoch 2/2  loss " in told
    assert "validation AP " in told


def test_fit_trains_where_gradients_are_off():
    detector, expected = PeakDetector(), PeakDetector()
    with torch.no_grad():
        gm.fit(detector, [labelled()], epochs=3)
    gm.fit(expected, [labelled()], epochs=3)
    assert_same(weights(detector), weights(expected))
