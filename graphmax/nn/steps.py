"""Counted steps of a graph, checked once, in the form that each part of a network wants."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphmax.adjacency import Adjacency
from graphmax.graph import Graph
from graphmax.kernels import csr
from graphmax.kernels.ball import others_within

_NO_WEIGHTS = np.empty(0)
MOST_PAIRS = 1 << 28


class Steps:
    """Who is one counted step away from whom, without self-loops and repeats.

    Parameters
    ----------
    num_nodes : int
        Number of nodes.
    rows : Adjacency, optional
        Rows of counted steps, where the compiled loops serve.
    edge_index : int64 Tensor (2, entries), optional
        The same as entries (u, v): u is in row v. One of the two is given.
    """

    def __init__(
        self, num_nodes: int, rows: Adjacency | None = None, edge_index: Tensor | None = None
    ) -> None:
        self.num_nodes = num_nodes
        self.rows = rows
        self._given = edge_index
        self._pairs: dict[int, Tensor] = {}
        self.mask: Tensor | None = None
        self.edge_attr: Tensor | None = None

    @classmethod
    def of(cls, graph: Any, num_nodes: int, direction: str = "in") -> "Steps":
        """Return the steps of an edge_index, a `Graph`, an `Adjacency` or `Steps`.

        Parameters
        ----------
        graph : int64 Tensor (2, entries), Graph, Adjacency or Steps
            Where the steps are; the last two have their direction already.
        num_nodes : int
            Number of nodes.
        direction : {"in", "out", "both"}, default "in"
            Which arrows count.

        Returns
        -------
        Steps
            As rows on CPU, as an edge_index elsewhere and while torch compiles or exports.

        Raises
        ------
        TypeError, ValueError
            If the edge_index has another shape or kind, or an index is out of range.
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

        Parameters
        ----------
        hops : int
            Radius of the balls.

        Returns
        -------
        int64 Tensor (2, entries)
            Sorted by v where compiled loops serve.

        Raises
        ------
        MemoryError
            If there are more than 2**28 of them.
        """
        if not torch.compiler.is_compiling():
            hops = min(hops, max(self.num_nodes - 1, 1))  # no path is longer
        if hops == 1:
            return self.edge_index
        if hops not in self._pairs:
            self._pairs[hops] = self._listed(hops)
        return self._pairs[hops]

    def _listed(self, hops: int) -> Tensor:
        found = others_within(self._rows.indptr, self._rows.indices, hops, MOST_PAIRS)
        if found is None:
            raise MemoryError(
                f"`hops` must leave at most 2**28 pairs of nodes within reach, got more at {hops}; "
                "use head='sign', which lists no balls"
            )
        return _entries(*found).to("cpu" if self.rows is not None else self.edge_index.device)

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
