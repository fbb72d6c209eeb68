"""The experiment on fields without labels in small: it runs, and its figures point the right way."""

from experiments import unlabelled


def test_a_fit_without_labels_lies_between_floor_and_ceiling():
    told = unlabelled.trial("Delaunay", 400, 0.3, 2, 1.0, 1, samples=40, bayes=40)
    assert told["raw"] < told["fitted"] < told["Bayes"] * 1.1
    assert 0.7 < told["number"] < 1.4
    assert 0.5 < told["slope"] < 1.6
