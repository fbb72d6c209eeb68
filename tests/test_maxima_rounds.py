"""Labels by rounds over the edges, the road taken where searching would cost more."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import local_maxima
from strategies import TIES, graph_of, networks, with_gaps

import graphmax as gm
from graphmax.maxima import engine


@pytest.fixture(scope="module", autouse=True)
def no_patience():
    """Let every search give up at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "SEARCH_SHARE", 0)
        patch.setattr(engine, "LEAST_SEARCH", -1)
        yield


def test_a_search_that_gives_up_is_answered_by_rounds(monkeypatch):
    asked = []
    rounds = engine._unchallenged_by_rounds
    monkeypatch.setattr(engine, "_unchallenged_by_rounds", lambda *a: asked.append(a) or rounds(*a))
    path = gm.grid_graph(5)
    assert_array_equal(gm.local_maxima(path, [1, 3, 2, 0, 5], 2), [0, 1, 0, 0, 1])
    assert len(asked) == 1


@given(st.data(), st.sampled_from(TIES), st.integers(2, 4))
def test_rounds_are_those_of_the_oracle(data, ties, hops):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    found = gm.local_maxima(graph_of(network), values, hops, ties=ties, nan="omit")
    assert_array_equal(found, local_maxima(network, values, hops=hops, ties=ties, nan="omit"))


@given(st.data(), st.sampled_from(TIES), st.integers(1, 4))
def test_edges_in_any_order_are_those_of_the_oracle(data, ties, hops):
    network = data.draw(networks(directed=False))
    values = data.draw(with_gaps(network.num_nodes))
    data = graph_of(network).to_data()  # asked from its edges: no rows are built before
    data.h = torch.from_numpy(np.array(values, np.float64))
    found = gm.local_maxima(data, "h", hops, ties=ties, nan="omit")
    assert_array_equal(found, local_maxima(network, values, hops=hops, ties=ties, nan="omit"))


def test_many_columns():
    values = np.array([[1, 3], [2, 2], [3, 1]])
    assert_array_equal(gm.local_maxima(gm.grid_graph(3), values, 2), [[0, 1], [0, 0], [1, 0]])


def test_more_hops_than_nodes():
    values = np.array([9, 1, 5])
    assert_array_equal(gm.local_maxima(gm.grid_graph(3), values, 2**40), [1, 0, 0])
    assert_array_equal(gm.margin(gm.grid_graph(3), values, 2**40), [4, -8, -4])
    assert_array_equal(gm.margin(gm.grid_graph(50), np.arange(50), 60)[-2:], [-1, 1])
