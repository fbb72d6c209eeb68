"""Fit a Gaussian field to its own noisy measurements: the likeliest parameters, given them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as all_pairs
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.sparse

from graphmax.kernels.progress import tell
from graphmax.posterior.factor import is_sparse_enough
from graphmax.posterior.likelihood import EvenLikelihood, Likelihood, SparseLikelihood, Value
from graphmax.posterior.measurements import Measurements
from graphmax.posterior.parameter_prior import Density, ParameterPrior
from graphmax.posterior.precision import Floats, Matrix, as_csr
from graphmax.posterior.scoring import UnevenLikelihood, climb
from graphmax.posterior.spectrum import (
    MOST_EIGENVALUES,
    Measure,
    Spectrum,
    random_signs,
    spectrum_of,
)

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
