"""Marginal likelihood of noisy measurements of a field, with exact gradients, and the prior.

There is one measurement per node, several, or none; the noise is known or not. Spectral measures
of the Laplacian are exact by eigenvalues, or come by stochastic Lanczos.

y = mean + h + noise, h ~ N(0, Q^-1), Q = tau (kappa^2 I + L)^order, noise variance s^2 / weight.
The parameters are theta = (log tau, log kappa^2, log s^2), the last one only where the noise is
not known. The mean is the generalized least squares one, at which the gradient does not see it.

The prior of the parameters says little, but not nothing. Where measurements say little, the
likelihood is flat up to a bound of kappa, or of the noise, and its highest point means nothing. The
share of the noise in all variance is uniform between 0 and 1, the variance itself may be anything,
and log kappa^2 is normal about a range of some ten edges, so wide that hundreds of measurements
outweigh it. Both orders of the field have the same prior.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse
from numpy.typing import NDArray

from graphmax.posterior.sampling import (
    Factor,
    FieldPrecision,
    Floats,
    Matrix,
    as_csr,
    dots,
    product,
)
from graphmax.values import Attribute

FEWEST = 20


@dataclass(frozen=True)
class Measurements:
    """Means of the measurements of each node, in units of their own spread.

    A measurement of node v is ``center + spread * (h_v + noise)``. The mean of node v has the
    noise variance s^2 / weights[v], s^2 = 1 where the noise is known; weight 0 is no measurement.
    `extra` counts the measurements beyond the first of each node and `within` is the sum of
    squares about their means: what several measurements of one node say about s.
    """

    values: Floats
    weights: Floats
    known: bool
    center: float
    spread: float
    extra: int = 0
    within: float = 0.0

    @property
    def seen(self) -> NDArray[np.bool_]:
        """The nodes that were measured."""
        return self.weights > 0

    @property
    def even(self) -> bool:
        """Whether all nodes were measured equally well."""
        return bool((self.weights == self.weights[0]).all())


# Squares of what lies within this and its inverse are floats too.
_LEAST = 1e-140


def measurements_of(attribute: Attribute, noise: Any) -> Measurements:
    """Read the measurements, refusing what no field can be fitted to."""
    table = _table(attribute)
    present = ~np.isnan(table)
    count = present.sum(axis=1)
    _refuse_too_few(count)
    largest = float(np.abs(table[present]).max(initial=0))
    if largest and not _LEAST < largest < 1 / _LEAST:
        raise ValueError(
            f"`y` must lie between {_LEAST:g} and {1 / _LEAST:g} in size, got up to {largest:g}, "
            "whose squares no float64 holds; multiply it by a factor"
        )
    sums = np.where(present, table, 0.0).sum(axis=1)
    means = sums / np.maximum(count, 1)
    center, spread = float(means[count > 0].mean()), float(means[count > 0].std())
    if spread and not spread > 1e-12 * abs(center):
        raise ValueError(
            f"`y` must vary by more than 1e-12 of its size, got a deviation of {spread:g} around "
            f"{center:g}; subtract a constant first"
        )
    if not spread:
        raise ValueError(
            f"`y` must vary from node to node, got {center:g} everywhere; where all values are "
            "equal, no node is higher than its neighbors"
        )
    residual = np.where(present, table - means[:, None], 0.0) / spread
    weights = count.astype(np.float64)
    if noise is not None:
        deviations = _deviations(noise, count.size)
        if not (_LEAST * spread < deviations).all() or not (deviations < spread / _LEAST).all():
            raise ValueError(
                f"`noise` must lie between {_LEAST:g} and {1 / _LEAST:g} times the deviation of "
                f"`y` ({spread:g}), got {deviations.min():g} to {deviations.max():g}"
            )
        weights *= (spread / deviations) ** 2
    return Measurements(
        np.where(count > 0, (means - center) / spread, 0.0),
        weights,
        noise is not None,
        center,
        spread,
        int(np.maximum(count - 1, 0).sum()),
        float((residual**2).sum()),
    )


def _table(attribute: Attribute) -> Floats:
    array = attribute.array
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`y` must be real numbers, got dtype {array.dtype}")
    table = np.array(array, np.float64).reshape(array.shape[0], -1)
    if attribute.missing is not None:
        table[np.reshape(attribute.missing, table.shape)] = np.nan
    if np.isinf(table).any():
        raise ValueError(
            "`y` must be finite, got an infinite value; NaN says that a node was not measured"
        )
    return table


def _refuse_too_few(count: NDArray[np.int64]) -> None:
    measured = int((count > 0).sum())
    if measured < FEWEST:
        raise ValueError(
            f"`y` must hold measurements of at least {FEWEST} nodes to tell a field from its "
            f"noise, got {measured}; with a known field use graphmax.posterior.sample_probability"
        )


def _deviations(noise: Any, num_nodes: int) -> Floats:
    array = np.asarray(noise)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"`noise` must be real numbers, got {noise!r}")
    if array.shape not in ((), (num_nodes,)):
        raise ValueError(
            f"`noise` must be one number or one entry per node ({num_nodes},), got {array.shape}"
        )
    if not ((array > 0) & np.isfinite(array)).all():
        bad = array[~((array > 0) & np.isfinite(array))].flat[0]
        raise ValueError(
            f"`noise` must be above 0 and finite, got {bad}; of values without noise "
            "local_maxima answers exactly, and a node without a measurement has y = NaN"
        )
    return np.broadcast_to(array.astype(np.float64), (num_nodes,))


MOST_EIGENVALUES = 800
STEPS = 100
_INVARIANT = 1e-10


class Measure(NamedTuple):
    """``sum(weights * f(nodes))`` is the trace of f(M), or v^T f(M) v."""

    nodes: Floats
    weights: Floats


class Spectrum(NamedTuple):
    """What a likelihood of a field that was measured evenly needs to know of its Laplacian.

    `trace` stands for the eigenvalues, `energy` for the squares of the data in their directions.
    """

    trace: Measure
    energy: Measure


def spectrum_of(laplacian: Matrix, data: Floats, probes: Floats) -> Spectrum:
    """Return the measures of a Laplacian: exact for few nodes, else from probes of +1 and -1."""
    if data.size <= MOST_EIGENVALUES:
        values, vectors = np.linalg.eigh(laplacian.toarray())
        values = np.maximum(values, 0.0)
        return Spectrum(
            Measure(values, np.ones(values.size)), Measure(values, (vectors.T @ data) ** 2)
        )
    block = np.column_stack([data, probes])
    nodes, weights = quadrature(lambda vectors: product(laplacian, vectors), block, STEPS)
    nodes = np.maximum(nodes, 0.0)
    shared = weights[1:] / probes.shape[1]
    return Spectrum(Measure(nodes[1:].ravel(), shared.ravel()), Measure(nodes[0], weights[0]))


def random_signs(num_nodes: int, rng: np.random.Generator) -> Floats:
    """Return probes of +1 and -1; the more nodes, the fewer it takes."""
    count = 32 if num_nodes < 50_000 else 16 if num_nodes < 200_000 else 8
    return 2.0 * rng.integers(0, 2, (num_nodes, count)).astype(np.float64) - 1.0


def quadrature(
    times: Callable[[Floats], Floats], block: Floats, steps: int
) -> tuple[Floats, Floats]:
    """Return nodes and weights (columns, steps) of ``v^T f(M) v`` for every column v.

    Lanczos without reorthogonalization: copies of converged eigenvalues share their weight, so
    that sums over them stay right. A column that spans an invariant space ends early; its
    tridiagonal matrix falls apart and what comes after has the weight 0.
    """
    squares = dots(block, block)
    steps = min(steps, block.shape[0])
    alpha, beta = np.zeros((steps, squares.size)), np.zeros((steps, squares.size))
    vector: Floats = block / np.sqrt(np.where(squares > 0, squares, 1.0))
    before: Floats = np.zeros_like(vector)
    size = np.zeros(squares.size)
    for step in range(steps):
        image = times(vector)
        image -= size * before
        alpha[step] = dots(image, vector)
        image -= alpha[step] * vector
        size = np.asarray(np.sqrt(dots(image, image)), np.float64)
        size[size <= _INVARIANT * (1 + np.abs(alpha[: step + 1]).max(axis=0))] = 0.0
        beta[step] = size
        image /= np.where(size > 0, size, 1.0)
        image[:, size == 0] = 0.0
        before, vector = vector, image
    return _gauss(alpha, beta[:-1], squares)


def _gauss(alpha: Floats, beta: Floats, squares: Floats) -> tuple[Floats, Floats]:
    nodes, weights = np.empty(alpha.T.shape), np.empty(alpha.T.shape)
    for column, square in enumerate(squares):
        values, vectors = scipy.linalg.eigh_tridiagonal(alpha[:, column], beta[:, column])
        nodes[column], weights[column] = values, square * vectors[0] ** 2
    return nodes, weights


LOG_2PI = float(np.log(2 * np.pi))


class Value(NamedTuple):
    """Log-likelihood, its gradient, the mean of the field and the variance of that mean."""

    height: float
    gradient: Floats
    mean: float
    mean_variance: float


class Likelihood(Protocol):
    """The log-likelihood of one order of the field."""

    @property
    def order(self) -> int:
        """Order of the field."""

    def value(self, theta: Floats) -> Value:
        """Return height and gradient at theta."""


def noise_variance(theta: Floats) -> float:
    """Return s^2, 1 where the noise is known."""
    return float(np.exp(theta[2])) if theta.size == 3 else 1.0


def repeats(measurements: Measurements, s2: float) -> tuple[float, float]:
    """Return what measurements of the same node say of s^2: log-likelihood and derivative."""
    if measurements.known:
        return 0.0, 0.0
    extra, within = measurements.extra, measurements.within
    height = -0.5 * (extra * (LOG_2PI + np.log(s2)) + within / s2)
    return float(height), float(0.5 * (within / s2 - extra))


def independent_height(data: Measurements) -> float:
    """Return the log-likelihood of values that know nothing of each other, at its maximum."""
    values, weights = data.values[data.seen], data.weights[data.seen]

    def loss(theta: Floats) -> float:
        s2 = 1.0 if data.known else np.exp(theta[1])
        variance = np.exp(theta[0]) + s2 / weights
        mean = (values / variance).sum() / (1 / variance).sum()
        terms = np.log(variance) + (values - mean) ** 2 / variance + LOG_2PI
        return float(0.5 * terms.sum()) - repeats(data, s2)[0]

    start = np.log([0.5] if data.known else [0.5, 0.5])
    bounds = [np.log([1e-8, 1e4])] * start.size
    return -float(scipy.optimize.minimize(loss, start, bounds=bounds).fun)


@dataclass(frozen=True)
class EvenLikelihood:
    """All nodes are measured equally well: everything is a sum over the spectrum of L."""

    measurements: Measurements
    spectrum: Spectrum
    order: int

    def value(self, theta: Floats) -> Value:
        """Return height and gradient at theta."""
        s2 = noise_variance(theta)
        noise = s2 / self.measurements.weights[0]
        more, more_slope = repeats(self.measurements, s2)
        height, gradient = more, np.array([0.0, 0.0, more_slope])
        for kind, (nodes, weights) in zip(("trace", "energy"), self.spectrum, strict=True):
            shifted = nodes + np.exp(theta[1])
            prior = np.exp(-theta[0]) * shifted**-self.order  # variance of each mode
            total = prior + noise
            if kind == "trace":
                height -= 0.5 * float(weights @ np.log(total)) + 0.5 * LOG_2PI * weights.sum()
                change = -0.5 * weights / total
            else:
                height -= 0.5 * float(weights @ (1 / total))
                change = 0.5 * weights / total**2
            slope = -self.order * np.exp(theta[1]) / shifted
            gradient += change @ np.column_stack(
                [-prior, slope * prior, np.full(nodes.size, noise)]
            )
        flat = noise + np.exp(-theta[0] - self.order * theta[1])
        count = self.measurements.values.size
        return Value(height, gradient[: theta.size], 0.0, flat / count)


@dataclass(frozen=True)
class SparseLikelihood:
    """Any measurements of a graph whose sparse factors are cheap: exact."""

    measurements: Measurements
    laplacian: Matrix
    order: int

    def value(self, theta: Floats) -> Value:
        """Return height and gradient at theta."""
        data, s2 = self.measurements, noise_variance(theta)
        weights = data.weights / s2
        prior = FieldPrecision(self.laplacian, np.exp(theta[0]), np.exp(theta[1]), self.order)
        base, factor = Factor(prior.base), Factor(_with_diagonal(prior.matrix, weights))
        mean, field, mean_variance = smoothed(factor.solve, data, weights)
        residual = np.where(data.seen, data.values - mean - field, 0.0)
        image = prior.times(field[:, None])[:, 0]
        count, seen = data.values.size, int(data.seen.sum())
        quadratic = weights @ residual**2 + field @ image
        prior_determinant = count * theta[0] + self.order * base.log_determinant
        more, more_slope = repeats(data, s2)
        height = more + 0.5 * (
            prior_determinant
            - factor.log_determinant
            + np.log(weights[data.seen]).sum()
            - quadratic
            - seen * LOG_2PI
        )
        share = float(weights @ factor.variances)
        kappa = self.order * np.exp(theta[1]) * base.variances.sum()
        gradient = 0.5 * np.array(
            [
                count - (count - share) - field @ image,
                kappa - self._trace(prior, factor) - kappa_form(prior, field, field),
                share - seen + weights @ residual**2,
            ]
        )
        gradient[2] += more_slope
        return Value(float(height), gradient[: theta.size], mean, mean_variance)

    def _trace(self, prior: FieldPrecision, factor: Factor) -> float:
        """Return tr(A^-1 dQ / d log kappa^2)."""
        if self.order == 1:
            return float(prior.tau * prior.kappa2 * factor.variances.sum())
        return 2 * prior.tau * prior.kappa2 * factor.trace_with(prior.base)


def kappa_form(prior: FieldPrecision, left: Floats, right: Floats) -> float:
    """Return left^T (dQ / d log kappa^2) right."""
    image = right if prior.order == 1 else 2 * (prior.base @ right)
    return float(prior.tau * prior.kappa2 * (left @ image))


def smoothed(
    solve: Callable[[Floats], Floats], data: Measurements, weights: Floats
) -> tuple[float, Floats, float]:
    """Return the mean, the posterior mean of the field about it, and the variance of the mean."""
    right = np.column_stack([weights * data.values, weights])
    pulled, ones = solve(right).T
    information = float(weights.sum() - weights @ ones)
    mean = float(weights @ data.values - weights @ pulled) / information
    return mean, pulled - mean * ones, 1 / information


def _with_diagonal(matrix: Matrix, weights: Floats) -> Matrix:
    return as_csr(matrix + scipy.sparse.diags_array(weights, format="csr"))


KAPPA2_PER_DEGREE = 0.03
DEVIATION = 2.0


@dataclass(frozen=True)
class ParameterPrior:
    """Density of theta = (log tau, log kappa^2, log s^2) for one order, up to a constant factor.

    `spectrum` is that of the Laplacian, `weight` that of a typical measurement.
    """

    spectrum: Measure
    order: int
    degree: float
    weight: float

    def value(self, theta: Floats) -> tuple[float, Floats]:
        """Return the logarithm of the density and its gradient."""
        ratio, slope = self._ratio(theta)
        apart = self._apart(theta)
        height = -np.logaddexp(0, ratio) - np.logaddexp(0, -ratio) - 0.5 * apart**2
        gradient = -np.tanh(ratio / 2) * slope
        gradient[1] -= apart / DEVIATION
        return float(height), gradient

    def information(self, theta: Floats) -> Floats:
        """Return minus the second derivatives, but for those of the variance of the field."""
        ratio, slope = self._ratio(theta)
        information: Floats = 0.5 / np.cosh(ratio / 2) ** 2 * np.outer(slope, slope)
        information[1, 1] += DEVIATION**-2
        return information

    def _apart(self, theta: Floats) -> float:
        return float((theta[1] - np.log(KAPPA2_PER_DEGREE * self.degree)) / DEVIATION)

    def _ratio(self, theta: Floats) -> tuple[float, Floats]:
        """Return the log of the variance of the field over that of the noise, and its gradient."""
        (nodes, weights), kappa2 = self.spectrum, np.exp(theta[1])
        modes = weights * (nodes + kappa2) ** -float(self.order)
        noise = noise_variance(theta) / self.weight
        ratio = np.log(modes.sum() / weights.sum()) - theta[0] - np.log(noise)
        kappa = -self.order * kappa2 * (modes / (nodes + kappa2)).sum() / modes.sum()
        return float(ratio), np.array([-1.0, kappa, -1.0])[: theta.size]


@dataclass(frozen=True)
class Density:
    """The density of the parameters given the measurements: likelihood times prior."""

    likelihood: Likelihood
    prior: ParameterPrior

    def value(self, theta: Floats) -> Value:
        """Return the logarithm of the density and its gradient at theta."""
        value, (height, gradient) = self.likelihood.value(theta), self.prior.value(theta)
        return value._replace(height=value.height + height, gradient=value.gradient + gradient)
