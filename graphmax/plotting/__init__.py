"""Every picture the package draws, with matplotlib, which only this package imports."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.plotting.curves import plot_benchmark, plot_calibration, plot_probability
from graphmax.plotting.diagrams import plot_merge_tree, plot_persistence
from graphmax.plotting.graph_pictures import plot_maxima, plot_peaks
from graphmax.plotting.rasters import plot_pixels, plot_receptive_field, plot_terrain

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
