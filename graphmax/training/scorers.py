"""Whatever can score nodes: detectors, modules, functions, the exact rule, ready predictions.

Detectors take features and labels from the node attributes of a graph, and scores go back there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from graphmax.checks import near_names, to_numpy
from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.nn.detector import PeakDetector
from graphmax.nn.heads import Head
from graphmax.rule import Rule
from graphmax.training.blocks import Block, on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch_geometric.data import Data

    from graphmax.nn import PeakDetector


_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no"}


def features_of(graph: Graph, names: Sequence[str], file: Path) -> NDArray[np.float64]:
    """Return node attributes as float64 (num_nodes, F), refusing what is missing or no number."""
    return np.stack([_numbers(graph, name, file) for name in names], axis=1)


def expanded(graph: Graph, names: Sequence[str], file: Path) -> list[str]:
    """Return the columns that names stand for: ``x.*`` and a matrix ``x`` are ``x.0, x.1, ...``."""
    columns: list[str] = []
    for name in names:
        if name in graph.attributes:
            columns += _columns_of(graph, name)
        elif any(sign in name for sign in "*?["):
            every = [column for known in graph.attributes for column in _columns_of(graph, known)]
            columns += [column for column in every if fnmatchcase(column, name)]
        else:
            columns.append(name)
    if names and not columns:
        raise ValueError(
            f"`--features` must match a node attribute of {file}, got {', '.join(names)}; it has "
            + ", ".join(map(str, graph.attributes))
        )
    return list(dict.fromkeys(columns))


def _columns_of(graph: Graph, name: str) -> list[str]:
    """Return the attribute itself, or the columns of a matrix."""
    column = graph.attributes[name]
    return [name] if column.ndim == 1 else [f"{name}.{i}" for i in range(column.shape[1])]


def labelled_data(graph: Graph, names: Sequence[str], labels: str, file: Path) -> Data:
    """Return PyG data with features and labels, -1 where a node has none."""
    data = graph.replace(attributes={}).to_data()
    data.x = torch.from_numpy(features_of(graph, names, file))
    y, known = _flags(_column(graph, labels, file), labels, file)
    data.y = torch.from_numpy(y if known.all() else np.where(known, y, -1))
    return data


def score_table(detector: PeakDetector, graph: Graph, x: NDArray[np.float64]) -> dict[str, Any]:
    """Say for every node how likely it is a maximum, and which other node decided.

    Columns ``id``, ``probability``, ``margin`` (the node's score minus that of its rival) and
    ``rival``, the last two masked where a ball holds no other node.
    """
    scores, rival = detector.score_nodes((graph, x)), detector.rivals((graph, x))
    if detector.rule.extremum == "min":
        scores = -scores
    alone = rival < 0
    with np.errstate(invalid="ignore"):
        margin = np.where(scores == scores[rival], 0.0, scores - scores[rival])
    return {
        "id": graph.label_of(np.arange(graph.num_nodes)),
        "probability": detector.predict_proba((graph, x)),
        "margin": np.ma.MaskedArray(margin, alone),
        "rival": np.ma.MaskedArray(graph.label_of(rival), alone),
    }


def _column(graph: Graph, name: str, file: Path) -> NDArray[Any]:
    """Return a node attribute, or ``name.i`` of a matrix, naming near ones where there is none."""
    matrix, _, index = name.rpartition(".")
    if name not in graph.attributes and index.isdecimal() and matrix in graph.attributes:
        column = graph.attributes[matrix]
        if column.ndim == 2 and int(index) < column.shape[1]:
            return column[:, int(index)]
    if name not in graph.attributes:
        raise ValueError(
            f"`{name}` must be a node attribute of {file}; "
            + near_names(name, list(graph.attributes))
        )
    return graph.attributes[name]


def _single(column: NDArray[Any], name: str, file: Path) -> NDArray[Any]:
    """Return a column as it is, or the only one of a matrix."""
    if column.ndim == 1:
        return column
    if column.ndim == 2 and column.shape[1] == 1:
        return column[:, 0]
    raise ValueError(
        f"`{name}` must be one column, got shape {column.shape} in {file}; name columns as "
        f"{name}.0, or all of them as '{name}.*' in --features"
    )


def _numbers(graph: Graph, name: str, file: Path) -> NDArray[np.float64]:
    """Return a node attribute as float64, which must hold it exactly."""
    column = _single(_column(graph, name, file), name, file)
    if column.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must hold numbers, got dtype {column.dtype} in {file}")
    data = np.ma.getdata(column)
    missing = np.ma.getmaskarray(column)
    if data.dtype.kind == "f":
        missing = missing | np.isnan(data)
    if missing.any():
        first = graph.label_of([int(missing.argmax())])[0]
        raise ValueError(
            f"`{name}` must be there for every node, got {int(missing.sum())} without it in "
            f"{file} (first: {first!r}); drop these nodes or fill it in"
        )
    if data.dtype.kind in "iu" and data.size and int(abs(data.astype(object)).max()) > 2**53:
        raise ValueError(f"`{name}` must be exact in float64, got a number beyond 2**53 in {file}")
    return data.astype(np.float64)


def _flags(
    column: NDArray[Any], name: str, file: Path
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Read labels: booleans, 0 and 1, or the words for them; missing and -1 are not known."""
    column = _single(column, name, file)
    missing = np.ma.getmaskarray(column).copy()
    data = np.ma.getdata(column)
    if data.dtype.kind == "f":
        missing |= np.isnan(data)
    words = np.array([_word(item) for item in data.tolist()])
    yes, no = np.isin(words, list(_YES)), np.isin(words, list(_NO))
    missing |= words == "-1"
    odd = ~(yes | no | missing)
    if odd.any():
        raise ValueError(
            f"`{name}` must hold true or false (or 1 and 0), got {data[odd.argmax()]!r} in {file}"
        )
    return yes & ~missing, ~missing


def _word(item: Any) -> str:
    """Write a label as one of the known words, if it is one."""
    if isinstance(item, float) and item in (0.0, 1.0):
        return str(int(item))
    return str(item).strip().lower()


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
    exact: bool = True


def scorer_of(scorer: Any) -> Reading:
    """Return how to ask a scorer about data and its block."""
    if isinstance(scorer, Rule):
        ask: Scorer = lambda _, block: _by_rule(scorer, block)  # noqa: E731
        return Reading(1, "in", ask, exact=False)
    if isinstance(scorer, PeakDetector):
        direction = scorer.rule.direction
        ask = lambda _, block: _by_detector(scorer, block)  # noqa: E731
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
    logits = detector(block.x, block.steps)
    if type(detector.head).decide is Head.decide:
        decided = logits > 0
    else:
        decided = detector.decide(block.x, block.steps)
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
