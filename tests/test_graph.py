"""`Graph`: built right from any edge list, checked once, never changed."""

import pickle

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphmax import Graph, as_graph
from graphmax.graph import Dropped


@st.composite
def edge_lists(draw):
    num_nodes = draw(st.integers(1, 12))
    ends = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(ends, ends, st.integers(0, 3)), max_size=40))
    src, dst, weights = (
        (list(column) for column in zip(*edges, strict=True)) if edges else ([],) * 3
    )
    return num_nodes, src, dst, weights


def smallest_weights(src, dst, weights, directed):
    """Edges without loops and repeats as a dict, by hand."""
    kept = {}
    for u, v, w in zip(src, dst, weights, strict=True):
        edge = (u, v) if directed else (min(u, v), max(u, v))
        if u != v:
            kept[edge] = min(w, kept.get(edge, w))
    return kept


class TestKnown:
    def test_rows_list_in_neighbors(self):
        graph = Graph.from_edges([0, 2, 1], [1, 1, 0], directed=True)
        assert_array_equal(graph.indptr, [0, 1, 3, 3])
        assert_array_equal(graph.indices, [1, 0, 2])

    def test_undirected_edge_is_in_both_rows(self):
        graph = Graph.from_edges([2], [0])
        assert_array_equal(graph.indptr, [0, 1, 1, 2])
        assert_array_equal(graph.indices, [2, 0])

    def test_dropped(self):
        graph = Graph.from_edges([0, 1, 1, 2, 2], [1, 0, 0, 2, 1])
        assert graph.dropped == Dropped(self_loops=1, repeats=2)
        assert graph.num_edges == 2

    def test_both_directions_are_two_arrows(self):
        graph = Graph.from_edges([0, 1, 0], [1, 0, 1], directed=True)
        assert graph.dropped == Dropped(0, 1)
        assert_array_equal(graph.edges(), [[0, 1], [1, 0]])

    def test_smallest_weight_stays(self):
        graph = Graph.from_edges([0, 1, 0], [1, 0, 2], weights=[3.0, 2.0, 1.0])
        assert_array_equal(graph.edge_weights(), [2.0, 1.0])

    def test_adjacency_directions(self):
        graph = Graph.from_edges([0, 1], [1, 2], weights=[5, 7], directed=True)
        assert_array_equal(graph.adjacency("out").indices, [1, 2])
        assert_array_equal(graph.adjacency("in").indices, [0, 1])
        both = graph.adjacency("both")
        assert_array_equal(both.indices, [1, 0, 2, 1])
        assert_array_equal(both.weights, [5, 5, 7, 7])

    def test_both_keeps_the_smaller_weight(self):
        graph = Graph.from_edges([0, 1], [1, 0], weights=[5, 7], directed=True)
        assert_array_equal(graph.adjacency("both").weights, [5, 5])

    def test_empty(self):
        graph = Graph.from_edges([], [])
        assert (graph.num_nodes, graph.num_edges) == (0, 0)
        assert graph.edges().shape == (2, 0)

    def test_isolated_nodes(self):
        assert Graph.from_edges([], [], 3).num_nodes == 3
        assert Graph.from_edges([0], [1], labels=["a", "b", "c"]).num_nodes == 3
        assert Graph.from_edges([0], [1], attributes={"x": [1, 2, 3, 4]}).num_nodes == 4

    def test_a_label_may_be_huge(self):
        graph = Graph.from_edges([0], [1], labels=[10**12, 5])
        assert_array_equal(graph.label_of([1, 0]), [5, 10**12])

    def test_repr(self):
        graph = Graph.from_edges(
            [0, 0], [1, 1], weights=[1, 1], labels=["a", "b"], attributes={"x": [1, 2]}
        )
        assert repr(graph) == (
            "Graph(num_nodes=2, num_edges=1, undirected, weighted, labelled, attributes=['x'], "
            "dropped: 0 self-loops, 1 repeat)"
        )


class TestLaws:
    @given(edge_lists(), st.booleans())
    def test_edges_equal_a_dict(self, edge_list, directed):
        num_nodes, src, dst, weights = edge_list
        graph = Graph.from_edges(src, dst, num_nodes, weights=weights, directed=directed)
        expected = smallest_weights(src, dst, weights, directed)
        assert [tuple(edge) for edge in graph.edges().T.tolist()] == sorted(expected)
        assert graph.edge_weights().tolist() == [expected[edge] for edge in sorted(expected)]
        loops = sum(u == v for u, v in zip(src, dst, strict=True))
        assert graph.dropped == (loops, len(src) - loops - len(expected))

    @given(edge_lists())
    def test_directions_equal_scipy(self, edge_list):
        num_nodes, src, dst, _ = edge_list
        graph = Graph.from_edges(src, dst, num_nodes, directed=True)
        matrix = np.zeros((num_nodes, num_nodes), bool)
        matrix[dst, src] = True
        np.fill_diagonal(matrix, False)
        for direction, dense in (("in", matrix), ("out", matrix.T), ("both", matrix | matrix.T)):
            rows = graph.adjacency(direction)
            expected = sp.csr_array(dense)
            assert_array_equal(rows.indptr, expected.indptr)
            assert_array_equal(rows.indices, expected.indices)

    def test_many_buckets(self):
        rng = np.random.default_rng(0)
        src, dst = rng.integers(0, 3_000, (2, 400_000))
        weights = rng.integers(0, 9, src.size)
        graph = Graph.from_edges(src, dst, 3_000, weights=weights, directed=True)
        expected = smallest_weights(src.tolist(), dst.tolist(), weights.tolist(), directed=True)
        keys = sorted(expected)
        assert_array_equal(graph.edges().T, keys)
        assert_array_equal(graph.edge_weights(), [expected[key] for key in keys])

    @pytest.mark.parametrize(
        "dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"]
    )
    def test_integer_dtypes(self, dtype):
        src, dst = np.array([0, 2, 1], dtype), np.array([1, 1, 0], dtype)
        assert_array_equal(Graph.from_edges(src, dst).edges(), [[0, 1], [1, 2]])

    def test_pickle(self):
        graph = Graph.from_edges(
            [0, 1], [1, 2], weights=[1, 2], directed=True, labels=list("abc"),
            attributes={"x": np.ma.masked_array([1, 2, 3], [0, 1, 0])},
        )  # fmt: skip
        again = pickle.loads(pickle.dumps(graph))
        assert_array_equal(again.edges(), graph.edges())
        assert_array_equal(again.labels, graph.labels)
        assert_array_equal(np.ma.getmaskarray(again.attributes["x"]), [False, True, False])


class TestImmutable:
    def test_arrays_are_read_only(self):
        graph = Graph.from_edges([0], [1], weights=[1.0], labels=[7, 8], attributes={"x": [1, 2]})
        arrays = [*graph.adjacency("in"), graph.labels, graph.attributes["x"]]
        for array in arrays:
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
        with pytest.raises(TypeError, match="does not support item assignment"):
            graph.attributes["y"] = [1, 2]
        with pytest.raises(AttributeError, match="cannot assign to field"):
            graph.directed = True

    def test_the_users_arrays_stay_writable(self):
        values = np.array([1, 2])
        Graph.from_edges([0], [1], attributes={"x": values})
        values[0] = 5
        assert values.flags.writeable

    def test_replace_shares_the_rows(self):
        graph = Graph.from_edges([0, 1], [1, 2], directed=True)
        out = graph.adjacency("out")
        other = graph.replace(attributes={"x": [1, 2, 3]})
        assert other.adjacency("out") is out
        assert "x" not in graph.attributes
        assert_array_equal(other.replace(labels=[3, 4, 5]).attributes["x"], [1, 2, 3])


class TestConstructor:
    def test_from_rows(self):
        graph = Graph([0, 1, 2], [1, 0], weights=[2, 2])
        assert_array_equal(graph.edges(), [[0], [1]])
        assert_array_equal(graph.edge_weights(), [2.0])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([0, 1], [5]), "hold node indices from 0 to num_nodes - 1"),
            (([0, 1], [-1]), "node indices from 0 to num_nodes - 1"),
            (([0, 2, 2, 2], [2, 1]), "be sorted without repeats"),
            (([0, 2, 2, 2], [1, 1]), "be sorted without repeats"),
            (([0, 1], [0]), "hold no self-loop"),
            (([0, 1, 0], [1]), "have pointers that do not decrease"),
            (([1, 1], [0]), "start with 0"),
            (([], []), "start with 0"),
            (([0, 1, 1], [1, 0]), "end with the number of entries 2, got 1"),
            (([0, 1, 1], [1]), "both directions of every edge"),
            (([0, 1, 2], [1, 0], [1.0, 2.0]), "both directions of every edge with equal weight"),
        ],
    )
    def test_refuses_bad_rows(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Graph(*arguments)


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "options", "error", "message"),
        [
            (([0], [1.5]), {}, TypeError, "`dst` must hold integer node indices, got dtype float"),
            (([True], [False]), {}, TypeError, "`src` must hold integer .* got dtype bool"),
            (([0], [-1]), {}, ValueError, r"`dst` must hold node indices .* got -1 at edge 0"),
            (([0, 3], [1, 1], 3), {}, ValueError, r"`src` .* from 0 to 2 .* got 3 at edge 1"),
            (([0], [10**12]), {}, ValueError, "`num_nodes` must be given .* got index 10{12}"),
            (([0], [10**12], 5), {}, ValueError, "got 10{12} at edge 0"),
            (([0], [2**64 - 1]), {}, ValueError, "`dst` must be below 2.*31"),
            (([[0]], [1]), {}, ValueError, "`src` must be one-dimensional"),
            (([0, 1], [1]), {}, ValueError, "`dst` must be as long as `src`, got 1 and 2"),
            (([0], [1], -1), {}, ValueError, "`num_nodes` must be from 0 to"),
            (([0], [1], 2.0), {}, TypeError, "`num_nodes` must be an integer of at least 0, got 2.0"),
            (([0], [1], 2**31), {}, ValueError, "`num_nodes` must be from 0 to"),
            (([0], [1]), {"weights": [np.nan]}, ValueError, "got NaN at edge 0"),
            (([0], [1]), {"weights": [1, 2]}, ValueError, r"one entry per edge \(1,\), got \(2,\)"),
            (([0], [1]), {"weights": ["a"]}, TypeError, "`weights` must be real numbers"),
            (([0], [1]), {"labels": ["a", "a"]}, ValueError, "must be unique, got 'a' more than once"),
            (([0], [1], 2), {"labels": [1]}, ValueError, r"one entry per node \(2,\), got \(1,\)"),
            (([0], [1], 2), {"attributes": {"x": [1]}}, ValueError, r"`attributes\['x'\]` must have"),
            (([0], [1], 2), {"attributes": {"x": 1}}, ValueError, "got a single value"),
        ],
    )  # fmt: skip
    def test_refuses(self, arguments, options, error, message):
        with pytest.raises(error, match=message):
            Graph.from_edges(*arguments, **options)


def test_equals_networkx_on_a_real_graph():
    source = nx.karate_club_graph()
    edges = np.array(source.edges())
    graph = Graph.from_edges(edges[:, 0], edges[:, 1])
    assert_array_equal(np.diff(graph.indptr), [degree for _, degree in source.degree()])


class TestOwnership:
    """What the caller does to the arrays afterwards, a graph does not see."""

    def test_rows(self):
        indptr, indices = np.array([0, 1, 2]), np.array([1, 0], np.int32)
        weights = np.array([1.0, 1.0])
        graph = Graph(indptr, indices, weights)
        indptr[:], indices[:], weights[:] = 99, 2**30, np.nan
        assert_array_equal(graph.indptr, [0, 1, 2])
        assert_array_equal(graph.indices, [1, 0])
        assert_array_equal(graph.weights, [1, 1])

    def test_read_only_views_of_what_can_be_written(self):
        indices = np.array([1, 0], np.int32)
        view = indices[:]
        view.flags.writeable = False
        graph = Graph(np.array([0, 1, 2]), view)
        indices[:] = 2**30
        assert_array_equal(graph.indices, [1, 0])

    def test_a_sparse_matrix(self):
        matrix = sp.csr_array(np.array([[0.0, 2], [2, 0]]))
        graph = as_graph(matrix)
        matrix.indices[:], matrix.data[:] = 2**30, np.nan
        assert_array_equal(graph.indices, [1, 0])
        assert_array_equal(graph.weights, [2, 2])

    @pytest.mark.parametrize("kind", [int, object])
    def test_labels_and_attributes(self, kind):
        labels, height = np.array([5, 7], kind), np.array([1.0, 2])
        masked = np.ma.array([1.0, 2], mask=[True, False])
        attributes = {"height": height, "depth": masked}
        graph = Graph.from_edges([0], [1], labels=labels, attributes=attributes)
        labels[:], height[:] = 0, 0
        masked[:] = 0
        assert graph.labels.tolist() == [5, 7]
        assert graph.attributes["height"].tolist() == [1, 2]
        assert graph.attributes["depth"].tolist() == [None, 2]

    def test_nothing_is_copied_twice(self):
        graph = Graph.from_edges([0], [1], attributes={"height": [1.0, 2]})
        again = graph.replace(labels=[3, 4])
        assert again.attributes["height"] is graph.attributes["height"]
        assert np.shares_memory(again.indices, graph.indices)

    @pytest.mark.parametrize(
        ("indptr", "indices", "error", "match"),
        [
            ([0.0, 1, 2], [1, 0], TypeError, "`indptr` must hold integers, got dtype float64"),
            ([0, 1, 2], [1.0, 0.0], TypeError, "`indices` must hold integers, got dtype float64"),
            ([0, 1, 2], [[1, 0]], ValueError, "`indices` must be one-dimensional"),
            ([[0, 1, 2]], [1, 0], ValueError, "`indptr` must be one-dimensional"),
        ],
    )
    def test_numbers_of_another_kind(self, indptr, indices, error, match):
        with pytest.raises(error, match=match):
            Graph(np.array(indptr), np.array(indices))


def test_pointers_that_end_elsewhere_are_told_with_both_numbers():
    with pytest.raises(ValueError, match="number of entries 3, got 2"):
        Graph(np.array([0, 1, 2]), np.array([1, 0, 0]), directed=True)
