"""The experiments of the README in small: they run, and their figures point the right way."""

import numpy as np
import pytest
from experiments import (
    degree_shift,
    hidden_attribute,
    known_attribute,
    noisy_attribute,
    noisy_two_hops,
    unknown_k,
)


def test_known_attribute_without_an_error():
    errors, judged, positives, learned = known_attribute.count_errors(2, 0, nodes=1_000, train=30)
    assert (errors, learned) == (0, 2)
    assert judged == 4 * 7 * 1_000
    assert positives > 200


def test_unknown_radius():
    assert unknown_k.found(40, 0.0, radii=(2,), seeds=(0,))[0] == 1


def test_hidden_attribute_beats_chance_by_far():
    told = hidden_attribute.trial("quadratic", 500, 0, epochs=40, nodes=2_000)
    assert told["geometric"] > 0.6
    assert told["rank"] > 0.6


def test_noisy_attribute_lies_between_floor_and_ceiling():
    detector = noisy_attribute.trained(2, 1, 1.0, 0, graphs=2, nodes=100)
    rng = np.random.default_rng(1)
    graph = noisy_attribute.families(1_000, rng)["Delaunay"]
    answers = noisy_attribute.judged(detector, graph, 2, 1, 1.0, rng, samples=50)
    raw, learned, best, share, gap = noisy_attribute.shares(answers)
    assert raw < learned < best + 0.02
    assert (share, gap) == (learned / best, (learned - raw) / (best - raw))
    low, high = noisy_attribute.intervals(answers, rng, draws=20)[1]
    assert low < learned < high


def test_two_hops_are_asked_of_a_filter_of_one(capsys):
    job = {**noisy_two_hops.warm(), "graphs": 4, "nodes": 400, "samples": 40}
    told = noisy_two_hops.work(**job)
    assert len(told) == 3
    for figures in told.values():
        assert figures["raw"] < figures["Bayes"]
        assert abs(figures["Bayes"] - figures["sampled"]) < 0.1
    noisy_two_hops.report([{"job": job, "told": told}] * 2)
    assert "order 2, noise 0.5: raw" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(degree_shift.TRIES))
def test_every_try_under_degree_shift(name, capsys):
    job = {**degree_shift.warm(), "name": name, "epochs": 4}
    told = degree_shift.work(**job)
    assert 0 < told["AP"] <= 1
    degree_shift.report([{"job": job, "told": told}])
    assert name in capsys.readouterr().out


@pytest.mark.slow
def test_generic_networks_lose_where_values_move():
    scores = known_attribute.f1_of("SAGE max", 1, 0, ranks=False, nodes=1_000, train=30, epochs=60)
    assert scores["same family"] > 0.8
    assert scores["plus 1e4"] < 0.7
