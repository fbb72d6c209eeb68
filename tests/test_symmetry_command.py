import functools
import json

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import GCNConv
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app
from graphmax.symmetry.suite import kind_for

MODULE = """
import numpy as np, torch
from torch import nn
roll = lambda image: np.roll(image, 1, axis=-1)
drop = nn.Dropout(0.5)
class Layer(nn.Module):
    pass
def draw(rng):
    return rng.random((4, 4))
def flat(image):
    if image.shape[-2:] != (4, 4):
        raise ValueError("only 4 x 4")
    return image.sum()
both = {"roll": roll, "flip": lambda image: np.flip(image, -1).copy()}
"""


@pytest.fixture(autouse=True)
def quick(one_thread):
    """Spend no time on waking threads."""


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Call the command in a folder that holds a module."""
    (tmp_path / "operators_of_a_user.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "operators_of_a_user", raising=False)
    return lambda *words: CliRunner().invoke(app, ["check", *words])


def test_a_table_of_verdicts(ask):
    done = ask("graphmax:local_maxima", "--trials", "4")
    assert done.exit_code == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "()" in line or "(1)" in line]
    found = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in lines}
    assert found["permutation()"] == "equivariant"
    assert found["increasing()"] == found["outside_ball(1)"] == "invariant"
    assert found["negation()"] == "neither"


def test_json_and_options(ask):
    done = ask(
        "operators_of_a_user:roll", "--trials", "4", "--json", "--seed", "3", "--tolerance", "0"
    )
    told = json.loads(done.stdout)["<lambda>"]
    assert told["inputs"] == "image"
    by_name = {verdict["transformation"]: verdict for verdict in told["verdicts"]}
    assert by_name["translation(1, 1)"]["verdict"] == "equivariant"
    assert by_name["flip(1)"]["verdict"] == "neither"
    assert by_name["flip(1)"]["tolerance"] == 0
    assert "image of shape (1, 1, 1, 3)" in by_name["flip(1)"]["equivariance"]["counterexample"]
    assert by_name["offset(1)"]["equivariance"]["rate"] == 0


def test_a_dictionary_of_operators_is_a_matrix(ask):
    done = ask("operators_of_a_user:both", "--trials", "2", "--examples")
    assert "images, places" in done.stdout
    assert "images, values" in done.stdout
    assert "flip is neither under translation(1, 1, 'zero')" in done.stdout


def test_inputs_of_ones_own(ask):
    assert ask("operators_of_a_user:flat").exit_code == 2
    done = ask(
        "operators_of_a_user:flat",
        "--inputs",
        "operators_of_a_user:draw",
        "--trials",
        "2",
        "--json",
    )
    told = json.loads(done.stdout)["flat"]["verdicts"]
    assert {v["transformation"]: v["verdict"] for v in told}["translation(1, 1)"] == "invariant"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("graphmax", "must have a colon between two names"),
        ("graphmax:local_maximum", "did you mean 'local_maxima'"),
        ("no_such_module:x", "must be importable, got 'no_such_module'"),
        ("operators_of_a_user:Layer", "must be an instance, got the class Layer"),
        ("operators_of_a_user:drop", "must not be random, got Dropout in train mode"),
        ("graphmax:__version__", "must be callable, got str"),
    ],
)
def test_refusals_are_one_sentence(ask, name, message):
    done = ask(name, "--trials", "2")
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_kind_of_input_is_refused(ask):
    done = ask("graphmax:local_maxima", "--inputs", "sound")
    assert done.exit_code == 2
    assert "must be auto, image, graph, set" in done.stderr


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        (nn.Conv2d(4, 2, 3), "image"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), "image"),
        (GCNConv(5, 2), "graph"),
        (gm.local_maxima, "graph"),
        (functools.partial(gm.local_maxima, ties="weak"), "graph"),
        (gm.images.peak_pixels, "image"),
        (lambda data: data.x.sum(), "graph"),
        (nn.BatchNorm1d(7), "set"),
        (np.fft.fft2, "none"),
    ],
)
def test_the_kind_of_input_is_found_out(operator, kind):
    if kind == "none":
        with pytest.raises(TypeError, match="must take an image, a graph or a set"):
            kind_for(operator)
    else:
        assert kind_for(operator).name == kind


def test_finding_out_leaves_running_averages_alone():
    norm = nn.BatchNorm1d(7)
    kind_for(norm)
    assert torch.equal(norm.running_mean, torch.zeros(7))
