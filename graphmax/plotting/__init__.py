"""Every picture the package draws, with matplotlib, which only this package imports."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.plotting.benchmark_curves import plot_benchmark
from graphmax.plotting.calibration import plot_calibration, plot_probability
from graphmax.plotting.maxima import plot_maxima
from graphmax.plotting.peaks import plot_peaks
from graphmax.plotting.persistence_diagram import plot_persistence
from graphmax.plotting.pixel_maps import plot_pixels, plot_receptive_field
from graphmax.plotting.terrain import plot_terrain
from graphmax.plotting.tree_diagram import plot_merge_tree

__all__ = [
    "plot_benchmark",
    "plot_calibration",
    "plot_maxima",
    "plot_merge_tree",
    "plot_peaks",
    "plot_persistence",
    "plot_pixels",
    "plot_probability",
    "plot_receptive_field",
    "plot_terrain",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
