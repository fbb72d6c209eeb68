"""Random attributes: independent values, smooth fields, functions of features, planted maxima."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer, node_count, number, one_of, random_generator
from graphmax.graph import Graph
from graphmax.kernels.ball import ball
from graphmax.kernels.suppress import spread

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


_Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]

FAMILIES: dict[str, _Draw] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "uniform": lambda rng, n: rng.random(n),
    "exponential": lambda rng, n: rng.standard_exponential(n),
    "lognormal": lambda rng, n: rng.lognormal(0.0, 1.0, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "pareto": lambda rng, n: rng.pareto(1.5, n),
}


def independent_values(
    num_nodes: int, family: str = "normal", *, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a value for every node, each independent of all others.

    Parameters
    ----------
    num_nodes : int
        Number of nodes.
    family : str, default "normal"
        Distribution: normal, uniform, exponential, lognormal, cauchy or pareto (shape 1.5), each
        in its standard form.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    float64 (num_nodes,)
        The values, almost surely without ties.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If there is no such family.

    Notes
    -----
    A node is a strict maximum with probability 1 / (nodes of its ball), whatever the family.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import independent_values
    >>> independent_values(3, "uniform", generator=np.random.default_rng(0)).round(2)
    array([0.64, 0.27, 0.04])
    """
    one_of(family, "family", FAMILIES)
    return FAMILIES[family](random_generator(generator), node_count(num_nodes))


def tied_values(
    num_nodes: int, levels: int, *, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw integers from few levels, so that ties are the rule.

    Parameters
    ----------
    num_nodes : int
        Number of nodes.
    levels : int
        Number of different values, at least 1.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    int64 (num_nodes,)
        Integers from 0 to ``levels - 1``, each as likely.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If `levels` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.generators import tied_values
    >>> tied_values(6, 3, generator=np.random.default_rng(0))
    array([2, 1, 1, 0, 0, 0])
    """
    levels, count = integer(levels, "levels", 1), node_count(num_nodes)
    return random_generator(generator).integers(0, levels, count)


KINDS = ("linear", "quadratic", "network")
_WIDTH = 32


@dataclass(frozen=True, eq=False)
class HiddenAttribute:
    """A random function f of features: ``values = f(x)`` is hidden, ``x`` is given.

    Draw it once with `HiddenAttribute.draw` and use it on many graphs; labels of maxima identify f
    only up to an increasing map.

    Parameters
    ----------
    kind : {"linear", "quadratic", "network"}
        ``linear``: ``a . x``. ``quadratic``: ``a . x + x . A x``. ``network``: a random network of
        32 hidden tanh units.
    linear : float64 (num_features,)
        The vector a; zeros for a network.
    matrix : float64
        The matrix A (num_features, num_features), or the inner weights (num_features, 32).
    readout : float64 (32,)
        Outer weights of the network, empty for the other kinds.
    """

    kind: str
    linear: NDArray[np.float64]
    matrix: NDArray[np.float64]
    readout: NDArray[np.float64]

    @classmethod
    def draw(
        cls, kind: str = "quadratic", num_features: int = 8, *, generator: np.random.Generator
    ) -> "HiddenAttribute":
        """Draw a function.

        Parameters
        ----------
        kind : {"linear", "quadratic", "network"}, default "quadratic"
            Its form.
        num_features : int, default 8
            Number of features.
        generator : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        HiddenAttribute
            The function.

        Raises
        ------
        TypeError
            If an argument is of the wrong kind.
        ValueError
            If there is no such kind, or no feature.

        Examples
        --------
        >>> import numpy as np
        >>> from graphmax.generators import HiddenAttribute
        >>> rng = np.random.default_rng(0)
        >>> f = HiddenAttribute.draw("quadratic", generator=rng)
        >>> x = f.features(5, generator=rng)
        >>> x.shape, f(x).shape
        ((5, 8), (5,))
        """
        one_of(kind, "kind", KINDS)
        size, rng = integer(num_features, "num_features", 1), random_generator(generator)
        linear = rng.standard_normal(size) / np.sqrt(size)
        if kind == "network":
            inner = rng.standard_normal((size, _WIDTH)) * 2 / np.sqrt(size)
            return cls(kind, np.zeros(size), inner, rng.standard_normal(_WIDTH) / np.sqrt(_WIDTH))
        matrix = rng.standard_normal((size, size)) / size
        return cls(kind, linear, matrix * float(kind == "quadratic"), np.empty(0))

    def features(self, num_nodes: int, *, generator: np.random.Generator) -> NDArray[np.float64]:
        """Draw standard normal features of shape (num_nodes, num_features)."""
        return random_generator(generator).standard_normal(
            (node_count(num_nodes), self.linear.size)
        )

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the attribute float64 (num_nodes,) of features (num_nodes, num_features)."""
        if x.ndim != 2 or x.shape[1] != self.linear.size:
            raise ValueError(f"`x` must have shape (num_nodes, {self.linear.size}), got {x.shape}")
        values: NDArray[np.float64]
        if self.kind == "network":
            values = np.tanh(x @ self.matrix) @ self.readout
        else:
            values = x @ self.linear + ((x @ self.matrix) * x).sum(axis=1)
        return values


_SLOPE = 1e-3


class Planted(NamedTuple):
    """An attribute float64 (num_nodes,) and the nodes int64 (peaks,) that are its maxima."""

    values: NDArray[np.float64]
    peaks: NDArray[np.int64]


def planted_bumps(
    graph: Graph,
    num_peaks: int | None = None,
    *,
    width: int = 2,
    hops: int = 1,
    generator: np.random.Generator,
) -> Planted:
    """Plant bumps at random nodes, so that these and no others are the local maxima.

    A sum of cones of random heights from 1 to 2 and a given width, on a ground that slopes gently
    down away from the nearest planted node. Every connected component has at least one.

    Parameters
    ----------
    graph : Graph
        The graph; arrows and weights are not looked at.
    num_peaks : int, optional
        How many bumps; as many as find room by default.
    width : int, default 2
        How many steps a bump reaches, at least 0.
    hops : int, default 1
        The planted nodes are the k-hop maxima for every k up to this.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Planted
        ``values`` and ``peaks``, ascending.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the graph has more components than `num_peaks`, or no room for so many.

    Notes
    -----
    Two planted nodes are more than ``width + max(width, hops)`` steps apart. The maxima are the
    planted nodes for every tie rule.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax import grid_graph, local_maxima
    >>> from graphmax.generators import planted_bumps
    >>> grid = grid_graph((30, 30))
    >>> values, peaks = planted_bumps(grid, 5, generator=np.random.default_rng(0))
    >>> np.array_equal(np.flatnonzero(local_maxima(grid, values)), peaks)
    True
    """
    width, hops = integer(width, "width", 0), integer(hops, "hops", 1)
    rng, rows = random_generator(generator), graph.adjacency("both")
    peaks = np.sort(_places(graph, num_peaks, width + max(width, hops), rng))
    heights = rng.uniform(1.0, 2.0, peaks.size)
    if not peaks.size:
        return Planted(np.zeros(graph.num_nodes), peaks)
    order, distance, parent = ball((rows.indptr, rows.indices, None), peaks, np.inf)
    owner = np.full(graph.num_nodes, -1)
    owner[peaks] = np.arange(peaks.size)
    steps = np.empty(graph.num_nodes)
    steps[order] = distance
    for depth in range(1, width + 1):
        level = order[distance == depth]
        owner[level] = owner[parent[level]]
    cone = np.maximum(1 - steps / (width + 1), 0)
    return Planted(np.where(owner >= 0, heights[owner] * cone, 0.0) - _SLOPE * steps, peaks)


def _places(
    graph: Graph, num_peaks: int | None, separation: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw nodes that keep their distance, at least one per component."""
    rows, count = graph.adjacency("both"), graph.num_nodes
    order, components = _one_a_component_first(graph, rng.permutation(count))
    most = count if num_peaks is None else integer(num_peaks, "num_peaks", 0)
    if most < components:
        raise ValueError(
            f"`num_peaks` must be at least the number of components, got {most} and {components}; "
            "leave it out to plant as many as find room"
        )
    chosen, queue = np.empty(count, np.int64), np.empty(count, np.int64)
    blocked, stamp = np.zeros(count, np.bool_), np.zeros(count, np.int64)
    found = spread(
        rows.indptr, rows.indices, order, separation, most, chosen, blocked, stamp, queue
    )
    if num_peaks is not None and found < num_peaks:
        raise ValueError(
            f"`num_peaks` must be no more than find room, got {num_peaks} where {found} are more "
            f"than {separation} steps apart; ask for fewer, or for a smaller width"
        )
    return chosen[:found]


def _one_a_component_first(graph: Graph, order: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows = graph.adjacency("both")  # not the weights: to SciPy a weight of 0 is no edge
    entries = np.ones(rows.indices.size, np.int8)
    matrix = csr_array((entries, rows.indices, rows.indptr), shape=(order.size, order.size))
    number, component = connected_components(matrix, directed=False)
    _, first = np.unique(component[order], return_index=True)
    leading = np.zeros(order.size, np.bool_)
    leading[first] = True
    return np.concatenate([order[leading], order[~leading]]), int(number)
