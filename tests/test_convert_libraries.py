"""The real library of every row of the registry: the same graph comes out of all of them."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch, Data, HeteroData

import graphmax as gm

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CS. tensor support:UserWarning")
SRC, DST, WEIGHTS = (
    np.array([0, 1, 2, 3, 0]),
    np.array([1, 2, 3, 0, 2]),
    np.array([1.0, 2, 3, 4, 5]),
)
PLAIN = gm.Graph.from_edges(SRC, DST, 5, weights=WEIGHTS)
ARROWS = gm.Graph.from_edges(SRC, DST, 5, weights=WEIGHTS, directed=True)
BOTH = np.concatenate([SRC, DST]), np.concatenate([DST, SRC])
MATRIX = sp.coo_array((np.concatenate([WEIGHTS, WEIGHTS]), BOTH), shape=(5, 5))


def assert_same(graph, expected, *, weights=True):
    assert graph.num_nodes == expected.num_nodes
    assert graph.directed == expected.directed
    assert_array_equal(graph.edges(), expected.edges())
    if weights:
        assert_array_equal(graph.edge_weights(), expected.edge_weights())
    else:
        assert graph.weights is None


def weighted_networkx(kind):
    G = kind()
    G.add_nodes_from(range(5))
    G.add_weighted_edges_from(zip(SRC.tolist(), DST.tolist(), WEIGHTS.tolist(), strict=True))
    return G


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiGraph])
def test_undirected_networkx(kind):
    G = weighted_networkx(kind)
    assert_same(gm.as_graph(G), PLAIN)
    assert_same(gm.as_graph(nx.freeze(G.copy())), PLAIN)
    assert_same(gm.as_graph(G.copy(as_view=True)), PLAIN)
    assert_same(gm.as_graph(G.subgraph(range(5))), PLAIN)
    assert_same(gm.as_graph(G, weight=None), PLAIN, weights=False)
    G.add_edge(0, 1, weight=0.5)
    assert gm.as_graph(G).edge_weights()[0] == 0.5


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiDiGraph])
def test_directed_networkx(kind):
    G = weighted_networkx(kind)
    assert_same(gm.as_graph(G), ARROWS)
    assert_same(gm.as_graph(G.reverse(copy=False)), gm.as_graph(G.reverse()))
    assert_same(gm.as_graph(G.to_undirected(as_view=True)), PLAIN)
    assert_same(
        gm.as_graph(G.edge_subgraph(list(G.edges))), gm.as_graph(G.subgraph(range(4)).copy())
    )


@given(st.data())
@settings(max_examples=100)
def test_networkx_of_any_nodes(data):
    kind = data.draw(st.sampled_from([nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph]))
    ids = st.one_of(st.integers(-3, 5), st.text("ab", max_size=2), st.tuples(st.integers(0, 2)))
    nodes = data.draw(st.lists(ids, unique=True, min_size=1, max_size=7))
    G = kind()
    G.add_nodes_from(nodes)
    pairs = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes))
    for u, v in data.draw(st.lists(pairs, max_size=12)):
        length = data.draw(st.sampled_from([None, 1, 2.5]))
        G.add_edge(u, v, **({} if length is None else {"weight": length}))
    graph = gm.as_graph(G)
    listed = list(G)
    assert graph.labels.tolist() == listed
    arrows = {}
    for u, v, length in G.edges(data="weight", default=1):
        if u == v:
            continue
        pair = (listed.index(u), listed.index(v))
        pair = pair if G.is_directed() else tuple(sorted(pair))
        arrows[pair] = min(length, arrows.get(pair, length))
    assert_array_equal(graph.edges().T.reshape(-1, 2), np.array(sorted(arrows)).reshape(-1, 2))
    if graph.weights is not None:
        assert_array_equal(graph.edge_weights(), [arrows[pair] for pair in sorted(arrows)])
    back = graph.to_networkx()
    assert list(back) == listed
    assert back.number_of_edges() == len(arrows)


@pytest.mark.parametrize("ending", ["graphml", "json", "npz", "parquet", "csv"])
def test_files_are_written_of_whatever_is_a_graph(ending, tmp_path):
    file = tmp_path / f"graph.{ending}"
    matrix = sp.coo_array((WEIGHTS, (SRC, DST)), shape=(4, 4))
    for graph in (weighted_networkx(nx.Graph).subgraph(range(4)), matrix + matrix.T):
        gm.write_graph(graph, file)
        assert_same(gm.read_graph(file), gm.as_graph(graph))


def test_a_weight_that_no_edge_has():
    G = weighted_networkx(nx.Graph)
    with pytest.raises(ValueError, match="`weight` must name an edge attribute, got 'wieght'; did"):
        gm.as_graph(G, weight="wieght")
    data = Data(edge_index=torch.tensor([[0], [1]]), edge_length=torch.ones(1), num_nodes=2)
    with pytest.raises(ValueError, match="got 'edge_lenght'; did you mean 'edge_length'"):
        gm.as_graph(data, weight="edge_lenght")
    assert gm.as_graph(data, weight="edge_length").weights.tolist() == [1.0]


def test_pyg():
    edge_index = torch.from_numpy(np.stack(BOTH))
    weight = torch.from_numpy(np.concatenate([WEIGHTS, WEIGHTS]))
    data = Data(edge_index=edge_index, edge_weight=weight, num_nodes=5)
    assert_same(gm.as_graph(data), PLAIN)
    assert_same(gm.as_graph(edge_index, num_nodes=5), PLAIN, weights=False)
    assert_same(gm.as_graph(EdgeIndex(edge_index, sparse_size=(5, 5))), PLAIN, weights=False)
    batch = Batch.from_data_list([data, data])
    assert gm.as_graph(batch).num_nodes == 10
    assert gm.as_graph(batch).num_edges == 10
    assert_same(gm.as_graph((edge_index[0], edge_index[1]), num_nodes=5), PLAIN, weights=False)
    arrows = Data(edge_index=torch.from_numpy(np.stack([SRC, DST])), num_nodes=5)
    assert_same(gm.as_graph(arrows), ARROWS, weights=False)


def test_a_transposed_adjacency_of_pyg():
    forward = sp.coo_array((WEIGHTS, (SRC, DST)), shape=(5, 5))
    adj_t = torch.from_numpy(forward.T.toarray()).to_sparse_csr()
    data = Data(adj_t=adj_t, num_nodes=5)
    assert_same(gm.as_graph(data), ARROWS)
    assert nodes_of(gm.local_maxima(data, [5, 4, 3, 2, 1])) == nodes_of(
        gm.local_maxima(ARROWS, [5, 4, 3, 2, 1])
    )


def test_a_sparse_tensor_of_torch_sparse():
    tensors = pytest.importorskip("torch_sparse", reason="torch_sparse has no wheel for this torch")
    rows, columns, weights = (torch.from_numpy(each) for each in (SRC, DST, WEIGHTS))
    arrows = tensors.SparseTensor(row=rows, col=columns, value=weights, sparse_sizes=(5, 5))
    assert_same(gm.as_graph(arrows), ARROWS)
    values = [5, 4, 3, 2, 1]
    assert_array_equal(
        gm.local_maxima(arrows, values, direction="in"), gm.local_maxima(ARROWS, values)
    )
    assert_same(gm.as_graph(arrows.to_symmetric()), PLAIN)
    data = Data(adj_t=arrows.t(), num_nodes=5)
    assert_same(gm.as_graph(data), ARROWS)
    assert_array_equal(gm.local_maxima(data, values), gm.local_maxima(ARROWS, values))
    bare = tensors.SparseTensor(row=rows, col=columns, sparse_sizes=(5, 5))
    assert_same(gm.as_graph(bare), ARROWS, weights=False)


def nodes_of(mask):
    return np.flatnonzero(np.asarray(mask)).tolist()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            Data(edge_index=torch.zeros((3, 2), dtype=torch.long)),
            r"shape \(2, entries\).*transpose",
        ),
        (Data(edge_index=torch.zeros((3, 4), dtype=torch.long)), r"shape \(2, entries\)"),
        (Data(x=torch.zeros(3, 1)), "an edge_index or an adj_t"),
        (
            Data(edge_index=torch.tensor([[0], [1]]), edge_weight=torch.ones(2), num_nodes=2),
            r"one edge_weight per column of edge_index \(1\)",
        ),
    ],
)
def test_data_that_is_read_wrong_elsewhere(data, message):
    with pytest.raises(ValueError, match=message):
        gm.as_graph(data)


@pytest.mark.parametrize("layout", ["to_sparse_coo", "to_sparse_csr", "to_sparse_csc"])
def test_sparse_tensors(layout):
    dense = torch.from_numpy(MATRIX.toarray())
    assert_same(gm.as_graph(getattr(dense, layout)()), PLAIN)
    booleans = getattr((dense > 0), layout)()
    assert_same(gm.as_graph(booleans), PLAIN, weights=False)
    with pytest.raises(ValueError, match="square matrix"):
        gm.as_graph(getattr(dense[:3], layout)())


@pytest.mark.parametrize("form", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
def test_every_format_of_scipy(form):
    assert_same(gm.as_graph(MATRIX.asformat(form)), PLAIN)
    assert_same(gm.as_graph(sp.coo_matrix(MATRIX).asformat(form)), PLAIN)


@pytest.mark.parametrize("seed", range(30))
def test_rows_that_are_taken_over_are_those_that_are_built(seed):
    generator = np.random.default_rng(seed)
    size = int(generator.integers(1, 8))
    dense = generator.integers(0, 3, (size, size)) * generator.integers(0, 2, (size, size))
    if seed % 3:
        dense = np.maximum(dense, dense.T)
    if seed % 2:
        np.fill_diagonal(dense, 0)
    rows = sp.csr_array(dense.astype(float))
    if seed % 5 == 1 and rows.nnz:  # unsorted, with a stored zero
        order = np.concatenate([
            generator.permutation(np.arange(low, high))
            for low, high in itertools.pairwise(rows.indptr)
        ])  # fmt: skip
        rows = sp.csr_array((rows.data[order], rows.indices[order], rows.indptr), rows.shape)
        rows.data[0] = 0
    expected = gm.as_graph(rows.tocoo())
    graph = gm.as_graph(rows)
    assert_same(graph, expected)
    assert graph.dropped == expected.dropped
    before = graph.indices.copy(), graph.weights.copy()
    rows.data[:], rows.indices[:] = 7, 0
    assert_array_equal(graph.indices, before[0])
    assert_array_equal(graph.weights, before[1])
    assert gm.as_graph(graph.to_scipy() != 0).weights is None


def test_hetero_data():
    data = HeteroData()
    data["paper"].x = torch.zeros(5, 1)
    data["author"].x = torch.zeros(2, 1)
    data["paper", "cites", "paper"].edge_index = torch.from_numpy(np.stack([SRC, DST]))
    data["author", "writes", "paper"].edge_index = torch.tensor([[0, 1], [0, 1]])
    assert_same(gm.as_graph(data, node_type="paper"), ARROWS, weights=False)
    cites = ("paper", "cites", "paper")
    assert_same(gm.as_graph(data, edge_type=cites), ARROWS, weights=False)
    with pytest.raises(TypeError, match=r"edge_type=.*data.to_homogeneous\(\)"):
        gm.as_graph(data)
    with pytest.raises(TypeError, match="to_homogeneous"):
        gm.local_maxima(data, [1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="must join nodes of one type"):
        gm.as_graph(data, edge_type=("author", "writes", "paper"))
    with pytest.raises(ValueError, match="`edge_type` must be one of"):
        gm.as_graph(data, edge_type=("paper", "cite", "paper"))
    with pytest.raises(ValueError, match="with HeteroData only"):
        gm.as_graph(nx.Graph(), node_type="paper")


def test_igraph_both_ways():
    igraph = pytest.importorskip("igraph")
    pairs = list(zip(SRC.tolist(), DST.tolist(), strict=True))
    for directed, expected in ((False, PLAIN), (True, ARROWS)):
        g = igraph.Graph(n=5, edges=pairs, directed=directed)
        g.es["weight"] = WEIGHTS.tolist()
        g.vs["name"] = list("abcde")
        g.vs["h"] = [1, 2, None, 4, 5]
        graph = gm.as_graph(g)
        assert_same(graph, expected)
        assert graph.labels.tolist() == list("abcde")
        again = gm.as_graph(graph.to_igraph())
        assert_same(again, expected)
        assert_array_equal(np.ma.getmaskarray(again.attributes["h"]), [0, 0, 1, 0, 0])
    g.vs["name"] = list("aacde")
    with pytest.raises(ValueError, match="vertex names that are unique"):
        gm.as_graph(g)


def test_anndata_and_its_tool():
    anndata = pytest.importorskip("anndata")
    cells = anndata.AnnData(np.arange(10.0).reshape(5, 2), obsp={"connectivities": MATRIX.tocsr()})
    cells.obs["h"] = [5.0, 1, 4, 2, 3]
    graph = gm.as_graph(cells)
    assert_same(graph, PLAIN, weights=False)
    gm.tl.local_maxima(cells, "h")
    assert_array_equal(cells.obs["is_maximum"], gm.local_maxima(graph, "h"))
    copy = gm.tl.local_maxima(cells, "1", key_added="top", copy=True)
    assert "top" in copy.obs
    assert "top" not in cells.obs
    cells.obsp["connectivities"] = sp.csr_array(np.triu(MATRIX.toarray()))
    with pytest.warns(gm.GraphmaxWarning, match="read as arrows"):
        gm.local_maxima(cells, "h")


def test_trimesh():
    trimesh = pytest.importorskip("trimesh")
    box = trimesh.creation.box()
    graph = gm.as_graph(box)
    assert graph.num_nodes == 8
    assert graph.num_edges == len(box.edges_unique)
    assert_array_equal(graph.positions, box.vertices)
    assert_array_equal(np.sort(graph.edge_weights()), np.sort(box.edges_unique_length))


def test_libpysal():
    weights = pytest.importorskip("libpysal.weights")
    w = weights.W({"a": ["b"], "b": ["a", "c"], "c": ["b"]})
    graph = gm.as_graph(w)
    assert graph.labels.tolist() == ["a", "b", "c"]
    assert_array_equal(graph.edges(), [[0, 1], [1, 2]])
    from libpysal.graph import Graph

    arrays = Graph.from_arrays(["a", "b", "b", "c"], ["b", "a", "c", "b"], [1, 1, 1, 1])
    assert_array_equal(gm.as_graph(arrays).edges(), [[0, 1], [1, 2]])
    assert nodes_of(gm.local_maxima(arrays, {"a": 1, "b": 5, "c": 2})) == [1]


def test_rustworkx():
    rx = pytest.importorskip("rustworkx")
    triples = list(zip(SRC.tolist(), DST.tolist(), WEIGHTS.tolist(), strict=True))
    for kind, expected in ((rx.PyGraph, PLAIN), (rx.PyDiGraph, ARROWS)):
        g = kind()
        g.add_nodes_from([10, 20, 30, 40, 50])
        g.add_edges_from(triples)
        graph = gm.as_graph(g)
        assert_same(graph, expected)
        assert_array_equal(graph.attributes["data"], [10, 20, 30, 40, 50])
    g.remove_node(1)
    assert gm.as_graph(g).labels.tolist() == [0, 2, 3, 4]


def test_networkit():
    nk = pytest.importorskip("networkit")
    for directed, expected in ((False, PLAIN), (True, ARROWS)):
        g = nk.Graph(5, weighted=True, directed=directed)
        for u, v, w in zip(SRC, DST, WEIGHTS, strict=True):
            g.addEdge(int(u), int(v), w)
        assert_same(gm.as_graph(g), expected)
    g.removeNode(4)
    with pytest.raises(ValueError, match="getCompactedGraph"):
        gm.as_graph(g)


def test_tables_of_edges():
    frame = pd.DataFrame({"source": SRC, "target": DST, "weight": WEIGHTS})
    graph = gm.as_graph(frame)
    assert graph.labels.tolist() == [0, 1, 2, 3]
    assert graph.num_edges == 5
    named = pd.DataFrame({"km": [1.0, 2.0], "a": ["x", "y"], "b": ["y", "z"]})
    roads = gm.as_graph(named, src="a", dst="b", weight="km")
    assert roads.labels.tolist() == ["x", "y", "z"]
    assert roads.edge_weights().tolist() == [1.0, 2.0]
    assert gm.as_graph(named, src="a", dst="b", directed=True).directed
    assert nodes_of(gm.local_maxima(roads, {"x": 1, "y": 2, "z": 3})) == [2]
    for wrong, message in (
        ({"src": "c", "dst": "b"}, "`src` must name a column"),
        ({"src": "a"}, "`dst` must name a column"),
        ({"src": "a", "dst": "b", "weight": "mi"}, "`weight` must name a column"),
    ):
        with pytest.raises(ValueError, match=message):
            gm.as_graph(named, **wrong)
    with pytest.raises(ValueError, match="1 rows without 'b'"):
        gm.as_graph(pd.DataFrame({"a": ["x"], "b": [None]}))


def test_xarray_grid():
    xr = pytest.importorskip("xarray")
    grid = xr.DataArray(np.arange(6).reshape(2, 3), dims=("y", "x"), name="height")
    graph = gm.as_graph(grid)
    assert graph.shape == (2, 3)
    assert nodes_of(gm.local_maxima(graph, "height")) == [5]


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ([nx.Graph()], "one graph at a time"),
        (np.eye(3), "dense adjacency matrix"),
        (torch.eye(3), "dense adjacency matrix"),
        (torch.zeros((4, 2), dtype=torch.long), r"edge_index.t\(\)"),
        ("graph", "Graph.from_edges"),
    ],
)
def test_what_is_no_graph(graph, message):
    with pytest.raises(TypeError, match=message):
        gm.as_graph(graph)


# --- edges of PyG in their own order


@given(st.data())
@settings(max_examples=150)
def test_edge_maxima_of_columns(data):
    n = data.draw(st.integers(2, 6))
    pairs = data.draw(st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), unique=True, max_size=14))
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    if data.draw(st.booleans()):
        pairs = list(dict.fromkeys([*pairs, *[(v, u) for u, v in pairs]]))
        weight_of = {frozenset(pair): data.draw(st.integers(0, 3)) for pair in pairs}
        weights = np.array([weight_of[frozenset(pair)] for pair in pairs], int)
        undirected = True
    else:
        weights = np.array([data.draw(st.integers(0, 3)) for _ in pairs], int)
        undirected = False
    hops = data.draw(st.integers(1, 2))
    ties = data.draw(st.sampled_from(["strict", "weak"]))
    edge_index = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T.contiguous()
    data_object = Data(edge_index=edge_index, num_nodes=n)
    found = gm.edge_maxima(data_object, torch.from_numpy(weights), hops, ties=ties)
    assert isinstance(found, torch.Tensor)
    graph = gm.as_graph(
        Data(edge_index=edge_index, edge_weight=torch.from_numpy(weights), num_nodes=n)
    )
    assert graph.directed or undirected or not pairs or graph.num_edges * 2 == len(pairs)
    listed = {tuple(edge): at for at, edge in enumerate(graph.edges().T.tolist())}
    by_edge = {
        at: weights[column]
        for column, (u, v) in enumerate(pairs)
        for at in [listed[u, v] if graph.directed else listed[min(u, v), max(u, v)]]
    }
    mask = gm.edge_maxima(
        graph, [by_edge[at] for at in range(graph.num_edges)] or np.zeros(0), hops, ties=ties
    )
    expected = [
        mask[listed[u, v] if graph.directed else listed[min(u, v), max(u, v)]] for u, v in pairs
    ]
    assert_array_equal(found, np.array(expected, bool))


def test_edge_maxima_by_the_ends_of_edges():
    G = nx.path_graph(["a", "b", "c"])
    weights = {("b", "a"): 1, ("b", "c"): 2}
    assert gm.edge_maxima(G, weights).tolist() == [False, True]
    nx.set_edge_attributes(G, weights, "capacity")
    assert gm.edge_maxima(G, "capacity").tolist() == [False, True]
    with pytest.raises(ValueError, match=r"they lack 1 edges \(first five: \('b', 'c'\)"):
        gm.edge_maxima(G, {("a", "b"): 1})
    with pytest.raises(ValueError, match="pairs that are no 1 edges"):
        gm.edge_maxima(G, {**weights, ("a", "c"): 3})
    loops = torch.tensor([[0, 0, 1], [0, 1, 0]])
    assert gm.edge_maxima(loops, [9, 1, 1]).tolist() == [False, True, True]
