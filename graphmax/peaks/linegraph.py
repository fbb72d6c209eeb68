"""`edge_peaks`: prominence, isolation and parents of the maxima among the edges of a graph."""

from typing import Any, Never

import numpy as np
from numpy.typing import NDArray

from graphmax.edges import edge_maxima, weighted_graph
from graphmax.graph import Graph
from graphmax.kernels.linegraph import incident_edges, line_rows
from graphmax.node_values import complete_column
from graphmax.peaks.assembly import Summits
from graphmax.peaks.filters import Filters
from graphmax.peaks.finding import PeakOrder, PeakTies
from graphmax.peaks.table import Peaks
from graphmax.question import Question, ask
from graphmax.rule import Extremum, Rule, Ties

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
