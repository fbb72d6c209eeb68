# Is your network invariant, equivariant, both or neither? A table of verdicts, each computed.

# %% Operators on images: convolutions, pooling, dense layers
from functools import partial

import torch
from torch import nn
from torch_geometric.nn import GCNConv, SAGEConv

import graphmax as gm
from graphmax.nn import PeakDetector
from graphmax.symmetry import assert_equivariant, check, permutation, translation

torch.manual_seed(0)


def circular_pool(image):
    """Take the maximum of each 3x3 window of a torus."""
    return nn.functional.max_pool2d(nn.functional.pad(image, (1, 1, 1, 1), "circular"), 3, 1)


def global_pool(image):
    """Take the maximum of each channel."""
    return image.amax(dim=(-2, -1))


IMAGES = {
    "convolution, circular": nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"),
    "convolution, zero-padded": nn.Conv2d(1, 2, 3, padding=1),
    "convolution, stride 2": nn.Conv2d(1, 2, 2, stride=2),
    "max pooling, stride 1": nn.MaxPool2d(3, 1, 1),
    "max pooling, circular": circular_pool,
    "max pooling, stride 2": nn.MaxPool2d(2),
    "global max pooling": global_pool,
    "dense layer": nn.Sequential(nn.Flatten(), nn.Linear(64, 4)),
    "BatchNorm2d (train)": nn.BatchNorm2d(1),
    "peak_pixels, strict": gm.images.peak_pixels,
}


# %% Operators on graphs: message passing, a readout, the exact rule, the detector
def readout(x, _edge_index):
    """Add up the features of all nodes."""
    return x.sum(dim=0, keepdim=True)


def normalized(x, _edge_index):
    """Normalize features by the statistics of all nodes."""
    return nn.functional.batch_norm(x, None, None, training=True)


DETECTOR = PeakDetector().eval()


def decision(x, edge_index):
    """Tell which nodes the detector calls maxima."""
    return DETECTOR(x, edge_index) > 0


GRAPHS = {
    "GCN": GCNConv(2, 3),
    "GraphSAGE, max": SAGEConv(2, 3, aggr="max"),
    "sum readout": readout,
    "batch norm (train)": normalized,
    "local_maxima, strict": gm.local_maxima,
    "local_maxima, weak": partial(gm.local_maxima, ties="weak"),
    "local_maxima, plateau": partial(gm.local_maxima, ties="plateau"),
    "local_maxima, index": partial(gm.local_maxima, ties="index"),
    "PeakDetector, logits": DETECTOR,
    "PeakDetector, decision": decision,
}
OPERATORS = IMAGES | GRAPHS
for module in (operator for operator in OPERATORS.values() if isinstance(operator, nn.Module)):
    for parameter in module.parameters():
        if module is not DETECTOR:
            nn.init.normal_(parameter)  # untrained layers start with biases of zero


# %% One operator in Python, and the whole table on the command line
def main():
    """Print two verdicts and how to get the others."""
    image = torch.rand(1, 1, 8, 8)
    for name in ("convolution, circular", "convolution, zero-padded"):
        print(f"{name}: {check(IMAGES[name], translation(1, 1), image).kind}")
    strided = IMAGES["convolution, stride 2"]
    half = check(strided, translation(2, 2), image, output_transformation=translation(1, 1))
    print(f"convolution, stride 2, moved by two pixels, its output by one: {half.kind}")

    edges = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    assert_equivariant(GRAPHS["GCN"], permutation(), (torch.rand(4, 2), edges))
    ties = (gm.grid_graph(4), [1, 1, 0, 2])
    print(check(GRAPHS["local_maxima, index"], permutation(), ties))
    print("The whole table: graphmax check is_your_network_equivariant:OPERATORS")


if __name__ == "__main__":
    main()
