"""`non_maximum_suppression`: the best node strikes out its ball, then the best that is left."""

import math
from typing import TYPE_CHECKING, Any, Literal, Never, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.calls import GraphFields, Values
from graphmax.checks import number, one_of
from graphmax.kernels.ascent import in_order
from graphmax.kernels.suppress import suppress, suppress_by_weight, suppress_straight
from graphmax.peaks.filters import METRICS, reaching
from graphmax.peaks.setting import positions_of
from graphmax.question import Question, ask, check_nonnegative, is_array, reach_of
from graphmax.rule import Absent, Direction, Nan, Rule

if TYPE_CHECKING:
    from torch import Tensor

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
