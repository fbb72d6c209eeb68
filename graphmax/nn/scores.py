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

    Member i maps features x to ``w3 . f(W2 f(W1 x))`` with f = SiLU, bias inside, none at the end:
    a constant added to every score changes no comparison.

    Parameters
    ----------
    in_channels : int
        Number of features.
    width : int, default 64
        Hidden units of each layer.
    members : int, default 8
        Number of networks.
    """

    epochs = 150
    weight_decay = 0.1

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
            hidden = functional.silu(hidden @ weight + bias)
        opinions: Tensor = (hidden @ self.weights[2]).squeeze(-1).T / self.spread
        return opinions


class GraphFilter(Score):
    """A learned smoother of a noisy attribute: s = sum_j g_j(d) P^j y with P = D^-1 A.

    The gains depend on the degree d of the node, g_j(d) = a_j + b_j l + c_j l^2 with
    l = log(1 + d), and so do two standard deviations a node, one for the node that is judged and
    one for the same node as somebody's rival.

    Parameters
    ----------
    order : int, default 8
        Largest power of P: how far a node looks.
    """

    learning_rate = 0.03
    epochs = 300

    def __init__(self, order: int = 8) -> None:
        super().__init__()
        self.order = self.receptive_hops = order
        self.gains = _empty(order + 1, 3)
        self.deviations = _empty(2, 3)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros((), dtype=torch.float64))
        self.register_buffer("std", torch.ones((), dtype=torch.float64))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Start from a mild average over the near nodes; `generator` is not needed."""
        del generator
        nn.init.zeros_(self.gains)
        nn.init.zeros_(self.deviations)
        self.gains.data[:, 0] = 0.5 ** torch.arange(1, self.order + 2)
        self.deviations.data[:, 0] = -1.0

    def adapt(self, x: Tensor) -> None:
        """Take mean and deviation of the attribute from training data."""
        self.mean.copy_(x.double().mean())
        std = x.double().std(unbiased=False)
        self.std.copy_(torch.where(std > 0, std, torch.ones_like(std)))

    def forward(self, x: Tensor, steps: Steps) -> Tensor:
        """Return the smoothed attribute, (num_nodes, 1)."""
        y = (x.reshape(-1).to(self.mean.dtype) - self.mean) / self.std
        gains = _powers(steps).to(self.gains.dtype) @ self.gains.T
        return (gains * self._smoothed(y, steps)).sum(1, keepdim=True)

    def _smoothed(self, y: Tensor, steps: Steps) -> Tensor:
        # While training, the same y passes through the same graph in every epoch.
        if torch.compiler.is_compiling() or y.requires_grad:
            return self.powers_of(y, steps)
        known, powers = steps.memo.get("powers", (None, None))
        if known is None or not torch.equal(known, y) or powers.shape[1] != self.order + 1:
            powers = self.powers_of(y, steps)
            steps.memo["powers"] = y, powers
        smoothed: Tensor = powers
        return smoothed

    def powers_of(self, y: Tensor, steps: Steps) -> Tensor:
        """Return y, P y, ..., P^order y as columns."""
        source, target = steps.edge_index[0], steps.edge_index[1]
        share = (1 / steps.degree.clamp(min=1))[target].to(y.dtype)
        share = share.masked_fill(source == target, 0.0)
        columns = [y]
        for _ in range(self.order):
            moved = columns[-1][source] * share
            columns.append(torch.zeros_like(y).index_add(0, target, moved))
        return torch.stack(columns, 1)

    def spreads(self, steps: Steps) -> Tensor:
        """Return the standard deviation of each node when judged and as a rival, (2, num_nodes)."""
        return (self.deviations @ _powers(steps).to(self.deviations.dtype).T).exp()


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


def _powers(steps: Steps) -> Tensor:
    log_degree = torch.log1p(steps.degree)
    return torch.stack([torch.ones_like(log_degree), log_degree, log_degree.square()], 1)
