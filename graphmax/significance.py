"""`peak_significance`: is a peak higher than chance makes them, against null fields.

Null fields come in blocks: from an array, a function, a field fitted to the values, or the maps of
a group design, with random signs or dealt to two groups.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from graphmax.checks import frozen, integer, number, one_of
from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.kernels.compiled import tell
from graphmax.maxima import local_maxima
from graphmax.node_values import graph_and_attribute
from graphmax.peaks import Peaks, find_peaks
from graphmax.posterior.field import fitted_fields
from graphmax.posterior.likelihood import measurements_of
from graphmax.posterior.sampling import graph_laplacian
from graphmax.rule import Rule
from graphmax.values import Attribute

if TYPE_CHECKING:
    import pandas


Floats = NDArray[np.float64]


def maps_of(graph: Graph, values: Any) -> Floats:
    """Return maps (subjects, num_nodes), refusing what is none."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`values` must be real numbers, got dtype {array.dtype}")
    if array.ndim != 2 or array.shape[1] != graph.num_nodes or len(array) < 2:
        raise ValueError(
            f"`values` must have shape (subjects, {graph.num_nodes}) with at least 2 subjects for "
            f"a group design, got {array.shape}"
        )
    return array.astype(np.float64)


class SignFlips:
    """One group: is its mean above 0? Under the null a map is as likely as its negative."""

    def __init__(self, maps: Floats, _: Any, alpha: float) -> None:
        self.maps = maps
        if 2.0 ** len(maps) * alpha < 1:
            raise ValueError(
                f"`values` must hold more subjects for alpha={alpha:g}, got {len(maps)}: there "
                f"are only {2 ** len(maps)} ways to flip their signs"
            )
        self.squares = (maps**2).sum(axis=0)
        self.statistic = self._t(np.ones(len(maps)))

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return the t-statistic of a null."""
        return self._t(2 * rng.integers(0, 2, len(self.maps)) - 1)

    def _t(self, signs: NDArray[Any]) -> Floats:
        count, mean = len(self.maps), signs @ self.maps / len(self.maps)
        variance = (self.squares - count * mean**2) / (count - 1)
        return _ratio(mean, variance / count)


class LabelPermutations:
    """Two groups: is the mean of the second above that of the first? Labels are exchangeable."""

    def __init__(self, maps: Floats, design: Any, alpha: float) -> None:
        names, self.member = np.unique(np.asarray(design), return_inverse=True)
        if self.member.shape != (len(maps),) or names.size != 2:
            raise ValueError(
                f"`design` must name one of two groups for each of {len(maps)} subjects, got "
                f"{names.size} groups for {self.member.size}"
            )
        self.maps, self.second = maps, int(self.member.sum())
        ways = comb(len(maps), self.second)
        if ways * alpha < 1:
            raise ValueError(
                f"`values` must hold more subjects for alpha={alpha:g}, got {len(maps)}: there "
                f"are only {ways} ways to deal them to the groups"
            )
        self.sum, self.squares = maps.sum(axis=0), (maps**2).sum(axis=0)
        self.statistic = self._t(self.member)

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return the t-statistic of a null."""
        return self._t(rng.permutation(self.member))

    def _t(self, member: NDArray[Any]) -> Floats:
        second, first = self.second, len(self.maps) - self.second
        high = member @ self.maps
        low = self.sum - high
        within = self.squares - high**2 / second - low**2 / first
        variance = within / max(len(self.maps) - 2, 1) * (1 / first + 1 / second)
        return _ratio(high / second - low / first, variance)


def _ratio(mean: Floats, variance: Floats) -> Floats:
    """Return t; 0 where the maps are all alike up to rounding."""
    deviation = np.sqrt(np.maximum(variance, 0.0))
    flat = deviation <= 1e-12 * np.abs(mean)
    return np.where(flat, 0.0, mean / np.where(flat, 1.0, deviation))


Blocks = Iterator[Floats]
Draw = Callable[[np.random.Generator, int], Blocks]
_VALUES_AT_ONCE = 1 << 22


def fewest_draws(alpha: float) -> int:
    """Return how many draws a p-value of alpha takes at least."""
    return int(np.ceil(1 / alpha - 1e-9)) - 1


def null_model(
    graph: Any, values: Any, nulls: Any, design: Any, alpha: float, seed: int
) -> tuple[Graph, NDArray[Any], Draw]:
    """Return the graph, its attribute, and how to draw null fields in blocks."""
    if design is not None and not (isinstance(nulls, str) and nulls == "permute-labels"):
        raise TypeError('`design` must not be given but for nulls="permute-labels"')
    if isinstance(nulls, str) and nulls in ("signflip", "permute-labels"):
        checked = as_graph(graph)
        design_of = SignFlips if nulls == "signflip" else LabelPermutations
        model = design_of(maps_of(checked, values), design, alpha)
        return checked, model.statistic, _one_by_one(model.draw, checked.num_nodes)
    checked, attribute = graph_and_attribute(graph, values)
    array = _one_column(attribute)
    if isinstance(nulls, str):
        one_of(nulls, "nulls", ("field", "signflip", "permute-labels"))
        return checked, array, _of_field(checked, attribute, seed)
    if callable(nulls):
        return checked, array, _one_by_one(nulls, checked.num_nodes)
    return checked, array, _of_array(nulls, checked.num_nodes, alpha)


def _one_column(attribute: Attribute) -> NDArray[Any]:
    if attribute.array.ndim != 1:
        raise ValueError(
            f"`values` must have one entry per node, got shape {attribute.array.shape}; maps of "
            'subjects (subjects, num_nodes) are for nulls="signflip" and "permute-labels"'
        )
    if attribute.missing is None:
        return attribute.array
    return np.where(attribute.missing, np.nan, attribute.array.astype(np.float64))


def _block_size(num_nodes: int) -> int:
    return int(np.clip(_VALUES_AT_ONCE // max(num_nodes, 1), 1, 64))


def _one_by_one(one: Callable[[np.random.Generator], Any], num_nodes: int) -> Draw:
    def draw(rng: np.random.Generator, most: int) -> Blocks:
        for start in range(0, most, _block_size(num_nodes)):
            count = min(_block_size(num_nodes), most - start)
            yield np.stack([_null(one(rng), num_nodes) for _ in range(count)], axis=1)

    return draw


def _null(field: Any, num_nodes: int) -> Floats:
    array = np.asarray(field)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`nulls` must draw real numbers, got dtype {array.dtype}")
    if array.size != num_nodes:
        raise ValueError(f"`nulls` must draw one entry per node ({num_nodes},), got {array.shape}")
    return array.ravel().astype(np.float64)


def _of_array(nulls: Any, num_nodes: int, alpha: float) -> Draw:
    array = np.asarray(nulls)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            "`nulls` must be numbers (num_nodes, B), a function of a Generator, or a word, got "
            f"{type(nulls).__name__} of dtype {array.dtype}"
        )
    if array.ndim != 2 or array.shape[0] != num_nodes:
        raise ValueError(f"`nulls` must have shape ({num_nodes}, B), got {array.shape}")
    if array.shape[1] < fewest_draws(alpha):
        raise ValueError(
            f"`nulls` must hold at least {fewest_draws(alpha)} draws for alpha={alpha:g}, got "
            f"{array.shape[1]}: no p-value is below 1 / (draws + 1)"
        )

    def draw(_: np.random.Generator, most: int) -> Blocks:
        size = _block_size(num_nodes)
        for start in range(0, min(most, array.shape[1]), size):
            yield array[:, start : min(start + size, most)].astype(np.float64)

    return draw


def _of_field(graph: Graph, attribute: Attribute, seed: int) -> Draw:
    laplacian, data = graph_laplacian(graph, None), measurements_of(attribute, None)
    (_, fitted), *_ = fitted_fields(laplacian, data, "auto", seed)

    def draw(rng: np.random.Generator, most: int) -> Blocks:
        size = min(16, _block_size(graph.num_nodes))
        for start in range(0, most, size):
            yield fitted.prior_draws(min(size, most - start), rng)

    return draw


Statistic = Literal["height", "prominence"]
NullModel = Literal["field", "signflip", "permute-labels"]
FIRST_LOOK = 199
_DOUBT = 1e-3  # probability that more draws would have changed a decision


def peak_significance(
    graph: Any,
    values: Any,
    nulls: NullModel | Callable[[np.random.Generator], Any] | Any,
    *,
    statistic: Statistic = "height",
    rule: Rule | None = None,
    where: Any = None,
    design: Any = None,
    alpha: float = 0.05,
    max_draws: int = 4999,
    seed: int = 0,
) -> "PeakSignificance":
    """Return p-values of every peak, against fields in which there is nothing to find.

    A null field is an attribute on the same graph without signal. ``p_value`` is family-wise: the
    probability that the *highest* peak of a null field is as high as this one, so that among all
    peaks with p <= .05 there is a false one in at most 5 % of experiments. ``q_value`` is the
    false discovery rate: of the peaks with q <= .05 about 5 % are false.

    Parameters
    ----------
    graph : Graph or graph of another library
        The graph.
    values : array (num_nodes,), or (subjects, num_nodes) for group designs
        The attribute; or one map per subject, whose t-statistic at every node is the attribute.
    nulls : array (num_nodes, B), callable, or {"field", "signflip", "permute-labels"}
        B null fields; a function of a ``numpy.random.Generator`` that draws one; ``"field"``: draws
        of the Gaussian field with noise that fits the values best; ``"signflip"``: each subject's
        map with a random sign (maps symmetric about 0 under the null); ``"permute-labels"``:
        subjects dealt to the two groups of `design` at random.
    statistic : {"height", "prominence"}, default "height"
        What makes a peak remarkable.
    rule : Rule, optional
        What a peak is; the defaults of `find_peaks`.
    where : bool (num_nodes,), optional
        Nodes outside are absent.
    design : array (subjects,), optional
        The group of each subject, two of them, for ``"permute-labels"``; the t-statistic is that
        of the later group (in sorted order) minus the earlier one.
    alpha : float, default 0.05
        The level at which decisions are made. Draws go on until more of them would not change a
        decision at this level (but for one time in 1,000).
    max_draws : int, default 4999
        No more draws than this.
    seed : int, default 0
        Equal seeds give equal bits.

    Returns
    -------
    PeakSignificance
        A table, one row per peak, highest first.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind, or a null field has another dtype than numbers.
    ValueError
        If shapes do not fit, there are too few draws or subjects for `alpha`, or the design has
        not two groups.

    Notes
    -----
    Never shuffle the values over the nodes to get a null (the example). Shuffled values keep their
    highest one, so that the highest peak has p = 1 whatever it is; and they are rough where the
    data are smooth, so that all other peaks are compared with peaks of another kind. A null has
    to be as smooth as the data are.
    p = (1 + exceedances) / (1 + draws) is never 0 and valid for any number of draws. Draws are
    made in blocks; only counts are kept. The field of ``"field"`` is fitted to the values with
    their signal, which makes it a little conservative.

    References
    ----------
    T. Nichols and A. Holmes, Nonparametric permutation tests for functional neuroimaging, Human
    Brain Mapping 15 (2002).
    J. Chumbley, K. Worsley, G. Flandin and K. Friston, Topological FDR for neuroimaging,
    NeuroImage 49 (2010).

    Examples
    --------
    A bump on a smooth field, against fields as smooth, and against its own values, shuffled:

    >>> import numpy as np
    >>> import graphmax as gm
    >>> pixels = gm.grid_graph((20, 20))
    >>> smooth = lambda rng: gm.generators.gaussian_field(pixels, 0.5, 2, generator=rng)
    >>> y = smooth(np.random.default_rng(0))
    >>> y[210] += 5
    >>> honest = gm.peak_significance(pixels, y, smooth)
    >>> int(honest.peaks.nodes[0]), bool(honest.p_value[0] <= 0.01), int(honest.significant().sum())
    (210, True, 1)
    >>> shuffled = gm.peak_significance(pixels, y, lambda rng: rng.permutation(y))
    >>> shuffled.p_value[:2].tolist()
    [1.0, 1.0]
    """
    statistic = one_of(statistic, "statistic", ("height", "prominence"))  # type: ignore[assignment]
    alpha = number(alpha, "alpha", above=0)
    if alpha >= 1:
        raise ValueError(f"`alpha` must be below 1, got {alpha:g}")
    most = integer(max_draws, "max_draws", least=fewest_draws(alpha), hint=f"alpha is {alpha:g}")
    checked, attribute, draw = null_model(graph, values, nulls, design, alpha, seed)
    whole = rule if rule is not None else Rule()
    peaks = find_peaks(checked, attribute, rule=whole, where=where)
    scorer = _Scorer(checked, statistic, peaks.rule, where)
    blocks = draw(np.random.default_rng([seed, 1]), most)
    missing = np.isnan(attribute) if attribute.dtype.kind == "f" else None
    return _counted(peaks, scorer, blocks, missing, alpha, most)


@dataclass(frozen=True, eq=False, repr=False)
class PeakSignificance:
    """Peaks with what chance says of them, in the order of the table of peaks.

    Attributes
    ----------
    peaks : Peaks
        The table of `find_peaks`.
    score : float64 (p,)
        The statistic of each peak.
    p_value : float64 (p,)
        Family-wise: probability that the largest statistic of a null field is as large.
    q_value : float64 (p,)
        False discovery rate at which the peak is just taken.
    draws : int
        Number of null fields.
    alpha : float
        The level at which decisions were made.

    Examples
    --------
    >>> import numpy as np
    >>> import graphmax as gm
    >>> y = np.array([0.0, 9.0, 0.0, 1.0, 0.0])
    >>> noise = np.random.default_rng(0).normal(size=(5, 99))
    >>> gm.peak_significance(gm.grid_graph(5), y, noise).to_pandas()[["node", "p_value"]]
       node  p_value
    0     1     0.01
    1     3     0.64
    """

    peaks: Peaks
    score: Floats
    p_value: Floats
    q_value: Floats
    draws: int
    alpha: float

    def __len__(self) -> int:
        return len(self.peaks)

    def significant(self, level: float | None = None) -> NDArray[np.bool_]:
        """Return, for each peak, whether its family-wise p-value is at most a level."""
        mask: NDArray[np.bool_] = self.p_value <= (self.alpha if level is None else level)
        return mask

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the table of peaks with the columns ``p_value`` and ``q_value``."""
        return self.peaks.to_pandas().assign(p_value=self.p_value, q_value=self.q_value)

    def __repr__(self) -> str:
        count = int(self.significant().sum())
        return (
            f"PeakSignificance({len(self)} peaks, {count} with p <= {self.alpha:g}, "
            f"{self.draws} null fields)"
        )


@dataclass(frozen=True)
class _Scorer:
    """The statistic of every peak of a field."""

    graph: Graph
    statistic: str
    rule: Rule
    where: Any

    def of_peaks(self, peaks: Peaks) -> Floats:
        if self.statistic == "prominence":
            return np.asarray(peaks.prominence, np.float64)
        sign = -1.0 if self.rule.extremum == "min" else 1.0
        return sign * np.asarray(peaks.value, np.float64)

    def of_block(self, block: Floats) -> list[Floats]:
        """Return the statistics of the peaks of each column."""
        if self.statistic == "prominence":
            return [self._by_table(column) for column in block.T]
        mask = local_maxima(self.graph, block, rule=self.rule, where=self.where)
        return [self._heights(*pair) for pair in zip(block.T, mask.T, strict=True)]

    def _heights(self, column: Floats, mask: NDArray[np.bool_]) -> Floats:
        heights = column[mask]
        if np.unique(heights).size < heights.size:  # the nodes of a plateau are one peak
            return self._by_table(column)
        return -heights if self.rule.extremum == "min" else heights

    def _by_table(self, column: Floats) -> Floats:
        return self.of_peaks(find_peaks(self.graph, column, rule=self.rule, where=self.where))


def _counted(
    peaks: Peaks, scorer: _Scorer, blocks: Blocks, missing: Any, alpha: float, most: int
) -> PeakSignificance:
    """Count exceedances block by block until the decisions stand."""
    score = scorer.of_peaks(peaks)
    above, pooled = np.zeros(score.size, np.int64), np.zeros(score.size, np.int64)
    draws = total = 0
    look = FIRST_LOOK
    for block in blocks:
        if missing is not None and missing.any():
            block[missing] = np.nan
        for unsorted in scorer.of_block(block):
            null = np.sort(unsorted)
            pooled += null.size - np.searchsorted(null, score, side="left")
            total += null.size
            above += null[-1] >= score if null.size else False
            draws += 1
        tell("drawing null fields", draws, most)
        if draws >= look:
            if _decided(above, draws, alpha):
                break
            look *= 2
    p_value = (1 + above) / (1 + draws)
    q_value = benjamini_hochberg((1 + pooled) / (1 + total))
    return PeakSignificance(peaks, frozen(score), frozen(p_value), frozen(q_value), draws, alpha)


def _decided(above: NDArray[np.int64], draws: int, alpha: float) -> bool:
    """Report whether no count leaves it open on which side of alpha its p-value lies."""
    low = beta.ppf(_DOUBT / 2, np.maximum(above, 1), draws - above + 1)
    low = np.where(above == 0, 0.0, low)
    high = beta.ppf(1 - _DOUBT / 2, above + 1, np.maximum(draws - above, 1))
    high = np.where(above == draws, 1.0, high)
    return bool(((high < alpha) | (low > alpha)).all())


def benjamini_hochberg(p: Floats) -> Floats:
    """Return, for each p-value, the smallest false discovery rate at which it is taken."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    smallest = np.minimum.accumulate(scaled[::-1])[::-1]
    q = np.empty(p.size)
    q[order] = np.minimum(smallest, 1.0)
    return q
