"""Labelled sets of graphs = generator + rule + split; PyG data set, transform and loaders.

What needs torch is imported on first use: making a set does not.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphmax.datasets.folder import generate, read_folder
from graphmax.datasets.making import sample_graphs
from graphmax.datasets.named import named_recipe, recipe_names
from graphmax.datasets.pairs import CenteredPairs, centered_pairs, hard_negatives
from graphmax.datasets.recipe import Group, Recipe, read_recipe
from graphmax.datasets.splitting import NodeSplit, split_nodes

if TYPE_CHECKING:
    from graphmax.datasets.labelling import LabelLocalMaxima
    from graphmax.datasets.loading import BalancedSampler, RootedNeighborhoods, neighborhood_loader
    from graphmax.datasets.peak_dataset import PeakDataset

_NEEDS_TORCH = {
    "BalancedSampler": "graphmax.datasets.loading",
    "LabelLocalMaxima": "graphmax.datasets.labelling",
    "PeakDataset": "graphmax.datasets.peak_dataset",
    "RootedNeighborhoods": "graphmax.datasets.loading",
    "neighborhood_loader": "graphmax.datasets.loading",
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


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module 'graphmax.datasets' has no attribute {name!r}")
    return getattr(import_module(_NEEDS_TORCH[name]), name)
