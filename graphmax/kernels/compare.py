"""Compare two nodes: the one test of whether node u stands against node v.

Every loop that compares two nodes inlines `challenges`; what it does with the answer is its own
affair. A rule of ties is known here by its code alone; `graphmax.ties` holds the rest.
"""

from graphmax.kernels.compiled import kernel

# EVERYONE is no rule of ties: with it every other node stands against v (who is its rival?).
STRICT, WEAK, INDEX, EVERYONE = 0, 1, 2, 3


@kernel(inline="always")
def challenges(own, v, other, u, ties):
    """Whether node u of key `other` stands against node v of key `own` (u is not v, NaN aside)."""
    if other != own:
        return other > own
    return ties == STRICT or (ties == INDEX and u < v)
