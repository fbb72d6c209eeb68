"""Null fields of group designs: maps of subjects with random signs, or dealt to two groups."""

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph

Floats = NDArray[np.float64]


def maps_of(graph: Graph, values: Any) -> Floats:
    """Return maps (subjects, num_nodes), refusing what is none."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`values` must be real numbers, got dtype {array.dtype}")
    if array.ndim != 2 or array.shape[1] != graph.num_nodes or len(array) < 2:
        raise ValueError(
            f"`values` must have shape (subjects, {graph.num_nodes}) with at least 2 subjects for "
            f"a group design, got {array.shape}"
        )
    return array.astype(np.float64)


class SignFlips:
    """One group: is its mean above 0? Under the null a map is as likely as its negative."""

    def __init__(self, maps: Floats, _: Any, alpha: float) -> None:
        self.maps = maps
        if 2.0 ** len(maps) * alpha < 1:
            raise ValueError(
                f"`values` must hold more subjects for alpha={alpha:g}, got {len(maps)}: there "
                f"are only {2 ** len(maps)} ways to flip their signs"
            )
        self.squares = (maps**2).sum(axis=0)
        self.statistic = self._t(np.ones(len(maps)))

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return the t-statistic of a null."""
        return self._t(2 * rng.integers(0, 2, len(self.maps)) - 1)

    def _t(self, signs: NDArray[Any]) -> Floats:
        count, mean = len(self.maps), signs @ self.maps / len(self.maps)
        variance = (self.squares - count * mean**2) / (count - 1)
        return _ratio(mean, variance / count)


class LabelPermutations:
    """Two groups: is the mean of the second above that of the first? Labels are exchangeable."""

    def __init__(self, maps: Floats, design: Any, alpha: float) -> None:
        names, self.member = np.unique(np.asarray(design), return_inverse=True)
        if self.member.shape != (len(maps),) or names.size != 2:
            raise ValueError(
                f"`design` must name one of two groups for each of {len(maps)} subjects, got "
                f"{names.size} groups for {self.member.size}"
            )
        self.maps, self.second = maps, int(self.member.sum())
        ways = comb(len(maps), self.second)
        if ways * alpha < 1:
            raise ValueError(
                f"`values` must hold more subjects for alpha={alpha:g}, got {len(maps)}: there "
                f"are only {ways} ways to deal them to the groups"
            )
        self.sum, self.squares = maps.sum(axis=0), (maps**2).sum(axis=0)
        self.statistic = self._t(self.member)

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return the t-statistic of a null."""
        return self._t(rng.permutation(self.member))

    def _t(self, member: NDArray[Any]) -> Floats:
        second, first = self.second, len(self.maps) - self.second
        high = member @ self.maps
        low = self.sum - high
        within = self.squares - high**2 / second - low**2 / first
        variance = within / max(len(self.maps) - 2, 1) * (1 / first + 1 / second)
        return _ratio(high / second - low / first, variance)


def _ratio(mean: Floats, variance: Floats) -> Floats:
    """Return t; 0 where the maps are all alike up to rounding."""
    deviation = np.sqrt(np.maximum(variance, 0.0))
    flat = deviation <= 1e-12 * np.abs(mean)
    return np.where(flat, 0.0, mean / np.where(flat, 1.0, deviation))
