"""Labelled sets of graphs = generator + rule + split; PyG data set, transform and loaders.

What needs torch is imported on first use: making a set does not.
"""

from typing import TYPE_CHECKING

from graphmax.datasets.hard_examples import CenteredPairs, centered_pairs, hard_negatives
from graphmax.datasets.labelled_graphs import NodeSplit, split_nodes
from graphmax.datasets.recipe import (
    Group,
    Recipe,
    generate,
    named_recipe,
    read_folder,
    read_recipe,
    recipe_names,
    sample_graphs,
)
from graphmax.lazy_imports import public_names

if TYPE_CHECKING:
    from graphmax.datasets.peak_dataset import (
        BalancedSampler,
        LabelLocalMaxima,
        PeakDataset,
        RootedNeighborhoods,
        neighborhood_loader,
    )

_NEEDS_TORCH = {
    "BalancedSampler": "graphmax.datasets.peak_dataset",
    "LabelLocalMaxima": "graphmax.datasets.peak_dataset",
    "PeakDataset": "graphmax.datasets.peak_dataset",
    "RootedNeighborhoods": "graphmax.datasets.peak_dataset",
    "neighborhood_loader": "graphmax.datasets.peak_dataset",
}

__all__ = [
    "BalancedSampler",
    "CenteredPairs",
    "Group",
    "LabelLocalMaxima",
    "NodeSplit",
    "PeakDataset",
    "Recipe",
    "RootedNeighborhoods",
    "centered_pairs",
    "generate",
    "hard_negatives",
    "named_recipe",
    "neighborhood_loader",
    "read_folder",
    "read_recipe",
    "recipe_names",
    "sample_graphs",
    "split_nodes",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__, _NEEDS_TORCH)
