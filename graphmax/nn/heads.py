"""Heads: from the scores of a ball to the logit that its center is a maximum.

`NormalHead` gives the probability of being highest when every score is uncertain, by quadrature.
"""

import math
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import logsigmoid

from graphmax.checks import integer
from graphmax.kernels.gaussian import logits_of_normal_scores
from graphmax.nn.scores import Scored
from graphmax.nn.steps import Steps, hop_max, shares_within
from graphmax.ties import TIES

LEARN = "learn"
# Logits of certain nodes: finite, so that a loss of one's own never becomes inf - inf.
CERTAIN = 1e30
_DOUBT = -6.0
# The logs of the smallest and the largest number of float64 are within this.
_MOST_LOG = 745.0
_LARGEST_LOG = 709.0
# A node beats two others if it is log(2) units higher; of scores this near none can be.
_NEARLY_ONE = 0.05
_LEAST_SHARE = 1e-300


class Judged(NamedTuple):
    """Logits (num_nodes, members), and which nodes have another node in their 1-hop ball."""

    logits: Tensor
    accompanied: Tensor


class Decided(NamedTuple):
    """Which nodes win, bool (num_nodes, members), and which have another in their 1-hop ball."""

    wins: Tensor
    accompanied: Tensor


class Head(nn.Module):
    """What compares the score of a node with the others of its ball; the base class of one's own.

    A subclass defines ``judge(scores, steps, hops)``, which returns `Judged` for balls of so many
    hops, and may give its own ``rivals``, ``decide`` and ``calibrate``. What it learns beside its
    own parameters stands here: the rate of wrong labels and, with ``hops="learn"``, the radius.

    Parameters
    ----------
    hops : int or "learn", default 1
        Radius of the ball in hops.
    max_hops : int, default 4
        Largest radius that is considered when it is learned.

    Notes
    -----
    While a radius is learned, training mode mixes the *probabilities* of k = 1..max_hops; decisions
    use the radius of the largest share, which is a function of the weights at any moment.
    """

    exact: bool = False
    finite: bool = True
    needs_doubts: bool = False
    learns_hops: bool = True
    has_scale: bool = False

    def __init__(self, hops: int | str = 1, max_hops: int = 4) -> None:
        super().__init__()
        hops = checked_hops(hops)
        self.hops = None if isinstance(hops, str) else hops
        self.max_hops = integer(max_hops, "max_hops", 1) if self.hops is None else self.hops
        self.flip_logit = nn.Parameter(torch.tensor(_DOUBT, dtype=torch.float64))
        if self.hops is None:
            self.mixture = nn.Parameter(torch.zeros(self.max_hops, dtype=torch.float64))

    def reset_parameters(self) -> None:
        """Start anew: labels are right, and every radius has an equal share."""
        nn.init.constant_(self.flip_logit, _DOUBT)
        if self.hops is None:
            nn.init.zeros_(self.mixture)

    @property
    def radius(self) -> int:
        """Radius that decisions use; of a learned one what the weights say."""
        return 1 + int(self.mixture.detach().argmax()) if self.hops is None else self.hops

    @property
    def candidates(self) -> range:
        """The radii to choose from."""
        return range(1, self.max_hops + 1) if self.hops is None else range(self.hops, self.hops + 1)

    @torch.no_grad()
    def prefer(self, hops: int) -> None:
        """Give a radius the largest share."""
        if self.hops is None and self.radius != hops:
            first, second = self.radius - 1, hops - 1
            self.mixture[[first, second]] = self.mixture[[second, first]]
            if self.radius != hops:  # equal shares
                self.mixture[second] += 1.0

    def judge(self, scores: Scored, steps: Steps, hops: int) -> Judged:
        """Judge every column of scores on its own, within so many hops."""
        raise NotImplementedError(f"{type(self).__name__} must define judge(scores, steps, hops)")

    def judge_each(self, scores: Scored, steps: Steps) -> Judged:
        """Judge within every candidate, logits (candidates, num_nodes, members)."""
        each = [self.judge(scores, steps, hops) for hops in self.candidates]
        return Judged(torch.stack([judged.logits for judged in each]), each[0].accompanied)

    def forward(self, scores: Scored, steps: Steps) -> Judged:
        """Judge within the radius in force, or in training mode within all that are considered."""
        if self.hops is not None or not self.training:
            return self.judge(scores, steps, self.radius)
        logits, accompanied = self.judge_each(scores, steps)
        return Judged(_mixed(logits, self.mixture), accompanied)

    def decide(self, scores: Scored, steps: Steps, ties: str) -> Decided:
        """Tell which nodes win: those with a probability above 1/2."""
        del ties
        judged = self.judge(scores, steps, self.radius)
        return Decided(refuse_nan(judged.logits) > 0, judged.accompanied)

    def rivals(self, scores: Scored, steps: Steps) -> Tensor:
        """Return the node that decides about each node, -1 for none, int64 (num_nodes,)."""
        return hop_max(scores.mean.mean(1).double(), steps, _enough(self.radius, steps)).owner[-1]

    def calibrate(self, logits: Tensor) -> None:
        """Take the scale of the logits before training; by default there is none to take."""

    def judge_to_calibrate(self, scores: Scored, steps: Steps) -> Tensor:
        """Return what `calibrate` is given; by default the logits, (num_nodes, members)."""
        judged: Judged = self(scores, steps)
        return judged.logits.masked_fill(~judged.accompanied, CERTAIN)

    def complaint(self, scores: Scored) -> str:
        """Say what is wrong with the scale of scores; asked where `has_scale`, else never."""
        del scores
        return ""

    def rescale(self, log_factor: float) -> None:
        """Multiply the logits by a factor, if the head has a scale; by default it has none."""

    def negative_log_likelihood(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return -log P(label) in nats, where a label is wrong with probability `flip_rate`."""
        toward = torch.where(y.reshape(-1, *[1] * (logits.ndim - 1)), logits, -logits)
        wrong, right = logsigmoid(self.flip_logit), logsigmoid(-self.flip_logit)
        return -torch.logaddexp(wrong - math.log(2), right + logsigmoid(toward))

    @property
    def flip_rate(self) -> float:
        """Learned share of training labels that are wrong, at most 1/2."""
        return float(self.flip_logit.detach().sigmoid() / 2)

    def config(self) -> dict[str, Any]:
        """Return what the constructor is given for a copy."""
        if self.hops is None:
            return {"hops": LEARN, "max_hops": self.max_hops}
        return {"hops": self.hops}

    def extra_repr(self) -> str:
        """Show the parameters."""
        return ", ".join(f"{name}={value!r}" for name, value in self.config().items())


class SignHead(Head):
    """The sign of the margin: logit = a * (s_v - max of the other nodes of the ball), a > 0.

    Parameters
    ----------
    hops : int or "learn", default 1
        Radius of the ball.
    max_hops : int, default 4
        Largest radius that is considered when it is learned.
    """

    exact = True
    finite = False

    def __init__(self, hops: int | str = 1, max_hops: int = 4) -> None:
        super().__init__(hops, max_hops)
        self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def reset_parameters(self) -> None:
        """Start with scale 1."""
        super().reset_parameters()
        nn.init.zeros_(self.log_scale)

    def judge(self, scores: Scored, steps: Steps, hops: int) -> Judged:
        """Return the scaled margin."""
        margin, accompanied = margins(scores.mean, steps, _enough(hops, steps))
        return Judged(self._scaled(margin[-1]), accompanied)

    def judge_each(self, scores: Scored, steps: Steps) -> Judged:
        """Return the scaled margins of all candidates, found in one go."""
        margin, accompanied = margins(scores.mean, steps, self.max_hops)
        return Judged(self._scaled(margin), accompanied)

    def decide(self, scores: Scored, steps: Steps, ties: str) -> Decided:
        """Compare exactly, whatever the weights are."""
        margin, accompanied = margins(scores.mean, steps, _enough(self.radius, steps))
        return Decided(~TIES[ties].challenges(margin[-1], 0.0), accompanied)

    def calibrate(self, logits: Tensor) -> None:
        """Divide by the typical size."""
        _divide(self.log_scale, logits)

    @torch.no_grad()
    def rescale(self, log_factor: float) -> None:
        """Multiply the logits by a factor."""
        self.log_scale.add_(log_factor)

    def _scaled(self, margin: Tensor) -> Tensor:
        # An infinite margin times the scale has a gradient that is not a number.
        finite = margin.isfinite()
        scaled = times_exp(margin.masked_fill(~finite, 0.0), self.log_scale)
        return torch.where(finite, scaled, margin)


class ChoiceHead(Head):
    """Plackett-Luce: the logit is s_v / tau - log sum over the other nodes of exp(s_u / tau).

    Parameters
    ----------
    hops : int or "learn", default 1
        Radius of the ball.
    max_hops : int, default 4
        Largest radius that is considered when it is learned.
    """

    has_scale = True

    def __init__(self, hops: int | str = 1, max_hops: int = 4) -> None:
        super().__init__(hops, max_hops)
        self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def reset_parameters(self) -> None:
        """Start with tau = 1."""
        super().reset_parameters()
        nn.init.zeros_(self.log_scale)

    def judge(self, scores: Scored, steps: Steps, hops: int) -> Judged:
        """Compare with the sum over the others."""
        scaled = times_exp(scores.mean.double(), self.log_scale)
        source, target, loops = ends(steps, hops)
        offered = scaled[source].masked_fill(loops[:, None], -torch.inf)
        if steps.mask is not None:
            offered = offered + shares_within(steps, hops).clamp(min=_LEAST_SHARE).log()[:, None]
        into = target[:, None].expand_as(offered)
        top = torch.full_like(scaled, -torch.inf).scatter_reduce(0, into, offered.detach(), "amax")
        accompanied = top > -torch.inf
        top = top.masked_fill(~accompanied, 0.0)
        total = torch.zeros_like(scaled).index_add(0, target, (offered - top[target]).exp())
        others = total.masked_fill(~accompanied, 1.0).log() + top
        return Judged(scaled - others, accompanied)

    def judge_to_calibrate(self, scores: Scored, steps: Steps) -> Tensor:
        """Return the margins: logits of any scale hold the log of the size of the ball."""
        return margins(scores.mean, steps, _enough(self.radius, steps))[0][-1]

    def calibrate(self, logits: Tensor) -> None:
        """Divide by the typical margin."""
        _divide(self.log_scale, logits)

    @torch.no_grad()
    def complaint(self, scores: Scored) -> str:
        """Say if scores are far nearer to each other than what lets a node beat two others."""
        mean = scores.mean.double()
        spread = float(mean.max() - mean.min()) if mean.numel() else 0.0
        unit = math.exp(min(-float(self.log_scale.detach()), _LARGEST_LOG))
        if not 0 < spread < _NEARLY_ONE * unit:
            return ""
        return (
            f"the scores differ by at most {spread:.3g} where this head tells differences of about "
            f"{unit:.3g} apart, so that no node with two others in its ball can have a probability "
            "above 1/2; bring `x` to the scale that the detector was trained on, train it on this "
            "one, or take head='sign', which compares exactly"
        )


def times_exp(numbers: Tensor, log_factor: Tensor) -> Tensor:
    """Return numbers times exp(log_factor), also where that factor alone is no float64."""
    half = (log_factor.double() / 2).exp()
    return half * (half * numbers)


def margins(mean: Tensor, steps: Steps, hops: int) -> tuple[Tensor, Tensor]:
    """Return the margins within 1..hops, (hops, num_nodes, C), and who has any neighbor."""
    mean = mean.double()
    value, owner = hop_max(mean, steps, hops)
    margin = torch.where(value == mean, torch.zeros_like(value), mean - value)
    return margin, owner[0] >= 0


def _enough(hops: int, steps: Steps) -> int:
    """Return no more hops than the longest shortest path can have."""
    return hops if torch.compiler.is_compiling() else min(hops, max(steps.num_nodes - 1, 1))


def ends(steps: Steps, hops: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pairs within reach, source and target, and which of them are loops."""
    source, target = steps.pairs(hops)
    return source, target, source == target


def refuse_nan(logits: Tensor) -> Tensor:
    """Return logits, refusing NaN: no comparison with it is true."""
    count = int(torch.isnan(logits).sum())
    if count:
        raise ValueError(
            f"`x` must give scores that can be compared, got NaN at {count} nodes; bring it to a "
            "smaller scale, or look whether the weights are finite"
        )
    return logits


def checked_hops(hops: Any) -> int | str:
    """Return a radius, or "learn"."""
    if isinstance(hops, str) and hops != LEARN:
        raise ValueError(f"`hops` must be an integer of at least 1 or 'learn', got {hops!r}")
    return LEARN if isinstance(hops, str) else integer(hops, "hops", 1, hint="or pass 'learn'")


def _mixed(logits: Tensor, mixture: Tensor) -> Tensor:
    """Return the logit of the mixture of probabilities; infinite ones are left as they are."""
    finite = logits.isfinite().all(0)
    calm = logits.masked_fill(~finite, 0.0)
    share = mixture.double().log_softmax(0).reshape(-1, *[1] * (logits.ndim - 1))
    yes = torch.logsumexp(share + logsigmoid(calm), 0)
    no = torch.logsumexp(share + logsigmoid(-calm), 0)
    return torch.where(finite, yes - no, logits[0])


@torch.no_grad()
def _divide(log_scale: nn.Parameter, logits: Tensor) -> None:
    typical = logits.abs().median()
    if typical > 0 and typical.isfinite():
        log_scale.sub_(typical.log().clamp(-_MOST_LOG, _MOST_LOG))


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
        share = None if steps.mask is None else shares_within(steps, hops)
        if mean.device.type == "cpu" and not torch.compiler.is_compiling():
            rows = steps.balls(hops)
            counted = mean.new_empty(0) if share is None else share
            logits = _Compiled.apply(mean, own, other, counted, (rows, self._rule()))  # type: ignore[no-untyped-call]
            return Judged(logits[:, None], torch.from_numpy(np.diff(rows[0]) > 0)[:, None])
        return self._by_tensors(mean, (own, other), ends(steps, hops), share)

    def _by_tensors(
        self,
        mean: Tensor,
        deviations: tuple[Tensor, Tensor],
        pairs: tuple[Tensor, Tensor, Tensor],
        share: Tensor | None,
    ) -> Judged:
        """Judge by torch operations, which every device and exporter has."""
        (own, other), (_, target, loops) = deviations, pairs
        accompanied = torch.zeros_like(mean).index_add(0, target, (~loops).double()) > 0
        levels = mean + self.points.double()[:, None] * own
        yes = self._log_product(levels, mean, other, pairs, share)
        chance = torch.logsumexp(yes + self.log_weights.double()[:, None], 0)
        # 1 - p from its own sum: near p = 1 the difference has no digits left
        no = torch.logsumexp(_log_complement(yes) + self.log_weights.double()[:, None], 0)
        return Judged((chance - no)[:, None], accompanied[:, None])

    def _rule(self) -> tuple[Any, Any]:
        """Return points and logs of weights, float64, wherever the module was moved."""
        return self.points.double().cpu().numpy(), self.log_weights.double().cpu().numpy()

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


class _Compiled(torch.autograd.Function):
    """The logits of compiled loops, which find the slopes on the way where they are wanted."""

    @staticmethod
    def forward(
        ctx: Any, mean: Tensor, own: Tensor, other: Tensor, share: Tensor, asked: Any
    ) -> Tensor:
        (indptr, indices), rule = asked
        *scores, part = (each.detach().contiguous().numpy() for each in (mean, own, other, share))
        logit, of_node, of_rival = logits_of_normal_scores(
            (indptr, indices, part), scores, rule, slopes=any(ctx.needs_input_grad)
        )
        ctx.rows, ctx.shared = (indptr, indices), bool(part.size)
        ctx.save_for_backward(torch.from_numpy(of_node), torch.from_numpy(of_rival))
        return torch.from_numpy(logit)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None, None]:
        (indptr, indices), (of_node, of_rival) = ctx.rows, ctx.saved_tensors
        sizes = torch.from_numpy(np.diff(indptr))
        entries = torch.repeat_interleave(grad, sizes)[:, None] * of_rival
        source = torch.as_tensor(indices.astype(np.int64))  # the rows of a graph are read-only
        rivals = grad.new_zeros(grad.shape[0], 2).index_add(0, source, entries[:, :2])
        own = grad[:, None] * of_node
        of_share = entries[:, 2] if ctx.shared else None
        return own[:, 0] + rivals[:, 0], own[:, 1], rivals[:, 1], of_share, None


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
