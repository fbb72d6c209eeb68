"""Who takes part in PeakBench: `PeakDetector`, generic networks, and every other entry by name.

The networks are PyG's own layers, of equal budget, with values or ranks as input; on a task they
are trained on unions of graphs and chosen by validation.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch_geometric.data import Data

from graphmax.benchmark.bench_run import PROBE
from graphmax.benchmark.bench_task import BenchmarkTask, probe_graphs
from graphmax.benchmark.task_graphs import MOST_HOPS, LabelledGraph, center_of
from graphmax.benchmark.task_list import SETTINGS, SPECS, Budget, TaskSpec
from graphmax.benchmark.task_parts import RULE, Played, average_precision
from graphmax.maxima import local_maxima
from graphmax.nn import PeakDetector
from graphmax.nn.scores import FeatureScore, bent
from graphmax.nn.steps import Steps
from graphmax.training import fit

BUDGET = 50_000


def _mlp(inside: int, outside: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inside, outside), nn.ReLU(), nn.Linear(outside, outside))


def _gcn(width: int) -> nn.Module:
    from torch_geometric.nn import GCNConv

    layer: nn.Module = GCNConv(width, width)
    return layer


def _gat(width: int) -> nn.Module:
    from torch_geometric.nn import GATv2Conv

    layer: nn.Module = GATv2Conv(width, width // 4, heads=4)
    return layer


def _sage(aggregation: str) -> Callable[[int], nn.Module]:
    def build(width: int) -> nn.Module:
        from torch_geometric.nn import SAGEConv

        layer: nn.Module = SAGEConv(width, width, aggr=aggregation)
        return layer

    return build


def _gin(width: int) -> nn.Module:
    from torch_geometric.nn import GINConv

    layer: nn.Module = GINConv(_mlp(width, width), train_eps=True)
    return layer


def _pna(width: int) -> nn.Module:
    from torch_geometric.nn import PNAConv

    histogram = torch.tensor([0, 8, 16, 16, 8, 4, 2, 1])
    scalers = ["identity", "amplification", "attenuation"]
    aggregators = ["mean", "min", "max", "std"]
    layer: nn.Module = PNAConv(width, width, aggregators, scalers, deg=histogram, post_layers=1)
    return layer


def _edge(width: int) -> nn.Module:
    from torch_geometric.nn import EdgeConv

    layer: nn.Module = EdgeConv(_mlp(2 * width, width), aggr="max")
    return layer


_LAYERS: dict[str, Callable[[int], nn.Module]] = {
    "GCN": _gcn, "GATv2": _gat, "SAGE mean": _sage("mean"), "SAGE max": _sage("max"), "GIN": _gin,
    "PNA": _pna, "EdgeConv max": _edge,
}  # fmt: skip
NAMES = tuple(_LAYERS)


class ReferenceNetwork(nn.Module):
    """A message-passing network ``(x, edge_index) -> logits`` of about 50,000 parameters.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    in_channels : int, default 1
        Number of features.
    layers : int, default 2
        Number of message-passing layers.
    ranks : bool, default False
        Feed per-graph ranks scaled to 0..1 instead of values.
    width : int, optional
        Hidden units; by default the most that keep within 50,000 parameters.
    encoder_like : FeatureScore, optional
        Start with per-node networks of this one's shape, on features brought to one scale.

    Raises
    ------
    ValueError
        If there is no such network.

    Examples
    --------
    >>> import torch
    >>> from graphmax.benchmark.entries import ReferenceNetwork
    >>> network = ReferenceNetwork("SAGE max")
    >>> network(torch.randn(3, 1), torch.tensor([[0, 1], [1, 2]])).shape
    torch.Size([3])
    """

    def __init__(
        self,
        name: str,
        in_channels: int = 1,
        *,
        layers: int = 2,
        ranks: bool = False,
        width: int | None = None,
        encoder_like: FeatureScore | None = None,
    ) -> None:
        super().__init__()
        if name not in _LAYERS:
            raise ValueError(f"`name` must be one of {', '.join(NAMES)}, got {name!r}")
        if width is None:
            width = _fitting_width(name, in_channels, layers)
        self.ranks = ranks
        self.first = _entrance(in_channels, width, encoder_like)
        self.layers = nn.ModuleList(_LAYERS[name](width) for _ in range(layers))
        self.last = nn.Linear(width, 1)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return logits (num_nodes,)."""
        x = x.reshape(x.shape[0], -1)
        hidden = self.first((ranked(x) if self.ranks else x).to(self.last.weight.dtype))
        for layer in self.layers:
            hidden = layer(hidden.relu(), edge_index)
        logits: Tensor = self.last(hidden.relu())
        return logits[:, 0]


def ranked(x: Tensor) -> Tensor:
    """Return per-column ranks scaled to 0..1; equal values share one."""
    columns = [torch.unique(column, return_inverse=True)[1] for column in x.T]
    ranks = torch.stack(columns, 1).double()
    return ranks / ranks.amax(0).clamp(min=1)


def _entrance(in_channels: int, width: int, like: FeatureScore | None) -> nn.Module:
    if like is None:
        return nn.Linear(in_channels, width)
    inner = like.width
    return nn.Sequential(
        nn.Linear(in_channels, inner), _Bent(), nn.Linear(inner, inner), _Bent(),
        nn.Linear(inner, width),
    )  # fmt: skip


class _Bent(nn.Module):
    def forward(self, hidden: Tensor) -> Tensor:
        return bent(hidden)


def _fitting_width(name: str, in_channels: int, layers: int) -> int:
    width = 16
    while _size(name, in_channels, layers, width + 8) <= BUDGET:
        width += 8
    return width


def _size(name: str, in_channels: int, layers: int, width: int) -> int:
    with torch.random.fork_rng():
        network = ReferenceNetwork(name, in_channels, layers=layers, width=width)
    return sum(parameter.numel() for parameter in network.parameters())


def train(
    network: ReferenceNetwork, graphs: Sequence[Any], *, epochs: int = 100, seed: int = 0,
    learning_rate: float = 0.005, weight_decay: float = 0.0,
) -> list[float]:  # fmt: skip
    """Train a baseline on all graphs at once: AdamW with a cosine to zero, as `fit` does.

    The weights are drawn anew from `seed`; equal seeds give equal weights on CPU. Returned is
    the loss of every epoch.
    """
    from torch_geometric.data import Batch

    x = [ranked(data.x) if network.ranks else data.x for data in graphs]
    batch = Batch.from_data_list([data.clone() for data in graphs])
    batch.x = torch.cat(x)
    steps = Steps.of(batch.edge_index, batch.num_nodes)
    _reset(network, seed)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    ranks, network.ranks = network.ranks, False  # of each graph, taken above
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = network(batch.x, steps.edge_index)
        loss = binary_cross_entropy_with_logits(logits, batch.y.to(logits.dtype))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    network.ranks = ranks
    network.eval()
    return losses


def _reset(network: nn.Module, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for module in network.modules():
            reset: Any = getattr(module, "reset_parameters", None)
            if reset is not None:
                reset()


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
    predictions = [_network_predictions(task, model, ranks, device) for model in models]
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


def _network_predictions(
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


# --- Who takes part in PeakBench: every entry by name, and how `PeakDetector` answers a task

# A score that is linear in its weights takes large steps: at .01 it is at .66 after 40 epochs.
_LEARNING_RATE_OF_THE_FORM = 0.1


class _Quadratic(nn.Module):
    """a . x + x . A x of a node, and, where neighbors count, that of their mean."""

    def __init__(self, width: int, near: bool) -> None:
        super().__init__()
        self.near, pairs = near, torch.tril_indices(width, width)
        self.pairs: Tensor
        self.register_buffer("pairs", pairs)
        self.own = nn.Linear(width + pairs.shape[1], 1, bias=False)
        self.other = nn.Linear(width + pairs.shape[1], 1, bias=False)

    def reset_parameters(self) -> None:
        """Start anew."""
        self.own.reset_parameters()
        self.other.reset_parameters()

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        terms = torch.cat([x, x[:, self.pairs[0]] * x[:, self.pairs[1]]], dim=1)
        own: Tensor = self.own(terms.to(self.own.weight.dtype))[:, 0]
        if not self.near:
            return own
        other: Tensor = self.other(terms.to(self.other.weight.dtype))[:, 0]
        src, dst = edge_index
        sums = torch.zeros_like(own).index_add(0, dst, other[src])
        return own + sums / torch.bincount(dst, minlength=len(own)).clamp(min=1)


def play_detector(
    task: BenchmarkTask, budget: Budget, *, oracle: bool = False, device: str = "cpu"
) -> Played:
    """Train a detector with its defaults, one training per seed, and score all test sets."""
    if task.spec.attribute == "unknown":
        return _each_graph(task, budget)
    graphs = first_graphs(task.parts["train"], budget.train_nodes)
    train = [_as_nodes(each, task.unit, "train_mask") for each in graphs]
    val = [_as_nodes(each, task.unit, "val_mask") for each in task.parts["val"]]
    predictions, size = [], 0
    for seed in range(budget.seeds):
        detector = _detector(task, oracle)
        fit(
            detector, train, validation=val, seed=seed, device=device, progress=False,
            epochs=budget.epochs, lr=_LEARNING_RATE_OF_THE_FORM if oracle else None,
        )  # fmt: skip
        detector.cpu()
        size = sum(parameter.numel() for parameter in detector.parameters())
        predictions.append(_predictions(task, detector))
    return Played(predictions, size, 1, {"epochs": budget.epochs})


def _detector(task: BenchmarkTask, oracle: bool) -> PeakDetector:
    width, kind = task.parts["train"][0].x.shape[1], task.spec.attribute
    if oracle:
        near = task.spec.options["kind"] == "neighborhood"
        return PeakDetector(width, encoder=_Quadratic(width, near))
    if kind == "noisy":
        return PeakDetector(denoise=True, head="normal")
    hops = {"edges": 2, "windows": 2}.get(kind, task.spec.train.hops)
    return PeakDetector(width, hops)


def _as_nodes(each: LabelledGraph, unit: str, mask: str = "train_mask") -> Data:
    """Return what a detector reads: edges as nodes of the line graph, a window by its center."""
    view = view_of([each], unit)
    data = Data(x=torch.from_numpy(each.x), edge_index=view.edge_index, y=view.y)
    judged = torch.from_numpy(each.judged)
    if unit == "graph":
        judged = torch.zeros(len(each.x), dtype=torch.bool)
        judged[_center(each)] = True
        data.y = torch.full((len(each.x),), bool(each.y[0]))
    if not bool(judged.all()):
        data[mask] = judged
    return data


def _center(each: LabelledGraph) -> int:
    center = center_of(each.graph, 1)
    found = center_of(each.graph, 2) if center is None else center
    return 0 if found is None else found


def _predictions(task: BenchmarkTask, detector: PeakDetector) -> dict[str, NDArray[np.float64]]:
    found = {
        name: np.concatenate([_scored(detector, each, task.unit) for each in task.parts[name]])
        for name, part in task.spec.test.items()
        if not part.optional
    }
    probe = probe_graphs(task.spec)
    if probe:
        found[PROBE] = np.concatenate([_scored(detector, each, task.unit) for each in probe])
    return found


def _scored(detector: PeakDetector, each: LabelledGraph, unit: str) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = detector.predict_proba(_as_nodes(each, unit)).double().numpy()
    return chances[[_center(each)]] if unit == "graph" else chances


def _each_graph(task: BenchmarkTask, budget: Budget) -> Played:
    """Learn the hops of every test graph from the labels that it shows."""
    predictions = []
    for seed in range(budget.seeds):
        found = {
            name: np.concatenate([decided_by_learned_hops(each, seed) for each in task.parts[name]])
            for name in task.spec.test
        }
        predictions.append(found)
    return Played(predictions, 8, 1, {"fit": "one for each test graph"})


def decided_by_learned_hops(each: LabelledGraph, seed: int) -> NDArray[np.float64]:
    """Learn the hops of a graph from the labels that it shows, and decide with them."""
    values, shown, label = torch.from_numpy(each.x).T
    data = Data(x=values[:, None], edge_index=view_of([each], "node").edge_index, y=label > 0)
    data.train_mask = shown > 0
    if not data.y[data.train_mask].any():  # without a maximum the widest ball fits best
        widest = local_maxima(each.graph, each.x[:, 0], MOST_HOPS)
        return np.asarray(widest, np.float64)
    detector = PeakDetector(hops="learn", max_hops=MOST_HOPS)
    fit(detector, [data], seed=seed, progress=False)
    decided: NDArray[np.float64] = detector.predict(data).numpy().astype(np.float64)
    return decided


DETECTOR, ORACLE, CEILING = "PeakDetector", "oracle of the form", "ceiling"
_ATTRIBUTE_SHOWN = ("rule", "noisy", "unknown", "edges", "windows")
_SAMPLED = ("noisy", "unknown")
Play = Callable[[BenchmarkTask, Budget, str], Played]


class Entry(NamedTuple):
    """How an entry answers, and which tasks it is asked."""

    play: Play
    fits: Callable[[TaskSpec], bool]


def _anywhere(spec: TaskSpec) -> bool:
    del spec
    return True


def _untrained(name: str) -> Play:
    def play(task: BenchmarkTask, budget: Budget, device: str) -> Played:
        del budget, device
        return Played([dict(task.baselines[name])], 0, 0, {})

    return play


def _network(name: str, ranks: bool) -> Play:
    def play(task: BenchmarkTask, budget: Budget, device: str) -> Played:
        return play_network(task, name, budget, ranks=ranks, device=device)

    return play


def _at(labels: int, play: Play) -> Play:
    """Learn from so many labels only."""

    def limited(task: BenchmarkTask, budget: Budget, device: str) -> Played:
        return play(task, budget._replace(train_nodes=labels), device)

    return limited


def _play_detector(task: BenchmarkTask, budget: Budget, device: str) -> Played:
    return play_detector(task, budget, device=device)


def _oracle(task: BenchmarkTask, budget: Budget, device: str) -> Played:
    return play_detector(task, budget, oracle=True, device=device)


def _ceiling(task: BenchmarkTask, budget: Budget, device: str) -> Played:
    """Give the labels, or the posterior: what nobody beats."""
    del budget, device
    sampled = task.spec.attribute in _SAMPLED
    best = {
        name: task.posterior(name) if sampled else task.labels(name).astype(float)
        for name, part in task.spec.test.items()
        if not part.optional
    }
    return Played([best], 0, 0, {})


def _shows_attribute(spec: TaskSpec) -> bool:
    return spec.attribute in _ATTRIBUTE_SHOWN


def _form_is_known(spec: TaskSpec) -> bool:
    return spec.options.get("kind") in ("quadratic", "neighborhood")


def _has_budgets(spec: TaskSpec) -> bool:
    return bool(spec.budgets)


def _every_entry() -> dict[str, Entry]:
    found = {
        "constant": Entry(_untrained("constant"), _anywhere),
        "degree": Entry(_untrained("degree"), _anywhere),
        RULE: Entry(_untrained(RULE), _shows_attribute),
        NO_GRAPH: Entry(_network(NO_GRAPH, ranks=False), _anywhere),
    }
    for name in NAMES:
        found[name] = Entry(_network(name, ranks=False), _anywhere)
        found[f"{name}, ranks"] = Entry(_network(name, ranks=True), _shows_attribute)
    found[DETECTOR] = Entry(_play_detector, _anywhere)
    found[ORACLE] = Entry(_oracle, _form_is_known)
    for labels in (500, 2_000, 10_000):
        curve = {
            DETECTOR: (_play_detector, _has_budgets),
            ORACLE: (_oracle, _form_is_known),
            "SAGE max": (_network("SAGE max", ranks=False), _has_budgets),
        }
        for name, (play, fits) in curve.items():
            found[f"{name}, {labels:,} labels"] = Entry(_at(labels, play), fits)
    return {**found, CEILING: Entry(_ceiling, _anywhere)}


ENTRIES: Mapping[str, Entry] = _every_entry()


def entries_of(task: str) -> list[str]:
    """Return the names of those that take part in a task."""
    return [name for name, entry in ENTRIES.items() if entry.fits(SPECS[task])]
