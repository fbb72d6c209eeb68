"""Generic networks to compare with: those of the benchmark, trained on all graphs at once."""

from graphmax.benchmark.entries import NAMES, ranked, train
from graphmax.benchmark.entries import ReferenceNetwork as Baseline

__all__ = ["NAMES", "Baseline", "ranked", "train"]
