"""Generic networks to compare with: those of the benchmark, trained on all graphs at once."""

from graphmax.benchmark.reference_networks import NAMES, ranked, train
from graphmax.benchmark.reference_networks import ReferenceNetwork as Baseline

__all__ = ["NAMES", "Baseline", "ranked", "train"]
