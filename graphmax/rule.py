"""The definition of "local maximum" as one frozen value."""

from dataclasses import dataclass
from typing import Any

import numpy as np

TIES = ("strict", "weak", "plateau", "index")
DIRECTIONS = ("in", "out", "both")
NAN = ("raise", "omit")
EXTREMA = ("max", "min")


@dataclass(frozen=True)
class Rule:
    """What "local maximum" means: how far, and what happens to ties, arrows, NaN and loners.

    A challenger of node v is another node, not NaN, with a value at least as high as v's. v is a
    local maximum if and only if the distance to its nearest challenger is greater than `hops`
    (or `radius`).

    Parameters
    ----------
    hops : int, optional
        Radius of the ball in hops, at least 1; None means 1 unless a `radius` is given.
    radius : float, optional
        Radius in edge weights, in their unit, above 0.
    ties : {"strict", "weak", "plateau", "index"}, default "strict"
        Who challenges v. ``strict``: every other node with a value as high or higher. ``weak``:
        a higher node. ``plateau``: a node higher than v near any node of the plateau of v.
        ``index``: a higher node, or one as high with a lower index; the only choice that depends
        on how the nodes are numbered.
    direction : {"in", "out", "both"}, default "in"
        Which steps count on a directed graph: against the arrow, along it, or either.
    isolated : bool, default True
        Whether a node without any neighbor is a maximum.
    nan : {"raise", "omit"}, default "raise"
        Refuse NaN (NaT), or leave such nodes out: never a maximum, never a challenger, though
        paths run through them.
    extremum : {"max", "min"}, default "max"
        Which side. Minima reverse the order of the values only.

    Raises
    ------
    TypeError
        If a field is of the wrong kind.
    ValueError
        If a field has no such value, or both `hops` and `radius` are given.

    Examples
    --------
    >>> from graphmax import Rule
    >>> Rule(ties="weak").reach
    1
    """

    hops: int | None = None
    radius: float | None = None
    ties: str = "strict"
    direction: str = "in"
    isolated: bool = True
    nan: str = "raise"
    extremum: str = "max"

    def __post_init__(self) -> None:
        if self.hops is not None and self.radius is not None:
            raise ValueError(
                f"`hops` and `radius` must not be given together, got {self.hops} and "
                f"{self.radius}; leave one out"
            )
        if self.hops is not None:
            object.__setattr__(self, "hops", _hops(self.hops))
        if self.radius is not None:
            object.__setattr__(self, "radius", positive_length(self.radius, "radius"))
        for name, choices in (
            ("ties", TIES), ("direction", DIRECTIONS), ("nan", NAN), ("extremum", EXTREMA),
        ):  # fmt: skip
            _one_of(name, getattr(self, name), choices)
        if not isinstance(self.isolated, bool | np.bool_):
            raise TypeError(f"`isolated` must be True or False, got {self.isolated!r}")
        object.__setattr__(self, "isolated", bool(self.isolated))

    @property
    def reach(self) -> int | None:
        """Radius of the ball in hops; None where the rule has a `radius`."""
        return None if self.radius is not None else self.hops or 1


def _hops(hops: Any) -> int:
    if isinstance(hops, bool | np.bool_) or not isinstance(hops, int | np.integer):
        raise TypeError(f"`hops` must be an integer of at least 1, got {hops!r}")
    if hops < 1:
        raise ValueError(f"`hops` must be at least 1, got {hops}")
    return int(hops)


def positive_length(length: Any, name: str) -> float:
    """Return a length as float, refusing what is not above 0."""
    number = (int, float, np.integer, np.floating)
    if isinstance(length, bool | np.bool_) or not isinstance(length, number):
        raise TypeError(f"`{name}` must be a number above 0, got {length!r}")
    if not length > 0:
        raise ValueError(f"`{name}` must be above 0, got {length}")
    return float(length)


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        quoted = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {quoted}, got {value!r}")
