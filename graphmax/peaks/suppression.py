"""`non_maximum_suppression`: the best node strikes out its ball, then the best that is left.

And what the table of peaks keeps, compared exactly, with the level that prominence ends at.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Never, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.calls import GraphFields, Values
from graphmax.checks import integer, number, one_of
from graphmax.kernels.merge import in_order
from graphmax.kernels.suppress import suppress, suppress_by_weight, suppress_straight
from graphmax.peaks.table import positions_of
from graphmax.question import Question, ask, check_nonnegative, is_array, reach_of
from graphmax.rule import Absent, Direction, Nan, Rule
from graphmax.values import exact_difference, order_key, takes_subnormals_for_zero, widened

if TYPE_CHECKING:
    from torch import Tensor


ORDERS = ("height", "prominence", "isolation")
METRICS = ("hops", "weight", "euclidean")


@dataclass(frozen=True)
class Filters:
    """Everything that thins the table of `find_peaks`; None where nothing was asked."""

    height: Any = None
    prominence: float | None = None
    isolation: float | None = None
    distance: float | None = None
    metric: str | None = None
    count: int | None = None
    by: str = "height"

    @classmethod
    def of(
        cls,
        min_height: Any,
        min_prominence: Any,
        min_isolation: Any,
        min_distance: Any,
        metric: Any,
        num_peaks: Any,
        by: Any,
    ) -> "Filters":
        """Check what a caller wrote."""
        if metric is not None:
            one_of(metric, "metric", METRICS)
            if min_distance is None:
                raise ValueError(
                    f"`metric` must be given with min_distance, got {metric!r} alone; "
                    "it says in which unit min_distance is measured"
                )
        hint = "leave it out to keep all"
        return cls(
            min_height,
            at_least_zero(min_prominence, "min_prominence"),
            at_least_zero(min_isolation, "min_isolation"),
            at_least_zero(min_distance, "min_distance"),
            metric,
            None if num_peaks is None else integer(num_peaks, "num_peaks", 1, hint=hint),
            one_of(by, "by", ORDERS),
        )

    def reaches_height(self, array: NDArray[Any], *, downwards: bool) -> NDArray[np.bool_]:
        """Tell which values are as high (under `downwards` as low) as the least height."""
        return reaching(array, self.height, "min_height", downwards=downwards)


def at_least_zero(threshold: Any, name: str) -> float | None:
    """Return a threshold on a distance or a difference, refusing what is negative or NaN."""
    return None if threshold is None else number(threshold, name, least=0)


def reaching(
    array: NDArray[Any], threshold: Any, name: str, *, downwards: bool = False
) -> NDArray[np.bool_]:
    """Tell which values are at least a threshold; under `downwards` at most.

    Exactly, whatever the dtypes; NaN and NaT reach nothing. `name` is how errors call it.
    """
    bound = level_like(array, threshold, name)
    if array.dtype.kind == "f" and takes_subnormals_for_zero():
        return _reaching_by_bits(array, _float_bound(bound, downwards), downwards)
    if array.dtype.kind not in "mM":
        array, bound = _exactly(array, bound, downwards)
    return np.asarray(array <= bound if downwards else array >= bound)


def _reaching_by_bits(array: NDArray[Any], bound: float, downwards: bool) -> NDArray[np.bool_]:
    key, absent = order_key(array)
    least = order_key(np.array([bound])).key[0]
    reached: NDArray[np.bool_] = key <= least if downwards else key >= least
    return reached if absent is None else reached & ~absent


def level_like(array: NDArray[Any], level: Any, name: str) -> Any:
    """Return a level of the kind of the values, refusing NaN and NaT."""
    if array.dtype.kind in "mM":
        return _time(level, array.dtype, name)
    number(level, name)
    if isinstance(level, np.float16 | np.float32):  # a conversion may flush it to 0
        return widened(np.array([level])).item()
    return level.item() if isinstance(level, np.generic) else level


def _time(level: Any, dtype: np.dtype[Any], name: str) -> Any:
    kind = np.datetime64 if dtype.kind == "M" else np.timedelta64
    if not isinstance(level, kind):
        raise TypeError(f"`{name}` must be a {kind.__name__} like the values, got {level!r}")
    if np.isnat(level):
        raise ValueError(f"`{name}` must not be NaT")
    return level


def _exactly(
    array: NDArray[Any], threshold: int | float, downwards: bool
) -> tuple[NDArray[Any], int | float]:
    """Return array and threshold in types that NumPy compares without rounding."""
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False), _float_bound(threshold, downwards)
    if threshold in (math.inf, -math.inf):
        return array.astype(np.float64), threshold
    whole = math.floor(threshold) if downwards else math.ceil(threshold)
    return array.astype(np.uint8) if array.dtype.kind == "b" else array, whole


def _float_bound(threshold: int | float, downwards: bool) -> float:
    """Return the float that the same floats reach as the exact threshold."""
    try:
        bound = float(threshold)
    except OverflowError:
        bound = math.inf if threshold > 0 else -math.inf
    if downwards and bound > threshold:
        return math.nextafter(bound, -math.inf)
    return math.nextafter(bound, math.inf) if not downwards and bound < threshold else bound


@dataclass(frozen=True)
class SeaLevel:
    """What the first peak of a component stands on: a level that was given."""

    level: Any

    @classmethod
    def of(cls, array: NDArray[Any], base: Any) -> "SeaLevel":
        """Check a level; one of times must be a whole number of their unit."""
        level = level_like(array, base, "base")
        if array.dtype.kind in "mM":
            if level.astype(array.dtype) != level:
                raise ValueError(
                    f"`base` must be a whole number of the unit of the values ({array.dtype}), "
                    f"got {level}"
                )
            level = level.astype(array.dtype)
        return cls(level)

    @property
    def _is_infinite(self) -> bool:
        return self.level in (math.inf, -math.inf)

    def below(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Return ``array - level``, the exact difference rounded once."""
        fitting = self._as(array.dtype)
        if fitting is not None:
            return exact_difference(array, np.full_like(array, fitting))
        if array.dtype.kind == "f" or _are_floats(array) or self._is_infinite:
            array, fitting = array.astype(np.float64), self._as(np.dtype(np.float64))
        if fitting is not None:
            return exact_difference(array, np.full_like(array, fitting))
        differences = [_exact(value) - Fraction(self.level) for value in array.tolist()]
        return np.array([_rounded(difference) for difference in differences], np.float64)

    def _as(self, dtype: np.dtype[Any]) -> Any:
        """Return the level in the dtype of the values; None where that would change it."""
        if dtype.kind in "mM":
            return self.level
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                try:
                    cast = np.array(self.level, dtype)
                except OverflowError:
                    return None
            return cast if float(cast) == self.level else None
        if self._is_infinite or int(self.level) != self.level:
            return None
        low, high = (0, 1) if dtype.kind == "b" else _bounds(dtype)
        return int(self.level) if low <= self.level <= high else None

    def put_into(self, values: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[Any]:
        """Write the level into some rows, in a dtype that can hold it."""
        fitting = self._as(values.dtype)
        if fitting is None:
            values, fitting = values.astype(np.float64), _rounded(self.level)
        values[rows] = fitting
        return values


def _bounds(dtype: np.dtype[Any]) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _are_floats(array: NDArray[Any]) -> bool:
    """Tell whether float64 holds every one of some integers."""
    return bool(array.size == 0 or (array.max() <= 2**53 and array.min() >= -(2**53)))


def _exact(value: Any) -> Any:
    return value if isinstance(value, float) and math.isinf(value) else Fraction(value)


def _rounded(difference: Any) -> float:
    try:
        return float(difference)
    except OverflowError:
        return math.inf if difference > 0 else -math.inf


# --- `non_maximum_suppression`: the best node strikes out its ball, then the best that is left

Metric = Literal["hops", "weight", "euclidean"]


class SuppressionFields(GraphFields, total=False):
    """What `non_maximum_suppression` takes by keyword, for its signature."""

    threshold: Any
    metric: Metric | None
    radius: Any


@overload
def non_maximum_suppression(
    graph: Any, scores: "Tensor", hops: Any = None, **fields: Unpack[SuppressionFields]
) -> "Tensor": ...
@overload
def non_maximum_suppression(
    graph: Any, scores: str, hops: Any = None, **fields: Unpack[SuppressionFields]
) -> Any: ...
@overload
def non_maximum_suppression(
    graph: Any, scores: Values, hops: Any = None, **fields: Unpack[SuppressionFields]
) -> NDArray[np.int64]: ...
@overload
def non_maximum_suppression(
    graph: Any, scores: object, hops: Any = None, **fields: Unpack[SuppressionFields]
) -> Any: ...
def non_maximum_suppression(
    graph: Any,
    scores: Any,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    threshold: Any = None,
    metric: Metric | None = None,
    where: Any = None,
    groups: Any = None,
    radius: Any = None,
    direction: Direction | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    **others: Never,
) -> Any:
    """Keep the best nodes, none of them within reach of a better one that was kept.

    Greedy: the node of the highest score is kept and every other node of its ball is suppressed;
    then the highest of those that are left, and so on. Of equal scores the lower index goes
    first.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    scores : str, mapping or array (num_nodes,)
        The score of every node, in any unit; nodes without one are left out.
    hops : int, Rule or int (num_nodes,), optional
        Radius of the ball that a kept node suppresses; 1 unless a `radius` is given. With an
        array each node has a reach of its own. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    threshold : number, optional
        Nodes of a lower score are not kept and suppress nobody; in the unit of the scores.
    metric : {"hops", "weight", "euclidean"}, optional
        What a `radius` measures: sums of edge weights (the default) or straight lines between
        the positions of the graph (``"euclidean"``), which count inside a group only.
    where : bool (num_nodes,), optional
        Nodes outside are not there.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: each group is asked on its own.
    radius : float or float (num_nodes,), optional
        Radius of the ball as a length, instead of `hops`.
    direction : {"in", "out", "both"}, optional
        A directed graph needs ``"both"``: arrows are dropped.
    nan : {"omit", "raise"}, optional
        Leave nodes of score NaN out (the default), or refuse them.
    absent : {"block"}, optional
        Nodes that are left out are not there: no path runs through them.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    int64 (kept,)
        The nodes kept, best first; an array or tensor like `scores`.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or a field is not taken.
    ValueError
        If the scores do not fit the graph, a directed graph lacks ``direction="both"``,
        `threshold` is NaN, a radius lacks weights or positions, or `metric` does not fit.

    Notes
    -----
    Not the same as ``local_maxima(graph, scores, hops)``: a local maximum beats its whole ball, a
    kept node only what no better kept node has suppressed. Every local maximum (``ties="index"``)
    is kept. On the path 0 9 0 8 0 7 0 with two hops greedy keeps nodes 1 and 5, because 3, which
    beats 5, was itself suppressed by 1; the window rule keeps 1 only. O(hops * m) after sorting.

    References
    ----------
    A. Neubeck and L. Van Gool, Efficient non-maximum suppression, ICPR 2006.

    Examples
    --------
    >>> import networkx as nx
    >>> import numpy as np
    >>> import graphmax as gm
    >>> path, scores = nx.path_graph(7), [0, 9, 0, 8, 0, 7, 0]
    >>> gm.non_maximum_suppression(path, scores, hops=2).tolist()
    [1, 5]
    >>> np.flatnonzero(gm.local_maxima(path, scores, hops=2)).tolist()
    [1]
    """
    is_straight = _is_straight(metric, radius, rule if rule is not None else hops)
    fields = {"direction": direction, "nan": nan, "absent": absent}
    question = ask(
        "non_maximum_suppression",
        graph,
        scores,
        hops,
        rule,
        where=where,
        groups=groups,
        name="scores",
        radius=None if is_straight else radius,
        **fields,
        **others,
    )
    order, _ = in_order(question.keys[0], question.absent(0))
    if threshold is not None:
        order = order[reaching(question.attribute.array[order], threshold, "threshold")]
    if is_straight:
        lines = _lengths(question, radius)
        kept = keep_apart(question, order, lines, "euclidean", "non_maximum_suppression")
    else:
        measured = "hops" if question.rule.radius is None else "weight"
        kept = keep_apart(question, order, _reach(question), measured, "non_maximum_suppression")
    return question.attribute.convert(kept)


def _is_straight(metric: str | None, radius: Any, rule: Any) -> bool:
    """Check that the metric fits the reach that was given."""
    if metric is None:
        return False
    one_of(metric, "metric", METRICS)
    has_radius = radius is not None or (isinstance(rule, Rule) and rule.radius is not None)
    if (metric == "hops") == has_radius:
        way_out = "give hops" if metric == "hops" else "give a radius"
        raise ValueError(f"`metric` must fit the reach, got {metric!r}; {way_out}")
    if metric == "euclidean" and radius is None:
        raise ValueError("`metric` must not be 'euclidean' with a rule; pass radius=")
    return metric == "euclidean"


def _lengths(question: Question, radius: Any) -> NDArray[np.float64]:
    if is_array(radius):
        return np.asarray(reach_of(question.graph, radius, "radius"), np.float64)
    return np.array([number(radius, "radius", above=0)])


def _reach(question: Question) -> NDArray[Any]:
    if question.reach is not None:
        return question.reach
    rule = question.rule
    return np.array([rule.reach if rule.radius is None else rule.radius])


def keep_apart(
    question: Question, nodes: NDArray[np.int64], reach: NDArray[Any], metric: str, call: str
) -> NDArray[np.int64]:
    """Keep nodes, best first, that no kept node before them reaches; `reach` is (1,) or (n,)."""
    rows = question.rows
    kept: NDArray[np.int64]
    if metric == "hops":
        kept = suppress(rows.indptr, rows.indices, nodes, reach)
        return kept
    if metric == "weight":
        if rows.weights is None:
            raise ValueError(
                f"`metric` must not be 'weight' for {call} on a graph without edge weights; "
                "measure in hops, or pass a graph with weights"
            )
        check_nonnegative(question.graph)
        kept = suppress_by_weight(rows.indptr, rows.indices, rows.weights, nodes, reach)
        return kept
    positions, groups = positions_of(question.graph, call), question.groups
    kept = suppress_straight(
        positions[nodes],
        np.empty(0, np.int64) if groups is None else groups[nodes],
        reach if reach.size == 1 else reach[nodes],
    )
    return np.asarray(nodes[kept])


def keep_distant(
    question: Question, nodes: NDArray[np.int64], distance: float, metric: str | None
) -> NDArray[np.int64]:
    """Keep nodes, best first, that are at least `distance` from all that were kept before."""
    if metric is None:
        metric = "hops" if question.rule.radius is None else "weight"
    if metric == "hops":
        steps = min(distance, question.graph.num_nodes + 1)
        reach: NDArray[Any] = np.array([math.ceil(steps) - 1])
    else:
        reach = np.array([math.nextafter(distance, -math.inf)])
    if reach[0] < 0:  # nothing is nearer than 0
        return nodes
    return keep_apart(question, nodes, reach, metric, "find_peaks")
