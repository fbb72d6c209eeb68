"""Graphs of other libraries come in right, and go back."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_array_equal
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch, Data, HeteroData

from graphmax import Graph, as_graph, local_maxima

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def assert_same_graph(graph, other):
    assert_array_equal(graph.indptr, other.indptr)
    assert_array_equal(graph.indices, other.indices)
    assert graph.directed == other.directed
    assert (graph.weights is None) == (other.weights is None)
    if graph.weights is not None:
        assert_array_equal(graph.weights, other.weights)


def weighted_graphs():
    yield Graph.from_edges([0, 1, 3], [1, 2, 1], 5)
    yield Graph.from_edges([0, 1, 3], [1, 2, 1], 5, directed=True)
    yield Graph.from_edges([0, 1, 3], [1, 2, 1], 5, weights=[1, 2, 0.5])
    yield Graph.from_edges([0, 1, 3], [1, 2, 1], 5, weights=[1, 2, 0.5], directed=True)


class TestThereAndBack:
    @pytest.mark.parametrize("graph", list(weighted_graphs()))
    def test_scipy(self, graph):
        assert_same_graph(as_graph(graph.to_scipy()), graph)

    @pytest.mark.parametrize("graph", list(weighted_graphs()))
    def test_data(self, graph):
        assert_same_graph(as_graph(graph.to_data()), graph)

    @pytest.mark.parametrize("graph", list(weighted_graphs()))
    def test_networkx(self, graph):
        assert_same_graph(as_graph(graph.to_networkx()), graph)

    def test_labels_and_attributes_through_networkx(self):
        graph = Graph.from_edges(
            [0], [1], labels=["a", "b", (1, 2)],
            attributes={
                "x": np.ma.masked_array([1, 2, 3], [0, 1, 0]), "name": np.array(["p", "q", "r"], object),
                "when": np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "datetime64[D]"),
            },
        )  # fmt: skip
        again = as_graph(graph.to_networkx())
        assert again.labels.tolist() == ["a", "b", (1, 2)]
        assert again.attributes["x"].tolist() == [1, None, 3]
        assert again.attributes["name"].tolist() == ["p", "q", "r"]
        assert again.attributes["when"].dtype == "datetime64[D]"

    def test_attributes_through_data(self):
        graph = Graph.from_edges([0], [1], attributes={"x": [[1.0], [2.0]], "t": ["a", "b"]})
        data = graph.to_data()
        assert "t" not in data
        assert_array_equal(as_graph(data).attributes["x"], [[1.0], [2.0]])

    def test_a_graph_is_itself(self):
        graph = Graph.from_edges([0], [1])
        assert as_graph(graph) is graph


class TestEdgeIndex:
    def test_undirected_if_every_edge_has_its_reverse(self):
        assert not as_graph(PATH).directed
        assert as_graph(PATH[:, :3]).directed

    def test_arrow(self):
        graph = as_graph(torch.tensor([[0], [1]]))
        assert_array_equal(graph.edges(), [[0], [1]])
        assert_array_equal(graph.indptr, [0, 0, 1])

    def test_num_nodes_follows_values(self):
        assert_array_equal(local_maxima(PATH, [3, 1, 2, 0]), [True, False, True, True])

    def test_pyg_edge_index(self):
        graph = as_graph(EdgeIndex(PATH, sparse_size=(4, 4)))
        assert graph.num_nodes == 4

    def test_out_of_range(self):
        with pytest.raises(ValueError, match="from 0 to 1 .* got 2 at edge 2"):
            local_maxima(PATH, [1, 2])

    def test_refuses_other_tensors(self):
        with pytest.raises(TypeError, match=r"shape \(2, entries\) .* scipy.sparse.csr_array"):
            as_graph(torch.eye(3))
        with pytest.raises(TypeError, match="integer dtype"):
            as_graph(torch.zeros(2, 3))


class TestData:
    def test_weights(self):
        data = Data(edge_index=PATH, edge_weight=torch.tensor([1.0, 1.0, 2.0, 2.0]), num_nodes=3)
        graph = as_graph(data)
        assert not graph.directed
        assert_array_equal(graph.edge_weights(), [1, 2])
        assert as_graph(data, weight=None).weights is None

    def test_unequal_weights_are_two_arrows(self):
        data = Data(edge_index=PATH, edge_weight=torch.tensor([1.0, 3.0, 2.0, 2.0]), num_nodes=3)
        assert as_graph(data).directed

    def test_name_gives_a_tensor(self):
        data = Data(edge_index=PATH, height=torch.tensor([1, 3, 2]), num_nodes=3)
        mask = local_maxima(data, "height")
        assert isinstance(mask, torch.Tensor)
        assert mask.tolist() == [False, True, False]

    def test_x_with_columns(self):
        data = Data(edge_index=PATH, x=torch.tensor([[1.0, 3.0], [2.0, 2.0], [0.0, 4.0]]))
        assert local_maxima(data, "x").tolist() == [[False, True], [True, False], [False, True]]

    def test_batch_is_a_disjoint_union(self):
        data = Data(edge_index=PATH, x=torch.tensor([1.0, 3.0, 2.0]))
        batch = Batch.from_data_list([data, data])
        assert as_graph(batch).num_nodes == 6
        assert local_maxima(batch, "x").tolist() == [False, True, False] * 2

    def test_isolated_nodes(self):
        data = Data(edge_index=PATH, x=torch.tensor([1.0, 3.0, 2.0, 0.0]))
        assert as_graph(data).num_nodes == 4

    def test_without_edge_index(self):
        with pytest.raises(ValueError, match="must have an edge_index"):
            as_graph(Data(x=torch.zeros(2), edge_index=None))

    def test_unknown_name(self):
        data = Data(edge_index=PATH, height=torch.tensor([1, 3, 2]), num_nodes=3)
        with pytest.raises(ValueError, match="got 'hight'; did you mean 'height'"):
            local_maxima(data, "hight")

    def test_hetero(self):
        with pytest.raises(TypeError, match="to_homogeneous"):
            as_graph(HeteroData())


class TestNetworkx:
    def test_node_order_and_labels(self):
        source = nx.Graph([("b", "a"), ("a", "c")])
        graph = as_graph(source)
        assert graph.labels.tolist() == ["b", "a", "c"]
        assert_array_equal(graph.edges(), [[0, 1], [1, 2]])

    def test_directed(self):
        graph = as_graph(nx.DiGraph([(0, 1)]))
        assert graph.directed
        assert_array_equal(graph.edges(), [[0], [1]])

    def test_multigraph_keeps_the_smallest_weight(self):
        source = nx.MultiGraph()
        source.add_weighted_edges_from([(0, 1, 3.0), (0, 1, 2.0), (1, 1, 5.0)])
        graph = as_graph(source)
        assert_array_equal(graph.edge_weights(), [2.0])
        assert graph.dropped == (1, 1)

    def test_missing_weight_is_one(self):
        source = nx.path_graph(3)
        source[0][1]["weight"] = 4
        assert_array_equal(as_graph(source).edge_weights(), [4, 1])

    def test_another_weight(self):
        source = nx.path_graph(2)
        source[0][1]["length"] = 4
        assert as_graph(source).weights is None
        assert_array_equal(as_graph(source, weight="length").edge_weights(), [4])

    def test_values_by_dict(self):
        source = nx.Graph([("b", "a"), ("a", "c")])
        assert_array_equal(local_maxima(source, {"a": 1, "b": 2, "c": 0}), [True, False, False])

    def test_dict_with_an_unknown_node(self):
        with pytest.raises(
            ValueError, match=r"nodes of the graph as keys, got 1 others \(first five: 9\)"
        ):
            local_maxima(nx.path_graph(2), {0: 1, 1: 2, 9: 3})

    def test_dict_lacks_nodes(self):
        with pytest.raises(
            ValueError, match="known for every node, got 6 without it .*: 1, 2, 3, 4, 5"
        ):
            local_maxima(nx.path_graph(7), {0: 1})

    def test_missing_on_some_nodes(self):
        source = nx.path_graph(3)
        source.nodes[0]["x"], source.nodes[2]["x"] = 5, 1
        with pytest.raises(
            ValueError, match=r"`x` must be known .* got 1 without it \(first five: 1\)"
        ):
            local_maxima(source, "x")
        assert_array_equal(local_maxima(source, "x", nan="omit"), [True, False, True])

    def test_big_integers_stay_exact(self):
        source = nx.path_graph(2)
        nx.set_node_attributes(source, {0: 2**53, 1: 2**53 + 1}, "x")
        assert_array_equal(local_maxima(source, "x"), [False, True])

    @pytest.mark.parametrize(
        "pair", [(2**53 + 1, 0.5), (2**70, 1), ("a", 1), (1 + 2j, 1), (-1, 2**63 + 1)]
    )
    def test_what_has_no_exact_order(self, pair):
        source = nx.path_graph(2)
        nx.set_node_attributes(source, dict(enumerate(pair)), "x")
        with pytest.raises(TypeError, match="`x` must be .* got dtype (object|complex128)"):
            local_maxima(source, "x")

    def test_text_attribute(self):
        source = nx.path_graph(2)
        nx.set_node_attributes(source, "red", "color")
        with pytest.raises(TypeError, match="`color` must be .* got dtype object"):
            local_maxima(source, "color")


class TestScipy:
    @pytest.mark.parametrize(
        "kind", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix, sp.lil_array]
    )
    def test_formats(self, kind):
        matrix = kind(np.array([[0, 2.0, 0], [0, 0, 1.0], [0, 0, 0]]))
        graph = as_graph(matrix)
        assert_array_equal(graph.edges(), [[0, 1], [1, 2]])
        assert_array_equal(graph.edge_weights(), [2, 1])

    def test_symmetric(self):
        graph = as_graph(sp.csr_array(np.array([[1, 2.0], [2.0, 0]])))
        assert not graph.directed
        assert graph.dropped == (1, 0)

    def test_explicit_zero_is_an_edge_of_length_0(self):
        matrix = sp.coo_array((np.zeros(1), ([0], [1])), shape=(2, 2))
        assert_array_equal(as_graph(matrix).edge_weights(), [0.0])

    def test_pattern(self):
        assert as_graph(sp.csr_array(np.eye(3, k=1, dtype=bool))).weights is None

    def test_not_square(self):
        with pytest.raises(ValueError, match=r"square matrix, got shape \(2, 3\)"):
            as_graph(sp.csr_array((2, 3)))

    def test_negative_entries(self):
        matrix = sp.csr_array(np.array([[0, -1.0], [0, 0]]))
        assert as_graph(matrix).weights.tolist() == [-1.0]
        assert as_graph(matrix, weight=None).weights is None


class TestByDuckTyping:
    def test_igraph(self):
        igraph = pytest.importorskip("igraph")
        source = igraph.Graph([(0, 1), (1, 2)], directed=True)
        source.es["weight"] = [1, 2]
        source.vs["height"] = [1, 3, None]
        source.vs["name"] = ["a", "b", "c"]
        graph = as_graph(source)
        assert graph.directed
        assert graph.labels.tolist() == ["a", "b", "c"]
        assert_array_equal(graph.edge_weights(), [1, 2])
        assert graph.attributes["height"].tolist() == [1, 3, None]

    @pytest.mark.filterwarnings("ignore")
    def test_anndata(self):
        anndata = pytest.importorskip("anndata")
        cells = anndata.AnnData(np.zeros((3, 1)))
        cells.obs["depth"] = [1, 2, 3]
        cells.obsp["distances"] = sp.csr_array(np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]))
        assert_array_equal(as_graph(cells).edge_weights(), [0.5])
        cells.obsp["other"] = sp.csr_array((3, 3))
        with pytest.raises(ValueError, match=r"obsp\['connectivities'\] or a single obsp matrix"):
            as_graph(cells)
        cells.obsp["connectivities"] = sp.csr_array(np.array([[0, 0, 1.0], [0, 0, 0], [1.0, 0, 0]]))
        graph = as_graph(cells)
        assert_array_equal(graph.edges(), [[0], [2]])
        assert graph.weights is None
        assert_array_equal(local_maxima(cells, "depth"), [False, True, True])

    def test_trimesh(self):
        trimesh = pytest.importorskip("trimesh")
        box = trimesh.creation.box()
        graph = as_graph(box)
        assert (graph.num_nodes, graph.num_edges) == (8, 18)
        assert sorted(set(graph.edge_weights().round(6))) == [1.0, round(2**0.5, 6)]
        assert as_graph(box, weight=None).weights is None
        assert local_maxima(box, "z", ties="plateau").sum() == 4


class TestRefusals:
    @pytest.mark.parametrize(
        ("obj", "message"),
        [
            (np.eye(3), "got numpy.ndarray of shape .*scipy.sparse.csr_array"),
            ([PATH], "got list; pass one graph at a time, or a PyG Batch"),
            ("countries.graphml", "got str; pass one of these"),
            (None, "got NoneType"),
        ],
    )
    def test_not_a_graph(self, obj, message):
        with pytest.raises(TypeError, match=message):
            as_graph(obj)

    def test_wrong_length(self):
        with pytest.raises(ValueError, match=r"one entry per node \(3\), got 2"):
            local_maxima(nx.path_graph(3), [1, 2])

    def test_no_attributes_at_all(self):
        with pytest.raises(ValueError, match="got 'x'; there are none"):
            local_maxima(nx.path_graph(3), "x")
