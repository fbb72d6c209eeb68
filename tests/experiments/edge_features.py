"""Attribute hidden in edges: learn the sum over a node's edges of f(features of the edge).

Every edge carries three features, the value of a node is the sum of f over its edges, a network of
random weights; only labels of its maxima are given, nodes have no features. Floor: the share of
positives. Ceiling: 1, the labels are exact. Rival: NNConv with a network of as many layers on the
edges, then GraphSAGE-max, trained as long, the best weight decay of three on seeds of its own.
Trained on Erdos-Renyi graphs of mean degree 6, tested on a geometric graph of 20,000 nodes.

Run: python -m tests.experiments.edge_features [--seeds 5] [--sizes 1000] [--decays 1.0]
"""

import argparse

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import NNConv, SAGEConv

import graphmax as gm
from graphmax.generators import HiddenAttribute, erdos_renyi, random_geometric

EPOCHS, DEVELOPMENT = 300, 100


def labelled(graph, attribute, rng):
    """Data whose edges have features, the same in both directions."""
    source, target = (np.asarray(end) for end in graph.edges())
    features = attribute.features(source.size, generator=rng)
    carried = attribute(features)
    carried = (carried - carried.mean()) / carried.std()
    values = np.zeros(graph.num_nodes)
    for end in (source, target):
        np.add.at(values, end, carried)
    edge_index = torch.from_numpy(np.stack([np.r_[source, target], np.r_[target, source]]))
    return Data(
        x=torch.ones(graph.num_nodes, 1),
        edge_index=edge_index,
        edge_attr=torch.from_numpy(np.r_[features, features]),
        y=gm.local_maxima(graph, torch.from_numpy(values)),
    )


def drawn(labels, seed, *, nodes=20_000):
    """Training graphs with so many labelled nodes, and a test graph of another family."""
    rng = np.random.default_rng((seed, labels))
    attribute = HiddenAttribute.draw("network", 3, generator=rng)
    size = min(labels, 500)
    train = [
        labelled(erdos_renyi(size, 6 / size, generator=rng), attribute, rng)
        for _ in range(labels // size)
    ]
    geometric = random_geometric(nodes, (6 / (np.pi * nodes)) ** 0.5, generator=rng)
    return train, labelled(geometric, attribute, rng)


class Rival(nn.Module):
    """What the edges of a node say, then what its neighbors are."""

    def __init__(self, width=64):
        super().__init__()
        said = nn.Sequential(nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.edges = NNConv(1, width, nn.Sequential(said, nn.Linear(width, width)), aggr="add")
        self.own = nn.Sequential(nn.SiLU(), nn.Linear(width, width))
        self.compare = SAGEConv(width, width, aggr="max")
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(width, 1))

    def forward(self, data):
        """Return the logit of every node."""
        hidden = self.own(self.edges(data.x, data.edge_index, data.edge_attr.float()))
        return self.out(self.compare(hidden, data.edge_index))[:, 0]


def train_rival(graphs, decay, seed):
    """Train as the detector is: AdamW, one cosine."""
    torch.manual_seed(seed)
    network = Rival()
    optimizer = torch.optim.AdamW(network.parameters(), 0.01, weight_decay=decay)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        losses = [
            nn.functional.binary_cross_entropy_with_logits(network(data), data.y.float())
            for data in graphs
        ]
        (sum(losses) / len(losses)).backward()
        optimizer.step()
        cosine.step()
    return network


@torch.no_grad()
def precision(logits, data):
    """Return the average precision."""
    return float(average_precision_score(data.y.numpy(), logits.double().numpy()))


def trial(labels, seed, decay):
    """Return the average precisions of detector and rival, and the floor."""
    train, test = drawn(labels, seed)
    detector = gm.PeakDetector(edge_channels=3)
    gm.fit(detector, train, seed=seed, epochs=EPOCHS, progress=False)
    rival = train_rival(train, decay, seed).eval()
    return {
        "detector": precision(detector.predict_proba(test), test),
        "NNConv and SAGE max": precision(rival(test).detach(), test),
        "floor": float(test.y.double().mean()),
    }


def best_decay(labels, decays):
    """Return the weight decay that suits the rival best on seeds of its own."""
    if len(decays) == 1:
        return decays[0]
    reached = {}
    for decay in decays:
        sets = [(seed, *drawn(labels, seed)) for seed in (DEVELOPMENT, DEVELOPMENT + 1)]
        each = [precision(train_rival(a, decay, s).eval()(b).detach(), b) for s, a, b in sets]
        reached[decay] = np.mean(each)
        print(
            f"  rival, weight decay {decay:g}: {reached[decay]:.4f} on development seeds",
            flush=True,
        )
    return max(reached, key=reached.get)


def main():
    """Print a line a seed, and the means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000])
    parser.add_argument("--decays", type=float, nargs="+", default=[0.0, 0.1, 1.0])
    asked = parser.parse_args()
    for labels in asked.sizes:
        decay = best_decay(labels, asked.decays)
        rows = []
        for seed in range(asked.seeds):
            rows.append(trial(labels, seed, decay))
            told = "  ".join(f"{name} {value:.4f}" for name, value in rows[-1].items())
            print(f"  {labels} labels, seed {seed}: {told}", flush=True)
        means = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
        print(f"{labels} labels, {len(rows)} seeds: {means}", flush=True)


if __name__ == "__main__":
    main()
