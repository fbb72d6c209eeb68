"""Counts instead of measurements: Poisson, their rate the exponential of the field.

Newton's method on the posterior of the field, the parameters fitted anew at each step: about the
present field f, counts c of rate r = exp(f) are as good as measurements ``f + (c - r) / r`` of the
precision r. Where it ends, the normal posterior has the mode of the exact one and its curvature
there (Laplace); samples are drawn from it. With counts near 0 the exact one is skewed.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from graphmax.posterior.field import FittedField, Order, fitted_fields, orders_of, weighed
from graphmax.posterior.likelihood import LOG_2PI
from graphmax.posterior.measurements import measurements_of
from graphmax.posterior.precision import Floats, Matrix
from graphmax.values import Attribute

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
