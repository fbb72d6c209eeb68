"""Laws that hold whatever the graph: each is tried on thousands of attributes.

A law draws a graph, a rule and an attribute of several columns; every column under every rule for
ties is a case.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import Network, ball
from strategies import DIRECTIONS, TIES, columns, fields, graph_of, networks, rules, with_gaps

import graphmax as gm

pytestmark = pytest.mark.usefixtures("one_thread")
WIDTH = 6
LOCAL = ("strict", "weak", "index")
UNNUMBERED = ("strict", "weak", "plateau")
STYLE = ("direction", "extremum", "isolated")
LOW, HIGH = np.finfo(np.float32).min, np.finfo(np.float32).max
STAIRS = {
    "int8": np.array([-128, -1, 0, 127], dtype=np.int8),
    "int64": np.array([-(2**63), 2**53, 2**53 + 1, 2**63 - 1]),
    "uint64": np.array([0, 2**63 - 1, 2**63, 2**64 - 1], dtype=np.uint64),
    "float16": np.array([-1, -6e-8, 0, 6e-8], dtype=np.float16),
    "float32": np.array([LOW, 1, np.nextafter(np.float32(1), HIGH), HIGH], dtype=np.float32),
    "float64": np.array([-np.inf, -5e-324, 1.0, np.inf]),
    "datetime64": np.array(["1677-09-22", "1970", "2000-01-01", "2262"], dtype="datetime64[ns]"),
    "timedelta64": np.array([-(2**53) - 1, -(2**53), 0, 9], dtype="timedelta64[us]"),
}


def moved(network, edges, **changes):
    """The same network with other edges (in the old order of weights)."""
    rest = {"num_nodes": network.num_nodes, "weights": network.weights, **changes}
    return Network(edges=tuple(edges), directed=network.directed, **rest)


@given(st.data())
def test_renumbering_renumbers_the_answer(data):
    network = data.draw(networks())
    size = network.num_nodes
    values = data.draw(columns(size, WIDTH))
    number = np.array(data.draw(st.permutations(range(size))))
    rule = data.draw(rules(network, *STYLE))
    graph = graph_of(network)
    other = graph_of(moved(network, ((number[u], number[v]) for u, v in network.edges)))
    renumbered = np.empty_like(values)
    renumbered[number] = values
    for ties in UNNUMBERED:
        expected = gm.local_maxima(graph, values, ties=ties, **rule)
        assert_array_equal(gm.local_maxima(other, renumbered, ties=ties, **rule)[number], expected)


@given(st.data())
def test_renumbering_keeps_every_distance(data):
    """Weighted too: sums are added from the node outwards, whatever the numbers are."""
    network = data.draw(networks(weighted=True))
    size = network.num_nodes
    values = data.draw(columns(size, WIDTH))
    number = np.array(data.draw(st.permutations(range(size))))
    asked = data.draw(fields("direction", "extremum")) | {"weighted": data.draw(st.booleans())}
    graph = graph_of(network)
    other = graph_of(moved(network, ((number[u], number[v]) for u, v in network.edges)))
    renumbered = np.empty_like(values)
    renumbered[number] = values
    for ties in UNNUMBERED:
        expected = gm.isolation(graph, values, ties=ties, **asked).distance
        found = gm.isolation(other, renumbered, ties=ties, **asked).distance
        assert_array_equal(found[number], expected)


@given(st.data())
def test_the_order_of_the_edges_does_not_matter(data):
    network = data.draw(networks())
    values = data.draw(columns(network.num_nodes, WIDTH))
    rule = data.draw(rules(network, *STYLE))
    order = data.draw(st.permutations(range(len(network.edges))))
    edges = [network.edges[e] for e in order]
    if not network.directed:
        flips = data.draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges)))
        edges = [(v, u) if flip else (u, v) for (u, v), flip in zip(edges, flips, strict=True)]
    weights = None if network.weights is None else tuple(network.weights[e] for e in order)
    other = graph_of(moved(network, edges, weights=weights))
    graph = graph_of(network)
    for ties in TIES:
        expected = gm.local_maxima(graph, values, ties=ties, **rule)
        assert_array_equal(gm.local_maxima(other, values, ties=ties, **rule), expected)


@given(st.data())
def test_only_the_ranks_matter(data):
    network = data.draw(networks())
    stairs = STAIRS[data.draw(st.sampled_from(sorted(STAIRS)))]
    ranks = data.draw(columns(network.num_nodes, WIDTH, levels=len(stairs)))
    rule = data.draw(rules(network, *STYLE))
    graph = graph_of(network)
    for ties in TIES:
        expected = gm.local_maxima(graph, ranks, ties=ties, **rule)
        assert_array_equal(gm.local_maxima(graph, stairs[ranks], ties=ties, **rule), expected)


@given(st.data())
def test_graphs_side_by_side_keep_their_maxima(data):
    weighted, directed = data.draw(st.booleans()), data.draw(st.booleans())
    first = data.draw(networks(weighted=weighted, directed=directed))
    second = data.draw(networks(weighted=weighted, directed=directed))
    shift = first.num_nodes
    both = moved(
        first,
        [*first.edges, *((u + shift, v + shift) for u, v in second.edges)],
        num_nodes=shift + second.num_nodes,
        weights=first.weights + second.weights if weighted else None,
    )
    values = data.draw(columns(both.num_nodes, WIDTH))
    rule = data.draw(rules(first, *STYLE))
    for ties in TIES:
        found = gm.local_maxima(graph_of(both), values, ties=ties, **rule)
        left = gm.local_maxima(graph_of(first), values[:shift], ties=ties, **rule)
        right = gm.local_maxima(graph_of(second), values[shift:], ties=ties, **rule)
        assert_array_equal(found, np.concatenate([left, right]))


def induced(network, nodes):
    """The subgraph of some nodes, renumbered in their order."""
    place = {node: position for position, node in enumerate(nodes)}
    kept = [e for e, (u, v) in enumerate(network.edges) if u in place and v in place]
    edges = [(place[network.edges[e][0]], place[network.edges[e][1]]) for e in kept]
    weights = None if network.weights is None else tuple(network.weights[e] for e in kept)
    return moved(network, edges, num_nodes=len(nodes), weights=weights)


@given(st.data())
def test_the_label_depends_on_the_ball_alone(data):
    """Not under plateau; and a radius may leave out the neighbors that `isolated` asks for."""
    network = data.draw(networks())
    values = data.draw(columns(network.num_nodes, WIDTH))
    rule = data.draw(rules(network, "direction", "extremum"))
    isolated = True if "radius" in rule else data.draw(st.booleans())
    size = {name: rule[name] for name in ("hops", "radius", "direction") if name in rule}
    graph = graph_of(network)
    whole = {t: gm.local_maxima(graph, values, ties=t, isolated=isolated, **rule) for t in LOCAL}
    for v in range(network.num_nodes):
        nodes = sorted(ball(network, v, **size))
        part = graph_of(induced(network, nodes))
        for ties in LOCAL:
            found = gm.local_maxima(part, values[nodes], ties=ties, isolated=isolated, **rule)
            assert_array_equal(found[nodes.index(v)], whole[ties][v])


@given(st.data())
def test_one_isolation_answers_every_number_of_hops(data):
    """Maxima at k + 1 are a subset of maxima at k."""
    network = data.draw(networks())
    values = data.draw(columns(network.num_nodes, WIDTH))
    style = data.draw(fields("direction", "extremum"))
    graph = graph_of(network)
    for ties in TIES:
        distance = gm.isolation(graph, values, ties=ties, **style).distance
        for hops in (1, 2, 3, 4, 9):
            mask = gm.local_maxima(graph, values, hops, ties=ties, **style)
            assert_array_equal(mask, distance > hops)


@given(st.data())
def test_minima_are_the_maxima_of_reversed_ranks(data):
    network = data.draw(networks())
    values = data.draw(columns(network.num_nodes, WIDTH))
    rule = data.draw(rules(network, "direction", "isolated"))
    graph = graph_of(network)
    for ties in TIES:
        expected = gm.local_maxima(graph, 3 - values, ties=ties, **rule)
        assert_array_equal(gm.local_minima(graph, values, ties=ties, **rule), expected)
        found = gm.local_maxima(graph, values, ties=ties, extremum="min", **rule)
        assert_array_equal(found, expected)


@given(st.data())
def test_one_more_edge_makes_no_new_maximum(data):
    network = data.draw(networks())
    values = data.draw(columns(network.num_nodes, WIDTH))
    rule = data.draw(rules(network, "direction", "extremum"))
    node = st.integers(0, network.num_nodes - 1)
    edge = data.draw(st.tuples(node, node))
    weights = None if network.weights is None else (*network.weights, 0.2)
    more = graph_of(moved(network, [*network.edges, edge], weights=weights))
    graph = graph_of(network)
    for ties in TIES:
        before = gm.local_maxima(graph, values, ties=ties, **rule)
        after = gm.local_maxima(more, values, ties=ties, **rule)
        assert_array_equal(after & ~before, np.zeros_like(before))


@given(st.data())
def test_columns_are_answered_one_by_one(data):
    network = data.draw(networks())
    size = network.num_nodes
    values = np.stack([data.draw(with_gaps(size)) for _ in range(3)], axis=1)
    rule = data.draw(rules(network, "direction", "extremum")) | {"nan": "omit"}
    spread = {name: rule[name] for name in ("direction", "extremum", "nan")}
    graph = graph_of(network)
    margins = gm.margin(graph, values, **rule)
    for ties in TIES:
        mask = gm.local_maxima(graph, values, ties=ties, **rule)
        far = gm.isolation(graph, values, ties=ties, **spread)
        for column, single in enumerate(values.T):
            alone = gm.isolation(graph, single, ties=ties, **spread)
            assert_array_equal(mask[:, column], gm.local_maxima(graph, single, ties=ties, **rule))
            assert_array_equal(far.distance[:, column], alone.distance)
            assert_array_equal(far.witness[:, column], alone.witness)
            assert_array_equal(margins[:, column], gm.margin(graph, single, **rule))


@given(st.data())
def test_outside_where_is_like_nan(data):
    network = data.draw(networks())
    size = network.num_nodes
    values = data.draw(columns(size, 1))[:, 0].astype(np.float64)
    where = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)
    rule = data.draw(rules(network, *STYLE))
    graph, gappy = graph_of(network), np.where(where, values, np.nan)
    for ties in TIES:
        expected = gm.local_maxima(graph, gappy, ties=ties, nan="omit", **rule)
        found = gm.local_maxima(graph, values, ties=ties, where=where, **rule)
        assert_array_equal(found, expected)


@given(st.data())
def test_margin_decides_strict_and_weak(data):
    network = data.draw(networks())
    values = data.draw(columns(network.num_nodes, WIDTH))
    rule = data.draw(rules(network, "direction", "extremum"))
    graph = graph_of(network)
    margin = gm.margin(graph, values, **rule)
    assert_array_equal(gm.local_maxima(graph, values, ties="strict", **rule), margin > 0)
    assert_array_equal(gm.local_maxima(graph, values, ties="weak", **rule), margin >= 0)


@pytest.mark.parametrize("direction", DIRECTIONS)
@given(st.data())
def test_without_arrows_every_direction_is_the_same(direction, data):
    network = data.draw(networks(directed=False))
    values = data.draw(columns(network.num_nodes, WIDTH))
    rule = data.draw(rules(network, "extremum", "isolated"))
    graph = graph_of(network)
    for ties in TIES:
        expected = gm.local_maxima(graph, values, ties=ties, **rule)
        found = gm.local_maxima(graph, values, ties=ties, direction=direction, **rule)
        assert_array_equal(found, expected)
