"""`evaluate`: figures that can be worked out by hand, and one call for every scorer."""

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import nn
from torch_geometric.data import Data

import graphmax as gm

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])


def data(y, x=(1.0, 3.0, 2.0, 2.5), edge_index=PATH):
    x = torch.tensor(x).reshape(-1, 1)
    return Data(x=x, edge_index=edge_index, y=torch.tensor(y))


class Fixed(nn.Module):
    """Gives the features as logits."""

    def forward(self, x, edge_index):
        return x


def test_figures_of_a_handful_of_nodes():
    chance = np.array([0.9, 0.6, 0.3, 0.2])
    logits = np.log(chance / (1 - chance)).tolist()
    found = gm.evaluate(Fixed(), [data([True, False, True, False], logits)])
    assert found.f1 == pytest.approx(0.5)
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.4, 0.3, 0.8]).mean(), rel=1e-6)
    assert found.brier == pytest.approx((0.01 + 0.36 + 0.49 + 0.04) / 4, rel=1e-6)
    assert found.calibration_error == pytest.approx((0.1 + 0.6 + 0.7 + 0.2) / 4, rel=1e-6)
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert (found.errors, found.positives, found.nodes, found.graphs) == (2, 2, 4, 1)
    assert found.exact_graphs == 0.0


def test_the_calibration_error_weighs_bins_by_their_nodes():
    path = gm.as_graph(nx.path_graph(10)).to_data()
    chance = np.array([0.1] * 8 + [0.9] * 2)
    path.x = torch.from_numpy(np.log(chance / (1 - chance)))[:, None]
    path.y = torch.tensor([False] * 10)
    found = gm.evaluate(Fixed(), [path])
    assert found.calibration_error == pytest.approx(0.8 * 0.1 + 0.2 * 0.9)


def test_figures_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    path = gm.as_graph(nx.path_graph(500)).to_data()
    logits = rng.integers(-6, 7, 500) / 2  # many ties
    path.x, path.y = torch.from_numpy(logits)[:, None], torch.from_numpy(rng.random(500) < 0.3)
    found, y, chance = gm.evaluate(Fixed(), [path]), path.y.numpy(), 1 / (1 + np.exp(-logits))
    assert found.f1 == pytest.approx(metrics.f1_score(y, logits > 0))
    assert found.average_precision == pytest.approx(metrics.average_precision_score(y, logits))
    assert found.log_loss == pytest.approx(metrics.log_loss(y, chance))
    assert found.brier == pytest.approx(metrics.brier_score_loss(y, chance))
    assert found.precision == pytest.approx(metrics.precision_score(y, logits > 0))
    assert found.recall == pytest.approx(metrics.recall_score(y, logits > 0))


def test_the_exact_rule_is_a_scorer_like_any_other():
    graphs = [data([False, True, False, True]), data([False, True, False, False])]
    found = gm.evaluate(gm.Rule(), graphs)
    assert (found.exact_graphs, found.errors, found.graphs) == (0.5, 1, 2)
    assert gm.evaluate(gm.Rule(hops=2), graphs).errors == 1
    assert gm.evaluate(gm.PeakDetector(), graphs).errors == 1
    assert gm.evaluate(gm.Rule(), graphs[:1]).f1 == 1.0


def test_the_direction_of_the_detector_counts():
    arrow = torch.tensor([[0, 1], [1, 2]])
    graph = data([False, False, True], (3.0, 2.0, 1.0), arrow)
    along = gm.Rule(direction="out")
    assert gm.evaluate(gm.PeakDetector(rule=along), [graph]).errors == 2
    graph.y = torch.tensor([True, True, True])
    assert gm.evaluate(gm.PeakDetector(rule=along), [graph]).errors == 0


def test_within_a_tolerance_near_misses_count():
    path = gm.as_graph(nx.path_graph(7)).to_data()
    path.x = torch.tensor([-9.0, 5.0, 4.0, -9.0, -9.0, -9.0, 3.0]).reshape(-1, 1)
    path.y = torch.tensor([True, False, False, True, False, False, False])
    strict, near = gm.evaluate(Fixed(), [path]), gm.evaluate(Fixed(), [path], tolerance=1)
    assert (strict.precision, strict.recall) == (0.0, 0.0)
    assert (near.precision, near.recall) == (0.5, 0.5)  # 1 is near 0; 2 was suppressed; 6 is far
    far = gm.evaluate(Fixed(), [path], tolerance=3)
    assert (far.precision, far.recall) == (1.0, 1.0)


def test_intervals_hold_the_figure_and_shrink():
    rng = np.random.default_rng(0)

    def graphs(count):
        return [
            data(list(rng.random(50) < 0.4), rng.normal(size=50).tolist()) for _ in range(count)
        ]

    few, many = gm.evaluate(Fixed(), graphs(25)), gm.evaluate(Fixed(), graphs(400))
    for found in (few, many):
        for name, (low, high) in found.intervals.items():
            assert low <= getattr(found, name) <= high or name == "exact_graphs"
    wide, narrow = (np.diff(found.intervals["brier"])[0] for found in (few, many))
    assert narrow < 0.5 * wide


def test_a_single_class_has_no_average_precision():
    found = gm.evaluate(Fixed(), [data([False] * 4)])
    assert np.isnan(found.average_precision)
    assert found.positives == 0


def test_training_mode_is_given_back():
    detector = gm.PeakDetector().train()
    gm.evaluate(detector, [data([False, True, False, True])])
    assert detector.training


@pytest.mark.parametrize(
    ("scorer", "graphs", "options", "error", "words"),
    [
        ("rule", [data([True] * 4)], {}, TypeError, "`scorer` must be a PeakDetector"),
        (Fixed(), [], {}, ValueError, "at least one graph"),
        (Fixed(), data([True] * 4), {}, TypeError, r"pass \[data\]"),
        (Fixed(), [data([2, 0, 0, 1])], {}, ValueError, "`graphs\\[0\\].y` must hold True and"),
        (Fixed(), [data([True] * 4)], {"tolerance": -1}, ValueError, "`tolerance` must be"),
        (gm.PeakDetector(2), [data([True] * 4)], {}, ValueError, r"shape \(num_nodes, 2\)"),
    ],
)
def test_what_is_refused(scorer, graphs, options, error, words):
    with pytest.raises(error, match=words):
        gm.evaluate(scorer, graphs, **options)


def test_logits_that_are_refused():
    class Sum(nn.Module):
        def forward(self, x, edge_index):
            return x.sum()

    class Missing(nn.Module):
        def forward(self, x, edge_index):
            return x * np.nan

    with pytest.raises(ValueError, match=r"one logit per node \(4\)"):
        gm.evaluate(Sum(), [data([True, False, True, False])])
    with pytest.raises(ValueError, match="must not give NaN, got 4"):
        gm.evaluate(Missing(), [data([True, False, True, False])])
