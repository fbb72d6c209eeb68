"""Tasks of PeakBench of every kind: what is shown, what is judged, what is kept on disk."""

import importlib.util
import json

import networkx as nx
import numpy as np
import oracles
import pytest
from numpy.testing import assert_array_equal
from oracles import Network

from graphmax import benchmark, local_maxima
from graphmax.benchmark import task_graphs, task_list, task_parts
from graphmax.benchmark.task_graphs import center_of

RULE = "rule on what is shown"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("GRAPHMAX_CACHE", str(folder))
        yield folder


def edges_of(graph):
    return tuple(map(tuple, graph.edges().T.tolist()))


def test_version_1_has_these_names():
    assert task_list.VERSION == 1
    assert list(benchmark.tasks()) == [
        "rule/1-hop", "rule/2-hop", "hidden/quadratic", "hidden/network", "hidden/neighborhood",
        "noisy/first-order", "noisy/second-order", "unknown/hops", "edges/1-hop",
        "windows/centered", "real/digits", "real/les-miserables", "real/countries", "real/terrain",
        "real/cortex",
    ]  # fmt: skip
    assert [list(task_list.SPECS[name].test) for name in ("rule/2-hop", "hidden/network")] == [
        ["same", "size-100", "size-1k", "size-10k", "size-100k", "size-1m", "degree-30",
         "family-heldout", "values-shifted", "values-scaled", "values-monotone", "near-ties",
         "quantized"],
        ["same", "family-heldout", "degree-30", "features-shifted"],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def unknown():
    return benchmark.load("unknown/hops")


def test_labels_of_unknown_hops_are_shown_for_half_of_the_nodes(unknown):
    wrong = {}
    for name, graphs in unknown.parts.items():
        if name in unknown.spec.test:
            shown = np.concatenate([each.x[:, 1] > 0 for each in graphs])
            label = np.concatenate([each.x[:, 2] > 0 for each in graphs])
            assert_array_equal(shown, ~unknown.judged(name))
            assert not label[~shown].any()
            wrong[name] = float((label != unknown.labels(name))[shown].mean())
    assert [round(share, 2) for share in wrong.values()] == pytest.approx([0, 0.05, 0.2], abs=0.02)
    each = unknown.parts["flipped-0"][0]
    network = Network(each.graph.num_nodes, edges_of(each.graph))
    answers = [oracles.local_maxima(network, each.x[:, 0], hops=k) for k in (1, 2, 3, 4)]
    assert sum(np.array_equal(each.y, answer) for answer in answers) >= 1
    assert unknown.test["flipped-5"][0].test_mask.sum() == 100


def test_the_posterior_over_hops_is_the_ceiling(unknown):
    assert unknown.metric == "f1"
    predictions = {name: unknown.posterior(name) for name in unknown.test}
    scores = benchmark.evaluate(unknown, predictions, resamples=0)
    assert scores["flipped-0"].value == unknown.ceiling["flipped-0"].value > 0.95
    for score in scores.values():
        assert score.way == 1
        assert score.measures["exact_graphs"].way == 1
    assert scores["flipped-20"].value > 0.95
    first = benchmark.evaluate(unknown, unknown.baselines[RULE], resamples=0)
    assert first["flipped-0"].value < 0.7  # one hop is the wrong guess most of the time


def test_edges_are_judged_one_by_one():
    task = benchmark.load("edges/1-hop")
    each, data = task.parts["same"][0], task.test["same"][0]
    assert data.edge_label_index.shape[1] == len(each.y) == each.graph.num_edges
    assert_array_equal(data.edge_label_index, each.graph.edges())
    network = Network(each.graph.num_nodes, edges_of(each.graph))
    assert_array_equal(each.y, oracles.edge_maxima(network, each.x[:, 0].tolist()))
    scores = benchmark.evaluate(task, task.baselines[RULE], resamples=0)
    assert {score.way for score in scores.values()} == {1.0}
    assert scores["same"].count == sum(g.graph.num_edges for g in task.parts["same"])
    with pytest.raises(ValueError, match="one score per edge"):
        benchmark.evaluate(task, {**task.baselines[RULE], "same": np.zeros(3)})


def test_windows_are_centered_or_shifted_and_nothing_else_tells():
    task = benchmark.load("windows/centered")
    for name, size in (("window-3", 9), ("window-5", 25)):
        assert {each.graph.num_nodes for each in task.parts[name]} == {size}
    for name, hops in (("window-3", 1), ("window-5", 2), ("ball-1", 1), ("ball-2", 2)):
        for each in task.parts[name][:50]:
            distance = dict(nx.all_pairs_shortest_path_length(each.graph.to_networkx()))
            centers = [v for v in distance if max(distance[v].values()) <= hops]
            assert len(centers) == 1
            assert len(distance[0]) == each.graph.num_nodes
            assert each.y[0] == (each.x[:, 0].argmax() == centers[0])
        places = [center_of(each.graph, hops) for each in task.parts[name]]
        assert len(set(places)) > 5  # rows are in random order
        assert 0.35 < task.labels(name).mean() < 0.65
    scores = benchmark.evaluate(task, task.baselines[RULE], resamples=0)
    assert {score.way for score in scores.values()} == {1.0}
    assert scores["ball-2"].count == scores["ball-2"].graphs == 200


def test_the_attribute_of_a_neighborhood_needs_the_neighbors():
    spec = task_list.SPECS["hidden/neighborhood"]
    graph, x, y, _ = task_graphs.graphs_of(spec, "val", spec.val)[0]
    own = task_graphs.HiddenAttribute.draw(
        "quadratic", 8, generator=task_graphs.seeded(spec.name, "own")
    )
    assert (local_maxima(graph, own(x)) != y).any()


@pytest.mark.parametrize("name", ["digits", "les-miserables", "countries", "terrain"])
def test_real_graphs_show_30_percent_of_the_labels(name):
    task = benchmark.load(f"real/{name}")
    masks = np.stack([task.judged(part) for part in ("train", "val", "unlabelled")])
    assert_array_equal(masks.sum(axis=0), 1)
    assert masks.mean(axis=1) == pytest.approx([0.2, 0.1, 0.7], abs=0.05)
    assert task.train[0].train_mask.sum() == masks[0].sum()
    assert task.test["unlabelled"][0].test_mask.sum() == masks[2].sum()
    scores = benchmark.evaluate(task, task.baselines["constant"], resamples=0)
    assert scores["unlabelled"].way == 0
    assert scores["unlabelled"].positives >= 2
    assert "bound" in task.ceiling["unlabelled"].source


@pytest.mark.skipif(importlib.util.find_spec("nilearn") is not None, reason="nilearn is here")
def test_the_cortex_says_what_it_needs():
    with pytest.raises(ModuleNotFoundError, match="must have nilearn and nibabel.*pip install"):
        benchmark.load("real/cortex")


def test_levels_of_difficulty_are_other_families_for_the_same_tests():
    task = benchmark.load("rule/1-hop")
    assert list(task.difficulty) == ["easy", "medium", "hard"]
    assert task.difficulty["easy"][0] is task.train
    train, val = task.difficulty["hard"]
    assert (len(train), len(val)) == (len(task.train), len(task.val))
    assert not (train[0].y.shape == task.train[0].y.shape and (train[1].y == task.train[1].y).all())


def test_what_is_optional_is_made_when_it_is_asked_for(monkeypatch):
    task = benchmark.load("rule/1-hop")
    assert "size-1m" in task.test
    assert "size-1m" not in task.parts._made
    assert "size-1m" not in benchmark.evaluate(task, task.baselines["constant"], resamples=0)
    with pytest.raises(KeyError):
        task.parts["size-2m"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rule/1-hop", "rule/2-hop"])
def test_the_million_is_as_recorded(name):
    task = benchmark.load(name)
    assert task.parts["size-1m"][0].graph.num_nodes == 1_000_000
    every = {**task.baselines[RULE], "size-1m": task.labels("size-1m") * 1.0}
    assert benchmark.evaluate(task, every, resamples=0)["size-1m"].way == 1


def test_what_was_made_is_kept_and_a_damaged_file_is_made_again(cache, monkeypatch):
    benchmark.load("real/countries")
    (file,) = cache.rglob("real-countries/val.npz")
    monkeypatch.setattr(task_parts, "graphs_of", None)  # nothing is made any more
    again = benchmark.load("real/countries")
    assert again.train[0].num_nodes == 177
    monkeypatch.undo()
    monkeypatch.setenv("GRAPHMAX_CACHE", str(cache))
    whole = file.read_bytes()
    for damage in (whole[:100], b"", whole[:-200] + bytes(200)):
        file.write_bytes(damage)
        assert benchmark.load("real/countries").judged("val").sum() == again.judged("val").sum()
        assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRAPHMAX_CACHE", str(tmp_path / "file"))
    assert benchmark.load("real/countries").train[0].num_nodes == 177


def test_a_record_of_another_version_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "recorded.json"
    other.write_text(json.dumps({"version": 0}))
    monkeypatch.setattr(task_parts, "dataset_path", lambda name: other)
    with pytest.raises(ValueError, match=r"must be of version 1, got 0"):
        benchmark.load("real/countries")


# --- the probe


def test_the_probe_marks_what_looks_at_other_graphs_or_far_away(tmp_path):
    task = benchmark.load("hidden/quadratic")
    base = dict(task.baselines["constant"])
    x = [data.x.numpy() for data in task.probe]
    scorers = {
        "by node": [each[:, 0] for each in x],
        "by whole graph": [each[:, 0] - each[:, 0].mean() for each in x],
    }
    probed = {
        name: benchmark.evaluate(task, {**base, "probe": scores}, resamples=0).probed
        for name, scores in scorers.items()
    }
    assert probed["by node"] == (0, 0)
    assert probed["by node"].failed == []
    assert probed["by whole graph"].failed == ["disjoint union", "locality"]
    assert benchmark.evaluate(task, base, resamples=0).probed is None
    assert benchmark.load("real/countries").probe == []
