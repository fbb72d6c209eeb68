"""What is thought of the parameters of a field before it is measured: little, but not nothing.

Where measurements say little, the likelihood is flat up to a bound of kappa, or of the noise, and
its highest point means nothing. The share of the noise in all variance is uniform between 0 and 1,
the variance itself may be anything, and log kappa^2 is normal about a range of some ten edges, so
wide that hundreds of measurements outweigh it. Both orders of the field have the same prior.
"""

from dataclasses import dataclass

import numpy as np

from graphmax.posterior.likelihood import Likelihood, Value, noise_variance
from graphmax.posterior.precision import Floats
from graphmax.posterior.spectrum import Measure

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
