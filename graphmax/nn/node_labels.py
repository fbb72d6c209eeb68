"""Labels of nodes as people have them: flags, 0 and 1, -1 for unknown, one column, masks."""

from typing import Any

import torch
from torch import Tensor

UNKNOWN = -1


def read_labels(y: Any, name: str, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Return labels and which of them are known, both bool (num_nodes,)."""
    _check_length(y, name, num_nodes)
    y = y.reshape(-1)
    if y.dtype == torch.bool:
        return y, torch.ones_like(y)
    known = ~torch.isnan(y) if y.is_floating_point() else y != UNKNOWN
    odd = known & (y != 0) & (y != 1)
    if odd.any():
        raise ValueError(
            f"`{name}` must hold True and False, or 1 and 0 with -1 for unknown, got "
            f"{y[odd][0].item()} at node {int(odd.nonzero()[0])}; pass labels, not values: "
            "graphmax.local_maxima makes them"
        )
    return (y == 1) & known, known


def read_mask(mask: Any, name: str, num_nodes: int) -> Tensor:
    """Return which nodes count, bool (num_nodes,), from flags or from node indices."""
    if isinstance(mask, Tensor) and mask.dtype in (torch.int64, torch.int32) and mask.ndim == 1:
        return _marked(mask, name, num_nodes)
    _check_length(mask, name, num_nodes)
    if mask.dtype != torch.bool:
        raise TypeError(f"`{name}` must be a boolean tensor, got {mask.dtype}; pass {name}.bool()")
    flags: Tensor = mask.reshape(-1)
    return flags


def labels_of(
    data: Any, name: str, num_nodes: int, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the labels of PyG data and which of them count in training, bool (num_nodes,).

    Neighborhoods that were cut out (`neighborhood_loader`) have one label each, of their root.
    """
    y = getattr(data, "y", None)
    if y is None:
        raise ValueError(f"`{name}` must have labels y, got none; graphmax.local_maxima makes them")
    at = _roots(data, y, num_nodes)
    flags, known = read_labels(y, f"{name}.y", num_nodes if at is None else at.numel())
    if at is not None:
        marked = torch.zeros(num_nodes, dtype=torch.bool, device=flags.device)
        return marked.index_put((at,), flags), marked.index_put((at,), known)
    mask = getattr(data, "train_mask", None) if mask is None else mask
    if mask is not None:
        known = known & read_mask(mask, f"{name}.train_mask", num_nodes).to(known.device)
    return flags, known


def _roots(data: Any, y: Any, num_nodes: int) -> Tensor | None:
    """Return where the roots of cut-out neighborhoods stand, None for a graph of its own."""
    if getattr(data, "root", None) is None or getattr(data, "distance", None) is None:
        return None
    at = (data.distance == 0).nonzero()[:, 0]
    return at if isinstance(y, Tensor) and y.numel() == at.numel() != num_nodes else None


def _marked(indices: Tensor, name: str, num_nodes: int) -> Tensor:
    if indices.numel() != torch.unique(indices).numel():
        raise ValueError(f"`{name}` must hold each node once, got repeats; a mask must be boolean")
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < num_nodes:
        raise ValueError(
            f"`{name}` must hold node indices from 0 to {num_nodes - 1}, got "
            f"{int(indices.min())} to {int(indices.max())}; a mask must be boolean"
        )
    flags = torch.zeros(num_nodes, dtype=torch.bool, device=indices.device)
    flags[indices.long()] = True
    return flags


def _check_length(column: Any, name: str, num_nodes: int) -> None:
    if not isinstance(column, Tensor):
        raise TypeError(
            f"`{name}` must be a boolean tensor, got {type(column).__name__}; "
            "pass torch.as_tensor(...)"
        )
    if column.is_complex():
        raise TypeError(f"`{name}` must be a boolean tensor, got {column.dtype}")
    if column.ndim > 2 or (column.ndim == 2 and column.shape[1] != 1):
        raise ValueError(f"`{name}` must have one column, got shape {tuple(column.shape)}")
    if column.numel() != num_nodes:
        raise ValueError(
            f"`{name}` must have one entry per node ({num_nodes}), got {column.numel()}"
        )
