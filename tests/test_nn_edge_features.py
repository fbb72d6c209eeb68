"""Features of edges: placed at the right edges, added up by a score, carried by an encoder."""

import networkx as nx
import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GINEConv

import graphmax as gm
from graphmax.nn import (
    ChoiceHead,
    EdgeFeatureScore,
    EncoderScore,
    FeatureScore,
    PeakDetector,
    SignHead,
    Sum,
)
from graphmax.nn.scores import bent
from graphmax.rule import Rule
from graphmax.symmetry import assert_equivariant, assert_invariant, edge_order, permutation

pytestmark = pytest.mark.filterwarnings("ignore:the detector is untrained")


class SumOfEdges(nn.Module):
    """The attribute is exactly the sum of what the edges of a node carry."""

    def forward(self, x, edge_index, edge_attr):
        total = edge_attr.new_zeros(x.shape[0])
        return total.index_add(0, edge_index[1], edge_attr[:, 0])


def data_of(channels=1, edge_channels=2, *, seed=0, nodes=30):
    """Arrows in any order, each with features of its own, and two loops."""
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(nodes, 4 / nodes, seed=seed, directed=True)
    entries = rng.permutation(np.concatenate([np.array(graph.edges), [[3, 3], [5, 5]]]))
    edge_attr = torch.from_numpy(rng.normal(size=(len(entries), edge_channels)))
    x = torch.from_numpy(rng.normal(size=(nodes, channels)))
    return Data(x=x, edge_index=torch.from_numpy(entries.T.copy()), edge_attr=edge_attr)


def labelled(seed, nodes=200, *, degree=5):
    """Hidden: the sum over the edges of a node of the product of their two features."""
    rng = np.random.default_rng(seed)
    pairs = gm.generators.erdos_renyi(nodes, degree / nodes, generator=rng).edges()
    source, target = (np.asarray(end) for end in pairs)
    features = rng.normal(size=(source.size, 2))
    values = np.zeros(nodes)
    for end in (source, target):
        np.add.at(values, end, features.prod(axis=1))
    edge_index = torch.from_numpy(np.stack([np.r_[source, target], np.r_[target, source]]))
    y = gm.local_maxima(edge_index, torch.from_numpy(values))
    attributes = torch.from_numpy(np.r_[features, features])
    return Data(x=torch.zeros(nodes, 1), edge_index=edge_index, edge_attr=attributes, y=y)


# --- known answers


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_every_edge_keeps_its_own_features(direction):
    data = data_of(edge_channels=1)
    if direction == "both":  # arrows back would carry the same
        data.edge_index = data.edge_index[:, data.edge_index[0] <= data.edge_index[1]]
        data.edge_attr = data.edge_attr[: data.num_edges]
    rule = Rule(direction=direction)
    detector = PeakDetector(encoder=SumOfEdges(), edge_channels=1, rule=rule)
    sums = np.zeros(30)
    for (u, v), carried in zip(
        data.edge_index.T.tolist(), data.edge_attr[:, 0].tolist(), strict=True
    ):
        if u != v and direction in ("in", "both"):
            sums[v] += carried
        if u != v and direction in ("out", "both"):
            sums[u] += carried
    np.testing.assert_allclose(detector.score_nodes(data), sums, atol=1e-12)
    graph = gm.as_graph(data.edge_index, num_nodes=30)
    expected = gm.local_maxima(graph, sums, direction=direction)
    assert detector.predict(data).tolist() == expected.tolist()
    direct = detector(data.x, data.edge_index, edge_attr=data.edge_attr)
    assert direct.sigmoid().tolist() == detector.predict_proba(data).tolist()


def test_the_score_is_what_its_formula_says():
    score = EdgeFeatureScore(2, 3, width=4, members=2)
    detector = PeakDetector.composed(score, SignHead(1))
    data = data_of(2, 3, nodes=8)
    score.adapt(data.x)
    score.adapt_edges(data.edge_attr, 8)
    told = score(data.x, detector._read(data).steps).mean.detach()
    x, edges = (
        (part - part.mean(0)) / part.std(0, unbiased=False) for part in (data.x, data.edge_attr)
    )
    w, b = ([p.detach() for p in parts] for parts in (score.weights, score.biases))
    for i in range(2):
        summed = torch.zeros(8, 4, dtype=torch.float64)
        for (u, v), features in zip(data.edge_index.T.tolist(), edges, strict=True):
            if u != v:
                seen = bent(torch.cat([features, x[u]]) @ w[0][i] + b[0][i])
                summed[v] += bent(seen @ w[1][i] + b[1][i])[0]
        summed /= data.num_edges / 8
        own = bent(torch.cat([x, summed], 1) @ w[2][i] + b[2][i])
        own = bent(own @ w[3][i] + b[3][i])
        expected = own @ score.out[0][i].detach() + summed @ score.out[1][i].detach()
        torch.testing.assert_close(told[:, i], expected[:, 0])


def test_weights_of_a_graph_are_features_of_its_edges():
    graph = gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4], weights=[1.0, 5.0, 2.0, 9.0])
    detector = PeakDetector(encoder=SumOfEdges(), edge_channels=1)
    assert detector.score_nodes((graph, np.zeros(5))).tolist() == [1, 6, 7, 11, 9]
    assert detector.predict((graph, np.zeros(5))).tolist() == [False, False, False, True, False]


# --- laws


KINDS = {
    "sum of networks": lambda: PeakDetector.composed(
        EdgeFeatureScore(2, 3, width=4, members=2), SignHead(2)
    ),
    "choice": lambda: PeakDetector.composed(
        EdgeFeatureScore(2, 3, width=4, members=1), ChoiceHead(1)
    ),
    "encoder": lambda: PeakDetector(
        2, encoder=GINEConv(nn.Linear(2, 4), edge_dim=3).double(), edge_channels=3
    ),
    "beside features": lambda: PeakDetector.composed(
        Sum([FeatureScore(2, width=4), EdgeFeatureScore(2, 3, width=4, members=1)]), SignHead(1)
    ),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_renumbered_nodes_get_renumbered_answers_in_any_order_of_edges(kind):
    detector = KINDS[kind]()
    assert_equivariant(detector.predict_proba, permutation(), data_of(2, 3))
    assert_invariant(detector.predict_proba, edge_order(), data_of(2, 3))


@pytest.mark.parametrize("kind", list(KINDS))
def test_saved_and_loaded(kind, tmp_path):
    detector, data = KINDS[kind](), data_of(2, 3)
    detector.save_pretrained(tmp_path)
    encoder = GINEConv(nn.Linear(2, 4), edge_dim=3).double() if kind == "encoder" else None
    loaded = PeakDetector.from_pretrained(tmp_path, encoder=encoder)
    assert loaded.describe() == detector.describe()
    assert loaded.score.edge_channels == 3
    assert loaded.predict_proba(data).tolist() == detector.predict_proba(data).tolist()


def test_the_mask_of_an_explainer_weighs_what_edges_say():
    from torch_geometric.explain.algorithm.utils import clear_masks, set_masks

    detector, data = PeakDetector(2, edge_channels=3), data_of(2, 3)
    with torch.no_grad():
        ordinary = detector(data.x, data.edge_index, edge_attr=data.edge_attr)
        told = []
        for mask in (torch.ones(data.num_edges), torch.zeros(data.num_edges)):
            set_masks(detector, mask, data.edge_index, apply_sigmoid=False)
            told.append(detector(data.x, data.edge_index, edge_attr=data.edge_attr))
            clear_masks(detector)
    assert told[0].tolist() == ordinary.tolist()
    assert told[1].tolist() != ordinary.tolist()


def test_torch_export_gives_the_same():
    detector, data = PeakDetector(2, edge_channels=3), data_of(2, 3)
    data.edge_attr = data.edge_attr[data.edge_index[0] != data.edge_index[1]]
    data.edge_index = data.edge_index[:, data.edge_index[0] != data.edge_index[1]]
    arguments = (data.x, data.edge_index, None, data.edge_attr)
    exported = torch.export.export(detector, arguments).module()
    torch.testing.assert_close(exported(*arguments), detector(*arguments))


# --- training


def test_what_is_hidden_in_edges_is_learned():
    train, test = [labelled(seed) for seed in range(3)], labelled(9, 1_000)
    detector = PeakDetector.composed(EdgeFeatureScore(1, 2, width=16, members=2), SignHead(1))
    gm.fit(detector, train, epochs=60, progress=False)
    told = gm.evaluate(detector, [test], resamples=0)
    assert told.average_precision > 0.75
    blind = PeakDetector.composed(FeatureScore(1, width=4, members=1), SignHead(1))
    gm.fit(blind, train, epochs=5, progress=False)
    assert gm.evaluate(blind, [test], resamples=0).average_precision < 0.5


def test_graphs_apart_and_together_are_the_same():
    graphs = [labelled(seed, 60) for seed in range(4)]
    detector = PeakDetector(edge_channels=2)
    result = gm.fit(
        detector, DataLoader(graphs, batch_size=2), validation=graphs[:1], epochs=2, progress=False
    )
    assert result.epochs == 2
    gm.fit(PeakDetector(edge_channels=2), graphs, batch_size=3, epochs=2, progress=False)
    together = gm.evaluate(detector, graphs, resamples=0)
    logits = torch.cat([detector(d.x, d.edge_index, edge_attr=d.edge_attr) for d in graphs])
    apart = gm.evaluate(logits.detach(), graphs, resamples=0)
    assert together.average_precision == pytest.approx(apart.average_precision)
    loss = detector.train().loss(graphs[0])
    loss.backward()
    assert float(detector.score.weights[0].grad.abs().sum()) > 0


# --- refusals


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"edge_attr": None}, ValueError, "`edge_attr` must have 2 columns .* got none"),
        ({"edge_attr": torch.zeros(7, 2)}, ValueError, "one row of real numbers per entry"),
        (
            {"edge_attr": torch.zeros(4, 3)},
            ValueError,
            "must have 2 columns \\(edge_channels\\), got 3",
        ),
        ({"edge_attr": torch.full((4, 2), torch.nan)}, ValueError, "must be finite"),
        ({"edge_attr": [[1, 2]] * 4}, TypeError, "`edge_attr` must be a tensor"),
        (
            {"edge_index": torch.tensor([[0, 0, 1, 2], [1, 1, 0, 1]])},
            ValueError,
            "equal wherever an edge is repeated, got two rows for 0 -> 1",
        ),
    ],
)
def test_edge_features_that_do_not_fit(change, error, match):
    given = {
        "x": torch.zeros(3, 1),
        "edge_index": torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]),
        "edge_attr": torch.arange(8.0).reshape(4, 2),
        "y": torch.tensor([True, False, True]),
    } | change
    data = Data(**given)
    with pytest.raises(error, match=match):
        PeakDetector(edge_channels=2).predict(data)
    with pytest.raises(
        error, match=match.replace("`edge_attr` must have 2 columns .* got none", "edge_attr")
    ):
        gm.fit(PeakDetector(edge_channels=2), [data], progress=False)


def test_parts_that_do_not_go_together():
    with pytest.raises(ValueError, match="`edge_channels` must be 0 with denoise=True, got 2"):
        PeakDetector(denoise=True, edge_channels=2)
    with pytest.raises(ValueError, match="edge features of one width, got \\[2, 3\\]"):
        Sum([EdgeFeatureScore(1, 2), EdgeFeatureScore(1, 3)])
    with pytest.raises(ValueError, match="`edge_channels` must be at least 1"):
        EdgeFeatureScore(1, 0)
    assert EncoderScore(SumOfEdges(), 1).edge_channels == 0
    graph = gm.Graph.from_edges([0], [1])
    with pytest.raises(ValueError, match="must have 1 columns"):
        PeakDetector(edge_channels=1).predict((graph, [1.0, 2.0]))
    with pytest.raises(TypeError, match="must come with an edge_index tensor"):
        PeakDetector(edge_channels=1)(torch.zeros(2, 1), graph, edge_attr=torch.zeros(2, 1))
