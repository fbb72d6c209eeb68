"""From one disjoint union of neighborhoods to padded matrices."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.extract.batch import DenseNeighborhoods, SparseNeighborhoods


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
