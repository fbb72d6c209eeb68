"""Fit and posterior of `peak_probability` against dense algebra and known answers."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from scipy.stats import multivariate_normal

import graphmax as gm
from graphmax.generators import delaunay, gaussian_field
from graphmax.posterior import sample_probability
from graphmax.posterior.estimation import Estimator, UnevenLikelihood, climb
from graphmax.posterior.likelihood import (
    EvenLikelihood,
    Measure,
    ParameterPrior,
    SparseLikelihood,
    measurements_of,
    quadrature,
    random_signs,
    spectrum_of,
)
from graphmax.posterior.sampling import Factor, FieldPrecision, laplacian_of
from graphmax.values import read_attribute

THETA = np.array([0.3, -1.0, -0.5])


def setting(shape=(9, 8), missing=0, repeated=1, noise=None, seed=0):
    """A grid, its Laplacian and measurements of a field on it."""
    rng = np.random.default_rng(seed)
    graph = gm.grid_graph(shape)
    rows = graph.adjacency("both")
    laplacian = laplacian_of(rows, np.ones(rows.indices.size))
    hidden = gaussian_field(graph, 0.5, 2, generator=rng)
    y = 5 + hidden[:, None] + rng.normal(size=(hidden.size, repeated)) * hidden.std()
    y[rng.permutation(hidden.size)[:missing]] = np.nan
    return graph, laplacian, measurements_of(read_attribute(y), noise)


def dense_height(laplacian, data, theta, order):
    """The likelihood of all single measurements by the textbook, and the mean it implies."""
    count = laplacian.shape[0]
    precision = np.exp(theta[0]) * np.linalg.matrix_power(
        laplacian.toarray() + np.exp(theta[1]) * np.eye(count), order
    )
    seen, s2 = data.seen, 1.0 if data.known else np.exp(theta[2])
    covariance = np.linalg.inv(precision)[np.ix_(seen, seen)] + np.diag(s2 / data.weights[seen])
    values, inverse = data.values[seen], np.linalg.inv(covariance)
    mean = inverse.sum(0) @ values / inverse.sum()
    height = multivariate_normal(np.full(values.size, mean), covariance).logpdf(values)
    if not data.known:
        height -= 0.5 * (data.extra * np.log(2 * np.pi * s2) + data.within / s2)
    return height, mean


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "kind", [{}, {"missing": 20}, {"repeated": 3}, {"noise": 2.0}, {"missing": 9, "noise": 1.0}]
)
def test_likelihood_is_that_of_the_textbook(order, kind):
    _, laplacian, data = setting(**kind)
    theta = THETA[: 2 if data.known else 3]
    likelihoods = [SparseLikelihood(data, laplacian, order)]
    if data.even:
        probes = random_signs(data.values.size, np.random.default_rng(0))
        spectrum = spectrum_of(laplacian, data.values, probes)
        likelihoods.append(EvenLikelihood(data, spectrum, order))
    height, mean = dense_height(laplacian, data, theta, order)
    for likelihood in likelihoods:
        value = likelihood.value(theta)
        assert value.height == pytest.approx(height, abs=1e-8)
        assert value.mean == pytest.approx(mean, abs=1e-10)
        slopes = [
            (likelihood.value(theta + step).height - likelihood.value(theta - step).height) / 2e-5
            for step in 1e-5 * np.eye(theta.size)
        ]
        np.testing.assert_allclose(value.gradient, slopes, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("order", [1, 2])
def test_scoring_climbs_to_the_exact_maximum(order):
    """With every eigenvalue and every unit vector as a probe nothing is estimated."""
    _, laplacian, data = setting((12, 10), missing=30)
    probes = np.eye(120) * np.sqrt(120)
    trace = Measure(np.linalg.eigvalsh(laplacian.toarray()), np.ones(120))
    estimated = UnevenLikelihood(data, laplacian, order, trace, probes)
    exact = SparseLikelihood(data, laplacian, order)
    np.testing.assert_allclose(
        estimated.score(THETA).gradient, exact.value(THETA).gradient, rtol=1e-4, atol=1e-3
    )
    assert estimated.height(THETA) == pytest.approx(exact.value(THETA).height, abs=1e-3)
    bounds = Estimator(data, laplacian, np.random.default_rng(0)).bounds
    prior = ParameterPrior(trace, order, 4.0, 1.0)
    found = climb(estimated, prior, THETA, bounds)
    assert found.converged
    gradient = exact.value(found.theta).gradient + prior.value(found.theta)[1]
    assert np.abs(gradient).max() < 0.1


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("size", [2, 3])
def test_the_prior_is_a_uniform_share_of_noise_and_a_normal_kappa(order, size):
    eigenvalues = np.array([0.0, 1.0, 3.0, 4.5])
    prior, theta = ParameterPrior(Measure(eigenvalues, np.ones(4)), order, 3.0, 2.0), THETA[:size]
    field = np.mean(np.exp(-theta[0]) / (eigenvalues + np.exp(theta[1])) ** order)
    noise = (np.exp(theta[2]) if size == 3 else 1.0) / 2
    share = noise / (noise + field)
    expected = np.log(share * (1 - share)) - 0.5 * ((theta[1] - np.log(0.09)) / 2) ** 2
    height, gradient = prior.value(theta)
    assert height == pytest.approx(expected)
    steps = 1e-6 * np.eye(size)
    slopes = [(prior.value(theta + s)[0] - prior.value(theta - s)[0]) / 2e-6 for s in steps]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6)
    assert np.linalg.eigvalsh(prior.information(theta)).min() > -1e-12


def test_nothing_but_the_prior_is_known_of_a_field_that_is_all_noise():
    """The likelihood alone is flat up to the bound of kappa, and its noise falls to 0."""
    graph = gm.grid_graph((30, 30))
    y = np.random.default_rng(2).normal(size=900)
    with pytest.warns(UserWarning, match="not smooth on this graph"):
        fit = gm.peak_probability(graph, y, samples=8).fit
    assert 0.2 < fit.noise.value < 1.1
    assert fit.kappa.value < 4
    assert np.isfinite([fit.kappa.error, fit.noise.error]).all()


def test_a_slope_that_never_ends_says_so():
    y = np.repeat(np.linspace(0, 9, 20) ** 2, 20) + np.random.default_rng(0).normal(size=400)
    with pytest.warns(UserWarning, match="varies over longer distances than this graph has"):
        gm.peak_probability(gm.grid_graph((20, 20)), y, samples=8)


def test_quadrature_is_exact_once_the_space_is_full():
    rng = np.random.default_rng(0)
    matrix = nx.laplacian_matrix(nx.gnp_random_graph(12, 0.4, seed=0)).toarray().astype(float)
    block = rng.normal(size=(12, 3))
    nodes, weights = quadrature(lambda vectors: matrix @ vectors, block, 12)
    expected = np.diag(block.T @ np.linalg.matrix_power(matrix, 3) @ block)
    np.testing.assert_allclose((weights * nodes**3).sum(axis=1), expected, rtol=1e-9)
    one = quadrature(lambda vectors: matrix @ vectors, np.ones((12, 1)), 12)
    assert (one[1] * np.exp(-one[0])).sum() == pytest.approx(12)  # a constant is an eigenvector


@pytest.mark.parametrize("order", [1, 2])
def test_selected_inverse_is_the_inverse(order):
    graph = nx.random_geometric_graph(60, 0.2, seed=0)
    laplacian = scipy.sparse.csr_array(nx.laplacian_matrix(graph).astype(float))
    prior = FieldPrecision(laplacian, 1.3, 0.2, order)
    factor, dense = Factor(prior.matrix), np.linalg.inv(prior.matrix.toarray())
    np.testing.assert_allclose(factor.variances, np.diag(dense), rtol=1e-9)
    assert factor.log_determinant == pytest.approx(-np.linalg.slogdet(dense)[1])
    assert factor.trace_with(prior.base) == pytest.approx(np.trace(dense @ prior.base.toarray()))


def test_entries_of_a_factor_that_come_out_as_zero():
    # Eliminating the last row leaves -1 - 2 * -2 / 4 = 0 between the others: no entry is stored.
    matrix = np.array([[4.0, -1, 2], [-1, 4, -2], [2, -2, 4]])
    factor, inverse = Factor(scipy.sparse.csr_array(matrix)), np.linalg.inv(matrix)
    np.testing.assert_allclose(factor.variances, np.diag(inverse), rtol=1e-12)
    assert factor.trace_with(scipy.sparse.csr_array(matrix)) == pytest.approx(3)


@pytest.mark.parametrize("seed", range(5))
def test_factors_of_small_integers(seed):
    generator = np.random.default_rng(seed)
    for size in generator.integers(3, 9, 60):
        upper = np.triu(generator.integers(-2, 3, (size, size)), 1)
        upper *= generator.random((size, size)) < 0.6
        matrix = upper + upper.T + 4.0 * np.eye(size)
        if np.linalg.eigvalsh(matrix).min() < 0.1:
            continue
        factor, inverse = Factor(scipy.sparse.csr_array(matrix)), np.linalg.inv(matrix)
        np.testing.assert_allclose(factor.variances, np.diag(inverse), rtol=1e-9)
        full = scipy.sparse.csr_array(np.ones((size, size)))
        assert factor.trace_with(full) == pytest.approx(inverse.sum(), rel=1e-9)


@pytest.mark.parametrize("order", [1, 2])
def test_field_precision_is_its_matrix(order):
    _, laplacian, _ = setting((5, 4))
    prior, rng = FieldPrecision(laplacian, 1.7, 0.3, order), np.random.default_rng(0)
    block = rng.normal(size=(20, 5))
    np.testing.assert_allclose(prior.times(block), prior.matrix @ block, rtol=1e-10)
    np.testing.assert_allclose(prior.diagonal, prior.matrix.diagonal(), rtol=1e-10)
    noise = prior.noise(40_000, rng)
    covariance, dense = noise @ noise.T / 40_000, prior.matrix.toarray()
    np.testing.assert_allclose(covariance, dense, atol=6 * dense.max() / 200)


def probability_of(kind, **options):
    graph, laplacian, data = setting(**kind)
    y = np.where(data.seen, data.values, np.nan)
    return graph, laplacian, y, gm.peak_probability(graph, y, **{"order": 2, **options})


@pytest.mark.filterwarnings("ignore:the noise is not identifiable")
def test_orders_that_y_does_not_tell_apart_share_the_answer():
    """The answer is the mixture of what each order says, by the weights that it tells."""
    graph, _, y, answer = probability_of({}, samples=2000, order="auto")
    one, two = (gm.peak_probability(graph, y, order=order, samples=2000) for order in (1, 2))
    peaks = [each._fields[0][1].peak for each in (one, two)]
    assert peaks[0].height == one.fit.log_likelihood > peaks[0].evidence
    odds = peaks[0].evidence - peaks[1].evidence
    share = 1 / (1 + np.exp(-odds))
    assert 0.05 < share < 0.95
    assert answer.fit.weight == pytest.approx(max(share, 1 - share), rel=1e-6)
    for name, atol in (("probability", 0.04), ("mean", 0.03)):
        mixture = share * getattr(one, name) + (1 - share) * getattr(two, name)
        np.testing.assert_allclose(getattr(answer, name), mixture, atol=atol)


def fitted_precision(answer, laplacian):
    fit, count = answer.fit, laplacian.shape[0]
    base = laplacian + fit.kappa.value**2 * scipy.sparse.eye_array(count, format="csr")
    return fit.tau.value * (base if fit.order == 1 else base @ base)


@pytest.mark.parametrize("missing", [0, 20])
def test_mean_and_deviation_are_those_of_dense_algebra(missing):
    _, laplacian, y, answer = probability_of({"missing": missing}, samples=20, order=2)
    precision = fitted_precision(answer, laplacian).toarray()
    weights = np.where(np.isnan(y), 0.0, answer.fit.noise.value**-2)
    covariance = np.linalg.inv(precision + np.diag(weights))
    mean = answer.fit.mean.value
    expected = mean + covariance @ (weights * np.nan_to_num(y - mean))
    np.testing.assert_allclose(answer.mean, expected, atol=1e-5)
    np.testing.assert_allclose(answer.deviation, np.sqrt(np.diag(covariance)), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:the noise is not identifiable")
def test_probability_is_that_of_the_exact_sampler_under_the_fitted_field():
    graph, laplacian, y, answer = probability_of({}, samples=2000, order=1)
    precision = scipy.sparse.csr_array(fitted_precision(answer, laplacian))
    sigma, mean = answer.fit.noise.value, answer.fit.mean.value
    expected = sample_probability(graph, y - mean, precision, sigma, samples=2000, seed=1)
    np.testing.assert_allclose(answer.probability, expected, atol=0.03)
    assert answer.expected_number == answer.probability.sum()


def test_deviation_by_samples_is_near_the_exact_one(monkeypatch):
    exact = probability_of({"missing": 15})[-1].deviation
    monkeypatch.setattr("graphmax.posterior.field.is_sparse_enough", lambda *_: False)
    sampled = probability_of({"missing": 15}, samples=2000)[-1].deviation
    np.testing.assert_allclose(sampled, exact, rtol=0.06)


def test_samples_have_the_posterior_mean_and_deviation():
    *_, answer = probability_of({"missing": 10}, samples=20)
    samples = answer.samples(4001)
    assert samples.shape == (4001, 72)
    np.testing.assert_allclose(samples.mean(0), answer.mean, atol=5 * answer.deviation.max() / 63)
    np.testing.assert_allclose(samples.std(0), answer.deviation, rtol=0.08)
    np.testing.assert_array_equal(answer.samples(5, seed=2), answer.samples(5, seed=2))


def test_credible_set_holds_the_highest_node_as_often_as_it_says():
    _graph, *_, answer = probability_of({}, samples=2000)
    samples = answer.samples(4000)
    region = np.arange(72) < 36
    for mask, highest in ((None, samples), (region, np.where(region, samples, -np.inf))):
        nodes = answer.credible_set(0.8, region=mask)
        share = np.isin(highest.argmax(1), nodes)
        assert share.mean() > 0.77
        without = np.isin(highest.argmax(1), nodes[:-1])
        assert without.mean() < 0.83
    assert answer.credible_set(0.5).size <= answer.credible_set(0.99).size


def test_where_leaves_nodes_out_of_the_question_but_not_of_the_field():
    graph, _, y, whole = probability_of({}, samples=200)
    where = np.arange(72) % 2 == 0
    part = gm.peak_probability(graph, y, where=where, samples=200, order=2)
    assert (part.probability[~where] == 0).all()
    assert (part.probability[where] >= whole.probability[where] - 1e-12).all()
    np.testing.assert_array_equal(part.mean, whole.mean)
    assert where[part.credible_set(0.9)].all()


def test_a_node_that_was_not_measured_is_answered():
    y = 3 - np.abs(np.arange(-20, 21)) / 5 + 0.05 * np.random.default_rng(0).normal(size=41)
    y[20] = np.nan
    answer = gm.peak_probability(gm.grid_graph(41), y, noise=0.05)
    assert 20 in answer.credible_set(0.9)
    assert answer.mean[20] == pytest.approx(3, abs=0.3)
    assert answer.deviation[20] > answer.deviation[10]


def test_isolated_nodes_and_parts_that_do_not_touch():
    graph, _, y, _alone = probability_of({}, samples=50)
    double = nx.disjoint_union(graph.to_networkx(), graph.to_networkx())
    double.add_node(144)
    answer = gm.peak_probability(double, np.append(np.tile(y, 2), y.mean()), samples=400, order=2)
    assert answer.probability[144] == 1
    np.testing.assert_allclose(answer.probability[:72], answer.probability[72:144], atol=0.12)


def test_laws_of_units_and_seeds():
    graph, _, y, answer = probability_of({}, samples=60)
    moved = gm.peak_probability(graph, 100 * y - 7, samples=60, order=2)
    np.testing.assert_allclose(moved.probability, answer.probability, atol=1e-4)
    np.testing.assert_allclose(moved.mean, 100 * answer.mean - 7, rtol=1e-4)
    assert moved.fit.noise.value == pytest.approx(100 * answer.fit.noise.value, rel=1e-3)
    assert moved.fit.kappa.value == pytest.approx(answer.fit.kappa.value, rel=1e-3)
    same = gm.peak_probability(graph, y, samples=60, order=2)
    np.testing.assert_array_equal(same.probability, answer.probability)


def test_more_measurements_of_a_node_are_one_of_their_mean_and_tell_the_noise():
    rng = np.random.default_rng(0)
    graph = gm.grid_graph((20, 20))
    hidden = gaussian_field(graph, 0.5, 2, generator=rng)
    y = hidden[:, None] / hidden.std() + 0.5 * rng.normal(size=(400, 4))
    answer = gm.peak_probability(graph, y, samples=50)
    assert answer.fit.noise.value == pytest.approx(0.5, rel=0.06)
    assert answer.fit.noise.error < 0.03
    given = gm.peak_probability(graph, y.mean(1), noise=answer.fit.noise.value / 2, samples=50)
    assert given.fit.noise is None
    np.testing.assert_allclose(given.mean, answer.mean, atol=0.03)


@pytest.mark.filterwarnings("ignore:the field varies over longer distances")
def test_noise_per_node_trusts_the_better_measurement():
    graph, _, y, _ = probability_of({}, samples=4)
    y = np.linspace(-2, 2, 72) + 0.3 * y
    noise = np.where(np.arange(72) < 36, 0.05, 2.0)
    answer = gm.peak_probability(graph, y, noise=noise, samples=50, order=2)
    assert np.abs(answer.mean - y)[:36].max() < np.abs(answer.mean - y)[36:].max() / 4


@pytest.mark.parametrize(("kappa", "order", "noise"), [(0.3, 1, 0.5), (0.5, 2, 1.0)])
def test_the_fit_finds_field_and_noise_again(kappa, order, noise):
    rng = np.random.default_rng(1)
    graph = delaunay(6_000, generator=rng)  # beyond exact likelihoods
    hidden = gaussian_field(graph, kappa, order, generator=rng)
    y = hidden / hidden.std() + noise * rng.normal(size=hidden.size)
    fit = gm.peak_probability(graph, y, samples=16).fit
    assert fit.order == order
    assert abs(fit.kappa.value - kappa) < 4 * fit.kappa.error
    assert abs(fit.noise.value - noise) < 4 * fit.noise.error
    assert fit.noise.error < 0.1
    y[rng.random(y.size) < 0.2] = np.nan
    partly = gm.peak_probability(graph, y, order=order, samples=16).fit
    assert abs(partly.kappa.value - kappa) < 4 * partly.kappa.error
    assert abs(partly.noise.value - noise) < 4 * partly.noise.error


@pytest.mark.filterwarnings("ignore:the noise is not identifiable")
def test_parameters_that_vary_widen_what_is_known():
    *_, fixed = probability_of({"noise": 1.0}, samples=1000, order=1)
    *_, varied = probability_of({"noise": 1.0}, samples=1000, order=1, vary_parameters=True)
    assert varied.deviation.mean() > fixed.deviation.mean()
    np.testing.assert_allclose(varied.mean, fixed.mean, atol=0.3)


def test_conductances():
    rng = np.random.default_rng(0)
    src, dst = np.arange(29), np.arange(1, 30)
    lengths = rng.uniform(0.5, 2, 29)
    graph = gm.Graph.from_edges(src, dst, weights=lengths)
    y = np.sin(np.arange(30) / 3) + 0.2 * rng.normal(size=30)
    by_word = gm.peak_probability(graph, y, weight="length", noise=0.2, samples=50)
    by_array = gm.peak_probability(graph, y, weight=1 / lengths, noise=0.2, samples=50)
    np.testing.assert_array_equal(by_word.probability, by_array.probability)
    plain = gm.peak_probability(graph, y, noise=0.2, samples=50)
    assert (plain.mean != by_word.mean).any()
    inverse = gm.Graph.from_edges(src, dst, weights=1 / lengths)
    other = gm.peak_probability(inverse, y, weight="conductance", noise=0.2, samples=50)
    np.testing.assert_array_equal(other.probability, by_word.probability)
    cut = gm.peak_probability(graph, y, weight=np.where(src == 14, 0.0, 1.0), noise=0.2, samples=50)
    assert np.isfinite(cut.probability).all()


def test_table():
    table = probability_of({}, samples=10)[-1].to_pandas()
    assert table.columns.tolist() == ["node", "label", "probability", "mean", "deviation"]
    assert len(table) == 72


def test_checks_of_a_right_model():
    rng = np.random.default_rng(3)
    graph = gm.grid_graph((28, 28))
    hidden = gaussian_field(graph, 0.4, 2, generator=rng)
    checks = gm.peak_probability(graph, hidden / hidden.std() + rng.normal(size=784)).checks
    assert checks.concerns == ()
    assert checks.misfit < 0.06
    for level in (0.5, 0.8, 0.95):
        assert checks.coverage(level) == pytest.approx(level, abs=0.04)


def test_leaving_a_node_out_is_measuring_all_but_it():
    _graph, laplacian, y, answer = probability_of({}, samples=10, order=2)
    precision = fitted_precision(answer, laplacian).toarray()
    sigma, mean = answer.fit.noise.value, answer.fit.mean.value
    covariance = np.linalg.inv(precision) + sigma**2 * np.eye(72)
    for v in (0, 17, 71):
        rest = np.arange(72) != v
        gain = covariance[v, rest] @ np.linalg.inv(covariance[np.ix_(rest, rest)])
        spread = np.sqrt(covariance[v, v] - gain @ covariance[rest, v])
        expected = (y[v] - mean - gain @ (y[rest] - mean)) / spread
        assert answer.checks.z[v] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (lambda rng, field: rng.normal(size=625), "not smooth on this graph"),
        (lambda rng, field: field, "noise is not identifiable"),
        (lambda rng, field: field + rng.standard_t(1.5, size=625), "not normal"),
    ],
)
def test_a_model_that_does_not_fit_says_so(y, words):
    rng = np.random.default_rng(0)
    graph = gm.grid_graph((25, 25))
    field = gaussian_field(graph, 0.5, 1, generator=rng)
    with pytest.warns(UserWarning, match=words):
        answer = gm.peak_probability(graph, y(rng, field), order=1, samples=20)
    assert any(words in concern for concern in answer.checks.concerns)


PATH = gm.grid_graph(30)
GOOD = np.sin(np.arange(30) / 3)


@pytest.mark.parametrize(
    ("y", "options", "error", "words"),
    [
        (np.ones(30), {}, ValueError, "`y` must vary from node to node, got 1 everywhere"),
        (np.where(np.arange(30) < 19, GOOD, np.nan), {}, ValueError, "at least 20 nodes"),
        (np.where(np.arange(30) < 1, np.inf, GOOD), {}, ValueError, "`y` must be finite"),
        (GOOD * 1e300, {}, ValueError, "`y` must lie between 1e-140 and 1e.140 in size, got up to"),
        (GOOD * 1e-300, {}, ValueError, "`y` must lie between .*multiply it by a factor"),
        (np.arange(30) * 5e-324, {}, ValueError, "`y` must lie between"),
        (GOOD + 1e15, {}, ValueError, "`y` must vary by more than 1e-12 of its size, .*subtract"),
        (GOOD, {"noise": 1e308}, ValueError, "`noise` must lie between 1e-140 and 1e.140 times"),
        (GOOD, {"noise": 1e-308}, ValueError, "`noise` must lie between .* got 1e-308 to 1e-308"),
        (GOOD[:-1], {}, ValueError, r"`y` must have one entry per node \(30\)"),
        (GOOD, {"noise": 0.0}, ValueError, "`noise` must be above 0 and finite, got 0.0; .*exactly"),
        (GOOD, {"noise": [1.0, 2.0]}, ValueError, r"one entry per node \(30,\), got \(2,\)"),
        (GOOD, {"noise": "small"}, TypeError, "`noise` must be real numbers, got 'small'"),
        (GOOD, {"order": 3}, ValueError, "`order` must be from 1 to 2, got 3"),
        (GOOD, {"order": "both"}, TypeError, "`order` must be an integer"),
        (GOOD, {"hops": 0}, ValueError, "`hops` must be at least 1"),
        (GOOD, {"samples": 1}, ValueError, "`samples` must be at least 2, got 1"),
        (GOOD, {"where": np.ones(30)}, TypeError, "`where` must be bool"),
        (GOOD, {"weight": "length"}, ValueError, "got 'length' and a graph without"),
        (GOOD, {"weight": "strong"}, ValueError, "`weight` must be"),
        (GOOD, {"weight": np.ones(4)}, ValueError, r"one number per edge \(29,\)"),
        (GOOD, {"weight": -np.ones(29)}, ValueError, "finite and at least 0"),
        (GOOD, {"vary_parameters": 1}, TypeError, "`vary_parameters` must be"),
    ],
)  # fmt: skip
def test_what_is_refused(y, options, error, words):
    with pytest.raises(error, match=words):
        gm.peak_probability(PATH, y, **options)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda answer: answer.credible_set(1.0), "`level` must be below 1"),
        (lambda answer: answer.credible_set(0), "`level` must be above 0"),
        (lambda answer: answer.credible_set(region=np.zeros(72, bool)), "must hold a node"),
        (lambda answer: answer.samples(0), "`n` must be at least 1"),
    ],
)
def test_what_an_answer_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call(probability_of({}, samples=4)[-1])
