"""`evaluate`: any scorer against labels, each figure with a bootstrap interval."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from graphmax.graph import Graph
from graphmax.maxima import local_maxima
from graphmax.nn.detector import PeakDetector
from graphmax.nn.steps import Steps
from graphmax.rule import Rule
from graphmax.training.material import Block, blocks_of
from graphmax.training.near import found_within

CONFIDENCE = 0.95
_BINS = 15
_RESAMPLES = 200
_WORK = 20_000_000
_CLIP = 1e-15


@dataclass(frozen=True)
class Evaluation:
    """How well a scorer agrees with labels.

    Parameters
    ----------
    f1 : float
        F1 of the decisions.
    average_precision : float
        Area under the precision-recall curve of the scores.
    log_loss : float
        Mean of -log P(label), in nats, probabilities clipped to 1e-15.
    brier : float
        Mean squared difference of probability and label.
    calibration_error : float
        Expected calibration error over 15 bins of equal width.
    exact_graphs : float
        Share of graphs on which every decision is right.
    errors, positives, nodes, graphs : int
        How many wrong decisions, positive labels, nodes and graphs there are.
    precision, recall : float
        Without tolerance those of the decisions. With tolerance t: the share of suppressed
        detections within t hops of a true maximum, and the share of true maxima within t hops of
        one.
    intervals : dict of str to (float, float)
        95 % bootstrap interval of each share and score: over graphs if there are at least 20,
        else over nodes.

    Examples
    --------
    >>> import graphmax as gm
    >>> data = gm.grid_graph(3).to_data()
    >>> data.x, data.y = torch.tensor([[1.0], [3.0], [2.0]]), torch.tensor([False, True, False])
    >>> judged = gm.evaluate(gm.Rule(), [data])
    >>> judged.errors, judged.positives
    (0, 1)
    """

    f1: float
    average_precision: float
    log_loss: float
    brier: float
    calibration_error: float
    exact_graphs: float
    precision: float
    recall: float
    errors: int
    positives: int
    nodes: int
    graphs: int
    intervals: dict[str, tuple[float, float]] = field(repr=False)


@dataclass(frozen=True)
class _Judged:
    """Labels, decisions, probabilities, scores and the graph of every node, and what was found."""

    y: NDArray[np.bool_]
    decided: NDArray[np.bool_]
    chance: NDArray[np.float64]
    order: NDArray[np.float64]
    graph: NDArray[np.int64]
    near_truth: NDArray[np.float64]
    near_found: NDArray[np.float64]


def evaluate(scorer: Any, graphs: Any, *, tolerance: int = 0) -> Evaluation:
    """Compare a scorer with the labels of graphs.

    Parameters
    ----------
    scorer : PeakDetector, nn.Module or Rule
        A detector; any module ``scorer(x, edge_index)`` that gives one logit a node; or the exact
        rule, applied to ``x``.
    graphs : sequence of PyG Data, or PeakDataset
        Each with ``x``, ``edge_index`` and boolean ``y``.
    tolerance : int, default 0
        Hops by which a detection may miss a true maximum, for precision and recall.

    Returns
    -------
    Evaluation
        The figures.

    Raises
    ------
    TypeError, ValueError
        If the scorer is something else or gives NaN or another shape, or a graph lacks labels.

    Notes
    -----
    Metrics of scikit-learn. The bootstrap takes 200 resamples, fewer (at least 20) above 100,000
    nodes. With a single class among the labels the average precision is NaN.

    Examples
    --------
    >>> import torch
    >>> from torch_geometric.data import Data
    >>> from graphmax import PeakDetector, Rule, evaluate
    >>> path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> x = torch.tensor([[1.0], [3.0], [2.0], [2.5]])
    >>> data = Data(x=x, edge_index=path, y=torch.tensor([False, True, False, True]))
    >>> evaluate(PeakDetector(), [data]).f1, evaluate(Rule(hops=2), [data]).errors
    (1.0, 1)
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int) or tolerance < 0:
        raise ValueError(f"`tolerance` must be an integer of at least 0, got {tolerance!r}")
    judge, width, device = _judge_of(scorer)
    graphs = list(graphs) if not hasattr(graphs, "edge_index") else graphs
    width = _width(graphs) if width is None else width
    blocks = blocks_of(graphs, "graphs", width, "in", device, masks=False)
    judged = _joined([_look(judge, block, tolerance) for block in blocks])
    return Evaluation(
        **_figures(judged, slice(None)), errors=int((judged.decided != judged.y).sum()),
        positives=int(judged.y.sum()), nodes=judged.y.size,
        graphs=int(judged.graph.max(initial=-1)) + 1, intervals=_intervals(judged),
    )  # fmt: skip


Judge = Callable[[Block], tuple[torch.Tensor, torch.Tensor]]


def _judge_of(scorer: Any) -> tuple[Judge, int | None, torch.device | str]:
    """Return what gives logits and decisions, the width it takes, and where it computes."""
    if isinstance(scorer, Rule):
        return (lambda block: _by_rule(scorer, block)), 1, "cpu"
    if isinstance(scorer, PeakDetector):
        width = int(scorer.score.in_channels)
        return (lambda block: _by_detector(scorer, block)), width, scorer.device
    if isinstance(scorer, nn.Module):
        where = next((p.device for p in scorer.parameters()), torch.device("cpu"))
        return (lambda block: _by_module(scorer, block)), None, where
    raise TypeError(
        f"`scorer` must be a PeakDetector, a module (x, edge_index) -> logits or a Rule, "
        f"got {type(scorer).__name__}"
    )


def _width(graphs: Any) -> int:
    x = getattr(graphs[0], "x", None) if isinstance(graphs, list) and graphs else None
    return 1 if x is None or x.ndim < 2 else int(x.shape[1])


def _by_rule(rule: Rule, block: Block) -> tuple[torch.Tensor, torch.Tensor]:
    graph = _graph(block.steps)
    mask = torch.from_numpy(local_maxima(graph, block.x[:, 0].numpy(), rule=rule))
    return torch.where(mask, torch.inf, -torch.inf).double(), mask


def _graph(steps: Steps) -> Graph:
    rows = steps.rows
    if rows is None:
        raise TypeError("`graphs` must be on the CPU for the exact rule")
    return Graph(rows.indptr, rows.indices, directed=True)


@torch.no_grad()
def _by_detector(detector: PeakDetector, block: Block) -> tuple[torch.Tensor, torch.Tensor]:
    was_training = detector.training
    detector.eval()
    steps, direction = block.steps, detector.rule.direction
    if direction != "in":
        steps = Steps.of(steps.edge_index, steps.num_nodes, direction)
    logits, decided = detector(block.x, steps), detector.decide(block.x, steps)
    detector.train(was_training)
    return logits, decided


@torch.no_grad()
def _by_module(module: nn.Module, block: Block) -> tuple[torch.Tensor, torch.Tensor]:
    was_training = module.training
    module.eval()
    logits = module(block.x, block.steps.edge_index)
    module.train(was_training)
    if logits.numel() != block.x.shape[0]:
        raise ValueError(
            f"`scorer` must give one logit a node ({block.x.shape[0]}), "
            f"got shape {tuple(logits.shape)}"
        )
    logits = logits.reshape(-1).double()
    return logits, logits > 0


def _look(judge: Judge, block: Block, tolerance: int) -> _Judged:
    logits, decided = (answer.cpu().numpy() for answer in judge(block))
    if np.isnan(logits).any():
        raise ValueError(f"`scorer` must not give NaN, got {int(np.isnan(logits).sum())}")
    y = block.y.cpu().numpy()
    sizes = np.diff(block.ptr.numpy())
    with np.errstate(over="ignore"):
        chance = 1 / (1 + np.exp(-logits))
    near = found_within(block.steps, y, decided, logits, tolerance)
    order = np.clip(logits, -1e300, 1e300)
    return _Judged(y, decided, chance, order, np.repeat(np.arange(sizes.size), sizes), *near)


def _joined(parts: list[_Judged]) -> _Judged:
    shifts = np.cumsum([0] + [int(part.graph.max(initial=-1)) + 1 for part in parts])
    graph = [part.graph + shift for part, shift in zip(parts, shifts, strict=False)]
    names = ("y", "decided", "chance", "order", "near_truth", "near_found")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return _Judged(**joined, graph=np.concatenate(graph))


def _figures(judged: _Judged, chosen: Any) -> dict[str, float]:
    from sklearn import metrics

    y, decided = judged.y[chosen], judged.decided[chosen]
    chance = judged.chance[chosen]
    clipped = np.clip(chance, _CLIP, 1 - _CLIP)
    both = 0 < y.sum() < y.size
    wrong = np.bincount(judged.graph[chosen], decided != y)
    there = np.bincount(judged.graph[chosen]) > 0
    return {
        "f1": float(metrics.f1_score(y, decided, zero_division=1.0)),
        "average_precision": float(metrics.average_precision_score(y, judged.order[chosen]))
        if both else float("nan"),
        "log_loss": float(metrics.log_loss(y, clipped, labels=[False, True])),
        "brier": float(metrics.brier_score_loss(y, chance)) if both
        else float(np.mean((chance - y) ** 2)),
        "calibration_error": _calibration_error(y, chance),
        "exact_graphs": float((wrong[there] == 0).mean()),
        "precision": _share(judged.near_truth[chosen]),
        "recall": _share(judged.near_found[chosen]),
    }  # fmt: skip


def _share(flags: NDArray[np.float64]) -> float:
    asked = ~np.isnan(flags)
    return float(flags[asked].mean()) if asked.any() else float("nan")


def _calibration_error(y: NDArray[np.bool_], chance: NDArray[np.float64]) -> float:
    from sklearn.calibration import calibration_curve

    true, told = calibration_curve(y, chance, n_bins=_BINS)
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    sizes = np.bincount(np.searchsorted(edges[1:-1], chance), minlength=_BINS)
    return float(np.average(np.abs(true - told), weights=sizes[sizes > 0]))


def _intervals(judged: _Judged) -> dict[str, tuple[float, float]]:
    rng = np.random.default_rng(0)
    resamples = int(np.clip(_WORK / max(judged.y.size, 1), 20, _RESAMPLES))
    draws = [_figures(judged, _resampled(judged, rng)) for _ in range(resamples)]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    found = {}
    for name in draws[0]:
        drawn = np.array([draw[name] for draw in draws])
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.quantile(drawn, tails) if drawn.size else (np.nan, np.nan)
        found[name] = float(low), float(high)
    return found


def _resampled(judged: _Judged, rng: np.random.Generator) -> NDArray[np.int64]:
    graphs = int(judged.graph.max(initial=-1)) + 1
    if graphs < 20:
        return rng.integers(0, judged.y.size, judged.y.size)
    starts = np.searchsorted(judged.graph, np.arange(graphs + 1))
    drawn = rng.integers(0, graphs, graphs)
    return np.concatenate([np.arange(starts[g], starts[g + 1]) for g in drawn])
