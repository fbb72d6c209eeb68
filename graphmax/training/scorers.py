"""Whatever can score nodes: detectors, modules, functions, the exact rule, ready predictions."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from graphmax.checks import to_numpy
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.nn.detector import PeakDetector
from graphmax.rule import Rule
from graphmax.training.blocks import Block, on

TAKEN = (
    "a PeakDetector, a Rule, a module (x, edge_index) -> logits, a function data -> logits, or "
    "predictions for all nodes"
)


class Answer(NamedTuple):
    """Logits and decisions for the nodes of a block."""

    logits: Tensor
    decided: Tensor


Scorer = Callable[[Any, Block], Answer]


class Reading(NamedTuple):
    """How a scorer is asked: its width (None: any), the arrows it counts, and the call."""

    width: int | None
    direction: str
    ask: Scorer
    needs_data: bool = False
    edge_channels: int = 0


def scorer_of(scorer: Any) -> Reading:
    """Return how to ask a scorer about data and its block."""
    if isinstance(scorer, Rule):
        return Reading(1, "in", lambda _, block: _by_rule(scorer, block))
    if isinstance(scorer, PeakDetector):
        direction = scorer.rule.direction
        ask: Scorer = lambda _, block: _by_detector(scorer, block)  # noqa: E731
        score = scorer.score
        return Reading(score.in_channels, direction, ask, edge_channels=score.edge_channels)
    if isinstance(scorer, nn.Module):
        ask = lambda data, block: _by_module(scorer, data, block)  # noqa: E731
        return Reading(None, "in", ask, _takes_data(scorer))
    if hasattr(scorer, "__len__") and not isinstance(scorer, str):
        return Reading(None, "in", _Ready(scorer))
    if callable(scorer):
        return Reading(None, "in", lambda data, block: _answer(scorer(data), block), True)
    raise TypeError(f"`scorer` must be {TAKEN}, got {type(scorer).__name__}")


def _by_rule(rule: Rule, block: Block) -> Answer:
    rows = block.steps.rows
    if rows is None:
        raise TypeError("`graphs` must be on the CPU for the exact rule")
    graph = Graph(rows.indptr, rows.indices, directed=True)
    mask = torch.from_numpy(local_maxima(graph, block.x[:, 0].numpy(), rule=rule))
    return Answer(torch.where(mask, torch.inf, -torch.inf).double(), mask)


@torch.no_grad()
def _by_detector(detector: PeakDetector, block: Block) -> Answer:
    was_training = detector.training
    detector.eval()
    block = on(block, detector.device)
    logits, decided = detector(block.x, block.steps), detector.decide(block.x, block.steps)
    detector.train(was_training)
    return Answer(logits, decided)


@torch.no_grad()
def _by_module(module: nn.Module, data: Any, block: Block) -> Answer:
    was_training = module.training
    module.eval()
    where = next((p.device for p in module.parameters()), torch.device("cpu"))
    if _takes_data(module):
        logits = module(data.to(where))
    else:
        logits = module(block.x.to(where), block.steps.edge_index.to(where))
    module.train(was_training)
    return _answer(logits, block)


def _takes_data(module: nn.Module) -> bool:
    parameters = inspect.signature(module.forward).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return len(needed) == 1


def _answer(logits: Any, block: Block) -> Answer:
    """Read one logit per node, or two columns: the logits of "no" and "yes"."""
    logits = torch.as_tensor(logits).detach()
    count = block.x.shape[0]
    if logits.ndim == 2 and logits.shape == (count, 2):
        logits = logits[:, 1] - logits[:, 0]
    if logits.numel() != count:
        raise ValueError(
            f"`scorer` must give one logit per node ({count}), or two columns, "
            f"got shape {tuple(logits.shape)}"
        )
    if logits.dtype == torch.bool:
        return Answer(
            torch.where(logits.reshape(-1), torch.inf, -torch.inf).double(), logits.reshape(-1)
        )
    logits = logits.reshape(-1).double()
    return Answer(logits, logits > 0)


class _Ready:
    """Predictions that were made before, in the order of the graphs.

    Flags are decisions; numbers are probabilities where all lie from 0 to 1, else logits.
    """

    def __init__(self, predictions: Any) -> None:
        parts = predictions if isinstance(predictions, list | tuple) else [predictions]
        parts = [np.atleast_1d(to_numpy(part)) for part in parts]
        if all(part.shape == (1,) for part in parts):
            parts = [np.concatenate(parts)]
        whole = np.concatenate(parts)
        if whole.ndim == 2 and whole.shape[1] == 2:
            whole = whole[:, 1] - whole[:, 0]
        self.logits = torch.from_numpy(_as_logits(whole.reshape(-1)))
        self.next = 0

    def __call__(self, data: Any, block: Block) -> Answer:
        """Return the predictions of the next block."""
        del data
        first, self.next = self.next, self.next + block.x.shape[0]
        if self.next > self.logits.numel():
            raise ValueError(
                f"`scorer` must hold one prediction per node, got {self.logits.numel()} for "
                "more nodes"
            )
        return _answer(self.logits[first : self.next], block)


def check_used(reading: Reading) -> None:
    """Refuse predictions for more nodes than there are."""
    if isinstance(reading.ask, _Ready) and reading.ask.next != reading.ask.logits.numel():
        raise ValueError(
            f"`scorer` must hold one prediction per node ({reading.ask.next}), "
            f"got {reading.ask.logits.numel()}"
        )


def _as_logits(predictions: Any) -> Any:
    if predictions.dtype == bool:
        return np.where(predictions, np.inf, -np.inf)
    if predictions.dtype.kind not in "iuf":
        raise TypeError(f"`scorer` must hold flags or numbers, got dtype {predictions.dtype}")
    numbers = predictions.astype(np.float64)
    if numbers.size and np.nanmin(numbers) >= 0 and np.nanmax(numbers) <= 1:
        with np.errstate(divide="ignore"):
            return np.log(numbers) - np.log1p(-numbers)
    return numbers
