"""Is the fitted model any good? Each node predicted from all others, and words about the fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import kstest

from graphmax.checks import number
from graphmax.posterior.field import FittedField
from graphmax.posterior.likelihood import independent_height
from graphmax.posterior.precision import Floats

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
