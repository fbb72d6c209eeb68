"""The rounds of `hop_max` in plain torch operations: any device, compilation and export."""

import torch
from torch import Tensor


def rivals(scores: Tensor, edge_index: Tensor, hops: int) -> Tensor:
    """Return who holds the largest score among the other nodes of each ball.

    Parameters
    ----------
    scores : Tensor, shape (num_nodes,)
        One number a node, without NaN.
    edge_index : int64 Tensor, shape (2, entries)
        Counted steps: entry (u, v) puts u into the 1-hop ball of v.
    hops : int
        Largest hop count.

    Returns
    -------
    int64 Tensor, shape (hops, num_nodes)
        Row k - 1: the rival within k hops, ties to the lowest index; num_nodes where there is none.
    """
    scores = scores.detach()
    num_nodes = scores.shape[0]
    node = torch.arange(num_nodes, device=scores.device)
    best, second = node, torch.full_like(node, num_nodes)
    source = torch.cat([edge_index[0], node])
    target = torch.cat([edge_index[1], node])
    padded = torch.cat([scores, scores.new_full((1,), -torch.inf)])
    found = []
    for _ in range(hops):
        owners = torch.cat([best[source], second[source]])
        into = torch.cat([target, target])
        best = _highest(padded, owners, into, num_nodes)
        owners = torch.where(owners == best[into], num_nodes, owners)
        second = _highest(padded, owners, into, num_nodes)
        found.append(torch.where(best == node, second, best))
    return torch.stack(found)


def _highest(padded: Tensor, owners: Tensor, into: Tensor, num_nodes: int) -> Tensor:
    """Of the owners offered to each node the one of largest score, ties to the lowest index.

    A missing owner is num_nodes, the last entry of `padded`: it loses every tie at -inf.
    """
    offered = padded[owners]
    top = padded.new_full((num_nodes,), -torch.inf)
    top = top.scatter_reduce(0, into, offered, "amax", include_self=True)
    candidates = torch.where(offered == top[into], owners, num_nodes)
    nobody = torch.full_like(into[:1], num_nodes).expand(num_nodes).contiguous()
    return nobody.scatter_reduce(0, into, candidates, "amin", include_self=True)
