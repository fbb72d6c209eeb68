"""`peak_probability`: where the peaks of a noisy attribute may be, and how sure that is."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from graphmax.checks import boolean, frozen, integer, number
from graphmax.graph import Graph
from graphmax.kernels.compiled import tell
from graphmax.node_values import complete_column, graph_and_attribute
from graphmax.notebook import fact_table
from graphmax.posterior.field import (
    FieldParameters,
    FittedField,
    ModelChecks,
    Order,
    checks_of,
    fields_of_counts,
    fitted_fields,
    share_of,
)
from graphmax.posterior.likelihood import measurements_of
from graphmax.posterior.sampling import Balls, Floats, graph_laplacian
from graphmax.rule import Direction, Rule

if TYPE_CHECKING:
    import pandas

Weight = Literal["conductance", "length"]


def peak_probability(
    graph: Any,
    y: Any,
    hops: int = 1,
    *,
    noise: ArrayLike | None = None,
    counts: bool = False,
    order: Order = "auto",
    where: Any = None,
    weight: Weight | ArrayLike | None = None,
    direction: Direction = "in",
    samples: int = 400,
    vary_parameters: bool = False,
    seed: int = 0,
) -> "PeakProbability":
    """Return the probability that each node is a local maximum of an attribute seen with noise.

    The attribute is hidden; ``y = mean + h + noise`` was measured. The hidden h is a Gaussian
    field on the graph, of precision ``tau (kappa^2 I + L)^order`` with the Laplacian L: neighbors
    resemble each other. Its parameters and the noise are the likeliest ones, given y, and the
    answer is P(h_v > h_u for every other u of the ball of v | y). No labels are needed.

    Parameters
    ----------
    graph : Graph or graph of another library
        The graph. The field lives on it without arrows.
    y : str, mapping or array (num_nodes,) or (num_nodes, R)
        One measurement per node in any unit, or R of them; NaN is a missing one. A node without
        any is answered from its surroundings.
    hops : int, default 1
        Radius of the ball.
    noise : float or float (num_nodes,), optional
        Standard deviation of one measurement in the unit of y, where it is known. Otherwise it is
        estimated, best from several measurements of each node.
    counts : bool, default False
        Whether y counts events, Poisson of the rate ``exp(mean + h)``: the answer speaks of the
        logarithm of the rate. Its posterior is approximated by a normal one (see Notes).
    order : {"auto", 1, 2}, default "auto"
        1 for a rough field, 2 for a smooth one; ``"auto"`` takes the one that explains y better,
        and both, weighted, where y does not tell.
    where : bool (num_nodes,), optional
        Other nodes are no peaks and challenge nobody; their measurements still count.
    weight : {"conductance", "length"} or float (num_edges,), optional
        How edges tie their ends together: the weights of the graph, one over them, or one
        conductance per edge of ``graph.edges()``; all alike by default.
    direction : {"in", "out", "both"}, default "in"
        Which steps of a directed graph the ball counts.
    samples : int, default 400
        Number of samples of the hidden attribute; the error of a probability is below
        ``0.5 / sqrt(samples)``, usually three times smaller.
    vary_parameters : bool, default False
        Whether every 32 samples have parameters of their own, drawn from the normal approximation
        of what is known about them (Laplace), instead of the most likely ones.
    seed : int, default 0
        Equal seeds give equal bits.

    Returns
    -------
    PeakProbability
        Probabilities, posterior mean and deviation, the fit, and what speaks against it.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If y does not fit the graph, is constant, infinite, or measured at fewer than 20 nodes,
        noise is not above 0 or given for counts, counts are no whole numbers of at least 0, or
        weights are missing or negative.

    Warns
    -----
    UserWarning
        If the model does not fit: the words are those of ``checks.concerns``.

    Notes
    -----
    The probability is that of the model. It holds as far as the model does: see `checks`.
    The likelihood is exact up to 5,000 nodes where the Cholesky factor stays sparse (and for up
    to 800 evenly measured nodes); beyond, its log-determinants come from stochastic Lanczos
    quadrature with the same probes at every step, so that it is smooth. Likelihood times a weak
    prior (the share of the noise in all variance uniform, kappa^2 within two powers of e of 0.03
    times the mean degree) is maximized by L-BFGS on the logarithms of the parameters with exact
    gradients; on large graphs with missing or unequal measurements by Fisher scoring. The prior
    decides only what y leaves open, such as kappa under much noise; of two orders each has the
    share of its maximum. Sampling is exact up to Monte-Carlo error
    (`sample_probability`). Time and memory are linear in the edges: each sample is one solve by
    conjugate gradients. For minima negate y.
    Of counts the posterior is the normal one with the same mode and curvature (Laplace, by Newton's
    method, the parameters fitted anew at each step): near enough where rates are above some 2, a
    little too sure below. `checks` then speak of the measurements that stand for the counts.

    References
    ----------
    F. Lindgren, H. Rue and J. Lindstroem, An explicit link between Gaussian fields and Gaussian
    Markov random fields, Journal of the Royal Statistical Society B 73 (2011).
    G. Papandreou and A. Yuille, Gaussian sampling by local perturbations, NIPS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> import graphmax as gm
    >>> path = gm.grid_graph(60)
    >>> hidden = np.sin(np.arange(60) / 60 * 4 * np.pi)
    >>> y = hidden + 0.1 * np.random.default_rng(0).normal(size=60)
    >>> answer = gm.peak_probability(path, y)
    >>> answer.fit.order
    2
    >>> [int(v) for v in answer.credible_set(0.9, region=np.arange(60) < 30)]
    [7, 6]
    """
    rule = Rule(hops=hops, direction=direction)
    checked, attribute = graph_and_attribute(graph, y, "y")
    laplacian = graph_laplacian(checked, weight)
    count = integer(samples, "samples", least=2)
    inside = None if where is None else _inside(checked, where, "where")
    if boolean(counts, "counts"):
        if noise is not None:
            raise ValueError("`noise` must be left out with counts=True, got one; a rate tells it")
        fields = fields_of_counts(laplacian, attribute, order, seed)
    else:
        fields = fitted_fields(laplacian, measurements_of(attribute, noise), order, seed)
    absent = np.zeros(0, np.bool_) if inside is None else ~inside
    balls = Balls(checked.adjacency(direction), rule.reach or 1, absent)
    vary = boolean(vary_parameters, "vary_parameters")
    answer = _sampled(checked, fields, balls, count, seed, vary=vary, counts=counts)
    if answer.checks.concerns:
        warnings.warn("; ".join(answer.checks.concerns), UserWarning, stacklevel=2)
    return answer


@dataclass(frozen=True, eq=False, repr=False)
class PeakProbability:
    """What is known about the peaks of a hidden attribute, one entry per node.

    Attributes
    ----------
    graph : Graph
        The graph.
    probability : float64 (num_nodes,)
        Probability that the node is a local maximum of the hidden attribute.
    mean, deviation : float64 (num_nodes,)
        Posterior mean and standard deviation of the hidden attribute, in the unit of y.
    fit : FieldParameters
        The fitted field.
    checks : ModelChecks
        How well the model predicts each node from the others.

    Examples
    --------
    >>> import numpy as np
    >>> import graphmax as gm
    >>> path = gm.grid_graph(50)
    >>> hidden = np.sin(np.arange(50) / 50 * 4 * np.pi)
    >>> y = hidden + 0.1 * np.random.default_rng(1).normal(size=50)
    >>> answer = gm.peak_probability(path, y, noise=0.1)
    >>> answer.probability.shape, answer.deviation.shape
    ((50,), (50,))
    """

    graph: Graph
    probability: Floats
    mean: Floats
    deviation: Floats
    fit: FieldParameters
    checks: ModelChecks
    _fields: list[tuple[float, FittedField]]
    _balls: Balls
    _count: int
    _seed: int
    _vary: bool

    def _repr_html_(self) -> str:
        """Show how many peaks are expected, and the likeliest, in a notebook."""
        likeliest = np.argsort(-self.probability, kind="stable")[:5]
        named = (f"{v} ({self.probability[v]:.3g})" for v in likeliest.tolist())
        facts = {
            "nodes": self.probability.size,
            "peaks expected": self.expected_number,
            "likeliest nodes": ", ".join(named) or None,
            "field": self.fit,
        }
        return fact_table(facts, "PeakProbability")

    @property
    def expected_number(self) -> float:
        """Expected number of peaks: the sum of the probabilities."""
        return float(self.probability.sum())

    def samples(self, n: int, *, seed: int = 0) -> Floats:
        """Return samples of the hidden attribute given y.

        Parameters
        ----------
        n : int
            How many; they come in pairs that mirror each other about the mean.
        seed : int, default 0
            Equal seeds give equal bits.

        Returns
        -------
        float64 (n, num_nodes)
            One sample per row, in the unit of y.
        """
        count, rng = integer(n, "n", least=1), np.random.default_rng([seed, 3])
        rows = []
        for size, (_, fitted) in zip(self._sizes(count), self._fields, strict=True):
            if size:
                blocks = [part for _, _, part in fitted.draws(size, rng, vary=self._vary)]
                pairs = zip(blocks[::2], blocks[1::2], strict=True)
                columns = [np.stack(pair, axis=2).reshape(len(pair[0]), -1) for pair in pairs]
                rows.append(fitted.in_unit(np.concatenate(columns, axis=1).T[:size]))
        return np.ascontiguousarray(np.concatenate(rows))

    def credible_set(self, level: float = 0.9, *, region: Any = None) -> NDArray[np.int64]:
        """Return a smallest set of nodes that holds the highest peak with a given probability.

        Parameters
        ----------
        level : float, default 0.9
            The probability, above 0 and below 1.
        region : bool (num_nodes,), optional
            Ask for the highest node of this region instead of the whole graph (of `where`).

        Returns
        -------
        int64 (size,)
            Nodes, the likeliest first.

        Raises
        ------
        ValueError
            If the level is not between 0 and 1, or the region is empty.
        """
        level = number(level, "level", above=0)
        if level >= 1:
            raise ValueError(f"`level` must be below 1, got {level:g}")
        inside = (
            self._present
            if region is None
            else self._present & _inside(self.graph, region, "region")
        )
        if not inside.any():
            raise ValueError("`region` must hold a node, got none; nodes outside `where` are none")
        nodes = np.flatnonzero(inside)
        chance = self._highest_of(nodes)
        order = np.argsort(-chance, kind="stable")
        size = int(np.searchsorted(np.cumsum(chance[order]), level * (1 - 1e-12))) + 1
        return nodes[order[:size]]

    def to_pandas(self) -> "pandas.DataFrame":
        """Return a pandas ``DataFrame``: node, label, probability, mean and deviation."""
        import pandas

        nodes = np.arange(self.graph.num_nodes)
        return pandas.DataFrame(
            {
                "node": nodes,
                "label": self.graph.label_of(nodes),
                "probability": self.probability,
                "mean": self.mean,
                "deviation": self.deviation,
            }
        )

    def __repr__(self) -> str:
        return (
            f"PeakProbability({self.graph.num_nodes} nodes, "
            f"{self.expected_number:.1f} peaks expected)"
        )

    @cached_property
    def _present(self) -> NDArray[np.bool_]:
        absent = self._balls.absent
        return ~absent if absent.size else np.ones(self.graph.num_nodes, np.bool_)

    def _sizes(self, count: int) -> list[int]:
        """Return how many of so many samples each field gives."""
        later = [round(count * weight) for weight, _ in self._fields[1:]]
        return [count - sum(later), *later]

    def _highest_of(self, nodes: NDArray[np.int64]) -> Floats:
        """Return the probability of each node to be the highest of them, given all others."""
        chance, rng = np.zeros(nodes.size), np.random.default_rng([self._seed, 2])
        for weight, fitted in self._fields:
            part = np.zeros(nodes.size)
            size = share_of(self._count, weight)
            for _, posterior, samples in fitted.draws(size, rng, vary=self._vary):
                given = posterior.given_the_rest(samples)[nodes]
                above = _highest_but_one(samples[nodes])
                precision = np.sqrt(posterior.diagonal[nodes])[:, None]
                part += ndtr((given - above) * precision).sum(axis=1)
            chance += weight * part / part.sum()
        return chance


def _highest_but_one(columns: Floats) -> Floats:
    """Return, for each entry, the largest of the other entries of its column."""
    above = np.full(columns.shape, -np.inf)
    if len(columns) > 1:
        place = np.arange(columns.shape[1])
        top = columns.argmax(axis=0)
        above[:] = columns[top, place]
        others = columns.copy()
        others[top, place] = -np.inf
        above[top, place] = others.max(axis=0)
    return above


def _sampled(
    graph: Graph,
    fields: list[tuple[float, FittedField]],
    balls: Balls,
    count: int,
    seed: int,
    *,
    vary: bool,
    counts: bool,
) -> PeakProbability:
    rng = np.random.default_rng([seed, 2])
    parts = [
        _Moments.of(fitted, balls, share_of(count, weight), rng, vary) for weight, fitted in fields
    ]
    weights = np.array([weight for weight, _ in fields])
    probability = weights @ np.stack([part.probability for part in parts])
    means = np.stack([part.mean for part in parts])
    mean = weights @ means
    variances = np.stack([part.variance for part in parts])
    variance = weights @ (variances + (means - mean) ** 2)
    if balls.absent.size:
        probability[balls.absent] = 0.0
    weight, best = fields[0]
    data = best.measurements
    return PeakProbability(
        graph,
        frozen(probability),
        frozen(mean),
        frozen(np.sqrt(variance)),
        FieldParameters.of(best.peak, data, weight),
        checks_of(best, variances[0] / data.spread**2, counts=counts),
        fields,
        balls,
        count,
        seed,
        vary,
    )


class _Moments(NamedTuple):
    """What samples of one field say of every node, each given all the others, in its unit."""

    probability: Floats
    mean: Floats
    variance: Floats

    @classmethod
    def of(
        cls, fitted: FittedField, balls: Balls, count: int, rng: np.random.Generator, vary: bool
    ) -> "_Moments":
        size = balls.rows.indptr.size - 1
        chance, means, squares, drawn = np.zeros(size), np.zeros(size), np.zeros(size), 0
        for done, posterior, samples in fitted.draws(count, rng, vary=vary):
            given = posterior.given_the_rest(samples)
            chance += posterior.chances(given, balls.highest_others(samples)).sum(axis=1)
            means += given.sum(axis=1)
            squares += (given**2).sum(axis=1) + given.shape[1] / posterior.diagonal
            drawn += given.shape[1]
            tell("sampling the posterior", min(2 * done, count), count)
        mean = means / drawn
        exact = None if vary else fitted.variances
        variance = np.maximum(squares / drawn - mean**2, 0.0) if exact is None else exact
        spread = fitted.measurements.spread
        return cls(chance / drawn, fitted.in_unit(mean), spread**2 * variance)


def _inside(graph: Graph, mask: Any, name: str) -> NDArray[np.bool_]:
    array = complete_column(graph, mask, name)
    if array.dtype != bool:
        raise TypeError(f"`{name}` must be bool, got dtype {array.dtype}; pass a mask of nodes")
    return array
