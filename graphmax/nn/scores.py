"""Scores: from what is known of a node to the one number that its ball is compared by."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphmax.checks import integer
from graphmax.nn.steps import Steps


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

    ``in_channels`` is the width of the features, ``members`` how many opinions there are,
    ``receptive_hops`` how far a score looks, ``exact`` whether it is right without training,
    ``doubts`` whether it gives deviations; the others are what `fit` starts from.
    """

    in_channels: int = 1
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
    """

    learning_rate = 0.005

    def __init__(self, encoder: nn.Module, in_channels: int) -> None:
        from torch_geometric.nn import MessagePassing

        super().__init__()
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
        hidden = self.encoder(x, steps.edge_index)
        hidden = (hidden if hidden.ndim == 2 else hidden[:, None]).double()
        return Scored(self.project(hidden))

    def config(self) -> dict[str, Any]:
        """Return the width of the features; the encoder itself is given again."""
        return {"in_channels": self.in_channels, "encoder": type(self.encoder).__name__}


def zeros(*shape: int) -> nn.Parameter:
    """Return a float64 parameter that is still to be drawn."""
    return nn.Parameter(torch.zeros(shape, dtype=torch.float64))
