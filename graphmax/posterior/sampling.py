"""Exact samples of a Gaussian field given noisy measurements, by perturb-and-optimize."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from graphmax.adjacency import Adjacency
from graphmax.kernels import fields
from graphmax.kernels.hopmax import rivals_within
from graphmax.posterior.precision import Floats, Precision
from graphmax.values import order_key

SAMPLES_AT_ONCE = 16
RESIDUAL = 1e-7
MOST_STEPS = 20_000


class NotDefiniteError(ValueError):
    """The matrix of a system has a direction of no or negative curvature."""


class NotConvergedError(ValueError):
    """Conjugate gradients took too many steps."""


@dataclass(frozen=True)
class Balls:
    """Whom each node is compared with: all others within `hops`, those outside `absent` only."""

    rows: Adjacency
    hops: int
    absent: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def highest_others(self, samples: Floats) -> Floats:
        """Return the highest value of the other nodes of each ball, -inf where there is none."""
        above = np.empty_like(samples)
        if self.hops == 1:
            hidden = self.absent[:, None] if self.absent.size else False
            present = np.where(hidden, -np.inf, samples)
            fields.highest_neighbor(self.rows.indptr, self.rows.indices, present, above)
            return above
        for column in range(samples.shape[1]):
            values = np.ascontiguousarray(samples[:, column])
            key = order_key(values).key
            rival = rivals_within(self.rows.indptr, self.rows.indices, key, self.absent, self.hops)
            above[:, column] = np.where(rival >= 0, values[rival], -np.inf)
        return above


@dataclass(frozen=True)
class Posterior:
    """A field h ~ N(0, Q^-1) given measurements h + noise of precision `weights`, 0 for none.

    The posterior has the precision A = Q + diag(weights) and the mean A^-1 (weights * measured).
    """

    prior: Precision
    weights: Floats
    measured: Floats

    @cached_property
    def diagonal(self) -> Floats:
        """Diagonal of A."""
        diagonal = self.prior.diagonal + self.weights
        if not (diagonal > 0).all():
            raise NotDefiniteError("the diagonal is not above 0")
        return diagonal

    @cached_property
    def pull(self) -> Floats:
        """The right-hand side of the mean."""
        return self.weights * np.where(self.weights > 0, self.measured, 0.0)

    @cached_property
    def mean(self) -> Floats:
        """Posterior mean as a column."""
        return self.solve(self.pull[:, None])

    def times(self, block: Floats) -> Floats:
        """Return A @ block."""
        image = self.prior.times(block)
        image += self.weights[:, None] * block
        return image

    def solve(self, right: Floats) -> Floats:
        """Solve A x = right by conjugate gradients, column by column at the same time."""
        return conjugate_gradients(self, right)

    def deviations(self, count: int, rng: np.random.Generator) -> Floats:
        """Return `count` samples of N(0, A^-1) as columns."""
        right = self.prior.noise(count, rng)
        right += np.sqrt(self.weights)[:, None] * rng.standard_normal(right.shape)
        return self.solve(right)

    def mirrored(self, deviation: Floats) -> Iterator[Floats]:
        """Return fields on both sides of the mean, each an exact sample."""
        yield self.mean + deviation
        yield self.mean - deviation

    def given_the_rest(self, samples: Floats) -> Floats:
        """Return the mean of each node given all the others; it does not look at the node."""
        gradient = self.times(samples)
        gradient -= self.pull[:, None]
        gradient /= self.diagonal[:, None]
        return samples - gradient

    def chances(self, given: Floats, above: Floats) -> Floats:
        """Return the probability that each node, given all the others, lies above a bar."""
        chances: Floats = ndtr((given - above) * np.sqrt(self.diagonal)[:, None])
        return chances


def conjugate_gradients(system: Posterior, right: Floats) -> Floats:
    """Solve with the matrix of a system, preconditioned by its diagonal."""
    inverse = 1 / system.diagonal
    x, residual = np.zeros_like(right), np.array(right, order="C")
    scaled = residual * inverse[:, None]
    direction = scaled.copy()
    size = dots(residual, scaled)
    goal = RESIDUAL**2 * np.maximum(size, np.finfo(float).tiny)
    for _ in range(MOST_STEPS):
        unfinished = size > goal
        if not unfinished.any():
            return x
        image = system.times(direction)
        curvature = dots(direction, image)
        if not (curvature[unfinished] > 0).all():
            raise NotDefiniteError("a direction has no positive curvature")
        step = np.where(unfinished, size / np.where(curvature > 0, curvature, 1.0), 0.0)
        partial = _parts(x)
        fields.advance(x, residual, scaled, direction, image, step, inverse, partial)
        before, size = size, partial.sum(axis=0)
        fields.turn(direction, scaled, size / np.where(before > 0, before, 1.0))
    raise NotConvergedError(f"no solution in {MOST_STEPS} steps")


def dots(first: Floats, second: Floats) -> Floats:
    """Return the sum over nodes of ``first * second``, one per column."""
    partial = _parts(first)
    fields.dots(first, second, partial)
    sums: Floats = partial.sum(axis=0)
    return sums


def _parts(block: Floats) -> Floats:
    parts = -(-block.shape[0] // fields.NODES_PER_PART)
    return np.empty((parts, block.shape[1]))


def portions(count: int) -> Iterator[tuple[int, int]]:
    """Return how many deviations are done after each portion, and its size."""
    for start in range(0, count, SAMPLES_AT_ONCE):
        size = min(SAMPLES_AT_ONCE, count - start)
        yield start + size, size
