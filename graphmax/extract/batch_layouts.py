"""Neighborhoods as one disjoint union in the names of PyG, or as matrices padded to one size."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import to_numpy
from graphmax.extract.neighborhood_batch import NeighborhoodBatch, Union
from graphmax.values import read_attribute

if TYPE_CHECKING:
    from torch_geometric.data import Batch


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SparseNeighborhoods(NeighborhoodBatch):
    """Neighborhoods as one disjoint union, in the names of PyG.

    Parameters
    ----------
    root : int64 (B,)
        The roots, node indices of the whole graph.
    degree : int64 (B,)
        How many neighbors each root has in the whole graph.
    cut : bool (B,)
        Whose ball is larger than `max_nodes`.
    rule : Rule
        Which ball, and what "local maximum" means.
    graph : int64 (B,) or None
        Of several graphs, in which one each root is.
    absent : bool or None
        Which nodes take no part, in the shape of the values.
    x : (N, F) or None
        The attribute (F = 1) or the features of the N nodes of all neighborhoods, in their own
        dtype; None where there were no values.
    edge_index : int64 (2, E)
        Source and target of every entry between two nodes of one neighborhood, numbered from 0 to
        N - 1; an undirected edge in both directions. Ordered by target.
    edge_weight : float64 (E,) or None
        Weights of these, None on a graph without.
    batch : int64 (N,)
        The neighborhood each node is in, from 0 to B - 1.
    ptr : int64 (B + 1,)
        Neighborhood i has the nodes ``ptr[i]:ptr[i + 1]``, its root is node ``ptr[i]``.
    node : int64 (N,)
        Index of each node in the whole graph.
    distance : float64 (N,)
        Distance from the root, in hops or, under a radius, in edge weights.
    """

    x: Any
    edge_index: Any
    edge_weight: Any
    batch: Any
    ptr: Any
    node: Any
    distance: Any

    @property
    def layout(self) -> str:
        """``"sparse"``."""
        return "sparse"

    @property
    def values(self) -> Any:
        """A view of `x`: the attribute as (N,), features as they are; None without values."""
        return self.x if self.x is None or self.x.shape[1] != 1 else self.x[:, 0]

    def _ptr(self) -> NDArray[np.int64]:
        return to_numpy(self.ptr)

    def _union(self) -> Union:
        absent = None if self.absent is None else to_numpy(self.absent)
        return Union(to_numpy(self.x), absent, to_numpy(self.node), to_numpy(self.ptr))

    @cached_property
    def _entry_ptr(self) -> NDArray[np.int64]:
        """Neighborhood i has the entries ``_entry_ptr[i]:_entry_ptr[i + 1]``."""
        # entries are ordered by target, and targets by neighborhood
        entries: NDArray[np.int64] = np.searchsorted(
            to_numpy(self.edge_index)[1], to_numpy(self.ptr)
        )
        return entries

    def _take(self, places: NDArray[np.int64]) -> Self:
        ptr, entry_ptr = to_numpy(self.ptr), self._entry_ptr
        nodes, entries = _ranges(ptr, places), _ranges(entry_ptr, places)
        sizes = np.diff(ptr)[places]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        moved = np.repeat(starts[:-1] - ptr[places], np.diff(entry_ptr)[places])
        return type(self)(
            root=to_numpy(self.root)[places],
            degree=to_numpy(self.degree)[places],
            cut=to_numpy(self.cut)[places],
            rule=self.rule,
            graph=_some(self.graph, places),
            absent=_some(self.absent, nodes),
            x=_some(self.x, nodes),
            edge_index=to_numpy(self.edge_index)[:, entries] + moved,
            edge_weight=_some(self.edge_weight, entries),
            batch=np.repeat(np.arange(places.size), sizes),
            ptr=starts,
            node=to_numpy(self.node)[nodes],
            distance=to_numpy(self.distance)[nodes],
        )

    def to_batch(self) -> "Batch":
        """Return a PyG ``Batch`` that shares the memory of these arrays.

        Returns
        -------
        torch_geometric.data.Batch
            One graph per neighborhood, with ``x, edge_index, batch, ptr, node, distance, root``
            and, where there are any, ``edge_weight``, ``graph`` and ``absent``.

        Raises
        ------
        TypeError
            If torch has no dtype for the values (times).
        """
        return _pyg_batch(self)


def _some(array: Any, places: NDArray[np.int64]) -> NDArray[Any] | None:
    return None if array is None else to_numpy(array)[places]


def _ranges(ptr: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """List ``ptr[i], ..., ptr[i + 1] - 1`` for each place i, one after the other."""
    sizes = np.diff(ptr)[places]
    ends = np.cumsum(sizes)
    numbers: NDArray[np.int64] = np.repeat(ptr[places] - ends + sizes, sizes)
    numbers += np.arange(numbers.size)
    return numbers


def _pyg_batch(neighborhoods: SparseNeighborhoods) -> "Batch":
    import torch
    from torch_geometric.data import Batch, Data

    count = len(neighborhoods)
    nodes, entries = _tensor(neighborhoods.ptr), torch.from_numpy(neighborhoods._entry_ptr)
    one_each = torch.arange(count + 1)
    batch: Any = Batch(_base_cls=Data)
    slices = {"x": nodes, "node": nodes, "distance": nodes, "edge_index": entries, "root": one_each}
    slices |= {"edge_weight": entries, "graph": one_each, "absent": nodes}
    slices = {
        name: place for name, place in slices.items() if getattr(neighborhoods, name) is not None
    }
    for name in slices:
        batch[name] = _tensor(getattr(neighborhoods, name))
    batch.batch, batch.ptr = _tensor(neighborhoods.batch), nodes
    batch._num_graphs = count
    batch._slice_dict = slices
    batch._inc_dict = {name: torch.zeros(count, dtype=torch.int64) for name in slices}
    batch._inc_dict["edge_index"] = nodes[:-1]
    return batch


def _tensor(array: Any) -> Any:
    import torch

    if isinstance(array, torch.Tensor):
        return array
    if array.dtype.kind in "mM":
        raise TypeError(
            f"`values` must have a dtype that torch knows, got {array.dtype}; "
            "pass values.astype('int64')"
        )
    return torch.from_numpy(array)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DenseNeighborhoods(NeighborhoodBatch):
    """Neighborhoods as matrices, padded to the largest ball of the batch or to `pad_to`, M nodes.

    Parameters
    ----------
    root : int64 (B,)
        The roots, node indices of the whole graph.
    degree : int64 (B,)
        How many neighbors each root has in the whole graph.
    cut : bool (B,)
        Whose ball is larger than `max_nodes`.
    rule : Rule
        Which ball, and what "local maximum" means.
    graph : int64 (B,) or None
        Of several graphs, in which one each root is.
    absent : bool or None
        Which nodes take no part, in the shape of the values.
    adjacency : (B, M, M)
        Entry (i, u, v) is 1 (float32), or the weight (float64), where neighborhood i has an edge
        u -> v, else 0. Row 0 is the root.
    values : (B, M), (B, M, F) or None
        The attribute or the features in their own dtype, 0 in the padding; None where there were
        no values.
    mask : bool (B, M)
        Which rows hold a node.
    node : int64 (B, M)
        Index of each node in the whole graph, -1 in the padding.
    distance : float64 (B, M)
        Distance from the root, inf in the padding.
    """

    adjacency: Any
    values: Any = None
    mask: Any = None
    node: Any = None
    distance: Any = None

    @property
    def layout(self) -> str:
        """``"dense"``."""
        return "dense"

    def as_matrix(self) -> Any:
        """Return the adjacency neighborhoods with the attribute written on the diagonal.

        Returns
        -------
        (B, M, M)
            In a dtype that holds entries and values exactly.

        Raises
        ------
        TypeError
            If the values are times, features or not there.
        ValueError
            If no dtype holds weights and values together: integers beyond 2**53.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphmax import neighborhoods
        >>> batch = neighborhoods(nx.path_graph(3), [5, 7, 6], roots=[1], layout="dense")
        >>> batch.as_matrix()
        array([[[7, 1, 1],
                [1, 5, 0],
                [1, 0, 6]]])
        """
        if self.values is None or self.values.ndim != 2:
            shape = None if self.values is None else tuple(self.values.shape)
            raise TypeError(
                f"`values` must be one number per node to stand on the diagonal, got {shape}"
            )
        values = to_numpy(self.values)
        matrix = _entries_like(to_numpy(self.adjacency), values)
        diagonal = np.arange(matrix.shape[1])
        matrix[:, diagonal, diagonal] = values
        return read_attribute(self.root).restore(matrix)

    def _ptr(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(to_numpy(self.mask).sum(axis=1))])

    def _union(self) -> Union:
        mask, ptr = to_numpy(self.mask), self._ptr()
        values = to_numpy(self.values)[mask]
        absent = None if self.absent is None else to_numpy(self.absent)[mask]
        if values.ndim == 1:
            values, absent = values[:, None], None if absent is None else absent[:, None]
        return Union(values, absent, to_numpy(self.node)[mask], ptr)

    def _take(self, places: NDArray[np.int64]) -> Self:
        names = ("root", "degree", "cut", "graph", "absent", "adjacency", "values", "mask", "node")
        parts: dict[str, Any] = {name: getattr(self, name) for name in (*names, "distance")}
        taken = {
            name: None if part is None else to_numpy(part)[places] for name, part in parts.items()
        }
        return type(self)(rule=self.rule, **taken)


def _entries_like(adjacency: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "mM":
        raise TypeError(
            f"`values` must be numbers to stand in a matrix, got dtype {values.dtype}; "
            "pass values.astype('int64')"
        )
    if adjacency.dtype == np.float32:  # ones and zeros
        kind = np.float32 if values.dtype == bool else values.dtype
        return adjacency.astype(kind)
    if values.dtype.kind in "iu" and values.size and int(abs(values.astype(object)).max()) > 2**53:
        raise ValueError(
            "`values` must be exact in float64 to stand beside weights, got an integer beyond "
            "2**53; pass a graph without weights"
        )
    return adjacency.astype(np.float64)


def padded(sparse: SparseNeighborhoods, pad_to: int) -> DenseNeighborhoods:
    """Lay neighborhoods out as matrices of the size of the largest, `pad_to` at least."""
    sizes = np.diff(sparse.ptr)
    largest = int(sizes.max(initial=1))
    if 0 < pad_to < largest:
        raise ValueError(
            f"`pad_to` must be at least the size of the largest ball, got {pad_to} and one of "
            f"{largest} nodes; pass max_nodes={pad_to} to cut it, or a larger pad_to"
        )
    shape = (len(sparse), max(largest, pad_to))
    place = np.arange(sparse.node.size) - sparse.ptr[:-1][sparse.batch]
    at = (sparse.batch, place)
    absent = sparse.absent
    if absent is not None and absent.shape[1] == 1:
        absent = absent[:, 0]
    return DenseNeighborhoods(
        root=sparse.root,
        degree=sparse.degree,
        cut=sparse.cut,
        rule=sparse.rule,
        graph=sparse.graph,
        absent=None if absent is None else _column(absent, at, shape, False),
        adjacency=_matrices(sparse, place, shape),
        values=None if sparse.values is None else _column(sparse.values, at, shape, 0),
        mask=np.arange(shape[1]) < sizes[:, None],
        node=_column(sparse.node, at, shape, -1),
        distance=_column(sparse.distance, at, shape, np.inf),
    )


def _matrices(
    sparse: SparseNeighborhoods, place: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[Any]:
    weights = sparse.edge_weight
    if weights is not None and not weights.all():
        raise ValueError(
            '`layout="dense"` must not be used with a weight of 0, which is no entry of a matrix, '
            f'got {int((weights == 0).sum())}; use layout="sparse"'
        )
    kind = np.float32 if weights is None else np.float64
    matrices = np.zeros((*shape, shape[1]), kind)
    src, dst = sparse.edge_index
    matrices[sparse.batch[dst], place[src], place[dst]] = 1 if weights is None else weights
    return matrices


def _column(
    column: NDArray[Any], at: tuple[Any, Any], shape: tuple[int, int], filler: float
) -> NDArray[Any]:
    filled = np.full((*shape, *column.shape[1:]), np.array(filler).astype(column.dtype))
    filled[at] = column
    return filled
