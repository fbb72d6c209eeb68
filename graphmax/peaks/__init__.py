"""Which maxima matter: prominence, key saddle, parent and basin of every peak; suppression."""

from graphmax.peaks.finding import basins, find_peaks
from graphmax.peaks.suppression import non_maximum_suppression
from graphmax.peaks.table import Peak, Peaks, Persistence

__all__ = ["Peak", "Peaks", "Persistence", "basins", "find_peaks", "non_maximum_suppression"]
