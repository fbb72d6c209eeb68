"""Networks that judge local maxima: the operator, scores, heads, and the detector.

Nothing here imports the exact reference: the learner cannot peek.
"""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.nn.detector import Decision, PeakDetector
from graphmax.nn.heads import ChoiceHead, Head, Judged, NormalHead, SignHead
from graphmax.nn.parts import pretrained_names
from graphmax.nn.scores import (
    EdgeFeatureScore,
    EncoderScore,
    FeatureScore,
    GraphFilter,
    Identity,
    Max,
    Score,
    Scored,
    Sum,
)
from graphmax.nn.steps import HopMax, hop_max
from graphmax.nn.windows import CenteredWindowCNN

__all__ = [
    "CenteredWindowCNN",
    "ChoiceHead",
    "Decision",
    "EdgeFeatureScore",
    "EncoderScore",
    "FeatureScore",
    "GraphFilter",
    "Head",
    "HopMax",
    "Identity",
    "Judged",
    "Max",
    "NormalHead",
    "PeakDetector",
    "Score",
    "Scored",
    "SignHead",
    "Sum",
    "hop_max",
    "pretrained_names",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
