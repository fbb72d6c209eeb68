"""Recipes, the sets they make, their folders, their cards, and the command that makes them."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracles
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import Network
from typer.testing import CliRunner

import graphmax as gm
from graphmax import datasets, sealed
from graphmax.cli import app
from graphmax.datasets import recipe as folders
from graphmax.kernels.compiled import reporting
from graphmax.machine import dataset_path

NAMES = ("bumps", "fields", "hidden", "independent", "noisy_fields", "ties")

SMALL = """
name = "small"
version = 3
seed = 7
[rule]
hops = 2
ties = "weak"
[[train]]
graphs = 3
num_nodes = [5, 8]
graph = { family = "random_tree" }
attribute = { kind = "tied", levels = 3 }
[[validation]]
graphs = 1
num_nodes = 8
graph = { family = "random_tree" }
attribute = { kind = "independent", family = "cauchy" }
[[test]]
graphs = 2
num_nodes = [20, 30]
graph = { family = "erdos_renyi", mean_degree = 3 }
attribute = { kind = "hidden", form = "network", num_features = 2 }
noise = 0.5
[[test]]
graphs = 1
num_nodes = 25
graph = { family = "random_tree" }
attribute = { kind = "gaussian_field", kappa = 1.0 }
noise = 0.5
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


# --- recipes


def test_a_recipe_is_read_with_its_defaults(small):
    recipe = datasets.read_recipe(small)
    assert (recipe.name, recipe.version, recipe.seed) == ("small", 3, 7)
    assert recipe.rule == gm.Rule(hops=2, ties="weak").filled()
    first = recipe.splits["test"][0]
    assert (first.graphs, first.num_nodes, first.family) == (2, (20, 30), "erdos_renyi")
    assert (dict(first.graph), first.noise) == ({"mean_degree": 3}, 0.5)
    assert dict(recipe.splits["test"][1].attribute) == {"kappa": 1.0, "order": 1}
    assert recipe.num_graphs("test") == 3


def test_the_digest_is_of_what_is_said_and_not_of_how(small, tmp_path):
    same, other = tmp_path / "same.toml", tmp_path / "other.toml"
    same.write_text("# a comment\n" + SMALL.replace("graphs = 3", "graphs  =  3"))
    other.write_text(SMALL.replace("levels = 3", "levels = 4"))
    digest = datasets.read_recipe(small).digest
    assert datasets.read_recipe(same).digest == digest
    assert datasets.read_recipe(other).digest != digest


BAD = [
    ("seed = 7", "sead = 7", ValueError, r"`sead` must not be in a recipe.*did you mean 'seed'"),
    ("seed = 7", "", ValueError, r"`seed` must be given, got none"),
    ("seed = 7", 'seed = "7"', TypeError, r"`seed` must be an integer, got '7'"),
    ("seed = 7", "seed = true", TypeError, r"`seed` must be an integer, got True"),
    ("hops = 2", "hops = 0", ValueError, r"`rule` must hold fields of Rule: `hops` must be at"),
    ("hops = 2", "hop = 2", TypeError, r"`rule` must hold fields of Rule: .*hop"),
    ("hops = 2", "radius = 2.0", ValueError, r"`rule.radius` must be used with families that have"),
    ("hops = 2", 'nan = "omit"', ValueError, r"`rule.nan` must be 'raise', got 'omit'"),
    ("graphs = 3", "graphs = 0", ValueError, r"`train\[0\].graphs` must be at least 1, got 0"),
    ("graphs = 3", "graphs = 3.5", TypeError, r"`train\[0\].graphs` must be an integer, got 3.5"),
    ("[5, 8]", "[8, 5]", ValueError, r"`train\[0\].num_nodes` must not go down, got \[8, 5\]"),
    ("[5, 8]", "[5]", ValueError, r"`train\[0\].num_nodes` must be one number or two, got \[5\]"),
    ("[5, 8]", "[5, 8.5]", TypeError, r"`train\[0\].num_nodes` must be an integer, got 8.5"),
    ("[5, 8]", "[5, 20]", ValueError, r"`test` must hold larger graphs than `train`.*20 nodes"),
    ("levels = 3", "level = 3", ValueError, r"`train\[0\].attribute.level` must not be.*'levels'"),
    (", levels = 3", "", ValueError, r"`train\[0\].attribute.levels` must be given"),
    ('"tied"', '"teid"', ValueError, r"`train\[0\].attribute.kind` must be .*did you mean 'tied'"),
    ("mean_degree = 3", 'mean_degree = "3"', TypeError, r"`test\[0\].graph.mean_degree` must be a"),
    (
        '"erdos_renyi"',
        '"erdos"',
        ValueError,
        r"`test\[0\].graph.family`.*did you mean 'erdos_renyi",
    ),
    ("noise = 0.5", "noise = -1", ValueError, r"`test\[0\].noise` must be at least 0, got -1.0"),
    (
        '"erdos_renyi", mean_degree = 3',
        '"random_tree"',
        ValueError,
        r"`test` must hold another family than `train` too",
    ),
    ("[rule]", "[rule", ValueError, r"`path` must be a TOML file, got .*small.toml"),
]


@pytest.mark.parametrize(("old", "new", "error", "message"), BAD)
def test_a_wrong_recipe_is_refused_by_file_and_key(small, old, new, error, message):
    assert old in SMALL
    small.write_text(SMALL.replace(old, new))
    with pytest.raises(error, match=rf"(?s){message}") as refused:
        datasets.read_recipe(small)
    assert "small.toml" in str(refused.value)


def test_an_unknown_set_is_refused_with_near_names():
    with pytest.raises(ValueError, match=r"`name` must be a named set .*got 'feilds'.*'fields'"):
        datasets.named_recipe("feilds")
    with pytest.raises(FileNotFoundError):
        datasets.named_recipe("nowhere.toml")


# --- the graphs


def test_labels_are_those_of_the_oracle_on_the_exact_attribute(small):
    recipe = datasets.read_recipe(small)
    for split in ("train", "validation", "test"):
        for graph in datasets.sample_graphs(recipe, split):
            edges = tuple(map(tuple, graph.edges().T.tolist()))
            network = Network(graph.num_nodes, edges)
            expected = oracles.local_maxima(network, graph.attributes["value"], hops=2, ties="weak")
            assert_array_equal(graph.attributes["is_maximum"], expected)


def test_what_is_shown_is_the_attribute_or_its_noisy_image_or_the_features(small):
    recipe = datasets.read_recipe(small)
    train, test = (list(datasets.sample_graphs(recipe, split)) for split in ("train", "test"))
    for graph in train:
        assert_array_equal(graph.attributes["x"][:, 0], graph.attributes["value"])
    assert [graph.attributes["x"].shape[1] for graph in test] == [2, 2, 1]
    noise = test[2].attributes["x"][:, 0] - test[2].attributes["value"]
    assert 0.2 < noise.std() < 1.0


def test_all_graphs_share_one_hidden_function(tmp_path):
    path = tmp_path / "hidden.toml"
    path.write_text(SMALL.replace("noise = 0.5", ""))
    graphs = list(datasets.sample_graphs(datasets.read_recipe(path), "test"))[:2]
    x = np.concatenate([graph.attributes["x"] for graph in graphs])
    values = np.concatenate([graph.attributes["value"] for graph in graphs])
    f = gm.generators.HiddenAttribute.draw("network", 2, generator=np.random.default_rng([7, 3]))
    assert_allclose(f(x), values, rtol=1e-13)


# --- the folder


def test_a_folder_is_read_back_as_it_was_made(small, tmp_path):
    recipe = datasets.read_recipe(small)
    manifest = datasets.generate(recipe, tmp_path / "set")
    assert manifest["counts"]["test"]["graphs"] == 3
    assert set(manifest["versions"]) == {"graphmax", "numpy", "scipy", "numba"}
    for split in ("train", "validation", "test"):
        made = list(datasets.sample_graphs(recipe, split))
        read = datasets.read_folder(tmp_path / "set", split)
        assert len(made) == len(read)
        for one, other in zip(made, read, strict=True):
            assert_array_equal(one.edges(), other.edges())
            for name, column in one.attributes.items():
                assert_array_equal(column, other.attributes[name], strict=True)


def test_an_interrupted_call_goes_on_where_it_stopped(small, tmp_path, monkeypatch):
    recipe = datasets.read_recipe(small)
    whole = datasets.generate(recipe, tmp_path / "whole")
    write, written = folders.write_graph, []

    def interrupted(graph, path):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(path)
        write(graph, path)

    monkeypatch.setattr(folders, "write_graph", interrupted)
    with pytest.raises(KeyboardInterrupt):
        datasets.generate(recipe, tmp_path / "set")
    with pytest.raises(ValueError, match=r"`folder` must hold a complete set"):
        datasets.read_folder(tmp_path / "set", "train")
    monkeypatch.setattr(
        folders, "write_graph", lambda g, path: written.append(path) or write(g, path)
    )
    resumed = datasets.generate(recipe, tmp_path / "set")
    assert len(written) == len(set(written)) == 7
    assert resumed["files"].keys() == whole["files"].keys()
    assert resumed["counts"] == whole["counts"]


def test_progress_is_told_graph_by_graph(small, tmp_path):
    heard = []
    with reporting(lambda stage, done, total: heard.append((stage, done, total))):
        datasets.generate(datasets.read_recipe(small), tmp_path / "set")
    told = [entry[1:] for entry in heard if entry[0] == "generating graphs"]
    assert told == [(done, 7) for done in range(8)]


def test_a_complete_folder_is_left_as_it_is(small, tmp_path, monkeypatch):
    recipe = datasets.read_recipe(small)
    datasets.generate(recipe, tmp_path / "set")
    monkeypatch.setattr(folders, "write_graph", None)
    assert datasets.generate(recipe, tmp_path / "set")["complete"] is True


def test_folders_of_others_are_refused(small, tmp_path):
    recipe = datasets.read_recipe(small)
    datasets.generate(recipe, tmp_path / "set")
    small.write_text(SMALL.replace("seed = 7", "seed = 8"))
    with pytest.raises(
        ValueError, match=r"must not hold another recipe's set, got 'small' version 3"
    ):
        datasets.generate(datasets.read_recipe(small), tmp_path / "set")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("")
    with pytest.raises(ValueError, match=r"`folder` must be new, empty or begun by generate"):
        datasets.generate(recipe, tmp_path / "taken")


def test_a_folder_begun_by_other_versions_is_not_finished(small, tmp_path):
    recipe = datasets.read_recipe(small)
    datasets.generate(recipe, tmp_path / "set")
    path = tmp_path / "set" / "manifest.json"
    manifest = json.loads(path.read_text())
    begun = {**manifest, "complete": False, "versions": {"numpy": "1.0"}}
    sealed.write_document(folders.SET, path, begun)
    with pytest.raises(ValueError, match=r"must be finished by the versions that began it"):
        datasets.generate(recipe, tmp_path / "set")


def test_a_changed_file_is_named(small, tmp_path):
    recipe = datasets.read_recipe(small)
    datasets.generate(recipe, tmp_path / "set")
    victim = tmp_path / "set" / "test" / "000001.npz"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(ValueError, match=r"got other content in .*test.000001\.npz"):
        datasets.read_folder(tmp_path / "set", "test")
    with pytest.raises(ValueError, match=r"got other content in .*test.000001\.npz"):
        datasets.generate(recipe, tmp_path / "set")
    assert len(datasets.read_folder(tmp_path / "set", "train")) == 3
    victim.unlink()
    with pytest.raises(ValueError, match=r"`folder` must hold every file .*test.000001\.npz"):
        datasets.read_folder(tmp_path / "set", "test")


def test_what_is_no_set_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`folder` must hold a manifest.json"):
        datasets.read_folder(tmp_path, "train")
    with pytest.raises(ValueError, match=r"`split` must be 'train', 'validation' .* or 'test'"):
        datasets.read_folder(tmp_path, "valid")
    for text in ("[]", "{", '{"complete": true}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match=r"`folder` must be a set that graphmax made"):
            datasets.read_folder(tmp_path, "train")


def test_a_full_disk_leaves_nothing_half_written(small, tmp_path):
    """A limit on the size of files answers like a disk without room."""
    small.write_text(SMALL.replace("[20, 30]", "[20000, 30000]"))
    place = tmp_path / "set"
    code = (
        "import resource, signal, sys\n"
        "from graphmax import datasets\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "recipe = datasets.read_recipe(sys.argv[1])\n"
        "datasets.sample_graphs(recipe, 'train').__next__()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "datasets.generate(recipe, sys.argv[2])\n"
    )
    assert hasattr(resource, "RLIMIT_FSIZE")
    done = subprocess.run(
        [sys.executable, "-c", code, str(small), str(place)],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "File too large" in done.stderr
    left = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    graphs = [f"train/00000{i}.npz" for i in range(3)] + ["validation/000000.npz"]
    assert left == ["manifest.json", *graphs]
    assert json.loads((place / "manifest.json").read_text())["complete"] is False


# --- the named sets


def test_the_named_sets():
    assert set(datasets.recipe_names()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_tells_what_the_recipe_makes(name):
    recipe = datasets.named_recipe(name)
    card = dataset_path(f"{name}/README.md").read_text()
    assert f"Recipe: `{recipe.digest}`" in card
    counts = {
        split: folders.counted(datasets.sample_graphs(recipe, split)) for split in recipe.splits
    }
    for split, c in counts.items():
        row = (
            f"| {split} | {c['graphs']} | {c['fewest_nodes']} to {c['most_nodes']} | {c['nodes']} "
        )
        row += f"| {c['edges']} | {c['maxima']:.4f} | {c['ties']:.4f} | {c['isolated']:.4f} |"
        assert row in card
        assert f"{split} {c['content']}" in card
    assert counts["test"]["fewest_nodes"] > counts["train"]["most_nodes"]
    families = {s: {group.family for group in recipe.splits[s]} for s in recipe.splits}
    assert families["test"] > families["train"]


# --- the command


def test_the_command_makes_a_set_and_tells_of_it(small, tmp_path):
    place = tmp_path / "made"
    done = CliRunner().invoke(app, ["generate", str(small), "--out", str(place)])
    assert done.exit_code == 0, done.output
    assert "small version 3" in done.stdout
    assert "validation" in done.stdout
    assert (place / "test" / "000002.npz").is_file()
    again = CliRunner().invoke(app, ["generate", str(small), "--out", str(place), "--json"])
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["recipe"]["seed"] == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["feilds", "--out", "set"], "did you mean 'fields'"),
        (["no.toml", "--out", "set"], "No such file or directory: no.toml"),
        (["fields", "--out", "."], "`folder` must be new, empty or begun by generate"),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("something").write_text("")
    done = CliRunner().invoke(app, ["generate", *arguments])
    assert done.exit_code == 2
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
