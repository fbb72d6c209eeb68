"""Neighborhoods as one disjoint union, in the names of PyG."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import to_numpy
from graphmax.extract.neighborhood_batch import NeighborhoodBatch, Union

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
