"""`merge_tree` and `basins`: how parts above a level join as it falls, and whose peak a node is."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Never, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.calls import GraphFields, Values
from graphmax.checks import boolean, frozen
from graphmax.kernels import merge
from graphmax.kernels.merge import NOBODY, caps, join
from graphmax.node_values import complete_column
from graphmax.peaks.assembly import Ascents, Summits
from graphmax.peaks.suppression import Filters, at_least_zero, reaching
from graphmax.peaks.table import Peaks
from graphmax.question import Question, ask
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class MergeTree:
    """The merge tree (join tree) of an attribute, one row per vertex, highest first.

    Its leaves are the peaks, a plateau being one; where branches meet there is a vertex at the
    saddle; the root is the lowest node of the component. No vertex is as high as the one below.

    Attributes
    ----------
    nodes : int64 (t,)
        The node of each vertex; of several that would do the one of lowest index.
    heights : (t,)
        The value of that node.
    parents : int64 (t,)
        The row of the vertex below, -1 for a root.

    Examples
    --------
    >>> import graphmax as gm
    >>> tree = gm.merge_tree(gm.grid_graph(5), [1, 5, 2, 3, 0])
    >>> tree.nodes.tolist(), tree.heights.tolist(), tree.parents.tolist()
    ([1, 3, 2, 4], [5, 3, 2, 0], [2, 2, 3, -1])
    """

    nodes: NDArray[np.int64]
    heights: NDArray[Any]
    parents: NDArray[np.int64]
    _summits: Summits

    def __post_init__(self) -> None:
        for name in ("nodes", "heights", "parents"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __len__(self) -> int:
        return int(self.nodes.size)

    def __repr__(self) -> str:
        roots = int((self.parents < 0).sum())
        plural = "s" * (roots != 1)
        return f"MergeTree({len(self)} vertices, {self.is_leaf.sum()} peaks, {roots} root{plural})"

    @cached_property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which vertices are peaks, bool (t,)."""
        leaf = np.ones(len(self), np.bool_)
        leaf[self.parents[self.parents >= 0]] = False
        return frozen(leaf)

    @cached_property
    def peaks(self) -> Peaks:
        """The table of all peaks, as `find_peaks` returns it at one hop."""
        return self._summits.table(Filters())

    def cut(self, height: Any) -> Any:
        """Return the components of the nodes that are at least so high.

        Parameters
        ----------
        height : number, or datetime64 or timedelta64 for times
            The level, in the unit of the values; for minima nodes at most so high.

        Returns
        -------
        int64 (num_nodes,)
            The first peak (highest, then lowest index) of the component of each node, -1 below
            the level and for absent nodes; an array or tensor like the values.
        """
        question, topography = self._summits.question, self._summits.topography
        array, parent = question.attribute.array, topography.parent
        high = reaching(array, height, "height", downwards=question.rule.extremum == "min")
        high &= topography.ascents.summit >= 0
        saddle, born = topography.saddle, topography.born
        is_root = np.zeros(array.size, np.bool_)
        is_root[born] = (saddle[born] < 0) | ~high[saddle[born]]
        root = topography.ancestors_among(is_root)
        branch = np.where(parent >= 0, parent, np.arange(array.size))
        branch[born] = born
        return question.attribute.restore(np.where(high, root[branch], -1).astype(np.int64))

    def simplify(self, min_prominence: float) -> Any:
        """Return the values, lowered so that only the peaks that stay are maxima.

        A peak stays if its prominence is at least `min_prominence`, or if it is the first of its
        component. The hill of any other is cut down to the saddle towards the peaks that stay.

        Parameters
        ----------
        min_prominence : float
            In the unit of the values (ticks for times).

        Returns
        -------
        (num_nodes,)
            Values of the dtype and kind of those that came in, each of them one of those; for
            minima they are raised.
        """
        least = at_least_zero(min_prominence, "min_prominence") or 0.0
        topography, question = self._summits.topography, self._summits.question
        tops = topography.ascents.tops
        stays = np.zeros(question.attribute.num_nodes, np.bool_)
        stays[tops] = self._summits.prominence(tops) >= least
        stays[topography.born] |= topography.saddle[topography.born] < 0
        cap = caps(topography.born, topography.parent, topography.saddle, stays)
        branch = topography.parent.copy()
        branch[topography.born] = topography.born
        cut = np.flatnonzero(branch >= 0)
        cut = cut[cap[branch[cut]] >= 0]
        source = np.arange(stays.size)
        level, limit = topography.ascents.level, cap[branch[cut]]
        source[cut] = np.where(level[limit] > level[cut], limit, cut)
        return question.attribute.restore(question.attribute.array[source])


def merge_tree(
    graph: Any,
    values: Any,
    *,
    rule: Rule | None = None,
    where: Any = None,
    groups: Any = None,
    direction: Direction | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> MergeTree:
    """Compute how the components of ``{values >= level}`` appear and join as the level falls.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit; a NaN node is absent.
    rule : Rule, optional
        A whole rule, of which direction, nan and extremum are taken.
    where : bool (num_nodes,), optional
        Nodes outside are absent.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: each group has trees of its own.
    direction : {"in", "out", "both"}, optional
        A directed graph needs ``"both"``: arrows are dropped.
    nan : {"omit", "raise"}, optional
        Leave NaN, NaT and missing values out (the default), or refuse them.
    absent : {"block"}, optional
        Nodes that are left out are not there.
    extremum : {"max", "min"}, optional
        Which side; under ``"min"`` the level rises (the split tree).
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    MergeTree
        ``nodes``, ``heights``, ``parents``, and ``cut``, ``simplify`` and ``peaks``.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or a field is not taken.
    ValueError
        If the values do not fit the graph, or a directed graph lacks ``direction="both"``.

    Notes
    -----
    Sorting, then O(m alpha) by union-find.

    References
    ----------
    H. Carr, J. Snoeyink and U. Axen, Computing contour trees in all dimensions, Computational
    Geometry 24 (2003).

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> tree = gm.merge_tree(nx.path_graph(6), [1, 9, 4, 6, 5, 7])
    >>> tree.cut(5).tolist()
    [-1, 1, -1, 5, 5, 5]
    >>> tree.simplify(2).tolist()
    [1, 9, 4, 5, 5, 7]
    """
    question = ask(
        "merge_tree",
        graph,
        values,
        rule=rule,
        where=where,
        groups=groups,
        direction=direction,
        nan=nan,
        absent=absent,
        extremum=extremum,
        **others,
    )
    return _tree(Summits.of(question))


def _tree(summits: Summits) -> MergeTree:
    topography = summits.topography
    level, tops = topography.ascents.level.astype(np.int64), topography.ascents.tops
    row_of = np.full(level.size, -1, np.int64)
    row_of[tops] = np.arange(tops.size)
    saddle = topography.saddle[tops].astype(np.int64)
    young = np.flatnonzero(saddle >= 0)
    young = young[np.lexsort((saddle[young], level[saddle[young]]))]
    node = np.concatenate([tops, np.empty(young.size, np.int64)])
    old = row_of[topography.parent[tops[young]]]
    meetings = young, old, saddle[young], level[saddle[young]]
    below, alias, count = join(*meetings, tops.size, node)
    alive = np.flatnonzero(alias[:count] == np.arange(count))
    return _with_roots(summits, node[alive], _renumbered(below, alias, alive))


def _renumbered(
    below: NDArray[np.int64], alias: NDArray[np.int64], alive: NDArray[np.int64]
) -> NDArray[np.int64]:
    number = np.full(below.size, -1, np.int64)
    number[alive] = np.arange(alive.size)
    lower = below[alive]
    return np.where(lower >= 0, number[alias[lower]], -1)


def _with_roots(
    summits: Summits, nodes: NDArray[np.int64], parents: NDArray[np.int64]
) -> MergeTree:
    """Let each tree end at the lowest node of its component, and sort the vertices by height."""
    topography = summits.topography
    level, floor = topography.ascents.level, topography.floor
    ends = np.flatnonzero(parents < 0)
    first = topography.ancestors_among(floor >= 0)[topography.ascents.summit[nodes[ends]]]
    lowest = floor[first].astype(np.int64)
    deeper = level[lowest] > level[nodes[ends]]
    parents[ends[deeper]] = nodes.size + np.arange(int(deeper.sum()))
    nodes = np.concatenate([nodes, lowest[deeper]])
    parents = np.concatenate([parents, np.full(int(deeper.sum()), -1)])
    order = np.lexsort((nodes, level[nodes]))
    row = np.empty(order.size, np.int64)
    row[order] = np.arange(order.size)
    parents = parents[order]
    return MergeTree(
        nodes=nodes[order],
        heights=summits.question.attribute.array[nodes[order]],
        parents=np.where(parents >= 0, row[parents], -1),
        _summits=summits,
    )


if TYPE_CHECKING:
    pass


# --- `basins`: the peak, or the marker, that every node belongs to


class BasinFields(GraphFields, total=False):
    """What `basins` takes by keyword, for its signature."""

    markers: Any
    split_plateaus: bool
    extremum: Extremum | None


@overload
def basins(graph: Any, values: "Tensor", **fields: Unpack[BasinFields]) -> "Tensor": ...
@overload
def basins(graph: Any, values: str, **fields: Unpack[BasinFields]) -> Any: ...
@overload
def basins(graph: Any, values: Values, **fields: Unpack[BasinFields]) -> NDArray[np.int64]: ...
@overload
def basins(graph: Any, values: object, **fields: Unpack[BasinFields]) -> Any: ...
def basins(
    graph: Any,
    values: Any,
    *,
    rule: Rule | None = None,
    markers: Any = None,
    split_plateaus: bool = False,
    where: Any = None,
    groups: Any = None,
    direction: Direction | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
    **others: Never,
) -> Any:
    """Assign every node to the peak where its steepest walk ends, or to a marker (watershed).

    Treat each plateau as one node and step to its highest neighbor, ties to the lowest index,
    until a plateau with no higher neighbor: its lowest index names the basin.

    With `markers` each node goes to the marker that is reached over the best path: the highest
    minimum of values on it, then the fewest steps since the water fell to that minimum, then the
    lower label. A node that was reached passes its own label on.

    Parameters
    ----------
    graph : Graph or graph of another library
        PyG ``Data`` or ``edge_index``, networkx, SciPy sparse, igraph, AnnData or trimesh too;
        see `as_graph`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit; a NaN node is absent.
    rule : Rule, optional
        A whole rule, of which direction, nan and extremum are taken.
    markers : bool or int (num_nodes,), mapping or str, optional
        Where the water starts. bool: each connected piece is one marker, named by its lowest
        index. int: labels above 0, and 0 for no marker.
    split_plateaus : bool, default False
        Divide a plateau between the basins that border it by steps from its rim, ties to the
        lower index; by default it goes whole to its highest neighbor. Not with `markers`, which
        always divide by steps.
    where : bool (num_nodes,), optional
        Nodes outside are absent.
    groups : (num_nodes,), optional
        Labels of any kind, compared by equality: no walk leaves its group.
    direction : {"in", "out", "both"}, optional
        A directed graph needs ``"both"``: arrows are dropped.
    nan : {"omit", "raise"}, optional
        Leave NaN, NaT and missing values out (the default), or refuse them.
    absent : {"block"}, optional
        Nodes that are left out are not there.
    extremum : {"max", "min"}, optional
        Which side; under ``"min"`` walks go down, to valleys.
    **others
        Nothing: a name that is no field is refused.

    Returns
    -------
    int64 (num_nodes,)
        The peak (or the label of the marker) of each node, -1 for NaN nodes and where no marker
        is reached; an array or tensor like `values`.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or a field is not taken.
    ValueError
        If the values do not fit the graph, a directed graph lacks ``direction="both"``, or
        markers have another length, are negative, or lie on absent nodes.

    Notes
    -----
    The basins of the table of `find_peaks` at one hop without filters; ``find_peaks(...).basins``
    has those of any other table. Sorting, one pass over the edges, then pointer doubling. Where
    the best path is unique this is ``skimage.segmentation.watershed`` of the negative values.

    References
    ----------
    F. Meyer, Topographic distance and watershed lines, Signal Processing 38 (1994).

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> gm.basins(nx.path_graph(6), [1, 9, 4, 6, 5, 7]).tolist()
    [1, 1, 1, 3, 5, 5]
    >>> gm.basins(nx.path_graph(6), [1, 9, 4, 6, 5, 7], markers=[0, 8, 0, 0, 0, 3]).tolist()
    [8, 8, 3, 3, 3, 3]
    """
    question = ask(
        "basins",
        graph,
        values,
        rule=rule,
        where=where,
        groups=groups,
        direction=direction,
        nan=nan,
        absent=absent,
        extremum=extremum,
        **others,
    )
    divided = boolean(split_plateaus, "split_plateaus")
    if markers is not None:
        if divided:
            raise ValueError(
                "`split_plateaus` must not be given with markers, which divide plateaus anyway; "
                "leave it out"
            )
        return question.attribute.restore(_flooded(question, markers))
    ascents = Ascents.of(question.rows, question.keys[0], question.absent(0))
    summit = _divided(question, ascents) if divided else ascents.summit
    return question.attribute.restore(summit.astype(np.int64))


def _divided(question: Question, ascents: Ascents) -> NDArray[np.int64]:
    rows, summit = question.rows, np.full(ascents.level.size, -1, np.int64)
    merge.divide_plateaus(
        rows.indptr, rows.indices, ascents.order, ascents.level, ascents.first_neighbor, summit
    )
    return summit


def _flooded(question: Question, markers: Any) -> NDArray[np.int64]:
    rows = question.rows
    ascents = Ascents.of(rows, question.keys[0], question.absent(0))
    labels = _marker_labels(question, ascents, markers)
    flooded: NDArray[np.int64] = merge.flood(rows.indptr, rows.indices, ascents.level, labels)
    return flooded


def _marker_labels(question: Question, ascents: Ascents, markers: Any) -> NDArray[np.int64]:
    """Return the label of every marked node, `watershed.NONE` elsewhere."""
    array = complete_column(question.graph, markers, "markers")
    if array.dtype.kind not in "biu":
        raise TypeError(f"`markers` must be bool or integer labels, got dtype {array.dtype}")
    if array.dtype.kind == "i" and array.size and array.min() < 0:
        raise ValueError(f"`markers` must be labels above 0, or 0 for none, got {array.min()}")
    marked = array != 0
    outside = np.flatnonzero(marked & (ascents.level == NOBODY))
    if outside.size:
        first = question.graph.label_of(outside[:1]).tolist()[0]
        raise ValueError(
            f"`markers` must lie on nodes with a value, inside `where`, got {outside.size} "
            f"outside (first: {first}); take them away with markers * where"
        )
    labels = _pieces(question, marked) if array.dtype.kind == "b" else array.astype(np.int64)
    return np.where(marked, labels, merge.NONE)


def _pieces(question: Question, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lowest index of the connected piece of each marked node."""
    pieces = Ascents.of(question.rows, marked.astype(np.int64), ~marked)
    return pieces.plateau.astype(np.int64)
