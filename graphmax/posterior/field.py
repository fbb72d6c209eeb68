"""A Gaussian field that was fitted to measurements: its parameters, draws and checks.

Counts instead of measurements are Poisson, their rate the exponential of the field, and fitted by
Newton's method on the posterior of the field, the parameters fitted anew at each step: about the
present field f, counts c of rate r = exp(f) are as good as measurements ``f + (c - r) / r`` of the
precision r. Where it ends, the normal posterior has the mode of the exact one and its curvature
there (Laplace); samples are drawn from it. With counts near 0 the exact one is skewed.

Whether the fitted model is any good is checked by predicting each node from all others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri
from scipy.stats import kstest

from graphmax.checks import integer, number
from graphmax.posterior.estimation import Estimator
from graphmax.posterior.estimation import Peak as FittedPeak
from graphmax.posterior.likelihood import (
    LOG_2PI,
    Measurements,
    independent_height,
    measurements_of,
    noise_variance,
)
from graphmax.posterior.sampling import (
    Factor,
    FieldPrecision,
    Floats,
    Matrix,
    Posterior,
    is_sparse_enough,
    portions,
)
from graphmax.values import Attribute

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


MOST_STEPS = 30
ENOUGH = 1e-4
LONGEST_STEP = 2.0


def fields_of_counts(
    laplacian: Matrix, attribute: Attribute, order: Order, seed: int
) -> list[tuple[float, FittedField]]:
    """Return the fields that explain counts with their weights, the best first."""
    table = _table(attribute)
    times = (~np.isnan(table)).sum(axis=1)
    totals = np.nansum(table, axis=1)
    return weighed([_fitted(laplacian, totals, times, each, seed) for each in orders_of(order)])


def _fitted(
    laplacian: Matrix, totals: Floats, times: NDArray[Any], order: Any, seed: int
) -> FittedField:
    """Return the field of one order at the mode, its evidence that of the counts."""
    seen = times > 0
    field = np.full(times.size, np.log((totals[seen].mean() + 0.5) / times[seen].mean()))
    field[seen] = np.log((totals[seen] + 0.5) / times[seen])
    for _ in range(MOST_STEPS):
        rate = np.where(seen, times * np.exp(field), 1.0)
        working = np.where(seen, field + (totals - rate) / rate, np.nan)
        data = measurements_of(Attribute(working, "y"), 1 / np.sqrt(rate))
        fitted = fitted_fields(laplacian, data, order, seed)[0][1]
        step = fitted.in_unit(fitted.posterior.mean[:, 0]) - field
        field = field + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if np.abs(step).max() < ENOUGH:
            break
    gain = _poisson(totals, rate, seen) - _normal(working, field, rate, seen)
    gain -= seen.sum() * np.log(data.spread)  # the fit is in units of the spread
    peak = fitted.peak
    ended = peak.converged and bool(np.abs(step).max() < ENOUGH)
    return replace(fitted, peak=peak._replace(evidence=peak.evidence + gain, converged=ended))


def _poisson(totals: Floats, rate: Floats, seen: NDArray[np.bool_]) -> float:
    terms = totals * np.log(rate) - rate - gammaln(totals + 1)
    return float(terms[seen].sum())


def _normal(working: Floats, field: Floats, rate: Floats, seen: NDArray[np.bool_]) -> float:
    terms = 0.5 * (np.log(rate) - LOG_2PI - rate * (working - field) ** 2)
    return float(terms[seen].sum())


def _table(attribute: Attribute) -> Floats:
    array = attribute.array
    if array.dtype.kind not in "iuf":
        raise TypeError(f"`y` must be counts, got dtype {array.dtype}")
    table = np.array(array, np.float64).reshape(array.shape[0], -1)
    if attribute.missing is not None:
        table[np.reshape(attribute.missing, table.shape)] = np.nan
    present = table[~np.isnan(table)]
    bad = present[~((present >= 0) & (present == np.floor(present)) & np.isfinite(present))]
    if bad.size:
        raise ValueError(
            f"`y` must hold whole numbers of at least 0 under counts=True, got {bad[0]:g}; leave "
            "`counts` out for measurements"
        )
    return table


_VAGUE = 0.5  # standard error of a log variance from which nobody knows the noise
_BETTER = 4.0  # gain in log-likelihood over independent values, for two parameters more
_APART = 0.05  # a misfit of this size shows in the answers


@dataclass(frozen=True)
class ModelChecks:
    """How well the model predicts each measured node from all the others.

    Attributes
    ----------
    pit : float64 (measured,)
        Probability integral transform: the predicted probability of a value below the measured
        one. Uniform between 0 and 1 where the model is right.
    z : float64 (measured,)
        Measured minus predicted value, in standard deviations of the prediction.
    concerns : tuple of str
        What speaks against the fit, in words; empty where nothing does.

    Examples
    --------
    >>> import numpy as np
    >>> import graphmax as gm
    >>> pixels = gm.grid_graph((20, 20))
    >>> rng = np.random.default_rng(0)
    >>> smooth = gm.generators.gaussian_field(pixels, 0.3, 2, generator=rng)
    >>> answer = gm.peak_probability(pixels, smooth + rng.normal(size=400), samples=100)
    >>> bool(0.85 < answer.checks.coverage(0.9) < 0.95), answer.checks.concerns
    (True, ())
    """

    pit: Floats
    z: Floats
    concerns: tuple[str, ...]

    def coverage(self, level: float) -> float:
        """Return the share of measured nodes inside their predicted central interval.

        Parameters
        ----------
        level : float
            Probability of the interval, from 0 to 1; a good model covers this share.

        Returns
        -------
        float
            The share that is covered.
        """
        level = number(level, "level", above=0, most=1)
        return float((np.abs(self.z) <= ndtri((1 + level) / 2)).mean())

    @property
    def misfit(self) -> float:
        """Largest distance between the distribution of `pit` and the uniform one, 0 to 1."""
        return float(kstest(self.pit, "uniform").statistic)


def checks_of(field: FittedField, variances: Floats, *, counts: bool = False) -> ModelChecks:
    """Predict each node from the others by one solve: with P = D - D A^-1 D, [P r]_v / P_vv."""
    posterior, seen = field.posterior, field.measurements.seen
    weights = posterior.weights[seen]
    pulled = weights * (posterior.measured - posterior.mean[:, 0])[seen]
    precision = weights * np.clip(1 - weights * variances[seen], 1e-9, 1.0)
    z = pulled / np.sqrt(precision)
    checks = ModelChecks(ndtr(z), z, ())
    shape = [] if counts else _shape_concerns(checks)  # few counts never look normal
    return ModelChecks(checks.pit, z, (*_fit_concerns(field), *shape))


def _fit_concerns(field: FittedField) -> list[str]:
    """Say what the parameters give away: bounds that were met, directions nobody knows."""
    peak, known = field.peak, field.measurements.known
    concerns = []
    if not peak.converged:
        concerns.append("the fit did not converge: the parameters are not to be trusted")
    rough = peak.high[1] or peak.height - independent_height(field.measurements) < _BETTER
    if rough:
        concerns.append(
            "the field is not smooth on this graph: neighbors resemble each other no more than "
            "strangers do, so that a field and its noise cannot be told apart"
        )
    if peak.low[1] or peak.mean_variance > 1:
        concerns.append(
            "the field varies over longer distances than this graph has: the mean that it returns "
            "to was not seen, and only differences between nodes are known"
        )
    if not known and not rough and _noise_is_vague(peak.low[2], peak.covariance, field):
        concerns.append(
            "the noise is not identifiable from these measurements: pass `noise`, or several "
            "measurements of each node"
        )
    return concerns


def _noise_is_vague(at_bound: bool, covariance: Floats, field: FittedField) -> bool:
    variance = covariance[2, 2]
    loose = not any((*field.peak.low, *field.peak.high)) and np.isnan(variance)
    return bool(at_bound or loose or variance > _VAGUE**2)


def _shape_concerns(checks: ModelChecks) -> list[str]:
    doubt: NDArray[np.float64] = 3 * np.sqrt(np.array([0.16, 0.25]) / checks.z.size)
    cover, allowed = checks.coverage(0.8), _APART + doubt
    concerns = []
    if abs(cover - 0.8) > allowed[0]:
        width = "wide" if cover > 0.8 else "narrow"
        concerns.append(
            f"predictions are too {width}: intervals of 80 % hold {cover:.0%} of the measurements"
        )
    if checks.misfit > allowed[1]:
        concerns.append(
            "predictions are not normal: values with outliers, or skewed ones (try a logarithm)"
        )
    return concerns
