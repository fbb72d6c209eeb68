"""The loss, scales that fit the data, and the choice of a radius."""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from graphmax.nn.detector import PeakDetector
from graphmax.nn.heads import SignHead
from graphmax.training.material import Block


def negative_log_likelihood(logits: Tensor, y: Tensor, doubt: Tensor) -> Tensor:
    """Return -log P(label) where labels are wrong with probability sigmoid(doubt) / 2.

    Parameters
    ----------
    logits : Tensor, shape (n, members)
        Of being a maximum; nodes with an infinite one are not asked about.
    y : bool Tensor, shape (n,)
        Labels.
    doubt : Tensor
        Logit of twice the flip rate.

    Returns
    -------
    Tensor, shape (n, members)
        In nats.
    """
    toward = torch.where(y[:, None], logits, -logits)
    wrong = logsigmoid(doubt)
    return -torch.logaddexp(wrong - math.log(2), logsigmoid(-doubt) + logsigmoid(toward))


def loss_on(detector: PeakDetector, block: Block) -> Tensor:
    """Return the mean loss over the labelled nodes of a block whose margin is finite."""
    logits = detector.member_logits(block.x, block.steps)
    counted = block.mask & logits.isfinite().all(1)
    if not counted.any():
        return logits.new_zeros((), requires_grad=True)
    each = negative_log_likelihood(logits[counted], block.y[counted], detector.doubt)
    return each.mean(0).sum()


@torch.no_grad()
def judged_on(detector: PeakDetector, blocks: list[Block]) -> dict[str, float]:
    """Return loss and average precision on validation graphs."""
    from sklearn.metrics import average_precision_score

    logits = torch.cat([detector(block.x, block.steps) for block in blocks])
    y = torch.cat([block.y for block in blocks])
    counted = logits.isfinite()
    loss = negative_log_likelihood(logits[counted][:, None], y[counted], detector.doubt).mean()
    chance = logits.clamp(-1e300, 1e300).cpu().numpy()
    precision = average_precision_score(y.cpu().numpy(), chance)
    return {"validation_loss": float(loss), "validation_average_precision": float(precision)}


@torch.no_grad()
def choose_hops(detector: PeakDetector, blocks: list[Block]) -> None:
    """Choose the one radius that contradicts the fewest labels; the smallest of equals."""
    head, wrong = detector.head, []
    if not isinstance(head, SignHead) or head.hops is not None:
        return
    for hops in range(1, head.max_hops + 1):
        head.best.fill_(hops)
        wrong.append(sum(_contradicted(detector, block) for block in blocks))
    head.best.fill_(1 + min(range(len(wrong)), key=wrong.__getitem__))


def _contradicted(detector: PeakDetector, block: Block) -> int:
    decided = detector.eval().decide(block.x, block.steps)
    return int((decided != block.y)[block.mask].sum())


@torch.no_grad()
def adapt(detector: PeakDetector, blocks: list[Block]) -> None:
    """Fit scales to the data: of the features, and of the margins that they lead to."""
    detector.score.adapt(torch.cat([block.x for block in blocks]))
    scale = getattr(detector.head, "log_scale", None)
    if scale is None:
        return
    logits = torch.cat([detector.member_logits(b.x, b.steps).reshape(-1) for b in blocks])
    typical = logits[logits.isfinite()].abs().median()
    if typical > 0 and typical.isfinite():
        scale -= typical.log()
