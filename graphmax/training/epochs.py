"""What a training goes through in an epoch: fixed blocks, batches of graphs, or a loader's."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

import torch

from graphmax.checks import integer
from graphmax.nn.detector import PeakDetector
from graphmax.training.blocks import (
    TRAIN,
    Block,
    block_of,
    blocks_of,
    check_classes,
    is_loader,
    items_of,
    mask_name,
    merged,
    on,
)

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
        self.mask = TRAIN
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
            yield on(self.asked.block(data, "graphs"), self.asked.device)
