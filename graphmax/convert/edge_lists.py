"""Edges as two arrays: an ``edge_index``, PyG ``Data``, sparse tensors, SciPy matrices, pairs.

One hop is answered from such a list alone; rows are built only where they pay.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import check_plain_tensor, edge_weights, is_tensor, near_names, to_numpy
from graphmax.graph import Adjacency, Graph, matching_ends, symmetric_rows, undirected_graph

_SIZED = ("num_nodes", "x", "pos", "batch", "ptr")
_NO_NODES = ("edge", "index", "adj", "face", "ptr")


@dataclass(frozen=True)
class EdgeList:
    """Directed entries u -> v, repeats and self-loops included, and what else the source knows.

    Parameters
    ----------
    src, dst : int (entries,)
        The ends; NumPy arrays, not copied where they need not be.
    num_nodes : int or None
        Number of nodes, None where the source does not know it.
    weights : function, optional
        Returns the weights (entries,), or None for none; called when they are needed.
    attributes : function, optional
        Returns the node attributes for a number of nodes; called when they are needed.
    is_matrix : bool
        Whether the source is a matrix, whose reader may not have arrows in mind.
    compressed : pair of arrays, optional
        Pointers and columns where the source has rows already, its entries in their order. Rows
        that are sorted and symmetric are taken over instead of built.
    """

    src: NDArray[Any]
    dst: NDArray[Any]
    num_nodes: int | None
    weights: Callable[[], Any] | None = None
    attributes: Callable[[int], dict[str, Any]] | None = None
    is_matrix: bool = False
    compressed: tuple[NDArray[Any], NDArray[Any]] | None = None

    # What a node space without ids and places answers.
    labels = None
    shape = None
    positions = None

    def label_of(self, nodes: Any) -> NDArray[Any]:
        """Return node indices, which are their own ids."""
        return np.asarray(nodes)

    def sized(self, num_nodes: int | None) -> "EdgeList":
        """Return the list with a number of nodes where the source knows none."""
        if num_nodes is None or self.num_nodes is not None:
            return self
        return replace(self, num_nodes=num_nodes)

    @cached_property
    def ends(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both ends as int32 or int64 arrays of one dtype."""
        return matching_ends(self.src, self.dst)

    @cached_property
    def graph(self) -> Graph:
        """The graph of these edges, built on first use."""
        return self.to_graph()

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether every entry has its reverse, whatever the weights."""
        if self._symmetric_rows(None) is not None:
            return True
        rows = Graph.from_edges(*self.ends, self.num_nodes, directed=True).adjacency("in")
        return rows.symmetric

    def to_graph(self) -> Graph:
        """Build the graph: undirected if every entry has its reverse with equal weight."""
        lengths = None if self.weights is None else self.weights()
        rows = self._symmetric_rows(lengths)
        if rows is not None:
            graph = undirected_graph(rows)
        else:
            built = Graph.from_edges(*self.ends, self.num_nodes, weights=lengths, directed=True)
            graph = built.as_undirected() if built.adjacency("in").symmetric else built
        if self.attributes is None:
            return graph
        return graph.replace(attributes=self.attributes(graph.num_nodes))

    def _symmetric_rows(self, lengths: Any) -> Adjacency | None:
        if self.compressed is None:
            return None
        weights = None if lengths is None else edge_weights(lengths, self.src.size)
        return symmetric_rows(*self.compressed, weights)


def is_edge_index(obj: Any) -> bool:
    """Tell whether an object is a tensor, and so an ``edge_index`` or nothing."""
    return is_tensor(obj) and getattr(obj, "layout", None) is not None and not _is_sparse(obj)


def from_edge_index(obj: Any, weight: str | None) -> EdgeList:
    """Read an ``edge_index`` tensor or PyG ``EdgeIndex``."""
    del weight
    check_plain_tensor(obj, "graph")
    if obj.ndim != 2 or obj.shape[0] != 2 or obj.is_floating_point() or obj.is_complex():
        raise TypeError(
            "`graph` must be an edge_index of shape (2, entries) and integer dtype, "
            f"got a tensor of shape {tuple(obj.shape)} and {obj.dtype}; "
            + (
                "pass edge_index.t()"
                if obj.ndim == 2 and obj.shape[1] == 2
                else "for a dense adjacency matrix pass scipy.sparse.csr_array(matrix), "
                "for pairs of nodes Graph.from_edges(src, dst)"
            )
        )
    size = obj.sparse_size() if hasattr(obj, "sparse_size") else (None, None)
    known = [count for count in size if count is not None]
    pairs = to_numpy(obj)
    return EdgeList(pairs[0], pairs[1], max(known) if known else None)


def is_data(obj: Any) -> bool:
    """Tell whether an object is a PyG ``Data`` or ``Batch`` of one kind of nodes."""
    return hasattr(obj, "is_node_attr") and not hasattr(obj, "edge_types")


def from_data(obj: Any, weight: str | None) -> EdgeList:
    """Read a PyG ``Data`` or ``Batch``: ``edge_index`` or ``adj_t``, weights and attributes."""
    # From other attributes PyG guesses the number of nodes, with a warning.
    count = obj.num_nodes if any(name in obj for name in _SIZED) else None
    if getattr(obj, "edge_index", None) is None:
        adjacency = getattr(obj, "adj_t", None)
        if adjacency is None:
            raise ValueError("`graph` must have an edge_index or an adj_t, got Data without one")
        source, target, lengths, shape = _entries_of_sparse(adjacency)
        size = max(shape) if count is None else count
        # adj_t[v, u] is the edge u -> v
        weights = None if weight is None or lengths is None else lambda: lengths
        return EdgeList(target, source, size, weights, lambda n: _attributes(obj, n))
    pairs = to_numpy(obj.edge_index)
    if pairs.ndim != 2 or pairs.shape[0] != 2 or pairs.dtype.kind not in "iu":
        raise ValueError(
            "`graph` must have an edge_index of shape (2, entries) and integer dtype, got "
            f"{pairs.shape} and {pairs.dtype}"
            + ("; transpose it" if pairs.ndim == 2 and pairs.shape[1] == 2 else "")
        )
    return EdgeList(
        pairs[0],
        pairs[1],
        count,
        None if weight is None else lambda: _data_weights(obj, weight, pairs.shape[1]),
        lambda n: _attributes(obj, n),
    )


def _data_weights(obj: Any, weight: str, count: int) -> NDArray[Any] | None:
    if weight not in ("weight", "edge_weight") and weight not in obj:
        names = [str(name) for name, value in obj.to_dict().items() if is_tensor(value)]
        raise ValueError(
            f"`weight` must name an edge attribute, got {weight!r}; " + near_names(weight, names)
        )
    for name in dict.fromkeys(("edge_weight", weight)):
        if name not in obj or not is_tensor(obj[name]):
            continue
        lengths = to_numpy(obj[name])
        if lengths.shape not in ((count,), (count, 1)):
            raise ValueError(
                f"`graph` must have one {name} per column of edge_index ({count}), got shape "
                f"{lengths.shape}; pass weight=None to leave it out"
            )
        return lengths.reshape(-1)
    return None


def _attributes(obj: Any, num_nodes: int) -> dict[str, Any]:
    return {
        str(name): to_numpy(value)
        for name, value in obj.to_dict().items()
        if is_tensor(value)
        and value.ndim
        and not any(word in str(name) for word in _NO_NODES)
        and not _is_sparse(value)
        and "bfloat" not in str(value.dtype)
        and len(value) == num_nodes
    }


def _is_sparse(obj: Any) -> bool:
    return "sparse" in str(getattr(obj, "layout", ""))


def is_sparse_tensor(obj: Any) -> bool:
    """Tell whether an object is a sparse tensor of torch, or a ``SparseTensor`` of torch_sparse."""
    return _is_sparse(obj) or (hasattr(obj, "csr") and hasattr(obj, "sparse_sizes"))


def from_sparse_tensor(obj: Any, weight: str | None) -> EdgeList:
    """Read a sparse tensor A of shape (n, n): A[u, v] is the edge u -> v."""
    if _is_sparse(obj):
        _check_square(tuple(obj.shape))
    source, target, lengths, shape = _entries_of_sparse(obj)
    _check_square(shape)
    weights = None if weight is None or lengths is None else lambda: lengths
    return EdgeList(source, target, shape[0], weights, is_matrix=True)


def _entries_of_sparse(obj: Any) -> tuple[Any, Any, Any, tuple[int, ...]]:
    """Return rows, columns, entries (None for none or booleans) and shape."""
    if not _is_sparse(obj):  # torch_sparse
        source, target, lengths = obj.coo()
        shape = tuple(obj.sparse_sizes())
        return to_numpy(source), to_numpy(target), _lengths(lengths), shape
    entries = obj if str(obj.layout) == "torch.sparse_coo" else obj.to_sparse_coo()
    entries = entries.coalesce()
    pairs = to_numpy(entries.indices())
    return pairs[0], pairs[1], _lengths(entries.values()), tuple(obj.shape)


def _lengths(values: Any) -> NDArray[Any] | None:
    if values is None or "bool" in str(values.dtype):
        return None
    return to_numpy(values.float() if "bfloat16" in str(values.dtype) else values)


def is_scipy(obj: Any) -> bool:
    """Tell whether an object is a SciPy sparse matrix or array of any format."""
    return type(obj).__module__.startswith("scipy.sparse") and hasattr(obj, "tocoo")


def from_scipy(obj: Any, weight: str | None) -> EdgeList:
    """Read a SciPy matrix A: A[u, v] is the edge u -> v."""
    _check_square(obj.shape)
    entries = obj.tocoo()
    lengths = None if weight is None or entries.dtype == bool else (lambda: entries.data)
    rows = (obj.indptr, obj.indices) if obj.format == "csr" else None
    return EdgeList(
        entries.row, entries.col, obj.shape[0], lengths, is_matrix=True, compressed=rows
    )


def _check_square(shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"`graph` must be a square matrix, got shape {tuple(shape)}")


def is_pair(obj: Any) -> bool:
    """Tell whether an object is a pair of arrays or tensors of integers, one per end."""
    return (
        isinstance(obj, tuple)
        and len(obj) == 2
        and all(isinstance(end, np.ndarray) or is_tensor(end) for end in obj)
        and all(end.ndim == 1 for end in obj)
    )


def from_pair(obj: Any, weight: str | None) -> EdgeList:
    """Read a pair of arrays (src, dst)."""
    del weight
    return EdgeList(to_numpy(obj[0]), to_numpy(obj[1]), None)
