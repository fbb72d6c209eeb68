"""Counted steps of a graph, checked once, in the form that each part of a network wants.

Edge masks of explainers say how much of what passes along an edge arrives. PyG's explainers give a
mask to every `MessagePassing` layer of a model. A detector has one more of them, of which nothing
but the mask is used: without it the compiled loops answer as ever, with it the rounds below do,
from torch operations.

The operator under everything that learns is the highest *other* node within k hops. On CPU
compiled loops find who holds the maximum and torch gathers it; elsewhere, while torch compiles and
in exports, the same rounds run as scatter operations.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphmax.checks import integer
from graphmax.graph import Adjacency, Graph
from graphmax.kernels import csr
from graphmax.kernels.ball import others_within
from graphmax.kernels.hopmax import hop_max as compiled_rounds
from graphmax.machine import free_memory
from graphmax.values import order_key

_NO_WEIGHTS = np.empty(0)
MOST_PAIRS = 1 << 28
Rows = tuple[NDArray[np.int64], NDArray[np.int32]]


class Steps:
    """Who is one counted step away from whom, without self-loops and repeats.

    There are `rows`, where the compiled loops serve, or the same as entries (u, v) of an
    `edge_index`: u is in row v.
    """

    def __init__(
        self, num_nodes: int, rows: Adjacency | None = None, edge_index: Tensor | None = None
    ) -> None:
        self.num_nodes = num_nodes
        self.rows = rows
        self._given = edge_index
        self._pairs: dict[int, Tensor] = {}
        self._balls: dict[int, Rows] = {}
        self.mask: Tensor | None = None
        self.edge_attr: Tensor | None = None

    @classmethod
    def of(cls, graph: Any, num_nodes: int, direction: str = "in") -> "Steps":
        """Return the steps of an edge_index, a `Graph`, an `Adjacency` or `Steps`.

        The last two have their direction already. They are rows on CPU, an edge_index elsewhere
        and while torch compiles or exports.
        """
        if isinstance(graph, Steps):
            return graph
        if not isinstance(graph, Tensor):
            rows = graph.adjacency(direction) if isinstance(graph, Graph) else graph
            return cls(_same_length(rows, num_nodes), rows)
        if torch.compiler.is_compiling():
            return cls(num_nodes, edge_index=turned(graph, direction))
        if graph.device.type == "cpu":
            return cls(num_nodes, rows_of(turned(graph, direction), num_nodes))
        check_edge_index(graph, num_nodes)
        return cls(num_nodes, edge_index=_distinct(turned(graph, direction), num_nodes))

    def replaced(self, mask: Tensor | None = None, edge_attr: Tensor | None = None) -> "Steps":
        """Return the same steps with what is given per entry: a share that counts, features."""
        steps = Steps(self.num_nodes, self.rows, self.edge_index)
        steps.mask = self.mask if mask is None else mask
        steps.edge_attr = self.edge_attr if edge_attr is None else edge_attr
        return steps

    def codes(self, entries: Tensor) -> Tensor:
        """Return a number per entry; those of the steps themselves rise."""
        return entries[1] * self.num_nodes + entries[0]

    def places(self, entries: Tensor) -> Tensor:
        """Return where the steps have these entries."""
        return torch.searchsorted(self.codes(self.edge_index), self.codes(entries))

    @property
    def edge_index(self) -> Tensor:
        """The steps as entries (u, v): u is one counted step from v."""
        if self._given is None:  # torch.compile cannot enter a cached_property
            self._given = _entries(self._rows.indptr, self._rows.indices)
        return self._given

    @property
    def degree(self) -> Tensor:
        """Number of steps from each node, float64 (num_nodes,)."""
        if self.rows is not None:
            return torch.from_numpy(np.diff(self.rows.indptr)).double()
        ones = torch.ones_like(self.edge_index[1], dtype=torch.float64)
        proper = ones.masked_fill(self.edge_index[0] == self.edge_index[1], 0.0)
        zeros = proper.new_zeros(self.num_nodes)
        return zeros.index_add(0, self.edge_index[1], proper)

    def pairs(self, hops: int) -> Tensor:
        """Return entries (u, v) for every other node u of the ball of every v.

        There are at most 2**28 of them, sorted by v where compiled loops serve.
        """
        if not torch.compiler.is_compiling():
            hops = min(hops, max(self.num_nodes - 1, 1))  # no path is longer
        if hops == 1:
            return self.edge_index
        if hops not in self._pairs:
            device = "cpu" if self.rows is not None else self.edge_index.device
            self._pairs[hops] = _entries(*self.balls(hops)).to(device)
        return self._pairs[hops]

    def balls(self, hops: int) -> Rows:
        """Return the other nodes of every ball as rows, int64 (n + 1,) and int32 (entries,)."""
        hops = min(hops, max(self.num_nodes - 1, 1))
        if hops == 1:
            return self._rows.indptr, self._rows.indices
        if hops not in self._balls:
            found = others_within(self._rows.indptr, self._rows.indices, hops, MOST_PAIRS)
            if found is None:
                raise MemoryError(
                    "`hops` must leave at most 2**28 pairs of nodes within reach, got more at "
                    f"{hops}; use head='sign', which lists no balls"
                )
            self._balls[hops] = found
        return self._balls[hops]

    @property
    def _rows(self) -> Adjacency:
        return rows_of(self.edge_index, self.num_nodes) if self.rows is None else self.rows


def turned(edge_index: Tensor, direction: str) -> Tensor:
    """Return the entries of the steps that a direction counts."""
    if direction == "in":
        return edge_index
    return (
        edge_index.flip(0) if direction == "out" else torch.cat([edge_index, edge_index.flip(0)], 1)
    )


def check_edge_index(edge_index: Tensor, num_nodes: int) -> None:
    """Refuse an edge_index of another shape or kind, or with a node that is not there."""
    _check_form(edge_index)
    if edge_index.numel() and not 0 <= int(edge_index.min()) <= int(edge_index.max()) < num_nodes:
        outside = ((edge_index < 0) | (edge_index >= num_nodes)).any(0).nonzero()[0]
        raise _outside(edge_index, num_nodes, int(outside))


def _check_form(edge_index: Tensor) -> None:
    if edge_index.ndim != 2 or edge_index.shape[0] != 2:
        raise ValueError(
            f"`edge_index` must have shape (2, entries), got {tuple(edge_index.shape)}"
        )
    if edge_index.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"`edge_index` must be int64 or int32, got {edge_index.dtype}")


def _outside(edge_index: Tensor, num_nodes: int, entry: int) -> ValueError:
    ends = edge_index[:, entry].tolist()
    return ValueError(
        f"`edge_index` must hold node indices from 0 to {num_nodes - 1} (num_nodes - 1), "
        f"got {ends} at entry {entry}"
    )


def rows_of(edge_index: Tensor, num_nodes: int) -> Adjacency:
    """Return an edge_index as rows: entry (u, v) puts u into row v."""
    _check_form(edge_index)
    ends = np.ascontiguousarray(edge_index.detach().cpu().numpy())
    built = csr.build(ends[0], ends[1], _NO_WEIGHTS, num_nodes, False)
    if isinstance(built, int):  # the kernel looks at every index before it uses one
        raise _outside(edge_index, num_nodes, built)
    return Adjacency(built[0], built[1], None)


def _same_length(rows: Adjacency, num_nodes: int) -> int:
    if rows.indptr.size - 1 != num_nodes:
        raise ValueError(f"`x` must have one row a node ({rows.indptr.size - 1}), got {num_nodes}")
    return num_nodes


def _distinct(edge_index: Tensor, num_nodes: int) -> Tensor:
    proper = edge_index[:, edge_index[0] != edge_index[1]]
    code = torch.unique(proper[1].long() * num_nodes + proper[0].long())
    return torch.stack([code % num_nodes, code // num_nodes])


def _entries(indptr: Any, indices: Any) -> Tensor:
    target = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    return torch.from_numpy(np.stack([indices.astype(np.int64), target]))


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


# --- The operator under everything that learns: the highest *other* node within k hops

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
