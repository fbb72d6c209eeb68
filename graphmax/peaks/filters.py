"""What the table of peaks keeps, compared exactly, and the level that prominence ends at."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, number, one_of
from graphmax.values import exact_difference, order_key, takes_subnormals_for_zero, widened

ORDERS = ("height", "prominence", "isolation")
METRICS = ("hops", "weight", "euclidean")


@dataclass(frozen=True)
class Filters:
    """Everything that thins the table of `find_peaks`; None where nothing was asked."""

    height: Any = None
    prominence: float | None = None
    isolation: float | None = None
    distance: float | None = None
    metric: str | None = None
    count: int | None = None
    by: str = "height"

    @classmethod
    def of(
        cls,
        min_height: Any,
        min_prominence: Any,
        min_isolation: Any,
        min_distance: Any,
        metric: Any,
        num_peaks: Any,
        by: Any,
    ) -> "Filters":
        """Check what a caller wrote."""
        if metric is not None:
            one_of(metric, "metric", METRICS)
            if min_distance is None:
                raise ValueError(
                    f"`metric` must be given with min_distance, got {metric!r} alone; "
                    "it says in which unit min_distance is measured"
                )
        hint = "leave it out to keep all"
        return cls(
            min_height,
            at_least_zero(min_prominence, "min_prominence"),
            at_least_zero(min_isolation, "min_isolation"),
            at_least_zero(min_distance, "min_distance"),
            metric,
            None if num_peaks is None else integer(num_peaks, "num_peaks", 1, hint=hint),
            one_of(by, "by", ORDERS),
        )

    def reaches_height(self, array: NDArray[Any], *, downwards: bool) -> NDArray[np.bool_]:
        """Tell which values are as high (under `downwards` as low) as the least height."""
        return reaching(array, self.height, "min_height", downwards=downwards)


def at_least_zero(threshold: Any, name: str) -> float | None:
    """Return a threshold on a distance or a difference, refusing what is negative or NaN."""
    return None if threshold is None else number(threshold, name, least=0)


def reaching(
    array: NDArray[Any], threshold: Any, name: str, *, downwards: bool = False
) -> NDArray[np.bool_]:
    """Tell which values are at least a threshold; under `downwards` at most.

    Exactly, whatever the dtypes; NaN and NaT reach nothing. `name` is how errors call it.
    """
    bound = level_like(array, threshold, name)
    if array.dtype.kind == "f" and takes_subnormals_for_zero():
        return _reaching_by_bits(array, _float_bound(bound, downwards), downwards)
    if array.dtype.kind not in "mM":
        array, bound = _exactly(array, bound, downwards)
    return np.asarray(array <= bound if downwards else array >= bound)


def _reaching_by_bits(array: NDArray[Any], bound: float, downwards: bool) -> NDArray[np.bool_]:
    key, absent = order_key(array)
    least = order_key(np.array([bound])).key[0]
    reached: NDArray[np.bool_] = key <= least if downwards else key >= least
    return reached if absent is None else reached & ~absent


def level_like(array: NDArray[Any], level: Any, name: str) -> Any:
    """Return a level of the kind of the values, refusing NaN and NaT."""
    if array.dtype.kind in "mM":
        return _time(level, array.dtype, name)
    number(level, name)
    if isinstance(level, np.float16 | np.float32):  # a conversion may flush it to 0
        return widened(np.array([level])).item()
    return level.item() if isinstance(level, np.generic) else level


def _time(level: Any, dtype: np.dtype[Any], name: str) -> Any:
    kind = np.datetime64 if dtype.kind == "M" else np.timedelta64
    if not isinstance(level, kind):
        raise TypeError(f"`{name}` must be a {kind.__name__} like the values, got {level!r}")
    if np.isnat(level):
        raise ValueError(f"`{name}` must not be NaT")
    return level


def _exactly(
    array: NDArray[Any], threshold: int | float, downwards: bool
) -> tuple[NDArray[Any], int | float]:
    """Return array and threshold in types that NumPy compares without rounding."""
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False), _float_bound(threshold, downwards)
    if threshold in (math.inf, -math.inf):
        return array.astype(np.float64), threshold
    whole = math.floor(threshold) if downwards else math.ceil(threshold)
    return array.astype(np.uint8) if array.dtype.kind == "b" else array, whole


def _float_bound(threshold: int | float, downwards: bool) -> float:
    """Return the float that the same floats reach as the exact threshold."""
    try:
        bound = float(threshold)
    except OverflowError:
        bound = math.inf if threshold > 0 else -math.inf
    if downwards and bound > threshold:
        return math.nextafter(bound, -math.inf)
    return math.nextafter(bound, math.inf) if not downwards and bound < threshold else bound


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
