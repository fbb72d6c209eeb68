"""Invariant, equivariant, both or neither: operators under transformations.

An operator C is invariant under T if ``C(T(x)) = C(x)`` and equivariant if ``C(T(x)) = T(C(x))``.
"""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.symmetry.equivariance import assert_equivariant, assert_invariant, check
from graphmax.symmetry.sample import Move, Transformation
from graphmax.symmetry.transformations import (
    disjoint_union,
    edge_order,
    flip,
    increasing,
    negation,
    offset,
    outside_ball,
    permutation,
    rotation,
    scaling,
    shift,
    translation,
)
from graphmax.symmetry.trial import Comparison, Counterexample, Errors, Verdict

__all__ = [
    "Comparison",
    "Counterexample",
    "Errors",
    "Move",
    "Transformation",
    "Verdict",
    "assert_equivariant",
    "assert_invariant",
    "check",
    "disjoint_union",
    "edge_order",
    "flip",
    "increasing",
    "negation",
    "offset",
    "outside_ball",
    "permutation",
    "rotation",
    "scaling",
    "shift",
    "translation",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
