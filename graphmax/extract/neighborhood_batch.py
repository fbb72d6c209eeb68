"""Batches of rooted subgraphs of one graph or of several, and the labels of their roots."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import first_five, is_tensor, to_numpy
from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.node_values import graph_and_attribute
from graphmax.notebook import fact_table
from graphmax.rule import FilledRule
from graphmax.ties import TIES
from graphmax.values import Attribute, order_key, read_attribute


@dataclass(frozen=True)
class GraphUnion:
    """The union, its attribute (None without values), and at which node each graph starts."""

    graph: Graph
    attribute: Attribute | None
    starts: NDArray[np.int64]

    def number(self, columns: Any, name: str) -> NDArray[np.int64]:
        """Return node indices of each graph as those of the union; None takes all of a graph."""
        parts = [
            np.arange(count) if column is None else _indices(column)
            for column, count in zip(
                _one_each(columns, name, self.starts.size - 1), np.diff(self.starts), strict=True
            )
        ]
        for part, count in zip(parts, np.diff(self.starts), strict=True):
            if part.size and part.dtype.kind in "iu" and not 0 <= part.min() <= part.max() < count:
                raise ValueError(
                    f"`{name}` must hold node indices of each graph, got {part.min()} to "
                    f"{part.max()} where it has {count} nodes"
                )
        shifted = [part + start for part, start in zip(parts, self.starts, strict=False)]
        return np.concatenate(shifted) if shifted else np.empty(0, np.int64)

    def join(self, columns: Any, name: str) -> NDArray[Any] | None:
        """Return one column per graph end to end, None where there is none."""
        if columns is None:
            return None
        return np.concatenate(
            [to_numpy(column) for column in _one_each(columns, name, self.starts.size - 1)]
        )


def _indices(column: Any) -> NDArray[Any]:
    array = to_numpy(column)
    return array if array.size else np.empty(0, np.int64)


def union_of(graphs: Sequence[Any], values: Any) -> GraphUnion:
    """Put graphs side by side, without an edge between them."""
    if not graphs:
        raise ValueError("`graph` must be at least one graph, got an empty list")
    names = isinstance(values, str) or values is None
    columns = [values] * len(graphs) if names else _one_each(values, "values", len(graphs))
    if values is None:
        parts, attributes = [as_graph(graph) for graph in graphs], []
    else:
        resolved = [
            graph_and_attribute(graph, column)
            for graph, column in zip(graphs, columns, strict=True)
        ]
        parts, attributes = [graph for graph, _ in resolved], [column for _, column in resolved]
    starts = np.cumsum([0, *(graph.num_nodes for graph in parts)])
    return GraphUnion(_side_by_side(parts, starts), _end_to_end(attributes), starts)


def _one_each(columns: Any, name: str, count: int) -> list[Any]:
    listed = [None] * count if columns is None else list(columns)
    if len(listed) != count:
        raise ValueError(
            f"`{name}` must have one entry per graph ({count}), got {len(listed)}; with a list of "
            "graphs pass a list of arrays"
        )
    return listed


def _side_by_side(parts: list[Graph], starts: NDArray[np.int64]) -> Graph:
    if len({graph.directed for graph in parts}) > 1:
        raise ValueError("`graph` must be all directed or all undirected, got some of each")
    weighted = {graph.weights is not None for graph in parts}
    if len(weighted) > 1:
        raise ValueError("`graph` must all have weights or none, got some of each")
    entries = np.cumsum([0, *(graph.indices.size for graph in parts)])
    indptr = [graph.indptr[:-1] + at for graph, at in zip(parts, entries, strict=False)]
    indices = [graph.indices + at for graph, at in zip(parts, starts, strict=False)]
    weights = [graph.weights for graph in parts if graph.weights is not None]
    return Graph(
        np.concatenate([*indptr, entries[-1:]]),
        np.concatenate(indices).astype(np.int32),
        np.concatenate(weights) if weights else None,
        directed=parts[0].directed,
    )


def _end_to_end(attributes: list[Attribute]) -> Attribute | None:
    if not attributes:
        return None
    dtypes = {attribute.array.dtype for attribute in attributes}
    if len(dtypes) > 1:
        listed = ", ".join(sorted(map(str, dtypes)))
        raise TypeError(f"`values` must have one dtype in all graphs, got {listed}; cast them")
    missing = None
    if any(attribute.missing is not None for attribute in attributes):
        missing = np.concatenate(
            [
                np.zeros(attribute.array.shape, np.bool_)
                if attribute.missing is None
                else attribute.missing
                for attribute in attributes
            ]
        )
    array = np.concatenate([attribute.array for attribute in attributes])
    return Attribute(array, attributes[0].name, missing, attributes[0].restore)


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
