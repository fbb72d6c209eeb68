"""Gaussian fields on graphs: neighbors resemble each other, by a given smoothness."""

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, number, random_generator
from graphmax.graph import Graph

if TYPE_CHECKING:
    import scipy.sparse

TOLERANCE = 1e-10
MOST_ITERATIONS = 20_000
# kappa**2 stands on a diagonal beside degrees; below this share of them rounding eats it
_VISIBLE = 1e-12


def field_precision(
    graph: Graph, kappa: float, order: int = 1
) -> "scipy.sparse.csr_array[Any, tuple[int, int]]":
    """Return the precision matrix of `gaussian_field`.

    ``Q = kappa**2 * I + L``, with the Laplacian L of the graph without arrows and weights, or its
    square.

    Parameters
    ----------
    graph : Graph
        The graph.
    kappa : float
        Above 0; the smaller, the farther values resemble each other (about 1 / kappa steps).
    order : {1, 2}, default 1
        ``Q`` or ``Q @ Q``.

    Returns
    -------
    scipy.sparse.csr_array (num_nodes, num_nodes), float64
        Symmetric and positive definite; its inverse is the covariance of the field.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `kappa` or `order` has no such value.

    Examples
    --------
    >>> from graphmax import Graph
    >>> from graphmax.generators import field_precision
    >>> field_precision(Graph.from_edges([0], [1]), kappa=1.0).toarray()
    array([[ 2., -1.],
           [-1.,  2.]])
    """
    import scipy.sparse

    shift = number(kappa, "kappa", above=0, most=sys.float_info.max) ** 2
    order = integer(order, "order", 1, 2)
    rows = graph.adjacency("both")
    degree = np.diff(rows.indptr).astype(np.float64)
    if shift < _VISIBLE * degree.max(initial=0):
        raise ValueError(
            f"`kappa` must be above {np.sqrt(_VISIBLE * degree.max()):.2g} on this graph for "
            f"float64 to see it, got {kappa:g}"
        )
    shape = (graph.num_nodes, graph.num_nodes)
    entries = -np.ones(rows.indices.size)
    off_diagonal = scipy.sparse.csr_array((entries, rows.indices, rows.indptr), shape=shape)
    once = (off_diagonal + scipy.sparse.diags_array(degree + shift)).tocsr()
    return once if order == 1 else (once @ once).tocsr()


def gaussian_field(
    graph: Graph, kappa: float, order: int = 1, *, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a Gaussian field of mean 0 whose precision matrix is ``Q = kappa**2 * I + L``, or Q**2.

    Parameters
    ----------
    graph : Graph
        The graph; arrows and weights are not looked at.
    kappa : float
        Above 0; the smaller, the farther values resemble each other.
    order : {1, 2}, default 1
        1: rough, precision Q. 2: smooth, precision ``Q @ Q``.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    float64 (num_nodes,)
        One sample, exact up to a relative residual of 1e-10.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `kappa` is too small for float64, or `order` is not 1 or 2.
    RuntimeError
        If conjugate gradients do not converge.

    Notes
    -----
    Perturb and optimize: noise on nodes (scaled by kappa) and on edges (through the incidence
    matrix, ``L = B @ B.T``) has covariance Q; solving with Q leaves covariance ``Q**-1``. White
    noise solved with Q has covariance ``Q**-2``. One solve by conjugate gradients, preconditioned
    by the diagonal: O(m) an iteration, about ``degree**0.5 / kappa`` iterations.

    References
    ----------
    G. Papandreou and A. Yuille, Gaussian sampling by local perturbations, NIPS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax import grid_graph
    >>> from graphmax.generators import gaussian_field
    >>> gaussian_field(grid_graph((20, 30)), 0.5, generator=np.random.default_rng(0)).shape
    (600,)
    """
    precision, rng = field_precision(graph, kappa), random_generator(generator)
    order = integer(order, "order", 1, 2)
    noise = rng.standard_normal(graph.num_nodes)
    if order == 1:
        noise *= kappa
        undirected = _without_arrows(graph)
        src, dst = undirected
        pull = rng.standard_normal(src.size)
        noise += np.bincount(src, pull, graph.num_nodes) - np.bincount(dst, pull, graph.num_nodes)
    return solve(precision, noise)


def _without_arrows(graph: Graph) -> NDArray[np.int64]:
    rows = graph.adjacency("both")
    source = np.repeat(np.arange(graph.num_nodes), np.diff(rows.indptr))
    once = source < rows.indices
    return np.stack([source[once], rows.indices[once].astype(np.int64)])


def solve(matrix: Any, right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve with a symmetric positive definite matrix by preconditioned conjugate gradients."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import cg

    if not right.size:
        return right
    scale = diags_array(1 / matrix.diagonal())
    solution, flag = cg(matrix, right, rtol=TOLERANCE, maxiter=MOST_ITERATIONS, M=scale)
    if flag:
        raise RuntimeError(
            f"`kappa` must leave a system that float64 can solve, got one that did not converge in "
            f"{MOST_ITERATIONS} iterations; take a larger kappa"
        )
    result: NDArray[np.float64] = solution
    return result
