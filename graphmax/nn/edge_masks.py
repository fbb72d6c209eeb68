"""Edge masks of explainers: how much of what passes along an edge arrives.

PyG's explainers give a mask to every `MessagePassing` layer of a model. A detector has one more of
them, of which nothing but the mask is used: without it the compiled loops answer as ever, with it
the rounds below do, from torch operations.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from graphmax.nn.steps import MOST_PAIRS, Steps, turned


def receiver() -> Any:
    """Return a layer that explainers give their mask to; None as long as no explainer can exist."""
    layers = sys.modules.get("torch_geometric.nn")
    return None if layers is None else layers.SimpleConv()


def mask_given(layer: Any, edge_index: Any) -> Tensor | None:
    """Return what a layer was given, float64 (entries,) from 0 to 1; None out of explanations."""
    if layer is None or layer.explain is not True or layer._edge_mask is None:
        return None
    mask: Tensor = layer._edge_mask.double()
    if not isinstance(edge_index, Tensor) or edge_index.shape[1] != mask.numel():
        raise ValueError(
            f"`edge_index` must be the tensor that is explained, of {mask.numel()} entries, got "
            f"{type(edge_index).__name__}; without explanations clear the masks "
            "(torch_geometric.explain.algorithm.utils.clear_masks)"
        )
    return mask.sigmoid() if layer._apply_sigmoid else mask


def masked(steps: Steps, edge_index: Tensor, mask: Tensor, direction: str) -> Steps:
    """Return steps with a mask of their own entries; of an entry that is repeated the largest."""
    entries = turned(edge_index, direction).long()
    mask = torch.cat([mask, mask]) if direction == "both" else mask
    proper = entries[0] != entries[1]
    at = steps.places(entries[:, proper])
    own = mask.new_zeros(steps.edge_index.shape[1])
    own = own.scatter_reduce(0, at, mask[proper], "amax", include_self=False)
    return steps.replaced(mask=own)


@contextmanager
def aligned(encoder: nn.Module, steps: Steps) -> Iterator[None]:
    """For a call, give the layers of an encoder the mask of the entries that they are called with.

    What an explainer set belongs to the edges in the user's order, with loops and repeats.
    """
    if steps.mask is None:
        yield
        return
    from torch_geometric.nn import MessagePassing

    layers = [m for m in encoder.modules() if isinstance(m, MessagePassing) and m.explain is True]
    given = [(layer._edge_mask, layer._loop_mask, layer._apply_sigmoid) for layer in layers]
    try:
        for layer in layers:
            _set(layer, steps.mask, torch.ones_like(steps.mask, dtype=torch.bool), False)
        yield
    finally:
        for layer, before in zip(layers, given, strict=True):
            _set(layer, *before)


def _set(layer: Any, mask: Any, loop_mask: Any, apply_sigmoid: bool) -> None:
    del layer._edge_mask  # a parameter must not be assigned over by a tensor
    layer._edge_mask, layer._loop_mask, layer._apply_sigmoid = mask, loop_mask, apply_sigmoid


def damped(score: Tensor, share: Tensor, low: Tensor) -> Tensor:
    """Return ``low + share * (score - low)``, exact for shares of 1; infinite scores stay."""
    finite = score.isfinite()
    calm = score.masked_fill(~finite, 0.0)
    return torch.where(finite, calm - (1 - share) * (calm - low), score)


def masked_rivals(scores: Tensor, steps: Steps, hops: int) -> tuple[Tensor, Tensor]:
    """Return value and owner of the highest *other* score that arrives within 1 to `hops` hops.

    As `hop_max` of one column, (hops, num_nodes) each, num_nodes for no owner; along every edge a
    score is brought nearer to the lowest one by the mask. The value is exactly what arrives. Its
    gradient is that of the rival of the whole graph along its best way: what arrives first where
    all masks are about equal is an accident, and explainers go by the first gradient.
    """
    finite = scores.detach()[scores.detach().isfinite()]
    low = finite.min() if finite.numel() else scores.new_zeros(())
    padded = torch.cat([scores, scores.new_full((1,), -torch.inf)])
    with torch.no_grad():
        arrived, share = _rounds(padded, steps, hops, low)
        exact = damped(padded[arrived], share, low)
    owner, share = _rounds(padded, steps, hops, None)
    value = damped(padded[owner], share, low)
    shifted = value + (exact - value).detach()
    return torch.where(value == exact, value, shifted), arrived


def _rounds(padded: Tensor, steps: Steps, hops: int, low: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return who is highest among the others, and which share of it arrives.

    Every node holds the two best owners and passes them on. They are compared by what arrives or,
    without `low`, by their scores; of an owner the largest share counts.
    """
    num_nodes = steps.num_nodes
    node = torch.arange(num_nodes, device=padded.device)
    source, target = (torch.cat([end, node]) for end in steps.edge_index)
    gate = torch.cat([_mask_of(steps), padded.new_ones(num_nodes)]).to(padded.dtype)
    into = torch.cat([target, target])
    best, best_share = node, padded.new_ones(num_nodes)
    next_best, next_share = torch.full_like(node, num_nodes), padded.new_zeros(num_nodes)
    owners, shares = [], []
    for _ in range(hops):
        offered = torch.cat([best[source], next_best[source]])
        ways = torch.cat([gate * best_share[source], gate * next_share[source]])
        key = padded[offered].detach()
        key = key if low is None else damped(key, ways, low)
        best, best_share = _best(key, offered, ways, into, num_nodes)
        other = offered != best[into]
        key = key.masked_fill(~other, -torch.inf)
        offered = torch.where(other, offered, num_nodes)
        next_best, next_share = _best(key, offered, ways, into, num_nodes)
        own = best == node
        owners.append(torch.where(own, next_best, best))
        shares.append(torch.where(own, next_share, best_share))
    return torch.stack(owners), torch.stack(shares)


def _best(
    key: Tensor, offered: Tensor, ways: Tensor, into: Tensor, num_nodes: int
) -> tuple[Tensor, Tensor]:
    """Return the owner of the largest key, the lowest of several, and its largest share."""
    top = key.new_full((num_nodes,), -torch.inf).scatter_reduce(0, into, key, "amax")
    candidates = torch.where(key == top[into], offered, num_nodes)
    nobody = torch.full_like(into[:1], num_nodes).expand(num_nodes).contiguous()
    owner = nobody.scatter_reduce(0, into, candidates, "amin")
    its = ways.masked_fill(offered != owner[into], 0.0)
    return owner, torch.zeros_like(top).scatter_reduce(0, into, its, "amax")


def shares_within(steps: Steps, hops: int) -> Tensor:
    """Return the share that arrives along the best way of every pair, in the order of `pairs`."""
    mask, num_nodes = _mask_of(steps), steps.num_nodes
    if hops == 1:
        return mask
    order = torch.argsort(steps.edge_index[0], stable=True)
    targets, gates = steps.edge_index[1][order], mask[order]
    count = torch.bincount(steps.edge_index[0], minlength=num_nodes)
    start = count.cumsum(0) - count
    known, share = steps.codes(steps.edge_index), mask
    for _ in range(hops - 1):
        end = known // num_nodes
        pair = torch.repeat_interleave(count[end])
        if pair.numel() > MOST_PAIRS:
            raise MemoryError(
                f"`hops` must leave at most 2**28 ways of nodes within reach, got more at {hops}; "
                "explain a smaller graph, for example the ball of the node"
            )
        step = torch.arange(pair.numel(), device=pair.device)
        before = count[end].cumsum(0) - count[end]
        place = step - before[pair] + start[end[pair]]
        origin, last = (known % num_nodes)[pair], targets[place]
        apart = origin != last
        codes = torch.cat([known, (last * num_nodes + origin)[apart]])
        ways = torch.cat([share, (share[pair] * gates[place])[apart]])
        known, inverse = torch.unique(codes, return_inverse=True)
        share = ways.new_zeros(known.numel()).scatter_reduce(0, inverse, ways, "amax")
    return share[torch.searchsorted(known, steps.codes(steps.pairs(hops)))]


def _mask_of(steps: Steps) -> Tensor:
    if steps.mask is None:
        raise ValueError("`steps` must have a mask, got none")
    return steps.mask
