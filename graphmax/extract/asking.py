"""Checks of a call that cuts out neighborhoods."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import node_indices
from graphmax.graph import Graph
from graphmax.rule import Rule
from graphmax.values import Attribute, order_key


def rule_of(hops: int | None, rule: Rule | None) -> Rule:
    """Make the rule of a call, refusing plateaus, which are not local."""
    if rule is None:
        return Rule(hops=hops)
    if not isinstance(rule, Rule):
        raise TypeError(f"`rule` must be a Rule, got {type(rule).__name__}")
    if hops is not None:
        raise TypeError("`rule` must not be given beside hops; use dataclasses.replace(rule, ...)")
    if rule.ties == "plateau":
        raise ValueError(
            "`ties` must be 'strict', 'weak' or 'index' for neighborhoods, got 'plateau': a "
            "plateau can reach beyond any ball; take the labels from local_maxima"
        )
    return rule


def whole(number: Any, name: str) -> int:
    """Return an integer of at least 1."""
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        raise TypeError(f"`{name}` must be an integer of at least 1, got {number!r}")
    if number < 1:
        raise ValueError(f"`{name}` must be at least 1, got {number}")
    return int(number)


def node_roots(roots: Any, num_nodes: int) -> NDArray[np.int64]:
    """Return node indices that are in range, each once."""
    array = np.atleast_1d(roots.cpu().numpy() if hasattr(roots, "untyped_storage") else roots)
    if array.dtype == bool:
        raise TypeError("`roots` must hold node indices, got a mask; pass np.flatnonzero(mask)")
    chosen = node_indices(array, "roots").astype(np.int64)
    bad = chosen[(chosen < 0) | (chosen >= num_nodes)]
    if bad.size:
        raise ValueError(
            f"`roots` must hold node indices from 0 to {num_nodes - 1}, got {bad[0]} "
            f"({bad.size} out of range)"
        )
    ordered = np.sort(chosen)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if repeated.size:
        raise ValueError(
            f"`roots` must hold each node once, got {repeated[0]} more than once; "
            "pass np.unique(roots)"
        )
    return chosen


def known(attribute: Attribute, rule: Rule, graph: Graph) -> Attribute:
    """Refuse nodes without a value where the rule says so; write them as NaN elsewhere."""
    array, missing = attribute.array, attribute.missing
    if missing is None and array.dtype.kind not in "fmM":
        return attribute
    absent = np.isnan(array) if array.dtype.kind in "fmM" else np.zeros(array.shape, np.bool_)
    absent = absent if missing is None else absent | missing
    if rule.nan == "raise" and absent.any():
        first = ", ".join(str(name) for name in graph.label_of(np.flatnonzero(absent)[:5]).tolist())
        raise ValueError(
            f"`{attribute.name}` must be known for every node, got {int(absent.sum())} nodes "
            f"without it or NaN (first five: {first}); fill them in, or pass a rule with nan='omit'"
        )
    return attribute if missing is None else _with_nan(attribute, missing)


def _with_nan(attribute: Attribute, missing: NDArray[np.bool_]) -> Attribute:
    array = attribute.array
    if array.dtype.kind in "biu":
        floats = array.astype(np.float64)
        present = ~missing
        if (order_key(array).key != order_key(floats.astype(array.dtype)).key)[present].any():
            raise ValueError(
                f"`{attribute.name}` must be exact in float64 where nodes lack it, got an integer "
                "beyond 2**53; fill the missing ones in"
            )
        array = floats
    filled = array.copy()
    filled[missing] = np.array("NaT" if array.dtype.kind in "mM" else np.nan).astype(array.dtype)
    return Attribute(filled, attribute.name, None, attribute.restore)
