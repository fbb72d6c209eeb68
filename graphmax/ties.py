"""The rules of ties, one record each: what every part of the library has to know about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graphmax.kernels import compare


@dataclass(frozen=True)
class TieRule:
    """Who challenges a node, in the words of each part that asks.

    Parameters
    ----------
    name : str
        The word of the user.
    code : int
        What `graphmax.kernels.compare.challenges` is given.
    equals : {"all", "none", "earlier"}
        Which nodes of equal value stand against a node: all others, none, those of lower index.
    by_plateau : bool
        Whether a node speaks for its whole plateau. Such a rule is not local: no ball of fixed
        size holds the answer.
    learnable : bool
        Whether a network that treats equal nodes alike can represent the rule.
    sql : str or None
        Condition on the state ``s(r, hi, lo, id)`` after the last hop under which a row of the
        tables is unbeaten, ``{n}`` the number of rows; None where no fixed number of hops decides.
    """

    name: str
    code: int
    equals: str
    by_plateau: bool
    learnable: bool
    sql: str | None

    @property
    def is_local(self) -> bool:
        """Whether the ball of a node decides."""
        return not self.by_plateau

    def challenges(self, own: Any, other: Any, v: Any = 0, u: Any = 0) -> Any:
        """Tell, entry by entry, whether node u of key `other` stands against v of key `own`.

        Arrays or tensors; u is not v. Where the rule is not numbered the indices are not looked
        at.
        """
        if self.equals == "all":
            return other >= own
        if self.equals == "none":
            return other > own
        return (other > own) | ((other == own) & (u < v))


_RECORDS = (
    TieRule(
        "strict",
        compare.STRICT,
        equals="all",
        by_plateau=False,
        learnable=True,
        sql="hi = r * {n} + id AND lo = r * {n} + ({n} - 1) - id",
    ),
    TieRule(
        "weak",
        compare.WEAK,
        equals="none",
        by_plateau=False,
        learnable=True,
        sql="hi < (r + 1) * {n}",
    ),
    TieRule(
        "plateau",
        compare.WEAK,
        equals="none",
        by_plateau=True,
        learnable=False,
        sql=None,
    ),
    TieRule(
        "index",
        compare.INDEX,
        equals="earlier",
        by_plateau=False,
        learnable=False,
        sql="lo = r * {n} + ({n} - 1) - id",
    ),
)

TIES: Mapping[str, TieRule] = MappingProxyType({record.name: record for record in _RECORDS})
