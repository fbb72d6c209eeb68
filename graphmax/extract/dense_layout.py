"""Neighborhoods as matrices, padded to the largest ball or farther."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import to_numpy
from graphmax.extract.neighborhood_batch import NeighborhoodBatch, Union
from graphmax.extract.sparse_layout import SparseNeighborhoods
from graphmax.values import read_attribute


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DenseNeighborhoods(NeighborhoodBatch):
    """Neighborhoods as matrices, padded to the largest ball of the batch or to `pad_to`, M nodes.

    Parameters
    ----------
    root : int64 (B,)
        The roots, node indices of the whole graph.
    degree : int64 (B,)
        How many neighbors each root has in the whole graph.
    cut : bool (B,)
        Whose ball is larger than `max_nodes`.
    rule : Rule
        Which ball, and what "local maximum" means.
    graph : int64 (B,) or None
        Of several graphs, in which one each root is.
    absent : bool or None
        Which nodes take no part, in the shape of the values.
    adjacency : (B, M, M)
        Entry (i, u, v) is 1 (float32), or the weight (float64), where neighborhood i has an edge
        u -> v, else 0. Row 0 is the root.
    values : (B, M), (B, M, F) or None
        The attribute or the features in their own dtype, 0 in the padding; None where there were
        no values.
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
            If the values are times, features or not there.
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
        if self.values is None or self.values.ndim != 2:
            shape = None if self.values is None else tuple(self.values.shape)
            raise TypeError(
                f"`values` must be one number per node to stand on the diagonal, got {shape}"
            )
        values = to_numpy(self.values)
        matrix = _entries_like(to_numpy(self.adjacency), values)
        diagonal = np.arange(matrix.shape[1])
        matrix[:, diagonal, diagonal] = values
        return read_attribute(self.root).restore(matrix)

    def _ptr(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(to_numpy(self.mask).sum(axis=1))])

    def _union(self) -> Union:
        mask, ptr = to_numpy(self.mask), self._ptr()
        values = to_numpy(self.values)[mask]
        absent = None if self.absent is None else to_numpy(self.absent)[mask]
        if values.ndim == 1:
            values, absent = values[:, None], None if absent is None else absent[:, None]
        return Union(values, absent, to_numpy(self.node)[mask], ptr)

    def _take(self, places: NDArray[np.int64]) -> Self:
        names = ("root", "degree", "cut", "graph", "absent", "adjacency", "values", "mask", "node")
        parts: dict[str, Any] = {name: getattr(self, name) for name in (*names, "distance")}
        taken = {
            name: None if part is None else to_numpy(part)[places] for name, part in parts.items()
        }
        return type(self)(rule=self.rule, **taken)


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


def padded(sparse: SparseNeighborhoods, pad_to: int) -> DenseNeighborhoods:
    """Lay neighborhoods out as matrices of the size of the largest, `pad_to` at least."""
    sizes = np.diff(sparse.ptr)
    largest = int(sizes.max(initial=1))
    if 0 < pad_to < largest:
        raise ValueError(
            f"`pad_to` must be at least the size of the largest ball, got {pad_to} and one of "
            f"{largest} nodes; pass max_nodes={pad_to} to cut it, or a larger pad_to"
        )
    shape = (len(sparse), max(largest, pad_to))
    place = np.arange(sparse.node.size) - sparse.ptr[:-1][sparse.batch]
    at = (sparse.batch, place)
    absent = sparse.absent
    if absent is not None and absent.shape[1] == 1:
        absent = absent[:, 0]
    return DenseNeighborhoods(
        root=sparse.root,
        degree=sparse.degree,
        cut=sparse.cut,
        rule=sparse.rule,
        graph=sparse.graph,
        absent=None if absent is None else _column(absent, at, shape, False),
        adjacency=_matrices(sparse, place, shape),
        values=None if sparse.values is None else _column(sparse.values, at, shape, 0),
        mask=np.arange(shape[1]) < sizes[:, None],
        node=_column(sparse.node, at, shape, -1),
        distance=_column(sparse.distance, at, shape, np.inf),
    )


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
    filled = np.full((*shape, *column.shape[1:]), np.array(filler).astype(column.dtype))
    filled[at] = column
    return filled
