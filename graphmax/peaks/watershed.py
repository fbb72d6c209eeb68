"""`basins`: the peak, or the marker, that every node belongs to."""

from typing import TYPE_CHECKING, Any, Never, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from graphmax.calls import GraphFields, Values
from graphmax.checks import boolean
from graphmax.kernels import ascent
from graphmax.kernels.ascent import NOBODY
from graphmax.node_values import complete_column
from graphmax.peaks.assembly import Ascents
from graphmax.question import Question, ask
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule

if TYPE_CHECKING:
    from torch import Tensor

if TYPE_CHECKING:
    pass


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
    ascent.divide_plateaus(
        rows.indptr, rows.indices, ascents.order, ascents.level, ascents.first_neighbor, summit
    )
    return summit


def _flooded(question: Question, markers: Any) -> NDArray[np.int64]:
    rows = question.rows
    ascents = Ascents.of(rows, question.keys[0], question.absent(0))
    labels = _marker_labels(question, ascents, markers)
    flooded: NDArray[np.int64] = ascent.flood(rows.indptr, rows.indices, ascents.level, labels)
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
    return np.where(marked, labels, ascent.NONE)


def _pieces(question: Question, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lowest index of the connected piece of each marked node."""
    pieces = Ascents.of(question.rows, marked.astype(np.int64), ~marked)
    return pieces.plateau.astype(np.int64)
