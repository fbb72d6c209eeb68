"""Proof by exhaustion: every small graph, every pattern of ties, against a distance matrix.

An attribute of n nodes is, up to increasing maps, one of the weak orderings of n things. All of
them are the columns of one call.
"""

from itertools import combinations, product

import networkx as nx
import pytest
from numpy.testing import assert_array_equal
from oracles import Network, distance_matrix, matrix_maxima, weak_orderings
from strategies import graph_of

import graphmax as gm

pytestmark = pytest.mark.usefixtures("one_thread")
HOPS = (1, 2, 3)
PATTERNS = {size: weak_orderings(size) for size in range(1, 7)}


def atlas(most_nodes):
    """Every graph of 1 to `most_nodes` nodes, one of each shape."""
    for graph in nx.graph_atlas_g():
        if 1 <= len(graph) <= most_nodes:
            yield Network(len(graph), tuple(graph.edges()))


def labelled(most_nodes):
    """Every graph of 1 to `most_nodes` numbered nodes."""
    for size in range(1, most_nodes + 1):
        pairs = list(combinations(range(size), 2))
        for kept in product([False, True], repeat=len(pairs)):
            edges = tuple(pair for pair, keep in zip(pairs, kept, strict=True) if keep)
            yield Network(size, edges)


def proven(networks, ties):
    """Compare all patterns on all graphs with the oracle; return the number of cases."""
    cases = 0
    for network in networks:
        patterns = PATTERNS[network.num_nodes]
        graph, distance = graph_of(network), distance_matrix(network)
        for hops in HOPS:
            found = gm.local_maxima(graph, patterns, hops, ties=ties)
            expected = matrix_maxima(distance, patterns, hops, ties)
            assert_array_equal(found, expected, err_msg=f"{network}, {hops} hops", strict=True)
            cases += patterns.shape[1]
    return cases


@pytest.mark.parametrize("ties", ["strict", "weak", "plateau"])
def test_every_graph_of_up_to_six_nodes_with_every_pattern_of_ties(ties):
    assert proven(atlas(6), ties) == 2_249_478


def test_index_on_every_numbering_of_up_to_five_nodes():
    assert proven(labelled(5), "index") == 1_676_685
