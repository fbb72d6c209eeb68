"""Precision matrices of Gaussian fields: what they do to a block of vectors, and their noise."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from graphmax.adjacency import Adjacency
from graphmax.kernels import fields

Floats = NDArray[np.float64]
Matrix: TypeAlias = "scipy.sparse.csr_array[Any, Any]"
as_csr: Any = scipy.sparse.csr_array


class Precision(Protocol):
    """The inverse covariance Q of a field, as an operator."""

    @property
    def diagonal(self) -> Floats:
        """Diagonal of Q."""

    def times(self, block: Floats) -> Floats:
        """Return Q @ block."""

    def noise(self, count: int, rng: np.random.Generator) -> Floats:
        """Return `count` samples of N(0, Q) as columns."""


def product(matrix: Matrix, block: Floats) -> Floats:
    """Return ``matrix @ block`` by the compiled loop."""
    out = np.empty((matrix.shape[0], block.shape[1]))
    fields.times(matrix.indptr, matrix.indices, matrix.data, block, out)
    return out


@dataclass(frozen=True)
class MatrixPrecision:
    """A precision that is given as a matrix Q and a root R, R R^T = Q."""

    matrix: Matrix
    root: Matrix

    @cached_property
    def diagonal(self) -> Floats:
        """Diagonal of Q."""
        diagonal: Floats = self.matrix.diagonal()
        return diagonal

    def times(self, block: Floats) -> Floats:
        """Return Q @ block."""
        return product(self.matrix, block)

    def noise(self, count: int, rng: np.random.Generator) -> Floats:
        """Return `count` samples of N(0, Q) as columns."""
        drawn: Floats = self.root @ rng.standard_normal((self.root.shape[1], count))
        return drawn


@dataclass(frozen=True)
class FieldPrecision:
    """Q = tau * (kappa^2 I + L)^order, never multiplied out: two hops would fill the memory."""

    laplacian: Matrix
    tau: float
    kappa2: float
    order: int

    @cached_property
    def base(self) -> Matrix:
        """The matrix kappa^2 I + L."""
        count = self.laplacian.shape[0]
        return as_csr(self.laplacian + self.kappa2 * scipy.sparse.eye_array(count, format="csr"))

    @cached_property
    def matrix(self) -> Matrix:
        """Q multiplied out, for graphs small enough to be factorized."""
        return as_csr(self.tau * (self.base if self.order == 1 else self.base @ self.base))

    @cached_property
    def diagonal(self) -> Floats:
        """Diagonal of Q."""
        if self.order == 1:
            return np.asarray(self.tau * self.base.diagonal())
        squares = as_csr((self.base.data**2, self.base.indices, self.base.indptr))
        return np.asarray(self.tau * squares.sum(axis=1))

    def times(self, block: Floats) -> Floats:
        """Return Q @ block."""
        image = product(self.base, block)
        if self.order == 2:
            image = product(self.base, image)
        image *= self.tau
        return image

    def noise(self, count: int, rng: np.random.Generator) -> Floats:
        """Return `count` samples of N(0, Q) as columns."""
        size = self.laplacian.shape[0]
        if self.order == 2:
            drawn = product(self.base, rng.standard_normal((size, count)))
            drawn *= np.sqrt(self.tau)
            return drawn
        drawn = rng.standard_normal((size, count))
        drawn *= np.sqrt(self.kappa2)
        for column in range(count):  # one at a time: edges outnumber nodes
            drawn[:, column] += self._incidence @ rng.standard_normal(self._incidence.shape[1])
        drawn *= np.sqrt(self.tau)
        return drawn

    @cached_property
    def _incidence(self) -> Matrix:
        return incidence_of(self.laplacian)


def laplacian_of(rows: Adjacency, conductances: Floats) -> Matrix:
    """Return the Laplacian of rows that are symmetric, one conductance per entry."""
    count = rows.indptr.size - 1
    shape = (count, count)
    off_diagonal = as_csr((-conductances, rows.indices, rows.indptr), shape=shape)
    degree = -np.asarray(off_diagonal.sum(axis=1))
    return as_csr(off_diagonal + scipy.sparse.diags_array(degree, format="csr"))


def incidence_of(matrix: Matrix) -> Matrix:
    """Return a column per entry above the diagonal; for a Laplacian, times its transpose is it."""
    upper = scipy.sparse.triu(matrix, k=1).tocoo()
    weight = np.sqrt(-upper.data)
    edge = np.arange(weight.size)
    ends = np.concatenate([upper.row, upper.col])
    entries = np.concatenate([weight, -weight]), (ends, np.concatenate([edge, edge]))
    return as_csr(scipy.sparse.coo_array(entries, shape=(matrix.shape[0], weight.size)))
