"""`NormalHead`: the probability of being highest when every score is uncertain, by quadrature."""

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor

from graphmax.nn.edge_masks import shares_within
from graphmax.nn.heads import Head, Judged, ends
from graphmax.nn.scores import Scored
from graphmax.nn.steps import Steps

QUADRATURE, QUADRATURE_REACH = 16, 3.5
_AT_ONCE = 1 << 24
_LEAST = -1e300
# log of erfc(z) is log(t) - z^2 + polynomial(t) with t = 1 / (1 + z / 2), to 1.2e-7 (Press et al.)
_TAIL = (
    -1.26551223,
    1.00002368,
    0.37409196,
    0.09678418,
    -0.18628806,
    0.27886807,
    -1.13520398,
    1.48851587,
    -0.82215223,
    0.17087277,
)


class NormalHead(Head):
    """P(v beats every rival) when every score is uncertain, by quadrature.

    With t = m_v + sd_v z, z standard normal, the probability is the mean over z of the product
    over the other nodes u of the ball of Phi((t - m_u) / sd_u). Equal steps from -3.5 to 3.5: with
    as many points Gauss-Hermite errs 10 to 1000 times more where rivals are surer than the node.

    Parameters
    ----------
    hops : int, default 1
        Radius of the ball.
    """

    needs_doubts = True
    learns_hops = False

    def __init__(self, hops: int = 1) -> None:
        super().__init__(hops)
        points = np.linspace(-QUADRATURE_REACH, QUADRATURE_REACH, QUADRATURE)
        weights = np.exp(-(points**2) / 2)
        self.points: Tensor
        self.log_weights: Tensor
        log_weights = np.log(weights / weights.sum())
        self.register_buffer("points", torch.from_numpy(points), persistent=False)
        self.register_buffer("log_weights", torch.from_numpy(log_weights), persistent=False)

    def judge(self, scores: Scored, steps: Steps, hops: int) -> Judged:
        """Judge the smoothed attribute, with the deviations that the score gives."""
        mean, (own, other) = scores.mean[:, 0].double(), _deviations(scores).double()
        source, target, loops = ends(steps, hops)
        accompanied = torch.zeros_like(mean).index_add(0, target, (~loops).double()) > 0
        levels = mean + self.points.double()[:, None] * own
        share = None if steps.mask is None else shares_within(steps, hops)
        yes = self._log_product(levels, mean, other, (source, target, loops), share)
        chance = torch.logsumexp(yes + self.log_weights.double()[:, None], 0)
        # 1 - p from its own sum: near p = 1 the difference has no digits left
        no = torch.logsumexp(_log_complement(yes) + self.log_weights.double()[:, None], 0)
        return Judged((chance - no)[:, None], accompanied[:, None])

    @torch.no_grad()
    def rivals(self, scores: Scored, steps: Steps) -> Tensor:
        """Return the node that most likely beats each node."""
        mean, (own, other) = scores.mean[:, 0], _deviations(scores)
        source, target = steps.pairs(self.radius)
        apart = (mean[source] - mean[target]) / (own[target] ** 2 + other[source] ** 2).sqrt()
        return _argmax(log_normal_cdf(apart), source, target, mean.shape[0])

    def _log_product(
        self,
        levels: Tensor,
        mean: Tensor,
        deviation: Tensor,
        pairs: tuple[Tensor, Tensor, Tensor],
        share: Tensor | None,
    ) -> Tensor:
        source, target, loops = pairs
        rows = []
        step = QUADRATURE
        if not torch.compiler.is_compiling():
            step = max(1, _AT_ONCE // max(source.shape[0], 1))
        for part in torch.split(levels, step):
            beaten = log_normal_cdf((part[:, target] - mean[source]) / deviation[source])
            beaten = beaten.masked_fill(loops, 0.0)
            beaten = beaten if share is None else beaten.clamp(min=_LEAST) * share
            rows.append(torch.zeros_like(part).index_add(1, target, beaten))
        return torch.cat(rows)


def _deviations(scores: Scored) -> Tensor:
    return cast("Tensor", scores.deviation)


def _argmax(weight: Tensor, source: Tensor, target: Tensor, num_nodes: int) -> Tensor:
    """Return the source of largest weight of each target, the lowest of several, -1 for none."""
    top = weight.new_full((num_nodes,), -torch.inf).scatter_reduce(0, target, weight, "amax")
    candidates = torch.where(weight == top[target], source, num_nodes)
    nobody = torch.full((num_nodes,), num_nodes, device=weight.device)
    owner = nobody.scatter_reduce(0, target, candidates, "amin")
    return torch.where(owner == num_nodes, -1, owner)


def _log_complement(log_chance: Tensor) -> Tensor:
    """Return log(1 - exp(a)) for a < 0, finite at 0."""
    log_chance = log_chance.clamp(max=-1e-300)
    near = log_chance > -math.log(2)
    small = torch.log(-torch.expm1(torch.where(near, log_chance, -1.0)))
    large = torch.log1p(-torch.exp(torch.where(near, -1.0, log_chance)))
    return torch.where(near, small, large)


def log_normal_cdf(z: Tensor) -> Tensor:
    """Return log Phi(z); in exported programs from operations that every runtime has, to 2e-7.

    The exported form is `erfcc` of Press et al., Numerical Recipes in C, section 6.2.
    """
    return approximate_log_normal_cdf(z) if torch.compiler.is_exporting() else _log_ndtr(z)


def _log_ndtr(z: Tensor) -> Tensor:
    return cast("Tensor", torch.special.log_ndtr(z))


def approximate_log_normal_cdf(z: Tensor) -> Tensor:
    """Return log Phi(z) to 7 digits, from elementary functions."""
    away = torch.where(z < 0, -z, z) / math.sqrt(2)
    t = 1 / (1 + away / 2)
    polynomial = torch.full_like(t, _TAIL[-1])
    for coefficient in _TAIL[-2::-1]:
        polynomial = polynomial * t + coefficient
    log_tail = torch.log(t) - away.square() + polynomial - math.log(2)
    return torch.where(z < 0, log_tail, torch.log1p(-log_tail.exp()))
