"""`PeakDataset.from_graphs` and `from_files`: exact values, splits, folders of many graphs."""

import networkx as nx
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch_geometric.data import Data

import graphmax as gm
from graphmax.datasets import LabelLocalMaxima, PeakDataset, named_recipe, read_folder
from graphmax.datasets.recipe import generate, read_manifest

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
LARGE = 2**53


def paths(count):
    return [nx.path_graph(4) for _ in range(count)]


# --- known cases


def test_graphs_of_any_library_and_values_of_any_kind():
    named = nx.relabel_nodes(nx.path_graph(3), dict(enumerate("abc")))
    data = Data(x=torch.tensor([[1.0], [3.0], [2.0]]), edge_index=PATH)
    made = PeakDataset.from_graphs(
        [named, data, gm.grid_graph(3)], [{"b": 5, "a": 1, "c": 2}, "x", np.array([1, 2, 9])]
    )
    assert [item.y.tolist() for item in made] == [
        [False, True, False], [False, True, False], [False, False, True],
    ]  # fmt: skip
    assert [tuple(item.x.shape) for item in made] == [(3, 1)] * 3
    assert made[1].y.shape == (3,)


def test_an_attribute_of_all_graphs_with_features_beside_it():
    graphs = paths(5)
    for graph in graphs:
        for name in ("height", "a", "b"):
            nx.set_node_attributes(graph, {v: float(v * v) for v in graph}, name)
    made = PeakDataset.from_graphs(graphs, "height", 2, features=["a", "b"])
    assert made.rule.hops == 2
    assert made[0].x.shape == (4, 2)
    given = PeakDataset.from_graphs(graphs, "height", features=[np.eye(4)] * 5)
    assert_array_equal(given[0].x, np.eye(4))


def test_every_digit_reaches_the_detector(tmp_path):
    values = np.array([1.0, 1.0 + 2**-50, 1.0 + 2**-51, 0.5])
    made = PeakDataset.from_graphs(paths(1), [values])
    assert made[0].x.dtype == torch.float64
    assert gm.PeakDetector().predict(made[0]).tolist() == made[0].y.tolist()
    gm.write_graph(
        gm.as_graph(nx.path_graph(4)).replace(attributes={"v": values}), tmp_path / "g.npz"
    )
    read = PeakDataset.from_files([tmp_path / "g.npz"], "v")
    assert_array_equal(read[0].x[:, 0], values)
    assert read[0].y.tolist() == [False, True, False, False]
    huge = PeakDataset.from_graphs(paths(1), [[LARGE, LARGE + 1, 0, 1]])
    assert huge[0].y.tolist() == [False, True, False, True]
    with pytest.raises(ValueError, match="pass ranks"):
        gm.PeakDetector().predict(huge[0])
    narrow = PeakDataset.from_graphs(paths(1), [values], dtype=torch.float32)
    assert narrow[0].x.dtype == torch.float32


def test_times_and_large_integers_are_exact_or_refused():
    days = np.array(["2020-01-02", "2020-01-04", "2020-01-03", "2020-01-01"], "datetime64[D]")
    large = np.array([1, 3, 2, 0], np.uint64) + np.uint64(2**60)
    for values, shown in ((days, torch.float64), (large, torch.int64)):
        (item,) = PeakDataset.from_graphs(paths(1), [values])
        assert item.y.tolist() == [False, True, False, False]
        assert item.x.dtype == shown
        assert item.x[:, 0].argsort().tolist() == [3, 0, 2, 1]
        assert item.value.argsort().tolist() == [3, 0, 2, 1]
        assert gm.evaluate(gm.Rule(), [item], resamples=0).errors == 0
    with pytest.raises(ValueError, match=r"`values` must be below 2\*\*63 to be shown as x"):
        PeakDataset.from_graphs(paths(1), [large + np.uint64(2**63)])
    with pytest.raises(ValueError, match=r"exact in float64, got a number beyond 2\*\*53"):
        PeakDataset.from_graphs(paths(1), [[1, 3, 2, 0]], features=[large[:, None]])


def test_a_column_of_a_matrix_by_its_number(tmp_path):
    matrix = np.array([[1.0, 4], [3, 3], [2, 2], [0, 9]])
    graph = gm.as_graph(nx.path_graph(4)).replace(attributes={"x": matrix})
    gm.write_graph(graph, tmp_path / "graph.npz")
    for made in (
        PeakDataset.from_graphs([graph, graph.to_data()], "x.1", features=["x.0", "x"]),
        PeakDataset.from_files([tmp_path / "graph.npz"], "x.1", features=["x.0", "x"]),
    ):
        for item in made:
            assert item.y.tolist() == [True, False, False, True]
            assert item.x.tolist() == [[row[0], *row] for row in matrix.tolist()]
    for name in ("x.2", "x.-1", "y.0"):
        with pytest.raises(ValueError, match="must name a node attribute"):
            PeakDataset.from_graphs([graph], name)


def test_splits_by_name():
    made = PeakDataset.from_graphs(paths(10), [[1, 3, 2, 0]] * 10)
    sizes = {name: len(part) for name, part in made.splits.items()}
    assert sizes == {"train": 6, "validation": 2, "test": 2}
    assert len(made.splits["val"]) == len(made.part("val")) == 2
    nodes = PeakDataset.from_graphs(
        [gm.grid_graph((10, 10))], [np.arange(100.0)], split="nodes"
    )  # fmt: skip
    assert nodes.splits["test"] is nodes
    assert nodes[0].test_mask.sum() > 0


def test_the_splits_of_a_named_set(tmp_path):
    made = PeakDataset(tmp_path, "ties", "val")
    assert len(made) == named_recipe("ties").num_graphs("validation")
    assert set(made.splits) == {"train", "validation", "test"}
    assert made.splits["val"] is made
    assert len(made.splits["train"]) == named_recipe("ties").num_graphs("train")


# --- folders in the layout of TUDataset


@pytest.fixture
def folder(tmp_path):
    """Two graphs: the path 1-2-3, and the pair 5-6 with the lonely node 4 before it."""
    place = tmp_path / "TOY"
    place.mkdir()
    (place / "TOY_A.txt").write_text("1, 2\n2, 1\n2, 3\n3, 2\n5, 6\n6, 5\n")
    (place / "TOY_graph_indicator.txt").write_text("1\n1\n1\n2\n2\n2\n")
    (place / "TOY_node_attributes.txt").write_text("1, 0\n3, 1\n2, 0\n7, 0\n1, 1\n2, 1\n")
    (place / "TOY_node_labels.txt").write_text("0\n1\n0\n0\n1\n1\n")
    return place


def test_a_folder_of_many_graphs(folder):
    made = PeakDataset.from_files([folder], "attribute_0", features=["attributes"])
    assert [item.y.tolist() for item in made] == [[False, True, False], [True, False, True]]
    assert made[1].x.tolist() == [[7, 0], [1, 1], [2, 1]]
    assert PeakDataset.from_files([folder], "node_label")[0].value.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("TOY_A.txt", "1, 2\n2, 9\n", "number nodes from 1 to 6, got 1 to 9"),
        ("TOY_A.txt", "1, 6\n6, 1\n", "an edge between two graphs"),
        ("TOY_A.txt", "1, 2, 3\n", "two nodes per line"),
        ("TOY_A.txt", "one, two\n", "numbers between commas"),
        ("TOY_node_attributes.txt", "1, 0\n", "one line per node"),
        ("TOY_graph_indicator.txt", None, "no such file"),
    ],
)
def test_folders_that_are_refused(folder, file, text, words):
    (folder / file).unlink() if text is None else (folder / file).write_text(text)
    with pytest.raises(gm.GraphFileError, match=words):
        PeakDataset.from_files([folder], "attribute_0")


# --- the label as a transform, in other processes


def test_the_transform_shows_and_takes_its_rule():
    assert "hops=2" in repr(LabelLocalMaxima("h", 2))
    assert LabelLocalMaxima("h", 2, ties="weak").rule == gm.Rule(2, ties="weak").filled()
    data = Data(h=torch.tensor([[1.0], [1.0], [0.0]]), edge_index=PATH, num_nodes=3)
    assert LabelLocalMaxima("h", ties="weak")(data).y.tolist() == [True, True, False]


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_the_transform_in_forked_workers_after_the_kernels_have_run():
    """The usual PyG recipe: threads of compiled loops exist, then the loader forks."""
    from torch_geometric.loader import DataLoader

    graph = gm.grid_graph((60, 60))
    values = np.random.default_rng(0).normal(size=(4, 3600))
    gm.local_maxima(graph, values[0], 2)
    made = PeakDataset.from_graphs(
        [graph] * 4, list(values), transform=LabelLocalMaxima("value", 2)
    )
    loader = DataLoader(made, num_workers=2, multiprocessing_context="fork")
    labels = [batch.y for batch in loader]
    for y, row in zip(labels, values, strict=True):
        assert_array_equal(y, gm.local_maxima(graph, row, 2))


# --- refusals


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([], "x"), {}, "at least one graph"),
        ((paths(2), [[1, 2, 3, 4]]), {}, r"one entry per graph \(2\), got 1"),
        ((paths(1), [[1, 2, 3]]), {}, r"in graphs\[0\]"),
        ((paths(1), [np.zeros((4, 2))]), {}, "one column, got shape"),
        ((paths(1), [[1, 2, 3, 4]]), {"features": ["a"]}, "must name node attributes, got 'a'"),
        ((paths(1), [[1, 2, 3, 4]]), {"split": "edges"}, "`split` must be one of 'graphs'"),
    ],
)
def test_graphs_that_are_refused(arguments, options, words):
    with pytest.raises(ValueError, match=words):
        PeakDataset.from_graphs(*arguments, **options)


RECIPE = """
name = "{name}"
version = 1
seed = 0
rule = {{}}
[[train]]
graphs = 1
num_nodes = 8
graph = {{ family = "random_tree" }}
attribute = {{ kind = "independent" }}
[[validation]]
graphs = 1
num_nodes = 8
graph = {{ family = "random_tree" }}
attribute = {{ kind = "independent" }}
[[test]]
graphs = 1
num_nodes = 9
graph = {{ family = "erdos_renyi", mean_degree = 2.0 }}
attribute = {{ kind = "independent" }}
"""


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/b", "..", ".hidden", "", "a\\\\b", "x\\u0000"]
)
def test_a_recipe_cannot_leave_its_folder(tmp_path, name):
    (tmp_path / "r.toml").write_text(RECIPE.format(name=name))
    with pytest.raises(ValueError, match="`name` must be letters"):
        PeakDataset(tmp_path / "root", str(tmp_path / "r.toml"))
    assert not (tmp_path / "root").exists()


def test_a_recipe_nested_too_deep(tmp_path):
    (tmp_path / "r.toml").write_text("name = " + "[" * 5_000 + "]" * 5_000)
    with pytest.raises(ValueError, match="`path` must be a "):
        PeakDataset(tmp_path, str(tmp_path / "r.toml"))


def test_a_manifest_is_sealed_like_its_files(tmp_path):
    (tmp_path / "r.toml").write_text(RECIPE.format(name="small"))
    place = tmp_path / "set"
    generate(named_recipe(str(tmp_path / "r.toml")), place)
    text = (place / "manifest.json").read_text()
    assert len(read_folder(place, "val")) == 1
    (place / "manifest.json").write_text(text.replace('"nodes": 8', '"nodes": 7'))
    with pytest.raises(ValueError, match="damaged: its SHA-256"):
        read_manifest(place)
    for damage in ("{}", "[" * 100_000, text.replace("graphmax-set", "other")):
        (place / "manifest.json").write_text(damage)
        with pytest.raises(ValueError, match="`folder` must be a set that graphmax made"):
            read_folder(place, "train")
