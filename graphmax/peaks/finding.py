"""`find_peaks`: the maxima of an attribute, and how much each of them matters."""

from typing import Any, Literal, Never

from graphmax.peaks.assembly import Summits
from graphmax.peaks.filters import Filters
from graphmax.peaks.suppression import Metric
from graphmax.peaks.table import Peaks
from graphmax.question import ask
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule

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
