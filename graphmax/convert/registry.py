"""`as_graph`: one row per library says what it recognizes and how it converts; and the way back."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, near_names
from graphmax.convert.edge_lists import (
    EdgeList,
    from_data,
    from_edge_index,
    from_pair,
    from_scipy,
    from_sparse_tensor,
    is_data,
    is_edge_index,
    is_pair,
    is_scipy,
    is_sparse_tensor,
)
from graphmax.convert.library_graphs import (
    from_anndata,
    from_frame,
    from_igraph,
    from_libpysal,
    from_networkit,
    from_networkx,
    from_rustworkx,
    from_trimesh,
    is_anndata,
    is_frame,
    is_igraph,
    is_libpysal,
    is_networkit,
    is_networkx,
    is_rustworkx,
    is_trimesh,
)
from graphmax.graph import Graph
from graphmax.spatial import grid_graph

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


class Library(NamedTuple):
    """One kind of graph: its name for errors, how it is recognized and converted."""

    name: str
    recognizes: Callable[[Any], bool]
    convert: Callable[[Any, str | None], "Graph | EdgeList"]


def _is_grid_of_xarray(obj: Any) -> bool:
    return type(obj).__module__.startswith("xarray") and hasattr(obj, "dims") and obj.ndim > 1


def _from_grid_of_xarray(obj: Any, weight: str | None) -> Graph:
    del weight
    return grid_graph(obj.shape).replace(attributes={str(obj.name or "value"): obj.values.ravel()})


# Rows that give edges in memory, from which one hop is answered without building anything.
_EDGE_LISTS = (
    Library("PyG Data", is_data, from_data),
    Library("a torch sparse tensor", is_sparse_tensor, from_sparse_tensor),
    Library("an edge_index tensor", is_edge_index, from_edge_index),
    Library("a SciPy sparse matrix", is_scipy, from_scipy),
    Library("a pair of arrays (src, dst)", is_pair, from_pair),
)
_GRAPHS = (
    Library("a networkx graph", is_networkx, from_networkx),
    Library("an igraph Graph", is_igraph, from_igraph),
    Library("AnnData", is_anndata, from_anndata),
    Library("a trimesh", is_trimesh, from_trimesh),
    Library("libpysal weights", is_libpysal, from_libpysal),
    Library("a rustworkx graph", is_rustworkx, from_rustworkx),
    Library("a networkit graph", is_networkit, from_networkit),
    Library("a pandas table of edges", is_frame, from_frame),
    Library("an xarray grid", _is_grid_of_xarray, _from_grid_of_xarray),
)


def as_graph(
    obj: Any,
    *,
    num_nodes: int | None = None,
    weight: str | None = "weight",
    src: Any = None,
    dst: Any = None,
    directed: bool | None = None,
    node_type: str | None = None,
    edge_type: tuple[str, str, str] | None = None,
) -> Graph:
    """Turn a graph of another library into a `Graph`.

    Parameters
    ----------
    obj : graph of any of these libraries
        PyG ``Data``, ``Batch`` (with ``edge_index`` or ``adj_t``), ``HeteroData`` with a type, an
        ``edge_index`` tensor on any device, ``EdgeIndex``, a sparse tensor of torch or
        torch_sparse; a SciPy sparse array or matrix; a pair of arrays (src, dst); networkx (any
        class or view), igraph, rustworkx, networkit; AnnData, trimesh, libpysal weights; a pandas
        table with one edge per row; a grid of xarray with two or more dimensions.
        Lists of entries and matrices are undirected if every entry has its reverse with equal
        weight, else directed with ``A[u, v]`` meaning u -> v.
    num_nodes : int, optional
        Number of nodes, for an ``edge_index`` or a pair, which do not know it.
    weight : str, optional
        Edge attribute, or column of a table, that holds the weights (PyG's ``edge_weight`` goes
        first); None leaves weights out.
    src, dst : str, optional
        Columns of the ends, for a pandas table; without them ``src`` and ``dst``, ``source`` and
        ``target``, ``from`` and ``to``, ``u`` and ``v``, else the first two.
    directed : bool, optional
        Whether the edges of a pandas table have an arrow; False by default.
    node_type : str, optional
        For ``HeteroData``: the nodes, where one edge type joins them.
    edge_type : tuple of str, optional
        For ``HeteroData``: the edges (source type, relation, target type).

    Returns
    -------
    Graph
        With node attributes and ids where `obj` has them; `obj` itself if it is a `Graph`.

    Raises
    ------
    TypeError
        If `obj` is not a single homogeneous graph: HeteroData, a list, a dense array.
    ValueError
        If an index is out of range, a weight is NaN, or `weight`, `src` or `dst` name nothing.

    Notes
    -----
    A PyG ``Batch`` is the disjoint union of its graphs. AnnData: ``obsp["connectivities"]``, else
    the only matrix of ``obsp``. Where some networkx edges lack the weight it counts as 1, as in
    networkx.

    Examples
    --------
    >>> import networkx as nx
    >>> from graphmax import as_graph
    >>> as_graph(nx.path_graph(3))
    Graph(num_nodes=3, num_edges=2, undirected, labelled)
    """
    if isinstance(obj, Graph):
        return obj
    if hasattr(obj, "edge_types"):
        obj = _one_relation(obj, node_type, edge_type)
    elif node_type is not None or edge_type is not None:
        raise ValueError(
            "`node_type` and `edge_type` must be given with HeteroData only, got "
            f"{type(obj).__name__}"
        )
    if is_frame(obj):
        return from_frame(obj, weight, src, dst, directed=bool(directed))
    if not (src is None and dst is None and directed is None):
        raise ValueError(
            "`src`, `dst` and `directed` must be given with a pandas table of edges only, got "
            f"{type(obj).__name__}"
        )
    edges = edge_list_of(obj, weight)
    if edges is not None:
        return edges.sized(num_nodes).to_graph()
    for library in _GRAPHS:
        if library.recognizes(obj):
            graph: Any = library.convert(obj, weight)
            return graph  # type: ignore[no-any-return]
    names = ", ".join(library.name for library in (*_EDGE_LISTS, *_GRAPHS))
    raise TypeError(f"`graph` must be a graphmax Graph, {names}, got {_what(obj)}; {_way_out(obj)}")


def edge_list_of(obj: Any, weight: str | None = "weight") -> EdgeList | None:
    """Return the edges of an object that holds them as arrays, None for any other."""
    for library in _EDGE_LISTS:
        if library.recognizes(obj):
            edges: Any = library.convert(obj, weight)
            return edges  # type: ignore[no-any-return]
    return None


def _one_relation(obj: Any, node_type: str | None, edge_type: Any) -> Any:
    """Return the ``Data`` of one relation of HeteroData."""
    known = [tuple(each) for each in obj.edge_types]
    if edge_type is None:
        joins = [each for each in known if each[0] == each[2] == node_type]
        if node_type is None or len(joins) != 1:
            raise TypeError(
                f"`graph` must be homogeneous, got HeteroData with the edge types {known}; pass "
                "as_graph(data, edge_type=...) (or node_type= where one edge type joins them), or "
                "data.to_homogeneous()"
            )
        edge_type = joins[0]
    if tuple(edge_type) not in known:
        raise ValueError(
            f"`edge_type` must be one of {known}, got {tuple(edge_type)}; "
            + near_names(str(tuple(edge_type)), [str(each) for each in known])
        )
    if edge_type[0] != edge_type[2]:
        raise ValueError(
            f"`edge_type` must join nodes of one type, got {tuple(edge_type)}; "
            "use data.to_homogeneous()"
        )
    from torch_geometric.data import Data

    relation, nodes = obj[tuple(edge_type)], obj[edge_type[0]]
    count = integer(nodes.num_nodes, "num_nodes", 0)
    data = Data(**dict(nodes.items()), **dict(relation.items()))
    data.num_nodes = count
    return data


def _what(obj: Any) -> str:
    shape = getattr(obj, "shape", None)
    kind = f"{type(obj).__module__}.{type(obj).__qualname__}".removeprefix("builtins.")
    return kind if shape is None else f"{kind} of shape {tuple(shape)}"


def _way_out(obj: Any) -> str:
    if isinstance(obj, list | tuple):
        return "pass one graph at a time, or a PyG Batch"
    if hasattr(obj, "shape"):
        return (
            "for a dense adjacency matrix pass scipy.sparse.csr_array(matrix), "
            "for pairs of nodes Graph.from_edges(src, dst)"
        )
    return "pass one of these, or Graph.from_edges(src, dst)"
