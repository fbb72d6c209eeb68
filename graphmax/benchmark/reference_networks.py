"""Generic networks to compare with: PyG's own layers, equal budget, values or ranks as input."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graphmax.nn.scores import FeatureScore, bent
from graphmax.nn.steps import Steps

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
    >>> from graphmax.benchmark.reference_networks import ReferenceNetwork
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

    Parameters
    ----------
    network : ReferenceNetwork
        Its weights are drawn anew from `seed`.
    graphs : sequence of PyG Data
        With ``x``, ``edge_index`` and ``y``.
    epochs : int, default 100
        Steps over all graphs.
    seed : int, default 0
        Equal seeds give equal weights on CPU.
    learning_rate : float, default 0.005
        The first one.
    weight_decay : float, default 0.0
        As AdamW understands it.

    Returns
    -------
    list of float
        The loss of every epoch.
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
