"""Isolation and margin of many attributes at once, from a distance matrix in plain NumPy.

Axes: v (who is asked), u (the other node), pattern. For the proofs by exhaustion.
"""

import numpy as np

NONE = np.iinfo(np.int64).max


def together(distance, patterns):
    """bool (v, w, pattern): whether w belongs to the plateau of v."""
    equal = patterns[:, None] == patterns[None]
    joined = equal & (distance <= 1)[:, :, None]
    for middle in range(len(distance)):
        joined |= joined[:, middle, None] & joined[None, middle]
    return joined


def challenging(patterns, ties):
    """bool (v, u, pattern): whether u challenges v."""
    own, other = patterns[:, None], patterns[None]
    if ties == "strict":
        above = other >= own
    elif ties == "index":
        lower = np.arange(len(patterns))[None, :, None] < np.arange(len(patterns))[:, None, None]
        above = (other > own) | ((other == own) & lower)
    else:
        above = other > own
    return above & ~np.eye(len(patterns), dtype=bool)[:, :, None]


def matrix_isolation(distance, patterns, ties):
    """Distance to the nearest challenger (inf: none) and its index (-1: none)."""
    reach = np.where(challenging(patterns, ties), distance[:, :, None], np.inf)
    if ties == "plateau":
        mates = together(distance, patterns)
        joined = [np.where(mates[v][:, None], reach, np.inf).min(axis=0) for v in range(len(reach))]
        reach = np.stack(joined)
    nearest = reach.min(axis=1)
    index = np.arange(len(patterns))[None, :, None]
    # The highest, then the lowest index: patterns are small integers.
    order = patterns[None].astype(np.int64) * len(patterns) - index
    best = np.where(reach == nearest[:, None], order, -NONE).argmax(axis=1)
    return nearest, np.where(np.isinf(nearest), -1, best)


def matrix_margin(distance, patterns, hops):
    """Own value minus the largest of the other nodes within `hops`; inf without any."""
    others = (distance <= hops) & ~np.eye(len(distance), dtype=bool)
    rival = np.where(others[:, :, None], patterns[None].astype(float), -np.inf).max(axis=1)
    return patterns - rival
