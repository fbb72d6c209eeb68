"""One trial: ask an operator safely before and after, and compare.

What a check found: verdicts, comparisons, errors, and counterexamples made small.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from graphmax.checks import is_tensor
from graphmax.notebook import html_table
from graphmax.symmetry.sample import Move, Net, Picture, Sample, Transformation, as_numpy

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


# --- One trial: ask an operator safely before and after, and compare


def name_of(operator: Any) -> str:
    """Return what a verdict calls an operator."""
    inner = getattr(operator, "func", operator)
    name = getattr(inner, "__name__", type(inner).__name__)
    bound = getattr(operator, "keywords", None) or {}
    return name + ("(" + ", ".join(f"{k}={v!r}" for k, v in bound.items()) + ")" if bound else "")


def caller(operator: Any) -> Callable[[Sample], NDArray[Any]]:
    """Return what asks an operator about a sample."""
    if not callable(operator):
        raise TypeError(f"`operator` must be callable, got {type(operator).__name__}")
    splits = _wants_two(operator)

    def call(sample: Sample) -> NDArray[Any]:
        arguments = sample.with_values(_copy(sample.values)).arguments()
        if splits and isinstance(sample, Net) and len(arguments) == 1:
            arguments = arguments[0].x, arguments[0].edge_index
        return _one_array(operator(*arguments))

    return call


def _wants_two(operator: Any) -> bool:
    try:
        signature = inspect.signature(getattr(operator, "forward", operator))
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [
        p for p in signature.parameters.values() if p.kind in kinds and p.default is p.empty
    ]
    return len(required) >= 2


def _copy(array: Any) -> Any:
    return array.clone() if is_tensor(array) else array.copy()


def _one_array(output: Any) -> NDArray[Any]:
    if isinstance(output, tuple | dict) or hasattr(output, "edge_index"):
        raise TypeError(
            f"`operator` must return one array or tensor, got {type(output).__name__}; "
            "wrap it in a function that returns the part you ask about"
        )
    array = as_numpy(output)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`operator` must return real numbers or bool, got dtype {array.dtype}")
    return array


def refuse_nan(output: NDArray[Any]) -> None:
    """Refuse an output with NaN."""
    if output.dtype.kind == "f" and np.isnan(output).any():
        raise ValueError(
            f"`operator` must not return NaN, got {int(np.isnan(output).sum())} among "
            f"{output.size} entries; two NaN cannot be compared"
        )


def refuse_chance(operator: Any, first: NDArray[Any], second: NDArray[Any]) -> None:
    """Refuse an operator that gave two answers to one question."""
    dropping = [
        type(layer).__name__
        for layer in (operator.modules() if hasattr(operator, "modules") else ())
        if "Dropout" in type(layer).__name__ and layer.training and getattr(layer, "p", 1) > 0
    ]
    differ = (
        first.shape != second.shape or not np.array_equal(first, second, equal_nan=True)
        if first.dtype.kind == "f"
        else not np.array_equal(first, second)
    )
    if dropping or differ:
        training = getattr(operator, "training", False)
        why = "it is in train mode, call operator.eval() first" if training else "fix its seed"
        raise ValueError(
            "`operator` must not be random, got "
            + (f"{dropping[0]} in train mode" if dropping else "two answers to one question")
            + f"; {why}"
        )


@contextmanager
def left_alone(operator: Any) -> Iterator[None]:
    """Ask without gradients, and give a module its buffers back afterwards."""
    if not hasattr(operator, "named_buffers"):
        yield
        return
    import torch

    kept = {name: buffer.clone() for name, buffer in operator.named_buffers()}
    try:
        with torch.no_grad():
            yield
    finally:
        for name, buffer in operator.named_buffers():
            if name in kept:
                buffer.data.copy_(kept[name])


Call = Callable[[Sample], NDArray[Any]]
OutputTransformation = Transformation | Callable[[Any], Any] | None


@dataclass(frozen=True)
class Pair:
    """Two outputs that an equation says are equal; of different shapes they are not."""

    found: NDArray[Any]
    expected: NDArray[Any]

    @property
    def same_shape(self) -> bool:
        """Whether they can be compared entry by entry."""
        return self.found.shape == self.expected.shape

    def absolute(self) -> NDArray[np.float64]:
        """Return the error of every entry; equal infinities have none."""
        if not self.same_shape:
            return np.array([np.inf])
        if self.found.dtype.kind == "b" or self.expected.dtype.kind == "b":
            return np.asarray(self.found != self.expected, np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            error = np.abs(self.found.astype(np.float64) - self.expected.astype(np.float64))
        return np.where(self.found == self.expected, 0.0, error)

    def largest(self) -> float:
        """Return the largest error."""
        return float(self.absolute().max(initial=0.0))

    def scale(self) -> float:
        """Return the largest finite entry in absolute value; 0 for whole numbers."""
        if self.found.dtype.kind not in "fc" or not self.same_shape:
            return 0.0
        entries = np.abs(np.concatenate([self.found.ravel(), self.expected.ravel()]))
        return float(entries[np.isfinite(entries)].max(initial=0.0))

    def relative(self) -> NDArray[np.float64]:
        """Return each error as a share of the larger entry."""
        return self._by(lambda size: size)

    def ulps(self) -> NDArray[np.float64]:
        """Return each error in units in the last place of the output's dtype."""
        kind = self.found.dtype
        if kind.kind != "f":
            return self.absolute()
        return self._by(lambda size: np.spacing(size.astype(kind)).astype(np.float64))

    def _by(self, unit: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.float64]:
        error = self.absolute()
        if not self.same_shape:
            return error
        size = np.maximum(np.abs(self.found.astype(float)), np.abs(self.expected.astype(float)))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = error / unit(size)
        return np.where(error == 0, 0.0, np.where(np.isnan(share), np.inf, share))


@dataclass(frozen=True)
class Trial:
    """An input, one draw of the transformation, and the two pairs; equivariance may be unasked."""

    sample: Sample
    move: Move
    invariance: Pair
    equivariance: Pair | None


def attempt(
    call: Call,
    transformation: Transformation,
    sample: Sample,
    rng: np.random.Generator,
    output_transformation: OutputTransformation = None,
) -> Trial:
    """Ask the operator on an input and on its transform."""
    move = transformation.draw(rng, sample)
    before, after = call(sample), call(move.moved)
    expected = _acted(call, move, sample, before, output_transformation, rng)
    _refuse_shapes(sample, move, before, after, expected)
    part = move.restrict if move.restrict is not None and _has_axes(sample, move, before) else None
    invariance = Pair(after, before) if part is None else Pair(part(after), part(before))
    if part is not None:
        invariance = Pair(np.asarray(invariance.found), np.asarray(invariance.expected))
    return Trial(sample, move, invariance, None if expected is None else Pair(after, expected))


def _acted(
    call: Call,
    move: Move,
    sample: Sample,
    before: NDArray[Any],
    output_transformation: OutputTransformation,
    rng: np.random.Generator,
) -> NDArray[Any] | None:
    if isinstance(output_transformation, Transformation):
        return as_numpy(output_transformation.draw(rng, Picture(before)).moved.values)
    if output_transformation is not None:
        return as_numpy(output_transformation(before))
    if move.act is None or not _has_axes(sample, move, before):
        return None
    if move.axes == "entries" and before.dtype.kind == "b":
        return None
    companion = () if move.companion is None else (call(move.companion),)
    return np.asarray(move.act(before, *companion))


def _has_axes(sample: Sample, move: Move, output: NDArray[Any]) -> bool:
    """Report whether an output has the node axis, or both pixel axes at the input's size."""
    if isinstance(sample, Net):
        return output.shape[:1] == (sample.num_nodes,)
    shape = tuple(sample.array.shape)
    pixels = len(shape) >= 2 and output.shape[-2:] == shape[-2:]
    nodes = output.shape[:1] == shape[:1]
    if move.axes == "pixels":
        return pixels
    return nodes if move.axes == "nodes" or len(shape) < 2 else pixels


def _refuse_shapes(
    sample: Sample,
    move: Move,
    before: NDArray[Any],
    after: NDArray[Any],
    expected: NDArray[Any] | None,
) -> None:
    same_input = tuple(sample.values.shape) == tuple(move.moved.values.shape)
    fits = after.shape == before.shape or (expected is not None and after.shape == expected.shape)
    if same_input and not fits:
        raise ValueError(
            f"`operator` must return outputs of one shape, got {before.shape} for an input and "
            f"{after.shape} for its transform; return a mask instead of a list of positions"
        )
