"""The same small graph, written by networkx, igraph, SciPy, PyG and us, is read alike."""

import json

import igraph
import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from graphmax import as_graph, read_graph, write_graph

# Node 3 is isolated. networkx writes integers of more than 32 bits into GML as text.
EDGES = [(0, 1, 0.5), (1, 2, 2.0), (0, 4, 4.0)]
HEIGHTS = [3, 2**31 - 1, -7, 0, 5]


def of_networkx(directed):
    graph = (nx.DiGraph if directed else nx.Graph)()
    graph.add_nodes_from((node, {"height": HEIGHTS[node]}) for node in range(5))
    graph.add_weighted_edges_from(EDGES)
    return graph


def of_igraph(directed):
    graph = igraph.Graph([edge[:2] for edge in EDGES], n=5, directed=directed)
    graph.es["weight"] = [edge[2] for edge in EDGES]
    graph.vs["name"] = [str(node) for node in range(5)]
    return graph


def node_link(graph, key):
    return lambda path: path.write_text(json.dumps(nx.node_link_data(graph, edges=key)))


def writers(directed):
    """Return pairs of a file name and what writes it."""
    graph, other = of_networkx(directed), of_igraph(directed)
    bare = graph.__class__()
    bare.add_nodes_from("01234")
    bare.add_weighted_edges_from((str(u), str(v), weight) for u, v, weight in EDGES)
    matrix = nx.to_scipy_sparse_array(graph, nodelist=range(5))
    cytoscape = json.dumps(nx.cytoscape_data(graph))
    return {
        "networkx.graphml": lambda path: nx.write_graphml(graph, path),
        "networkx.gexf": lambda path: nx.write_gexf(graph, path),
        "networkx.gml": lambda path: nx.write_gml(graph, path),
        "networkx.net": lambda path: nx.write_pajek(bare, path),  # it has no integers
        "networkx-edges.json": node_link(graph, "edges"),
        "networkx-links.json": node_link(graph, "links"),
        "networkx.cyjs": lambda path: path.write_text(cytoscape),
        "igraph.graphml": lambda path: other.write_graphml(str(path)),
        "igraph.gml": lambda path: other.write_gml(str(path)),
        "igraph.net": lambda path: other.write_pajek(str(path)),
        "scipy.mtx": lambda path: scipy.io.mmwrite(path, matrix, precision=17),
        "scipy.npz": lambda path: scipy.sparse.save_npz(path, matrix.tocsr()),
        **{
            f"graphmax.{ending}": lambda path: write_graph(as_graph(graph), path)
            for ending in ("graphml", "json", "npz", "parquet", "csv")
        },
    }


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("name", sorted(writers(False)))
def test_all_writers_agree(tmp_path, name, directed):
    path = tmp_path / name
    writers(directed)[name](path)
    graph = read_graph(path)
    pairs = sorted(edge[:2] for edge in EDGES)
    np.testing.assert_array_equal(graph.edges().T, pairs)
    np.testing.assert_array_equal(graph.edge_weights(), [0.5, 4.0, 2.0])
    assert graph.directed == directed
    assert graph.num_nodes == 5
    names = [str(label) for label in graph.label_of(np.arange(5)).tolist()]
    assert names in (["0", "1", "2", "3", "4"], ["n0", "n1", "n2", "n3", "n4"])
    if "height" in graph.attributes:
        assert graph.attributes["height"].tolist() == HEIGHTS


def test_edge_lists_of_networkx(tmp_path):
    graph = of_networkx(False)
    nx.write_edgelist(graph, tmp_path / "a.edgelist", data=False)
    nx.write_weighted_edgelist(graph, tmp_path / "b.txt")
    assert read_graph(tmp_path / "a.edgelist").labels.tolist() == [0, 1, 2, 4]
    found = read_graph(tmp_path / "b.txt", weight=2)
    np.testing.assert_array_equal(found.edge_weights(), [0.5, 4.0, 2.0])


@pytest.mark.parametrize("field", ["real", "integer", "pattern"])
@pytest.mark.parametrize("symmetry", ["general", "symmetric"])
def test_matrix_market(tmp_path, field, symmetry):
    matrix = scipy.sparse.coo_array(np.array([[0, 1, 0], [1, 0, 3], [0, 3, 0]]))
    scipy.io.mmwrite(tmp_path / "m.mtx", matrix, field=field, symmetry=symmetry)
    graph = read_graph(tmp_path / "m.mtx")
    assert not graph.directed
    np.testing.assert_array_equal(graph.edges(), [[0, 1], [1, 2]])
    weights = graph.edge_weights()
    assert weights is None if field == "pattern" else weights.tolist() == [1, 3]
    assert read_graph(tmp_path / "m.mtx", directed=True).num_edges == 4
    assert read_graph(tmp_path / "m.mtx", weight=False).weights is None


def test_dense_matrix_market(tmp_path):
    scipy.io.mmwrite(tmp_path / "m.mtx", np.array([[0.0, 2], [0, 0]]))
    graph = read_graph(tmp_path / "m.mtx")
    assert graph.directed
    np.testing.assert_array_equal(graph.edges(), [[0], [1]])
