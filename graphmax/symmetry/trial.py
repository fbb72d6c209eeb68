"""One trial: ask the operator before and after, and compare."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.symmetry.sample import Net, Picture, Sample, as_numpy
from graphmax.symmetry.transformation import Move, Transformation

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
