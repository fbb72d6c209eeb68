"""Generic networks on a task: trained on unions of graphs, chosen by validation."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graphmax.benchmark.bench_task import BenchmarkTask, probe_graphs
from graphmax.benchmark.metrics import average_precision
from graphmax.benchmark.reference_networks import BUDGET, ReferenceNetwork, ranked
from graphmax.benchmark.scoreboard import PROBE
from graphmax.benchmark.task_graphs import LabelledGraph
from graphmax.benchmark.task_list import SETTINGS, Budget
from graphmax.benchmark.untrained import Played


class View(NamedTuple):
    """Nodes (or edges, as nodes of the line graph) of many graphs, and the graph of each."""

    x: Tensor
    edge_index: Tensor
    graph: Tensor
    y: Tensor
    judged: Tensor

    def to(self, device: str) -> "View":
        """Move all of it to a device."""
        return View(*(part.to(device) for part in self))


def view_of(graphs: Sequence[LabelledGraph], unit: str, *, ranks: bool = False) -> View:
    """Put graphs side by side; `ranks` replaces the first column by ranks within each graph."""
    xs, pairs, sizes, start = [], [], [], 0
    for each in graphs:
        x = torch.from_numpy(each.x)
        if ranks:
            x = torch.cat([ranked(x[:, :1]), x[:, 1:]], dim=1)
        pair = _line_graph(each) if unit == "edge" else _both_ways(each)
        xs.append(x.float())
        pairs.append(pair + start)
        sizes.append(len(x))
        start += len(x)
    graph = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    y = torch.from_numpy(np.concatenate([each.y for each in graphs]))
    judged = torch.from_numpy(np.concatenate([each.judged for each in graphs]))
    edge_index = torch.from_numpy(np.concatenate(pairs, axis=1))
    return View(torch.cat(xs), edge_index, graph, y, judged)


def first_graphs(graphs: list[LabelledGraph], most: int | None) -> list[LabelledGraph]:
    """Return the first graphs that hold at least so many nodes."""
    if most is None:
        return graphs
    held = np.cumsum([each.graph.num_nodes for each in graphs])
    return graphs[: int(np.searchsorted(held, most)) + 1]


def _both_ways(each: LabelledGraph) -> np.ndarray:
    src, dst = each.graph.edges()
    return np.concatenate([[src, dst], [dst, src]], axis=1)


def _line_graph(each: LabelledGraph) -> np.ndarray:
    """Join edges that share an end."""
    from scipy.sparse import csr_array

    src, dst = each.graph.edges()
    numbers = np.arange(src.size)
    ones = np.ones(2 * src.size)
    places = (np.concatenate([numbers, numbers]), np.concatenate([src, dst]))
    ends = csr_array((ones, places), shape=(src.size, each.graph.num_nodes))
    joined = (ends @ ends.T).tocoo()
    apart = joined.row != joined.col
    return np.stack([joined.row[apart], joined.col[apart]]).astype(np.int64)


NO_GRAPH = "MLP without graph"
_LOOKS = 10  # validation is looked at so often


class _Pooled(nn.Module):
    """Logits of nodes, or of whole graphs: those of their highest node."""

    def __init__(self, inner: nn.Module, whole: bool) -> None:
        super().__init__()
        self.inner, self.whole = inner, whole

    def forward(self, view: View) -> Tensor:
        logits: Tensor = self.inner(view.x, view.edge_index)
        if not self.whole:
            return logits
        count = int(view.graph.max()) + 1
        low = torch.full((count,), -torch.inf, device=logits.device, dtype=logits.dtype)
        return low.scatter_reduce(0, view.graph, logits, "amax")


class _NoGraph(nn.Module):
    def __init__(self, in_channels: int, layers: int) -> None:
        super().__init__()
        width = int((BUDGET / layers) ** 0.5) - 8
        parts: list[nn.Module] = [nn.Linear(in_channels, width), nn.ReLU()]
        for _ in range(layers):
            parts += [nn.Linear(width, width), nn.ReLU()]
        self.inner = nn.Sequential(*parts, nn.Linear(width, 1))

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        del edge_index
        logits: Tensor = self.inner(x)
        return logits[:, 0]


def play_network(
    task: BenchmarkTask, name: str, budget: Budget, *, ranks: bool = False, device: str = "cpu"
) -> Played:
    """Try settings on validation, train the best with other seeds, and score all test sets."""
    start = time.perf_counter()
    graphs = first_graphs(task.parts["train"], budget.train_nodes)
    train = view_of(graphs, task.unit, ranks=ranks).to(device)
    val = view_of(task.parts["val"], task.unit, ranks=ranks).to(device)
    tried: list[tuple[tuple[float, int, float], _Pooled, float]] = []
    for settings in SETTINGS[: budget.trials]:
        if tried and time.perf_counter() - start > budget.seconds:
            break
        tried.append((settings, *_trained(task, name, train, val, settings, 0, budget.epochs)))
    settings, first, _ = max(tried, key=lambda each: each[2])
    models = [first] + [
        _trained(task, name, train, val, settings, seed, budget.epochs)[0]
        for seed in range(1, budget.seeds)
    ]
    predictions = [_predictions(task, model, ranks, device) for model in models]
    size = sum(parameter.numel() for parameter in first.parameters())
    chosen = dict(zip(("learning_rate", "layers", "weight_decay"), settings, strict=True))
    return Played(predictions, size, len(tried), chosen)


def _trained(
    task: BenchmarkTask, name: str, train: View, val: View, settings: Any, seed: int, epochs: int
) -> tuple[_Pooled, float]:
    """Return the weights that were best on validation, and how good they were."""
    rate, layers, decay = settings
    device = train.x.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        width = train.x.shape[1]
        inner = _NoGraph(width, layers) if name == NO_GRAPH else None
        network = inner or ReferenceNetwork(name, width, layers=layers)
        model = _Pooled(network, task.unit == "graph").to(device)
        optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        best, weights = -1.0, {}
        for epoch in range(epochs):
            optimizer.zero_grad()
            logits = model(train)[train.judged]
            loss = binary_cross_entropy_with_logits(logits, train.y[train.judged].float())
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            if (epoch + 1) % max(epochs // _LOOKS, 1) == 0:
                found = _on_validation(model, val)
                if found > best:
                    best = found
                    weights = {key: each.clone() for key, each in model.state_dict().items()}
    if weights:
        model.load_state_dict(weights)
    return model.eval(), best


def _on_validation(model: _Pooled, val: View) -> float:
    scores = _scores(model, val)[val.judged.cpu().numpy()]
    if np.isnan(scores).any():
        return -1.0
    return float(np.nan_to_num(average_precision(val.y[val.judged].cpu().numpy(), scores)))


@torch.no_grad()
def _scores(model: _Pooled, view: View) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = model(view).sigmoid().double().cpu().numpy()
    return chances


def _predictions(
    task: BenchmarkTask, model: _Pooled, ranks: bool, device: str
) -> dict[str, NDArray[np.float64]]:
    parts = {name: task.parts[name] for name, part in task.spec.test.items() if not part.optional}
    found = {
        name: _scores(model, view_of(graphs, task.unit, ranks=ranks).to(device))
        for name, graphs in parts.items()
    }
    probe = probe_graphs(task.spec)
    if probe:  # each graph on its own: ranks are taken within it
        views = [view_of([each], task.unit, ranks=ranks).to(device) for each in probe]
        found[PROBE] = np.concatenate([_scores(model, view) for view in views])
    return found
