"""Why a detector judges a node as it does: the rival that decided."""

from typing import NamedTuple

import torch
from torch import Tensor

from graphmax.nn.heads import Head, NormalHead, log_normal_cdf
from graphmax.nn.rivals import hop_max
from graphmax.nn.scores import GraphFilter, Score
from graphmax.nn.steps import Steps


class Decision(NamedTuple):
    """Why a detector judges a node as it does.

    ``rival`` is the other node of the ball that decided, -1 where there is none; ``margin`` the
    node's score minus the rival's; ``probability`` that the node is a maximum.
    """

    node: int
    rival: int
    margin: float
    probability: float


@torch.no_grad()
def deciding_rivals(score: Score, head: Head, scores: Tensor, steps: Steps) -> Tensor:
    """Return the rival that decides about each node, -1 where there is none.

    Parameters
    ----------
    score, head : Score, Head
        Of the detector.
    scores : Tensor, shape (num_nodes,)
        What is compared.
    steps : Steps
        The graph.

    Returns
    -------
    int64 Tensor, shape (num_nodes,)
        Node indices.
    """
    if not isinstance(score, GraphFilter) or not isinstance(head, NormalHead):
        return hop_max(scores.double(), steps, head.radius).owner[-1]
    own, other = score.spreads(steps)
    source, target = steps.pairs(head.radius)
    apart = (scores[source] - scores[target]) / (own[target] ** 2 + other[source] ** 2).sqrt()
    return _argmax(log_normal_cdf(apart), source, target, scores.shape[0])


def _argmax(weight: Tensor, source: Tensor, target: Tensor, num_nodes: int) -> Tensor:
    top = weight.new_full((num_nodes,), -torch.inf).scatter_reduce(0, target, weight, "amax")
    candidates = torch.where(weight == top[target], source, num_nodes)
    nobody = torch.full((num_nodes,), num_nodes, device=weight.device)
    found = nobody.scatter_reduce(0, target, candidates, "amin")
    return torch.where(found == num_nodes, -1, found)
