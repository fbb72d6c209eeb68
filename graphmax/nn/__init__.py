"""Networks that judge local maxima: the operator, scores, heads, the detector, and baselines.

Nothing here imports the exact reference: the learner cannot peek.
"""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.nn.detector import PeakDetector
from graphmax.nn.heads import ChoiceHead, NormalHead, SignHead
from graphmax.nn.reasons import Decision
from graphmax.nn.rivals import HopMax, hop_max
from graphmax.nn.scores import EncoderScore, FeatureScore, GraphFilter, Identity
from graphmax.nn.storage import pretrained_names
from graphmax.nn.windows import CenteredWindowCNN

__all__ = [
    "CenteredWindowCNN",
    "ChoiceHead",
    "Decision",
    "EncoderScore",
    "FeatureScore",
    "GraphFilter",
    "HopMax",
    "Identity",
    "NormalHead",
    "PeakDetector",
    "SignHead",
    "hop_max",
    "pretrained_names",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
