"""What a filter lets through: thresholds that are checked once and compared exactly."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def at_least_zero(threshold: Any, name: str) -> float | None:
    """Return a threshold on a distance or a difference, refusing what is negative or NaN."""
    if threshold is None:
        return None
    _number(threshold, name)
    if not threshold >= 0:
        raise ValueError(f"`{name}` must be at least 0, got {threshold}")
    return float(threshold)


def count(number: Any, name: str) -> int | None:
    """Return a number of rows, at least 1."""
    if number is None:
        return None
    if isinstance(number, bool | np.bool_) or not isinstance(number, int | np.integer):
        raise TypeError(f"`{name}` must be an integer of at least 1, got {number!r}")
    if number < 1:
        raise ValueError(f"`{name}` must be at least 1, got {number}; leave it out to keep all")
    return int(number)


def reaching(
    array: NDArray[Any], threshold: Any, name: str, *, downwards: bool = False
) -> NDArray[np.bool_]:
    """Tell which values are at least a threshold; under `downwards` at most.

    Exactly, whatever the dtypes; NaN and NaT reach nothing. `name` is how errors call it.
    """
    if array.dtype.kind in "mM":
        bound = _time(threshold, array.dtype, name)
    else:
        _number(threshold, name)
        if math.isnan(threshold):
            raise ValueError(f"`{name}` must not be NaN, got {threshold}")
        array, bound = _exactly(array, threshold, downwards)
    return np.asarray(array <= bound if downwards else array >= bound)


def _number(threshold: Any, name: str) -> None:
    number = (int, float, np.integer, np.floating, np.bool_)
    if isinstance(threshold, np.timedelta64) or not isinstance(threshold, number):
        raise TypeError(f"`{name}` must be a number, got {threshold!r}")


def _time(threshold: Any, dtype: np.dtype[Any], name: str) -> Any:
    kind = np.datetime64 if dtype.kind == "M" else np.timedelta64
    if not isinstance(threshold, kind):
        raise TypeError(f"`{name}` must be a {kind.__name__} like the values, got {threshold!r}")
    if np.isnat(threshold):
        raise ValueError(f"`{name}` must not be NaT")
    return threshold


def _exactly(
    array: NDArray[Any], threshold: Any, downwards: bool
) -> tuple[NDArray[Any], int | float]:
    """Return array and threshold in types that NumPy compares without rounding."""
    plain = threshold.item() if isinstance(threshold, np.generic) else threshold
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False), _float_bound(plain, downwards)
    if math.isinf(plain):
        return array.astype(np.float64), plain
    whole = math.floor(plain) if downwards else math.ceil(plain)
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
