"""The operator under everything that learns: the highest *other* node within k hops.

On CPU compiled loops find who holds the maximum and torch gathers it; elsewhere, while torch
compiles and in exports, the same rounds run as scatter operations.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphmax.adjacency import Adjacency
from graphmax.checks import integer
from graphmax.graph import Graph
from graphmax.kernels.hopmax import hop_max as compiled_rounds
from graphmax.machine import free_memory
from graphmax.nn.steps import Steps, masked_rivals
from graphmax.values import order_key

_SMALL_ANSWER = 2**20
_EVERYBODY = np.zeros(0, np.bool_)


class HopMax(NamedTuple):
    """The largest score among the other nodes of a ball, and who holds it.

    ``value`` and ``owner`` have shape (hops, num_nodes), or (hops, num_nodes, C) for C columns of
    scores; row k - 1 answers for k hops. -inf and -1 where the ball holds no other node.
    """

    value: Tensor
    owner: Tensor


def hop_max(scores: Tensor, edge_index: Tensor | Graph | Adjacency | Steps, hops: int) -> HopMax:
    """Find the largest score among the *other* nodes of every ball, for 1 to `hops` hops.

    ``value[k - 1, v]`` is the maximum of ``scores[u]`` over u != v with d(v, u) <= k, and
    ``owner[k - 1, v]`` is the u that holds it, the lowest index of several: the rival of v.

    Parameters
    ----------
    scores : floating Tensor, shape (num_nodes,) or (num_nodes, C)
        One number a node, or C of them, each column on its own; no NaN.
    edge_index : int64 Tensor (2, entries), Graph or Adjacency
        Counted steps: entry (u, v) puts u into the 1-hop ball of v, as messages flow. A `Graph`
        stands for its rows of in-neighbors, an `Adjacency` for its own.
    hops : int
        Largest hop count, at least 1; every smaller one is answered on the way.

    Returns
    -------
    HopMax
        ``value`` (dtype of `scores`) and ``owner`` (int64), both of shape (hops, num_nodes) or
        (hops, num_nodes, C).

    Raises
    ------
    TypeError
        If `scores` is not floating or `edge_index` or `hops` not integer.
    ValueError
        If a shape is wrong, an index or `hops` is out of range, or a score is NaN.
    MemoryError
        If a row for each of so many hops does not fit into the free memory.

    Notes
    -----
    The gradient goes to the owner. Rounds end when nothing changes. On CPU a compiled kernel:
    O(n log n + hops * m) time, 28 bytes a node besides the rows, which are built first where an
    edge_index is given; on other devices, under ``torch.compile`` and in exports the same rounds
    as scatter operations.

    Examples
    --------
    >>> import torch
    >>> from graphmax.nn import hop_max
    >>> scores = torch.tensor([3.0, 1.0, 2.0, -1.0])
    >>> value, owner = hop_max(scores, torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 2)
    >>> owner
    tensor([[ 1,  0,  1, -1],
            [ 2,  0,  0, -1]])
    """
    if not torch.compiler.is_compiling():
        check_scores(scores)
        hops = integer(hops, "hops", 1)
        _check_room(scores, hops)
    steps = Steps.of(edge_index, scores.shape[0])
    if steps.mask is not None:
        return _masked(scores, steps, hops)
    rows = steps.rows
    if rows is None or torch.compiler.is_compiling() or scores.device.type != "cpu":
        return by_scatter(scores, steps.edge_index.to(scores.device), hops)
    value, owner = _Compiled.apply(scores, rows.indptr, rows.indices, hops)  # type: ignore[no-untyped-call]
    return HopMax(value, owner)


def _check_room(scores: Tensor, hops: int) -> None:
    """Refuse more rows than the free memory holds: they would repeat the last one."""
    row = max(scores.numel(), 1) * (scores.element_size() + torch.int64.itemsize)
    if hops * row > _SMALL_ANSWER and hops > (most := free_memory() // row):
        raise MemoryError(
            f"`hops` must be at most {most}, because each is a row of {row} bytes in the answer, "
            f"got {hops}; rows beyond the longest shortest path repeat the last"
        )


def check_scores(scores: Tensor) -> None:
    """Refuse scores that have no order or no node axis."""
    if not scores.is_floating_point():
        raise TypeError(f"`scores` must be floating point, got {scores.dtype}")
    if scores.ndim not in (1, 2):
        shape = tuple(scores.shape)
        raise ValueError(f"`scores` must have shape (num_nodes,) or (num_nodes, C), got {shape}")
    if torch.isnan(scores).any():
        node = int(torch.isnan(scores).reshape(len(scores), -1).any(1).nonzero()[0])
        raise ValueError(f"`scores` must not be NaN, got NaN at node {node}")


def _masked(scores: Tensor, steps: Steps, hops: int) -> HopMax:
    columns = scores if scores.ndim == 2 else scores[:, None]
    each = [masked_rivals(column, steps, hops) for column in columns.T]
    shape = hops, *scores.shape
    value, owner = (torch.stack([pair[i] for pair in each], -1).reshape(shape) for i in (0, 1))
    return HopMax(value, torch.where(owner == scores.shape[0], -1, owner))


def by_scatter(scores: Tensor, edge_index: Tensor, hops: int) -> HopMax:
    """Answer `hop_max` by scatter operations, unchecked, to the same bits."""
    if scores.ndim == 1:
        return _gather(scores, owners_by_scatter(scores, edge_index, hops))
    columns = [_gather(column, owners_by_scatter(column, edge_index, hops)) for column in scores.T]
    value = torch.stack([column.value for column in columns], -1)
    return HopMax(value, torch.stack([column.owner for column in columns], -1))


def _gather(scores: Tensor, owner: Tensor) -> HopMax:
    nobody = owner == scores.shape[0]
    padded = torch.cat([scores, scores.new_full((1,), -torch.inf)])
    return HopMax(padded[owner], torch.where(nobody, -1, owner))


def owners_by_scatter(scores: Tensor, edge_index: Tensor, hops: int) -> Tensor:
    """Return the rival within 1..hops, (hops, num_nodes); num_nodes where there is none."""
    scores = scores.detach()
    num_nodes = scores.shape[0]
    node = torch.arange(num_nodes, device=scores.device)
    best, second = node, torch.full_like(node, num_nodes)
    source = torch.cat([edge_index[0], node])
    target = torch.cat([edge_index[1], node])
    padded = torch.cat([scores, scores.new_full((1,), -torch.inf)])
    owner = []
    rounds = hops if torch.compiler.is_compiling() else min(hops, max(num_nodes, 1))
    for _ in range(rounds):
        owners = torch.cat([best[source], second[source]])
        into = torch.cat([target, target])
        best = _highest(padded, owners, into, num_nodes)
        owners = torch.where(owners == best[into], num_nodes, owners)
        second = _highest(padded, owners, into, num_nodes)
        owner.append(torch.where(best == node, second, best))
    return _repeating_the_last(torch.stack(owner), hops)


def _repeating_the_last(rows: Tensor, hops: int) -> Tensor:
    """Return a row per hop of the rows up to where nothing changes any more."""
    more = hops - rows.shape[0]
    return torch.cat([rows, rows[-1:].expand(more, *rows.shape[1:])]) if more else rows


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


class _Compiled(torch.autograd.Function):
    """The compiled rounds forward, a scatter of the gradient to the owners backward."""

    @staticmethod
    def forward(
        scores: Tensor, indptr: NDArray[np.int64], indices: NDArray[np.int32], hops: int
    ) -> tuple[Tensor, Tensor]:
        columns = (scores if scores.ndim == 2 else scores[:, None]).detach().T
        owners = [_owners(column, indptr, indices, hops) for column in columns]
        owner = torch.stack(owners, -1).reshape(hops, *scores.shape)
        here = owner >= 0
        flat = owner.clamp(min=0).reshape(-1, *scores.shape[1:])
        if scores.shape[0] == 0:
            return scores.new_empty(owner.shape), owner
        value = scores.gather(0, flat) if scores.ndim == 2 else scores[flat]
        return value.reshape(owner.shape).masked_fill(~here, -torch.inf), owner

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        owner = output[1]
        ctx.mark_non_differentiable(owner)
        ctx.save_for_backward(owner)
        ctx.shape = inputs[0].shape

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Tensor, None, None, None]:
        (owner,) = ctx.saved_tensors
        padded = grad.new_zeros(ctx.shape[0] + 1, *ctx.shape[1:])
        into = torch.where(owner >= 0, owner, ctx.shape[0]).reshape(-1, *ctx.shape[1:])
        summed = padded.scatter_add(0, into, grad.reshape(into.shape))
        return summed[:-1], None, None, None


def _owners(
    column: Tensor, indptr: NDArray[np.int64], indices: NDArray[np.int32], hops: int
) -> Tensor:
    if column.dtype == torch.bfloat16:
        column = column.float()
    key = order_key(column.contiguous().numpy()).key
    rows = compiled_rounds(indptr, indices, key, _EVERYBODY, min(hops, max(key.size, 1)))
    owner = torch.stack([torch.from_numpy(row) for row in rows]).long()
    return _repeating_the_last(owner, hops)
