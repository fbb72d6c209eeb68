"""Every valid file of the tests, in every format that is written: the same graph, or a refusal.

Files are those that the fuzzer mutates, the ones of wild/cases.json, and graphs with ids and
attributes of every kind. Without ``-m slow`` each is written in one format, in turn. With it each
is written in all of them, and each of those files in all of them again, and the counts are printed.
"""

import itertools
import json
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from same_graph import assert_same_graph
from test_files_round_trips import ATTRIBUTES, LABELS, LOOKS
from typer.testing import CliRunner

from graphmax import Graph, grid_graph, knn_graph, read_graph, write_graph
from graphmax.cli import app
from graphmax.files.reading import written_endings

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS / "corpus"))

from valid_files import BESIDE, OPTIONS, fuzzed_files  # noqa: E402

pytest.importorskip("torch_geometric")
pytest.importorskip("anndata")
ENDINGS = written_endings().replace(".", "").split(", ")
WILD = json.loads((TESTS / "wild" / "cases.json").read_text(encoding="utf-8"))


@cache
def files():
    """Return files as functions that put one into a folder and return it with its options."""
    found = {}
    for key, data in fuzzed_files().items():
        found[key] = _file(f"graph.{key}", data, BESIDE.get(key), OPTIONS.get(key, {}))
    for case in WILD:
        if not case.get("refuse"):
            found[f"wild {case['file']}"] = _file(case["file"], case["text"].encode(), None, {})
    return found


def _file(name, data, beside, options):
    def put(folder):
        (folder / name).write_bytes(data)
        if beside:
            (folder / beside[0]).write_bytes(beside[1])
        return read_graph(folder / (beside[0] if beside else name), **options)

    return put


@cache
def made_graphs():
    """Return graphs with ids, attributes, weights and directions of every kind."""
    found = {}
    for (kind, labels), directed in itertools.product(LABELS.items(), (False, True)):
        graph = Graph.from_edges(
            [0, 1, 2, 4], [1, 2, 4, 0], 6, weights=[0.1, -2.5, 1e300, np.inf] if directed else None,
            directed=directed, labels=labels, attributes=ATTRIBUTES,
        )  # fmt: skip
        found[f"ids {kind}, {'' if directed else 'un'}directed"] = graph
    for labels in LOOKS:
        columns = {"text": np.array(labels, object), "2020": np.arange(4), "a,\nb": np.arange(4.0)}
        found[f"text {labels}"] = Graph.from_edges(
            [0, 1, 2], [1, 2, 3], labels=labels, attributes=columns
        )
    one = {"labels": ["a", "b"], "attributes": {"id": [1, 2], "source": [3, 4]}}
    found["attribute id"] = Graph.from_edges([0], [1], **one)
    found["no XML"] = Graph.from_edges([0], [1], labels=["\x00", "\x1b"])
    found["nothing"] = Graph.from_edges([], [], 0)
    found["isolated"] = Graph.from_edges([], [], 3, labels=["x", "y", "z"], weights=[])
    found["grid"] = grid_graph((3, 4), spacing=(1, 2), periodic=(True, False))
    found["points"] = knn_graph(np.random.default_rng(0).random((9, 3)), 2)
    return found


def outcome(graph, folder, ending):
    """Write and read back; return ("identical", the graph) or the refusal."""
    target = folder / f"out.{ending}"
    try:
        write_graph(graph, target)
    except (ValueError, TypeError) as error:
        assert not list(folder.glob("out.*")), "a refusal leaves no file"
        return f"refused: {error}", None
    found = read_graph(target)
    assert_same_graph(found, graph)
    assert found.shape == graph.shape
    assert (found.positions is None) == (graph.positions is None)
    if graph.positions is not None:
        np.testing.assert_array_equal(found.positions, graph.positions)
    for file in folder.glob("out.*"):
        file.unlink()
    return "identical", found


@pytest.mark.parametrize(("number", "key"), list(enumerate(files())), ids=lambda v: str(v)[:30])
def test_a_file_is_the_same_graph_in_another_format(tmp_path, number, key):
    (tmp_path / "in").mkdir()
    graph = files()[key](tmp_path / "in")
    assert outcome(graph, tmp_path, ENDINGS[number % len(ENDINGS)])[0] == "identical"


@pytest.mark.parametrize(
    ("number", "key"), list(enumerate(made_graphs())), ids=lambda v: str(v)[:30]
)
def test_a_graph_is_the_same_in_a_format_or_refused(tmp_path, number, key):
    graph, ending = made_graphs()[key], ENDINGS[number % len(ENDINGS)]
    said, _ = outcome(graph, tmp_path, ending)
    assert said == "identical" or (key in ("attribute id", "no XML") and said.startswith("refused"))


@pytest.mark.parametrize(
    ("key", "ending"), [("attribute id", "json"), ("no XML", "graphml"), ("no XML", "csv")]
)
def test_what_a_format_cannot_hold_is_refused_in_words(tmp_path, key, ending):
    said, _ = outcome(made_graphs()[key], tmp_path, ending)
    assert said.startswith("refused: `graph` must have")
    assert "rename it" in said or "write .npz" in said


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_command_converts_as_the_functions_do(tmp_path, ending):
    (tmp_path / "in").mkdir()
    graph = files()["gephi.csv"](tmp_path / "in")
    words = ["convert", str(tmp_path / "in" / "graph.gephi.csv"), str(tmp_path / f"o.{ending}")]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert_same_graph(read_graph(tmp_path / f"o.{ending}"), graph)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_everything_in_every_format_and_from_there_in_every_format(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    graphs = {key: put(tmp_path / "in") for key, put in files().items()} | made_graphs()
    counts, refusals = {ending: Counter() for ending in ENDINGS}, set()
    for graph in graphs.values():
        for first in ENDINGS:
            said, found = outcome(graph, tmp_path, first)
            refusals.add(said)
            counts[first][said.partition(":")[0]] += 1
            for second in ENDINGS if found is not None else ():
                again, _ = outcome(found, tmp_path, second)
                counts[second][again.partition(":")[0]] += 1
                refusals.add(again)
    with capsys.disabled():
        print(f"\n{len(graphs)} graphs")
        for ending, count in counts.items():
            print(f".{ending}: {count['identical']} identical, {count['refused']} refused")
    refusals.remove("identical")
    assert all(said.startswith("refused: `graph` must have") for said in refusals)
