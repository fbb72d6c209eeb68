"""Training and judging detectors."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.training.evaluation import Evaluation, evaluate
from graphmax.training.trainer import EpochRecord, FitResult, fit

__all__ = ["EpochRecord", "Evaluation", "FitResult", "evaluate", "fit"]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
