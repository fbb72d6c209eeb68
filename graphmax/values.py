"""Attributes to one order-preserving int64 key and a mask of what is not a number; and back.

Comparisons never pass through a float: 2**53 and 2**53 + 1 are different, -0.0 equals 0.0, and
the smallest int64 is an ordinary value. Python values, one per node, become one typed array that
loses no digit.
"""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import check_plain_tensor
from graphmax.kernels.compare import double_keys, single_keys

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


COMPARABLE = "bool, int, uint, float16/32/64, bfloat16, datetime64 or timedelta64"
_TOP_BIT = np.uint64(1 << 63)
_PLAIN = (int, float, np.integer, np.floating, np.bool_)


class Keyed(NamedTuple):
    """The order of an attribute: int64 `key`, and a bool mask of what takes no part, or None."""

    key: NDArray[np.int64]
    absent: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Attribute:
    """An attribute as a plain array, and the way back to the user's kind of array.

    `array` has shape (num_nodes,) or (num_nodes, F) and a comparable dtype, `missing` marks nodes
    that lack it. `restore` turns a NumPy answer with one entry per node into what the user handed
    in, `convert` any other array into the same library on the same device.
    """

    array: NDArray[Any]
    name: str
    missing: NDArray[np.bool_] | None = None
    restore: Callable[[NDArray[Any]], Any] = lambda answer: answer
    convert: Callable[[NDArray[Any]], Any] = lambda answer: answer

    @property
    def num_nodes(self) -> int:
        """Length of the node axis."""
        return int(self.array.shape[0])

    def take(self, nodes: Any) -> "Attribute":
        """Return the attribute of some nodes only."""
        missing = None if self.missing is None else self.missing[nodes]
        return Attribute(self.array[nodes], self.name, missing)


def read_attribute(values: Any, name: str = "values") -> Attribute:
    """Take an array, tensor, masked array, Series or sequence as an attribute.

    It is a view where possible. Its dtype is bool, int, uint, float16/32/64, bfloat16,
    datetime64 or timedelta64; one that has no order that is exact is a TypeError. Errors call
    it `name`.
    """
    if type(values).__module__.partition(".")[0] == "torch" or hasattr(values, "untyped_storage"):
        return _from_torch(values, name)
    convert: Callable[[NDArray[Any]], Any] = _same
    library = type(values).__module__.partition(".")[0]
    if isinstance(values, Sequence) and not isinstance(values, str) and not _is_typed(values):
        values = column_of(list(values))
    elif library in ("pandas", "polars"):
        values, convert = _from_column(values)
    elif library == "pyarrow":
        values = _from_arrow(values)
    missing = None
    if isinstance(values, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(values) if np.ma.is_masked(values) else None
        values = values.data
    array = np.asarray(values)
    if array.dtype == object and array.size and _holds_nothing(array, missing):
        array, missing = np.zeros(array.shape), np.ones(array.shape, np.bool_)
    return Attribute(_comparable(array, name), name, missing, convert, convert)


def _holds_nothing(array: NDArray[Any], missing: NDArray[np.bool_] | None) -> bool:
    """Tell whether no entry of an object array is known: it is of no type, not of a wrong one."""
    if missing is not None and missing.all():
        return True
    return all(item is None for item in array.reshape(-1).tolist())


def _is_typed(values: Any) -> bool:
    """Tell whether a sequence is a buffer of one type: `array.array`, memoryview."""
    return hasattr(values, "itemsize")


def _same(answer: NDArray[Any]) -> Any:
    return answer


def _from_column(column: Any) -> tuple[NDArray[Any], Callable[[NDArray[Any]], Any]]:
    """Return a pandas array or a polars Series, masked where it is missing, and the way back."""
    if type(column).__module__.startswith("polars"):
        is_plain = not column.null_count() and not str(column.dtype).endswith("Int128")
        array = column.to_numpy() if is_plain else column_of(column.to_list())
        return array, lambda answer: type(column)(column.name, answer)
    missing = np.asarray(column.isna())
    plain = getattr(column.dtype, "numpy_dtype", None)
    if plain is None or np.dtype(plain).kind not in "biufmM":
        items = zip(missing, column.tolist(), strict=True)
        return column_of([None if gap else item for gap, item in items]), _same
    array = np.zeros(len(column), plain)
    array[~missing] = column[~missing].to_numpy(dtype=plain)
    return np.ma.MaskedArray(array, missing) if missing.any() else array, _same


def _from_arrow(column: Any) -> Any:
    """Return an array of pyarrow, masked where it is null: NumPy makes floats of such integers."""
    kind = str(column.type)
    if column.null_count and (kind == "bool" or "int" in kind):
        return column_of(column.to_pylist())
    return column


def _from_torch(tensor: Any, name: str) -> Attribute:
    import torch

    device = tensor.device
    check_plain_tensor(tensor, name)
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.to(torch.float32)
    if tensor.layout != torch.strided or tensor.is_complex():
        raise TypeError(f"`{name}` must be a dense tensor of {COMPARABLE}, got {tensor.dtype}")
    array = _comparable(tensor.cpu().resolve_neg().numpy(), name)

    def as_tensor(answer: NDArray[Any]) -> Any:
        return torch.from_numpy(answer).to(device)

    return Attribute(array, name, None, as_tensor, as_tensor)


def _comparable(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"`{name}` must have shape (num_nodes,) or (num_nodes, F), got {array.shape}"
        )
    if array.dtype.kind not in "biufmM" or array.dtype.itemsize > 8:
        raise TypeError(
            f"`{name}` must be {COMPARABLE}, got dtype {array.dtype}" + _first_strangers(array)
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _first_strangers(array: NDArray[Any]) -> str:
    """Say what an object array holds that has no exact order beside the rest."""
    if array.dtype != object:
        return "; map the text to numbers" if array.dtype.kind in "US" else ""
    items = list(enumerate(array.reshape(-1).tolist()))
    if any(isinstance(item, list) for _, item in items):
        return " (rows of integers beside floats are not exact in float64)"
    strangers = [(at, item) for at, item in items if not isinstance(item, _PLAIN)]
    if strangers:
        shown = ", ".join(f"{item!r} at {at}" for at, item in strangers[:3])
        if all(isinstance(item, Decimal | Fraction) for _, item in strangers):
            return f" (exact fractions, first {shown}; multiply them to whole numbers)"
        if all(isinstance(item, np.datetime64 | np.timedelta64) for _, item in strangers):
            return f" (times of several units, first {shown}; give all of them one)"
        if all(isinstance(item, str | None) for _, item in strangers):
            return _first_words(strangers)
        return f" ({len(strangers)} entries are no numbers, first {shown})"
    integers = [int(item) for _, item in items if isinstance(item, int | np.integer)]
    largest = max(integers, key=abs, default=0)
    if len(integers) == len(items):
        return f" (integers such as {largest} fit no integer dtype; pass their ranks)"
    return f" (integers such as {largest} beside floats are not exact in float64)"


def _first_words(texts: list[tuple[int, Any]]) -> str:
    """Say which texts keep a column from being numbers."""
    words = [(at, text) for at, text in texts if text is not None and not _is_number(text)]
    if not words:
        return f" (text, first {texts[0][1]!r}; convert it to numbers)"
    shown = ", ".join(f"{text[:20]!r} at {at}" for at, text in words[:3])
    return f" ({len(words)} entries are text and no numbers, first {shown})"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def order_key(array: NDArray[Any]) -> Keyed:
    """Map an attribute to int64 so that the order, and nothing but the order, is kept.

    Floats: the bits b of x where b >= 0, else b with all but the sign bit flipped, -0.0 as
    0.0; uint: the top bit flipped; everything else as it is. No float is added or compared:
    where the processor takes subnormal numbers for 0 (`torch.set_flush_denormal`), they are
    still told apart.
    """
    kind = array.dtype.kind
    if kind == "f":
        return _float_key(np.ascontiguousarray(array))
    if array.dtype == np.uint64:
        return Keyed((array ^ _TOP_BIT).view(np.int64), None)
    if kind in "mM":
        absent = np.isnat(array)
        return Keyed(array.view(np.int64), absent if absent.any() else None)
    return Keyed(array.astype(np.int64, copy=False), None)


def _float_key(array: NDArray[Any]) -> Keyed:
    key = np.empty(array.shape, np.int64)
    if array.dtype == np.float32:
        any_nan = single_keys(array.reshape(-1).view(np.int32), key.reshape(-1))
    else:
        doubles = array.astype(np.float64, copy=False)
        any_nan = double_keys(doubles.reshape(-1).view(np.int64), key.reshape(-1))
    return Keyed(key, np.isnan(array) if any_nan else None)


def takes_subnormals_for_zero() -> bool:
    """Say whether the processor does, as `torch.set_flush_denormal` has it.

    Then floats are compared and subtracted by their bits.
    """
    return bool(np.array([1], np.int64).view(np.float64)[0] == 0)


def check_sums(weights: NDArray[np.float64]) -> None:
    """Refuse weights whose sums this processor would take for 0 though they are not."""
    if not takes_subnormals_for_zero() or not weights.size:
        return
    bits = weights.view(np.int64)
    size = bits & np.iinfo(np.int64).max
    # Of one sign, only subnormal terms have a subnormal sum; of two signs, those 53 bits above too.
    least = 1 if not (bits[size > 0] < 0).any() else 1 + _SUBNORMAL_BITS + 1
    lost = np.flatnonzero((size > 0) & (size < least << _SUBNORMAL_BITS))
    if lost.size:
        raise ValueError(
            f"`graph` must have weights whose sums are no subnormal numbers where the processor "
            f"takes those for 0, got {lost.size} entries that may make one; multiply the weights, "
            "or call torch.set_flush_denormal(False)"
        )


_SUBNORMAL_BITS = 52
_TINY = np.finfo(np.float64).tiny


def widened(array: NDArray[Any]) -> NDArray[np.float64]:
    """Return floats as those of 64 bits, without a conversion: that flushes them too."""
    key = order_key(array).key
    return np.where(key < 0, key ^ np.iinfo(np.int64).max, key).view(np.float64)


def _with_subnormals(
    difference: NDArray[np.float64], high: NDArray[np.float64], low: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Put in the differences to which a subnormal number can add: multiples of the least one."""
    lost = np.abs(difference) < _TINY * 2.0 ** (_SUBNORMAL_BITS + 12)
    bits = [
        _bits(_steps(above) - _steps(below))
        for above, below in zip(high[lost].tolist(), low[lost].tolist(), strict=True)
    ]
    difference[lost] = np.array(bits, np.uint64).view(np.float64)
    return difference


def _steps(value: float) -> int:
    """Return a finite float as a multiple of the least subnormal, from its bits."""
    bits = int.from_bytes(struct.pack("<d", value), "little")
    exponent, fraction = (bits >> _SUBNORMAL_BITS) & 0x7FF, bits & ((1 << _SUBNORMAL_BITS) - 1)
    whole = fraction if exponent == 0 else (fraction | 1 << _SUBNORMAL_BITS) << (exponent - 1)
    return -whole if bits >> 63 else whole


def _bits(steps: int) -> int:
    """Return the bits of a multiple of the least subnormal, rounded once."""
    size = abs(steps)
    if size >> (_SUBNORMAL_BITS + 1):  # a normal number, and may be rounded
        size = int.from_bytes(struct.pack("<d", math.ldexp(float(size), -1074)), "little")
    return size | (steps < 0) << 63


def exact_difference(high: NDArray[Any], low: NDArray[Any]) -> NDArray[np.float64]:
    """Return ``high - low``, the exact difference rounded once to float64.

    Its sign is always right; the difference of equal infinities is 0; times give ticks of
    their unit.
    """
    if high.dtype.kind == "f":
        by_bits = takes_subnormals_for_zero()
        if by_bits:
            high, low = widened(high), widened(low)
        with np.errstate(invalid="ignore", over="ignore"):
            difference = high.astype(np.float64) - low.astype(np.float64)
        difference[high == low] = 0.0
        return _with_subnormals(difference, high, low) if by_bits else difference
    first, second = order_key(high).key, order_key(low).key
    larger, smaller = np.maximum(first, second), np.minimum(first, second)
    distance = (larger.view(np.uint64) - smaller.view(np.uint64)).astype(np.float64)
    return np.where(first >= second, distance, -distance)
