"""A Gaussian field that was fitted to measurements: its parameters and draws from its posterior."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from graphmax.checks import integer
from graphmax.posterior.estimation import Estimator
from graphmax.posterior.estimation import Peak as FittedPeak
from graphmax.posterior.factor import Factor, is_sparse_enough
from graphmax.posterior.likelihood import noise_variance
from graphmax.posterior.measurements import Measurements
from graphmax.posterior.precision import FieldPrecision, Floats, Matrix
from graphmax.posterior.sampling import Posterior, portions

Order = Literal["auto", 1, 2]
LEAST_WEIGHT = 0.01


class FittedParameter(NamedTuple):
    """A parameter and its standard error, NaN where the likelihood does not give one."""

    value: float
    error: float


@dataclass(frozen=True)
class FieldParameters:
    """Parameters of ``y = mean + h + noise``, h ~ N(0, Q^-1), Q = tau (kappa^2 I + L)^order.

    Attributes
    ----------
    order : int
        1 for a rough field, 2 for a smooth one.
    tau, kappa, mean : FittedParameter
        With their standard errors; tau in the unit of y to the power -2, mean in that of y.
    noise : FittedParameter or None
        Standard deviation of one measurement in the unit of y; None where it was given.
    log_likelihood : float
        Of the measurements in units of their own spread.
    weight : float
        Share of this order in the answer: its posterior probability, 1 where only one was fitted.
    """

    order: int
    tau: FittedParameter
    kappa: FittedParameter
    mean: FittedParameter
    noise: FittedParameter | None
    log_likelihood: float
    weight: float

    @classmethod
    def of(cls, peak: FittedPeak, data: Measurements, weight: float) -> "FieldParameters":
        """Return the parameters in the unit of y."""
        errors = np.sqrt(np.diag(peak.covariance))
        tau, kappa = np.exp(peak.theta[0]) / data.spread**2, np.exp(peak.theta[1] / 2)
        noise = None
        if not data.known:
            deviation = np.exp(peak.theta[2] / 2) * data.spread
            noise = _parameter(deviation, deviation * errors[2] / 2)
        mean = data.center + data.spread * peak.mean
        return cls(
            peak.order,
            _parameter(tau, tau * errors[0]),
            _parameter(kappa, kappa * errors[1] / 2),
            _parameter(mean, data.spread * np.sqrt(peak.mean_variance)),
            noise,
            peak.height,
            weight,
        )


def _parameter(value: float, error: float) -> FittedParameter:
    return FittedParameter(float(value), float(error))


@dataclass(frozen=True)
class FittedField:
    """The field in units of the spread of the measurements, about its mean."""

    laplacian: Matrix
    measurements: Measurements
    peak: FittedPeak

    def at(self, theta: Floats) -> Posterior:
        """Return the posterior under other parameters of the same order."""
        data = self.measurements
        prior = FieldPrecision(
            self.laplacian, float(np.exp(theta[0])), float(np.exp(theta[1])), self.peak.order
        )
        return Posterior(prior, data.weights / noise_variance(theta), data.values - self.peak.mean)

    @cached_property
    def posterior(self) -> Posterior:
        """The posterior under the fitted parameters."""
        return self.at(self.peak.theta)

    @cached_property
    def variances(self) -> Floats | None:
        """Exact posterior variances, None where the graph is too large to be factorized."""
        prior = self.posterior.prior
        if not (
            isinstance(prior, FieldPrecision) and is_sparse_enough(self.laplacian, self.peak.order)
        ):
            return None
        diagonal = np.arange(self.posterior.weights.size)
        matrix = prior.matrix.copy()
        matrix[diagonal, diagonal] += self.posterior.weights
        return Factor(matrix).variances

    def draws(
        self, count: int, rng: np.random.Generator, *, vary: bool = False
    ) -> Iterator[tuple[int, Posterior, Floats]]:
        """Return portions of samples: how many are done, their posterior, the fields as columns.

        `vary` draws the parameters of each portion from their normal approximation.
        """
        for done, size in portions(-(-count // 2)):
            posterior = self.at(self._theta(rng)) if vary else self.posterior
            for samples in posterior.mirrored(posterior.deviations(size, rng)):
                yield done, posterior, samples

    def _theta(self, rng: np.random.Generator) -> Floats:
        covariance = np.nan_to_num(self.peak.covariance)
        theta: Floats = rng.multivariate_normal(self.peak.theta, covariance, method="eigh")
        return theta

    def prior_draws(self, count: int, rng: np.random.Generator) -> Floats:
        """Return measurements that the fitted field would give, as columns in the unit of y.

        Nodes that were not measured are NaN.
        """
        data, nothing = self.measurements, np.zeros(self.measurements.values.size)
        weights = self.posterior.weights
        free = Posterior(self.posterior.prior, nothing, nothing)
        draws = free.solve(self.posterior.prior.noise(count, rng))
        noise = np.where(weights > 0, 1 / np.sqrt(np.where(weights > 0, weights, 1.0)), np.nan)
        draws += noise[:, None] * rng.standard_normal(draws.shape)
        return data.center + data.spread * (draws + self.peak.mean)

    def in_unit(self, standard: Floats) -> Floats:
        """Return values of the field in the unit of the measurements, its mean added."""
        return self.measurements.center + self.measurements.spread * (standard + self.peak.mean)


def fitted_fields(
    laplacian: Matrix, data: Measurements, order: Order, seed: int
) -> list[tuple[float, FittedField]]:
    """Return the fields that explain the measurements with their weights, the best first."""
    estimator = Estimator(data, laplacian, np.random.default_rng([seed, 1]))
    peaks = estimator.fits(orders_of(order))
    return weighed([FittedField(laplacian, data, peak) for peak in peaks])


def orders_of(order: Order) -> tuple[int, ...]:
    """Return the orders that are fitted."""
    if order == "auto":
        return (1, 2)
    return (integer(order, "order", least=1, most=2, hint='or "auto"'),)


def weighed(fields: list[FittedField]) -> list[tuple[float, FittedField]]:
    """Return fields with their weights, the best first.

    Where the measurements do not tell the orders apart, both stay: the wrong one alone costs a
    tenth of all that can be known, the two together little.
    """
    heights = np.array([field.peak.evidence for field in fields])
    weights = np.exp(heights - heights.max())
    weights[weights < LEAST_WEIGHT * weights.sum()] = 0.0
    weights /= weights.sum()
    best_first = np.argsort(-weights, kind="stable")
    return [(float(weights[i]), fields[i]) for i in best_first if weights[i] > 0]


def share_of(count: int, weight: float) -> int:
    """Return how many of the samples a field of this weight gives, at least a pair."""
    return max(2, round(count * weight))
