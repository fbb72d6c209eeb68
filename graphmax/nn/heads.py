"""Heads: from the scores of a ball to the logit that its center is a maximum."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from graphmax.nn.rivals import hop_max
from graphmax.nn.scores import GraphFilter
from graphmax.nn.steps import Steps

QUADRATURE, QUADRATURE_REACH = 16, 3.5
_AT_ONCE = 1 << 24
# log of erfc(z) is log(t) - z^2 + polynomial(t) with t = 1 / (1 + z / 2), to 1.2e-7 (Press et al.)
_TAIL = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806,
    0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
)  # fmt: skip


class Judged(NamedTuple):
    """Logits, and which nodes have another node in their 1-hop ball."""

    logits: Tensor
    accompanied: Tensor


class Head(nn.Module):
    """What compares the score of a node with the others of its ball, of radius `radius`."""

    radius: int

    def reset_parameters(self) -> None:
        """Start anew; without parameters there is nothing to do."""


class SignHead(Head):
    """The sign of the margin: logit = a * (s_v - max of the other nodes of the ball), a > 0.

    Parameters
    ----------
    hops : int or None
        Radius of the ball; None: to be learned.
    max_hops : int, default 4
        Largest radius that is considered when it is learned.

    Notes
    -----
    While a radius is learned, training mode mixes the *probabilities* of k = 1..max_hops.
    """

    def __init__(self, hops: int | None, max_hops: int = 4) -> None:
        super().__init__()
        self.hops, self.max_hops = hops, max_hops if hops is None else hops
        self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float64))
        self.best: Tensor
        self.register_buffer("best", torch.tensor(hops or 1))
        if hops is None:
            self.mixture = nn.Parameter(torch.zeros(max_hops, dtype=torch.float64))

    def reset_parameters(self) -> None:
        """Start with scale 1 and equal shares of every radius."""
        nn.init.zeros_(self.log_scale)
        if self.hops is None:
            nn.init.zeros_(self.mixture)
            self.best.fill_(1)

    @property
    def radius(self) -> int:  # type: ignore[override]
        """Radius that decisions use."""
        return self.hops if self.hops is not None else int(self.best)

    def margins(self, scores: Tensor, steps: Steps, hops: int) -> tuple[Tensor, Tensor]:
        """Return the margins within 1..hops, (hops, num_nodes, C), and who has any neighbor."""
        scores = scores.double()
        value, owner = hop_max(scores, steps, hops)
        margin = torch.where(value == scores, torch.zeros_like(value), scores - value)
        return margin, owner[0] >= 0

    def forward(self, scores: Tensor, steps: Steps, score: nn.Module) -> Judged:
        """Judge every column of scores on its own."""
        del score
        hops = self.max_hops if self.training and self.hops is None else self.radius
        margin, accompanied = self.margins(scores, steps, hops)
        if self.hops is None and self.training:
            return Judged(self._mixed(margin), accompanied)
        return Judged(self._scaled(margin[-1]), accompanied)

    def _scaled(self, margin: Tensor) -> Tensor:
        # An infinite margin times the scale has a gradient that is not a number.
        finite = margin.isfinite()
        scaled = self.log_scale.double().exp() * margin.masked_fill(~finite, 0.0)
        return torch.where(finite, scaled, margin)

    def _mixed(self, margin: Tensor) -> Tensor:
        logits = self._scaled(margin)
        finite = logits.isfinite().all(0)
        logits = logits.masked_fill(~finite, 0.0)
        share = self.mixture.double().log_softmax(0).reshape(-1, 1, 1)
        yes = torch.logsumexp(share + logsigmoid(logits), 0)
        no = torch.logsumexp(share + logsigmoid(-logits), 0)
        return torch.where(finite, yes - no, margin[0])


class ChoiceHead(Head):
    """Plackett-Luce: the logit is s_v / tau - log sum over the other nodes of exp(s_u / tau).

    Parameters
    ----------
    hops : int
        Radius of the ball.
    """

    def __init__(self, hops: int) -> None:
        super().__init__()
        self.hops = self.radius = hops
        self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def reset_parameters(self) -> None:
        """Start with tau = 1."""
        nn.init.zeros_(self.log_scale)

    def forward(self, scores: Tensor, steps: Steps, score: nn.Module) -> Judged:
        """Judge every column of scores on its own."""
        del score
        scaled = self.log_scale.double().exp() * scores.double()
        source, target, loops = _ends(steps, self.hops)
        offered = scaled[source].masked_fill(loops[:, None], -torch.inf)
        into = target[:, None].expand_as(offered)
        top = torch.full_like(scaled, -torch.inf).scatter_reduce(0, into, offered.detach(), "amax")
        accompanied = top > -torch.inf
        top = top.masked_fill(~accompanied, 0.0)
        total = torch.zeros_like(scaled).index_add(0, target, (offered - top[target]).exp())
        others = total.masked_fill(~accompanied, 1.0).log() + top
        return Judged(scaled - others, accompanied)


class NormalHead(Head):
    """P(v beats every rival) when every score is uncertain, by quadrature.

    With t = m_v + sd_v z, z standard normal, the probability is the mean over z of the product
    over the other nodes u of the ball of Phi((t - m_u) / sd_u). Equal steps from -3.5 to 3.5: with
    as many points Gauss-Hermite errs 10 to 1000 times more where rivals are surer than the node.

    Parameters
    ----------
    hops : int
        Radius of the ball.
    """

    def __init__(self, hops: int) -> None:
        super().__init__()
        self.hops = self.radius = hops
        points = np.linspace(-QUADRATURE_REACH, QUADRATURE_REACH, QUADRATURE)
        weights = np.exp(-(points**2) / 2)
        self.points: Tensor
        self.log_weights: Tensor
        log_weights = np.log(weights / weights.sum())
        self.register_buffer("points", torch.from_numpy(points), persistent=False)
        self.register_buffer("log_weights", torch.from_numpy(log_weights), persistent=False)

    def forward(self, scores: Tensor, steps: Steps, score: GraphFilter) -> Judged:
        """Judge the smoothed attribute, with the deviations that the filter gives."""
        mean, (own, other) = scores[:, 0].double(), score.spreads(steps).double()
        source, target, loops = _ends(steps, self.hops)
        accompanied = torch.zeros_like(mean).index_add(0, target, (~loops).double()) > 0
        levels = mean + self.points.double()[:, None] * own
        yes = self._log_product(levels, mean, other, (source, target, loops))
        chance = torch.logsumexp(yes + self.log_weights.double()[:, None], 0)
        # 1 - p from its own sum: near p = 1 the difference has no digits left
        no = torch.logsumexp(_log_complement(yes) + self.log_weights.double()[:, None], 0)
        return Judged((chance - no)[:, None], accompanied[:, None])

    def _log_product(
        self, levels: Tensor, mean: Tensor, deviation: Tensor, ends: tuple[Tensor, Tensor, Tensor]
    ) -> Tensor:
        source, target, loops = ends
        rows = []
        step = QUADRATURE
        if not torch.compiler.is_compiling():
            step = max(1, _AT_ONCE // max(source.shape[0], 1))
        for part in torch.split(levels, step):
            beaten = log_normal_cdf((part[:, target] - mean[source]) / deviation[source])
            beaten = beaten.masked_fill(loops, 0.0)
            rows.append(torch.zeros_like(part).index_add(1, target, beaten))
        return torch.cat(rows)


def _ends(steps: Steps, hops: int) -> tuple[Tensor, Tensor, Tensor]:
    source, target = steps.pairs(hops)
    return source, target, source == target


def _log_complement(log_chance: Tensor) -> Tensor:
    """Return log(1 - exp(a)) for a < 0, finite at 0."""
    log_chance = log_chance.clamp(max=-1e-300)
    near = log_chance > -math.log(2)
    small = torch.log(-torch.expm1(torch.where(near, log_chance, -1.0)))
    large = torch.log1p(-torch.exp(torch.where(near, -1.0, log_chance)))
    return torch.where(near, small, large)


def log_normal_cdf(z: Tensor) -> Tensor:
    """Return log Phi(z); in exported programs from operations that every runtime has.

    Parameters
    ----------
    z : Tensor
        Any shape.

    Returns
    -------
    Tensor
        Same shape; finite for every finite z that is not astronomically low. The relative error is
        below 2e-7 in exported programs.

    References
    ----------
    Press et al., Numerical Recipes in C, section 6.2, `erfcc`.

    Examples
    --------
    >>> import torch
    >>> [round(value, 3) for value in log_normal_cdf(torch.tensor([0.0, -40.0])).tolist()]
    [-0.693, -804.608]
    """
    return _log_normal_cdf(z) if torch.compiler.is_exporting() else torch.special.log_ndtr(z)


def _log_normal_cdf(z: Tensor) -> Tensor:
    away = torch.where(z < 0, -z, z) / math.sqrt(2)
    t = 1 / (1 + away / 2)
    polynomial = torch.full_like(t, _TAIL[-1])
    for coefficient in _TAIL[-2::-1]:
        polynomial = polynomial * t + coefficient
    log_tail = torch.log(t) - away.square() + polynomial - math.log(2)
    return torch.where(z < 0, log_tail, torch.log1p(-log_tail.exp()))
