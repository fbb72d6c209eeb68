"""The exact reference: which nodes are local maxima, how far, by how much, and why."""

from graphmax.maxima.answers import Isolation, isolation, local_maxima, local_minima, margin
from graphmax.maxima.certificate import Certificate, explain

__all__ = [
    "Certificate",
    "Isolation",
    "explain",
    "isolation",
    "local_maxima",
    "local_minima",
    "margin",
]
