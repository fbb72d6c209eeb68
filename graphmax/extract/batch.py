"""Batches of rooted subgraphs, sparse or dense, and the labels of their roots."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.rule import Rule
from graphmax.values import order_key, read_attribute

if TYPE_CHECKING:
    from torch_geometric.data import Batch


@dataclass(frozen=True, eq=False, repr=False)
class NeighborhoodBatch(ABC):
    """Neighborhoods of B roots: for each the subgraph induced by its ball, the root first.

    Within a neighborhood nodes stand by distance, then by index. Arrays are tensors on the device
    of the values where these were a tensor, NumPy arrays otherwise.

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

    Examples
    --------
    >>> import graphmax as gm
    >>> batch = gm.neighborhoods(gm.grid_graph(3), [1, 3, 2])
    >>> isinstance(batch, gm.NeighborhoodBatch), batch.labels().tolist()
    (True, [False, True, False])
    """

    root: Any
    degree: Any
    cut: Any
    rule: Rule

    @property
    @abstractmethod
    def layout(self) -> str:
        """``"sparse"`` or ``"dense"``."""

    @property
    @abstractmethod
    def values(self) -> Any:
        """The attribute of every node of every neighborhood."""

    @abstractmethod
    def _challenged(self) -> NDArray[np.bool_]:
        """Return which roots have a challenger in their neighborhood."""

    @abstractmethod
    def _root_values(self) -> NDArray[Any]:
        """Return the attribute of the roots."""

    def __len__(self) -> int:
        return len(self.root)

    def __repr__(self) -> str:
        shape = tuple(self.values.shape)
        cut = int(plain(self.cut).sum())
        told = f"{len(self)} neighborhoods, values {shape}" + f", {cut} cut" * bool(cut)
        return f"{type(self).__name__}({told}, {self.rule})"

    def labels(self, *, allow_cut: bool = False) -> Any:
        """Tell of each root whether it is a local maximum, from its neighborhood alone.

        Parameters
        ----------
        allow_cut : bool, default False
            Answer for balls that `max_nodes` has cut from what is left of them: a "no" is right
            all the same, a "yes" may be wrong.

        Returns
        -------
        bool (B,)
            The label of each root on the whole graph.

        Raises
        ------
        ValueError
            If a ball was cut and `allow_cut` is False.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphmax import neighborhoods
        >>> neighborhoods(nx.path_graph(4), [1, 3, 2, 0], hops=1).labels().tolist()
        [False, True, False, False]
        """
        cut = plain(self.cut)
        if cut.any() and not allow_cut:
            first = ", ".join(map(str, plain(self.root)[cut][:5]))
            raise ValueError(
                f"`max_nodes` must leave a ball whole to label its root, got {int(cut.sum())} cut "
                f"(first roots: {first}); raise max_nodes, or pass allow_cut=True"
            )
        mask = ~self._challenged()
        absent = order_key(self._root_values()).absent
        if absent is not None:
            mask &= ~absent
        if not self.rule.isolated:
            mask &= plain(self.degree) > 0
        return read_attribute(self.root).restore(mask)

    def _map(self, convert: Any) -> Self:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(
            **{
                name: convert(part) if isinstance(part, np.ndarray) else part
                for name, part in parts.items()
            }
        )


@dataclass(frozen=True, eq=False, repr=False)
class SparseNeighborhoods(NeighborhoodBatch):
    """Neighborhoods as one disjoint union, in the names of PyG.

    Parameters
    ----------
    root, degree, cut, rule
        As for `NeighborhoodBatch`.
    x : (N, 1)
        The attribute of the N nodes of all neighborhoods, in its own dtype.
    edge_index : int64 (2, E)
        Source and target of every entry between two nodes of one neighborhood, numbered from 0 to
        N - 1; an undirected edge in both directions. Ordered by target.
    edge_weight : float64 (E,) or None
        Weights of these, None on a graph without.
    batch : int64 (N,)
        The neighborhood each node is in, from 0 to B - 1.
    ptr : int64 (B + 1,)
        Neighborhood i has the nodes ``ptr[i]:ptr[i + 1]``, its root is node ``ptr[i]``.
    node : int64 (N,)
        Index of each node in the whole graph.
    distance : float64 (N,)
        Distance from the root, in hops or, under a radius, in edge weights.
    """

    x: Any
    edge_index: Any
    edge_weight: Any
    batch: Any
    ptr: Any
    node: Any
    distance: Any

    @property
    def layout(self) -> str:
        """``"sparse"``."""
        return "sparse"

    @property
    def values(self) -> Any:
        """The attribute as (N,), a view of `x`."""
        return self.x[:, 0]

    def _root_values(self) -> NDArray[Any]:
        values: NDArray[Any] = plain(self.values)[plain(self.ptr)[:-1]]
        return values

    def _challenged(self) -> NDArray[np.bool_]:
        ptr, batch = plain(self.ptr), plain(self.batch)
        if not len(self):
            return np.zeros(0, np.bool_)
        center = ptr[:-1][batch]
        stands = _challengers(plain(self.values), plain(self.node), center, self.rule)
        return np.logical_or.reduceat(stands, ptr[:-1])

    def to_batch(self) -> "Batch":
        """Return a PyG ``Batch`` that shares the memory of these arrays.

        Returns
        -------
        torch_geometric.data.Batch
            One graph a neighborhood, with ``x, edge_index, batch, ptr, node, distance, root`` and,
            where there are weights, ``edge_weight``.

        Raises
        ------
        TypeError
            If torch has no dtype for the values (times).
        """
        from graphmax.extract.pyg import pyg_batch

        return pyg_batch(self)


@dataclass(frozen=True, eq=False, repr=False)
class DenseNeighborhoods(NeighborhoodBatch):
    """Neighborhoods as matrices, padded to the largest ball of the batch, M nodes.

    Parameters
    ----------
    root, degree, cut, rule
        As for `NeighborhoodBatch`.
    adjacency : (B, M, M)
        Entry (i, u, v) is 1 (float32), or the weight (float64), where neighborhood i has an edge
        u -> v, else 0. Row 0 is the root.
    values : (B, M)
        The attribute in its own dtype, 0 in the padding.
    mask : bool (B, M)
        Which rows hold a node.
    node : int64 (B, M)
        Index of each node in the whole graph, -1 in the padding.
    distance : float64 (B, M)
        Distance from the root, inf in the padding.
    """

    adjacency: Any
    values: Any = None
    mask: Any = None
    node: Any = None
    distance: Any = None

    @property
    def layout(self) -> str:
        """``"dense"``."""
        return "dense"

    def as_matrix(self) -> Any:
        """Return the adjacency neighborhoods with the attribute written on the diagonal.

        Returns
        -------
        (B, M, M)
            In a dtype that holds entries and values exactly.

        Raises
        ------
        TypeError
            If the values are times.
        ValueError
            If no dtype holds weights and values together: integers beyond 2**53.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphmax import neighborhoods
        >>> batch = neighborhoods(nx.path_graph(3), [5, 7, 6], roots=[1], layout="dense")
        >>> batch.as_matrix()
        array([[[7, 1, 1],
                [1, 5, 0],
                [1, 0, 6]]])
        """
        matrix = _entries_like(plain(self.adjacency), plain(self.values))
        diagonal = np.arange(matrix.shape[1])
        matrix[:, diagonal, diagonal] = plain(self.values)
        return read_attribute(self.root).restore(matrix)

    def _root_values(self) -> NDArray[Any]:
        values: NDArray[Any] = plain(self.values)[:, 0]
        return values

    def _challenged(self) -> NDArray[np.bool_]:
        values, mask = plain(self.values), plain(self.mask)
        if not mask.size:
            return np.zeros(len(self), np.bool_)
        center = np.broadcast_to(np.arange(len(self))[:, None] * mask.shape[1], mask.shape)
        flat = values.reshape(-1), plain(self.node).reshape(-1), center.reshape(-1)
        stands = _challengers(*flat, self.rule).reshape(mask.shape)
        challenged: NDArray[np.bool_] = (stands & mask).any(axis=1)
        return challenged


def plain(array: Any) -> NDArray[Any]:
    """Return a tensor as a NumPy array, an array as it is."""
    if isinstance(array, np.ndarray):
        return array
    result: NDArray[Any] = array.detach().cpu().numpy()
    return result


def _challengers(
    values: NDArray[Any], node: NDArray[np.int64], center: NDArray[np.int64], rule: Rule
) -> NDArray[np.bool_]:
    """Tell which nodes challenge the one at position `center` of theirs."""
    key, absent = order_key(values)
    key = ~key if rule.extremum == "min" else key
    other = np.arange(key.size) != center
    stands = key >= key[center] if rule.ties == "strict" else key > key[center]
    if rule.ties == "index":
        stands |= (key == key[center]) & (node < node[center])
    stands &= other
    return stands if absent is None else stands & ~absent


def _entries_like(adjacency: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "mM":
        raise TypeError(
            f"`values` must be numbers to stand in a matrix, got dtype {values.dtype}; "
            "pass values.astype('int64')"
        )
    if adjacency.dtype == np.float32:  # ones and zeros
        kind = np.float32 if values.dtype == bool else values.dtype
        return adjacency.astype(kind)
    if values.dtype.kind in "iu" and values.size and int(abs(values.astype(object)).max()) > 2**53:
        raise ValueError(
            "`values` must be exact in float64 to stand beside weights, got an integer beyond "
            "2**53; pass a graph without weights"
        )
    return adjacency.astype(np.float64)
