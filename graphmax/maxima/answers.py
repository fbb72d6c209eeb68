"""`local_maxima`, `local_minima`, `isolation`, `margin` and `rivals`."""

from typing import TYPE_CHECKING, Any, NamedTuple, Never, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import to_numpy
from graphmax.kernels.search import UNLIMITED
from graphmax.maxima.engine import maxima_mask, nearest_challengers, rival_nodes
from graphmax.notebook import fact_table
from graphmax.question import (
    MarginFields,
    MaximaFields,
    MinimaFields,
    Question,
    Values,
    ask,
    check_nonnegative,
    max_distance_of,
)
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule, Ties
from graphmax.values import exact_difference

if TYPE_CHECKING:
    from torch import Tensor


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

    def _repr_html_(self) -> str:
        """Show how far the nearest challengers are in a notebook."""
        distance = to_numpy(self.distance)
        known = distance[np.isfinite(distance)]
        facts = {
            "shape": distance.shape,
            "nobody is a challenger": int(np.isposinf(distance).sum()),
            "without a value": int(np.isnan(distance).sum()) or None,
            "nearest challenger, median": float(np.median(known)) if known.size else None,
            "nearest challenger, farthest": float(known.max()) if known.size else None,
        }
        return fact_table(facts, "Isolation")


@overload
def local_maxima(
    graph: Any,
    values: "Tensor",
    hops: Any = None,
    **fields: Unpack[MaximaFields],
) -> "Tensor": ...
@overload
def local_maxima(
    graph: Any,
    values: str,
    hops: Any = None,
    **fields: Unpack[MaximaFields],
) -> Any: ...
@overload
def local_maxima(
    graph: Any,
    values: Values,
    hops: Any = None,
    **fields: Unpack[MaximaFields],
) -> NDArray[np.bool_]: ...
@overload
def local_maxima(
    graph: Any,
    values: object,
    hops: Any = None,
    **fields: Unpack[MaximaFields],
) -> Any: ...
def local_maxima(
    graph: Any,
    values: Any,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    groups: Any = None,
    radius: Any = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Any:
    """Find the nodes that are local maxima of an attribute in their own neighborhood.

    A challenger of v is another node, not NaN, with a value at least as high (``ties="strict"``).
    v is a k-hop local maximum if and only if the distance to its nearest challenger, its
    isolation, is greater than k.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
        bool, int, uint, float16/32/64, bfloat16, datetime64 or timedelta64, compared exactly.
        With F columns each is a question of its own.
    hops : int, Rule or int (num_nodes,), optional
        Radius of the ball in hops; 1 unless a `radius` is given. With an array each node has a
        reach of its own. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger; `absent` says whether paths run
        through them.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: edges between different groups are not there,
        so that each group is asked on its own.
    radius : float or float (num_nodes,), optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    ties : {"strict", "weak", "plateau", "index"}, optional
        Which nodes of equal value challenge v: all (``strict``, the default), none (``weak``),
        none, and v speaks for its whole plateau (``plateau``), those of lower index (``index``).
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (``in``, the default), along it,
        or either.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum; True by default.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or leave such nodes out.
    absent : {"pass", "block"}, optional
        Whether paths run through nodes that are left out (``pass``, the default) or the graph
        is the subgraph induced by the others.
    extremum : {"max", "min"}, optional
        Which side; minima reverse the order of the values only.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    bool (num_nodes,) or (num_nodes, F)
        An array or tensor like `values`, on the same device; for a name a tensor if `graph` is
        PyG ``Data``, else NumPy.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, a field is not taken, or `rule` stands
        beside `hops` or fields.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, or a field is wrong.

    Notes
    -----
    On a constant connected graph nobody is a strict maximum. An isolated node is a maximum unless
    ``isolated=False``. One hop: a scan that stops at the first challenger, on random values a
    small share of the m edges. More hops: only the survivors are searched; where that would cost
    more than k passes over the edges, k passes are made. Memory: 9 bytes per node and column, and
    8 bytes per node and thread for a search.

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
    question = ask(
        "local_maxima",
        graph,
        values,
        hops,
        rule,
        where=where,
        groups=groups,
        radius=radius,
        ties=ties,
        direction=direction,
        isolated=isolated,
        nan=nan,
        absent=absent,
        extremum=extremum,
        **others,
    )
    return _restored(question, [maxima_mask(part) for part in question.parts()])


@overload
def local_minima(
    graph: Any,
    values: "Tensor",
    hops: Any = None,
    **fields: Unpack[MinimaFields],
) -> "Tensor": ...
@overload
def local_minima(
    graph: Any,
    values: str,
    hops: Any = None,
    **fields: Unpack[MinimaFields],
) -> Any: ...
@overload
def local_minima(
    graph: Any,
    values: Values,
    hops: Any = None,
    **fields: Unpack[MinimaFields],
) -> NDArray[np.bool_]: ...
@overload
def local_minima(
    graph: Any,
    values: object,
    hops: Any = None,
    **fields: Unpack[MinimaFields],
) -> Any: ...
def local_minima(
    graph: Any,
    values: Any,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    groups: Any = None,
    radius: Any = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    **others: Never,
) -> Any:
    """Find the nodes that are local minima of an attribute in their own neighborhood.

    The order of the values is reversed and nothing else: the lowest index still wins ties.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
        bool, int, uint, float16/32/64, bfloat16, datetime64 or timedelta64, compared exactly.
        With F columns each is a question of its own.
    hops : int, Rule or int (num_nodes,), optional
        Radius of the ball in hops; 1 unless a `radius` is given. With an array each node has a
        reach of its own. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule; its `extremum` is taken as ``"min"``.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger; `absent` says whether paths run
        through them.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: edges between different groups are not there,
        so that each group is asked on its own.
    radius : float or float (num_nodes,), optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    ties : {"strict", "weak", "plateau", "index"}, optional
        Which nodes of equal value challenge v: all (``strict``, the default), none (``weak``),
        none, and v speaks for its whole plateau (``plateau``), those of lower index (``index``).
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (``in``, the default), along it,
        or either.
    isolated : bool, optional
        Whether a node without any neighbor is a maximum; True by default.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or leave such nodes out.
    absent : {"pass", "block"}, optional
        Whether paths run through nodes that are left out (``pass``, the default) or the graph
        is the subgraph induced by the others.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    bool (num_nodes,) or (num_nodes, F)
        An array or tensor like `values`, on the same device.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, a field is not taken, or `rule` stands
        beside `hops` or fields.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, or a field is wrong.

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> gm.local_minima(nx.path_graph(4), [1, 0, 2, -1]).tolist()
    [False, True, False, True]
    """
    question = ask(
        "local_minima",
        graph,
        values,
        hops,
        rule,
        where=where,
        groups=groups,
        radius=radius,
        ties=ties,
        direction=direction,
        isolated=isolated,
        nan=nan,
        absent=absent,
        **others,
    )
    return _restored(question, [maxima_mask(part) for part in question.parts()])


def isolation(
    graph: Any,
    values: Any,
    *,
    weighted: bool = False,
    max_distance: float | None = None,
    rule: Rule | None = None,
    where: Any = None,
    groups: Any = None,
    ties: Ties | None = None,
    direction: Direction | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Isolation:
    """Measure how far every node is from its nearest challenger.

    v is a k-hop local maximum if and only if its isolation is greater than k: one number per node
    answers every k. Under ``ties="plateau"`` v speaks for its plateau: its isolation is the
    smallest distance from a node of the plateau to a strictly higher one.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
        bool, int, uint, float16/32/64, bfloat16, datetime64 or timedelta64, compared exactly.
        With F columns each is a question of its own.
    weighted : bool, default False
        Distance as a sum of edge weights, in their unit, instead of hops.
    max_distance : float, optional
        Look no farther; nodes without a challenger within it have the answer inf.
    rule : Rule, optional
        A whole rule, instead of fields; it says nothing of hops.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger; `absent` says whether paths run
        through them.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: edges between different groups are not there,
        so that each group is asked on its own.
    ties : {"strict", "weak", "plateau", "index"}, optional
        Which nodes of equal value challenge v: all (``strict``, the default), none (``weak``),
        none, and v speaks for its whole plateau (``plateau``), those of lower index (``index``).
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (``in``, the default), along it,
        or either.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or leave such nodes out.
    absent : {"pass", "block"}, optional
        Whether paths run through nodes that are left out (``pass``, the default) or the graph
        is the subgraph induced by the others.
    extremum : {"max", "min"}, optional
        Which side; minima reverse the order of the values only.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    Isolation
        ``distance`` float64 and ``witness`` int64 in the shape and kind of `values`. The witness
        is the nearest challenger; of several the highest, then the one of lowest index.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, a field is not taken, or `rule` stands
        beside `hops` or fields.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, a field is wrong, or
        `weighted` is asked on a graph without weights or with negative ones.

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
    question = ask(
        "isolation",
        graph,
        values,
        rule=rule,
        where=where,
        groups=groups,
        ties=ties,
        direction=direction,
        nan=nan,
        absent=absent,
        extremum=extremum,
        **others,
    )
    limit = max_distance_of(max_distance)
    if weighted:
        check_nonnegative(question.graph)
    elif limit > UNLIMITED:
        limit = UNLIMITED
    else:
        limit = int(limit)
    found = [nearest_challengers(part, limit, bool(weighted)) for part in question.parts()]
    distance, witness = zip(*found, strict=True)
    return Isolation(_restored(question, list(distance)), _restored(question, list(witness)))


@overload
def margin(
    graph: Any,
    values: "Tensor",
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> "Tensor": ...
@overload
def margin(
    graph: Any,
    values: str,
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> Any: ...
@overload
def margin(
    graph: Any,
    values: Values,
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> NDArray[np.float64]: ...
@overload
def margin(
    graph: Any,
    values: object,
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> Any: ...
def margin(
    graph: Any,
    values: Any,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    groups: Any = None,
    radius: Any = None,
    direction: Direction | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Any:
    """Measure by how much every node beats its rival, the highest other node of its ball.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
        bool, int, uint, float16/32/64, bfloat16, datetime64 or timedelta64, compared exactly.
        With F columns each is a question of its own.
    hops : int or Rule, optional
        Radius of the ball in hops; 1 unless a `radius` is given. A `Rule` in its place is the
        rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger; `absent` says whether paths run
        through them.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: edges between different groups are not there,
        so that each group is asked on its own.
    radius : float, optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (``in``, the default), along it,
        or either.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or leave such nodes out.
    absent : {"pass", "block"}, optional
        Whether paths run through nodes that are left out (``pass``, the default) or the graph
        is the subgraph induced by the others.
    extremum : {"max", "min"}, optional
        Which side; minima reverse the order of the values only.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    float64 (num_nodes,) or (num_nodes, F)
        ``values[v]`` minus the value of the rival (for minima the reverse), the exact difference
        rounded once, in the unit of the values (ticks for times). +inf without a rival, NaN for a
        NaN node. Above 0 if and only if v is a strict maximum, at least 0 if and only if weak.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, a field is not taken, or `rule` stands
        beside `hops` or fields.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, or a field is wrong.

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
    question = ask(
        "margin",
        graph,
        values,
        hops,
        rule,
        where=where,
        groups=groups,
        radius=radius,
        direction=direction,
        nan=nan,
        absent=absent,
        extremum=extremum,
        **others,
    )
    rival = np.concatenate([rival_nodes(part) for part in question.parts()])
    array = np.atleast_2d(question.attribute.array.T)
    other = np.take_along_axis(array, np.maximum(rival, 0), axis=1) if rival.size else array
    sides = (other, array) if question.rule.extremum == "min" else (array, other)
    with np.errstate(invalid="ignore"):
        difference = exact_difference(*sides)
    difference[rival < 0] = np.inf
    if len(question.absents):
        difference[question.absents] = np.nan
    return _restored(question, [difference])


@overload
def rivals(
    graph: Any,
    values: "Tensor",
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> "Tensor": ...
@overload
def rivals(
    graph: Any,
    values: str,
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> Any: ...
@overload
def rivals(
    graph: Any,
    values: Values,
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> NDArray[np.int64]: ...
@overload
def rivals(
    graph: Any,
    values: object,
    hops: Any = None,
    **fields: Unpack[MarginFields],
) -> Any: ...
def rivals(
    graph: Any,
    values: Any,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    where: Any = None,
    groups: Any = None,
    radius: Any = None,
    direction: Direction | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Any:
    """Name the rival of every node: the highest *other* node of its ball, ties to the lowest index.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,) or (num_nodes, F)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
        bool, int, uint, float16/32/64, bfloat16, datetime64 or timedelta64, compared exactly.
        With F columns each is a question of its own.
    hops : int or Rule, optional
        Radius of the ball in hops; 1 unless a `radius` is given. A `Rule` in its place is the
        rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    where : bool (num_nodes,), optional
        Nodes outside are never a maximum and never a challenger; `absent` says whether paths run
        through them.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: edges between different groups are not there,
        so that each group is asked on its own.
    radius : float, optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    direction : {"in", "out", "both"}, optional
        Which steps count on a directed graph: against the arrow (``in``, the default), along it,
        or either.
    nan : {"raise", "omit"}, optional
        Refuse NaN, NaT and missing values (the default), or leave such nodes out.
    absent : {"pass", "block"}, optional
        Whether paths run through nodes that are left out (``pass``, the default) or the graph
        is the subgraph induced by the others.
    extremum : {"max", "min"}, optional
        Which side; minima reverse the order of the values only.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    int64 (num_nodes,) or (num_nodes, F)
        Node indices, -1 where the ball holds no other node that is there; an array or tensor like
        `values`, on the same device.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, a field is not taken, or `rule` stands
        beside `hops` or fields.
    ValueError
        If the values do not fit the graph, hold NaN under ``nan="raise"``, or a field is wrong.

    Notes
    -----
    What scatter libraries are asked for as "the maximum and its index, self left out". A node
    that is left out (NaN, or outside `where`) has a rival all the same where paths run through
    it, and is nobody's rival. O(hops * m).

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> gm.rivals(nx.path_graph(5), [1, 3, 2, 0, 5]).tolist()
    [1, 2, 1, 4, 3]
    """
    question = ask(
        "rivals",
        graph,
        values,
        hops,
        rule,
        where=where,
        groups=groups,
        radius=radius,
        direction=direction,
        nan=nan,
        absent=absent,
        extremum=extremum,
        **others,
    )
    return _restored(question, [rival_nodes(part) for part in question.parts()])


def _restored(question: Question, answers: list[NDArray[Any]]) -> Any:
    """Join answers of shape (F, num_nodes) and bring them into the shape and kind of the values."""
    answer = answers[0] if len(answers) == 1 else np.concatenate(answers)
    return question.attribute.restore(question.in_shape(answer))
