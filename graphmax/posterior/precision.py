"""Precision matrices of Gaussian fields, the Laplacian they are made of, and Cholesky factors."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from graphmax.adjacency import Adjacency
from graphmax.checks import one_of
from graphmax.graph import Graph
from graphmax.kernels import fields
from graphmax.kernels.fields import selected_inverse

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


def graph_laplacian(graph: Graph, weight: Any) -> Matrix:
    """Return the Laplacian of the graph without arrows, its edges tied as `weight` says."""
    rows = graph.adjacency("both")
    if weight is None:
        return laplacian_of(rows, np.ones(rows.indices.size))
    if not isinstance(weight, str):
        return laplacian_of(rows, _per_entry(graph, np.asarray(weight)))
    one_of(weight, "weight", ("conductance", "length"))
    if rows.weights is None:
        raise ValueError(
            f"`weight` must be used with edge weights, got {weight!r} and a graph without; "
            "pass one conductance per edge, or leave it out"
        )
    least = "above 0" if weight == "length" else "at least 0"
    if not (rows.weights > 0 if weight == "length" else rows.weights >= 0).all():
        raise ValueError(
            f"`weight` must be {least} on every edge, got {rows.weights.min():g}; "
            "pass one conductance per edge of graph.edges()"
        )
    return laplacian_of(rows, 1 / rows.weights if weight == "length" else rows.weights)


def _per_entry(graph: Graph, conductances: NDArray[Any]) -> Floats:
    """Return one conductance per entry of the rows, from one per edge."""
    if graph.directed:
        raise ValueError(
            "`weight` must be None or a word for a directed graph, got an array; the field lives "
            "on the graph without arrows"
        )
    if conductances.dtype.kind not in "biuf" or conductances.shape != (graph.num_edges,):
        raise ValueError(
            f"`weight` must hold one number per edge ({graph.num_edges},), got "
            f"{conductances.dtype} {conductances.shape}"
        )
    if not ((conductances >= 0) & np.isfinite(conductances)).all():
        raise ValueError("`weight` must be finite and at least 0, got another conductance")
    src, dst = graph.edges()
    # numbered from 1, so that a conductance of 0 does not fall out of the sparse matrix
    number_of = np.concatenate([np.arange(src.size), np.arange(src.size)]) + 1
    ends = np.concatenate([src, dst]), np.concatenate([dst, src])
    shape = (graph.num_nodes, graph.num_nodes)
    table = scipy.sparse.coo_array((number_of, ends), shape=shape).tocsr()
    table.sort_indices()
    entries: Floats = conductances.astype(np.float64)[table.data - 1]
    return entries


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
