"""`Graph` to other libraries."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data


def to_networkx(graph: Graph) -> "networkx.Graph[Any]":
    """Return a networkx graph of the labels; see `Graph.to_networkx`."""
    import networkx

    nodes = graph.label_of(np.arange(graph.num_nodes)).tolist()
    result: Any = networkx.DiGraph() if graph.directed else networkx.Graph()
    records: list[dict[str, Any]] = [{} for _ in nodes]
    for name, column in graph.attributes.items():
        for record, value in zip(records, _scalars(column), strict=True):
            record[name] = value
        for at in np.flatnonzero(_is_missing(column)).tolist():
            del records[at][name]
    result.add_nodes_from(zip(nodes, records, strict=True))
    pairs, lengths = graph.edges().tolist(), graph.edge_weights()
    ends = ([nodes[v] for v in side] for side in pairs) if graph.labels is not None else pairs
    if lengths is None:
        result.add_edges_from(zip(*ends, strict=True))
    else:
        result.add_weighted_edges_from(zip(*ends, lengths.tolist(), strict=True))
    return result


def _is_missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    missing = np.ma.getmaskarray(column).reshape(len(column), -1)
    return np.asarray(missing.any(axis=1))


def to_igraph(graph: Graph) -> Any:
    """Return an igraph ``Graph``; see `Graph.to_igraph`."""
    import igraph

    # Tuples, one after the other: a list of lists keeps the garbage collector busy for longer.
    pairs = zip(*graph.edges().tolist(), strict=True)
    result = igraph.Graph(n=graph.num_nodes, edges=pairs, directed=graph.directed)
    if graph.labels is not None:
        result.vs["name"] = graph.labels.tolist()
    for name, column in graph.attributes.items():
        missing = _is_missing(column).tolist()
        items = zip(_scalars(column), missing, strict=True)
        result.vs[name] = [None if gap else value for value, gap in items]
    lengths = graph.edge_weights()
    if lengths is not None:
        result.es["weight"] = lengths.tolist()
    return result


def _scalars(column: NDArray[Any]) -> list[Any]:
    plain = np.ma.getdata(column)
    return list(plain) if plain.dtype.kind in "mM" or plain.ndim > 1 else plain.tolist()


def to_data(graph: Graph) -> "Data":
    """Return a PyG ``Data``; see `Graph.to_data`."""
    import torch
    from torch_geometric.data import Data

    rows = graph.adjacency("out")
    source = np.repeat(np.arange(graph.num_nodes), np.diff(rows.indptr))
    edge_index = torch.from_numpy(np.stack([source, rows.indices.astype(np.int64)]))
    data = Data(edge_index=edge_index, num_nodes=graph.num_nodes)
    if rows.weights is not None:
        data.edge_weight = torch.from_numpy(rows.weights.copy())
    for name, column in graph.attributes.items():
        if column.dtype.kind in "biuf" and not np.ma.is_masked(column):
            data[name] = torch.from_numpy(np.array(np.ma.getdata(column)))
    return data


def to_scipy(graph: Graph) -> "scipy.sparse.csr_array[Any, tuple[int, int]]":
    """Return a SciPy ``csr_array``; see `Graph.to_scipy`."""
    import scipy.sparse

    rows = graph.adjacency("out")
    entries = np.ones(rows.indices.size, bool) if rows.weights is None else rows.weights.copy()
    shape = (graph.num_nodes, graph.num_nodes)
    return scipy.sparse.csr_array((entries, rows.indices.copy(), rows.indptr.copy()), shape=shape)
