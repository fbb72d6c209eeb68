"""Probability of peaks of a hidden field that was measured with noise."""

from graphmax.posterior.exact import sample_probability

__all__ = ["sample_probability"]
