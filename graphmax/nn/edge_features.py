"""Features of edges: placed at the steps of a graph, and `EdgeFeatureScore`, which adds them up."""

from typing import Any

import torch
from torch import Tensor, nn

from graphmax.checks import integer
from graphmax.nn.scores import Score, Scored, bent, draw_layers, edge_features_of, zeros
from graphmax.nn.steps import Steps, turned


def with_edge_features(
    steps: Steps, edge_index: Tensor, edge_attr: Any, direction: str, channels: int
) -> Steps:
    """Return steps with the features (entries, C) of their own entries; loops have none."""
    if not isinstance(edge_index, Tensor):
        raise TypeError(
            f"`edge_attr` must come with an edge_index tensor, got {type(edge_index).__name__}"
        )
    features = _checked(edge_attr, edge_index.shape[1], channels).to(edge_index.device)
    entries = turned(edge_index, direction).long()
    features = torch.cat([features, features]) if direction == "both" else features
    if torch.compiler.is_compiling():  # steps are the entries as given, without repeats
        return steps.replaced(edge_attr=features)
    proper = entries[0] != entries[1]
    at, features = steps.places(entries[:, proper]), features[proper]
    own = features.new_zeros(steps.edge_index.shape[1], features.shape[1])
    own[at] = features
    other = (own[at] != features).any(1)
    if bool(other.any()):
        source, target = entries[:, proper][:, other][:, 0].tolist()
        raise ValueError(
            f"`edge_attr` must be equal wherever an edge is repeated, got two rows for {source} -> "
            f"{target}; join them first, for example by torch_geometric.utils.coalesce"
        )
    return steps.replaced(edge_attr=own)


def _checked(edge_attr: Any, entries: int, channels: int) -> Tensor:
    if not isinstance(edge_attr, Tensor):
        raise TypeError(f"`edge_attr` must be a tensor, got {type(edge_attr).__name__}")
    if edge_attr.ndim not in (1, 2) or edge_attr.shape[0] != entries or edge_attr.is_complex():
        raise ValueError(
            f"`edge_attr` must have one row of real numbers per entry of edge_index ({entries}), "
            f"got shape {tuple(edge_attr.shape)}, {edge_attr.dtype}"
        )
    features = edge_attr.double().reshape(entries, edge_attr.shape[1] if edge_attr.ndim == 2 else 1)
    if features.shape[1] != channels:
        raise ValueError(
            f"`edge_attr` must have {channels} columns (edge_channels), got {features.shape[1]}"
        )
    if not torch.compiler.is_compiling() and not bool(features.isfinite().all()):
        row = int((~features.isfinite()).any(1).nonzero()[0])
        raise ValueError(
            f"`edge_attr` must be finite, got NaN or infinity at entry {row}; drop such edges"
        )
    return features


class EdgeFeatureScore(Score):
    """Several small networks a node that see its features and add up those of its edges.

    Member i adds ``f(W2 f(W1 [e, x_u]))`` over the edges (u, v) of node v, e their features. Of
    the sum m and of x_v its opinion is ``w5 . f(W4 f(W3 [x_v, m])) + w6 . m``. f is that of
    `FeatureScore`.

    Parameters
    ----------
    in_channels : int
        Number of features of a node.
    edge_channels : int
        Number of features of an edge.
    width : int, default 32
        Hidden units of each layer.
    members : int, default 8
        Number of networks.

    Examples
    --------
    >>> from graphmax.nn import EdgeFeatureScore, PeakDetector, SignHead
    >>> PeakDetector.composed(EdgeFeatureScore(1, 3), SignHead(2)).receptive_hops
    3
    """

    receptive_hops = 1
    learning_rate = 0.01
    epochs = 300
    weight_decay = 1.0

    def __init__(
        self, in_channels: int, edge_channels: int, *, width: int = 32, members: int = 8
    ) -> None:
        super().__init__()
        self.in_channels = integer(in_channels, "in_channels", 1)
        self.edge_channels = integer(edge_channels, "edge_channels", 1)
        self.width, self.members = integer(width, "width", 1), integer(members, "members", 1)
        seen, known = edge_channels + in_channels, in_channels + width
        sizes = ((seen, width), (width, width), (known, width), (width, width))
        self.weights = nn.ParameterList(zeros(members, *size) for size in sizes)
        self.biases = nn.ParameterList(zeros(members, 1, width) for _ in sizes)
        self.out = nn.ParameterList(zeros(members, width, 1) for _ in range(2))
        self.mean: Tensor
        self.std: Tensor
        self.degree: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.zeros(seen, dtype=torch.float64))
        self.register_buffer("std", torch.ones(seen, dtype=torch.float64))
        self.register_buffer("degree", torch.ones((), dtype=torch.float64))
        self.register_buffer("spread", torch.ones(members, dtype=torch.float64))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw weights with variance 1 / fan-in, biases uniform in -1 to 1."""
        draw_layers([*self.weights, *self.out], self.biases, generator)

    def adapt(self, x: Tensor) -> None:
        """Take mean and deviation of the features of nodes."""
        self._take(x, slice(self.edge_channels, None))

    def adapt_edges(self, edge_attr: Tensor, num_nodes: int) -> None:
        """Take mean and deviation of the features of edges, and how many a node has."""
        self._take(edge_attr, slice(0, self.edge_channels))
        self.degree.fill_(max(edge_attr.shape[0] / max(num_nodes, 1), 1e-9))

    def _take(self, features: Tensor, at: slice) -> None:
        if features.shape[0]:
            std = features.double().std(0, unbiased=False)
            self.mean[at] = features.double().mean(0)
            self.std[at] = torch.where(std > 0, std, torch.ones_like(std))

    @torch.no_grad()
    def settle(self, x: Tensor, steps: Steps) -> None:
        """Bring the members to one scale, as those of `FeatureScore`."""
        self.spread.fill_(1.0)
        spread = self(x, steps).mean.std(0, unbiased=False)
        if bool((spread > 0).all() and spread.isfinite().all()):
            self.spread.copy_(spread / spread.mean())

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return the opinions, (num_nodes, members)."""
        source, target = steps.edge_index
        x = x.reshape(x.shape[0], self.in_channels).to(self.mean.dtype)
        edges = edge_features_of(steps, self).to(self.mean.dtype)
        scaled = self.edge_channels
        edges = (edges - self.mean[:scaled]) / self.std[:scaled]
        x = (x - self.mean[scaled:]) / self.std[scaled:]
        said = self._two_layers(torch.cat([edges, x[source]], 1).expand(self.members, -1, -1), 0)
        said = said.masked_fill((source == target)[:, None], 0.0)
        if steps.mask is not None:
            said = said * steps.mask.to(said.dtype)[:, None]
        summed = said.new_zeros(self.members, x.shape[0], self.width).index_add(1, target, said)
        summed = summed / self.degree
        own = self._two_layers(torch.cat([x.expand(self.members, -1, -1), summed], 2), 2)
        opinions = own @ self.out[0] + summed @ self.out[1]
        return Scored(opinions.squeeze(-1).T / self.spread)

    def _two_layers(self, hidden: Tensor, first: int) -> Tensor:
        for layer in (first, first + 1):
            hidden = bent(hidden @ self.weights[layer] + self.biases[layer])
        return hidden

    def config(self) -> dict[str, Any]:
        """Return widths and number of members."""
        return {
            "in_channels": self.in_channels,
            "edge_channels": self.edge_channels,
            "width": self.width,
            "members": self.members,
        }

    def extra_repr(self) -> str:
        """Show the parameters."""
        return ", ".join(f"{name}={value}" for name, value in self.config().items())
