"""Generic networks on a task: trained on unions of graphs, chosen by validation."""

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graphmax.benchmark.bench_task import BenchmarkTask
from graphmax.benchmark.budget import SETTINGS, Budget
from graphmax.benchmark.figures import average_precision
from graphmax.benchmark.learning_view import View, first_graphs, view_of
from graphmax.benchmark.played import Played
from graphmax.benchmark.probe import probe_graphs
from graphmax.benchmark.reference_networks import BUDGET, ReferenceNetwork
from graphmax.benchmark.scoreboard import PROBE

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
