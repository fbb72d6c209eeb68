"""Counterexamples, and how a large one is made small."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphmax.symmetry.sample import Net, Picture, Sample, as_numpy

Found = TypeVar("Found")
MOST_ATTEMPTS = 600
_MOST_VALUES = 48


@dataclass(frozen=True)
class Counterexample:
    """A small input on which two answers that should be equal are not.

    ``input`` and ``transformed`` are the arguments of the operator, ``found`` is C(T(x)),
    ``expected`` is C(x) or T(C(x)), `told` says which draw of T it was, `picture` how x looks.
    """

    input: Any
    transformed: Any
    found: NDArray[Any]
    expected: NDArray[Any]
    told: str
    picture: str
    equation: str

    def __str__(self) -> str:
        """Write it in a few lines."""
        left, right = self.equation.split(" = ")
        return (
            f"x: {self.picture}\nT: {self.told}\n"
            f"{left} is {_short(self.found)}\n{right} is {_short(self.expected)}"
        )


def _short(array: NDArray[Any]) -> str:
    return np.array2string(array, threshold=64, precision=9, separator=", ")


def shrink(
    sample: Sample, found: Found, fails: Callable[[Sample], Found | None]
) -> tuple[Sample, Found]:
    """Take away nodes, edges, rows and columns, then simplify values, while it still fails."""
    left = MOST_ATTEMPTS
    smaller = True
    while smaller and left > 0:
        smaller = False
        for candidate in _smaller(sample):
            left -= 1
            result = fails(candidate)
            if result is not None:
                sample, found, smaller = candidate, result, True
                break
            if left == 0:
                break
    return sample, found


def _smaller(sample: Sample) -> Iterator[Sample]:
    if isinstance(sample, Net):
        yield from _smaller_nets(sample)
    else:
        yield from _smaller_pictures(sample)
    yield from _simpler_values(sample)


def _smaller_nets(net: Net) -> Iterator[Net]:
    count, edges = net.num_nodes, net.edges.shape[1]
    for keep in _thinned(count):
        yield net.take(keep, np.arange(edges))
    for keep in _thinned(edges):
        yield net.take(np.arange(count), keep)


def _thinned(count: int) -> Iterator[NDArray[np.int64]]:
    """List what is left of `count` things without a half, a quarter, ... one of them."""
    everything = np.arange(count)
    size = count // 2
    while size >= 1:
        for start in range(0, count, size):
            left = np.delete(everything, slice(start, start + size))
            if left.size:
                yield left
        size //= 2
    if count == 1:
        yield everything[:0]


def _smaller_pictures(picture: Picture) -> Iterator[Picture]:
    array = picture.array
    for axis in range(array.ndim):
        for keep in _thinned(array.shape[axis]):
            if keep.size:
                yield Picture(array[(slice(None),) * axis + (keep,)])


def _in_kind(numbers: NDArray[Any], like: Any) -> Any:
    if isinstance(like, np.ndarray):
        return numbers.astype(like.dtype)
    import torch

    return torch.from_numpy(np.ascontiguousarray(numbers)).to(like.device, like.dtype)


def _simpler_values(sample: Sample) -> Iterator[Sample]:
    """Replace the values by their ranks, then set one at a time to 0 or 1."""
    values = as_numpy(sample.values)
    if values.dtype.kind not in "iuf":
        return
    ranks = np.unique(values, return_inverse=True)[1].reshape(values.shape)
    if (ranks != values).any():
        yield sample.with_values(_in_kind(ranks, sample.values))
    for simple in (0, 1):
        complicated = np.argwhere((values != 0) & (values != 1) if simple else values != 0)
        for place in complicated[:_MOST_VALUES]:
            changed = sample.values.clone() if hasattr(sample.values, "clone") else values.copy()
            changed[tuple(place.tolist())] = simple
            yield sample.with_values(changed)
