"""`peak_probability` of counts: the mode and the curvature of dense algebra, and calibration."""

import numpy as np
import pytest
from scipy.special import gammaln

import graphmax as gm
from graphmax.generators import gaussian_field
from graphmax.posterior.likelihood import Measure, ParameterPrior
from graphmax.posterior.sampling import laplacian_of


def setting(shape=(9, 8), rate=6.0, repeated=(), seed=0):
    rng = np.random.default_rng(seed)
    graph = gm.grid_graph(shape)
    hidden = gaussian_field(graph, 0.5, 2, generator=rng)
    hidden = np.log(rate) + 0.7 * hidden / hidden.std()
    size = (*repeated, hidden.size)
    return graph, hidden, rng.poisson(np.exp(hidden), size).T


def precision_of(graph, fit):
    rows = graph.adjacency("both")
    base = laplacian_of(rows, np.ones(rows.indices.size)).toarray()
    base += fit.kappa.value**2 * np.eye(graph.num_nodes)
    return fit.tau.value * np.linalg.matrix_power(base, fit.order)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("repeated", [(), (3,)])
def test_mode_and_curvature_are_those_of_dense_algebra(order, repeated):
    graph, _, y = setting(repeated=repeated)
    y = y.astype(float)
    y.reshape(72, -1)[[3, 40]] = np.nan
    answer = gm.peak_probability(graph, y, counts=True, order=order, samples=20)
    table = y.reshape(72, -1)
    times, totals = (~np.isnan(table)).sum(1), np.nansum(table, axis=1)
    precision, rate = precision_of(graph, answer.fit), times * np.exp(answer.mean)
    np.testing.assert_allclose(
        precision @ (answer.mean - answer.fit.mean.value), totals - rate, atol=0.02
    )
    deviation = np.sqrt(np.diag(np.linalg.inv(precision + np.diag(rate))))
    np.testing.assert_allclose(answer.deviation, deviation, rtol=1e-3)
    assert answer.fit.noise is None


@pytest.mark.parametrize("order", [1, 2])
def test_orders_are_weighed_by_the_laplace_evidence_of_the_counts(order):
    graph, _, y = setting()
    answer = gm.peak_probability(graph, y, counts=True, order=order, samples=4)
    fitted = answer._fields[0][1]
    precision, rate = precision_of(graph, answer.fit), np.exp(answer.mean)
    apart = answer.mean - answer.fit.mean.value
    curvature = np.linalg.slogdet(precision + np.diag(rate))[1]
    laplace = (y * answer.mean - rate - gammaln(y + 1)).sum()
    laplace -= 0.5 * apart @ precision @ apart
    laplace += 0.5 * (np.linalg.slogdet(precision)[1] - curvature)
    rows = graph.adjacency("both")
    laplacian = laplacian_of(rows, np.ones(rows.indices.size)).toarray()
    trace = Measure(np.linalg.eigvalsh(laplacian), np.ones(72))
    weight = 1 / np.mean(1 / fitted.measurements.weights)
    prior = ParameterPrior(trace, order, np.diag(laplacian).mean(), weight)
    expected = laplace + prior.value(fitted.peak.theta)[0]
    assert fitted.peak.evidence == pytest.approx(expected, abs=0.01)
    assert abs(fitted.peak.evidence - fitted.peak.height) > 1  # that of normal measurements


def test_few_counts_are_no_concern():
    graph, _, y = setting((14, 14), 0.4)
    answer = gm.peak_probability(graph, y, counts=True, order=2, samples=8)
    assert answer.checks.misfit > 0.17  # they are far from normal
    assert answer.checks.concerns == ()


@pytest.mark.slow
def test_calibration():
    """Expected over true number of peaks, and the reliability slope, of rates of some 5."""
    numbers, slopes = [], []
    for seed in range(5):
        graph, hidden, y = setting((40, 40), 5.0, seed=seed)
        answer = gm.peak_probability(graph, y, counts=True)
        truth = gm.local_maxima(graph, hidden)
        numbers.append(answer.expected_number / truth.sum())
        apart = answer.probability - answer.probability.mean()
        slopes.append(apart @ truth / (apart @ apart))
    print(numbers, slopes)
    assert np.mean(numbers) == pytest.approx(1, abs=0.1)
    assert np.mean(slopes) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("y", "options", "error", "words"),
    [
        (np.full(72, 1.5), {}, ValueError, "whole numbers of at least 0 .* got 1.5; leave"),
        (np.full(72, -1), {}, ValueError, "whole numbers of at least 0 .* got -1"),
        (np.ones(72, bool), {}, TypeError, "`y` must be counts, got dtype bool"),
        (np.ones(72), {}, ValueError, "`y` must vary from node to node"),
        (np.arange(72), {"noise": 1.0}, ValueError, "`noise` must be left out with counts=True"),
        (np.arange(72), {"counts": 1}, TypeError, "`counts` must be"),
    ],
)
def test_what_is_refused(y, options, error, words):
    with pytest.raises(error, match=words):
        gm.peak_probability(gm.grid_graph((9, 8)), y, **{"counts": True, **options})
