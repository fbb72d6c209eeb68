"""The level that the highest peak of each component is measured from, if it is given."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.peaks.filters import level_like
from graphmax.values import exact_difference


@dataclass(frozen=True)
class SeaLevel:
    """What the first peak of a component stands on: a level that was given."""

    level: Any

    @classmethod
    def of(cls, array: NDArray[Any], base: Any) -> "SeaLevel":
        """Check a level; one of times must be a whole number of their unit."""
        level = level_like(array, base, "base")
        if array.dtype.kind in "mM":
            if level.astype(array.dtype) != level:
                raise ValueError(
                    f"`base` must be a whole number of the unit of the values ({array.dtype}), "
                    f"got {level}"
                )
            level = level.astype(array.dtype)
        return cls(level)

    @property
    def _is_infinite(self) -> bool:
        return self.level in (math.inf, -math.inf)

    def below(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Return ``array - level``, the exact difference rounded once."""
        fitting = self._as(array.dtype)
        if fitting is not None:
            return exact_difference(array, np.full_like(array, fitting))
        if array.dtype.kind == "f" or _are_floats(array) or self._is_infinite:
            array, fitting = array.astype(np.float64), self._as(np.dtype(np.float64))
        if fitting is not None:
            return exact_difference(array, np.full_like(array, fitting))
        differences = [_exact(value) - Fraction(self.level) for value in array.tolist()]
        return np.array([_rounded(difference) for difference in differences], np.float64)

    def _as(self, dtype: np.dtype[Any]) -> Any:
        """Return the level in the dtype of the values; None where that would change it."""
        if dtype.kind in "mM":
            return self.level
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                try:
                    cast = np.array(self.level, dtype)
                except OverflowError:
                    return None
            return cast if float(cast) == self.level else None
        if self._is_infinite or int(self.level) != self.level:
            return None
        low, high = (0, 1) if dtype.kind == "b" else _bounds(dtype)
        return int(self.level) if low <= self.level <= high else None

    def put_into(self, values: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[Any]:
        """Write the level into some rows, in a dtype that can hold it."""
        fitting = self._as(values.dtype)
        if fitting is None:
            values, fitting = values.astype(np.float64), _rounded(self.level)
        values[rows] = fitting
        return values


def _bounds(dtype: np.dtype[Any]) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _are_floats(array: NDArray[Any]) -> bool:
    """Tell whether float64 holds every one of some integers."""
    return bool(array.size == 0 or (array.max() <= 2**53 and array.min() >= -(2**53)))


def _exact(value: Any) -> Any:
    return value if isinstance(value, float) and math.isinf(value) else Fraction(value)


def _rounded(difference: Any) -> float:
    try:
        return float(difference)
    except OverflowError:
        return math.inf if difference > 0 else -math.inf
