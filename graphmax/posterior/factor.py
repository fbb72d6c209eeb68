"""Sparse Cholesky factors: log-determinants, solves, and the entries of the inverse."""

from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

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
        entries = np.empty(lower.data.size)
        arrays = lower.indptr.astype(np.int64), lower.indices, lower.data, self.pivots
        if not selected_inverse(*arrays, entries):
            raise ArithmeticError("the pattern of the factor is not closed")
        return scipy.sparse.csc_array((entries, lower.indices, lower.indptr), shape=lower.shape)

    @property
    def variances(self) -> Floats:
        """Diagonal of the inverse."""
        diagonal: Floats = self.inverse.diagonal()[self.factor.perm_r]
        return diagonal

    def trace_with(self, matrix: Matrix) -> float:
        """Return tr(inverse @ matrix) for a symmetric matrix whose entries lie on the pattern."""
        order = np.argsort(self.factor.perm_r)
        lower = scipy.sparse.tril(scipy.sparse.csr_array(matrix)[order][:, order]).tocsc()
        products = lower.multiply(self.inverse)
        return float(2 * products.sum() - products.diagonal().sum())


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
