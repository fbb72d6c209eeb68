"""Neighborhoods as one disjoint union, in the names of PyG."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.extract.neighborhood_batch import NeighborhoodBatch, challengers, plain

if TYPE_CHECKING:
    from torch_geometric.data import Batch


@dataclass(frozen=True, eq=False, repr=False)
class SparseNeighborhoods(NeighborhoodBatch):
    """Neighborhoods as one disjoint union, in the names of PyG.

    Parameters
    ----------
    root, degree, cut, rule
        As for `NeighborhoodBatch`.
    x : (N, 1)
        The attribute of the N nodes of all neighborhoods, in its own dtype.
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
        """The attribute as (N,), a view of `x`."""
        return self.x[:, 0]

    def _root_values(self) -> NDArray[Any]:
        values: NDArray[Any] = plain(self.values)[plain(self.ptr)[:-1]]
        return values

    def _challenged(self) -> NDArray[np.bool_]:
        ptr, batch = plain(self.ptr), plain(self.batch)
        if not len(self):
            return np.zeros(0, np.bool_)
        center = ptr[:-1][batch]
        stands = challengers(plain(self.values), plain(self.node), center, self.rule)
        return np.logical_or.reduceat(stands, ptr[:-1])

    def to_batch(self) -> "Batch":
        """Return a PyG ``Batch`` that shares the memory of these arrays.

        Returns
        -------
        torch_geometric.data.Batch
            One graph per neighborhood, with ``x, edge_index, batch, ptr, node, distance, root``
            and, where there are weights, ``edge_weight``.

        Raises
        ------
        TypeError
            If torch has no dtype for the values (times).
        """
        return _pyg_batch(self)


def _pyg_batch(neighborhoods: "SparseNeighborhoods") -> "Batch":
    """Return the PyG ``Batch``; see `SparseNeighborhoods.to_batch`."""
    import torch
    from torch_geometric.data import Batch, Data

    count = len(neighborhoods)
    nodes, entries = _tensor(neighborhoods.ptr), _entry_ptr(neighborhoods)
    one_each = torch.arange(count + 1)
    batch: Any = Batch(_base_cls=Data)
    slices = {"x": nodes, "node": nodes, "distance": nodes, "edge_index": entries, "root": one_each}
    if neighborhoods.edge_weight is not None:
        slices["edge_weight"] = entries
    for name in slices:
        batch[name] = _tensor(getattr(neighborhoods, name))
    batch.batch, batch.ptr = _tensor(neighborhoods.batch), nodes
    batch._num_graphs = count
    batch._slice_dict = slices
    batch._inc_dict = {name: torch.zeros(count, dtype=torch.int64) for name in slices}
    batch._inc_dict["edge_index"] = nodes[:-1]
    return batch


def _entry_ptr(neighborhoods: "SparseNeighborhoods") -> Any:
    import torch

    # entries are ordered by target, and targets by neighborhood
    target = _tensor(neighborhoods.edge_index)[1].contiguous()
    return torch.searchsorted(target, _tensor(neighborhoods.ptr))


def _tensor(array: Any) -> Any:
    import torch

    if isinstance(array, torch.Tensor):
        return array
    if array.dtype.kind in "mM":
        raise TypeError(
            f"`values` must have a dtype that torch knows, got {array.dtype}; "
            "pass values.astype('int64')"
        )
    return torch.from_numpy(plain(array))
