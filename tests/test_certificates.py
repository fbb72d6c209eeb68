"""Explanations: the right reason, a path that anybody can walk, and no forgery accepted."""

from dataclasses import replace

import numpy as np
import oracles
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import TIES, graph_of, masks, networks, rules, with_gaps

import graphmax as gm

pytestmark = pytest.mark.usefixtures("one_thread")
NAN = float("nan")


def path(size, **options):
    return gm.Graph.from_edges(range(size - 1), range(1, size), size, **options)


# --- known cases


def test_a_no_names_the_nearest_challenger_and_the_way_to_it():
    values = np.array([2, 1, 0, 2, 9])
    certificate = gm.explain(path(5), values, 0, 3)
    assert isinstance(certificate, gm.Certificate)
    assert (certificate.node, certificate.is_maximum) == (0, False)
    assert (certificate.reason, certificate.witness) == ("challenger", 3)
    assert (certificate.distance, certificate.plateau_steps) == (3, 0)
    assert_array_equal(certificate.path, np.array([0, 1, 2, 3]), strict=True)
    assert certificate.rule == gm.Rule(hops=3).filled()
    assert certificate.verify(path(5), values) is True


def test_a_yes_names_the_ball_and_the_rival():
    values = np.array([5, 1, 4, 4, 9])
    certificate = gm.explain(path(5), values, 0, 3)
    assert (certificate.is_maximum, certificate.reason) == (True, None)
    assert (certificate.ball_size, certificate.rival) == (4, 2)
    assert certificate.verify(path(5), values) is True


def test_a_node_that_is_not_there_is_refused():
    for node in (-1, 3, 4):
        with pytest.raises(ValueError, match="`node` must be from 0 to 2, got"):
            gm.explain(path(3), [1, 2, 3], node)


def test_the_first_node_may_be_the_witness_and_the_rival():
    no = gm.explain(path(3), [5, 2, 1], 1)
    assert "<td>witness</td><td>0</td>" in no._repr_html_()
    yes = gm.explain(path(3), [2, 5, 1], 1)
    assert "<td>rival</td><td>0</td>" in yes._repr_html_()
    assert "witness" not in yes._repr_html_()


def test_what_a_mask_covers_is_missing_when_a_yes_is_verified():
    """The covered value would be the highest of all; a time that is none is the lowest."""
    masked = np.ma.MaskedArray([1, 9, 2, 0], [False, True, False, False])
    times = np.array(["2020", "NaT", "2021", "2019"], "datetime64[Y]")
    for values in (masked, times):
        yes = gm.explain(path(4), values, 2, 2, nan="omit")
        assert (yes.is_maximum, yes.ball_size, yes.rival) == (True, 4, 0)
        assert yes.verify(path(4), values) is True


def test_a_plateau_is_left_at_its_end():
    values = np.array([2, 2, 2, 0, 3])
    certificate = gm.explain(path(5), values, 0, 2, ties="plateau")
    assert (certificate.reason, certificate.witness) == ("challenger", 4)
    assert_array_equal(certificate.path, [0, 1, 2, 3, 4])
    assert (certificate.plateau_steps, certificate.distance) == (2, 2)
    assert certificate.verify(path(5), values) is True


def test_a_radius_is_walked_in_weights():
    graph, values = path(3, weights=[0.25, 0.5]), np.array([1, 0, 2])
    certificate = gm.explain(graph, values, 0, radius=0.75)
    assert (certificate.witness, certificate.distance) == (2, 0.75)
    assert_array_equal(certificate.path, [0, 1, 2])
    assert gm.explain(graph, values, 0, radius=0.7).is_maximum is True


def test_a_loner_and_a_missing_value_have_reasons_of_their_own():
    graph, values = gm.Graph.from_edges([0], [1], 3), np.array([1.0, NAN, 5.0])
    alone = gm.explain(graph, values, 2, nan="omit", isolated=False)
    assert (alone.is_maximum, alone.reason) == (False, "isolated")
    missing = gm.explain(graph, values, 1, nan="omit")
    assert (missing.is_maximum, missing.reason) == (False, "nan")
    outside = gm.explain(graph, np.array([1, 2, 3]), 1, where=np.array([True, False, True]))
    assert (outside.is_maximum, outside.reason) == (False, "nan")
    assert alone.verify(graph, values) is True
    assert missing.verify(graph, values) is True


# --- against the oracle


def asked_of(data, network):
    rule = data.draw(rules(network, "ties", "direction", "extremum", "isolated"))
    return rule | {"nan": "omit"}


@given(st.data())
def test_every_explanation_is_true_and_verifies(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    asked = asked_of(data, network)
    graph = graph_of(network)
    expected = oracles.local_maxima(network, values, where=where, **asked)
    for node in range(network.num_nodes):
        certificate = gm.explain(graph, values, node, where=where, **asked)
        assert certificate.is_maximum == expected[node], (asked, node)
        assert certificate.verify(graph, values, where=where) is True, (asked, node)
        check_facts(certificate, network, oracles.levels(
            values, extremum=asked["extremum"], where=where
        ))  # fmt: skip


def check_facts(certificate, network, level):
    if certificate.reason == "nan":
        assert level[certificate.node] is None
    elif certificate.reason == "isolated":
        assert oracles.steps(network, certificate.rule.direction)[certificate.node] == {}
    elif certificate.reason == "challenger":
        check_no(certificate, network, level)
    else:
        check_yes(certificate, network, level)


def check_no(certificate, network, level):
    """The witness is the oracle's, and the path is a walk to it of the stated length."""
    rule, node = certificate.rule, certificate.node
    weighted = rule.radius is not None
    signed = [np.nan if height is None else float(height) for height in level]
    distance, witness = oracles.isolation(
        network, signed, weighted=weighted, ties=rule.ties, direction=rule.direction
    )
    assert (certificate.witness, certificate.distance) == (witness[node], distance[node])
    assert (certificate.path[0], certificate.path[-1]) == (node, witness[node])
    table = oracles.steps(network, rule.direction)
    walked = [table[a][b] for a, b in zip(certificate.path[:-1], certificate.path[1:], strict=True)]
    plateau = certificate.path[: certificate.plateau_steps + 1]
    assert {level[v] for v in plateau} == {level[node]}
    length = 0.0
    for weight in walked[certificate.plateau_steps :]:
        length += weight if weighted else 1
    assert length == distance[node]


def check_yes(certificate, network, level):
    rule, node = certificate.rule, certificate.node
    if rule.ties == "plateau":
        return
    size = {"hops": rule.hops, "radius": rule.radius, "direction": rule.direction}
    assert certificate.ball_size == len(oracles.ball(network, node, **size))
    assert certificate.rival == oracles.rival(network, level, node, **size)


# --- forgeries


@given(st.data())
def test_a_certificate_of_another_attribute_is_rejected_where_the_answer_differs(data):
    network = data.draw(networks(min_nodes=2))
    values = data.draw(with_gaps(network.num_nodes))
    other = data.draw(with_gaps(network.num_nodes))
    asked = asked_of(data, network)
    expected = oracles.local_maxima(network, other, **asked)
    graph = graph_of(network)
    for node in range(network.num_nodes):
        certificate = gm.explain(graph, values, node, **asked)
        if certificate.is_maximum != expected[node]:
            assert certificate.verify(graph, other) is False, (asked, node)


@given(st.data())
def test_a_turned_answer_is_rejected(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    asked = asked_of(data, network)
    graph = graph_of(network)
    for node in range(network.num_nodes):
        certificate = gm.explain(graph, values, node, **asked)
        turned = replace(certificate, is_maximum=not certificate.is_maximum)
        assert turned.verify(graph, values) is False, (asked, node)


@given(st.data())
def test_a_certificate_moved_to_a_node_of_the_other_answer_is_rejected(data):
    network = data.draw(networks(min_nodes=2))
    values = data.draw(with_gaps(network.num_nodes))
    asked = asked_of(data, network)
    mask = oracles.local_maxima(network, values, **asked)
    assume(len(set(mask)) == 2)
    graph = graph_of(network)
    for node in range(network.num_nodes):
        certificate = gm.explain(graph, values, node, **asked)
        for other in range(network.num_nodes):
            if mask[other] != mask[node]:
                moved = replace(certificate, node=other)
                assert moved.verify(graph, values) is False, (asked, node, other)


@given(st.data())
def test_a_certificate_that_verifies_tells_the_truth(data):
    """Whatever is written into it: a false claim is rejected, and never with an exception."""
    network = data.draw(networks(min_nodes=2, max_nodes=5))
    size = network.num_nodes
    values = data.draw(with_gaps(size))
    asked = asked_of(data, network)
    graph = graph_of(network)
    node = st.integers(-1, size)
    forged = replace(
        gm.explain(graph, values, data.draw(st.integers(0, size - 1)), **asked),
        is_maximum=data.draw(st.booleans()),
        reason=data.draw(st.sampled_from(["challenger", "isolated", "nan", None])),
        **data.draw(st.fixed_dictionaries({}, optional={
            "node": node,
            "witness": node,
            "path": st.lists(node, max_size=4).map(lambda nodes: np.array(nodes, dtype=np.int64)),
            "plateau_steps": st.integers(-1, 3),
            "distance": st.sampled_from([0.0, 0.3, 1.0, 2.0, NAN, np.inf]),
            "ball_size": st.integers(0, size),
            "rival": node,
        })),
    )  # fmt: skip
    if forged.verify(graph, values):
        assert forged.is_maximum == oracles.local_maxima(network, values, **asked)[forged.node]


NO = {
    "witness that is lower": {"witness": 1},
    "witness that the path does not reach": {"witness": 4},
    "witness that is no node": {"witness": 99},
    "shorter distance": {"distance": 1.0},
    "longer distance": {"distance": 3.0},
    "distance beyond the rule": {"distance": 7.0},
    "path that jumps": {"path": np.array([0, 2])},
    "path from elsewhere": {"path": np.array([1, 2])},
    "path with a node that is none": {"path": np.array([0, -1, 2])},
    "path without nodes": {"path": np.array([], dtype=np.int64)},
    "steps in a plateau that is none": {"plateau_steps": 1},
    "another reason": {"reason": "isolated"},
    "a reason that is none": {"reason": "nan"},
    "no reason": {"reason": None},
    "a smaller ball": {"rule": gm.Rule(hops=1)},
    "another node": {"node": 2},
    "a node that is none": {"node": 99},
    "a negative node": {"node": -5},
}


@pytest.mark.parametrize("forgery", NO.values(), ids=NO.keys())
def test_a_forged_no_is_rejected(forgery):
    values = np.array([2, 1, 3, 0, 9])
    certificate = gm.explain(path(5), values, 0, 2)
    assert certificate.verify(path(5), values) is True
    assert replace(certificate, **forgery).verify(path(5), values) is False


YES = {
    "a larger ball": {"ball_size": 4},
    "a smaller ball": {"ball_size": 2},
    "another rival": {"rival": 1},
    "no rival": {"rival": -1},
    "a reason": {"reason": "challenger"},
    "a wider rule": {"rule": gm.Rule(hops=4)},
    "another node": {"node": 1},
    "a node that is none": {"node": 99},
}


@pytest.mark.parametrize("forgery", YES.values(), ids=YES.keys())
def test_a_forged_yes_is_rejected(forgery):
    values = np.array([5, 1, 3, 0, 9])
    certificate = gm.explain(path(5), values, 0, 2)
    assert certificate.verify(path(5), values) is True
    assert replace(certificate, **forgery).verify(path(5), values) is False


STRANGE = [
    ("distance", True), ("distance", "2"), ("distance", np.array([2.0])), ("reason", ["challenger"]),
    ("reason", np.array(["challenger"])), ("rule", None), ("path", [0, 1, 2]), ("node", 0.0),
]  # fmt: skip
BROKEN = [
    ("ties", "none"), ("ties", []), ("hops", -1), ("hops", True), ("hops", {}), ("radius", 1.0),
    ("isolated", 2), ("isolated", gm.Rule()), ("direction", np.array([])), ("extremum", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), STRANGE)
def test_a_field_of_another_kind_is_rejected(field, value):
    values = np.array([2, 1, 3, 0, 9])
    certificate = replace(gm.explain(path(5), values, 0, 2), **{field: value})
    assert certificate.verify(path(5), values) is False


@pytest.mark.parametrize(("field", "value"), BROKEN)
@pytest.mark.parametrize("node", [0, 4])
def test_a_rule_that_nobody_could_make_is_rejected(node, field, value):
    values = np.array([2, 1, 3, 0, 9])
    certificate = gm.explain(path(5), values, node, 2)
    rule = replace(certificate.rule)
    object.__setattr__(rule, field, value)
    assert replace(certificate, rule=rule).verify(path(5), values) is False


@pytest.mark.parametrize("ties", TIES)
def test_a_certificate_of_a_graph_with_another_edge_is_rejected(ties):
    values = np.array([5, 1, 3, 0, 9])
    more = gm.Graph.from_edges([0, 1, 2, 3, 0], [1, 2, 3, 4, 4], 5)
    certificate = gm.explain(path(5), values, 0, 2, ties=ties)
    assert certificate.is_maximum is True
    assert certificate.verify(more, values) is False


def test_a_plateau_certificate_with_a_false_step_is_rejected():
    values = np.array([2, 2, 2, 0, 3])
    certificate = gm.explain(path(5), values, 0, 2, ties="plateau")
    for steps in (0, 1, 3, -1, 9):
        forged = replace(certificate, plateau_steps=steps)
        assert forged.verify(path(5), values) is False


def test_no_way_of_a_certificate_leaves_the_group():
    graph, values, groups = gm.grid_graph(3), [1, 2, 3], [0, 0, 1]
    inside = gm.explain(graph, values, 0, 2, groups=groups)
    assert inside.witness == 1
    assert inside.verify(graph, values, groups=groups)
    highest = gm.explain(graph, values, 1, 2, groups=groups)
    assert highest.is_maximum
    assert highest.verify(graph, values, groups=groups)
    assert not highest.verify(graph, values)
    across = gm.explain(graph, values, 1, 2)
    assert across.witness == 2
    assert across.verify(graph, values)
    assert not across.verify(graph, values, groups=groups)
