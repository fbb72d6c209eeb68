"""Fit a Gaussian field to its own noisy measurements: the likeliest parameters, given them.

Uneven measurements on graphs too large to be factorized are fitted by Fisher scoring. No matrix
that enters is a function of the Laplacian alone. The gradient needs solves only: with probes z of
+1 and -1, tr(A^-1 M) is the mean of z^T A^-1 M z; equal probes at every step make it a smooth
function of the parameters. The average information (Gilmour and others) stands for the curvature.
The gradient of an estimated log-determinant is not the estimated gradient, so the search follows
the gradient alone and never compares heights.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as all_pairs
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.sparse

from graphmax.kernels.compiled import tell
from graphmax.posterior.likelihood import (
    LOG_2PI,
    MOST_EIGENVALUES,
    Density,
    EvenLikelihood,
    Likelihood,
    Measure,
    Measurements,
    ParameterPrior,
    SparseLikelihood,
    Spectrum,
    Value,
    kappa_form,
    noise_variance,
    quadrature,
    random_signs,
    repeats,
    smoothed,
    spectrum_of,
)
from graphmax.posterior.sampling import (
    FieldPrecision,
    Floats,
    Matrix,
    Posterior,
    as_csr,
    dots,
    is_sparse_enough,
)

MOST_SCORINGS = 40
LONGEST_STEP = 1.5
ENOUGH = 1e-3
DETERMINANT_STEPS = 80


class Score(NamedTuple):
    """Gradient of the log-likelihood and the information at a theta, with the fitted mean."""

    gradient: Floats
    information: Floats
    mean: float
    mean_variance: float


class Search(NamedTuple):
    """Where the search ended, and whether the gradient was met."""

    theta: Floats
    score: Score
    converged: bool


@dataclass(frozen=True)
class UnevenLikelihood:
    """Any measurements of a graph of any size; traces are estimated by probes."""

    measurements: Measurements
    laplacian: Matrix
    order: int
    trace: Measure
    probes: Floats

    def posterior(self, theta: Floats) -> tuple[FieldPrecision, Posterior]:
        """Return the field and its posterior, about a mean of 0."""
        prior = FieldPrecision(self.laplacian, np.exp(theta[0]), np.exp(theta[1]), self.order)
        data = self.measurements
        return prior, Posterior(prior, data.weights / noise_variance(theta), data.values)

    def score(self, theta: Floats) -> Score:
        """Return gradient and average information at theta."""
        data, (prior, posterior) = self.measurements, self.posterior(theta)
        weights = posterior.weights
        mean, field, mean_variance = smoothed(posterior.solve, data, weights)
        residual = np.where(data.seen, data.values - mean - field, 0.0)
        gradient = self._traces(prior, posterior) + self._forms(prior, posterior, field, residual)
        s2 = noise_variance(theta)
        more = repeats(data, s2)[1]
        information = self._information(prior, posterior, field, residual)
        if theta.size == 3:
            gradient[2] += more
            information[2, 2] += 0.5 * data.extra
        return Score(
            gradient[: theta.size], information[: theta.size, : theta.size], mean, mean_variance
        )

    def _traces(self, prior: FieldPrecision, posterior: Posterior) -> Floats:
        """Return what the determinants of Q, A and the noise give to the gradient."""
        probes, count = self.probes, self.probes.shape[0]
        solved = posterior.solve(probes)
        image = prior.base @ probes if self.order == 2 else probes
        share = np.mean(dots(solved, posterior.weights[:, None] * probes))
        kappa = self.order * prior.kappa2 * (self.trace.weights @ self._resolvent(prior.kappa2))
        slope = prior.tau * prior.kappa2 * self.order * np.mean(dots(solved, image))
        seen = self.measurements.seen.sum()
        whole = np.mean(dots(solved, prior.times(probes)))
        return 0.5 * np.array([count - whole, kappa - slope, share - seen])

    def _resolvent(self, kappa2: float) -> Floats:
        return 1 / (self.trace.nodes + kappa2)

    def _forms(
        self, prior: FieldPrecision, posterior: Posterior, field: Floats, residual: Floats
    ) -> Floats:
        """Return what the quadratic form of the data gives to the gradient."""
        image = prior.times(field[:, None])[:, 0]
        noise = posterior.weights @ residual**2
        return 0.5 * np.array([-field @ image, -kappa_form(prior, field, field), noise])

    def _information(
        self, prior: FieldPrecision, posterior: Posterior, field: Floats, residual: Floats
    ) -> Floats:
        """Return ``q_j^T P q_k / 2`` with q_j the change of the covariance times P (y - mean)."""
        seen, weights = self.measurements.seen, posterior.weights
        nothing = np.zeros(field.size)
        base = Posterior(FieldPrecision(self.laplacian, 1.0, prior.kappa2, 1), nothing, nothing)
        kappa = -self.order * prior.kappa2 * base.solve(field[:, None])[:, 0]
        changes = np.where(seen[:, None], np.column_stack([-field, kappa, residual]), 0.0)
        pulled = weights[:, None] * changes
        images = pulled - weights[:, None] * posterior.solve(pulled)
        information: Floats = 0.5 * changes.T @ images
        return information

    def height(self, theta: Floats) -> float:
        """Return the log-likelihood, its determinants by stochastic Lanczos quadrature."""
        (field_prior, posterior), data = self.posterior(theta), self.measurements
        mean, field, _ = smoothed(posterior.solve, data, posterior.weights)
        residual = np.where(data.seen, data.values - mean - field, 0.0)
        image = field_prior.times(field[:, None])[:, 0]
        shifted = np.log(self.trace.nodes + np.exp(theta[1]))
        prior = data.values.size * theta[0] + self.order * float(self.trace.weights @ shifted)
        noise = np.log(posterior.weights[data.seen]).sum() - LOG_2PI * data.seen.sum()
        quadratic = posterior.weights @ residual**2 + field @ image
        determinant = self._log_determinant(posterior)
        return float(
            0.5 * (prior - determinant + noise - quadratic)
            + repeats(data, noise_variance(theta))[0]
        )

    def _log_determinant(self, posterior: Posterior) -> float:
        root = 1 / np.sqrt(posterior.diagonal)[:, None]
        nodes, weights = quadrature(
            lambda block: root * posterior.times(root * block), self.probes, DETERMINANT_STEPS
        )
        scaled = (weights * np.log(np.maximum(nodes, np.finfo(float).tiny))).sum(axis=1).mean()
        return float(scaled + np.log(posterior.diagonal).sum())


def climb(
    likelihood: UnevenLikelihood, prior: ParameterPrior, theta: Floats, bounds: Floats
) -> Search:
    """Follow the gradient of the density to where it vanishes, by damped scoring inside bounds."""

    def score_at(theta: Floats) -> Score:
        score = likelihood.score(theta)
        return score._replace(
            gradient=score.gradient + prior.value(theta)[1],
            information=score.information + prior.information(theta),
        )

    score, damping = score_at(theta), 0.0
    for _ in range(MOST_SCORINGS):
        if score.gradient @ _step(score, theta, bounds, 0.0) < ENOUGH:
            return Search(theta, score, True)
        step = _step(score, theta, bounds, damping)
        further = score_at(theta + step)
        if (score.gradient + further.gradient) @ step < 0:  # the trapezoid says: downhill
            damping = max(4 * damping, 0.5)
            continue
        theta, score, damping = theta + step, further, damping / 4
    return Search(theta, score, False)


def _step(score: Score, theta: Floats, bounds: Floats, damping: float) -> Floats:
    """Return the step s inside a box that makes ``gradient s - s^T information s / 2`` highest."""
    low = np.maximum(bounds[:, 0] - theta, -LONGEST_STEP)
    high = np.minimum(bounds[:, 1] - theta, LONGEST_STEP)
    diagonal = np.diag(score.information)
    information = score.information + np.diag((damping + 1e-9) * diagonal + 1e-12)
    root = np.linalg.cholesky(information)
    pulled = np.linalg.solve(root, score.gradient)
    step: Floats = scipy.optimize.lsq_linear(root.T, pulled, (low, high), method="bvls").x
    return step


KAPPA2_PER_DEGREE = 1e-6, 1e2
NOISE = 1e-6, 1e2
TAU = 1e-9, 1e12
_STARTS_KAPPA2 = 0.003, 0.02, 0.15, 1.0
_STARTS_NOISE = 0.05, 0.3, 0.8
_LEAST_NOISE_TO_START = np.log(0.01)
_DIFFERENCE = 1e-4


class Peak(NamedTuple):
    """The likeliest logs of the parameters, and their covariance.

    `height` is the log-likelihood there, `evidence` has the prior too: it compares orders.
    """

    order: int
    theta: Floats
    height: float
    evidence: float
    covariance: Floats
    mean: float
    mean_variance: float
    converged: bool
    low: tuple[bool, ...]
    high: tuple[bool, ...]


@dataclass(frozen=True)
class Estimator:
    """The way to the maximum that fits the measurements and the size of the graph."""

    measurements: Measurements
    laplacian: Matrix
    rng: np.random.Generator

    def fits(self, orders: tuple[int, ...]) -> list[Peak]:
        """Return the fit of each order."""
        probes = random_signs(self.measurements.values.size, self.rng)
        spectrum = self._spectrum(probes)
        exact = self._small and is_sparse_enough(self.laplacian, max(orders))
        peaks = []
        for done, order in enumerate(orders, 1):
            peaks.append(self._fit(order, spectrum, probes, exact))
            tell("fitting the field", done, len(orders))
        return peaks

    @property
    def _small(self) -> bool:
        """Whether factors are worth a look: eigenvalues are exact for fewer nodes still."""
        data = self.measurements
        return not (data.even and data.values.size <= MOST_EIGENVALUES)

    def _fit(self, order: int, spectrum: Spectrum, probes: Floats, exact: bool) -> Peak:
        data = self.measurements
        rough = EvenLikelihood(self._evened, spectrum, order)
        prior = self._prior(order, spectrum.trace)
        starts = list(self._starts(rough))
        if data.even and not exact:
            return self._highest(rough, prior, starts)
        start = self._highest(rough, prior, starts).theta
        if exact:
            return self._highest(SparseLikelihood(data, self.laplacian, order), prior, [start])
        return self._scored(order, start, spectrum, probes)

    def _prior(self, order: int, trace: Measure) -> ParameterPrior:
        weights = self.measurements.weights[self.measurements.seen]
        return ParameterPrior(trace, order, self._degree, float(1 / np.mean(1 / weights)))

    def _scored(self, order: int, start: Floats, spectrum: Spectrum, probes: Floats) -> Peak:
        trace = spectrum.trace
        if not self.measurements.even:
            trace = spectrum_of(self.laplacian, self.measurements.values, probes).trace
        likelihood = UnevenLikelihood(self.measurements, self.laplacian, order, trace, probes)
        start[2:] = np.maximum(start[2:], _LEAST_NOISE_TO_START)  # below it the slope is lost
        prior = self._prior(order, trace)
        theta, score, converged = climb(likelihood, prior, start, self.bounds)
        value = Value(likelihood.height(theta), *score[:1], *score[2:])
        return self._peak(prior, theta, value, score.information, converged)

    @property
    def _evened(self) -> Measurements:
        """The measurements as if all nodes were seen with the same noise."""
        data = self.measurements
        if data.even:
            return data
        weights = data.weights[data.seen]
        typical = np.full(weights.size, 1 / np.mean(1 / weights))
        return Measurements(
            data.values[data.seen],
            typical,
            data.known,
            data.center,
            data.spread,
            data.extra,
            data.within,
        )

    def _spectrum(self, probes: Floats) -> Spectrum:
        """Return the spectrum of the graph, or for a first guess that of the measured nodes."""
        seen = np.flatnonzero(self.measurements.seen)
        if self.measurements.even:
            return spectrum_of(self.laplacian, self.measurements.values, probes)
        part = scipy.sparse.csr_array(self.laplacian[seen][:, seen])
        part = part - scipy.sparse.diags_array(np.asarray(part.sum(axis=1)), format="csr")
        values = self.measurements.values[seen]
        return spectrum_of(as_csr(part), values - values.mean(), probes[seen])

    @property
    def bounds(self) -> Floats:
        """Lower and upper bound of each log parameter."""
        kappa2 = tuple(share * self._degree for share in KAPPA2_PER_DEGREE)
        rows = [TAU, kappa2] + ([] if self.measurements.known else [NOISE])
        return np.log(rows)

    @property
    def _degree(self) -> float:
        """Mean degree of the nodes that have neighbors."""
        degree = self.laplacian.diagonal()
        return float(degree[degree > 0].mean()) if (degree > 0).any() else 1.0

    def _starts(self, likelihood: EvenLikelihood) -> Iterator[Floats]:
        """Return starts on a coarse grid, best first; each has the spread of the data."""
        nodes, weights = likelihood.spectrum.trace
        data = likelihood.measurements
        low, high = self.bounds.T
        degree = np.exp(low[1]) / KAPPA2_PER_DEGREE[0]
        points = []
        for kappa2, noise in all_pairs(_STARTS_KAPPA2, _STARTS_NOISE):
            shift = kappa2 * degree
            part = 1 / data.weights[0] if data.known else noise
            mode = float(weights @ (nodes + shift) ** -likelihood.order) / weights.sum()
            tau = mode / max(1 - part, 0.05)
            theta = np.log([tau, shift] + ([] if data.known else [noise * data.weights[0]]))
            points.append(np.clip(theta, low, high))
        yield from sorted(points, key=lambda theta: -likelihood.value(theta).height)[:3]

    def _highest(self, likelihood: Likelihood, prior: ParameterPrior, starts: list[Floats]) -> Peak:
        density = Density(likelihood, prior)
        searches = [self._search(density, start) for start in starts]
        best = min(searches, key=lambda search: search.fun)
        value, curvature = likelihood.value(best.x), _curvature(density, best.x)
        return self._peak(prior, best.x, value, curvature, bool(best.success))

    def _search(self, density: Density, start: Floats) -> scipy.optimize.OptimizeResult:
        scale = max(1, int(self.measurements.seen.sum()))

        def loss(theta: Floats) -> tuple[float, Floats]:
            value = density.value(theta)
            return -value.height / scale, -value.gradient / scale

        options = {"ftol": 1e-13, "gtol": 1e-7, "maxiter": 200}
        return scipy.optimize.minimize(
            loss, start, jac=True, method="L-BFGS-B", bounds=self.bounds, options=options
        )

    def _peak(
        self,
        prior: ParameterPrior,
        theta: Floats,
        value: Value,
        information: Floats,
        converged: bool,
    ) -> Peak:
        low, high = self.bounds.T
        at_low, at_high = theta <= low + 1e-6, theta >= high - 1e-6
        covariance = _inverse(information, ~(at_low | at_high))
        return Peak(
            prior.order,
            theta,
            value.height,
            value.height + prior.value(theta)[0],
            covariance,
            value.mean,
            value.mean_variance,
            converged,
            tuple(at_low.tolist()),
            tuple(at_high.tolist()),
        )


def _curvature(density: Density, theta: Floats) -> Floats:
    """Return minus the second derivatives, by differences of the exact gradient."""
    steps = _DIFFERENCE * np.eye(theta.size)
    rows = [
        density.value(theta - step).gradient - density.value(theta + step).gradient
        for step in steps
    ]
    slopes = np.array(rows) / (2 * _DIFFERENCE)
    curvature: Floats = (slopes + slopes.T) / 2
    return curvature


def _inverse(information: Floats, free: Floats) -> Floats:
    """Return the covariance of the free parameters; NaN where a bound or flat ground holds them."""
    covariance = np.full(information.shape, np.nan)
    inside = np.flatnonzero(free)
    part = information[np.ix_(inside, inside)]
    if inside.size and np.linalg.eigvalsh(part).min() > 0:
        covariance[np.ix_(inside, inside)] = np.linalg.inv(part)
    return covariance
