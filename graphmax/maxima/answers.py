"""`local_maxima`, `local_minima`, `isolation` and `margin`."""

from typing import Any, NamedTuple

import numpy as np

from graphmax.kernels.search import UNLIMITED
from graphmax.maxima.engine import maxima_mask, nearest_challengers, rivals
from graphmax.question import ask, flipped, rule_for
from graphmax.rule import Rule, positive_length
from graphmax.values import exact_difference

_COMPARE = "compare isolation(...).distance with the radius you have in mind"
_NO_ISOLATED = "a node without neighbors has the answer inf"
_REFUSED_BY_ISOLATION = {
    "hops": _COMPARE,
    "radius": f"pass weighted=True and {_COMPARE}",
    "isolated": _NO_ISOLATED,
}
_REFUSED_BY_MARGIN = {
    "ties": "margin > 0 is the strict rule, margin >= 0 the weak one",
    "isolated": _NO_ISOLATED,
}


class Isolation(NamedTuple):
    """Distance of every node to its nearest challenger, and who that is.

    ``distance`` float64, inf where there is none, NaN for a NaN node; ``witness`` int64, -1 where
    there is none. Both have the shape and the kind of the values.

    Examples
    --------
    >>> import graphmax as gm
    >>> gm.isolation(gm.grid_graph(3), [2, 1, 3]).distance.tolist()
    [2.0, 1.0, inf]
    """

    distance: Any
    witness: Any


def local_maxima(
    graph: Any,
    values: Any,
    hops: int | None = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    **fields: Any,
) -> Any:
    """Find the nodes that are local maxima of an attribute in their own neighborhood.

    A challenger of v is another node, not NaN, with a value at least as high (``ties="strict"``).
    v is a k-hop local maximum if and only if the distance to its nearest challenger, its
    isolation, is greater than k.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
        bool, int, uint, float16/32/64, bfloat16, datetime64 or timedelta64, compared exactly.
        With F columns each is a question of its own.
    hops : int, optional
        Radius of the ball in hops; 1 unless a `radius` is given.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger; paths run through them.
    **fields
        Fields of `Rule`: radius, ties, direction, isolated, nan, extremum.

    Returns
    -------
    bool (num_nodes,) or (num_nodes, F)
        An array or tensor like `values`, on the same device; for a name a tensor if `graph` is
        PyG ``Data``, else NumPy.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or `rule` stands beside `hops` or fields.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, or a field is wrong.

    Notes
    -----
    On a constant connected graph nobody is a strict maximum. An isolated node is a maximum unless
    ``isolated=False``. One hop: a scan that stops at the first challenger, on random values a
    small share of the m edges. More hops: only the survivors are searched; where that would cost
    more than k passes over the edges, k passes are made. Memory: 9 bytes a node and column, and
    8 bytes a node and thread for a search.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> path = nx.path_graph(5)
    >>> gm.local_maxima(path, [1, 3, 2, 0, 5]).tolist()
    [False, True, False, False, True]
    >>> gm.local_maxima(path, [1, 3, 2, 0, 5], hops=3).tolist()
    [False, False, False, False, True]
    """
    question = ask(graph, values, rule_for("local_maxima", hops, rule, fields, {}), where)
    return question.attribute.restore(question.in_shape(maxima_mask(question)))


def local_minima(
    graph: Any,
    values: Any,
    hops: int | None = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    **fields: Any,
) -> Any:
    """Find the nodes that are local minima of an attribute in their own neighborhood.

    The order of the values is reversed and nothing else: the lowest index still wins ties.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit.
    hops : int, optional
        Radius of the ball in hops; 1 unless a `radius` is given.
    rule : Rule, optional
        A whole rule; its `extremum` is taken as ``"min"``.
    where : bool (num_nodes,), optional
        Nodes outside take no part; paths run through them.
    **fields
        Fields of `Rule` but `extremum`.

    Returns
    -------
    bool (num_nodes,) or (num_nodes, F)
        As for `local_maxima`.

    Raises
    ------
    TypeError
        As for `local_maxima`, and if `extremum` is given.
    ValueError
        As for `local_maxima`.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> gm.local_minima(nx.path_graph(4), [1, 0, 2, -1]).tolist()
    [False, True, False, True]
    """
    refused = {"extremum": "local_minima says it already; use local_maxima for the other side"}
    if rule is not None:
        refused = {}
    chosen = flipped(rule_for("local_minima", hops, rule, fields, refused))
    return local_maxima(graph, values, rule=chosen, where=where)


def isolation(
    graph: Any,
    values: Any,
    *,
    weighted: bool = False,
    max_distance: float | None = None,
    where: Any = None,
    **fields: Any,
) -> Isolation:
    """Measure how far every node is from its nearest challenger.

    v is a k-hop local maximum if and only if its isolation is greater than k: one number per node
    answers every k. Under ``ties="plateau"`` v speaks for its plateau: its isolation is the
    smallest distance from a node of the plateau to a strictly higher one.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit.
    weighted : bool, default False
        Distance as a sum of edge weights, in their unit, instead of hops.
    max_distance : float, optional
        Look no farther; nodes without a challenger within it have the answer inf.
    where : bool (num_nodes,), optional
        Nodes outside take no part; paths run through them.
    **fields
        Fields of `Rule`: ties, direction, nan, extremum.

    Returns
    -------
    Isolation
        ``distance`` float64 and ``witness`` int64 in the shape and kind of `values`. The witness
        is the nearest challenger; of several the highest, then the one of lowest index.

    Raises
    ------
    TypeError
        As for `local_maxima`, and for a field that is not taken.
    ValueError
        As for `local_maxima`, and with `weighted` on a graph without weights.

    Notes
    -----
    Weights are added in float64 from v outwards and compared without tolerance. Time: the edges
    within the isolation of each node; the highest node of a component looks at all of it.

    References
    ----------
    Topographic isolation of summits, as in A. Kirmse and J. de Ferranti, Calculating the
    prominence and isolation of every mountain in the world, Progress in Physical Geography 41
    (2017).

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> gm.isolation(nx.path_graph(5), [1, 3, 2, 0, 5])
    Isolation(distance=array([ 1.,  3.,  1.,  1., inf]), witness=array([ 1,  4,  1,  4, -1]))
    """
    rule = rule_for("isolation", None, None, fields, _REFUSED_BY_ISOLATION)
    question = ask(graph, values, rule, where)
    limit = np.inf if max_distance is None else positive_length(max_distance, "max_distance")
    if not weighted:
        limit = UNLIMITED if limit > UNLIMITED else int(limit)
    found = nearest_challengers(question, limit, bool(weighted))
    restore, in_shape = question.attribute.restore, question.in_shape
    return Isolation(*(restore(in_shape(answer)) for answer in found))


def margin(
    graph: Any,
    values: Any,
    hops: int | None = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    **fields: Any,
) -> Any:
    """Measure by how much every node beats its rival, the highest other node of its ball.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit.
    hops : int, optional
        Radius of the ball in hops; 1 unless a `radius` is given.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside take no part; paths run through them.
    **fields
        Fields of `Rule`: radius, direction, nan, extremum.

    Returns
    -------
    float64 (num_nodes,) or (num_nodes, F)
        ``values[v]`` minus the value of the rival (for minima the reverse), the exact difference
        rounded once, in the unit of the values (ticks for times). +inf without a rival, NaN for a
        NaN node. Above 0 if and only if v is a strict maximum, at least 0 if and only if weak.

    Raises
    ------
    TypeError
        As for `local_maxima`, and for `ties` and `isolated`.
    ValueError
        As for `local_maxima`.

    Notes
    -----
    Hops: `hops` rounds over the edges, O(hops * m). Radius: a search through every ball.

    Examples
    --------
    >>> import networkx as nx
    >>> import numpy as np
    >>> import graphmax as gm
    >>> gm.margin(nx.path_graph(3), np.array([0, 255, 250], np.uint8))
    array([-255.,    5.,   -5.])
    """
    question = ask(graph, values, rule_for("margin", hops, rule, fields, _REFUSED_BY_MARGIN), where)
    rival = rivals(question)
    array = np.atleast_2d(question.attribute.array.T)
    other = np.take_along_axis(array, np.maximum(rival, 0), axis=1) if rival.size else array
    sides = (other, array) if question.rule.extremum == "min" else (array, other)
    with np.errstate(invalid="ignore"):
        difference = exact_difference(*sides)
    difference[rival < 0] = np.inf
    if len(question.absents):
        difference[question.absents] = np.nan
    return question.attribute.restore(question.in_shape(difference))
