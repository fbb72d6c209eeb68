"""Graphs of other libraries to `Graph` and back; attributes by name from wherever they live."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.graph import Graph
from graphmax.values import Attribute, read_attribute

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data

_TAKEN = (
    "a graphmax Graph, PyG Data, an edge_index tensor, a networkx graph, a SciPy sparse matrix, "
    "an igraph Graph, AnnData or a trimesh"
)


def as_graph(obj: Any, *, num_nodes: int | None = None, weight: str | None = "weight") -> Graph:
    """Turn a graph of another library into a `Graph`.

    Parameters
    ----------
    obj : graph of any of these libraries
        PyG ``Data``, ``Batch``, ``EdgeIndex``, an ``edge_index`` tensor on any device, a networkx
        graph, a SciPy sparse array or matrix, an igraph ``Graph``, AnnData, a trimesh.
        ``edge_index`` (2, entries) and SciPy matrices are undirected if every entry
        has its reverse with equal weight, else directed with ``A[u, v]`` meaning u -> v.
    num_nodes : int, optional
        Number of nodes, for an ``edge_index``, which does not know it.
    weight : str, optional
        Edge attribute that holds the lengths (networkx, igraph; PyG's ``edge_weight`` goes
        first); None leaves lengths out.

    Returns
    -------
    Graph
        With node attributes and labels where `obj` has them; `obj` itself if it is a `Graph`.

    Raises
    ------
    TypeError
        If `obj` is not a single homogeneous graph: HeteroData, a list, a dense array.
    ValueError
        If an index is out of range, or a weight is negative or NaN.

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
    for is_kind, convert in _KINDS:
        if is_kind(obj):
            graph: Graph = convert(obj, num_nodes, weight)
            return graph
    raise TypeError(f"`graph` must be {_TAKEN}, got {_what(obj)}; {_way_out(obj)}")


def resolve(obj: Any, values: Any, name: str = "values") -> tuple[Graph, Attribute]:
    """Return the graph and the attribute a call is about.

    Parameters
    ----------
    obj : Graph or graph of another library
        What `as_graph` takes.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The name of a node attribute, a value for every node, or the values in node order.
    name : str
        How errors call the values.

    Returns
    -------
    tuple of Graph and Attribute
        Of equal length.

    Raises
    ------
    KeyError, TypeError, ValueError
        If there is no such attribute, or it does not fit the graph.
    """
    if isinstance(values, str):
        graph = as_graph(obj)
        attribute = read_attribute(_named(obj, graph, values), values)
    elif isinstance(values, Mapping):
        graph = as_graph(obj)
        attribute = read_attribute(_in_node_order(graph, values), name)
    else:
        attribute = read_attribute(values, name)
        graph = as_graph(obj, num_nodes=attribute.num_nodes)
    if attribute.num_nodes != graph.num_nodes:
        raise ValueError(
            f"`{name}` must have one entry per node ({graph.num_nodes}), got {attribute.num_nodes}"
        )
    return graph, attribute


def _named(obj: Any, graph: Graph, name: str) -> Any:
    if _is_pyg(obj) and name in obj:
        return obj[name]
    if name not in graph.attributes:
        raise ValueError(
            f"`values` must name a node attribute, got {name!r}; "
            + near_names(name, list(graph.attributes))
        )
    return graph.attributes[name]


def _in_node_order(graph: Graph, values: Mapping[Any, Any]) -> NDArray[Any]:
    nodes = graph.label_of(np.arange(graph.num_nodes)).tolist()
    unknown = [node for node in values if node not in set(nodes)] if len(values) else []
    if unknown:
        raise ValueError(
            f"`values` must have nodes of the graph as keys, got {len(unknown)} others "
            f"(first: {unknown[:5]})"
        )
    return column_of([values.get(node) for node in nodes])


def column_of(items: list[Any]) -> NDArray[Any]:
    """Turn one Python value a node into an array; None marks a node that lacks it.

    Integers stay exact: a column that no integer dtype can hold and that a float would round
    becomes an object array, which the comparing calls refuse by its dtype.
    """
    missing = np.array([item is None for item in items], bool)
    if not missing.any():
        return _typed(items)
    present = [item for item in items if item is not None]
    known = _typed(present)
    column = np.zeros((len(items), *known.shape[1:]), known.dtype if present else np.float64)
    if present:
        column[~missing] = known
    mask = np.broadcast_to(missing.reshape(-1, *[1] * (column.ndim - 1)), column.shape)
    return np.ma.MaskedArray(column, mask)


def _typed(items: list[Any]) -> NDArray[Any]:
    try:
        array = np.asarray(items)
    except (ValueError, OverflowError):
        return _objects(items)
    rounded = array.dtype.kind == "f" and any(
        type(item) is int and int(float(item)) != item for item in items
    )
    mixed = array.dtype.kind in "US" and not all(isinstance(item, str | bytes) for item in items)
    return _objects(items) if rounded or mixed or array.dtype.kind in "US" else array


def _objects(items: list[Any]) -> NDArray[Any]:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def _from_entries(src: Any, dst: Any, weights: Any, num_nodes: int | None) -> Graph:
    graph = Graph.from_edges(src, dst, num_nodes, weights=weights, directed=True)
    return graph.as_undirected() if graph.adjacency("in").symmetric else graph


def _is_tensor(obj: Any) -> bool:
    return hasattr(obj, "untyped_storage")


def _from_edge_index(obj: Any, num_nodes: int | None, weight: str | None) -> Graph:
    del weight
    if obj.ndim != 2 or obj.shape[0] != 2 or obj.is_floating_point() or obj.is_complex():
        raise TypeError(
            "`graph` must be an edge_index of shape (2, entries) and integer dtype, "
            f"got a tensor of shape {tuple(obj.shape)} and {obj.dtype}; {_way_out(obj)}"
        )
    size = obj.sparse_size() if hasattr(obj, "sparse_size") else (None, None)
    known = [count for count in size if count is not None]
    pairs = _plain(obj)
    return _from_entries(pairs[0], pairs[1], None, max(known) if known else num_nodes)


def _plain(tensor: Any) -> NDArray[Any]:
    if hasattr(tensor, "as_tensor"):
        tensor = tensor.as_tensor()
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array


def _is_pyg(obj: Any) -> bool:
    return hasattr(obj, "edge_index") and hasattr(obj, "is_node_attr")


def _from_pyg(obj: Any, num_nodes: int | None, weight: str | None) -> Graph:
    if obj.edge_index is None:
        raise ValueError("`graph` must have an edge_index, got Data without one")
    pairs = _plain(obj.edge_index)
    count = obj.num_nodes if num_nodes is None or "num_nodes" in obj or "x" in obj else num_nodes
    lengths = None
    for name in ("edge_weight", weight) if weight is not None else ():
        if name in obj and lengths is None and obj.is_edge_attr(name):
            lengths = _plain(obj[name]).reshape(-1)
    graph = _from_entries(pairs[0], pairs[1], lengths, count)
    columns = {
        str(name): _plain(value)
        for name, value in obj.to_dict().items()
        if _is_tensor(value)
        and value.ndim
        and obj.is_node_attr(name)
        and "bfloat" not in str(value.dtype)
        and len(value) == graph.num_nodes
    }
    return graph.replace(attributes=columns)


def _is_networkx(obj: Any) -> bool:
    return hasattr(obj, "adjacency") and hasattr(obj, "nodes") and hasattr(obj, "is_multigraph")


def _from_networkx(obj: Any, num_nodes: int | None, weight: str | None) -> Graph:
    del num_nodes
    nodes = list(obj)
    index = {node: i for i, node in enumerate(nodes)}
    edges = list(obj.edges(data=weight if weight is not None else False))
    ends = np.array([[index[edge[0]], index[edge[1]]] for edge in edges], np.int64).reshape(-1, 2)
    lengths = None
    if weight is not None and any(edge[2] is not None for edge in edges):
        lengths = np.array([1.0 if edge[2] is None else edge[2] for edge in edges])
    names = dict.fromkeys(name for _, data in obj.nodes(data=True) for name in data)
    columns = {
        str(name): column_of([data.get(name) for _, data in obj.nodes(data=True)]) for name in names
    }
    return Graph.from_edges(
        ends[:, 0], ends[:, 1], len(nodes), weights=lengths, directed=obj.is_directed(),
        labels=_objects(nodes) if _need_objects(nodes) else nodes, attributes=columns,
    )  # fmt: skip


def _need_objects(nodes: list[Any]) -> bool:
    return not all(type(node) is int for node in nodes)


def _is_scipy(obj: Any) -> bool:
    return type(obj).__module__.startswith("scipy.sparse") and hasattr(obj, "tocoo")


def _from_scipy(obj: Any, num_nodes: int | None, weight: str | None) -> Graph:
    del num_nodes
    if len(obj.shape) != 2 or obj.shape[0] != obj.shape[1]:
        raise ValueError(f"`graph` must be a square matrix, got shape {obj.shape}")
    entries = obj.tocoo()
    lengths = None if weight is None or entries.dtype == bool else entries.data
    return _from_entries(entries.row, entries.col, lengths, obj.shape[0])


def _is_igraph(obj: Any) -> bool:
    return hasattr(obj, "get_edgelist") and hasattr(obj, "vcount") and hasattr(obj, "vs")


def _from_igraph(obj: Any, num_nodes: int | None, weight: str | None) -> Graph:
    del num_nodes
    ends = np.array(obj.get_edgelist(), np.int64).reshape(-1, 2)
    lengths = obj.es[weight] if weight in obj.es.attributes() else None
    columns = {name: column_of(obj.vs[name]) for name in obj.vs.attributes()}
    names = columns.get("name")
    return Graph.from_edges(
        ends[:, 0], ends[:, 1], obj.vcount(), weights=lengths, directed=obj.is_directed(),
        labels=names if names is not None and not np.ma.is_masked(names) else None,
        attributes={name: column for name, column in columns.items() if name != "name"},
    )  # fmt: skip


def _is_anndata(obj: Any) -> bool:
    return hasattr(obj, "obsp") and hasattr(obj, "obs_names")


def _from_anndata(obj: Any, num_nodes: int | None, weight: str | None) -> Graph:
    keys = list(obj.obsp.keys())
    if "connectivities" not in keys and len(keys) != 1:
        raise ValueError(
            f"`graph` must have obsp['connectivities'] or a single obsp matrix, got {keys}; "
            "pass the matrix itself"
        )
    key = "connectivities" if "connectivities" in keys else keys[0]
    graph = _from_scipy(obj.obsp[key], num_nodes, None if key == "connectivities" else weight)
    columns = {str(name): column_of(obj.obs[name].tolist()) for name in obj.obs.columns}
    return graph.replace(labels=_objects(list(obj.obs_names)), attributes=columns)


def _is_trimesh(obj: Any) -> bool:
    return hasattr(obj, "edges_unique") and hasattr(obj, "vertices")


def _from_trimesh(obj: Any, num_nodes: int | None, weight: str | None) -> Graph:
    del num_nodes
    ends = np.asarray(obj.edges_unique, np.int64).reshape(-1, 2)
    vertices = np.asarray(obj.vertices, np.float64)
    lengths = None
    if weight is not None:
        lengths = np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1)
    columns = {name: vertices[:, axis] for axis, name in enumerate("xyz")}
    return Graph.from_edges(
        ends[:, 0], ends[:, 1], len(vertices), weights=lengths, attributes=columns
    )


_KINDS = (
    (_is_pyg, _from_pyg),
    (_is_tensor, _from_edge_index),
    (_is_networkx, _from_networkx),
    (_is_scipy, _from_scipy),
    (_is_igraph, _from_igraph),
    (_is_anndata, _from_anndata),
    (_is_trimesh, _from_trimesh),
)


def _what(obj: Any) -> str:
    shape = getattr(obj, "shape", None)
    kind = f"{type(obj).__module__}.{type(obj).__qualname__}".removeprefix("builtins.")
    return kind if shape is None else f"{kind} of shape {tuple(shape)}"


def _way_out(obj: Any) -> str:
    if hasattr(obj, "edge_types"):
        return "pass one edge type, or data.to_homogeneous()"
    if isinstance(obj, list | tuple):
        return "pass one graph at a time, or a PyG Batch"
    if hasattr(obj, "shape"):
        return (
            "for a dense adjacency matrix pass scipy.sparse.csr_array(matrix), "
            "for pairs of nodes Graph.from_edges(src, dst)"
        )
    return "pass one of these, or Graph.from_edges(src, dst)"


def to_networkx(graph: Graph) -> "networkx.Graph[Any]":
    """Return a networkx graph of the labels; see `Graph.to_networkx`."""
    import networkx

    nodes = graph.label_of(np.arange(graph.num_nodes)).tolist()
    result: Any = networkx.DiGraph() if graph.directed else networkx.Graph()
    result.add_nodes_from(nodes)
    for name, column in graph.attributes.items():
        missing = np.ma.getmaskarray(column)
        for node, value, absent in zip(nodes, _scalars(column), missing, strict=True):
            if not np.any(absent):
                result.nodes[node][name] = value
    pairs = [(nodes[u], nodes[v]) for u, v in graph.edges().T.tolist()]
    lengths = graph.edge_weights()
    if lengths is None:
        result.add_edges_from(pairs)
    else:
        triples = zip(pairs, lengths.tolist(), strict=True)
        result.add_weighted_edges_from((*pair, length) for pair, length in triples)
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
