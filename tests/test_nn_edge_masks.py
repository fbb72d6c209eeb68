"""Edge masks of explainers: ones change nothing, zeros cut, and the way to the rival is named."""

import copy
import io
import pickle
import subprocess
import sys
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.explain import CaptumExplainer, Explainer, GNNExplainer
from torch_geometric.explain.algorithm.utils import clear_masks, set_masks
from torch_geometric.nn import GCNConv, SAGEConv

import graphmax as gm
from graphmax.nn import EncoderScore, FeatureScore, Max, PeakDetector, SignHead
from graphmax.rule import Rule

pytestmark = pytest.mark.filterwarnings("ignore:the detector is untrained")
RAW = {"mode": "binary_classification", "task_level": "node", "return_type": "raw"}


def combined():
    return PeakDetector.composed(
        Max([FeatureScore(3, width=4), EncoderScore(SAGEConv(3, 5).double(), 3)]), SignHead(2)
    )


KINDS = {
    "sign": lambda: PeakDetector(),
    "sign 3": lambda: PeakDetector(hops=3),
    "minima": lambda: PeakDetector(hops=2, rule=Rule(hops=2, extremum="min")),
    "learn": lambda: PeakDetector(hops="learn"),
    "out": lambda: PeakDetector(hops=2, rule=Rule(hops=2, direction="out")),
    "both": lambda: PeakDetector(hops=2, rule=Rule(hops=2, direction="both")),
    "choice": lambda: PeakDetector(head="choice"),
    "choice 3": lambda: PeakDetector(head="choice", hops=3),
    "normal 2": lambda: PeakDetector(head="normal", denoise=True, hops=2),
    "features": lambda: PeakDetector(3, 2),
    "encoder": lambda: PeakDetector(3, encoder=SAGEConv(3, 5).double()),
    "encoder with loops": lambda: PeakDetector(3, encoder=GCNConv(3, 5).double()),
    "encoder, both": lambda: PeakDetector(
        3, encoder=SAGEConv(3, 5).double(), rule=Rule(direction="both")
    ),
    "combined": combined,
}


def data_of(channels=1, *, seed=0, nodes=25, repeats=False):
    """Arrows in any order; with repeats and loops if asked for."""
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(nodes, 3 / nodes, seed=seed, directed=True)
    entries = rng.permutation(np.array(graph.edges))
    if repeats:
        entries = np.concatenate([entries, entries[:7], [[3, 3], [4, 4]]])
    x = torch.from_numpy(rng.normal(size=(nodes, channels)))
    return Data(x=x, edge_index=torch.from_numpy(entries.T.copy()))


def masked_logits(detector, data, mask):
    set_masks(detector, mask, data.edge_index, apply_sigmoid=False)
    try:
        return detector(data.x, data.edge_index)
    finally:
        clear_masks(detector)


def without(data, cut):
    return data.edge_index[:, ~cut]


# --- ones and zeros


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_mask_of_ones_is_the_ordinary_answer(kind, repeats):
    detector = KINDS[kind]()
    data = data_of(detector.score.in_channels, repeats=repeats)
    ones = torch.ones(data.num_edges, dtype=torch.float64)
    with torch.no_grad():
        ordinary = detector(data.x, data.edge_index)
        assert masked_logits(detector, data, ones).tolist() == ordinary.tolist()
        assert detector(data.x, data.edge_index).tolist() == ordinary.tolist()


@pytest.mark.parametrize("kind", [name for name in KINDS if "encoder" in name])
def test_the_layers_of_an_encoder_get_the_mask_of_their_own_edges(kind):
    detector = KINDS[kind]()
    data = data_of(3)
    cut = torch.arange(data.num_edges) % 3 == 0
    kept = Data(x=data.x, edge_index=without(data, cut))
    both = detector.rule.direction == "both"
    layer = detector.score.encoder
    with torch.no_grad():
        set_masks(detector, (~cut).double(), data.edge_index, apply_sigmoid=False)
        steps = detector._steps(data.edge_index, data.num_nodes)
        told = detector.score(data.x, steps).mean
        clear_masks(detector)
        if isinstance(layer, GCNConv) or both:  # degrees are those of the whole graph, means too
            layer.normalize = False
        apart = detector.score(data.x, detector._steps(kept.edge_index, data.num_nodes)).mean
    if isinstance(layer, SAGEConv):  # a mean over all neighbors of what arrives from the kept ones
        degree = detector._steps(data.edge_index, data.num_nodes).degree[:, None].clamp(min=1)
        left = detector._steps(kept.edge_index, data.num_nodes).degree[:, None].clamp(min=1)
        own = detector.score.project(layer.lin_r(data.x) + layer.lin_l.bias)
        torch.testing.assert_close((told - own) * degree, (apart - own) * left)
    else:
        assert not torch.allclose(told, apart)


def test_cut_edges_carry_no_rival():
    detector, data = PeakDetector(head="choice", hops=2), data_of(seed=3)
    cut = torch.arange(data.num_edges) % 2 == 0
    with torch.no_grad():
        told = masked_logits(detector, data, (~cut).double())
        expected = detector(data.x, without(data, cut))
    accompanied = expected < 1e30  # a node that was cut off keeps its neighbors, at no weight
    assert int(accompanied.sum()) > 10
    torch.testing.assert_close(told[accompanied], expected[accompanied])
    assert bool((told[~accompanied] > 100).all())


# --- oracle: every walk, one after the other


def shares(data, mask, hops):
    """Largest product of masks over the walks from u to v of at most so many steps."""
    best = {}
    edges = list(zip(*data.edge_index.tolist(), mask.tolist(), strict=True))
    walks = {(u, u): 1.0 for u in range(data.num_nodes)}
    for _ in range(hops):
        longer = {}
        for (start, end), share in walks.items():
            for u, v, gate in edges:
                if u == end:
                    longer[start, v] = max(longer.get((start, v), 0.0), share * gate)
        walks = longer
        for pair, share in walks.items():
            best[pair] = max(best.get(pair, 0.0), share)
    return best


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("head", ["sign", "choice"])
def test_what_arrives_is_the_best_of_all_walks(head, hops):
    data, detector = data_of(seed=hops, nodes=14), PeakDetector(head=head, hops=hops)
    mask = torch.rand(
        data.num_edges, dtype=torch.float64, generator=torch.Generator().manual_seed(5)
    )
    with torch.no_grad():
        told = masked_logits(detector, data, mask)
    s, best = data.x[:, 0].numpy(), shares(data, mask, hops)
    for v in range(data.num_nodes):
        arrived = [(share, s[u]) for (u, end), share in best.items() if end == v != u]
        if not arrived:
            assert told[v] == 1e30
        elif head == "sign":
            low = s.min()
            rival = max(low + share * (score - low) for share, score in arrived)
            np.testing.assert_allclose(told[v], s[v] - rival, atol=1e-12)
        else:
            others = np.log(sum(share * np.exp(score) for share, score in arrived))
            np.testing.assert_allclose(told[v], s[v] - others, atol=1e-12)


def test_infinite_scores_stay_and_lone_nodes_are_certain():
    x = torch.tensor([[np.inf], [1.0], [-np.inf], [0.5]], dtype=torch.float64)
    data = Data(x=x, edge_index=torch.tensor([[0, 1, 2, 1], [1, 0, 1, 2]]))
    told = masked_logits(PeakDetector(hops=2), data, torch.full((4,), 0.5, dtype=torch.float64))
    assert told.tolist() == PeakDetector(hops=2)(x, data.edge_index).tolist()


# --- what explainers find


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_the_gradient_is_that_of_the_edges_on_a_way_to_the_rival(hops):
    detector, data = PeakDetector(hops=hops), data_of(seed=hops)
    rivals = detector.rivals(data)
    reached = 0
    for v in range(data.num_nodes):
        mask = torch.full((data.num_edges,), 0.7, dtype=torch.float64, requires_grad=True)
        (grad,) = torch.autograd.grad(
            masked_logits(detector, data, mask)[v], mask, allow_unused=True
        )
        edges = data.edge_index[:, grad != 0]
        if rivals[v] < 0 or float(data.x[rivals[v]]) == float(data.x.min()):
            assert edges.numel() == 0
            continue
        assert bool((grad <= 0).all())
        ways = nx.DiGraph(edges.T.tolist())
        assert nx.shortest_path_length(ways, int(rivals[v]), v) <= hops
        assert all(nx.has_path(ways, u, v) and nx.has_path(ways, int(rivals[v]), u) for u in ways)
        reached += 1
    assert reached > 15


@pytest.mark.parametrize("node_mask_type", [None, "attributes"])
@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gnn_explainer_gives_the_edge_to_the_rival_the_highest_weight(seed, hops, node_mask_type):
    torch.manual_seed(seed)
    graph = nx.gnp_random_graph(15, 0.2, seed=seed)
    data = gm.as_graph(graph).to_data()
    data.x = torch.from_numpy(2.0 ** np.random.default_rng(seed).permutation(15) / 1000)[:, None]
    detector = PeakDetector(hops=hops)
    explainer = Explainer(
        detector, GNNExplainer(epochs=30), explanation_type="model", edge_mask_type="object",
        node_mask_type=node_mask_type, model_config=RAW,
    )  # fmt: skip
    rivals, peaks = detector.rivals(data), detector.predict(data)
    lower = [v for v in range(15) if rivals[v] >= 0 and not peaks[v]]
    assert len(lower) > 5
    for v in lower[:6]:
        weight = explainer(data.x, data.edge_index, index=v).edge_mask
        way = nx.DiGraph(data.edge_index[:, weight > 0].T.tolist())
        assert nx.shortest_path_length(way, int(rivals[v]), v) <= hops
        incident = (data.edge_index == v).any(0)
        last = data.edge_index[:, torch.where(incident, weight, -1.0).argmax()].tolist()
        assert last[1] == v
        assert last[0] in set(nx.shortest_path(way, int(rivals[v]), v))
    assert detector.predict(data).tolist() == peaks.tolist()


def test_a_network_that_holds_a_detector_is_explained_too():
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.detector = PeakDetector()

        def forward(self, x, edge_index):
            return self.detector(2 * x, edge_index)

    data, network = data_of(), Network()
    explainer = Explainer(
        network, GNNExplainer(epochs=5), explanation_type="model", edge_mask_type="object",
        model_config=RAW,
    )  # fmt: skip
    rivals, peaks = network.detector.rivals(data), network.detector.predict(data)
    node = next(v for v in range(25) if rivals[v] >= 0 and not peaks[v])
    edge_mask = explainer(data.x, data.edge_index, index=node).edge_mask
    assert data.edge_index[:, edge_mask > 0].T.tolist() == [[int(rivals[node]), node]]


@pytest.mark.parametrize("method", ["Saliency", "IntegratedGradients"])
@pytest.mark.filterwarnings("ignore")
def test_captum(method):
    pytest.importorskip("captum", reason="captum is no dependency; pip install captum")

    class Probability(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.detector = PeakDetector()

        def forward(self, x, edge_index):
            return self.detector(x, edge_index).sigmoid()

    data, network = data_of(seed=2), Probability()
    explainer = Explainer(
        network, CaptumExplainer(method), explanation_type="model", edge_mask_type="object",
        model_config=RAW | {"return_type": "probs"},
    )  # fmt: skip
    rivals, peaks = network.detector.rivals(data), network.detector.predict(data)
    for node in [v for v in range(25) if rivals[v] >= 0 and not peaks[v]][:3]:
        edge_mask = explainer(data.x, data.edge_index, index=node).edge_mask
        assert data.edge_index[:, edge_mask.abs().argmax()].tolist() == [int(rivals[node]), node]


# --- nothing else changes


def test_what_is_saved_copied_and_counted_stays(tmp_path):
    detector = PeakDetector(3, 2)
    before = list(detector.state_dict())
    assert any(name == "edge_mask" for name, _ in detector.named_modules())
    assert list(detector.state_dict()) == before
    assert "edge_mask" not in repr(detector)
    copies = [copy.deepcopy(detector), pickle.loads(pickle.dumps(detector))]
    detector.save_pretrained(tmp_path)
    copies.append(PeakDetector.from_pretrained(tmp_path))
    stored = io.BytesIO()
    torch.save(detector, stored)
    data = data_of(3)
    for other in copies:
        assert other(data.x, data.edge_index).tolist() == detector(data.x, data.edge_index).tolist()
        assert [id(a) != id(b) for a, b in pairwise(other.modules())]
    names = [name for name, _ in torch.nn.Sequential(detector).named_modules()]
    assert "0.edge_mask" in names


def test_another_edge_index_than_the_explained_one_is_refused():
    detector, data = PeakDetector(), data_of()
    set_masks(detector, torch.ones(data.num_edges), data.edge_index)
    with pytest.raises(ValueError, match="`edge_index` must be the tensor that is explained"):
        detector(data.x, data.edge_index[:, 1:])
    with pytest.raises(ValueError, match="clear the masks"):
        detector(data.x, gm.as_graph(data.edge_index))
    clear_masks(detector)
    detector(data.x, data.edge_index[:, 1:])


def test_without_torch_geometric_there_is_no_layer():
    code = (
        "import sys; from graphmax import PeakDetector; d = PeakDetector(); "
        "names = [name for name, _ in d.named_modules()]; "
        "assert 'torch_geometric' not in sys.modules; assert names == ['', 'score', 'head'], names"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
