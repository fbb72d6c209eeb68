"""Neighborhoods as matrices, padded to the largest ball."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.extract.neighborhood_batch import NeighborhoodBatch, challengers, plain
from graphmax.extract.sparse_layout import SparseNeighborhoods
from graphmax.values import read_attribute


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
        stands = challengers(*flat, self.rule).reshape(mask.shape)
        challenged: NDArray[np.bool_] = (stands & mask).any(axis=1)
        return challenged


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


def padded(sparse: SparseNeighborhoods) -> DenseNeighborhoods:
    """Lay neighborhoods out as matrices of the size of the largest."""
    sizes = np.diff(sparse.ptr)
    shape = (len(sparse), int(sizes.max(initial=1)))
    place = np.arange(sparse.node.size) - sparse.ptr[:-1][sparse.batch]
    return DenseNeighborhoods(
        root=sparse.root, degree=sparse.degree, cut=sparse.cut, rule=sparse.rule,
        adjacency=_matrices(sparse, place, shape),
        values=_column(sparse.values, (sparse.batch, place), shape, 0),
        mask=np.arange(shape[1]) < sizes[:, None],
        node=_column(sparse.node, (sparse.batch, place), shape, -1),
        distance=_column(sparse.distance, (sparse.batch, place), shape, np.inf),
    )  # fmt: skip


def _matrices(
    sparse: SparseNeighborhoods, place: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[Any]:
    weights = sparse.edge_weight
    if weights is not None and not weights.all():
        raise ValueError(
            '`layout="dense"` must not be used with a weight of 0, which is no entry of a matrix, '
            f'got {int((weights == 0).sum())}; use layout="sparse"'
        )
    kind = np.float32 if weights is None else np.float64
    matrices = np.zeros((*shape, shape[1]), kind)
    src, dst = sparse.edge_index
    matrices[sparse.batch[dst], place[src], place[dst]] = 1 if weights is None else weights
    return matrices


def _column(
    column: NDArray[Any], at: tuple[Any, Any], shape: tuple[int, int], filler: float
) -> NDArray[Any]:
    padded = np.full(shape, np.array(filler).astype(column.dtype))
    padded[at] = column
    return padded
