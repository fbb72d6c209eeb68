"""PyG's side: the data set, the transform, loaders in several processes, balanced sampling."""

import networkx as nx
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GraphSAGE
from torch_geometric.transforms import AddSelfLoops, Compose, Constant

import graphmax as gm
from graphmax.datasets import (
    BalancedSampler,
    LabelLocalMaxima,
    PeakDataset,
    RootedNeighborhoods,
    neighborhood_loader,
)

RECIPE = """
name = "tiny"
version = 1
seed = 1
[rule]
[[train]]
graphs = 6
num_nodes = [5, 8]
graph = { family = "erdos_renyi", mean_degree = 3 }
attribute = { kind = "tied", levels = 4 }
[[validation]]
graphs = 1
num_nodes = 8
graph = { family = "random_tree" }
attribute = { kind = "tied", levels = 4 }
[[test]]
graphs = 2
num_nodes = 30
graph = { family = "random_tree" }
attribute = { kind = "tied", levels = 4 }
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    path.write_text(RECIPE)
    return str(path)


# --- the data set


def test_items_are_labelled_graphs(recipe, tmp_path):
    train, test = PeakDataset(tmp_path, recipe), PeakDataset(tmp_path, recipe, "test")
    assert (len(train), len(test)) == (6, 2)
    assert train.rule == gm.Rule().filled()
    for data in (*train, *test):
        assert data.x.dtype == torch.float32
        assert data.value.dtype == torch.int64
        assert_array_equal(data.y, gm.local_maxima(data, "value"))
    assert (tmp_path / "tiny-v1" / "manifest.json").is_file()


def test_a_plain_model_trains_on_it(recipe, tmp_path):
    torch.manual_seed(0)
    train = PeakDataset(tmp_path, recipe)
    model = GraphSAGE(train.num_node_features, 16, 2, out_channels=1, aggr="max")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        for batch in DataLoader(train, batch_size=6):
            logits = model(batch.x, batch.edge_index)[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.y.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_steps_of_pyg_apply(recipe, tmp_path):
    chosen = PeakDataset(
        tmp_path, recipe, transform=Constant(), pre_transform=AddSelfLoops(),
        pre_filter=lambda data: data.num_nodes > 5,
    )  # fmt: skip
    assert 0 < len(chosen) < 6
    assert chosen[0].x.shape[1] == 2
    assert chosen[0].has_self_loops()
    assert len(chosen[:1]) == 1


def test_a_damaged_set_and_an_unknown_one_are_refused(recipe, tmp_path):
    PeakDataset(tmp_path, recipe)
    (tmp_path / "tiny-v1" / "train" / "000003.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"got other content in .*000003\.npz"):
        PeakDataset(tmp_path, recipe)
    with pytest.raises(ValueError, match=r"`name` must be a named set .*did you mean 'fields'"):
        PeakDataset(tmp_path, "field")
    with pytest.raises(ValueError, match=r"`part` must be asked of files"):
        PeakDataset(tmp_path / "new", recipe).part("train")


# --- one's own files


@pytest.fixture(scope="module")
def graphml(tmp_path_factory):
    folder, generator = tmp_path_factory.mktemp("own"), np.random.default_rng(3)
    paths = []
    for number in range(5):
        G = nx.gnp_random_graph(20, 0.15, seed=number)
        nx.set_node_attributes(G, dict(enumerate(generator.random(20).tolist())), "gdp")
        nx.set_node_attributes(G, dict(enumerate(range(20))), "rank")
        paths.append(folder / f"{number}.graphml")
        nx.write_graphml(G, paths[-1])
    return paths


def test_files_split_by_graphs(graphml):
    own = PeakDataset.from_files(graphml, values="gdp", hops=2)
    assert len(own) == 5
    assert [len(own.part(name)) for name in ("train", "validation", "test")] == [3, 1, 1]
    assert own.own.touching == 0
    for path, data in zip(graphml, own, strict=True):
        graph = gm.read_graph(path)
        assert_array_equal(data.y, gm.local_maxima(graph, "gdp", 2))
        assert_array_equal(data.value, graph.attributes["gdp"])
    sizes = [data.num_nodes for name in ("train", "validation", "test") for data in own.part(name)]
    assert sizes == [20] * 5


def test_features_hide_the_attribute(graphml):
    own = PeakDataset.from_files(graphml, values="gdp", features=["rank", "gdp"])
    assert own[0].x.shape == (20, 2)
    assert_array_equal(own[0].x[:, 0], np.arange(20))


def test_one_large_graph_is_split_by_blocks(tmp_path):
    G = nx.convert_node_labels_to_integers(nx.grid_2d_graph(30, 30))
    values = np.random.default_rng(0).random(900)
    nx.set_node_attributes(G, dict(enumerate(values.tolist())), "height")
    nx.write_graphml(G, tmp_path / "grid.graphml")
    own = PeakDataset.from_files([tmp_path / "grid.graphml"], "height", split="nodes", seed=2)
    data = own[0]
    masks = torch.stack([data.train_mask, data.val_mask, data.test_mask]).int()
    assert_array_equal(masks.sum(0), np.ones(900))
    assert 0.4 < data.train_mask.float().mean() < 0.75
    touched = [
        any(data.train_mask[u] for u in nx.ego_graph(G, v, 1))
        for v in np.flatnonzero(data.test_mask).tolist()
    ]
    assert own.own.touching == pytest.approx(np.mean(touched))
    assert own.own.touching < 0.5
    with pytest.raises(ValueError, match=r"`part` must be asked of files that were split by graph"):
        own.part("train")


def test_bad_files_are_named(graphml, tmp_path):
    with pytest.raises(ValueError, match=r"got 'gpd'; did you mean 'gdp'.*0\.graphml"):
        PeakDataset.from_files(graphml, values="gpd")
    with pytest.raises(
        ValueError, match=r"`features` must name node attributes, got 'rnk'.*'rank'"
    ):
        PeakDataset.from_files(graphml, values="gdp", features=["rnk"])
    G = nx.path_graph(3)
    G.nodes[0]["gdp"] = 1.0
    nx.write_graphml(G, tmp_path / "lacking.graphml")
    with pytest.raises(ValueError, match=r"known for every node, got 2 without.*lacking\.graphml"):
        PeakDataset.from_files([tmp_path / "lacking.graphml"], values="gdp")
    omitted = PeakDataset.from_files(
        [tmp_path / "lacking.graphml"], "gdp", rule=gm.Rule(nan="omit")
    )
    assert_array_equal(omitted[0].y, [True, False, False])
    assert_array_equal(omitted[0].x[:, 0], [1, np.nan, np.nan])
    (tmp_path / "broken.graphml").write_text("<graphml")
    with pytest.raises(gm.GraphFileError):
        PeakDataset.from_files([tmp_path / "broken.graphml"], values="gdp")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"paths": []}, r"`paths` must be a list of at least one file"),
        ({"paths": "a.graphml"}, r"`paths` must be a list of at least one file"),
        ({"split": "edges"}, r"`split` must be one of 'graphs', 'nodes', got 'edges'"),
        ({"shares": (0.5, 0.5)}, r"`shares` must be three numbers"),
        ({"shares": (0.9, 0.2, -0.1)}, r"`shares` must be three numbers"),
    ],
)
def test_refused_arguments(graphml, arguments, message):
    with pytest.raises(ValueError, match=message):
        PeakDataset.from_files(**{"paths": graphml, "values": "gdp", **arguments})


# --- the transform


def path_data(values):
    edges = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    return Data(x=torch.tensor(values)[:, None], edge_index=edges)


def test_the_transform_labels_in_a_pipeline():
    step = Compose(
        [LabelLocalMaxima(hops=2, key="peak"), LabelLocalMaxima(rule=gm.Rule(ties="weak"))]
    )
    data = step(path_data([1.0, 3.0, 3.0, 4.0]))
    assert data.peak.tolist() == [False, False, False, True]
    assert data.y.tolist() == [False, True, False, True]


def test_the_transform_goes_by_its_functional_name():
    from torch.utils.data.datapipes.iter import IterableWrapper

    pipe = IterableWrapper([path_data([2, 1, 0, 5])]).label_local_maxima(hops=1)
    assert [data.y.tolist() for data in pipe] == [[True, False, False, True]]


def test_the_transform_takes_plateaus_batches_and_names():
    batch = Batch.from_data_list([path_data([1, 3, 3, 1]), path_data([5, 5, 6, 0])])
    batch.height = batch.x[:, 0]
    labelled = LabelLocalMaxima("height", rule=gm.Rule(ties="plateau"))(batch)
    assert labelled.y.tolist() == [False, True, True, False, False, False, True, False]


def test_the_transform_refuses_what_has_no_one_column():
    with pytest.raises(ValueError, match=r"`values` must name an attribute of one column, got 'x'"):
        LabelLocalMaxima()(
            Data(x=torch.zeros(3, 2), edge_index=torch.zeros(2, 0, dtype=torch.long))
        )
    with pytest.raises(ValueError, match=r"`values` must name a node attribute, got 'hight'"):
        LabelLocalMaxima("hight")(path_data([1, 2, 3, 4]))
    hetero = HeteroData()
    hetero["place"].x = torch.zeros(2, 1)
    with pytest.raises(TypeError, match=r"`graph` must be .*HeteroData"):
        LabelLocalMaxima("height")(hetero)
    with pytest.raises(TypeError, match=r"`rule` must not be given beside hops"):
        LabelLocalMaxima(hops=1, rule=gm.Rule())


# --- loaders


def rooted():
    graph = gm.generators.erdos_renyi(300, 0.015, generator=np.random.default_rng(0))
    return RootedNeighborhoods(graph, np.random.default_rng(1).random(300), hops=1)


def test_items_are_the_neighborhoods_of_the_roots():
    data = rooted()
    whole = gm.neighborhoods(data.graph, data.values, hops=1).to_batch()
    for i in (0, 17, 299):
        for name in ("x", "edge_index", "node", "distance", "root"):
            assert torch.equal(data[i][name], whole[i][name])
        assert data[i].y.tolist() == [bool(data.labels[i])]
    twice = data.__getitems__([5, 3, 5])
    assert [item.root.item() for item in twice] == [5, 3, 5]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loaders_visit_every_root_once(num_workers):
    data = rooted()
    loader = neighborhood_loader(
        data, batch_size=64, num_workers=num_workers, generator=np.random.default_rng(2)
    )
    batches = list(loader)
    assert [batch.num_graphs for batch in batches] == [64, 64, 64, 64, 44]
    roots = torch.cat([batch.root for batch in batches])
    assert_array_equal(roots.sort().values, np.arange(300))
    assert not torch.equal(roots, roots.sort().values)
    assert_array_equal(torch.cat([batch.y for batch in batches]), data.labels[roots])
    for batch in batches:
        assert_array_equal(batch.node[batch.ptr[:-1]], batch.root)


def test_balanced_batches_hold_both_labels():
    data = rooted()
    loader = neighborhood_loader(
        data, batch_size=10_000, balanced=True, generator=np.random.default_rng(3)
    )
    first, second = next(iter(loader)), next(iter(loader))
    for batch in (first, second):
        assert (
            batch.y.sum() * 2
            == batch.num_graphs
            == 2 * min(data.labels.sum(), (~data.labels).sum())
        )
    assert not torch.equal(first.root, second.root)


def test_samples_repeat_only_where_they_must():
    labels = np.array([True] * 2 + [False] * 5)
    drawn = np.array(list(BalancedSampler(labels, 8, generator=np.random.default_rng(0))))
    assert_array_equal(np.bincount(drawn[drawn < 2]), [2, 2])
    assert np.unique(drawn[drawn >= 2]).size == 4


def test_samplers_refuse():
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"`labels` must hold both maxima and others .* 3 maxima"):
        BalancedSampler(np.ones(3, bool), generator=generator)
    with pytest.raises(ValueError, match=r"`num_samples` must be at least 1, got 0"):
        BalancedSampler(np.array([True, False]), 0, generator=generator)
    with pytest.raises(TypeError, match=r"`generator` must be a numpy.random.Generator, got int"):
        BalancedSampler(np.array([True, False]), generator=0)


def test_several_items_at_once_and_generators_of_torch():
    rooted = RootedNeighborhoods(gm.grid_graph(6), np.array([1, 3, 2, 5, 4, 9]), ties="weak")
    assert [item.root.tolist() for item in rooted[:3]] == [[0], [1], [2]]
    assert [int(item.root) for item in rooted[rooted.labels]] == [1, 3, 5]
    assert [int(item.root) for item in rooted[torch.tensor([4, 0])]] == [4, 0]
    assert int(rooted[-1].root) == 5
    orders = [
        list(BalancedSampler(rooted.labels, generator=torch.Generator().manual_seed(seed)))
        for seed in (3, 3, 4)
    ]
    assert orders[0] == orders[1]
    assert len(orders[0]) == 6
    loader = neighborhood_loader(rooted, batch_size=6, generator=torch.Generator().manual_seed(0))
    assert next(iter(loader)).num_graphs == 6
