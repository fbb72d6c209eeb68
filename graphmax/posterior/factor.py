"""Sparse Cholesky factors: log-determinants, solves, and the entries of the inverse."""

from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from graphmax.kernels.selected_inverse import selected_inverse
from graphmax.posterior.precision import Floats, Matrix

MOST_NODES = 5_000
ENTRIES_PER_NODE = 60


class Factor:
    """L D L^T of a symmetric positive definite matrix, its rows in an order that keeps L sparse."""

    def __init__(self, matrix: Matrix) -> None:
        self.factor: Any = scipy.sparse.linalg.splu(
            scipy.sparse.csc_array(matrix),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        self.pivots: Floats = self.factor.U.diagonal()

    @property
    def log_determinant(self) -> float:
        """Logarithm of the determinant."""
        return float(np.log(self.pivots).sum())

    @property
    def entries(self) -> int:
        """Number of entries of L."""
        return int(self.factor.L.nnz)

    def solve(self, right: Floats) -> Floats:
        """Solve with the matrix."""
        solution: Floats = self.factor.solve(right)
        return solution

    @cached_property
    def inverse(self) -> Any:
        """Lower triangle of the inverse, rows permuted, on the pattern of L."""
        lower = scipy.sparse.csc_array(self.factor.L)
        lower.sort_indices()
        entries = self._inverse_entries(lower)
        if entries is None:  # entries of L came out as 0 and were not stored
            return self._inverse_on(lower)
        return scipy.sparse.csc_array((entries, lower.indices, lower.indptr), shape=lower.shape)

    def _inverse_on(self, pattern: Any) -> Any:
        """Return the inverse on the pattern of L, closed together with another one."""
        lower = closed(scipy.sparse.csc_array(self.factor.L), pattern)
        entries = self._inverse_entries(lower)
        if entries is None:
            raise ArithmeticError("the pattern of the factor is not closed")
        return scipy.sparse.csc_array((entries, lower.indices, lower.indptr), shape=lower.shape)

    def _inverse_entries(self, lower: Any) -> Floats | None:
        entries: Floats = np.empty(lower.data.size)
        arrays = lower.indptr.astype(np.int64), lower.indices, lower.data, self.pivots
        return entries if selected_inverse(*arrays, entries) else None

    @property
    def variances(self) -> Floats:
        """Diagonal of the inverse."""
        diagonal: Floats = self.inverse.diagonal()[self.factor.perm_r]
        return diagonal

    def trace_with(self, matrix: Matrix) -> float:
        """Return tr(inverse @ matrix) for a symmetric matrix, best on the pattern of this one."""
        order = np.argsort(self.factor.perm_r)
        lower = scipy.sparse.tril(scipy.sparse.csr_array(matrix)[order][:, order]).tocsc()
        inverse = self.inverse
        if not _covers(inverse, lower):
            inverse = self._inverse_on(lower)
        products = lower.multiply(inverse)
        return float(2 * products.sum() - products.diagonal().sum())


def closed(lower: Any, pattern: Any) -> Any:
    """Return L with zeros stored wherever elimination joins two rows of it or of a pattern.

    A column without its diagonal is contained in the column of its first row, its parent: what
    the columns before it bring to a column is known when its turn comes.
    """
    size = lower.shape[0]
    brought: list[list[NDArray[Any]]] = [[] for _ in range(size)]
    columns = []
    for j in range(size):
        own = (part.indices[part.indptr[j] : part.indptr[j + 1]] for part in (lower, pattern))
        rows = np.unique(np.concatenate([[j], *own, *brought[j]]))
        columns.append(rows[rows >= j])
        if columns[j].size > 1:
            brought[columns[j][1]].append(columns[j][1:])
    indices = np.concatenate(columns).astype(lower.indices.dtype)
    indptr = np.concatenate([[0], np.cumsum([rows.size for rows in columns])])
    entries = np.zeros(indices.size)
    for j in range(size):
        first, stop = lower.indptr[j], lower.indptr[j + 1]
        places = np.searchsorted(columns[j], lower.indices[first:stop])
        entries[indptr[j] + places] = lower.data[first:stop]
    return scipy.sparse.csc_array((entries, indices, indptr), shape=lower.shape)


def _covers(pattern: Any, lower: Any) -> bool:
    """Tell whether every entry of a matrix lies on a pattern."""
    ones = scipy.sparse.csc_array((np.ones(pattern.nnz), pattern.indices, pattern.indptr))
    held = lower.copy()
    held.data = np.ones(held.nnz)
    return bool(held.multiply(ones).sum() == held.nnz)


def is_sparse_enough(matrix: Matrix, order: int) -> bool:
    """Report whether factors of a graph are cheap: few nodes, and few entries per node.

    Hubs fill the square of a matrix before its factor does.
    """
    count = matrix.shape[0]
    if count > MOST_NODES:
        return False
    shifted = matrix + scipy.sparse.eye_array(count, format="csr")
    if order == 2:
        shifted = shifted @ shifted
    if shifted.nnz > ENTRIES_PER_NODE * count:
        return False
    return bool(Factor(shifted).entries <= order * ENTRIES_PER_NODE * count)
