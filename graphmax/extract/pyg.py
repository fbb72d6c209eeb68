"""A batch of neighborhoods as a PyG ``Batch`` of the same memory."""

from typing import TYPE_CHECKING, Any

from graphmax.extract.batch import plain

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from graphmax.extract.batch import SparseNeighborhoods


def pyg_batch(neighborhoods: "SparseNeighborhoods") -> "Batch":
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
