"""Python values, one per node, as one typed array that loses no digit."""

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXACT_IN_FLOAT = 2**53


def column_of(items: list[Any]) -> NDArray[Any]:
    """Turn one Python value per node into an array; None marks a node that lacks it.

    Integers stay exact: a column that no integer dtype can hold and that a float would round
    becomes an object array, which the comparing calls refuse by its dtype.
    """
    missing = np.fromiter((item is None for item in items), bool, len(items))
    if not missing.any():
        return _typed(items)
    present = [item for item in items if item is not None]
    known = _typed(present)
    column = np.zeros((len(items), *known.shape[1:]), known.dtype if present else np.float64)
    if present:
        column[~missing] = known
    mask = np.broadcast_to(missing.reshape(-1, *[1] * (column.ndim - 1)), column.shape)
    return np.ma.MaskedArray(column, mask)


def columns_of(records: list[dict[Any, Any]]) -> dict[str, NDArray[Any]]:
    """Turn one dictionary per node into columns by name."""
    names = dict.fromkeys(chain.from_iterable(records))
    return {str(name): column_of([record.get(name) for record in records]) for name in names}


def objects(items: list[Any]) -> NDArray[Any]:
    """Return an object array whose entries are the items, whatever they are."""
    array = np.empty(len(items), object)
    array[:] = items
    return array


def ids_of(nodes: list[Any]) -> NDArray[Any]:
    """Return node ids as int64 where all are Python integers that fit, as objects otherwise."""
    if set(map(type, nodes)) <= {int}:
        try:
            return np.fromiter(nodes, np.int64, len(nodes))
        except OverflowError:
            pass
    return objects(nodes)


def _typed(items: list[Any]) -> NDArray[Any]:
    kinds = set(map(type, items))
    try:
        array = np.asarray(items)
    except (ValueError, OverflowError):
        return objects(items)
    if array.dtype.kind in "US":
        return objects(items)
    if array.dtype.kind == "f" and kinds != {float} and _is_rounded(items):
        return objects(items)
    if array.dtype.kind in "mM" and _are_times_of_several_units(items):
        return objects(items)
    return array


def _is_rounded(items: list[Any]) -> bool:
    """Tell whether an integer among floats is beyond what a float holds."""
    integers = (item for item in _flat(items) if _is_integer(item))
    return any(abs(int(item)) > _EXACT_IN_FLOAT and int(float(item)) != item for item in integers)


def _is_integer(item: Any) -> bool:
    return isinstance(item, int | np.integer) and not isinstance(item, bool | np.bool_)


def _flat(items: list[Any]) -> Any:
    return chain.from_iterable(
        _flat(list(item)) if isinstance(item, list | tuple | np.ndarray) else (item,)
        for item in items
    )


def _are_times_of_several_units(items: list[Any]) -> bool:
    """Tell whether NumPy had to convert times, which wraps around silently."""
    units = {item.dtype for item in items if isinstance(item, np.datetime64 | np.timedelta64)}
    return len(units) > 1
