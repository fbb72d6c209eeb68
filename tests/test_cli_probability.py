"""`--probability` on the command line: the columns are those of `peak_probability`."""

import csv
import io
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app

SIDE = 12
GRID = gm.grid_graph((SIDE, SIDE))
NAMES = [f"n{v}" for v in range(SIDE * SIDE)]


def noisy():
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    hidden = np.sin(rows / 2) + np.cos(columns / 2)
    return hidden + 0.3 * np.random.default_rng(0).normal(size=hidden.size)


@pytest.fixture
def path(tmp_path):
    y = noisy()
    graph = gm.Graph.from_edges(
        *GRID.edges(),
        SIDE * SIDE,
        labels=NAMES,
        attributes={
            "y": y,
            "low": -y,
            "left": np.arange(y.size) % SIDE < 6,
            "some": np.where(np.arange(y.size) == 5, np.nan, y),
        },
    )
    gm.write_graph(graph, tmp_path / "noisy.graphml")
    return tmp_path / "noisy.graphml"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(command, path, *options):
    done = run(command, path, "--probability", "--json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def column(rows, name):
    return np.array([row[name] for row in rows], float)


@pytest.mark.parametrize(
    ("options", "call"),
    [
        ((), {}),
        (("--hops", 2), {"hops": 2}),
        (("--noise", 0.3), {"noise": 0.3}),
        (("--where", "left"), {"where": np.arange(SIDE * SIDE) % SIDE < 6}),
    ],
)
def test_label_adds_the_columns_of_peak_probability(path, options, call):
    told, said = answer("label", path, "--values", "y", *options)
    expected = gm.peak_probability(GRID, noisy(), **call)
    assert [row["id"] for row in told["labels"]] == NAMES
    for name in ("probability", "mean", "deviation"):
        np.testing.assert_allclose(column(told["labels"], name), getattr(expected, name), rtol=1e-9)
    fit = told["probability"]
    assert fit["expected"] == pytest.approx(expected.expected_number)
    assert (fit["order"], fit["kappa"]) == (expected.fit.order, expected.fit.kappa.value)
    assert ("noise" in fit) == ("noise" not in call)
    assert f"{expected.expected_number:.1f} maxima expected behind the noise" in said


@pytest.mark.parametrize("options", [(), ("--ties", "index")])  # with and without topography
def test_peaks_adds_them_to_its_rows(path, options):
    told, _ = answer("peaks", path, "--values", "y", *options)
    expected = gm.peak_probability(GRID, noisy())
    nodes = [NAMES.index(row["label"]) for row in told["maxima"]]
    assert len(nodes) > 5
    np.testing.assert_allclose(column(told["maxima"], "mean"), expected.mean[nodes])
    chance = column(told["maxima"], "probability")
    np.testing.assert_allclose(chance, expected.probability[nodes])


def test_minima_are_maxima_of_the_negative(path):
    up, _ = answer("label", path, "--values", "y")
    down, _ = answer("label", path, "--values", "low", "--minima")
    for name, sign in (("probability", 1), ("mean", -1), ("deviation", 1)):
        first, second = column(up["labels"], name), column(down["labels"], name)
        np.testing.assert_allclose(second, sign * first, rtol=1e-9)


def test_a_node_without_a_value_is_answered(path):
    told, _ = answer("label", path, "--values", "some", "--nan", "omit")
    assert not told["labels"][5]["is_maximum"]
    assert column(told["labels"], "deviation")[5] > column(told["labels"], "deviation")[6]


def test_nodes_without_neighbors(tmp_path):
    graph = gm.Graph.from_edges(*GRID.edges(), SIDE * SIDE + 1, attributes={"y": [*noisy(), 0.0]})
    gm.write_graph(graph, tmp_path / "loose.graphml")
    for options, expected in (((), 1), (("--no-isolated",), 0)):
        told, _ = answer("label", tmp_path / "loose.graphml", "--values", "y", *options)
        assert column(told["labels"], "probability")[-1] == expected


def test_a_table_in_a_file(path, tmp_path):
    done = run("peaks", path, "--values", "y", "--probability", "--out", tmp_path / "peaks.csv")
    assert done.exit_code == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "peaks.csv").read_text())))
    assert list(rows[0])[-3:] == ["probability", "mean", "deviation"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--noise", "1"), "`--noise` must be given with --probability"),
        (("--probability", "--noise", "0"), "`--noise` must be above 0 and finite, got 0.0"),
        (("--probability", "--groups", "left"), "`--groups` must be left out with --probability"),
        (("--probability", "--engine", "stream"), "`--probability` must be used with a graph in"),
    ],
)
def test_what_is_refused(path, options, words):
    done = run("label", path, "--values", "y", *options)
    assert done.exit_code == 2
    assert words in done.stderr


def test_values_that_are_no_measurements_are_refused_by_their_option(tmp_path):
    graph = gm.Graph.from_edges(*GRID.edges(), attributes={"y": np.ones(SIDE * SIDE)})
    gm.write_graph(graph, tmp_path / "flat.graphml")
    done = run("peaks", tmp_path / "flat.graphml", "--values", "y", "--probability")
    assert done.exit_code == 2
    assert "`--values` must vary from node to node" in done.stderr


def test_a_terminal_gets_as_many_digits_as_samples_have(path):
    table = run("peaks", path, "--values", "y", "--probability").stdout
    assert "deviation" not in table
    document, _ = answer("peaks", path, "--values", "y")
    for row in document["maxima"]:
        assert f" {round(row['probability'], 3):g} " in table


@pytest.mark.parametrize("option", [("--probability",), ("--noise", "1")])
def test_tables_are_refused_whichever_option_asks(tmp_path, option):
    np.save(tmp_path / "edges.npy", np.array([[0, 1], [1, 2]]))
    done = run("label", tmp_path / "edges.npy", "--values", "y", *option)
    assert done.exit_code == 2
    assert f"`{option[0]}` must be used with a graph in memory" in done.stderr
