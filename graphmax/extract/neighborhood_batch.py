"""Batches of rooted subgraphs, sparse or dense, and the labels of their roots."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import first_five, is_tensor, to_numpy
from graphmax.notebook import fact_table
from graphmax.rule import FilledRule
from graphmax.ties import TIES
from graphmax.values import order_key, read_attribute


class Union(NamedTuple):
    """All neighborhoods end to end: values and absentees (N, F), node (N,), ptr (B + 1,)."""

    values: NDArray[Any]
    absent: NDArray[np.bool_] | None
    node: NDArray[np.int64]
    ptr: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NeighborhoodBatch(ABC):
    """Neighborhoods of B roots: for each the subgraph induced by its ball, the root first.

    Within a neighborhood nodes stand by distance, then by index. Arrays are tensors on the device
    of the values where these were a tensor, NumPy arrays otherwise. ``batch[i]`` is the batch of
    the i-th neighborhood alone, ``batch[mask]``, ``batch[2:5]`` and ``batch[[7, 3]]`` those of
    several, and iterating goes through them one by one.

    Parameters
    ----------
    root : int64 (B,)
        The roots, node indices of the whole graph.
    degree : int64 (B,)
        How many neighbors each root has in the whole graph, by counted steps.
    cut : bool (B,)
        Whose ball is larger than `max_nodes`; its farthest nodes are missing.
    rule : Rule
        Which ball, and what "local maximum" means.
    graph : int64 (B,) or None
        Of several graphs, in which one each root is; node indices are those of that graph.
    absent : bool or None
        Which nodes take no part (NaN, missing, outside `where`), None where all do: (N, F) for N
        nodes of a sparse batch and F columns, (B, M) or (B, M, F) for a dense one.

    Examples
    --------
    >>> import graphmax as gm
    >>> batch = gm.neighborhoods(gm.grid_graph(3), [1, 3, 2])
    >>> isinstance(batch, gm.NeighborhoodBatch), batch.labels().tolist()
    (True, [False, True, False])
    >>> [part.node.tolist() for part in batch]
    [[0, 1], [1, 0, 2], [2, 1]]
    """

    root: Any
    degree: Any
    cut: Any
    rule: FilledRule
    graph: Any = None
    absent: Any = None

    @property
    @abstractmethod
    def layout(self) -> str:
        """``"sparse"`` or ``"dense"``."""

    @property
    @abstractmethod
    def values(self) -> Any:
        """The attribute of every node of every neighborhood; None without values."""

    @abstractmethod
    def _ptr(self) -> NDArray[np.int64]:
        """Return where the nodes of each neighborhood start, end to end."""

    @abstractmethod
    def _union(self) -> Union:
        """Return all neighborhoods end to end."""

    @abstractmethod
    def _take(self, places: NDArray[np.int64]) -> Self:
        """Return some of the neighborhoods, in NumPy."""

    def __len__(self) -> int:
        return len(self.root)

    def __getitem__(self, key: Any) -> Self:
        """Return the neighborhood of a number, or those of a slice, a mask or numbers."""
        places = np.arange(len(self))[to_numpy(key) if is_tensor(key) else key]
        return self._take(np.atleast_1d(places))._map(read_attribute(self.root).restore)

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        shape = "none" if self.values is None else tuple(self.values.shape)
        cut = int(to_numpy(self.cut).sum())
        content = f"{len(self)} neighborhoods, values {shape}" + f", {cut} cut" * bool(cut)
        return f"{type(self).__name__}({content}, {self.rule})"

    def _repr_html_(self) -> str:
        """Show what the batch holds in a notebook."""
        sizes = np.diff(self._ptr())
        facts = {
            "neighborhoods": len(self),
            "graphs": None if self.graph is None else np.unique(to_numpy(self.graph)).size,
            "layout": self.layout,
            "values": None if self.values is None else f"{tuple(self.values.shape)}",
            "nodes": f"{sizes.min(initial=0)} to {sizes.max(initial=0)}" if sizes.size else None,
            "cut": int(to_numpy(self.cut).sum()) or None,
            "rule": self.rule,
        }
        return fact_table(facts, type(self).__name__)

    def labels(self, *, allow_cut: bool = False) -> Any:
        """Report, for each root, whether it is a local maximum, from its neighborhood alone.

        Parameters
        ----------
        allow_cut : bool, default False
            Answer for balls that `max_nodes` has cut from what is left of them: a "no" is right
            all the same, a "yes" may be wrong.

        Returns
        -------
        bool (B,) or (B, F)
            The label of each root on the whole graph; of F columns of values one each.

        Raises
        ------
        TypeError
            If the neighborhoods were cut out without values.
        ValueError
            If a ball was cut and `allow_cut` is False.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphmax import neighborhoods
        >>> neighborhoods(nx.path_graph(4), [1, 3, 2, 0], hops=1).labels().tolist()
        [False, True, False, False]
        """
        if self.values is None:
            raise TypeError("`values` must be given for labels, got neighborhoods without values")
        cut = to_numpy(self.cut)
        if cut.any() and not allow_cut:
            first = first_five(to_numpy(self.root)[cut])
            raise ValueError(
                f"`max_nodes` must leave a ball whole to label its root, got {int(cut.sum())} cut "
                f"(first roots: {first}); raise max_nodes, or pass allow_cut=True"
            )
        mask = _unbeaten(self._union(), self.rule)
        if not self.rule.isolated:
            mask &= (to_numpy(self.degree) > 0)[:, None]
        return read_attribute(self.root).restore(mask[:, 0] if mask.shape[1] == 1 else mask)

    def _map(self, convert: Any) -> Self:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(
            **{
                name: convert(part) if isinstance(part, np.ndarray) else part
                for name, part in parts.items()
            }
        )


def _unbeaten(union: Union, rule: FilledRule) -> NDArray[np.bool_]:
    """Report, for each root and column, whether it takes part and nobody challenges it."""
    ptr, width = union.ptr, union.values.shape[1]
    if ptr.size == 1:
        return np.zeros((0, width), np.bool_)
    center = np.repeat(ptr[:-1], np.diff(ptr))
    columns = []
    for column in range(width):
        key, absent = order_key(union.values[:, column])
        if union.absent is not None:
            absent = union.absent[:, column] if absent is None else absent | union.absent[:, column]
        stands = _challengers(key, union.node, center, rule)
        stands = stands if absent is None else stands & ~absent
        mask = ~np.logical_or.reduceat(stands, ptr[:-1])
        columns.append(mask if absent is None else mask & ~absent[ptr[:-1]])
    return np.stack(columns, axis=1)


def _challengers(
    key: NDArray[np.int64], node: NDArray[np.int64], center: NDArray[np.int64], rule: FilledRule
) -> NDArray[np.bool_]:
    """Report which nodes challenge the one at position `center` of theirs."""
    key = ~key if rule.extremum == "min" else key
    other = np.arange(key.size) != center
    stands: NDArray[np.bool_] = TIES[rule.ties].challenges(key[center], key, node[center], node)
    stands &= other
    return stands
