"""What a check found: verdicts, comparisons, errors, and counterexamples made small."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from graphmax.notebook import html_table
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


CONFIDENCE = 0.95


@dataclass(frozen=True)
class Errors:
    """How far two outputs are apart: the largest and the mean over entries and trials.

    ``absolute`` in the unit of the output, ``relative`` to the larger of the two entries, ``ulps``
    in units in the last place of the dtype of the output (of whole numbers: their difference).
    """

    largest_absolute: float
    mean_absolute: float
    largest_relative: float
    mean_relative: float
    largest_ulps: float
    mean_ulps: float


@dataclass(frozen=True)
class Comparison:
    """One equation, asked `trials` times.

    ``worst_input`` are the arguments of the operator where the error was largest.
    """

    equation: str
    trials: int
    disagreements: int
    errors: Errors
    worst_input: Any
    counterexample: Counterexample | None

    @property
    def holds(self) -> bool:
        """Whether no trial disagreed."""
        return self.disagreements == 0

    @property
    def rate(self) -> float:
        """Share of the trials that disagreed."""
        return self.disagreements / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's 95 % confidence interval of the rate."""
        bad, good = self.disagreements, self.trials - self.disagreements
        tail = (1 - CONFIDENCE) / 2
        low = float(betaincinv(bad, good + 1, tail)) if bad else 0.0
        high = float(betaincinv(bad + 1, good, 1 - tail)) if good else 1.0
        return low, high

    def __str__(self) -> str:
        """Write it in a line."""
        low, high = self.interval
        return (
            f"{self.equation}: {self.disagreements} of {self.trials} trials disagree "
            f"({self.rate:.3f}, 95 % interval {low:.3f} to {high:.3f}), largest error "
            f"{self.errors.largest_absolute:.3g} ({self.errors.largest_ulps:.3g} ulps)"
        )


@dataclass(frozen=True)
class Verdict:
    """Whether an operator C is invariant, equivariant, both or neither under a transformation T.

    ``kind`` is one of "invariant", "equivariant", "both", "neither"; `invariance` compares C(T(x))
    with C(x), `equivariance` (None where T does not act on outputs) with T(C(x)). ``notes`` say
    what a reader should know: train mode, a transformation that changed nothing.
    """

    operator: str
    transformation: str
    trials: int
    tolerance: float
    invariance: Comparison
    equivariance: Comparison | None
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Which it is."""
        equivariant = self.equivariance is not None and self.equivariance.holds
        if self.invariance.holds:
            return "both" if equivariant else "invariant"
        return "equivariant" if equivariant else "neither"

    @property
    def decisive(self) -> Comparison:
        """The comparison the kind rests on: equivariance where it was asked, unless invariant."""
        if self.equivariance is None or self.kind == "invariant":
            return self.invariance
        return self.equivariance

    @property
    def rate(self) -> float:
        """Share of the trials that disagreed in the decisive comparison."""
        return self.decisive.rate

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the rate."""
        return self.decisive.interval

    @property
    def errors(self) -> Errors:
        """Largest and mean errors of the decisive comparison."""
        return self.decisive.errors

    @property
    def worst_input(self) -> Any:
        """Where the error of the decisive comparison was largest."""
        return self.decisive.worst_input

    @property
    def counterexample(self) -> Counterexample | None:
        """The smallest input found on which the decisive comparison fails, if it does."""
        return self.decisive.counterexample

    def _repr_html_(self) -> str:
        """Show the verdict and both comparisons in a notebook."""
        asked = [part for part in (self.invariance, self.equivariance) if part is not None]
        columns: dict[str, list[Any]] = {
            "equation": [part.equation for part in asked],
            "trials": [part.trials for part in asked],
            "disagree": [part.disagreements for part in asked],
            "rate, 95 % interval": [
                f"{part.interval[0]:.3g} to {part.interval[1]:.3g}" for part in asked
            ],
            "largest error": [part.errors.largest_absolute for part in asked],
        }
        notes = "".join(f"; {note}" for note in self.notes)
        caption = f"{self.operator} is {self.kind} under {self.transformation}{notes}"
        return html_table(columns, caption)

    def __str__(self) -> str:
        """Write the verdict, what it rests on, and the counterexample."""
        lines = [f"{self.operator} is {self.kind} under {self.transformation}"]
        lines += [f"  {part}" for part in (self.invariance, self.equivariance) if part is not None]
        lines += [f"  note: {note}" for note in self.notes]
        if self.counterexample is not None:
            lines += [f"  {line}" for line in str(self.counterexample).splitlines()]
        return "\n".join(lines)
