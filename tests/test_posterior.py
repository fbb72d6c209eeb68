"""Exact posterior sampling against dense linear algebra."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from scipy.special import ndtr

import graphmax as gm
from graphmax.posterior import sample_probability
from graphmax.posterior.sampling import MatrixPrecision, Posterior


def smooth(graph, kappa=0.5):
    laplacian = nx.laplacian_matrix(graph).astype(float)
    eye = scipy.sparse.eye_array(graph.number_of_nodes(), format="csr")
    return scipy.sparse.csr_array(laplacian + kappa**2 * eye)


def by_simulation(graph, y, precision, sigma, hops, draws=200_000):
    covariance = np.linalg.inv(precision.toarray() + np.eye(len(y)) / sigma**2)
    fields = np.random.default_rng(1).multivariate_normal(
        covariance @ y / sigma**2, covariance, draws
    )
    wins = np.ones(fields.shape, bool)
    for v in graph:
        for u in set(nx.ego_graph(graph, v, hops)) - {v}:
            wins[:, v] &= fields[:, v] > fields[:, u]
    return wins.mean(0)


def test_two_nodes_have_a_closed_form():
    precision = scipy.sparse.csr_array([[2.0, -1.0], [-1.0, 2.0]])
    covariance = np.linalg.inv(precision.toarray() + 4 * np.eye(2))
    mean = covariance @ [4.0, 0.0]
    apart = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    expected = ndtr((mean[0] - mean[1]) / np.sqrt(apart))
    found = sample_probability(
        gm.Graph.from_edges([0], [1]), [1.0, 0.0], precision, 0.5, samples=20_000
    )
    np.testing.assert_allclose(found, [expected, 1 - expected], atol=0.004)


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("order", [1, 2])
def test_equal_to_simulation_by_dense_algebra(hops, order):
    graph = nx.gnp_random_graph(10, 0.25, seed=3)
    matrix = smooth(graph)
    precision, root = (matrix, None) if order == 1 else (matrix @ matrix, matrix)
    y = np.random.default_rng(0).normal(size=10)
    found = sample_probability(graph, y, precision, 0.8, hops=hops, root=root, samples=8000)
    # five standard errors of the simulation and of the samples, at most .5 / sqrt(draws) each
    np.testing.assert_allclose(found, by_simulation(graph, y, precision, 0.8, hops), atol=0.01)


def test_exact_data_leave_no_doubt_and_no_data_leave_the_prior():
    graph = nx.path_graph(6)
    y = np.array([0.0, 3.0, 1.0, 2.0, 5.0, 4.0])
    sure = sample_probability(graph, y, smooth(graph), 1e-3, samples=50)
    np.testing.assert_allclose(sure, gm.local_maxima(graph, y), atol=1e-6)
    vague = sample_probability(graph, y, smooth(graph), 1e3, samples=4000)
    np.testing.assert_allclose(vague, vague[::-1], atol=0.03)


def test_a_node_without_neighbors_is_a_maximum():
    graph = nx.empty_graph(2)
    precision = scipy.sparse.eye_array(2, format="csr")
    assert sample_probability(graph, [-1.0, 1.0], precision, 1.0, samples=4).tolist() == [1, 1]


def test_a_seed_gives_the_same_bits():
    graph, y = nx.path_graph(5), np.arange(5.0)
    first, second, other = (
        sample_probability(graph, y, smooth(graph), 1.0, samples=20, seed=seed)
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


PAIR = gm.Graph.from_edges([0], [1])
GOOD = scipy.sparse.csr_array([[2.0, -1.0], [-1.0, 2.0]])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"y": [1.0]}, ValueError, r"`y` must have one entry per node \(2,\)"),
        ({"y": [1.0, np.nan]}, ValueError, "`y` must be finite"),
        ({"sigma": 0.0}, ValueError, "`sigma` must be above 0 and finite, got 0.0"),
        ({"samples": 1}, ValueError, "`samples` must be an integer of at least 2, got 1"),
        ({"precision": np.eye(2)}, TypeError, "SciPy sparse matrix, got ndarray"),
        ({"precision": scipy.sparse.eye_array(3)}, ValueError, r"shape \(2, 2\), got \(3, 3\)"),
        (
            {"precision": scipy.sparse.csr_array([[2.0, 1.0], [0.0, 2.0]])},
            ValueError,
            "must be symmetric",
        ),
        (
            {"precision": scipy.sparse.csr_array([[2.0, 1.0], [1.0, 2.0]])},
            ValueError,
            "pass root=M",
        ),
        ({"root": scipy.sparse.eye_array(2)}, ValueError, "root @ root.T, got another product"),
        ({"root": scipy.sparse.eye_array(3)}, ValueError, r"one row per node \(2\), got 3"),
        ({"precision": -9 * scipy.sparse.eye_array(2)}, ValueError, "positive definite"),
    ],
)
def test_what_is_refused(change, error, words):
    given = {"y": [1.0, 0.0], "precision": GOOD, "sigma": 1.0, "samples": 4} | change
    with pytest.raises(error, match=words):
        sample_probability(
            PAIR, given.pop("y"), given.pop("precision"), given.pop("sigma"), **given
        )


def posterior_of(graph, y, precision, sigma):
    weights = np.full(len(y), sigma**-2)
    root = scipy.sparse.csr_array(np.linalg.cholesky(precision.toarray()))
    return Posterior(MatrixPrecision(precision, root), weights, np.asarray(y))


def test_what_the_rest_says_of_a_node_does_not_look_at_the_node():
    graph = nx.gnp_random_graph(12, 0.3, seed=1)
    rng = np.random.default_rng(0)
    posterior = posterior_of(graph, rng.normal(size=12), smooth(graph), 0.7)
    field = rng.normal(size=(12, 1))
    before = posterior.given_the_rest(field)
    for v in range(12):
        changed = field.copy()
        changed[v] += 5.0
        assert posterior.given_the_rest(changed)[v, 0] == pytest.approx(before[v, 0], abs=1e-12)


def test_what_the_rest_says_is_the_conditional_mean_of_dense_algebra():
    graph = nx.gnp_random_graph(8, 0.4, seed=2)
    rng = np.random.default_rng(0)
    y, field = rng.normal(size=8), rng.normal(size=(8, 1))
    posterior = posterior_of(graph, y, smooth(graph), 0.7)
    covariance = np.linalg.inv(smooth(graph).toarray() + np.eye(8) / 0.49)
    mean = covariance @ y / 0.49
    for v in range(8):
        rest = np.arange(8) != v
        gain = covariance[v, rest] @ np.linalg.inv(covariance[np.ix_(rest, rest)])
        expected = mean[v] + gain @ (field[rest, 0] - mean[rest])
        assert posterior.given_the_rest(field)[v, 0] == pytest.approx(expected, rel=1e-6)
