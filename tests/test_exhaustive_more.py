"""Proof by exhaustion, continued: isolation and margin, and every graph of seven nodes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from oracles import distance_matrix, matrix_maxima, weak_orderings
from oracles_matrix import matrix_isolation, matrix_margin
from strategies import graph_of
from test_exhaustive import HOPS, PATTERNS, atlas

import graphmax as gm

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("ties", ["strict", "weak", "plateau", "index"])
def test_isolation_of_every_graph_of_up_to_six_nodes(ties):
    cases = 0
    for network in atlas(6):
        patterns = PATTERNS[network.num_nodes]
        found = gm.isolation(graph_of(network), patterns, ties=ties)
        distance, witness = matrix_isolation(distance_matrix(network), patterns, ties)
        assert_array_equal(found.distance, distance, err_msg=f"{network}")
        assert_array_equal(found.witness, witness, err_msg=f"{network}")
        cases += patterns.shape[1]
    assert cases == 2_249_478 // len(HOPS)


@pytest.mark.slow
def test_margin_of_every_graph_of_up_to_six_nodes():
    cases = 0
    for network in atlas(6):
        patterns, graph = PATTERNS[network.num_nodes], graph_of(network)
        distance = distance_matrix(network)
        for hops in HOPS:
            found = gm.margin(graph, patterns, hops)
            assert_array_equal(found, matrix_margin(distance, patterns, hops), err_msg=f"{network}")
            cases += patterns.shape[1]
    assert cases == 2_249_478


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ties", ["strict", "weak", "plateau"])
def test_every_graph_of_up_to_seven_nodes(ties):
    patterns = {size: weak_orderings(size) for size in range(1, 8)}
    cases = 0
    for network in atlas(7):
        columns = patterns[network.num_nodes]
        graph, distance = graph_of(network), distance_matrix(network)
        for hops in HOPS:
            found = gm.local_maxima(graph, columns, hops, ties=ties)
            expected = matrix_maxima(distance, columns, hops, ties)
            np.testing.assert_array_equal(found, expected, err_msg=f"{network}, {hops} hops")
            cases += columns.shape[1]
    assert cases == 150_371_154
