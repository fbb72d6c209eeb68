"""Probability of peaks of a hidden field that was measured with noise."""

from graphmax.posterior.exact import sample_probability
from graphmax.posterior.field import FieldParameters, FittedParameter
from graphmax.posterior.model_checks import ModelChecks
from graphmax.posterior.probability import PeakProbability, peak_probability

__all__ = [
    "FieldParameters",
    "FittedParameter",
    "ModelChecks",
    "PeakProbability",
    "peak_probability",
    "sample_probability",
]
