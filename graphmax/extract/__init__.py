"""Node-centered adjacency neighborhoods: many roots, one batch of rooted subgraphs."""

from graphmax.extract.center import center_is_maximum
from graphmax.extract.dense_layout import DenseNeighborhoods
from graphmax.extract.extraction import iter_neighborhoods, neighborhoods
from graphmax.extract.neighborhood_batch import NeighborhoodBatch
from graphmax.extract.sparse_layout import SparseNeighborhoods

__all__ = [
    "DenseNeighborhoods",
    "NeighborhoodBatch",
    "SparseNeighborhoods",
    "center_is_maximum",
    "iter_neighborhoods",
    "neighborhoods",
]
