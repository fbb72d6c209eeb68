"""What the calls about peaks take: one column, no arrows, a rule that a merge tree can follow."""

from collections.abc import Mapping
from typing import Any

from graphmax.question import Question, rule_for
from graphmax.rule import Rule

# Flat tops are one peak and a node that is NaN is absent: what topography means by them.
_DEFAULTS = {"ties": "plateau", "nan": "omit"}


def peak_rule(hops: Any, rule: Rule | None, fields: Mapping[str, Any]) -> Rule:
    """Make the rule of `find_peaks`; a rule that is given whole keeps all its fields."""
    given = fields if rule is not None else {**_DEFAULTS, **fields}
    chosen = rule_for("find_peaks", hops, rule, given, {})
    if chosen.ties not in ("plateau", "strict"):
        raise ValueError(
            f"`ties` must be 'plateau' or 'strict' for find_peaks, got {chosen.ties!r}; "
            "with 'plateau' a flat top is one peak, local_maxima takes the others"
        )
    return chosen


def one_column(question: Question, name: str, purpose: str) -> None:
    """Refuse values with columns."""
    shape = question.attribute.array.shape
    if len(shape) == 2:
        raise ValueError(
            f"`{name}` must have shape (num_nodes,) to {purpose}, got {shape}; pass one column"
        )


def undirected(question: Question, call: str) -> None:
    """Refuse arrows: a walk that cannot be walked back has no saddle."""
    if not question.symmetric:
        raise ValueError(
            f"`graph` must be undirected for {call}, got a directed graph with "
            f"direction={question.rule.direction!r}; pass direction='both' to drop the arrows"
        )
