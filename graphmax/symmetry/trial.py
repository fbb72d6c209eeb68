"""One trial: ask an operator safely before and after, and compare."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import is_tensor
from graphmax.symmetry.sample import Move, Net, Picture, Sample, Transformation, as_numpy


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
