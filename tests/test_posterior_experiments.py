"""The experiment on fields without labels in small: it runs, and its figures point the right way."""

import pytest
from experiments import unknown_parameters, unlabelled


def test_a_fit_without_labels_lies_between_floor_and_ceiling():
    told = unlabelled.trial("Delaunay", 400, 0.3, 2, 1.0, 1, samples=40, bayes=40)
    assert told["raw"] < told["fitted"] < told["Bayes"] * 1.1
    assert 0.7 < told["number"] < 1.4
    assert 0.5 < told["slope"] < 1.6


def test_an_ideal_bayesian_without_parameters_lies_near_the_ceiling(monkeypatch):
    for name, size in (("PAIRS", 60), ("DRAWS", 900)):
        monkeypatch.setattr(unknown_parameters, name, size)
    told = unknown_parameters.work("Delaunay", 0.3, 2, 0.3, 1, nodes=400)
    ceiling = (told["Bayes"] + told["Bayes again"]) / 2
    assert told["Bayes again"] == pytest.approx(ceiling, rel=0.03)
    for name in ("flat", "weak", "fitted"):
        assert told[name] == pytest.approx(ceiling, rel=0.12)
        assert told[f"number {name}"] == pytest.approx(told["number Bayes"], rel=0.25)
