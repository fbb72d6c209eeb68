"""Labelled graphs as blocks to train on: checked once, merged, with their steps built.

An epoch goes through fixed blocks, batches of graphs, or those of a loader.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from graphmax.checks import integer
from graphmax.graph import Adjacency
from graphmax.nn.detector import PeakDetector
from graphmax.nn.inputs import check_x, features_of, is_pyg, labels_of, read_labels, read_mask
from graphmax.nn.scores import with_edge_features
from graphmax.nn.steps import Steps, check_edge_index

ENTRIES_PER_BLOCK = 1 << 21
TRAIN, VALIDATION, TEST, ALL = "train_mask", "val_mask", "test_mask", "all"


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


def items_of(graphs: Any, name: str) -> Iterable[Any]:
    """Return an iterable of PyG graphs: a list, a data set, a subset, a loader, a generator."""
    if is_pyg(graphs) or isinstance(graphs, str):
        raise TypeError(f"`{name}` must be a sequence of graphs, got one; pass [data]")
    try:
        iter(graphs)
    except TypeError:
        raise TypeError(
            f"`{name}` must be a sequence of PyG Data, a data set or a loader, got "
            f"{type(graphs).__name__}"
        ) from None
    listed: Iterable[Any] = graphs
    return listed


def is_loader(graphs: Any) -> bool:
    """Tell whether this gives batches afresh in every epoch."""
    return isinstance(graphs, torch.utils.data.DataLoader)


def mask_name(graphs: Sequence[Any], name: str) -> str:
    """Return the name of a mask that some graph has, else "all"; graphs without it count whole."""
    return name if any(getattr(data, name, None) is not None for data in graphs) else ALL


def block_of(
    data: Any,
    name: str,
    in_channels: int,
    direction: str,
    mask: Any = TRAIN,
    *,
    edge_channels: int = 0,
    exact: bool = True,
) -> Block:
    """Check a labelled graph (or a batch of them) and build its steps.

    `mask` names the mask that is used where it is there; "all" takes every label that is known.
    With `exact`, integers that float64 does not hold are refused.
    """
    if not is_pyg(data) or data.edge_index is None:
        raise TypeError(f"`{name}` must be PyG Data with an edge_index, got {type(data).__name__}")
    if data.x is None or data.y is None:
        missing = "x" if data.x is None else "y"
        raise ValueError(f"`{name}` must have {missing}, got {sorted(data.keys())}")
    x = features_of(data)
    try:
        check_x(x, in_channels, exact=exact)
        check_edge_index(data.edge_index, x.shape[0])
    except (TypeError, ValueError) as flaw:
        raise type(flaw)(f"`{name}`: {flaw}") from None
    y, counted = _labels(data, name, x.shape[0], mask)
    steps = Steps.of(data.edge_index.cpu().long(), x.shape[0], direction)
    if edge_channels:
        steps = _with_edge_features(steps, data, name, direction, edge_channels)
    ptr = data.ptr if getattr(data, "ptr", None) is not None else torch.tensor([0, x.shape[0]])
    return Block(x.cpu().reshape(x.shape[0], in_channels), steps, y.cpu(), counted.cpu(), ptr.cpu())


def _with_edge_features(steps: Steps, data: Any, name: str, direction: str, channels: int) -> Steps:
    if data.edge_attr is None:
        raise ValueError(f"`{name}` must have edge_attr, got {sorted(data.keys())}")
    entries = data.edge_index.cpu().long()
    try:
        return with_edge_features(steps, entries, data.edge_attr, direction, channels)
    except (TypeError, ValueError) as flaw:
        raise type(flaw)(f"`{name}`: {flaw}") from None


def _labels(data: Any, name: str, num_nodes: int, mask: Any) -> tuple[Tensor, Tensor]:
    if isinstance(mask, str) and mask == TRAIN:
        return labels_of(data, name, num_nodes)
    if getattr(data, "root", None) is not None and getattr(data, "distance", None) is not None:
        return labels_of(data, name, num_nodes)
    y, known = read_labels(data.y, f"{name}.y", num_nodes)
    if isinstance(mask, str):
        mask = None if mask == ALL else getattr(data, mask, None)
    if mask is not None:
        known = known & read_mask(torch.as_tensor(mask), f"{name}.mask", num_nodes).cpu()
    return y, known


def blocks_of(
    graphs: Any,
    name: str,
    in_channels: int,
    direction: str,
    device: torch.device | str = "cpu",
    *,
    mask: Any = TRAIN,
    edge_channels: int = 0,
) -> list[Block]:
    """Check labelled graphs and merge them into blocks of bounded size, in their order.

    `mask` is the name of a mask, or one mask per graph.
    """
    listed = list(items_of(graphs, name))
    if not listed:
        raise ValueError(f"`{name}` must hold at least one graph, got none")
    masks = [mask] * len(listed) if isinstance(mask, str) else mask
    parts = [
        block_of(
            data, f"{name}[{i}]", in_channels, direction, masks[i], edge_channels=edge_channels
        )
        for i, data in enumerate(listed)
    ]
    return [on(merged(group), device) for group in groups_of(parts)]


def groups_of(parts: list[Block]) -> Iterator[list[Block]]:
    """Yield neighboring blocks that together have a bounded size."""
    group: list[Block] = []
    size = 0
    for part in parts:
        entries = part.x.numel() + _rows(part).indices.size
        if group and size + entries > ENTRIES_PER_BLOCK:
            yield group
            group, size = [], 0
        group.append(part)
        size += entries
    yield group


def merged(parts: Sequence[Block]) -> Block:
    """Return the disjoint union of blocks on the CPU."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(len(part.x) for part in parts)])
    x, y, mask = (torch.cat([getattr(p, name) for p in parts]) for name in ("x", "y", "mask"))
    pointers = [part.ptr[:-1] + int(start) for part, start in zip(parts, starts, strict=False)]
    ptr = torch.cat([*pointers, torch.tensor([len(x)])])
    steps = Steps(len(x), _union([_rows(part) for part in parts], starts))
    features = [part.steps.edge_attr for part in parts if part.steps.edge_attr is not None]
    if features:
        steps = steps.replaced(edge_attr=torch.cat(features))
    return Block(x, steps, y, mask, ptr)


def _union(parts: Sequence[Adjacency], starts: Any) -> Adjacency:
    """Return the rows of a disjoint union whose parts start at these nodes."""
    entries = np.cumsum([0, *(rows.indices.size for rows in parts)])
    indptr = [rows.indptr[:-1] + first for rows, first in zip(parts, entries, strict=False)]
    indices = [rows.indices + np.int32(start) for rows, start in zip(parts, starts, strict=False)]
    return Adjacency(np.concatenate([*indptr, entries[-1:]]), np.concatenate(indices), None)


def on(block: Block, device: torch.device | str) -> Block:
    """Return a block on a device; the rows of steps serve the CPU only."""
    if torch.device(device).type == "cpu":
        return block
    steps = Steps(block.steps.num_nodes, edge_index=block.steps.edge_index.to(device))
    if block.steps.edge_attr is not None:
        steps = steps.replaced(edge_attr=block.steps.edge_attr.to(device))
    x, y, mask = (getattr(block, name).to(device) for name in ("x", "y", "mask"))
    return replace(block, x=x, y=y, mask=mask, steps=steps)


def _rows(block: Block) -> Adjacency:
    rows = block.steps.rows
    if rows is None:
        raise TypeError("`graphs` must be on the CPU to be merged")
    return rows


def check_classes(blocks: Sequence[Block], name: str) -> tuple[int, int]:
    """Return the number of labels and of positives, refusing a single class."""
    labels = torch.cat([block.y[block.mask] for block in blocks])
    count, positives = labels.numel(), int(labels.sum())
    if positives in (0, count):
        given = "no label at all" if not count else f"{positives} positives of {count}"
        raise ValueError(
            f"`{name}` must have labels of both classes, got {given}; label more nodes"
        )
    return count, positives


_SAMPLED = 64


class Asked(NamedTuple):
    """What a detector asks of graphs: widths of features, arrows that count, and where it is."""

    in_channels: int
    edge_channels: int
    direction: str
    device: torch.device

    @classmethod
    def by(cls, detector: PeakDetector) -> "Asked":
        """Return what this detector asks."""
        score = detector.score
        return cls(score.in_channels, score.edge_channels, detector.rule.direction, detector.device)

    def block(self, data: Any, name: str) -> Block:
        """Check a labelled graph, on the CPU."""
        return block_of(
            data, name, self.in_channels, self.direction, edge_channels=self.edge_channels
        )

    def blocks(self, graphs: Any, name: str, mask: str = TRAIN) -> list[Block]:
        """Check labelled graphs and merge them, on the device."""
        widths = {"edge_channels": self.edge_channels}
        return blocks_of(
            graphs, name, self.in_channels, self.direction, self.device, mask=mask, **widths
        )


class Epochs(Protocol):
    """Blocks to train on, in the order of an epoch; `sample` for scales, `sizes` to be known by."""

    mask: str
    sample: list[Block]
    sizes: list[list[int]]

    def blocks(self, epoch: int, generator: torch.Generator) -> Iterator[Block]:
        """Yield the blocks of an epoch."""
        ...


def epochs_of(graphs: Any, asked: Asked, batch_size: Any, seed: int) -> Epochs:
    """Check graphs and choose how an epoch goes through them."""
    if is_loader(graphs):
        if batch_size is not None:
            raise ValueError(
                f"`batch_size` must be left out with a loader, got {batch_size!r}; it has its own"
            )
        return _Loaded(graphs, asked, seed)
    graphs = list(items_of(graphs, "graphs"))
    mask = mask_name(graphs, TRAIN)
    if batch_size is not None:
        return _Batched(graphs, asked, mask, integer(batch_size, "batch_size", 1))
    return _Fixed(asked.blocks(graphs, "graphs"), mask)


def _sizes(blocks: list[Block]) -> list[list[int]]:
    return [[block.x.shape[0], int(block.y.sum())] for block in blocks]


class _Fixed:
    """The same blocks in another order every time."""

    def __init__(self, blocks: list[Block], mask: str) -> None:
        check_classes(blocks, "graphs")
        self.sample, self.mask, self.sizes = blocks, mask, _sizes(blocks)

    def blocks(self, epoch: int, generator: torch.Generator) -> Iterator[Block]:
        """Yield all blocks."""
        del epoch
        for i in torch.randperm(len(self.sample), generator=generator).tolist():
            yield self.sample[i]


class _Batched:
    """Other graphs together in every epoch."""

    def __init__(self, graphs: list[Any], asked: Asked, mask: str, size: int) -> None:
        if not graphs:
            raise ValueError("`graphs` must hold at least one graph, got none")
        self.device = asked.device
        self.parts = [asked.block(data, f"graphs[{i}]") for i, data in enumerate(graphs)]
        check_classes(self.parts, "graphs")
        self.size, self.mask, self.sizes = size, mask, _sizes(self.parts)
        self.sample = [on(part, self.device) for part in self.parts]

    def blocks(self, epoch: int, generator: torch.Generator) -> Iterator[Block]:
        """Yield the graphs in groups."""
        del epoch
        order = torch.randperm(len(self.parts), generator=generator).tolist()
        for start in range(0, len(order), self.size):
            chosen = [self.parts[i] for i in order[start : start + self.size]]
            yield on(merged(chosen), self.device)


class _Loaded:
    """Whatever a loader gives; its random order follows from the seed.

    Scales are taken from its first batches: all of them may not fit in memory.
    """

    def __init__(self, loader: Any, asked: Asked, seed: int) -> None:
        self.loader, self.asked, self.seed = loader, asked, seed
        self.mask = ALL
        self.sample = list(islice(self.blocks(0, torch.Generator()), _SAMPLED))
        if not self.sample:
            raise ValueError("`graphs` must hold at least one graph, got a loader without batches")
        check_classes(self.sample, "graphs")
        self.sizes = [[len(loader), self.sample[0].x.shape[0]]]

    def blocks(self, epoch: int, generator: torch.Generator) -> Iterator[Block]:
        """Yield the batches of the loader."""
        del generator
        with torch.random.fork_rng(devices=[]):  # samplers draw when the first batch is asked for
            torch.manual_seed(self.seed + 1_000_003 * epoch)
            batches = iter(self.loader)
            first = next(batches, None)
        for data in batches if first is None else chain([first], batches):
            self.mask = mask_name([data], TRAIN) if self.mask == ALL else self.mask
            yield on(self.asked.block(data, "graphs"), self.asked.device)
