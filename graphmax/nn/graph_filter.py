"""`GraphFilter`: the posterior mean of a noisy attribute, learned in eighteen numbers."""

from typing import Any

import torch
from torch import Tensor, nn

from graphmax.checks import integer
from graphmax.nn.scores import Score, Scored, zeros
from graphmax.nn.steps import Steps

# Below so many nodes the scale of an attribute is not judged; beyond this factor it is another one.
ENOUGH, FAR = 100, 1.5
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
        if x.numel() < ENOUGH:
            return ""
        values = x.detach().double().reshape(-1)[:: max(1, x.numel() // _MOST_SORTED)]
        low, middle, high = values.quantile(_QUARTILES.to(values.device)).tolist()
        spread = (high - low) / _NORMAL_QUARTILES
        mean, std = float(self.mean), float(self.std)
        if abs(middle - mean) <= std and std / FAR <= spread <= std * FAR:
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
