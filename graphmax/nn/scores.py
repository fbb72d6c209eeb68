"""Scores: from what is known of a node to the one number that its ball is compared by.

Scores can be made of scores: their sum, and the highest of them.

`GraphFilter` learns the posterior mean in eighteen numbers; features of edges are placed at the
steps of a graph and added up.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphmax.checks import integer
from graphmax.nn.steps import Steps, aligned, turned


class Scored(NamedTuple):
    """What a score says of every node.

    ``mean`` (num_nodes, members): the number that is compared, in the opinion of each member.
    ``deviation`` (2, num_nodes): how unsure it is, first for the node that is judged, then for the
    node as somebody's rival; None for a score that knows no doubt.
    """

    mean: Tensor
    deviation: Tensor | None = None


class Score(nn.Module):
    """What gives every node the number that is compared; the base class of one's own.

    A subclass defines ``forward(x, steps)``, which returns `Scored` or a tensor
    (num_nodes, members), and, to be saved, ``config()``: what its constructor is to be given.

    ``in_channels`` is the width of the features, ``edge_channels`` that of the features of edges
    (``steps.edge_attr``, row by row those of ``steps.edge_index``; 0: none are needed), ``members``
    how many opinions there are, ``receptive_hops`` how far a score looks, ``exact`` whether it is
    right without training, ``doubts`` whether it gives deviations; the others are what `fit`
    starts from.
    """

    in_channels: int = 1
    edge_channels: int = 0
    members: int = 1
    receptive_hops: int = 0
    exact: bool = False
    finite: bool = True
    doubts: bool = False
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    epochs: int = 200

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw all weights anew; without any there is nothing to do."""

    def adapt(self, x: Tensor) -> None:
        """Take the scale of the features from training data; by default there is none."""

    def adapt_edges(self, edge_attr: Tensor, num_nodes: int) -> None:
        """Take the scale of the features of edges from training data; by default there is none."""

    def settle(self, x: Tensor, steps: Steps) -> None:
        """Do what can only be done after training; by default nothing."""

    def complaint(self, x: Tensor) -> str:
        """Say what is wrong with the scale of the features; by default nothing."""
        del x
        return ""

    def config(self) -> dict[str, Any]:
        """Return what the constructor is given for a copy."""
        return {}


def scored(answer: Scored | Tensor) -> Scored:
    """Return what a score said, a plain tensor as one that knows no doubt."""
    if isinstance(answer, Scored):
        return answer
    return Scored(answer if answer.ndim == 2 else answer.reshape(-1, 1))


class Identity(Score):
    """The attribute itself, in float64, which holds every narrower float and 53-bit integer."""

    exact = True
    finite = False
    learning_rate = 0.1

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return float64 (num_nodes, 1)."""
        del steps
        return Scored(x.double().reshape(-1, 1))


class FeatureScore(Score):
    """Several small networks a node, each with its own opinion; their mean is the score.

    Member i maps features x to ``w3 . f(W2 f(W1 x))`` with biases inside, none at the end: a
    constant added to every score changes no comparison. f is `bent`: SiLU for three units of four,
    which follows what grows without bound, and tanh for the fourth, which follows what levels off.

    Parameters
    ----------
    in_channels : int
        Number of features.
    width : int, default 64
        Hidden units of each layer.
    members : int, default 8
        Number of networks.
    """

    learning_rate = 0.02
    epochs = 300
    weight_decay = 1.0

    def __init__(self, in_channels: int, *, width: int = 64, members: int = 8) -> None:
        super().__init__()
        self.in_channels = integer(in_channels, "in_channels", 1)
        self.width, self.members = integer(width, "width", 1), integer(members, "members", 1)
        sizes = ((in_channels, width), (width, width), (width, 1))
        self.weights = nn.ParameterList(zeros(members, *size) for size in sizes)
        self.biases = nn.ParameterList(zeros(members, 1, width) for _ in range(2))
        self.mean: Tensor
        self.std: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.zeros(in_channels, dtype=torch.float64))
        self.register_buffer("std", torch.ones(in_channels, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(members, dtype=torch.float64))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw weights with variance 1 / fan-in, biases uniform in -1 to 1."""
        draw_layers(self.weights, self.biases, generator)

    def adapt(self, x: Tensor) -> None:
        """Take mean and deviation of the features from training data."""
        self.mean.copy_(x.double().mean(0))
        std = x.double().std(0, unbiased=False)
        self.std.copy_(torch.where(std > 0, std, torch.ones_like(std)))

    @torch.no_grad()
    def settle(self, x: Tensor, steps: Steps) -> None:
        """Bring the members to one scale, so that none outvotes the others.

        Their mean scale stays, and with it what the logits mean.
        """
        self.spread.fill_(1.0)
        spread = self(x, steps).mean.std(0, unbiased=False)
        if bool((spread > 0).all() and spread.isfinite().all()):
            self.spread.copy_(spread / spread.mean())

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return the opinions, (num_nodes, members)."""
        del steps
        x = x.reshape(x.shape[0], self.in_channels).to(self.mean.dtype)
        hidden = ((x - self.mean) / self.std).expand(self.members, -1, -1)
        for weight, bias in zip(self.weights, self.biases, strict=False):
            hidden = bent(hidden @ weight + bias)
        return Scored((hidden @ self.weights[2]).squeeze(-1).T / self.spread)

    def config(self) -> dict[str, Any]:
        """Return width and number of members."""
        return {"in_channels": self.in_channels, "width": self.width, "members": self.members}

    def extra_repr(self) -> str:
        """Show the parameters."""
        return f"{self.in_channels}, width={self.width}, members={self.members}"


def bent(hidden: Tensor) -> Tensor:
    """Return SiLU of the first three quarters of the columns and tanh of the others."""
    split = 3 * hidden.shape[-1] // 4
    return torch.cat([functional.silu(hidden[..., :split]), hidden[..., split:].tanh()], -1)


class EncoderScore(Score):
    """Any PyG module ``encoder(x, edge_index)``, and a linear map to one number if it gives more.

    Parameters
    ----------
    encoder : nn.Module
        Gives (num_nodes,), or (num_nodes, out_channels) and has an attribute ``out_channels``.
    in_channels : int
        Number of features.
    edge_channels : int, default 0
        Number of features of an edge; then it is called as ``encoder(x, edge_index, edge_attr)``.
    """

    learning_rate = 0.005

    def __init__(self, encoder: nn.Module, in_channels: int, edge_channels: int = 0) -> None:
        from torch_geometric.nn import MessagePassing

        super().__init__()
        self.edge_channels = integer(edge_channels, "edge_channels", 0)
        self.encoder, self.in_channels = encoder, integer(in_channels, "in_channels", 1)
        layers = (isinstance(module, MessagePassing) for module in encoder.modules())
        self.receptive_hops = sum(layers)
        width = int(getattr(encoder, "out_channels", 1))
        self.project: nn.Module = nn.Identity()
        if width > 1:
            self.project = nn.Linear(width, 1, bias=False, dtype=torch.float64)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Reset the encoder, if it knows how, and the linear map."""
        with torch.random.fork_rng():
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
            for module in (self.encoder, self.project):
                reset: Any = getattr(module, "reset_parameters", None)
                if reset is not None:
                    reset()

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return float64 (num_nodes, 1)."""
        kind = next((parameter.dtype for parameter in self.encoder.parameters()), x.dtype)
        x = x.reshape(x.shape[0], self.in_channels).to(kind)
        seen = [edge_features_of(steps, self).to(kind)] if self.edge_channels else []
        with aligned(self.encoder, steps):
            hidden = self.encoder(x, steps.edge_index, *seen)
        hidden = (hidden if hidden.ndim == 2 else hidden[:, None]).double()
        return Scored(self.project(hidden))

    def config(self) -> dict[str, Any]:
        """Return the width of the features; the encoder itself is given again."""
        edges = {"edge_channels": self.edge_channels} if self.edge_channels else {}
        return {"in_channels": self.in_channels, "encoder": type(self.encoder).__name__, **edges}


def edge_features_of(steps: Steps, score: Score) -> Tensor:
    """Return the features of edges, refusing none and those of another width."""
    features = steps.edge_attr
    if features is None or features.shape[1] != score.edge_channels:
        given = "none" if features is None else f"{features.shape[1]} columns"
        raise ValueError(
            f"`edge_attr` must have {score.edge_channels} columns for the score "
            f"{type(score).__name__}, got {given}; set data.edge_attr, or pass "
            "detector(x, edge_index, edge_attr=...)"
        )
    return features


def zeros(*shape: int) -> nn.Parameter:
    """Return a float64 parameter that is still to be drawn."""
    return nn.Parameter(torch.zeros(shape, dtype=torch.float64))


def draw_layers(
    weights: Iterable[nn.Parameter], biases: Iterable[nn.Parameter], generator: torch.Generator
) -> None:
    """Draw weights with variance 1 / fan-in, then biases uniform in -1 to 1."""
    for weight in weights:
        draw = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        weight.data.copy_(draw / weight.shape[1] ** 0.5)
    for bias in biases:
        draw = torch.rand(bias.shape, generator=generator, dtype=torch.float64)
        bias.data.copy_(2 * draw - 1)


class _Combined(Score):
    """Several scores of the same features, each with a factor of its own that is learned."""

    def __init__(self, parts: Sequence[Score]) -> None:
        super().__init__()
        parts = list(parts)
        if len(parts) < 2 or not all(isinstance(part, Score) for part in parts):
            raise TypeError(f"`parts` must be at least two scores, got {parts!r}")
        widths = {part.in_channels for part in parts}
        if len(widths) > 1:
            raise ValueError(f"`parts` must take features of one width, got {sorted(widths)}")
        self.scores = nn.ModuleList(parts)
        self.in_channels = parts[0].in_channels
        edges = {part.edge_channels for part in parts} - {0}
        if len(edges) > 1:
            raise ValueError(f"`parts` must take edge features of one width, got {sorted(edges)}")
        self.edge_channels = max(edges, default=0)
        self.members = max(part.members for part in parts)
        self.receptive_hops = max(part.receptive_hops for part in parts)
        self.finite = any(part.finite for part in parts)
        self.learning_rate = min(part.learning_rate for part in parts)
        self.weight_decay = min(part.weight_decay for part in parts)
        self.epochs = max(part.epochs for part in parts)
        self.log_factors = nn.Parameter(torch.zeros(len(parts), dtype=torch.float64))

    def _each(self) -> list[Score]:
        return cast("list[Score]", list(self.scores))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of every part, and start with factors of 1."""
        nn.init.zeros_(self.log_factors)
        for part in self._each():
            part.reset_parameters(generator)

    def adapt(self, x: Tensor) -> None:
        """Take the scale of the features for every part."""
        for part in self._each():
            part.adapt(x)

    def adapt_edges(self, edge_attr: Tensor, num_nodes: int) -> None:
        """Take the scale of the features of edges for every part."""
        for part in self._each():
            part.adapt_edges(edge_attr, num_nodes)

    def complaint(self, x: Tensor) -> str:
        """Say the first thing that a part finds wrong."""
        return next(filter(None, (part.complaint(x) for part in self._each())), "")

    def config(self) -> dict[str, Any]:
        """Return the descriptions of the parts."""
        from graphmax.nn.parts import described

        return {"parts": [described(part) for part in self._each()]}

    def _opinions(self, x: Tensor, steps: Steps) -> Tensor:
        """Return what each part says times its factor, (parts, num_nodes, members)."""
        means = [scored(part(x, steps)).mean.double() for part in self._each()]
        several = self.members
        full = [mean if mean.shape[1] == several else mean.mean(1, keepdim=True) for mean in means]
        stacked = torch.stack([mean.expand(-1, several) for mean in full])
        return self.log_factors.exp()[:, None, None] * stacked


class Sum(_Combined):
    """The sum of scores, each times a positive factor that is learned.

    Parameters
    ----------
    parts : sequence of Score
        At least two, of features of one width.

    Examples
    --------
    >>> from graphmax.nn import FeatureScore, PeakDetector, SignHead, Sum
    >>> score = Sum([FeatureScore(3, width=8), FeatureScore(3, width=4, members=1)])
    >>> PeakDetector.composed(score, SignHead(2)).hops_
    2
    """

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return the sum, (num_nodes, members)."""
        return Scored(self._opinions(x, steps).sum(0))


class Max(_Combined):
    """The highest of scores, each times a positive factor that is learned.

    Parameters
    ----------
    parts : sequence of Score
        At least two, of features of one width.
    """

    def forward(self, x: Tensor, steps: Steps) -> Scored:
        """Return the highest, (num_nodes, members)."""
        return Scored(self._opinions(x, steps).amax(0))


# --- Scores that read the edges: `GraphFilter` for noisy attributes

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
