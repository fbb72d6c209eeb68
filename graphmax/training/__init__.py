"""Training and judging detectors."""

from graphmax.training.evaluation import Evaluation, evaluate
from graphmax.training.fitting import FitResult, fit

__all__ = ["Evaluation", "FitResult", "evaluate", "fit"]
