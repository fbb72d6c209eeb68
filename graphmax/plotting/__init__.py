"""Every picture the package draws, with matplotlib, which only this package imports."""

from graphmax.plotting.maxima import plot_maxima

__all__ = ["plot_maxima"]
