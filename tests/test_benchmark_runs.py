"""Runs, results, submissions and tables of PeakBench."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from graphmax import benchmark
from graphmax.benchmark import bench_run, entries, task_list
from graphmax.benchmark.bench_task import BenchmarkTask
from graphmax.benchmark.entries import view_of
from graphmax.benchmark.task_graphs import LabelledGraph, graphs_of
from graphmax.benchmark.task_list import TRACKS, Budget
from graphmax.cli import app
from graphmax.spatial import grid_graph

TASK = "real/countries"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMAX_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def bench(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    names = ["constant", "degree", "SAGE max", "ceiling"]
    files = benchmark.run(folder, tasks=[TASK], entries=names)
    assert [file.stem for file in files] == ["constant", "degree", "sage-max", "ceiling"]
    return folder


def test_a_result_says_how_it_was_made(ran):
    row = json.loads((ran / "real-countries" / "sage-max.json").read_text())
    assert row["budget"] == TRACKS["quick"]._asdict()
    assert row["trials"] == 2
    assert 25_000 < row["parameters"] <= 50_000
    assert set(row["chosen"]) == {"learning_rate", "layers", "weight_decay"}
    assert row["seeds"] == list(range(TRACKS["quick"].seeds))
    assert row["seconds"] > 0
    assert row["digests"]["unlabelled"] == benchmark.load(TASK).digests["unlabelled"]
    assert {"numpy", "torch", "python", "graphmax"} <= set(row["versions"])
    assert '--entry "SAGE max"' in row["command"]


def test_a_run_goes_on_where_it_stopped(ran):
    path = ran / "real-countries" / "degree.json"
    before = path.read_text()
    assert benchmark.run(ran, tasks=[TASK], entries=["constant", "degree", "ceiling"]) == []
    path.unlink()
    assert benchmark.run(ran, tasks=[TASK], entries=["constant", "degree"]) == [path]
    found, old = json.loads(path.read_text()), json.loads(before)
    assert found["tests"] == old["tests"]


def test_the_ends_of_the_table_are_exact(ran):
    rows = bench_run.read_rows(ran)
    table = {row["entry"]: row["unlabelled"] for row in bench_run.table_rows(rows, TASK)}
    assert (table["ceiling"], table["constant"]) == (100, 0)
    text = bench_run.markdown_table(bench_run.table_rows(rows, TASK))
    assert text.splitlines()[0] == "| entry | unlabelled | seconds |"
    assert text.splitlines()[2].startswith("| ceiling | 100.0")


def test_the_full_track_replaces_what_the_quick_one_left(tmp_path):
    for track, left, runs in (("quick", "quick", 1), ("full", "full", 1), ("quick", "full", 0)):
        made = benchmark.run(tmp_path, track=track, tasks=[TASK], entries=["constant"])
        row = json.loads((tmp_path / "real-countries" / "constant.json").read_text())
        assert (row["track"], len(made)) == (left, runs)


def test_tables_show_the_full_track_where_it_has_been_run(tmp_path):
    row = {"entry": "A", "task": TASK, "metric": "f1", "failed": [], "version": 1}
    for entry, track, way in (("A", "full", 0.5), ("A", "quick", 0.25), ("B", "quick", 0.125)):
        tests = {"unlabelled": {"f1": {"way": way}}}
        path = bench_run.result_path(tmp_path / track, TASK, entry)
        bench_run.write_row(path, {**row, "entry": entry, "track": track, "tests": tests})
    done = bench("table", TASK, "--results", tmp_path, "--json")
    assert {line["entry"]: line["unlabelled"] for line in json.loads(done.stdout)} == {
        "A": 50,
        "B": 12.5,
    }
    assert f"full and quick track: {TASK}" in bench("table", "--results", tmp_path).stderr


def test_the_same_seed_gives_the_same_result(tmp_path, ran):
    benchmark.run(tmp_path, tasks=[TASK], entries=["SAGE max"])
    row, old = (
        json.loads((f / "real-countries/sage-max.json").read_text()) for f in (tmp_path, ran)
    )
    assert row["tests"] == old["tests"]


@pytest.mark.slow
def test_parallel_processes_write_the_same_results(tmp_path, ran):
    files = benchmark.run(tmp_path, tasks=[TASK], entries=["SAGE max", "constant"], jobs=2)
    assert len(files) == 2
    row, old = (
        json.loads((f / "real-countries/sage-max.json").read_text()) for f in (tmp_path, ran)
    )
    ways = [each["tests"]["unlabelled"]["average_precision"]["way"] for each in (row, old)]
    assert ways[0] == pytest.approx(ways[1], abs=0.02)  # another number of threads


def test_every_task_has_its_entries():
    names = entries.entries_of("hidden/quadratic")
    assert {"PeakDetector", "oracle of the form", "PeakDetector, 2,000 labels"} <= set(names)
    assert "GIN, ranks" not in names
    for name in ("MLP without graph", "GCN", "GATv2", "GIN", "SAGE mean", "SAGE max", "PNA",
                 "EdgeConv max", "constant", "degree", "PeakDetector", "ceiling"):  # fmt: skip
        assert all(name in entries.entries_of(task) for task in benchmark.tasks())


def test_edges_are_the_nodes_of_the_line_graph():
    task = benchmark.load("edges/1-hop")
    each = task.parts["val"][0]
    view = view_of([each], "edge")
    src, dst = each.graph.edges()
    for one, two in view.edge_index.T[:50].tolist():
        assert one != two
        assert {src[one], dst[one]} & {src[two], dst[two]}
    joined = sum(len({s, d} & {a, b}) > 0 for i, (s, d) in enumerate(zip(src, dst, strict=True))
                 for j, (a, b) in enumerate(zip(src, dst, strict=True)) if i != j)  # fmt: skip
    assert view.edge_index.shape[1] == joined


def small(name, test_set):
    """The first graphs of a task, so that every way to learn can be walked once."""
    spec = task_list.SPECS[name]
    few = {part: replace(spec.parts[part], graphs=4) for part in ("train", "val", test_set)}
    spec = replace(spec, train=few["train"], val=few["val"], test={test_set: few[test_set]})
    return BenchmarkTask(spec, {part: graphs_of(spec, part, each) for part, each in few.items()})


@pytest.mark.parametrize(("name", "test_set", "who"), [
    ("rule/2-hop", "same", ["PeakDetector", "PNA", "GIN, ranks"]),
    ("hidden/quadratic", "same", ["oracle of the form", "MLP without graph"]),
    ("hidden/neighborhood", "same", ["PeakDetector", "oracle of the form", "SAGE max, 500 labels"]),
    ("unknown/hops", "flipped-5", ["PeakDetector", "GATv2", "ceiling"]),
    ("edges/1-hop", "same", ["PeakDetector", "GCN, ranks", "degree"]),
    ("windows/centered", "ball-1", ["PeakDetector", "EdgeConv max", "degree"]),
])  # fmt: skip
def test_every_kind_of_task_is_learned(name, test_set, who):
    task = small(name, test_set)
    budget = Budget(trials=1, epochs=3, seeds=2, train_nodes=None, seconds=9)
    for entry in who:
        played = entries.ENTRIES[entry].play(task, budget, "cpu")
        row = bench_run.row_of(task, played.predictions, {"entry": entry}, resamples=0)
        assert row["tests"][test_set]["count"] == task.judged(test_set).sum()
        assert row["probed"] == (name.startswith(("rule", "hidden")) and entry != "ceiling")
        assert ("disjoint union" in row["failed"]) == entry.endswith("ranks") or not row["probed"]


def test_unknown_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`entries` must be names of entries, got 'GNC'; .*'GCN'"):
        benchmark.run(tmp_path, entries=["GNC"])
    with pytest.raises(ValueError, match="`track` must be one of 'quick', 'full'"):
        benchmark.run(tmp_path, track="fast")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="`folder` must hold results only"):
        bench_run.read_rows(tmp_path)


# --- submissions


def submission(folder, **changed):
    folder.mkdir()
    task = benchmark.load(TASK)
    card = {
        "entry": "Mine", "task": TASK, "parameters": 3, "budget": {"trials": 1}, "seeds": [0, 1],
        "code": "https://example.org/mine",
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps({**card, **changed}))
    for seed in (0, 1):
        np.savez(folder / f"seed-{seed}.npz", **task.baselines["degree"])
    return folder


def test_a_submission_becomes_a_row(tmp_path, ran):
    assert bench("submit", submission(tmp_path / "mine"), "--out", ran).exit_code == 0
    row = json.loads((ran / "real-countries" / "mine.json").read_text())
    assert row["probed"] is False
    assert len(row["tests"]["unlabelled"]["average_precision"]["values"]) == 2
    table = json.loads(bench("table", TASK, "--results", ran, "--json").stdout)
    assert "Mine" in [line["entry"] for line in table]


def test_a_result_whose_probe_failed_is_marked(tmp_path):
    task = benchmark.load("hidden/quadratic")
    scores = {**task.baselines["constant"]}
    whole = [data.x.numpy()[:, 0] - data.x.numpy()[:, 0].mean() for data in task.probe]
    row = bench_run.row_of(task, [{**scores, "probe": whole}], {"entry": "Whole"}, resamples=0)
    assert row["failed"] == ["disjoint union", "locality"]
    (line,) = bench_run.table_rows([row], task.name)
    assert line["failed"] == ["disjoint union", "locality"]
    bench_run.write_row(bench_run.result_path(tmp_path, task.name, "Whole"), row)
    printed = bench("table", task.name, "--results", tmp_path)
    assert "Whole *" in printed.stdout
    assert "the probe failed" in printed.stderr


def test_the_table_of_all_tasks_holds_means(ran):
    lines = json.loads(bench("table", "--results", ran, "--json").stdout)
    by_name = {line["entry"]: line[TASK] for line in lines}
    assert (by_name["ceiling"], by_name["constant"]) == (100, 0)
    rows = [
        {"entry": "A", "task": name, "tests": tests, "metric": "f1", "failed": []}
        for name, tests in (
            ("real/digits", {"unlabelled": {"f1": {"way": 0.5}}}),
            (
                TASK,
                {"a": {"f1": {"way": 0.25}}, "b": {"f1": {"way": None}}, "c": {"f1": {"way": 1}}},
            ),
        )
    ]
    (line,) = bench_run.summary_rows(rows)
    assert (line["real/digits"], line[TASK]) == (50, 62.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table", TASK, "--out", "x"], "`--out` must be given to load and run and submit only"),
        (["list", "--jobs", "2"], "`--jobs` must be given to run only, got it with list"),
        (["run", TASK, "--out", "x", "--results", "y"], "`--results` must be given to table only"),
    ],
)
def test_options_of_another_action_are_refused(arguments, message):
    done = bench(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_table_without_results_says_how_to_make_them(tmp_path):
    done = bench("table", TASK, "--results", tmp_path)
    assert done.exit_code == 2
    assert "must hold results of real/countries" in done.stderr


@pytest.mark.parametrize(("changed", "message"), [
    ({"code": None}, "must have 'code'"),
    ({"seeds": []}, "must have integers as seeds"),
    ({"seeds": [7]}, "must lead to a file, got no .*seed-7.npz"),
    ({"task": "real/country"}, "did you mean 'real/countries'"),
    ({"parameters": True}, "must have 'parameters'"),
])  # fmt: skip
def test_a_submission_that_is_not_whole_is_refused(tmp_path, changed, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        benchmark.submit(submission(tmp_path / "mine", **changed), tmp_path)


@pytest.mark.parametrize("entry", ["", "a\nb", "\x1b[31m", "x" * 101, "\u202e"])
def test_a_submission_has_a_name_that_can_be_printed(tmp_path, entry):
    with pytest.raises(ValueError, match="must have a name as 'entry'"):
        benchmark.submit(submission(tmp_path / "mine", entry=entry), tmp_path)


ROW = {"entry": "A", "task": TASK, "version": 1, "metric": "f1", "failed": [], "seconds": 1.5,
       "tests": {"larger graphs": {"f1": {"way": 0.5}}}}  # fmt: skip
HOSTILE = [
    "[" * 100_000, "null", "[]", '"x"', "{}", "\ud800", "NaN",
    json.dumps({**ROW, "task": "no/such"}), json.dumps({**ROW, "task": ["a"]}),
    json.dumps({**ROW, "entry": {"a": 1}}), json.dumps({**ROW, "tests": "x"}),
    json.dumps({**ROW, "tests": {"a": {}}}), json.dumps({**ROW, "tests": {"a": None}}),
    json.dumps({**ROW, "metric": "auc"}), json.dumps({**ROW, "failed": None}),
    json.dumps({**ROW, "failed": [1]}), json.dumps({**ROW, "version": "1"}),
    json.dumps({**ROW, "seconds": "long"}), json.dumps({**ROW, "seconds": float("inf")}),
    json.dumps({**ROW, "tests": {"a": {"f1": {"way": 10**400}}}}),
    json.dumps({**ROW, "tests": {"a": {"f1": {"way": float("nan")}}}}),
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_files_that_are_no_results_are_refused_by_name(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"must hold results only, got .*a\.json"):
        bench_run.read_rows(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(ROW))
    assert bench_run.read_rows(tmp_path) == [ROW]


def test_a_folder_without_a_card_is_refused(tmp_path):
    done = bench("submit", tmp_path, "--out", tmp_path)
    assert done.exit_code == 2
    assert "must hold card.json" in " ".join(done.stderr.split())


def test_the_page_shows_what_was_measured():
    from experiments import peakbench_page

    page = peakbench_page.PAGE
    if not page.exists():
        pytest.skip("an installed copy has no manual")
    assert peakbench_page.BEGIN + peakbench_page.tables() + peakbench_page.END in page.read_text()


def test_a_picture_of_entries_with_their_ceiling(tmp_path):
    from graphmax.plotting import plot_benchmark

    task = benchmark.load(TASK)
    tables = {name: benchmark.evaluate(task, task.baselines[name], resamples=5)
              for name in ("degree", "constant")}  # fmt: skip
    figure = plot_benchmark(tables, path=tmp_path / "p.png", metric="f1", title="t")
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["ceiling", "degree", "constant"]
    assert (tmp_path / "p.png").stat().st_size > 1_000
    with pytest.raises(ValueError, match="`metric` must be one of .*got 'auc'"):
        plot_benchmark(tables, metric="auc")
    with pytest.raises(ValueError, match="`scores` must all have the test sets"):
        plot_benchmark({**tables, "other": {}})
    with pytest.raises(ValueError, match="got none"):
        plot_benchmark({})


def test_a_graph_that_shows_no_maximum_is_answered_within_the_most_hops():
    graph = grid_graph((4, 5))
    values = np.arange(20.0)
    shown = np.zeros(20)
    shown[:5] = 1  # none of the first five is a maximum
    x = np.stack([values, shown, np.zeros(20)], axis=1)
    one = LabelledGraph(graph, x, np.zeros(20, bool), np.ones(20, bool))
    assert np.flatnonzero(entries.decided_by_learned_hops(one, seed=0)).tolist() == [19]
