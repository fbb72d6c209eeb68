"""Which maxima matter: prominence, key saddle, parent and basin of every peak; suppression."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.peaks.finding import basins, find_peaks
from graphmax.peaks.suppression import non_maximum_suppression
from graphmax.peaks.table import Peak, Peaks, Persistence

__all__ = ["Peak", "Peaks", "Persistence", "basins", "find_peaks", "non_maximum_suppression"]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
