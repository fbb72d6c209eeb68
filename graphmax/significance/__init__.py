"""Significance of peaks against null fields."""

from graphmax.significance.testing import PeakSignificance, peak_significance

__all__ = ["PeakSignificance", "peak_significance"]
