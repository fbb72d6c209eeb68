"""Likelihood of uneven measurements on graphs too large to be factorized: Fisher scoring.

No matrix that enters is a function of the Laplacian alone. The gradient needs solves only: with
probes z of +1 and -1, tr(A^-1 M) is the mean of z^T A^-1 M z; equal probes at every step make it a
smooth function of the parameters. The average information (Gilmour and others) stands for the
curvature. The gradient of an estimated log-determinant is not the estimated gradient, so the
search follows the gradient alone and never compares heights.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.optimize

from graphmax.posterior.likelihood import LOG_2PI, kappa_form, noise_variance, repeats, smoothed
from graphmax.posterior.measurements import Measurements
from graphmax.posterior.parameter_prior import ParameterPrior
from graphmax.posterior.precision import FieldPrecision, Floats, Matrix
from graphmax.posterior.sampling import Posterior, dots
from graphmax.posterior.spectrum import Measure, quadrature

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
