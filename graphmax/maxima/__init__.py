"""The exact reference: which nodes are local maxima, how far, by how much, and why."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.maxima.answers import (
    Isolation,
    isolation,
    local_maxima,
    local_minima,
    margin,
    rivals,
)
from graphmax.maxima.certificate import Certificate, explain

__all__ = [
    "Certificate",
    "Isolation",
    "explain",
    "isolation",
    "local_maxima",
    "local_minima",
    "margin",
    "rivals",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
