"""The definition of "local maximum" as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from graphmax.checks import MOST_NODES, boolean, integer, number, one_of

Ties = Literal["strict", "weak", "plateau", "index"]
Direction = Literal["in", "out", "both"]
Nan = Literal["raise", "omit"]
Absent = Literal["pass", "block"]
Extremum = Literal["max", "min"]

WORDS: Mapping[str, tuple[str, ...]] = {
    "ties": get_args(Ties),
    "direction": get_args(Direction),
    "nan": get_args(Nan),
    "absent": get_args(Absent),
    "extremum": get_args(Extremum),
}
DEFAULTS: Mapping[str, Any] = {
    **{name: words[0] for name, words in WORDS.items()},
    "isolated": True,
}


@dataclass(frozen=True, repr=False)
class Rule:
    """What "local maximum" means: how far, and what happens to ties, arrows, NaN and loners.

    A challenger of node v is another node, not NaN, with a value at least as high as v's. v is a
    local maximum if and only if the distance to its nearest challenger is greater than `hops`
    (or `radius`).

    A field that is not said is None and means the default of the call that the rule is given to:
    the first value below, but in `find_peaks` and `basins` ``ties="plateau"``, ``nan="omit"`` and
    ``absent="block"``. Answers carry their rule with every field filled in.

    Parameters
    ----------
    hops : int, optional
        Radius of the ball in hops, at least 1; 1 unless a `radius` is given.
    radius : float, optional
        Radius in edge weights, in their unit, above 0.
    ties : {"strict", "weak", "plateau", "index"}, optional
        Who challenges v. ``strict``: every other node with a value as high or higher. ``weak``:
        a higher node. ``plateau``: a node higher than v near any node of the plateau of v.
        ``index``: a higher node, or one as high with a lower index; the only choice that depends
        on how the nodes are numbered.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow, along it, or either.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum; True by default.
    nan : {"raise", "omit"}, optional
        Refuse NaN (NaT, masked, missing), or leave such nodes out: never a maximum, never a
        challenger.
    absent : {"pass", "block"}, optional
        Whether paths run through nodes that are left out (NaN, or outside `where`), or the
        graph is the subgraph induced by the others.
    extremum : {"max", "min"}, optional
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
    >>> Rule(ties="weak")
    Rule(ties='weak')
    >>> Rule(ties="weak").reach
    1
    """

    hops: int | None = None
    radius: float | None = None
    ties: Ties | None = None
    direction: Direction | None = None
    isolated: bool | None = None
    nan: Nan | None = None
    absent: Absent | None = None
    extremum: Extremum | None = None

    def __post_init__(self) -> None:
        if self.hops is not None and self.radius is not None:
            raise ValueError(
                f"`hops` and `radius` must not be given together, got {self.hops} and "
                f"{self.radius}; leave one out"
            )
        if self.hops is not None:
            object.__setattr__(self, "hops", integer(self.hops, "hops", 1))
        if self.radius is not None:
            object.__setattr__(self, "radius", number(self.radius, "radius", above=0))
        for name, words in WORDS.items():
            if getattr(self, name) is not None:
                one_of(getattr(self, name), name, words)
        if self.isolated is not None:
            object.__setattr__(self, "isolated", boolean(self.isolated, "isolated"))

    @property
    def reach(self) -> int | None:
        """Radius of the ball in hops, no longer than any path; None where there is a `radius`."""
        return None if self.radius is not None else min(self.hops or 1, MOST_NODES)

    @property
    def said(self) -> dict[str, Any]:
        """The fields that were said, by name."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}

    def filled(self, **defaults: Any) -> "FilledRule":
        """Return the rule with every field filled in.

        Parameters
        ----------
        **defaults
            Fields whose default is another one than usual.

        Returns
        -------
        Rule
            The same rule, in which only `hops` or `radius` is None.

        Examples
        --------
        >>> from graphmax import Rule
        >>> Rule(2).filled(ties="plateau").ties
        'plateau'
        """
        made: Any = replace(self, **{**DEFAULTS, **defaults, **self.said})
        filled: FilledRule = made if made.radius or made.hops else replace(made, hops=1)
        return filled

    def __repr__(self) -> str:
        return f"Rule({', '.join(f'{name}={value!r}' for name, value in self.said.items())})"


if TYPE_CHECKING:

    @dataclass(frozen=True, repr=False)
    class FilledRule(Rule):
        """A rule in which every field is said, for type checkers."""

        ties: Ties = "strict"
        direction: Direction = "in"
        isolated: bool = True
        nan: Nan = "raise"
        absent: Absent = "pass"
        extremum: Extremum = "max"

else:
    FilledRule = Rule
