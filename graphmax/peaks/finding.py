"""`find_peaks` and `edge_peaks`: the maxima of an attribute, and how much each matters."""

from typing import Any, Literal, Never

import numpy as np
from numpy.typing import NDArray

from graphmax.edges import edge_maxima, weighted_graph
from graphmax.graph import Graph
from graphmax.kernels.edges import incident_edges, line_rows
from graphmax.node_values import complete_column
from graphmax.peaks.assembly import Summits
from graphmax.peaks.suppression import Filters, Metric
from graphmax.peaks.table import Peaks
from graphmax.question import Question, ask
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule, Ties

PeakTies = Literal["plateau", "strict"]
PeakOrder = Literal["height", "prominence", "isolation"]


def find_peaks(
    graph: Any,
    values: Any,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    min_height: Any = None,
    min_prominence: float | None = None,
    min_isolation: float | None = None,
    min_distance: float | None = None,
    metric: Metric | None = None,
    num_peaks: int | None = None,
    by: PeakOrder = "height",
    base: Any = None,
    where: Any = None,
    groups: Any = None,
    radius: Any = None,
    ties: PeakTies | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Peaks:
    """Find the peaks of an attribute and tell how much each of them matters.

    A peak is a local maximum; a plateau is one peak, named by its lowest index. Its prominence is
    its value minus the highest saddle over which one can walk to higher ground, a node that comes
    before it in the order "value descending, then index ascending": the value of the lowest node
    on the best path. The first peak of a component has nothing higher to walk to: its prominence
    is its value minus `base`, by default the lowest value of the whole graph (of its group).

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit: its name, a value for every node, or the values in node order.
        A NaN node is absent.
    hops : int, Rule or int (num_nodes,), optional
        Radius of the ball in hops; 1 unless a `radius` is given. With an array each node has a
        reach of its own, a plateau the largest of its members. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    min_height : number, optional
        Keep peaks of at least this value (for minima at most), in the unit of the values.
    min_prominence : float, optional
        Keep peaks of at least this prominence, in the unit of the values (ticks for times).
    min_isolation : float, optional
        Keep peaks at least this far from higher ground, in hops, or in edge weights under a
        `radius`.
    min_distance : float, optional
        After the other thresholds keep the first peak in the order `by`, drop all that are nearer
        to it than this, equal ones included, then go on with the next that is left: any two that
        stay are at least so far apart, measured between the nodes that name them.
    metric : {"hops", "weight", "euclidean"}, optional
        What `min_distance` measures: steps (the default), sums of edge weights (the default under
        a `radius`), or straight lines between the positions of the graph, inside a group only.
    num_peaks : int, optional
        Keep so many of the peaks (of each group) that pass all other filters, the first in the
        order `by`.
    by : {"height", "prominence", "isolation"}, default "height"
        Which peaks go first for `num_peaks` and `min_distance`, the largest; ties by height, then
        index. The table is highest first all the same.
    base : number, optional
        Level from which the first peak of a component is measured, in the unit of the values.
    where : bool (num_nodes,), optional
        Nodes outside are absent.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: edges between different groups are not there,
        so that each group is asked on its own.
    radius : float or float (num_nodes,), optional
        Radius of the ball in edge weights, in their unit, instead of `hops`.
    ties : {"plateau", "strict"}, optional
        Whether a flat top is one peak (``plateau``, the default) or none (``strict``).
    direction : {"in", "out", "both"}, optional
        A directed graph needs ``"both"``: arrows are dropped.
    isolated : bool, optional
        Whether a node without any neighbor is a peak; True by default.
    nan : {"omit", "raise"}, optional
        Leave NaN, NaT and missing values out (the default), or refuse them.
    absent : {"block"}, optional
        Nodes that are left out are not there: no walk crosses them.
    extremum : {"max", "min"}, optional
        Which side; minima reverse the order of the values only.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    Peaks
        A table, one row per peak, highest first.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, a field is not taken, or `rule` stands
        beside `hops` or fields.
    ValueError
        If the values do not fit the graph, a threshold is negative or NaN, `num_peaks` is below
        1, `ties` is ``"weak"`` or ``"index"``, a directed graph lacks ``direction="both"``, or
        the graph has no weights or positions to measure with.

    Notes
    -----
    No peak at all is an empty table. Saddles, parents and basins walk single edges, whatever the
    rule, and never across an absent node. A peak that is filtered out gives its basin to its
    nearest ancestor in the merge tree that stays. Prominence is the 0-dimensional persistence of
    the superlevel sets under the elder rule, the essential classes ending at `base`: of equal
    twins the later one has the small prominence. `min_distance` thins the table; ``hops=d`` asks
    every node, and a peak can lose there to a node that is no peak.
    Sorting, O(m alpha) for the merge tree by union-find, and one search per peak for the
    isolation.

    References
    ----------
    H. Edelsbrunner and J. Harer, Computational Topology: An Introduction, AMS (2010), VII.1.
    A. Kirmse and J. de Ferranti, Calculating the prominence and isolation of every mountain in
    the world, Progress in Physical Geography 41 (2017).

    Examples
    --------
    >>> import graphmax as gm
    >>> path = gm.Graph.from_edges([0, 1, 2, 3, 4], [1, 2, 3, 4, 5])
    >>> peaks = gm.find_peaks(path, [1, 9, 4, 6, 5, 7])
    >>> peaks.nodes.tolist(), peaks.prominence.tolist(), peaks.key_saddle.tolist()
    ([1, 5, 3], [8.0, 3.0, 1.0], [-1, 2, 4])
    >>> gm.find_peaks(path, [1, 9, 4, 6, 5, 7], min_distance=3).nodes.tolist()
    [1, 5]
    """
    filters = Filters.of(
        min_height, min_prominence, min_isolation, min_distance, metric, num_peaks, by
    )
    question = ask(
        "find_peaks",
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
    return Summits.of(question, base).table(filters)


# Two gigabytes of neighbors.
MOST_ENTRIES = 1 << 29


def edge_peaks(
    graph: Any,
    weights: Any = None,
    hops: Any = None,
    *,
    rule: Rule | None = None,
    min_height: Any = None,
    min_prominence: float | None = None,
    min_isolation: float | None = None,
    min_distance: float | None = None,
    num_peaks: int | None = None,
    by: PeakOrder = "height",
    base: Any = None,
    groups: Any = None,
    ties: PeakTies | None = None,
    isolated: bool | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Peaks:
    """Find the edges that are maxima and tell how much each of them matters.

    The peaks are the edges that `edge_maxima` finds: no other edge between the balls of their two
    ends has as large a weight. Isolation, saddles, parents and basins are those of `find_peaks`
    among edges, two of which are neighbors if they share an end.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`. Arrows are ignored; both edges between two nodes are neighbors.
    weights : array (num_edges,), mapping of (u, v), or str, optional
        One value per edge, in any unit: in the order of ``as_graph(graph).edges()``, by the ids of
        its ends, or the name of an edge attribute. The graph's own weights by default.
    hops : int or Rule, optional
        Radius of the two balls, 1 by default. A `Rule` in its place is the rule.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    min_height, min_prominence, min_isolation, min_distance : number, optional
        Filters as in `find_peaks`; distances in steps from edge to edge.
    num_peaks : int, optional
        Keep so many of the peaks that pass all other filters, the first in the order `by`.
    by : {"height", "prominence", "isolation"}, default "height"
        Which peaks go first.
    base : number, optional
        Level from which the first peak of a component is measured; by default the lowest weight
        (of its group).
    groups : (num_nodes,), optional
        Labels of any kind, one per node: edges between different groups are not there, so that
        each group is asked on its own.
    ties : {"plateau", "strict"}, optional
        Whether edges of one weight that share ends are one peak (``plateau``, the default): each
        of them has no heavier edge between its balls; or none (``strict``).
    isolated : bool, optional
        Whether an edge that shares no end with another is a peak; True by default.
    extremum : {"max", "min"}, optional
        Which side; minima reverse the order of the weights only.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    Peaks
        A table, one row per peak, highest first. Its nodes are columns of ``graph.edges()``; its
        columns hold the ids of both ends, ``src`` and ``dst``.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or a field is not taken.
    ValueError
        If there are no weights, they do not fit the edges or hold NaN, a threshold is negative or
        NaN, or hubs join more than 2**29 pairs of edges.

    Notes
    -----
    ``edge_peaks(..., ties="strict").mask`` is ``edge_maxima(...)``. A node of d edges joins d * d
    pairs of them, which are written down: memory follows the squares of the degrees.

    Examples
    --------
    >>> import graphmax as gm
    >>> path = gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4], weights=[3, 1, 2, 5])
    >>> peaks = gm.edge_peaks(path)
    >>> path.edges()[:, peaks.nodes].tolist(), peaks.prominence.tolist()
    ([[3, 0], [4, 1]], [4.0, 2.0])
    """
    filters = Filters.of(
        min_height, min_prominence, min_isolation, min_distance, None, num_peaks, by
    )
    resolved, _, attribute, _ = weighted_graph(graph, weights)
    inside, edge_groups = _groups_of_edges(resolved, groups)
    question = ask(
        "edge_peaks",
        line_graph(resolved),
        attribute.array,
        hops,
        rule,
        where=inside,
        groups=edge_groups,
        name="weights",
        ties=ties,
        isolated=isolated,
        extremum=extremum,
        **others,
    )
    summits = Summits.of(question, base, edges_of=resolved)
    return summits.table(filters, _allowed(resolved, summits))


def _groups_of_edges(
    graph: Graph, groups: Any
) -> tuple[NDArray[np.bool_] | None, NDArray[Any] | None]:
    """Return which edges stay inside a group, and the group of each edge."""
    if groups is None:
        return None, None
    src, dst = complete_column(graph, groups, "groups", any_kind=True)[graph.edges()]
    return np.asarray(src == dst), src


def line_graph(graph: Graph) -> Graph:
    """Return the graph whose nodes are the edges, joined where they share an end."""
    src, dst = graph.edges()
    indptr, incident = incident_edges(src, dst, graph.num_nodes)
    degree = np.diff(indptr)
    entries = int((degree * (degree - 1)).sum())
    if entries > MOST_ENTRIES:
        hub = int(degree.argmax())
        raise ValueError(
            f"`graph` must not join more than {MOST_ENTRIES} pairs of edges for edge_peaks, got "
            f"{entries} (node {hub} alone has {degree[hub]} edges); leave out light edges or hubs, "
            "or take edge_maxima"
        )
    ends, indices = line_rows(src, dst, indptr, incident, entries)
    return Graph(ends, indices, None, directed=False)


def _allowed(graph: Graph, summits: Summits) -> NDArray[np.bool_]:
    """Tell which peaks of the line graph are edge maxima, all of their plateau."""
    question = summits.question
    mask = _edge_maxima(graph, question)
    if question.ties.by_plateau:
        mask[summits.topography.ascents.plateau[~mask]] = False
    return mask


def _edge_maxima(graph: Graph, question: Question) -> NDArray[np.bool_]:
    key, absent = question.keys[0], question.absent(0)
    present = ~absent if absent.size else np.ones(key.size, np.bool_)
    if absent.any():
        src, dst = graph.edges()[:, present]
        graph = Graph.from_edges(src, dst, graph.num_nodes, directed=graph.directed)
    mask = np.zeros(key.size, np.bool_)
    ties: Ties = "weak" if question.ties.by_plateau else "strict"
    mask[present] = edge_maxima(graph, key[present], question.rule.reach or 1, ties=ties)
    return mask
