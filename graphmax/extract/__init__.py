"""Node-centered adjacency neighborhoods: many roots, one batch of rooted subgraphs."""

from typing import TYPE_CHECKING

from graphmax.extract.center import center_is_maximum
from graphmax.extract.extraction import iter_neighborhoods, neighborhoods
from graphmax.extract.neighborhood_batch import (
    DenseNeighborhoods,
    NeighborhoodBatch,
    SparseNeighborhoods,
)
from graphmax.lazy_imports import public_names

__all__ = [
    "DenseNeighborhoods",
    "NeighborhoodBatch",
    "SparseNeighborhoods",
    "center_is_maximum",
    "iter_neighborhoods",
    "neighborhoods",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
