"""Marginal likelihood of noisy measurements of a field, with exact gradients.

y = mean + h + noise, h ~ N(0, Q^-1), Q = tau (kappa^2 I + L)^order, noise variance s^2 / weight.
The parameters are theta = (log tau, log kappa^2, log s^2), the last one only where the noise is
not known. The mean is the generalized least squares one, at which the gradient does not see it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import scipy.optimize
import scipy.sparse

from graphmax.posterior.factor import Factor
from graphmax.posterior.measurements import Measurements
from graphmax.posterior.precision import FieldPrecision, Floats, Matrix, as_csr
from graphmax.posterior.spectrum import Spectrum

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
