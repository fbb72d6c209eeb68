"""Checks that all generators share."""

from typing import Any

import numpy as np

from graphmax.checks import node_count


def stream(generator: Any) -> np.random.Generator:
    """Return the source of randomness, refusing seeds and the old ``RandomState``."""
    if not isinstance(generator, np.random.Generator):
        raise TypeError(
            f"`generator` must be a numpy.random.Generator, got {type(generator).__name__}; "
            "pass np.random.default_rng(seed)"
        )
    return generator


def probability(p: Any, name: str) -> float:
    """Return a number from 0 to 1."""
    if isinstance(p, bool) or not isinstance(p, int | float | np.integer | np.floating):
        raise TypeError(f"`{name}` must be a number from 0 to 1, got {p!r}")
    if not 0 <= p <= 1:
        raise ValueError(f"`{name}` must be from 0 to 1, got {p}")
    return float(p)


def positive(number: Any, name: str) -> float:
    """Return a finite number above 0."""
    if isinstance(number, bool) or not isinstance(number, int | float | np.integer | np.floating):
        raise TypeError(f"`{name}` must be a number above 0, got {number!r}")
    if not 0 < number < np.inf:
        raise ValueError(f"`{name}` must be above 0 and finite, got {number}")
    return float(number)


def whole(number: Any, name: str, *, least: int, most: int | None = None) -> int:
    """Return an integer within bounds."""
    bounds = f"at least {least}" if most is None else f"from {least} to {most}"
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        raise TypeError(f"`{name}` must be an integer {bounds}, got {number!r}")
    if number < least or (most is not None and number > most):
        raise ValueError(f"`{name}` must be {bounds}, got {number}")
    return int(number)


__all__ = ["node_count", "positive", "probability", "stream", "whole"]
