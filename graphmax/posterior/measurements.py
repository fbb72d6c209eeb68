"""What was measured: one value per node, several, or none; with known or unknown noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.posterior.precision import Floats
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


def measurements_of(attribute: Attribute, noise: Any) -> Measurements:
    """Read the measurements, refusing what no field can be fitted to."""
    table = _table(attribute)
    present = ~np.isnan(table)
    count = present.sum(axis=1)
    _refuse_too_few(count)
    sums = np.where(present, table, 0.0).sum(axis=1)
    means = sums / np.maximum(count, 1)
    center, spread = float(means[count > 0].mean()), float(means[count > 0].std())
    if not spread > 1e-12 * abs(center):
        raise ValueError(
            f"`y` must vary from node to node, got {center:g} everywhere; where all values are "
            "equal, no node is higher than its neighbors"
        )
    residual = np.where(present, table - means[:, None], 0.0) / spread
    weights = count.astype(np.float64)
    if noise is not None:
        weights *= (spread / _deviations(noise, count.size)) ** 2
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
