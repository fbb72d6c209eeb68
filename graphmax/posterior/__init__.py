"""Probability of peaks of a hidden field that was measured with noise."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.posterior.field import FieldParameters, FittedParameter, ModelChecks
from graphmax.posterior.probability import PeakProbability, peak_probability
from graphmax.posterior.sampling import sample_probability

__all__ = [
    "FieldParameters",
    "FittedParameter",
    "ModelChecks",
    "PeakProbability",
    "peak_probability",
    "sample_probability",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
