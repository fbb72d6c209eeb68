"""`evaluate`: any scorer against labels, each figure with a bootstrap interval.

Detections may miss by some hops: they are suppressed, then matched within a tolerance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphmax.checks import integer
from graphmax.graph import Graph
from graphmax.kernels.ball import ball
from graphmax.nn.inputs import read_mask
from graphmax.nn.steps import Steps
from graphmax.notebook import html_table
from graphmax.peaks import non_maximum_suppression
from graphmax.training.blocks import (
    ALL,
    TEST,
    Block,
    block_of,
    groups_of,
    items_of,
    mask_name,
    merged,
)
from graphmax.training.scorers import Reading, check_used, scorer_of

Flags = NDArray[np.float64]


def found_within(
    steps: Steps,
    y: NDArray[np.bool_],
    decided: NDArray[np.bool_],
    logits: NDArray[np.float64],
    hops: int,
) -> tuple[Flags, Flags]:
    """Say which detections lie within so many hops of a true maximum, and the reverse.

    1 or 0 for each detection that suppression keeps, and for each true maximum; NaN for the other
    nodes. Arrows are dropped; without a tolerance the decisions stay as they are.
    """
    if hops == 0:
        return np.where(decided, y, np.nan), np.where(y, decided, np.nan)
    rows = steps.edge_index.cpu().numpy()
    graph = Graph.from_edges(rows[0], rows[1], steps.num_nodes)
    kept = np.zeros_like(y)
    kept[non_maximum_suppression(graph, logits, hops, where=decided)] = True
    near_truth = _within(graph, np.flatnonzero(y), hops)
    near_kept = _within(graph, np.flatnonzero(kept), hops)
    return np.where(kept, near_truth, np.nan), np.where(y, near_kept, np.nan)


def _within(graph: Graph, sources: NDArray[np.int64], hops: int) -> NDArray[np.bool_]:
    near = np.zeros(graph.num_nodes, np.bool_)
    if sources.size:
        rows = graph.adjacency("in")
        near[ball((rows.indptr, rows.indices, None), sources, hops)[0]] = True
    return near


CONFIDENCE = 0.95
_BINS = 15
_RESAMPLES = 200
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
        Without tolerance those of the decisions. With a tolerance of t hops: the share of
        suppressed detections within t hops of a true maximum, and the share of true maxima within
        t hops of one.
    intervals : dict of str to (float, float)
        95 % bootstrap interval of each share and score: over graphs if there are at least 20,
        else over nodes; empty with ``resamples=0``.
    mask : str
        Whose nodes counted: the name of a mask, ``"given"``, or ``"all"``.

    Examples
    --------
    >>> import torch
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
    mask: str = "all"

    def _repr_html_(self) -> str:
        """Show every score with its interval in a notebook."""
        scores = {each.name: getattr(self, each.name) for each in fields(self)}
        scores = {name: score for name, score in scores.items() if name != "intervals"}
        spans = [self.intervals.get(name) for name in scores]
        columns = {
            "score": list(scores),
            "value": list(scores.values()),
            "95 % interval": ["" if s is None else f"{s[0]:.4g} to {s[1]:.4g}" for s in spans],
        }
        return html_table(columns, "Evaluation")


@dataclass(frozen=True)
class _Judged:
    """Labels, decisions, probabilities, scores and graph of every judged node."""

    y: NDArray[np.bool_]
    decided: NDArray[np.bool_]
    chance: NDArray[np.float64]
    order: NDArray[np.float64]
    graph: NDArray[np.int64]
    near_truth: NDArray[np.float64]
    near_found: NDArray[np.float64]


def evaluate(
    scorer: Any,
    graphs: Any,
    *,
    mask: Any = None,
    tolerance: int = 0,
    resamples: int = _RESAMPLES,
) -> Evaluation:
    """Compare a scorer with the labels of graphs.

    Parameters
    ----------
    scorer : PeakDetector, Rule, nn.Module, callable or array
        A detector; the exact rule, applied to ``x``; any module ``scorer(x, edge_index)``, or with
        one argument ``scorer(data)``; any function ``data -> logits``; or predictions for all nodes
        in the order of the graphs: flags, probabilities (all from 0 to 1) or logits. Logits are one
        per node, or two columns, of "no" and "yes".
    graphs : sequence of PyG Data, PeakDataset, Subset or DataLoader
        Each with ``x``, ``edge_index`` and labels ``y``: flags, or 1 and 0 with -1 for unknown.
    mask : str, bool tensor or list of bool tensors, optional
        The nodes that count: the name of a mask of every graph, one flag per node of all graphs, or
        one mask per graph; integers are node indices. By default the ``test_mask`` of graphs that
        have one, and all nodes of the others; ``"all"`` takes all.
    tolerance : int, default 0
        Hops by which a detection may miss a true maximum, for precision and recall.
    resamples : int, default 200
        Bootstrap resamples for the intervals; 0 leaves them out.

    Returns
    -------
    Evaluation
        The figures; ``mask`` tells which nodes counted.

    Raises
    ------
    TypeError, ValueError
        If the scorer is something else or gives NaN or another shape, or a graph lacks labels or
        the mask.

    Notes
    -----
    The figures are those of scikit-learn's metrics. With a single class among the labels the
    average precision is NaN. O(n log n) and, for every resample, O(n).

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
    tolerance, resamples = integer(tolerance, "tolerance", 0), integer(resamples, "resamples", 0)
    items = list(items_of(graphs, "graphs"))
    if not items:
        raise ValueError("`graphs` must hold at least one graph, got none")
    masks, name = _masks(items, mask)
    reading = scorer_of(scorer)
    blocks = [
        block_of(
            data,
            f"graphs[{i}]",
            reading.width or _width(data),
            reading.direction,
            flags,
            edge_channels=reading.edge_channels,
            exact=reading.exact,
        )
        for i, (data, flags) in enumerate(zip(items, masks, strict=True))
    ]
    judged = _joined(
        [_judged(reading, *asked, tolerance) for asked in _asked(reading, items, blocks)]
    )
    check_used(reading)
    if not judged.y.size:
        raise ValueError(
            f"`graphs` must have nodes of known label to be judged by, got none where {name!r} "
            "counts; label some, or pass another mask"
        )
    return Evaluation(
        **_figures(judged, _Order(judged), np.ones(judged.y.size)),
        errors=int((judged.decided != judged.y).sum()),
        positives=int(judged.y.sum()),
        nodes=judged.y.size,
        graphs=int(judged.graph.max(initial=-1)) + 1,
        intervals=_intervals(judged, resamples),
        mask=name,
    )


def _masks(items: Sequence[Any], mask: Any) -> tuple[Sequence[Any], str]:
    """Return the mask of each graph, as a name or flags, and what it is called."""
    if mask is None:
        name = mask_name(items, TEST)
        return [name] * len(items), name
    if isinstance(mask, str):
        lacking = [
            i for i, data in enumerate(items) if mask != ALL and getattr(data, mask, None) is None
        ]
        if lacking:
            raise ValueError(
                f"`mask` must be a mask of every graph, or 'all', got {mask!r}, which "
                f"graphs[{lacking[0]}] lacks"
            )
        return [mask] * len(items), mask
    if isinstance(mask, list | tuple) and len(mask) == len(items) and len(np.shape(mask[0])) == 1:
        return [torch.as_tensor(flags) for flags in mask], "given"
    try:
        flags = torch.as_tensor(mask)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            "`mask` must be the name of a mask, flags, or a list of flags, got "
            f"{type(mask).__name__}"
        ) from None
    sizes = [int(data.num_nodes) for data in items]
    if flags.ndim == 1 and flags.dtype in (torch.int64, torch.int32):
        flags = read_mask(flags, "mask", sum(sizes)).cpu()
    if flags.numel() != sum(sizes):
        raise ValueError(f"`mask` must have one entry per node ({sum(sizes)}), got {flags.numel()}")
    return torch.split(flags.reshape(-1), sizes), "given"


def _asked(
    reading: Reading, items: Sequence[Any], blocks: list[Block]
) -> Iterable[tuple[Any, Block]]:
    """Pair each graph with its block; scorers that see only blocks get few large ones."""
    if reading.needs_data:
        return zip(items, blocks, strict=True)
    return ((None, merged(group)) for group in groups_of(blocks))


def _judged(reading: Reading, data: Any, block: Block, tolerance: int) -> _Judged:
    logits, decided = (part.cpu().numpy() for part in reading.ask(data, block))
    if np.isnan(logits).any():
        raise ValueError(f"`scorer` must not give NaN, got {int(np.isnan(logits).sum())}")
    return _counted(block, logits, decided, tolerance)


def _width(data: Any) -> int:
    x = getattr(data, "x", None)
    return 1 if x is None or x.ndim < 2 else int(x.shape[1])


def _counted(
    block: Block, logits: NDArray[np.float64], decided: NDArray[np.bool_], tolerance: int
) -> _Judged:
    y, mask, sizes = block.y.numpy(), block.mask.numpy(), np.diff(block.ptr.numpy())
    with np.errstate(over="ignore"):
        chance = 1 / (1 + np.exp(-logits))
    near = found_within(block.steps, y, decided, logits, tolerance)
    order, graph = np.clip(logits, -1e300, 1e300), np.repeat(np.arange(sizes.size), sizes)
    columns = (y, decided, chance, order, graph, *near)
    return _Judged(*(column[mask] for column in columns))


def _joined(parts: list[_Judged]) -> _Judged:
    shifts = np.cumsum([0] + [int(part.graph.max(initial=-1)) + 1 for part in parts])
    graph = [part.graph + shift for part, shift in zip(parts, shifts, strict=False)]
    names = ("y", "decided", "chance", "order", "near_truth", "near_found")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return _Judged(**joined, graph=np.concatenate(graph))


class _Order:
    """Nodes by falling score, and where each group of equal scores ends: sorted once."""

    def __init__(self, judged: _Judged) -> None:
        self.order = np.argsort(-judged.order, kind="stable")
        scores = judged.order[self.order]
        self.last = np.append(np.flatnonzero(np.diff(scores)), scores.size - 1)
        self.positive = judged.y[self.order]

    def average_precision(self, weight: NDArray[np.float64]) -> float:
        """Return the sum of precision times the steps of recall; NaN for a single class."""
        weight = weight[self.order]
        true, everyone = np.cumsum(weight * self.positive)[self.last], np.cumsum(weight)[self.last]
        if not 0 < true[-1] < everyone[-1]:
            return float("nan")
        steps = np.diff(true, prepend=0.0)
        return float((steps * true / np.maximum(everyone, 1e-300)).sum() / true[-1])


def _figures(judged: _Judged, order: _Order, weight: NDArray[np.float64]) -> dict[str, float]:
    """Return every figure where node i counts `weight[i]` times."""
    y, decided, chance = judged.y, judged.decided, judged.chance
    total = weight.sum()
    hits, wrong = weight @ (y & decided), weight @ (y != decided)
    clipped = np.clip(np.where(y, chance, 1 - chance), _CLIP, 1 - _CLIP)
    graphs = np.bincount(judged.graph, weight) / np.maximum(np.bincount(judged.graph), 1)
    flawed = np.bincount(judged.graph, weight * (y != decided)) > 0
    return {
        "f1": float(2 * hits / (2 * hits + wrong)) if hits + wrong else 1.0,
        "average_precision": order.average_precision(weight),
        "log_loss": float(weight @ -np.log(clipped) / total) if total else float("nan"),
        "brier": float(weight @ (chance - y) ** 2 / total) if total else float("nan"),
        "calibration_error": _calibration_error(y, chance, weight),
        "exact_graphs": float(graphs @ ~flawed / graphs.sum()) if graphs.sum() else float("nan"),
        "precision": _share(judged.near_truth, weight),
        "recall": _share(judged.near_found, weight),
    }


def _share(flags: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    there = weight * ~np.isnan(flags)
    return float(there @ np.nan_to_num(flags) / there.sum()) if there.sum() else float("nan")


def _calibration_error(
    y: NDArray[np.bool_], chance: NDArray[np.float64], weight: NDArray[np.float64]
) -> float:
    """Return the mean over nodes of |share of positives - mean probability| of their bin."""
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    place = np.searchsorted(edges[1:-1], chance)
    apart = np.bincount(place, weight * (y - chance), _BINS)
    return float(np.abs(apart).sum() / weight.sum()) if weight.sum() else float("nan")


def _intervals(judged: _Judged, resamples: int) -> dict[str, tuple[float, float]]:
    if not resamples or not judged.y.size:
        return {}
    rng, order = np.random.default_rng(0), _Order(judged)
    draws = [_figures(judged, order, _weights(judged, rng)) for _ in range(resamples)]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    intervals = {}
    for name in draws[0]:
        drawn = np.array([draw[name] for draw in draws])
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.quantile(drawn, tails) if drawn.size else (np.nan, np.nan)
        intervals[name] = float(low), float(high)
    return intervals


def _weights(judged: _Judged, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each node is drawn, graph by graph where there are enough of them."""
    graphs = int(judged.graph.max(initial=-1)) + 1
    if graphs >= 20:
        times = np.bincount(rng.integers(0, graphs, graphs), minlength=graphs)
        return times[judged.graph].astype(np.float64)
    drawn = rng.integers(0, judged.y.size, judged.y.size)
    return np.bincount(drawn, minlength=judged.y.size).astype(np.float64)
