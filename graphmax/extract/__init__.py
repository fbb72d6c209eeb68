"""Node-centered adjacency neighborhoods: many roots, one batch of rooted subgraphs."""

from graphmax.extract.batch import DenseNeighborhoods, NeighborhoodBatch, SparseNeighborhoods
from graphmax.extract.center import center_is_maximum
from graphmax.extract.cutting import iter_neighborhoods, neighborhoods

__all__ = [
    "DenseNeighborhoods",
    "NeighborhoodBatch",
    "SparseNeighborhoods",
    "center_is_maximum",
    "iter_neighborhoods",
    "neighborhoods",
]
