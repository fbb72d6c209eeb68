"""`as_graph`: graphs of other libraries, read from the arrays or dictionaries that they keep.

One row per library says what it recognizes and how it converts; and the way back.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from operator import methodcaller
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
from graphmax.graph import Graph
from graphmax.spatial import grid_graph
from graphmax.values import column_of, columns_of, ids_of, objects

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data


def is_networkx(obj: Any) -> bool:
    """Tell whether an object is a networkx graph of any class, or a view of one."""
    return hasattr(obj, "adjacency") and hasattr(obj, "nodes") and hasattr(obj, "is_multigraph")


def from_networkx(obj: Any, weight: str | None) -> Graph:
    """Read nodes in the order of ``list(G)``, their attributes, edges, and one weight of each."""
    nodes = list(obj)
    ids = ids_of(nodes)
    src, dst, lengths = _edges(obj, nodes, ids, weight)
    records = [data for _, data in obj.nodes(data=True)]
    columns = columns_of(records) if any(records) else {}
    return Graph.from_edges(
        src,
        dst,
        len(nodes),
        weights=lengths,
        directed=obj.is_directed(),
        labels=ids,
        attributes=columns,
    )


def _edges(
    obj: Any, nodes: list[Any], ids: NDArray[Any], weight: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any] | None]:
    """Return each edge once: source, target, and the weights if an edge has one."""
    rows = [obj._adj[node] for node in nodes]
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    src = np.repeat(np.arange(len(nodes)), counts)
    total = int(counts.sum())
    neighbors = chain.from_iterable(rows)
    if ids.dtype == np.int64 and np.array_equal(ids, np.arange(ids.size)):
        dst = np.fromiter(neighbors, np.int64, total)
    else:
        index = dict(zip(nodes, range(len(nodes)), strict=True))
        dst = np.fromiter(map(index.__getitem__, neighbors), np.int64, total)
    if obj.is_multigraph():
        return _edges_of_multigraph(obj, rows, src, dst, weight)
    once = None if obj.is_directed() else src <= dst
    lengths = None if weight is None else _weights(obj, rows, weight, once)
    return (src, dst, lengths) if once is None else (src[once], dst[once], lengths)


def _edges_of_multigraph(
    obj: Any, rows: list[Any], src: NDArray[np.int64], dst: NDArray[np.int64], weight: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any] | None]:
    bundles = list(chain.from_iterable(row.values() for row in rows))
    counts = np.fromiter(map(len, bundles), np.int64, len(bundles))
    src, dst = np.repeat(src, counts), np.repeat(dst, counts)
    once = None if obj.is_directed() else src <= dst
    lengths = None
    if weight is not None:
        data = chain.from_iterable(bundle.values() for bundle in bundles)
        lengths = _lengths(list(map(methodcaller("get", weight), data)), once)
        _check_name(obj, weight, lengths)
    return (src, dst, lengths) if once is None else (src[once], dst[once], lengths)


def _weights(
    obj: Any, rows: list[Any], weight: str, once: NDArray[np.bool_] | None
) -> NDArray[Any] | None:
    """Return the weights of the edges, 1 where an edge lacks it, None if all do."""
    values, lengths = methodcaller("values"), None
    # any() is quick where nothing is known of any edge, as in most graphs without weights.
    if any(chain.from_iterable(map(values, rows))):
        data = chain.from_iterable(map(values, rows))
        lengths = _lengths(list(map(methodcaller("get", weight), data)), once)
    _check_name(obj, weight, lengths)
    return lengths


def _lengths(entries: list[Any], once: NDArray[np.bool_] | None) -> NDArray[Any] | None:
    missing = entries.count(None)
    if missing == len(entries):
        return None
    if missing:
        entries = [1.0 if entry is None else entry for entry in entries]
    lengths = np.array(entries)
    return lengths if once is None else lengths[once]


def _check_name(obj: Any, weight: str, lengths: NDArray[Any] | None) -> None:
    """Refuse a weight that was asked for by name and that no edge has."""
    if lengths is not None or weight == "weight":
        return
    names = {name for _, _, data in obj.edges(data=True) for name in data}
    if obj.number_of_edges():
        raise ValueError(
            f"`weight` must name an edge attribute, got {weight!r}; "
            + near_names(weight, sorted(map(str, names)))
        )


def _table(tuples: Iterable[Any], width: int, dtype: type) -> NDArray[Any]:
    """Return tuples of one width as rows; entry after entry, which NumPy takes fastest."""
    return np.fromiter(chain.from_iterable(tuples), dtype).reshape(-1, width)


_ENDS = (("src", "dst"), ("source", "target"), ("from", "to"), ("u", "v"))


def is_igraph(obj: Any) -> bool:
    """Tell whether an object is an igraph ``Graph``."""
    return hasattr(obj, "get_edgelist") and hasattr(obj, "vcount") and hasattr(obj, "vs")


def from_igraph(obj: Any, weight: str | None) -> Graph:
    """Read edges, one weight, vertex attributes; ``name`` holds the ids where it is unique."""
    ends = _table(obj.get_edgelist(), 2, np.int64)
    names = obj.es.attributes()
    if weight not in (None, "weight", *names) and obj.ecount():
        raise ValueError(
            f"`weight` must name an edge attribute, got {weight!r}; "
            + near_names(str(weight), names)
        )
    columns = {name: column_of(obj.vs[name]) for name in obj.vs.attributes()}
    labels = columns.get("name")
    if labels is not None and (np.ma.is_masked(labels) or len(set(labels)) != len(labels)):
        raise ValueError(
            "`graph` must have vertex names that are unique and complete, got repeated or missing "
            "ones; rename the vertex attribute 'name', or make the names unique"
        )
    return Graph.from_edges(
        ends[:, 0],
        ends[:, 1],
        obj.vcount(),
        weights=obj.es[weight] if weight in names else None,
        directed=obj.is_directed(),
        labels=labels,
        attributes={name: column for name, column in columns.items() if name != "name"},
    )


def is_anndata(obj: Any) -> bool:
    """Tell whether an object is an AnnData."""
    return hasattr(obj, "obsp") and hasattr(obj, "obs_names")


def anndata_key(obj: Any) -> str:
    """Return the name of the ``obsp`` matrix that is the graph."""
    keys = list(obj.obsp.keys())
    if "connectivities" not in keys and len(keys) != 1:
        raise ValueError(
            f"`graph` must have obsp['connectivities'] or a single obsp matrix, got {keys}; "
            "pass the matrix itself"
        )
    return "connectivities" if "connectivities" in keys else keys[0]


def from_anndata(obj: Any, weight: str | None) -> Graph:
    """Read ``obsp["connectivities"]`` (strengths: no lengths) or the only matrix, and ``obs``."""
    key = anndata_key(obj)
    graph = from_scipy(obj.obsp[key], None if key == "connectivities" else weight).to_graph()
    columns = {str(name): frame_column(obj.obs[name]) for name in obj.obs.columns}
    return graph.replace(labels=objects(list(obj.obs_names)), attributes=columns)


def frame_column(series: Any) -> NDArray[Any]:
    """Return a pandas column as an array, masked where it is missing."""
    array = series.to_numpy()
    if array.dtype.kind in "biufmM":
        return np.asarray(array)
    missing = series.isna().to_numpy()
    items = series.tolist()
    return column_of([None if gap else item for gap, item in zip(missing, items, strict=True)])


def is_trimesh(obj: Any) -> bool:
    """Tell whether an object is a mesh of trimesh."""
    return hasattr(obj, "edges_unique") and hasattr(obj, "vertices")


def from_trimesh(obj: Any, weight: str | None) -> Graph:
    """Read the edges of the faces with their lengths; coordinates are attributes and positions."""
    ends = np.asarray(obj.edges_unique, np.int64).reshape(-1, 2)
    vertices = np.asarray(obj.vertices, np.float64)
    lengths = None
    if weight is not None:
        lengths = np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1)
    columns = {name: vertices[:, axis] for axis, name in enumerate("xyz")}
    graph = Graph.from_edges(
        ends[:, 0], ends[:, 1], len(vertices), weights=lengths, attributes=columns
    )
    return graph.replace(positions=vertices)


def is_libpysal(obj: Any) -> bool:
    """Tell whether an object is a ``W`` or ``Graph`` of libpysal."""
    return type(obj).__module__.startswith("libpysal") and hasattr(obj, "sparse")


def from_libpysal(obj: Any, weight: str | None) -> Graph:
    """Read spatial weights: who is a neighbor of whom. Weights are strengths, no lengths."""
    del weight
    ids = list(obj.unique_ids) if hasattr(obj, "unique_ids") else list(obj.id_order)
    return from_scipy(obj.sparse, None).to_graph().replace(labels=ids_of(_plain(ids)))


def _plain(ids: list[Any]) -> list[Any]:
    return [item.item() if isinstance(item, np.generic) else item for item in ids]


def is_rustworkx(obj: Any) -> bool:
    """Tell whether an object is a ``PyGraph`` or ``PyDiGraph`` of rustworkx."""
    return type(obj).__module__.startswith("rustworkx") and hasattr(obj, "node_indices")


def from_rustworkx(obj: Any, weight: str | None) -> Graph:
    """Read edges; numbers on the edges are weights, dictionaries hold them by name."""
    numbers = np.asarray(obj.node_indices(), np.int64)
    place = np.full(int(numbers.max(initial=-1)) + 1, -1)
    place[numbers] = np.arange(numbers.size)
    ends = _table(obj.edge_list(), 2, np.int64)
    lengths = None if weight is None else _edge_numbers(list(obj.edges()), weight)
    labels = numbers if not np.array_equal(numbers, np.arange(numbers.size)) else None
    return Graph.from_edges(
        place[ends[:, 0]],
        place[ends[:, 1]],
        numbers.size,
        weights=lengths,
        directed=type(obj).__name__ == "PyDiGraph",
        labels=labels,
        attributes={"data": column_of(list(obj.nodes()))} if _are_numbers(obj.nodes()) else None,
    )


def _edge_numbers(entries: list[Any], weight: str) -> list[Any] | None:
    entries = [entry.get(weight) if isinstance(entry, dict) else entry for entry in entries]
    return entries if entries and _are_numbers(entries) else None


def _are_numbers(items: Any) -> bool:
    number = (int, float, np.integer, np.floating)
    return bool(len(items)) and all(isinstance(item, number) for item in items)


def is_networkit(obj: Any) -> bool:
    """Tell whether an object is a ``Graph`` of networkit."""
    return type(obj).__module__.startswith("networkit") and hasattr(obj, "iterEdges")


def from_networkit(obj: Any, weight: str | None) -> Graph:
    """Read edges and, where the graph is weighted, weights."""
    if obj.numberOfNodes() != obj.upperNodeIdBound():
        raise ValueError(
            "`graph` must have the nodes 0 to n - 1, got a networkit graph with removed nodes; "
            "use networkit.graphtools.getCompactedGraph"
        )
    lengths = None
    if obj.isWeighted() and weight is not None:
        triples = _table(obj.iterEdgesWeights(), 3, np.float64)
        ends, lengths = triples[:, :2].astype(np.int64), triples[:, 2]
    else:
        ends = _table(obj.iterEdges(), 2, np.int64)
    return Graph.from_edges(
        ends[:, 0],
        ends[:, 1],
        obj.numberOfNodes(),
        weights=lengths,
        directed=obj.isDirected(),
    )


def is_frame(obj: Any) -> bool:
    """Tell whether an object is a pandas table."""
    return type(obj).__module__.startswith("pandas") and hasattr(obj, "columns")


def from_frame(
    obj: Any, weight: str | None, src: Any = None, dst: Any = None, *, directed: bool = False
) -> Graph:
    """Read a table with one edge per row; the ends are ids of any kind."""
    first, second = _end_columns(obj, src, dst)
    for name, column in (("src", first), ("dst", second)):
        if obj[column].isna().any():
            raise ValueError(
                f"`{name}` must be known in every row, got {int(obj[column].isna().sum())} rows "
                f"without {column!r}; drop them"
            )
    import pandas

    both = pandas.concat([obj[first], obj[second]], ignore_index=True)
    codes, ids = pandas.factorize(both)
    count = len(obj)
    named = weight in obj.columns
    if weight not in (None, "weight") and not named:
        raise ValueError(
            f"`weight` must name a column, got {weight!r}; "
            + near_names(str(weight), [str(name) for name in obj.columns])
        )
    return Graph.from_edges(
        codes[:count],
        codes[count:],
        len(ids),
        weights=obj[weight].to_numpy() if named else None,
        directed=directed,
        labels=ids_of(_plain(list(ids))),
    )


def _end_columns(obj: Any, src: Any, dst: Any) -> tuple[Any, Any]:
    names = [str(name) for name in obj.columns]
    if src is None and dst is None:
        for pair in _ENDS:
            if set(pair) <= set(obj.columns):
                return pair
        if len(names) < 2:
            raise ValueError(f"`graph` must have two columns of nodes, got the columns {names}")
        return obj.columns[0], obj.columns[1]
    for name, column in (("src", src), ("dst", dst)):
        if column is None or column not in obj.columns:
            near = near_names(str(column), names)
            raise ValueError(f"`{name}` must name a column of the table, got {column!r}; {near}")
    return src, dst


# --- `as_graph`: one row per library says what it recognizes and how it converts; and the way


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
