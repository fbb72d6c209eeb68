"""The noise filter against the posterior mean that it is made to reach, by dense algebra."""

import networkx as nx
import numpy as np
import pytest
import torch

import graphmax as gm
from graphmax.nn import GraphFilter
from graphmax.nn.scores import bent
from graphmax.nn.steps import Steps

DEGREES = np.array([1, 2, 3])


def through(values):
    """Coefficients of the parabola in log(1 + d) through one value for each of three degrees."""
    log_degree = np.log1p(DEGREES)
    return torch.from_numpy(np.linalg.solve(np.vander(log_degree, 3, increasing=True), values))


def set_to(score, own, passed):
    """Give a filter these complex coefficients at degrees 1, 2 and 3."""
    size = abs(passed)
    with torch.no_grad():
        score.own.copy_(torch.stack([through(np.log(abs(own))), through(np.angle(own))]))
        score.passed.copy_(
            torch.stack([through(np.log(size / (1 - size))), through(np.angle(passed))])
        )


def tree():
    """Degrees 1, 2 and 3: a parabola meets any function of them."""
    network = nx.balanced_tree(2, 4)
    assert sorted(set(dict(network.degree).values())) == DEGREES.tolist()
    return network, nx.laplacian_matrix(network).toarray().astype(float)


def smoothed(score, network, y):
    graph = gm.as_graph(network)
    steps = Steps.of(graph, y.size)
    return score(torch.from_numpy(y)[:, None], steps).mean[:, 0].detach().numpy()


def test_first_order_field():
    network, laplacian = tree()
    strength, kappa = 0.7, 0.5
    y = np.random.default_rng(0).normal(size=len(network))
    own = 1 / (1 + strength * (kappa**2 + DEGREES))
    score = GraphFilter(order=80)
    set_to(score, own, strength * DEGREES * own)
    system = np.eye(y.size) + strength * (kappa**2 * np.eye(y.size) + laplacian)
    np.testing.assert_allclose(smoothed(score, network, y), np.linalg.solve(system, y), rtol=1e-9)


def test_second_order_field():
    network, laplacian = tree()
    strength, kappa = 0.7, 0.5
    y = np.random.default_rng(0).normal(size=len(network))
    inverse = 1 / (strength * (kappa**2 + DEGREES) - 1j)
    score = GraphFilter(order=80)
    set_to(score, -1j * inverse, strength * DEGREES * inverse)
    root = strength * (kappa**2 * np.eye(y.size) + laplacian)
    expected = np.linalg.solve(root @ root + np.eye(y.size), y)
    np.testing.assert_allclose(smoothed(score, network, y), expected, rtol=1e-9)


@pytest.mark.parametrize("order", [1, 3])
def test_a_node_hears_of_nodes_within_its_order_only(order):
    network = nx.path_graph(9)
    score = GraphFilter(order)
    score.reset_parameters(torch.Generator())
    y = np.zeros(9)
    silence = smoothed(score, network, y)
    y[0] = 1.0
    heard = np.flatnonzero(smoothed(score, network, y) != silence)
    assert heard.tolist() == list(range(order + 1))


def test_a_quarter_of_the_units_level_off():
    far = bent(torch.full((2, 8), 50.0))
    assert far[0].tolist() == [50.0] * 6 + [1.0] * 2
