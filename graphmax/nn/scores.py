"""Scores: from what is known of a node to the one number that its ball is compared by."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphmax.nn.steps import Steps


class Score(nn.Module):
    """What gives every node the number that is compared.

    ``in_channels`` is the width of the features, ``members`` how many opinions there are,
    ``receptive_hops`` how far a score looks; the others are what `fit` starts from.
    """

    in_channels: int = 1
    members: int = 1
    receptive_hops: int = 0
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    epochs: int = 200

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw all weights anew; without any there is nothing to do."""

    def adapt(self, x: Tensor) -> None:
        """Take the scale of the features from training data; by default there is none."""

    def settle(self, x: Tensor, steps: Steps) -> None:
        """Do what can only be done after training; by default nothing."""


class Identity(Score):
    """The attribute itself, in float64, which holds every narrower float and 53-bit integer."""

    learning_rate = 0.1

    def forward(self, x: Tensor, steps: Steps) -> Tensor:
        """Return float64 (num_nodes, 1)."""
        del steps
        return x.double().reshape(-1, 1)


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
        self.in_channels, self.width, self.members = in_channels, width, members
        sizes = ((in_channels, width), (width, width), (width, 1))
        self.weights = nn.ParameterList(_empty(members, *size) for size in sizes)
        self.biases = nn.ParameterList(_empty(members, 1, width) for _ in range(2))
        self.mean: Tensor
        self.std: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.zeros(in_channels, dtype=torch.float64))
        self.register_buffer("std", torch.ones(in_channels, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(members, dtype=torch.float64))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw weights with variance 1 / fan-in, biases uniform in -1 to 1."""
        for weight in self.weights:
            draw = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
            weight.data.copy_(draw / weight.shape[1] ** 0.5)
        for bias in self.biases:
            draw = torch.rand(bias.shape, generator=generator, dtype=torch.float64)
            bias.data.copy_(2 * draw - 1)

    def adapt(self, x: Tensor) -> None:
        """Take mean and deviation of the features from training data."""
        self.mean.copy_(x.double().mean(0))
        std = x.double().std(0, unbiased=False)
        self.std.copy_(torch.where(std > 0, std, torch.ones_like(std)))

    @torch.no_grad()
    def settle(self, x: Tensor, steps: Steps) -> None:
        """Bring the members to one scale, so that none outvotes the others."""
        self.spread.fill_(1.0)
        spread = self(x, steps).std(0, unbiased=False)
        self.spread.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))

    def forward(self, x: Tensor, steps: Steps) -> Tensor:
        """Return the opinions, (num_nodes, members)."""
        del steps
        x = x.reshape(x.shape[0], self.in_channels).to(self.mean.dtype)
        hidden = ((x - self.mean) / self.std).expand(self.members, -1, -1)
        for weight, bias in zip(self.weights, self.biases, strict=False):
            hidden = bent(hidden @ weight + bias)
        opinions: Tensor = (hidden @ self.weights[2]).squeeze(-1).T / self.spread
        return opinions


def bent(hidden: Tensor) -> Tensor:
    """Return SiLU of the first three quarters of the columns and tanh of the others."""
    split = 3 * hidden.shape[-1] // 4
    return torch.cat([functional.silu(hidden[..., :split]), hidden[..., split:].tanh()], -1)


class GraphFilter(Score):
    """A learned smoother of a noisy attribute: every node asks its neighbors, again and again.

    From h = b y, `order` rounds of ``h = b y + a P h`` with P = D^-1 A; the score is the real part
    of h. The complex numbers a(d) and b(d) depend on the degree d of the node: log|b|, the logit
    of |a| and both angles are ``u + v l + w l**2`` with l = log(1 + d). So are the logs of two
    standard deviations a node, one for when it is judged and one for when it is somebody's rival.

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

    learning_rate = 0.03
    epochs = 300

    def __init__(self, order: int = 8) -> None:
        super().__init__()
        self.order = self.receptive_hops = order
        self.own = _empty(2, 3)
        self.passed = _empty(2, 3)
        self.deviations = _empty(2, 3)
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
        self.mean.copy_(x.double().mean())
        std = x.double().std(unbiased=False)
        self.std.copy_(torch.where(std > 0, std, torch.ones_like(std)))

    def forward(self, x: Tensor, steps: Steps) -> Tensor:
        """Return the smoothed attribute, (num_nodes, 1)."""
        y = (x.reshape(-1).to(self.mean.dtype) - self.mean) / self.std
        log_size, angle = _by_degree(self.own, steps)
        own = (log_size.exp() * y)[:, None] * _direction(angle)
        logit, angle = _by_degree(self.passed, steps)
        passed = logit.sigmoid()[:, None] * _direction(angle)
        held: Tensor = own
        share = _shares(steps).to(y.dtype)[:, None]
        for _ in range(self.order):
            brought = held[steps.edge_index[0]] * share
            asked = torch.zeros_like(held).index_add(0, steps.edge_index[1], brought)
            held = own + _product(passed, asked)
        return held[:, :1]

    def spreads(self, steps: Steps) -> Tensor:
        """Return the standard deviation of each node when judged and as a rival, (2, num_nodes)."""
        deviations: Tensor = _by_degree(self.deviations, steps).exp()
        return deviations


class EncoderScore(Score):
    """Any PyG module ``encoder(x, edge_index)``, and a linear map to one number if it gives more.

    Parameters
    ----------
    encoder : nn.Module
        Gives (num_nodes,), or (num_nodes, out_channels) and has an attribute ``out_channels``.
    in_channels : int
        Number of features.
    """

    learning_rate = 0.005

    def __init__(self, encoder: nn.Module, in_channels: int) -> None:
        from torch_geometric.nn import MessagePassing

        super().__init__()
        self.encoder, self.in_channels = encoder, in_channels
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

    def forward(self, x: Tensor, steps: Steps) -> Tensor:
        """Return float64 (num_nodes, 1)."""
        kind = next((parameter.dtype for parameter in self.encoder.parameters()), x.dtype)
        x = x.reshape(x.shape[0], self.in_channels).to(kind)
        hidden = self.encoder(x, steps.edge_index)
        hidden = (hidden if hidden.ndim == 2 else hidden[:, None]).double()
        scores: Tensor = self.project(hidden)
        return scores


def _empty(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape, dtype=torch.float64))


def _by_degree(weights: Tensor, steps: Steps) -> Tensor:
    log_degree = torch.log1p(steps.degree)
    powers = torch.stack([torch.ones_like(log_degree), log_degree, log_degree.square()])
    return weights @ powers.to(weights.dtype)


def _shares(steps: Steps) -> Tensor:
    """Return what each entry weighs in the mean over the neighbors of its target."""
    source, target = steps.edge_index[0], steps.edge_index[1]
    share = (1 / steps.degree.clamp(min=1))[target]
    return share.masked_fill(source == target, 0.0)


def _direction(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], 1)


def _product(first: Tensor, second: Tensor) -> Tensor:
    """Multiply complex numbers given as rows (real, imaginary), which every exporter knows."""
    real = first[:, 0] * second[:, 0] - first[:, 1] * second[:, 1]
    imaginary = first[:, 0] * second[:, 1] + first[:, 1] * second[:, 0]
    return torch.stack([real, imaginary], 1)
