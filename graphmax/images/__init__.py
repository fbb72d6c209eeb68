"""Pixels as nodes: windows and their exact labels, receptive fields, detection on every pixel.

An image is the grid graph of its pixels. A window of side 2r + 1, cut at the border, is the ball of
radius r of the fully connected grid: the question of images, "is this window centered on its
maximum or shifted?", and the question of graphs, "is this node a local maximum?", are one.
"""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names

if TYPE_CHECKING:
    from graphmax.images.balanced_windows import WindowDataset, window_dataset
    from graphmax.images.detection import Detection, detect, output_shape, receptive_field
    from graphmax.images.extrema import find_peaks, peak_pixels
    from graphmax.images.tiling import centered, windows

_HOME = {
    "Detection": "graphmax.images.detection",
    "WindowDataset": "graphmax.images.balanced_windows",
    "centered": "graphmax.images.tiling",
    "detect": "graphmax.images.detection",
    "find_peaks": "graphmax.images.extrema",
    "output_shape": "graphmax.images.detection",
    "peak_pixels": "graphmax.images.extrema",
    "receptive_field": "graphmax.images.detection",
    "window_dataset": "graphmax.images.balanced_windows",
    "windows": "graphmax.images.tiling",
}

__all__ = [
    "Detection",
    "WindowDataset",
    "centered",
    "detect",
    "find_peaks",
    "output_shape",
    "peak_pixels",
    "receptive_field",
    "window_dataset",
    "windows",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__, _HOME)
