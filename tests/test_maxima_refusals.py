"""What is refused, with the way out: one sentence that names the argument."""

import networkx as nx
import numpy as np
import pytest

import graphmax as gm

PAIR = gm.Graph.from_edges([0], [1], 2)
LONG = gm.Graph.from_edges([0], [1], 2, weights=[0.5])
VALUES = np.array([1, 2])
CALLS = {
    "local_maxima": gm.local_maxima,
    "local_minima": gm.local_minima,
    "isolation": gm.isolation,
    "margin": gm.margin,
    "explain": lambda graph, values, **fields: gm.explain(graph, values, 0, **fields),
}
SIZED = {name: call for name, call in CALLS.items() if name != "isolation"}


def every(calls):
    return pytest.mark.parametrize("call", calls.values(), ids=calls.keys())


# --- fields of the rule


@every(SIZED)
@pytest.mark.parametrize(
    ("fields", "kind", "match"),
    [
        ({"hops": 0}, ValueError, "`hops` must be at least 1, got 0"),
        ({"hops": -3}, ValueError, "`hops` must be at least 1, got -3"),
        ({"hops": 1.5}, TypeError, "`hops` must be an integer.*got 1.5"),
        ({"hops": True}, TypeError, "`hops` must be an integer.*got True"),
        ({"hops": "2"}, TypeError, "`hops` must be an integer.*got '2'"),
        ({"radius": 0}, ValueError, "`radius` must be above 0, got 0"),
        ({"radius": -1.0}, ValueError, "`radius` must be above 0, got -1.0"),
        ({"radius": float("nan")}, ValueError, "`radius` must be above 0, got nan"),
        ({"radius": "1"}, TypeError, "`radius` must be a number"),
        ({"hops": 1, "radius": 1.0}, ValueError, "`hops` and `radius` must not be given together"),
    ],
)
def test_sizes_that_are_none(call, fields, kind, match):
    with pytest.raises(kind, match=match):
        call(LONG, VALUES, **fields)


@every(CALLS)
@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"direction": "up"}, "`direction` must be one of 'in', 'out', 'both', got 'up'"),
        ({"nan": "drop"}, "`nan` must be one of 'raise', 'omit', got 'drop'"),
    ],
)
def test_choices_that_are_none(call, fields, match):
    with pytest.raises(ValueError, match=match):
        call(PAIR, VALUES, **fields)


@every({name: call for name, call in CALLS.items() if name != "margin"})
def test_ties_that_are_none(call):
    with pytest.raises(ValueError, match=r"`ties` must be one of 'strict', 'weak', .* got 'loose'"):
        call(PAIR, VALUES, ties="loose")


@every(SIZED)
def test_a_radius_needs_weights(call):
    with pytest.raises(ValueError, match=r"`radius` must .*weights"):
        call(PAIR, VALUES, radius=1.0)


@every(CALLS)
def test_a_field_that_does_not_exist(call):
    with pytest.raises(TypeError, match="tie"):
        call(PAIR, VALUES, tie="weak")


@pytest.mark.parametrize(
    ("call", "fields", "match"),
    [
        ("isolation", {"hops": 2}, "`hops` must not be given to isolation; "),
        ("isolation", {"radius": 2.0}, "`radius` must not be given to isolation; "),
        ("isolation", {"isolated": False}, "`isolated`"),
        ("margin", {"ties": "weak"}, "`ties`"),
        ("margin", {"isolated": False}, "`isolated`"),
        ("local_maxima", {"weighted": True}, "weighted"),
        ("local_maxima", {"max_distance": 2}, "max_distance"),
        ("explain", {"weighted": True}, "weighted"),
    ],
)
def test_a_field_that_the_call_does_not_take(call, fields, match):
    with pytest.raises(TypeError, match=match):
        CALLS[call](LONG, VALUES, **fields)


@pytest.mark.parametrize("call", ["local_maxima", "local_minima"])
@pytest.mark.parametrize("fields", [{"hops": 1}, {"ties": "weak"}, {"radius": 1.0}])
def test_a_rule_beside_its_fields(call, fields):
    with pytest.raises(TypeError, match="`rule` must"):
        CALLS[call](LONG, VALUES, rule=gm.Rule(), **fields)


def test_a_rule_that_is_none():
    with pytest.raises(TypeError, match=r"`rule` must be a .*Rule, got"):
        gm.local_maxima(PAIR, VALUES, rule={"hops": 1})


def test_weighted_isolation_needs_weights():
    with pytest.raises(ValueError, match=r"`weighted` must .*weights"):
        gm.isolation(PAIR, VALUES, weighted=True)


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_a_largest_distance_that_is_none(limit):
    with pytest.raises(ValueError, match="`max_distance` must be above 0, got"):
        gm.isolation(PAIR, VALUES, max_distance=limit)


# --- values


@every(CALLS)
@pytest.mark.parametrize(
    ("values", "kind", "match"),
    [
        (np.array([1j, 2]), TypeError, "`values` must be .*complex128"),
        (np.array(["a", "b"]), TypeError, "`values` must be .*<U1"),
        (np.array([1, None]), TypeError, "`values` must be .*object"),
        (np.zeros((2, 2, 2)), ValueError, r"`values` must .*\(2, 2, 2\)"),
        (np.array(3), ValueError, r"`values` must .*\(\)"),
        (np.array([1, 2, 3]), ValueError, r"`values` must have .*2.*got .*3"),
    ],
)
def test_values_that_are_none(call, values, kind, match):
    with pytest.raises(kind, match=match):
        call(PAIR, values)


@every(CALLS)
def test_nan_is_counted_and_placed(call):
    values = np.array([1.0, np.nan])
    with pytest.raises(ValueError, match=r"`values` must .*NaN.*1.*node 1.*omit"):
        call(PAIR, values)


def test_nan_in_a_column_is_placed():
    values = np.array([[1.0, 2.0], [3.0, np.nan]])
    with pytest.raises(ValueError, match=r"node 1.*column 1"):
        gm.local_maxima(PAIR, values)


@every(CALLS)
def test_an_unknown_attribute_lists_the_near_names(call):
    graph = PAIR.replace(attributes={"height": VALUES, "width": VALUES})
    with pytest.raises((ValueError, KeyError), match=r"hieght.*'height'"):
        call(graph, "hieght")


def test_an_attribute_missing_on_some_nodes_counts_them():
    graph = nx.path_graph(9)
    nx.set_node_attributes(graph, {0: 1, 8: 2}, "height")
    with pytest.raises(ValueError, match=r"height.*7 .*1, 2, 3, 4, 5"):
        gm.local_maxima(graph, "height")


def test_an_explanation_is_of_one_column():
    with pytest.raises(ValueError, match=r"`values` must .*\(num_nodes,\).*\(2, 3\)"):
        gm.explain(PAIR, np.zeros((2, 3)), 0)


# --- where, node and graph


@every(CALLS)
@pytest.mark.parametrize(
    ("where", "kind", "match"),
    [
        (np.array([1, 0]), TypeError, "`where` must .*bool.*int64"),
        (np.array([True]), ValueError, "`where` must .*2.*got .*1"),
        (np.ones((2, 2), dtype=bool), ValueError, r"`where` must .*\(2, 2\)"),
    ],
)
def test_a_where_that_is_none(call, where, kind, match):
    with pytest.raises(kind, match=match):
        call(PAIR, VALUES, where=where)


@pytest.mark.parametrize("node", [2, -1, 10**12])
def test_a_node_out_of_range(node):
    with pytest.raises(ValueError, match=f"`node` must .*0 .*1.*got {node}"):
        gm.explain(PAIR, VALUES, node)


@pytest.mark.parametrize("node", [0.0, "0", None])
def test_a_node_that_is_no_index(node):
    with pytest.raises(TypeError, match="`node` must be an integer"):
        gm.explain(PAIR, VALUES, node)


@every(CALLS)
@pytest.mark.parametrize("graph", [np.eye(2), [[0, 1], [1, 0]], None, 3, "graph"])
def test_a_graph_that_is_none(call, graph):
    with pytest.raises(TypeError, match="`graph` must be"):
        call(graph, VALUES)


def test_a_matrix_has_no_lengths():
    pair = np.array([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="must not set `radius` for center_is_maximum; a matrix"):
        gm.center_is_maximum(pair, [2, 1], rule=gm.Rule(radius=1.0))
    assert gm.center_is_maximum(pair, [2, 1], rule=gm.Rule(hops=1))


def test_negative_lengths_are_counted_without_those_of_zero():
    graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], weights=[0.0, -2.5, 1.0])
    with pytest.raises(ValueError, match=r"got -2.5 \(2 negative entries\)"):
        gm.local_maxima(graph, [1, 2, 3, 4], radius=1.0)


def test_only_a_missing_value_that_is_asked_about_is_refused():
    path, values = gm.grid_graph(4), [1.0, 3.0, 2.0, np.nan]
    asked = np.array([True, True, True, False])
    assert np.flatnonzero(gm.local_maxima(path, values, where=asked)).tolist() == [1]
    with pytest.raises(ValueError, match="got 1 NaN"):
        gm.local_maxima(path, values, where=~asked)
