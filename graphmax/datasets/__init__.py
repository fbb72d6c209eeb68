"""Labelled sets of graphs = generator + rule + split; PyG data set, transform and loaders.

What needs torch is imported on first use: making a set does not.
"""

from typing import TYPE_CHECKING

from graphmax.datasets.hard_examples import CenteredPairs, centered_pairs, hard_negatives
from graphmax.datasets.labelled_graphs import NodeSplit, split_nodes
from graphmax.datasets.manifest import generate, named_recipe, read_folder, recipe_names
from graphmax.datasets.recipe import Group, Recipe, read_recipe, sample_graphs
from graphmax.lazy_imports import public_names

if TYPE_CHECKING:
    from graphmax.datasets.loaders import (
        BalancedSampler,
        LabelLocalMaxima,
        RootedNeighborhoods,
        neighborhood_loader,
    )
    from graphmax.datasets.peak_dataset import PeakDataset

_NEEDS_TORCH = {
    "BalancedSampler": "graphmax.datasets.loaders",
    "LabelLocalMaxima": "graphmax.datasets.loaders",
    "PeakDataset": "graphmax.datasets.peak_dataset",
    "RootedNeighborhoods": "graphmax.datasets.loaders",
    "neighborhood_loader": "graphmax.datasets.loaders",
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
