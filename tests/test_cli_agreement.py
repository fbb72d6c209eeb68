"""The command line against Python: one question, one answer, with ties everywhere."""

import json

import networkx as nx
import numpy as np
import pytest
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app

RULES = [
    {},
    {"hops": 2},
    {"hops": 3, "ties": "index"},
    {"ties": "strict", "isolated": False},
    {"ties": "weak", "extremum": "min"},
    {"ties": "plateau", "hops": 2, "nan": "omit"},
    {"radius": 1.5, "ties": "weak"},
    {"direction": "both", "extremum": "min", "nan": "omit"},
    {"direction": "out", "ties": "weak", "hops": 2},
]
OPTIONS = {"hops": "--hops", "radius": "--radius", "ties": "--ties", "direction": "--direction"}


def words(rule):
    """Spell a rule as options."""
    spelled = [word for name in OPTIONS if name in rule for word in (OPTIONS[name], rule[name])]
    spelled += ["--nan", rule["nan"]] if "nan" in rule else []
    spelled += ["--no-isolated"] if rule.get("isolated") is False else []
    spelled += ["--minima"] if rule.get("extremum") == "min" else []
    return [str(word) for word in spelled]


@pytest.fixture(scope="module", params=[False, True], ids=["undirected", "directed"])
def file(request, tmp_path_factory):
    """Write a graph of 60 nodes with six values, three nodes without one and three alone."""
    drawn = nx.gnp_random_graph(60, 0.05, seed=7, directed=request.param)
    rng = np.random.default_rng(3)
    nx.set_edge_attributes(
        drawn, {edge: float(rng.integers(1, 4)) for edge in drawn.edges}, "weight"
    )
    graph = gm.as_graph(drawn)
    known = rng.integers(0, 6, 60)
    values = {"h": known, "gaps": np.ma.MaskedArray(known, np.arange(60) % 20 == 3)}
    labels = [f"n{i:02}" for i in rng.permutation(60)]
    path = tmp_path_factory.mktemp("agreement") / "graph.npz"
    gm.write_graph(graph.replace(labels=labels, attributes=values), path)
    return path


def told(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return json.loads(done.stdout) if done.exit_code == 0 else done.stderr


@pytest.mark.parametrize("values", ["h", "gaps"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_label_is_local_maxima(file, rule, values):
    answer = told("label", file, "--values", values, "--json", *words(rule))
    graph = gm.read_graph(file)
    try:
        mask = gm.local_maxima(graph, values, **rule)
    except ValueError:
        assert "`gaps` must be known for every node, got 3" in answer
        assert "--nan omit" in answer
        return
    rows = {row["id"]: row["is_maximum"] for row in answer["labels"]}
    assert rows == dict(zip(graph.labels.tolist(), mask.tolist(), strict=True))
    assert 0 < mask.sum() < 60


@pytest.mark.parametrize("values", ["h", "gaps"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_peaks_is_find_peaks(file, rule, values):
    answer = told("peaks", file, "--values", values, "--json", *words(rule))
    graph = gm.read_graph(file)
    try:
        peaks = gm.find_peaks(graph, values, **rule)
    except ValueError:  # arrows, or ties without a topography: maxima with their isolation
        mask = gm.local_maxima(graph, values, **{"nan": "omit", "absent": "block", **rule})
        assert {row["label"] for row in answer["maxima"]} == set(graph.labels[mask])
        assert "prominence" not in answer["maxima"][0]
        return
    columns = peaks.labelled()
    nearest = "nearest_lower" if rule.get("extremum") == "min" else "nearest_higher"
    assert [row["label"] for row in answer["maxima"]] == columns["label"].tolist()
    assert [row[nearest] for row in answer["maxima"]] == columns["nearest_higher"].tolist()
    for name in ("value", "prominence", "parent", "key_saddle", "basin_size", "plateau_size"):
        assert [row[name] for row in answer["maxima"]] == columns[name].tolist()
    assert answer["rule"]["ties"] == rule.get("ties", "plateau")
    assert len(peaks) > 1
