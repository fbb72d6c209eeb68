"""Labelled graphs as blocks to train on: checked once, merged, with their steps built."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphmax.nn.inputs import check_x
from graphmax.nn.steps import Steps, check_edge_index

ENTRIES_PER_BLOCK = 1 << 21


@dataclass(frozen=True)
class Block:
    """A disjoint union of graphs.

    `x` (n, C), `y` bool (n,), `mask` bool (n,) the labels that count, `ptr` where each graph
    starts.
    """

    x: Tensor
    steps: Steps
    y: Tensor
    mask: Tensor
    ptr: Tensor


def blocks_of(
    graphs: Any,
    name: str,
    in_channels: int,
    direction: str,
    device: torch.device | str = "cpu",
    *,
    masks: bool = True,
) -> list[Block]:
    """Check labelled graphs and merge them into blocks of bounded size.

    Parameters
    ----------
    graphs : sequence of PyG Data
        Each with ``x``, ``edge_index``, boolean ``y`` and, if `masks`, an optional ``train_mask``.
    name : str
        How errors call them.
    in_channels : int
        Width of ``x``.
    direction : str
        Which arrows count.
    device : torch.device
        Where to.
    masks : bool, default True
        Whether ``train_mask`` counts.

    Returns
    -------
    list of Block
        In the order of the graphs.

    Raises
    ------
    TypeError, ValueError
        If a graph has no labels, labels of another kind, or anything that does not fit.
    """
    checked = [
        _checked(data, f"{name}[{i}]", in_channels, masks=masks)
        for i, data in enumerate(_listed(graphs, name))
    ]
    if not checked:
        raise ValueError(f"`{name}` must hold at least one graph, got none")
    return [_merged(group, direction, device) for group in _groups(checked)]


def _listed(graphs: Any, name: str) -> Iterable[Any]:
    if hasattr(graphs, "edge_index") or isinstance(graphs, str):
        raise TypeError(f"`{name}` must be a sequence of graphs, got one; pass [data]")
    listed: Iterable[Any] = iter(graphs)
    return listed


def _checked(data: Any, name: str, in_channels: int, *, masks: bool) -> tuple[Tensor, ...]:
    if not hasattr(data, "is_node_attr") or getattr(data, "edge_index", None) is None:
        raise TypeError(f"`{name}` must be PyG Data with an edge_index, got {type(data).__name__}")
    if data.x is None or data.y is None:
        missing = "x" if data.x is None else "y"
        raise ValueError(f"`{name}` must have {missing}, got {sorted(data.keys())}")
    try:
        check_x(data.x, in_channels)
        check_edge_index(data.edge_index, data.x.shape[0])
    except (TypeError, ValueError) as flaw:
        raise type(flaw)(f"`{name}`: {flaw}") from None
    mask = getattr(data, "train_mask", None) if masks else None
    if mask is None:
        mask = torch.ones(data.x.shape[0], dtype=torch.bool)
    for what, column in (("y", data.y), ("train_mask", mask)):
        _check_flags(column, f"{name}.{what}", data.x.shape[0])
    x = data.x.reshape(data.x.shape[0], in_channels)
    return x, data.edge_index.long(), data.y.reshape(-1), mask.reshape(-1)


def _check_flags(column: Any, name: str, num_nodes: int) -> None:
    if not isinstance(column, Tensor) or column.dtype != torch.bool:
        kind = getattr(column, "dtype", type(column).__name__)
        raise TypeError(f"`{name}` must be a boolean tensor, got {kind}; pass {name}.bool()")
    if column.numel() != num_nodes:
        raise ValueError(f"`{name}` must have one entry a node ({num_nodes}), got {column.numel()}")


def _groups(checked: list[tuple[Tensor, ...]]) -> Iterable[list[tuple[Tensor, ...]]]:
    group: list[tuple[Tensor, ...]] = []
    size = 0
    for parts in checked:
        entries = parts[0].numel() + parts[1].shape[1]
        if group and size + entries > ENTRIES_PER_BLOCK:
            yield group
            group, size = [], 0
        group.append(parts)
        size += entries
    yield group


def _merged(group: list[tuple[Tensor, ...]], direction: str, device: torch.device | str) -> Block:
    sizes = torch.tensor([0] + [parts[0].shape[0] for parts in group])
    ptr = torch.cumsum(sizes, 0)
    edges = [parts[1].cpu() + start for parts, start in zip(group, ptr[:-1], strict=True)]
    x, y, mask = (torch.cat([parts[i].cpu() for parts in group]).to(device) for i in (0, 2, 3))
    steps = Steps.of(torch.cat(edges, 1).to(device), x.shape[0], direction)
    return Block(x, steps, y, mask, ptr)


def check_classes(blocks: list[Block], name: str) -> tuple[int, int]:
    """Return the number of labels and of positives, refusing a single class."""
    labels = torch.cat([block.y[block.mask] for block in blocks])
    count, positives = labels.numel(), int(labels.sum())
    if positives in (0, count):
        told = "no label at all" if not count else f"{positives} positives of {count}"
        raise ValueError(f"`{name}` must have labels of both classes, got {told}; label more nodes")
    return count, positives
