"""Checks of what users hand in, each once; an error names the argument, the rule and the value."""

import math
import sys
import warnings
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_NODES = 2**31 - 1
# Above this, an edge list without a node count must use at least one index in a hundred.
UNASKED_NODES = 10_000_000
_MOST_BITS = 4096


def integer(
    value: Any, name: str, least: int | None = None, most: int | None = None, *, hint: str = ""
) -> int:
    """Return an int from any kind of integer (NumPy's too, bool not), refusing one out of range.

    `hint` is a way out that errors add.
    """
    hint = f"; {hint}" if hint else ""
    if _is_no_number(value) or not isinstance(value, int | np.integer):
        wanted = "an integer" + ("" if least is None else f" of at least {least}")
        raise TypeError(f"`{name}` must be {wanted}, got {value!r}{hint}")
    if (bits := int(value).bit_length()) > _MOST_BITS:  # Python does not write these as decimals
        raise ValueError(f"`{name}` must be an integer of at most {_MOST_BITS} bits, got {bits}")
    _check_range(int(value), value, name, least, most, hint)
    return int(value)


def number(
    value: Any,
    name: str,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    hint: str = "",
) -> float:
    """Return a float from any kind of real number (bool not), refusing NaN and one out of range."""
    hint = f"; {hint}" if hint else ""
    wanted = "a number" + ("" if above is None else f" above {above:g}")
    if _is_no_number(value) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"`{name}` must be {wanted}, got {value!r}{hint}")
    if above is not None and not value > above:
        raise ValueError(f"`{name}` must be above {above:g}, got {value}{hint}")
    if value != value:
        raise ValueError(f"`{name}` must be {wanted}, got NaN{hint}")
    _check_range(value, value, name, least, most, hint)
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats
        return math.inf if value > 0 else -math.inf


def _check_range(value: Any, shown: Any, name: str, least: Any, most: Any, hint: str) -> None:
    if least is not None and value < least:
        bound = f"at least {least}" if most is None else f"from {least} to {most}"
    elif most is not None and value > most:
        bound = f"at most {most}" if least is None else f"from {least} to {most}"
    else:
        return
    raise ValueError(f"`{name}` must be {bound}, got {shown}{hint}")


def boolean(value: Any, name: str) -> bool:
    """Return a bool, refusing everything else."""
    if not is_bool(value):
        raise TypeError(f"`{name}` must be True or False, got {value!r}")
    return bool(value)


def one_of(value: Any, name: str, choices: Collection[str], *, hint: str = "") -> str:
    """Return a word, refusing one that is none of the choices."""
    if isinstance(value, str) and value in choices:
        return value
    quoted = ", ".join(repr(choice) for choice in choices)
    near = get_close_matches(value, choices, n=1) if isinstance(value, str) else []
    suffix = f"; did you mean {near[0]!r}?" if near and not hint else f"; {hint}" if hint else ""
    raise ValueError(f"`{name}` must be one of {quoted}, got {value!r}{suffix}")


def random_generator(generator: Any) -> np.random.Generator:
    """Return a source of randomness, made of torch's where it is torch's; refusing seeds."""
    if isinstance(generator, np.random.Generator):
        return generator
    if type(generator).__module__.partition(".")[0] == "torch" and hasattr(generator, "get_state"):
        import torch

        return np.random.default_rng(int(torch.randint(2**63 - 1, (1,), generator=generator)))
    raise TypeError(
        f"`generator` must be a numpy.random.Generator, got {type(generator).__name__}; "
        "pass np.random.default_rng(seed)"
    )


def either(choices: Collection[str]) -> str:
    """Write words as alternatives: 'a', 'b' or 'c'."""
    *others, last = [repr(choice) for choice in choices]
    return f"{', '.join(others)} or {last}" if others else last


def _is_no_number(value: Any) -> bool:
    """Tell whether a value is of a kind that Python or NumPy derives from integers."""
    return is_bool(value) or isinstance(value, np.timedelta64)


def is_bool(value: Any) -> bool:
    """Tell whether a value is Python's or NumPy's bool."""
    return isinstance(value, bool | np.bool_)


def is_tensor(obj: Any) -> bool:
    """Tell whether an object is a torch tensor, without importing torch."""
    return hasattr(obj, "untyped_storage")


def check_plain_tensor(tensor: Any, name: str = "tensor") -> None:
    """Refuse tensors that NumPy has no array for: of another layout or dtype, or without data."""
    if getattr(tensor, "is_nested", False):
        kind, way_out = "a nested tensor", "torch.nested.to_padded_tensor, or one call per part"
    elif getattr(tensor, "is_quantized", False):
        kind, way_out = "a quantized tensor", "pass tensor.dequantize()"
    elif getattr(tensor, "is_meta", False):
        kind, way_out = "a tensor on device 'meta', which holds no data", "move it to a real one"
    elif str(tensor.dtype).startswith(("torch.float8", "torch.float4", "torch.bits")):
        kind, way_out = f"dtype {tensor.dtype}", "pass tensor.float()"
    elif not _has_memory(tensor):
        kind, way_out = "a tensor without memory, of a trace or vmap", "call it on real tensors"
    else:
        return
    raise TypeError(f"`{name}` must be dense numbers that NumPy knows, got {kind}; {way_out}")


def _has_memory(tensor: Any) -> bool:
    """Tell whether numbers lie somewhere; those of sparse layouts lie in tensors of their own."""
    if str(tensor.layout) != "torch.strided":
        return True
    if hasattr(tensor, "fake_mode"):
        return False
    try:
        tensor.data_ptr()
    except RuntimeError:
        return False
    return True


def to_numpy(obj: Any, name: str = "tensor") -> NDArray[Any]:
    """Return a dense tensor (on any device) as a NumPy array, an array as it is."""
    if not is_tensor(obj):
        return np.asarray(obj)
    if hasattr(obj, "as_tensor"):  # PyG's EdgeIndex
        obj = obj.as_tensor()
    check_plain_tensor(obj, name)
    if str(obj.layout) != "torch.strided":
        raise TypeError(
            f"`{name}` must be a dense tensor, got layout {obj.layout}; pass tensor.to_dense()"
        )
    tensor = obj.detach().cpu().resolve_conj().resolve_neg()
    if str(tensor.dtype) == "torch.bfloat16":  # NumPy has no such dtype, and float32 holds all
        tensor = tensor.float()
    array: NDArray[Any] = tensor.numpy()
    return array


class GraphmaxWarning(UserWarning):
    """Something was read in one of two possible ways; the message names the way out.

    Examples
    --------
    >>> import warnings
    >>> from graphmax import GraphmaxWarning
    >>> warnings.simplefilter("ignore", GraphmaxWarning)
    """


def warn(message: str) -> None:
    """Warn at the line of the user's code that called into the package, once per place."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("graphmax"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, GraphmaxWarning, stacklevel=level)


def first_five(items: Iterable[Any]) -> str:
    """List up to five items for an error."""
    return ", ".join(str(item) for _, item in zip(range(5), items, strict=False))


def unmasked(array: Any, name: str) -> Any:
    """Return what hides no entry, refusing a masked array: NumPy would read what lies beneath."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    hidden = np.flatnonzero(np.ma.getmaskarray(array))
    if hidden.size:
        raise ValueError(
            f"`{name}` must be known everywhere, got {hidden.size} masked entries (first five: "
            f"{first_five(hidden)}); leave them out, or fill them in"
        )
    return array.data


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view."""
    view = array.view()
    view.flags.writeable = False
    return view


def unchanging(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array where nobody can write to its memory, else a read-only copy."""
    if not isinstance(array, np.ma.MaskedArray):
        part: Any = array
        while isinstance(part, np.ndarray) and not part.flags.writeable:
            part = part.base
        if part is None or isinstance(part, bytes):
            return array
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def row_numbers(array: ArrayLike, name: str, dtype: Any) -> NDArray[Any]:
    """Return pointers or indices of rows as a one-dimensional array that nobody else changes."""
    given = np.asarray(unmasked(array, name))
    if given.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional, got shape {given.shape}")
    if given.size and given.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must hold integers, got dtype {given.dtype}")
    numbers = np.ascontiguousarray(given, dtype)
    return unchanging(numbers) if np.may_share_memory(numbers, given) else numbers


def node_indices(array: ArrayLike, name: str) -> NDArray[Any]:
    """Return a 1-D int32 or int64 array of node indices; their range is not looked at."""
    indices = to_numpy(unmasked(array, name), name)
    if indices.size == 0:
        return np.empty(0, np.int64)
    if indices.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional, got shape {indices.shape}")
    if indices.dtype.kind not in "iu":
        raise TypeError(
            f"`{name}` must hold integer node indices, got dtype {indices.dtype}; "
            "pass the ids as labels and number the nodes with np.unique(ids, return_inverse=True)"
        )
    if indices.dtype == np.uint64 and indices.max() > np.iinfo(np.int64).max:
        raise ValueError(f"`{name}` must be below 2**31 - 1, got {indices.max()}")
    kind = np.int32 if indices.dtype.itemsize <= 2 or indices.dtype == np.int32 else np.int64
    return np.ascontiguousarray(indices, kind)


def node_count(num_nodes: Any) -> int:
    """Return a number of nodes that is given outright."""
    return integer(num_nodes, "num_nodes", 0, MOST_NODES)


def node_count_of(ends: tuple[NDArray[Any], NDArray[Any]]) -> int:
    """Return the largest index plus one, refusing one that the edges cannot account for."""
    largest = max((int(end.max()) for end in ends if end.size), default=-1)
    if largest >= max(UNASKED_NODES, 100 * ends[0].size):
        raise ValueError(
            f"`num_nodes` must be given when the largest node index is far above the number of "
            f"edges, got index {largest} with {ends[0].size} edges; pass num_nodes, or number the "
            "nodes with np.unique(ids, return_inverse=True) and pass the ids as labels"
        )
    return largest + 1


def first_outside(ends: tuple[NDArray[Any], NDArray[Any]], count: int, at: int) -> ValueError:
    """Return the error for edge `at`, one end of which is not a node."""
    name, end = next(
        (name, end[at])
        for name, end in zip(("src", "dst"), ends, strict=True)
        if not 0 <= end[at] < count
    )
    return ValueError(
        f"`{name}` must hold node indices from 0 to {count - 1} (num_nodes - 1), "
        f"got {end} at edge {at}"
    )


def edge_weights(weights: ArrayLike, count: int, name: str = "weights") -> NDArray[np.float64]:
    """Return float64 weights, none of them NaN."""
    array = to_numpy(unmasked(weights, name), name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must be real numbers, got dtype {array.dtype}")
    if array.shape != (count,):
        raise ValueError(f"`{name}` must have one entry per edge ({count},), got {array.shape}")
    result = np.ascontiguousarray(array, np.float64)
    bad = np.isnan(result)
    if bad.any():
        raise ValueError(
            f"`{name}` must not be NaN, got NaN at edge {int(bad.argmax())} "
            f"({int(bad.sum())} in all); leave the weights out, or keep them beside the graph"
        )
    return result


def node_labels(labels: ArrayLike, count: int) -> NDArray[Any]:
    """Return labels as int64 or object (count,), unique."""
    labels = unmasked(labels, "labels")
    array = labels if isinstance(labels, np.ndarray) else _label_array(labels)
    if array.dtype.kind in "iu" and array.dtype != np.uint64:
        array = array.astype(np.int64, copy=False)
    elif array.dtype != object:
        array = array.astype(object)
    if array.shape != (count,):
        raise ValueError(f"`labels` must have one entry per node ({count},), got {array.shape}")
    if not _all_different(array):
        raise ValueError(f"`labels` must be unique, got {_first_repeat(array)!r} more than once")
    return unchanging(array)


def _all_different(array: NDArray[Any]) -> bool:
    if array.dtype == object:
        return len(set(array)) == array.size
    # Sorting millions of labels that are sorted already would cost a third of reading a file.
    return bool((array[1:] > array[:-1]).all()) or np.unique(array).size == array.size


def _label_array(labels: Any) -> NDArray[Any]:
    items = list(labels)
    if items and all(type(item) is int and -(2**63) <= item < 2**63 for item in items):
        return np.array(items, np.int64)
    array = np.empty(len(items), object)
    array[:] = items
    return array


def _first_repeat(array: NDArray[Any]) -> Any:
    seen: set[Any] = set()
    for item in array.tolist():
        if item in seen:
            return item
        seen.add(item)
    raise AssertionError("no label repeats")


def node_column(name: str, column: ArrayLike, count: int) -> NDArray[Any]:
    """Return an attribute as a read-only array whose first axis has one entry a node."""
    array = column if isinstance(column, np.ndarray) else np.asarray(column)
    if array.ndim == 0 or array.shape[0] != count:
        got = array.shape[0] if array.ndim else "a single value"
        raise ValueError(
            f"`attributes[{name!r}]` must have one entry per node ({count}), got {got}"
        )
    return unchanging(array)


def node_mask(mask: ArrayLike, count: int, name: str = "mask") -> NDArray[np.bool_]:
    """Return a bool mask with one entry per node."""
    array = to_numpy(unmasked(mask, name))
    if array.dtype != bool:
        raise TypeError(f"`{name}` must be bool, got dtype {array.dtype}; pass a mask of nodes")
    if array.shape != (count,):
        raise ValueError(f"`{name}` must have one entry per node ({count},), got {array.shape}")
    return array


def group_codes(groups: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return groups of any kind that can be compared for equality as numbers."""
    groups = unmasked(groups, "groups")
    array = groups if isinstance(groups, np.ndarray) else np.array(groups, dtype=None)
    if array.shape != (count,):
        raise ValueError(f"`groups` must have one entry per node ({count},), got {array.shape}")
    if array.dtype != object:
        return np.unique(array, return_inverse=True)[1].astype(np.int64)
    numbers: dict[Any, int] = {}
    codes = (numbers.setdefault(item, len(numbers)) for item in array.tolist())
    return np.fromiter(codes, np.int64, count)


def grid_shape(shape: Any, count: int) -> tuple[int, ...]:
    """Return the sides of a grid of `count` pixels."""
    sides = tuple(integer(side, "shape", 0) for side in shape)
    if math.prod(sides) != count or not sides:
        raise ValueError(f"`shape` must have one pixel per node ({count}), got {sides}")
    return sides


def node_positions(positions: ArrayLike, count: int) -> NDArray[np.float64]:
    """Return positions as a read-only float64 (count, d)."""
    array = np.array(unmasked(positions, "positions"), np.float64)
    if array.ndim != 2 or array.shape[0] != count:
        raise ValueError(f"`positions` must have shape ({count}, d), got {array.shape}")
    return frozen(array)


def near_names(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """Say which known names are near to `name`, or which there are."""
    names = [str(known_name) for known_name in known]
    near = get_close_matches(name, names, n=3, cutoff=0.5) or names[:8]
    quoted = ", ".join(repr(near_name) for near_name in near)
    return f"did you mean {quoted}?" if names else "there are none"
