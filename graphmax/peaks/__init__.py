"""Which maxima matter: prominence, parents, basins, watersheds, merge trees, suppression."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.peaks.finding import edge_peaks, find_peaks
from graphmax.peaks.mergetree import MergeTree, basins, merge_tree
from graphmax.peaks.suppression import non_maximum_suppression
from graphmax.peaks.table import Peak, Peaks, Persistence

__all__ = [
    "MergeTree",
    "Peak",
    "Peaks",
    "Persistence",
    "basins",
    "edge_peaks",
    "find_peaks",
    "merge_tree",
    "non_maximum_suppression",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
