"""PeakBench: the same graphs everywhere, exact ends of the scale, refusals."""

import json
from dataclasses import replace

import networkx as nx
import numpy as np
import oracles
import pyarrow.parquet
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from oracles import Network
from typer.testing import CliRunner

import graphmax as gm
from graphmax import benchmark
from graphmax.benchmark import task_graphs, task_list
from graphmax.cli import app


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("GRAPHMAX_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def hidden():
    return benchmark.load("hidden/quadratic")


@pytest.fixture(scope="module")
def noisy():
    return benchmark.load("noisy/first-order")


def test_every_task_has_a_sentence_and_a_record():
    assert set(benchmark.tasks()) == set(task_list.SPECS)
    assert all(about.endswith((".", "?")) for about in benchmark.tasks().values())


def test_a_task_holds_what_a_learner_and_a_judge_need(hidden):
    assert [len(part) for part in (hidden.train, hidden.val)] == [200, 40]
    assert set(hidden.test) == {"same", "family-heldout", "degree-30", "features-shifted"}
    data = hidden.train[0]
    assert data.x.dtype == torch.float64
    assert data.y.dtype == torch.bool
    assert data.num_node_features == 8
    assert data.is_undirected()
    budgets = {budget: sum(d.num_nodes for d in part) for budget, part in hidden.budgets.items()}
    assert budgets == {500: 500, 2_000: 2_000, 10_000: 10_000}


def test_labels_are_those_of_the_definition(noisy):
    for graph, _, y, _ in noisy.parts["two-hops"][:1]:
        src, dst = graph.edges()
        edges = tuple(zip(src.tolist(), dst.tolist(), strict=True))
        assert nx.Graph(edges).number_of_edges() == graph.num_edges
        assert 20 < y.sum() < 200
    spec = task_list.SPECS["rule/2-hop"]
    graph, x, y, _ = task_graphs.graphs_of(spec, "same", spec.test["same"])[0]
    network = Network(graph.num_nodes, tuple(map(tuple, graph.edges().T.tolist())))
    assert_array_equal(y, oracles.local_maxima(network, x[:, 0], hops=2))


def test_test_sets_of_values_ask_the_same_question_of_other_numbers():
    spec = task_list.SPECS["rule/1-hop"]
    for name in ("values-shifted", "values-scaled", "values-monotone", "near-ties", "quantized"):
        for graph, x, y, _ in task_graphs.graphs_of(spec, name, spec.test[name])[:3]:
            assert_array_equal(y, gm.local_maxima(graph, x[:, 0]))
            distinct = np.unique(x).size
            assert distinct < x.size / 1.5 if name == "quantized" else distinct == x.size


def test_a_changed_recipe_is_noticed(monkeypatch):
    monkeypatch.setattr(task_graphs, "VERSION", 7)  # other seeds
    monkeypatch.setenv("GRAPHMAX_CACHE", "/nowhere")
    with pytest.raises(ValueError, match=r"`task` must be made as it was recorded, got other"):
        benchmark.load("hidden/quadratic")


def test_nothing_and_everything_are_the_ends_of_the_scale(noisy, hidden):
    scores = benchmark.evaluate(noisy, noisy.baselines["constant"], resamples=0)
    assert [score.way for score in scores.values()] == [0.0] * 4
    assert [score.measures["log_loss"].way for score in scores.values()] == [0.0] * 4
    right = {name: hidden.labels(name).astype(float) for name in hidden.test}
    scores = benchmark.evaluate(hidden, right, resamples=3)
    for score in scores.values():
        ways = {name: measure.way for name, measure in score.measures.items()}
        assert ways.pop("calibration") != ways["f1"]  # NaN: one score for all can be calibrated
        assert ways == dict.fromkeys(("average_precision", "f1", "exact_graphs", "log_loss"), 1.0)
        assert score.share == 1.0
    assert scores["same"].interval == (1.0, 1.0)
    assert scores["same"].positives == hidden.labels("same").sum()


def test_the_posterior_reaches_the_recorded_ceiling(noisy):
    """An independent draw of samples comes as near as the recorded error and its own say."""
    recorded, chance = noisy.ceiling["noise-0.3"], noisy.posterior("noise-0.3", seed=99)
    predictions = dict(noisy.baselines["constant"], **{"noise-0.3": chance})
    score = benchmark.evaluate(noisy, predictions, resamples=0)["noise-0.3"]
    assert abs(score.value - recorded.value) < 5 * recorded.error + 1e-3
    shown = benchmark.evaluate(noisy, noisy.baselines["rule on what is shown"], resamples=0)
    assert shown["noise-0.3"].value < score.value
    losses = score.measures["log_loss"], score.measures["calibration"]
    assert losses[0].way == pytest.approx(1, abs=0.01)
    assert losses[1].value < 0.02


def frequencies(graph, y, part, *, kappa, order, samples=4_000, seed=0):
    """How often a node is a maximum among exact draws of the field, by dense algebra alone."""
    n = graph.num_nodes
    adjacency = np.zeros((n, n))
    adjacency[tuple(graph.edges())] = 1
    adjacency += adjacency.T
    once = np.diag(kappa**2 + adjacency.sum(axis=0)) - adjacency
    scale = (kappa**2 + adjacency.sum() / n) ** (-order / 2)
    precision = np.linalg.matrix_power(once, order) * scale**2
    root = np.linalg.cholesky(precision + np.eye(n) / part.noise**2)
    mean = np.linalg.solve(root.T, np.linalg.solve(root, y / part.noise**2))
    near = [adjacency[v] > 0 for v in range(n)]
    if part.hops == 2:
        near = [row | (adjacency[row].sum(axis=0) > 0) for row in near]
    rng, count = np.random.default_rng(seed), np.zeros(n)
    for _ in range(samples // 1_000):
        drawn = mean[:, None] + np.linalg.solve(root.T, rng.standard_normal((n, 1_000)))
        for v, row in enumerate(near):
            others = np.flatnonzero(row & (np.arange(n) != v))
            count[v] += (drawn[v] > drawn[others].max(axis=0, initial=-np.inf)).sum()
    return count / samples


def test_the_posterior_is_that_of_exact_draws_by_dense_algebra():
    """An independent sampler, without sparse algebra and without Rao and Blackwell."""
    spec = task_list.SPECS["noisy/second-order"]
    part = replace(spec.test["noise-1"], graphs=1, num_nodes=150)
    graphs = {"small": task_graphs.graphs_of(spec, "small", part)}
    task = benchmark.BenchmarkTask(replace(spec, test={"small": part}), graphs)
    graph, x, *_ = graphs["small"][0]
    other = frequencies(graph, x[:, 0], part, **spec.options)
    apart = np.abs(task.posterior("small") - other)
    assert apart.max() < 6 * np.sqrt(0.25 / 4_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["noisy/first-order", "noisy/second-order"])
def test_ceilings_are_reproduced_by_an_independent_sampler(name):
    task = benchmark.load(name)
    for test_set, part in task.spec.test.items():
        chances = np.concatenate([
            frequencies(graph, x[:, 0], part, **task.spec.options, samples=8_000)
            for graph, x, *_ in task.parts[test_set]
        ])  # fmt: skip
        found = benchmark.evaluate(task, {**task.baselines["constant"], test_set: chances},
                                   resamples=0)[test_set].measures  # fmt: skip
        for metric, recorded in task.ceilings(test_set).items():
            error = 5 * recorded.error + 0.005  # draws without Rao and Blackwell are few
            assert_allclose(found[metric].value, recorded.value, atol=error, err_msg=metric)


def test_predictions_of_any_kind_and_in_parts(hidden):
    rng = np.random.default_rng(0)
    arrays = {name: rng.random(hidden.labels(name).size) for name in hidden.test}
    sizes = {name: [graph.y.size for graph in hidden.parts[name]] for name in hidden.test}
    lists = {
        name: [torch.from_numpy(part) for part in np.split(scores, np.cumsum(sizes[name])[:-1])]
        for name, scores in arrays.items()
    }
    whole, parts = (benchmark.evaluate(hidden, p, resamples=20) for p in (arrays, lists))
    assert [str(s.measures) for s in whole.values()] == [str(s.measures) for s in parts.values()]
    low, high = whole["same"].interval
    assert low < whole["same"].value < high
    assert abs(whole["same"].way) < 0.05
    assert "features-shifted" in whole._repr_html_()


def test_refusals(hidden):
    good = hidden.baselines["constant"]
    with pytest.raises(ValueError, match=r"`task` must be the name of a task, .* 'rule/1-hop'"):
        benchmark.load("rule/one-hop")
    with pytest.raises(ValueError, match=r"must hold every test set, got none of \['same'\]"):
        benchmark.evaluate(hidden, {name: good[name] for name in good if name != "same"})
    with pytest.raises(ValueError, match=r"test sets of hidden/quadratic, got 'sane'; did you"):
        benchmark.evaluate(hidden, dict(good, sane=good["same"]))
    with pytest.raises(ValueError, match=r"must have one score per node \(20000\), got 3"):
        benchmark.evaluate(hidden, dict(good, same=np.zeros(3)))
    with pytest.raises(ValueError, match=r"must be arrays of the sizes of its 40 graphs, got 1"):
        benchmark.evaluate(hidden, dict(good, same=[np.zeros(20_000)]))
    with pytest.raises(ValueError, match=r"must not be NaN, got 20000 NaN"):
        benchmark.evaluate(hidden, dict(good, same=np.full(20_000, np.nan)))
    with pytest.raises(TypeError, match=r"`predictions` must be a mapping of test sets, got list"):
        benchmark.evaluate(hidden, [1, 2])
    with pytest.raises(TypeError, match=r"must be numbers, got dtype <U1"):
        benchmark.evaluate(hidden, dict(good, same=np.full(20_000, "a")))
    with pytest.raises(ValueError, match=r"`task` must be a noisy one, or of unknown hops"):
        hidden.posterior("same")


def test_a_task_is_exported_as_parquet_with_its_description(hidden, tmp_path):
    path = benchmark.export(hidden, tmp_path / "quadratic")
    text = json.loads(path.read_text())
    assert text["name"] == "peakbench-hidden-quadratic"
    files = {file["name"] for file in text["distribution"]}
    assert files == {file.name for file in path.parent.glob("*.parquet")}
    nodes = pyarrow.parquet.read_table(path.parent / "val.nodes.parquet")
    assert nodes.column_names == ["graph", "node", *(f"x{i}" for i in range(8)), "y", "judged"]
    assert_array_equal(nodes["y"].to_numpy(zero_copy_only=False), hidden.labels("val"))
    edges = pyarrow.parquet.read_table(path.parent / "val.edges.parquet")
    count = sum(graph.graph.num_edges for graph in hidden.parts["val"])
    assert edges.num_rows == count
    fields = {record["name"]: record["field"] for record in text["recordSet"]}
    assert fields["val.nodes"][-2]["dataType"] == "sc:Boolean"


# --- the command


def run(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_the_command_lists_writes_and_scores(tmp_path, hidden):
    listed = json.loads(run("list", "--json").stdout)
    assert [row["task"] for row in listed] == list(benchmark.tasks())
    assert run("load", "hidden/quadratic", "--out", tmp_path / "q").exit_code == 0
    assert (tmp_path / "q" / "croissant.json").is_file()
    file = tmp_path / "constant.npz"
    np.savez(file, **hidden.baselines["constant"])
    scored = run("score", "hidden/quadratic", "--predictions", file, "--resamples", 0, "--json")
    assert {row["test set"]: row["way"] for row in json.loads(scored.stdout)} == dict.fromkeys(
        hidden.test, 0.0
    )


def test_the_command_refuses_in_one_sentence(tmp_path):
    (tmp_path / "text.npz").write_text("no arrays")
    for arguments, message in (
        (("lists",), "`action` must be one of 'list', 'load', 'run', 'score'"),
        (("load",), "`task` must be given to load"),
        (("load", "rule/1-hop"), "`--out` must be given to load"),
        (("load", "rule/1-hops", "--out", tmp_path), "did you mean 'rule/1-hop'"),
        (("score", "hidden/network"), "`--predictions` must be given to score"),
        (("score", "hidden/quadratic", "--predictions", tmp_path / "text.npz"), "an .npz file"),
        (
            ("score", "hidden/quadratic", "--predictions", tmp_path / "no.npz"),
            "must lead to a file",
        ),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert message in " ".join(done.stderr.split())


def test_a_card_says_what_is_shown_and_how_much_there_is():
    text = benchmark.card_of("windows/centered")
    for word in ("# windows/centered", "- Shown: ", "- Hidden: where the center is.", "- Fails: "):
        assert word in text
    task = benchmark.load("windows/centered")
    maxima = int(task.labels("ball-1").sum())
    nodes = sum(data.num_nodes for data in task.test["ball-1"])
    assert f"| ball-1 | 200 | {nodes:,} | 200 | {maxima} | 1.0000 |" in text
    assert "| size-1m (made on demand) | 1 | 1,000,000 |" in benchmark.card_of("rule/1-hop")
    assert "posterior from" in benchmark.card_of("noisy/first-order")
