"""`graphmax train` and `graphmax score`, from files to files."""

import csv
import json
import pickle
import signal
import subprocess
import sys
import time

import networkx as nx
import numpy as np
import pytest
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app
from graphmax.nn import PeakDetector


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def refused(words, *arguments):
    done = run(*arguments)
    assert done.exit_code == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def write(path, seed, hops=2, nodes=40, **more):
    rng = np.random.default_rng(seed)
    graph = gm.as_graph(nx.gnp_random_graph(nodes, 3 / nodes, seed=seed))
    height = rng.normal(size=nodes)
    known = {
        "height": height,
        "a": height / 2,
        "b": height / 2,
        "peak": gm.local_maxima(graph, height, hops),
    }
    labels = [f"n{i}" for i in range(nodes)]
    gm.write_graph(graph.replace(labels=labels, attributes=known | more), path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for seed in range(3):
        write(tmp_path / f"{seed}.graphml", seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_then_score(folder):
    told = answer(
        "train", "0.graphml", "1.graphml", "--values", "height", "--labels", "peak", "--out", "m"
    )
    assert (told["hops"], told["f1"], told["stopped"]) == (2, 1.0, "epochs")
    assert sorted(path.name for path in (folder / "m").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    assert run("score", "2.graphml", "--model", "m", "--out", "scores.csv").exit_code == 0
    graph = gm.read_graph("2.graphml")
    expected = gm.local_maxima(graph, "height", 2)
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    assert list(table[0]) == ["id", "probability", "margin", "rival"]
    assert [float(row["probability"]) > 0.5 for row in table] == expected.tolist()
    margin = gm.margin(graph, "height", 2)
    for row, apart in zip(table, margin, strict=True):
        assert row["margin"] == "" if np.isinf(apart) else float(row["margin"]) == apart
        assert (row["rival"] == "") == np.isinf(apart)


def test_features_validation_and_other_heads(folder):
    told = answer(
        "train", "0.graphml", "--features", "a,b", "--labels", "peak", "--out", "m",
        "--hops", "1", "--epochs", "3", "--validation", "1.graphml",
    )  # fmt: skip
    assert told["judged_on"] == "validation"
    scores = answer("score", "2.graphml", "--model", "m")["scores"]
    assert len(scores) == 40
    told = answer(
        "train", "0.graphml", "--values", "height", "--labels", "peak", "--out", "n",
        "--head", "normal", "--denoise", "--epochs", "2",
    )  # fmt: skip
    assert told["hops"] == 1


def test_a_torch_file_with_the_usual_matrix_of_features(folder):
    import torch

    rng = np.random.default_rng(0)
    graph = gm.as_graph(nx.gnp_random_graph(60, 0.05, seed=0))
    data = graph.to_data()
    data.x = torch.from_numpy(rng.normal(size=(60, 3))).float()
    data.y = gm.local_maxima(graph, data.x.double().sum(1))[:, None].long()
    data.y[:5] = -1
    torch.save(data, folder / "g.pt")
    given = ("train", "g.pt", "--labels", "y", "--hops", "1", "--epochs", "3")
    for number, features in enumerate(("x.*", "x", "x.0,x.1,x.2")):
        answer(*given, "--features", features, "--out", f"m{number}")
        assert PeakDetector.from_pretrained(f"m{number}").columns == ("x.0", "x.1", "x.2")
    assert len(answer("score", "g.pt", "--model", "m0")["scores"]) == 60
    refused("must match a node attribute of g.pt", *given, "--features", "z.*", "--out", "n")
    refused("must name 3 for this detector", "score", "g.pt", "--model", "m0", "--features", "x.1")


def test_features_by_pattern_from_a_table_of_nodes(folder):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(30, 2))
    graph = gm.as_graph(nx.cycle_graph(30))
    peak = gm.local_maxima(graph, features.sum(1))
    src, dst = graph.edges()
    with (folder / "e.csv").open("w") as file:
        file.write("src,dst\n" + "".join(f"{u},{v}\n" for u, v in zip(src, dst, strict=True)))
    with (folder / "n.csv").open("w") as file:
        rows = (
            f"{i},{a},{b},{y}\n" for i, ((a, b), y) in enumerate(zip(features, peak, strict=True))
        )
        file.write("id,x.0,x.1,peak\n" + "".join(rows))
    told = answer(
        "train", "e.csv", "--nodes", "n.csv", "--labels", "peak", "--features", "x.*",
        "--hops", "1", "--epochs", "2", "--out", "m",
    )  # fmt: skip
    assert told["epochs"] == 2
    assert PeakDetector.from_pretrained("m").columns == ("x.0", "x.1")


def test_missing_labels_do_not_count(folder):
    peak = np.ma.MaskedArray(np.arange(40) % 2, np.arange(40) >= 20)
    write(folder / "some.graphml", 0, peak=peak)
    told = answer(
        "train",
        "some.graphml",
        "--values",
        "height",
        "--labels",
        "peak",
        "--out",
        "m",
        "--epochs",
        "2",
    )
    assert told["epochs"] == 2


def test_a_shipped_detector_scores_by_name(folder):
    scores = answer("score", "0.graphml", "--model", "attribute-2-hops", "--values", "height")[
        "scores"
    ]
    expected = gm.local_maxima(gm.read_graph("0.graphml"), "height", 2)
    assert [row["probability"] > 0.5 for row in scores] == expected.tolist()


def test_interrupted_and_resumed(folder):
    arguments = ["train", "0.graphml", "--features", "a,b", "--labels", "peak", "--hops", "1"]
    command = [sys.executable, "-m", "graphmax", *arguments, "--out", "m", "--epochs", "100000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    checkpoint = folder / "m" / "checkpoint.safetensors"
    written = set()
    while len(written) < 2:  # the second is written while training goes on
        assert process.poll() is None
        written |= {checkpoint.stat().st_ino} if checkpoint.exists() else set()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert "--resume goes on from here" in told
    assert checkpoint.exists()
    assert PeakDetector.from_pretrained("m").columns == ("a", "b")
    refused("must not hold a detector yet", *arguments, "--out", "m", "--epochs", "100000")
    refused("another epochs", *arguments, "--out", "m", "--epochs", "3", "--resume")


def test_the_demo_trains_a_detector_and_validates_it(folder):
    told = answer("demo")["learned_powers"]
    assert (told["true_hops"], told["learned_hops"], told["errors"]) == (2, 2, 0)
    assert [row["detector"] for row in told["highest"]] == [row["exact"] for row in told["highest"]]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("got neither", ("--labels", "peak")),
        ("got both", ("--labels", "peak", "--values", "height", "--features", "a")),
        ("did you mean 'height'", ("--labels", "peak", "--values", "hieght")),
        ("did you mean 'peak'", ("--labels", "paek", "--values", "height")),
        ("must hold true or false", ("--labels", "height", "--values", "height")),
        (
            "integer of at least 1 or 'learn', got 'many'",
            ("--labels", "peak", "--values", "a", "--hops", "many"),
        ),
        ("without --denoise", ("--labels", "peak", "--values", "a", "--head", "normal")),
        ("`--device` must be there", ("--labels", "peak", "--values", "a", "--device", "tpu9")),
    ],
)
def test_trainings_that_are_refused(folder, words, arguments):
    refused(words, "train", "0.graphml", "--out", "m", *arguments)
    assert not (folder / "m" / "config.json").exists()


def test_files_that_are_refused(folder):
    (folder / "model.pt").write_bytes(pickle.dumps({"weights": 1}))
    refused("never opened", "score", "0.graphml", "--model", "model.pt")
    refused("did you mean 'attribute-", "score", "0.graphml", "--model", "attribute-2")
    refused(
        "must name 1 for this detector, got 0", "score", "0.graphml", "--model", "attribute-1-hop"
    )
    (folder / "file").write_text("")
    known = ("--labels", "peak", "--values", "height")
    refused("`--out` must be a folder", "train", "0.graphml", "--out", "file", *known)
    write(folder / "gap.graphml", 0, height=np.ma.MaskedArray(np.zeros(40), np.arange(40) == 3))
    refused(
        "got 1 without it in gap.graphml (first: 'n3')",
        "train",
        "gap.graphml",
        "--out",
        "m",
        *known,
    )
    write(folder / "flat.graphml", 0, peak=np.zeros(40, bool))
    refused("labels of both classes", "train", "flat.graphml", "--out", "m", *known)
