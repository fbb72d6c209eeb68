"""Scores that read the edges: `GraphFilter` for noisy attributes, `EdgeFeatureScore` for features.

`GraphFilter` learns the posterior mean in eighteen numbers; features of edges are placed at the
steps of a graph and added up.
"""

from typing import Any

import torch
from torch import Tensor, nn

from graphmax.checks import integer
from graphmax.nn.scores import Score, Scored, bent, draw_layers, edge_features_of, zeros
from graphmax.nn.steps import Steps, turned

# Of so many nodes a scale that is off by more than this factor is another one; fewer nodes have
# more leeway, and below the last number their spread is not judged.
ENOUGH, FAR, FEW = 100, 1.5, 8
_QUARTILES = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
_NORMAL_QUARTILES = 1.3489795
_MOST_SORTED = 100_000


class GraphFilter(Score):
    """A learned smoother of a noisy attribute: every node asks its neighbors, again and again.

    From h = b y, `order` rounds of ``h = b y + a P h`` with P = D^-1 A; the score is the real part
    of h. The complex numbers a(d) and b(d) depend on the degree d of the node: ``log|b|``, the
    logit of ``|a|`` and both angles are ``u + v l + w l**2`` with l = log(1 + d). So are the logs
    of two standard deviations a node, one for when it is judged and one for when it is somebody's
    rival.

    Parameters
    ----------
    order : int, default 8
        Number of rounds: how far a node looks.

    Notes
    -----
    A Gaussian field of precision c (k^2 I + L) that was seen with noise of deviation s has the
    posterior mean ``h = b y + a P h`` with b = 1 / (1 + s^2 c (k^2 + d)) and a = s^2 c d b: the
    rounds are its solution by Jacobi's method. For precision (c (k^2 I + L))^2 the mean is the
    imaginary part of ``(M - i I)^-1 y`` with M = s c (k^2 I + L): the same equation, a and b
    complex. Eighteen numbers that mean the same on every graph generalize where a free polynomial
    of P does not.
    """

    doubts = True
    learning_rate = 0.03
    epochs = 300

    def __init__(self, order: int = 8) -> None:
        super().__init__()
        self.order = self.receptive_hops = integer(order, "order", 1)
        self.own = zeros(2, 3)
        self.passed = zeros(2, 3)
        self.deviations = zeros(2, 3)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros((), dtype=torch.float64))
        self.register_buffer("std", torch.ones((), dtype=torch.float64))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Start from a mild average over the near nodes; `generator` is not needed."""
        del generator
        for weight in (self.own, self.passed, self.deviations):
            nn.init.zeros_(weight)
        self.own.data[0, 0] = -0.7
        self.passed.data[1, 0] = 0.3
        self.deviations.data[:, 0] = -1.0

    def adapt(self, x: Tensor) -> None:
        """Take mean and deviation of the attribute from training data."""
        mean, std = x.double().mean(), x.double().std(unbiased=False)
        if not (mean.isfinite() and std.isfinite()):
            raise ValueError(
                f"`x` must have a finite mean and deviation, got {mean.item():g} and "
                f"{std.item():g}; bring it to a smaller scale"
            )
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 0, std, torch.ones_like(std)))

    def complaint(self, x: Tensor) -> str:
        """Say if location or scale is far from what the filter was trained on."""
        if not x.numel():
            return ""
        values = x.detach().double().reshape(-1)[:: max(1, x.numel() // _MOST_SORTED)]
        if not bool(values.isfinite().all()):
            return ""  # refused later, in words of its own
        low, middle, high = values.quantile(_QUARTILES.to(values.device)).tolist()
        spread = (high - low) / _NORMAL_QUARTILES
        mean, std = float(self.mean), float(self.std)
        leeway = max(1.0, (ENOUGH / x.numel()) ** 0.5)
        alike = x.numel() < FEW or std / FAR**leeway <= spread <= std * FAR**leeway
        if alike and abs(middle - mean) <= std * leeway:
            return ""
        return (
            f"`x` has median {middle:g} and a robust deviation of {spread:g} where this detector "
            f"was trained on mean {mean:g} and deviation {std:g}; bring it to that scale, or call "
            "detector.score.adapt(x), which takes the scale of x; the share of noise stays the same"
        )

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return the smoothed attribute, (num_nodes, 1), and deviations."""
        y = (x.reshape(-1).to(self.mean.dtype) - self.mean) / self.std
        share_of_own, passed = self.factors(steps.degree)
        own = y[:, None] * share_of_own
        held: Tensor = own
        share = _shares(steps).to(y.dtype)[:, None]
        for _ in range(self.order):
            brought = held[steps.edge_index[0]] * share
            asked = torch.zeros_like(held).index_add(0, steps.edge_index[1], brought)
            held = own + _product(passed, asked)
        return Scored(held[:, :1], _by_degree(self.deviations, steps.degree).exp())

    def factors(self, degree: Tensor) -> tuple[Tensor, Tensor]:
        """Return b and a of nodes with these degrees, each (n, 2): real and imaginary part."""
        log_size, angle = _by_degree(self.own, degree)
        logit, turn = _by_degree(self.passed, degree)
        own = log_size.exp()[:, None] * _direction(angle)
        return own, logit.sigmoid()[:, None] * _direction(turn)

    def config(self) -> dict[str, Any]:
        """Return the number of rounds."""
        return {"order": self.order}

    def extra_repr(self) -> str:
        """Show the number of rounds."""
        return f"order={self.order}"


def _by_degree(weights: Tensor, degree: Tensor) -> Tensor:
    log_degree = torch.log1p(degree)
    powers = torch.stack([torch.ones_like(log_degree), log_degree, log_degree.square()])
    return weights @ powers.to(weights.dtype)


def _shares(steps: Steps) -> Tensor:
    """Return what each entry weighs in the mean over the neighbors of its target."""
    source, target = steps.edge_index[0], steps.edge_index[1]
    share = (1 / steps.degree.clamp(min=1))[target]
    share = share.masked_fill(source == target, 0.0)
    return share if steps.mask is None else share * steps.mask


def _direction(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], 1)


def _product(first: Tensor, second: Tensor) -> Tensor:
    """Multiply complex numbers given as rows (real, imaginary), which every exporter knows."""
    real = first[:, 0] * second[:, 0] - first[:, 1] * second[:, 1]
    imaginary = first[:, 0] * second[:, 1] + first[:, 1] * second[:, 0]
    return torch.stack([real, imaginary], 1)


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
