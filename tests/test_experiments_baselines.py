"""Baselines: every network runs, within its budget, on values and on ranks."""

import pytest
import torch
from experiments import baselines
from torch_geometric.data import Data

from graphmax.nn import FeatureScore

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
DATA = Data(
    x=torch.tensor([[1.0], [3.0], [2.0], [2.5]]), edge_index=PATH,
    y=torch.tensor([False, True, False, True]),
)  # fmt: skip


@pytest.mark.parametrize("name", baselines.NAMES)
def test_every_network_learns_a_path_within_its_budget(name):
    network = baselines.Baseline(name)
    assert 25_000 < sum(parameter.numel() for parameter in network.parameters()) <= 50_000
    losses = baselines.train(network, [DATA], epochs=15)
    assert min(losses) < losses[0]
    assert network(DATA.x, PATH).shape == (4,)


def test_ranks_make_increasing_maps_invisible():
    network = baselines.Baseline("SAGE max", ranks=True)
    torch.testing.assert_close(network(DATA.x, PATH), network(DATA.x.exp() + 1e4, PATH))
    assert baselines.ranked(torch.tensor([[3.0], [1.0], [3.0]])).flatten().tolist() == [1, 0, 1]


def test_a_seed_gives_the_same_losses():
    runs = [baselines.train(baselines.Baseline("GIN"), [DATA], epochs=3, seed=4) for _ in range(2)]
    assert runs[0] == runs[1]


def test_the_encoder_of_a_score():
    network = baselines.Baseline("SAGE max", 8, layers=1, encoder_like=FeatureScore(8))
    assert network(torch.randn(4, 8), PATH).shape == (4,)


def test_unknown_names():
    with pytest.raises(ValueError, match="`name` must be one of GCN, .*got 'GNN'"):
        baselines.Baseline("GNN")
