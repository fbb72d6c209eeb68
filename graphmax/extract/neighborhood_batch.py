"""Batches of rooted subgraphs of one graph or of several, and the labels of their roots.

A batch is one disjoint union in the names of PyG, or matrices padded to one size.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import first_five, is_tensor, to_numpy
from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.node_values import graph_and_attribute
from graphmax.notebook import fact_table
from graphmax.rule import FilledRule
from graphmax.ties import TIES
from graphmax.values import Attribute, order_key, read_attribute

if TYPE_CHECKING:
    from torch_geometric.data import Batch


@dataclass(frozen=True)
class GraphUnion:
    """The union, its attribute (None without values), and at which node each graph starts."""

    graph: Graph
    attribute: Attribute | None
    starts: NDArray[np.int64]

    def number(self, columns: Any, name: str) -> NDArray[np.int64]:
        """Return node indices of each graph as those of the union; None takes all of a graph."""
        parts = [
            np.arange(count) if column is None else _indices(column)
            for column, count in zip(
                _one_each(columns, name, self.starts.size - 1), np.diff(self.starts), strict=True
            )
        ]
        for part, count in zip(parts, np.diff(self.starts), strict=True):
            if part.size and part.dtype.kind in "iu" and not 0 <= part.min() <= part.max() < count:
                raise ValueError(
                    f"`{name}` must hold node indices of each graph, got {part.min()} to "
                    f"{part.max()} where it has {count} nodes"
                )
        shifted = [part + start for part, start in zip(parts, self.starts, strict=False)]
        return np.concatenate(shifted) if shifted else np.empty(0, np.int64)

    def join(self, columns: Any, name: str) -> NDArray[Any] | None:
        """Return one column per graph end to end, None where there is none."""
        if columns is None:
            return None
        return np.concatenate(
            [to_numpy(column) for column in _one_each(columns, name, self.starts.size - 1)]
        )


def _indices(column: Any) -> NDArray[Any]:
    array = to_numpy(column)
    return array if array.size else np.empty(0, np.int64)


def union_of(graphs: Sequence[Any], values: Any) -> GraphUnion:
    """Put graphs side by side, without an edge between them."""
    if not graphs:
        raise ValueError("`graph` must be at least one graph, got an empty list")
    names = isinstance(values, str) or values is None
    columns = [values] * len(graphs) if names else _one_each(values, "values", len(graphs))
    if values is None:
        parts, attributes = [as_graph(graph) for graph in graphs], []
    else:
        resolved = [
            graph_and_attribute(graph, column)
            for graph, column in zip(graphs, columns, strict=True)
        ]
        parts, attributes = [graph for graph, _ in resolved], [column for _, column in resolved]
    starts = np.cumsum([0, *(graph.num_nodes for graph in parts)])
    return GraphUnion(_side_by_side(parts, starts), _end_to_end(attributes), starts)


def _one_each(columns: Any, name: str, count: int) -> list[Any]:
    listed = [None] * count if columns is None else list(columns)
    if len(listed) != count:
        raise ValueError(
            f"`{name}` must have one entry per graph ({count}), got {len(listed)}; with a list of "
            "graphs pass a list of arrays"
        )
    return listed


def _side_by_side(parts: list[Graph], starts: NDArray[np.int64]) -> Graph:
    if len({graph.directed for graph in parts}) > 1:
        raise ValueError("`graph` must be all directed or all undirected, got some of each")
    weighted = {graph.weights is not None for graph in parts}
    if len(weighted) > 1:
        raise ValueError("`graph` must all have weights or none, got some of each")
    entries = np.cumsum([0, *(graph.indices.size for graph in parts)])
    indptr = [graph.indptr[:-1] + at for graph, at in zip(parts, entries, strict=False)]
    indices = [graph.indices + at for graph, at in zip(parts, starts, strict=False)]
    weights = [graph.weights for graph in parts if graph.weights is not None]
    return Graph(
        np.concatenate([*indptr, entries[-1:]]),
        np.concatenate(indices).astype(np.int32),
        np.concatenate(weights) if weights else None,
        directed=parts[0].directed,
    )


def _end_to_end(attributes: list[Attribute]) -> Attribute | None:
    if not attributes:
        return None
    dtypes = {attribute.array.dtype for attribute in attributes}
    if len(dtypes) > 1:
        listed = ", ".join(sorted(map(str, dtypes)))
        raise TypeError(f"`values` must have one dtype in all graphs, got {listed}; cast them")
    missing = None
    if any(attribute.missing is not None for attribute in attributes):
        missing = np.concatenate(
            [
                np.zeros(attribute.array.shape, np.bool_)
                if attribute.missing is None
                else attribute.missing
                for attribute in attributes
            ]
        )
    array = np.concatenate([attribute.array for attribute in attributes])
    return Attribute(array, attributes[0].name, missing, attributes[0].restore)


class Union(NamedTuple):
    """All neighborhoods end to end: values and absentees (N, F), node (N,), ptr (B + 1,)."""

    values: NDArray[Any]
    absent: NDArray[np.bool_] | None
    node: NDArray[np.int64]
    ptr: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NeighborhoodBatch(ABC):
    """Neighborhoods of B roots: for each the subgraph induced by its ball, the root first.

    Within a neighborhood nodes stand by distance, then by index. Arrays are tensors on the device
    of the values where these were a tensor, NumPy arrays otherwise. ``batch[i]`` is the batch of
    the i-th neighborhood alone, ``batch[mask]``, ``batch[2:5]`` and ``batch[[7, 3]]`` those of
    several, and iterating goes through them one by one.

    Parameters
    ----------
    root : int64 (B,)
        The roots, node indices of the whole graph.
    degree : int64 (B,)
        How many neighbors each root has in the whole graph, by counted steps.
    cut : bool (B,)
        Whose ball is larger than `max_nodes`; its farthest nodes are missing.
    rule : Rule
        Which ball, and what "local maximum" means.
    graph : int64 (B,) or None
        Of several graphs, in which one each root is; node indices are those of that graph.
    absent : bool or None
        Which nodes take no part (NaN, missing, outside `where`), None where all do: (N, F) for N
        nodes of a sparse batch and F columns, (B, M) or (B, M, F) for a dense one.

    Examples
    --------
    >>> import graphmax as gm
    >>> batch = gm.neighborhoods(gm.grid_graph(3), [1, 3, 2])
    >>> isinstance(batch, gm.NeighborhoodBatch), batch.labels().tolist()
    (True, [False, True, False])
    >>> [part.node.tolist() for part in batch]
    [[0, 1], [1, 0, 2], [2, 1]]
    """

    root: Any
    degree: Any
    cut: Any
    rule: FilledRule
    graph: Any = None
    absent: Any = None

    @property
    @abstractmethod
    def layout(self) -> str:
        """``"sparse"`` or ``"dense"``."""

    @property
    @abstractmethod
    def values(self) -> Any:
        """The attribute of every node of every neighborhood; None without values."""

    @abstractmethod
    def _ptr(self) -> NDArray[np.int64]:
        """Return where the nodes of each neighborhood start, end to end."""

    @abstractmethod
    def _union(self) -> Union:
        """Return all neighborhoods end to end."""

    @abstractmethod
    def _take(self, places: NDArray[np.int64]) -> Self:
        """Return some of the neighborhoods, in NumPy."""

    def __len__(self) -> int:
        return len(self.root)

    def __getitem__(self, key: Any) -> Self:
        """Return the neighborhood of a number, or those of a slice, a mask or numbers."""
        places = np.arange(len(self))[to_numpy(key) if is_tensor(key) else key]
        return self._take(np.atleast_1d(places))._map(read_attribute(self.root).restore)

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        shape = "none" if self.values is None else tuple(self.values.shape)
        cut = int(to_numpy(self.cut).sum())
        content = f"{len(self)} neighborhoods, values {shape}" + f", {cut} cut" * bool(cut)
        return f"{type(self).__name__}({content}, {self.rule})"

    def _repr_html_(self) -> str:
        """Show what the batch holds in a notebook."""
        sizes = np.diff(self._ptr())
        facts = {
            "neighborhoods": len(self),
            "graphs": None if self.graph is None else np.unique(to_numpy(self.graph)).size,
            "layout": self.layout,
            "values": None if self.values is None else f"{tuple(self.values.shape)}",
            "nodes": f"{sizes.min(initial=0)} to {sizes.max(initial=0)}" if sizes.size else None,
            "cut": int(to_numpy(self.cut).sum()) or None,
            "rule": self.rule,
        }
        return fact_table(facts, type(self).__name__)

    def labels(self, *, allow_cut: bool = False) -> Any:
        """Report, for each root, whether it is a local maximum, from its neighborhood alone.

        Parameters
        ----------
        allow_cut : bool, default False
            Answer for balls that `max_nodes` has cut from what is left of them: a "no" is right
            all the same, a "yes" may be wrong.

        Returns
        -------
        bool (B,) or (B, F)
            The label of each root on the whole graph; of F columns of values one each.

        Raises
        ------
        TypeError
            If the neighborhoods were cut out without values.
        ValueError
            If a ball was cut and `allow_cut` is False.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphmax import neighborhoods
        >>> neighborhoods(nx.path_graph(4), [1, 3, 2, 0], hops=1).labels().tolist()
        [False, True, False, False]
        """
        if self.values is None:
            raise TypeError("`values` must be given for labels, got neighborhoods without values")
        cut = to_numpy(self.cut)
        if cut.any() and not allow_cut:
            first = first_five(to_numpy(self.root)[cut])
            raise ValueError(
                f"`max_nodes` must leave a ball whole to label its root, got {int(cut.sum())} cut "
                f"(first roots: {first}); raise max_nodes, or pass allow_cut=True"
            )
        mask = _unbeaten(self._union(), self.rule)
        if not self.rule.isolated:
            mask &= (to_numpy(self.degree) > 0)[:, None]
        return read_attribute(self.root).restore(mask[:, 0] if mask.shape[1] == 1 else mask)

    def _map(self, convert: Any) -> Self:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(
            **{
                name: convert(part) if isinstance(part, np.ndarray) else part
                for name, part in parts.items()
            }
        )


def _unbeaten(union: Union, rule: FilledRule) -> NDArray[np.bool_]:
    """Report, for each root and column, whether it takes part and nobody challenges it."""
    ptr, width = union.ptr, union.values.shape[1]
    if ptr.size == 1:
        return np.zeros((0, width), np.bool_)
    center = np.repeat(ptr[:-1], np.diff(ptr))
    columns = []
    for column in range(width):
        key, absent = order_key(union.values[:, column])
        if union.absent is not None:
            absent = union.absent[:, column] if absent is None else absent | union.absent[:, column]
        stands = _challengers(key, union.node, center, rule)
        stands = stands if absent is None else stands & ~absent
        mask = ~np.logical_or.reduceat(stands, ptr[:-1])
        columns.append(mask if absent is None else mask & ~absent[ptr[:-1]])
    return np.stack(columns, axis=1)


def _challengers(
    key: NDArray[np.int64], node: NDArray[np.int64], center: NDArray[np.int64], rule: FilledRule
) -> NDArray[np.bool_]:
    """Report which nodes challenge the one at position `center` of theirs."""
    key = ~key if rule.extremum == "min" else key
    other = np.arange(key.size) != center
    stands: NDArray[np.bool_] = TIES[rule.ties].challenges(key[center], key, node[center], node)
    stands &= other
    return stands


# --- Neighborhoods as one disjoint union in the names of PyG, or as matrices padded to one size


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
