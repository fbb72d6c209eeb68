"""`find_peaks` and `basins`."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import frozen
from graphmax.kernels import compare, search
from graphmax.kernels.isolation import isolate
from graphmax.maxima.engine import maxima_mask
from graphmax.peaks.filters import at_least_zero, count, reaching
from graphmax.peaks.request import one_column, undirected
from graphmax.peaks.table import Peaks, Setting
from graphmax.peaks.topography import Ascents, Topography
from graphmax.question import Question, ask
from graphmax.rule import Rule
from graphmax.values import exact_difference

_TIES = {"plateau": compare.WEAK, "strict": compare.STRICT}
_START = {"plateau": search.PLATEAU, "strict": search.NODE}


def find_peaks(
    graph: Any,
    values: Any,
    hops: int | None = None,
    *,
    rule: Rule | None = None,
    min_height: Any = None,
    min_prominence: float | None = None,
    min_isolation: float | None = None,
    num_peaks: int | None = None,
    where: Any = None,
    **fields: Any,
) -> Peaks:
    """Find the peaks of an attribute and tell how much each of them matters.

    A peak is a local maximum; a plateau is one peak, named by its lowest index. Its prominence is
    its value minus the highest saddle over which one can walk to higher ground, a node that comes
    before it in the order "value descending, then index ascending": the value of the lowest node
    on the best path. The first peak of a component has its value minus the lowest value of the
    component, an isolated node 0.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit; a NaN node is absent.
    hops : int, optional
        Radius of the ball in hops; 1 unless a `radius` is given.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    min_height : number, optional
        Keep peaks of at least this value (for minima at most), in the unit of the values.
    min_prominence : float, optional
        Keep peaks of at least this prominence, in the unit of the values (ticks for times).
    min_isolation : float, optional
        Keep peaks at least this far from higher ground, in hops, or in edge weights under a
        `radius`.
    num_peaks : int, optional
        Keep so many of the highest peaks that pass the other filters.
    where : bool (num_nodes,), optional
        Nodes outside are absent.
    **fields
        Fields of `Rule`: radius, ties (``"plateau"``, the default here, or ``"strict"``),
        direction, isolated, nan (``"omit"`` is the default here), extremum.

    Returns
    -------
    Peaks
        A table, one row a peak, highest first.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or `rule` stands beside `hops` or fields.
    ValueError
        If the values do not fit the graph, a threshold is negative or NaN, `num_peaks` is below
        1, `ties` is ``"weak"`` or ``"index"``, or a directed graph lacks ``direction="both"``.

    Notes
    -----
    No peak at all is an empty table. Saddles, parents and basins walk single edges, whatever the
    rule, and never across a NaN node. A peak that is filtered out gives its basin to its nearest
    ancestor in the merge tree that stays. Prominence is the 0-dimensional persistence of the
    superlevel sets under the elder rule: of equal twins the later one has the small prominence.
    Sorting, O(m alpha) for the merge tree by union-find, and one search a peak for the isolation.

    References
    ----------
    H. Edelsbrunner and J. Harer, Computational Topology: An Introduction, AMS (2010), VII.1.
    A. Kirmse and J. de Ferranti, Calculating the prominence and isolation of every mountain in
    the world, Progress in Physical Geography 41 (2017).

    Examples
    --------
    >>> import graphmax as gm
    >>> path = gm.Graph.from_edges([0, 1, 2, 3, 4], [1, 2, 3, 4, 5])
    >>> gm.find_peaks(path, [1, 9, 4, 6, 5, 7])
    Peaks(3 of 6 nodes, highest first)
    node value isolation nearest_higher prominence key_saddle parent basin_size plateau_size
       1     9       inf             -1          8         -1     -1          3            1
       5     7         4              1          3          2      1          2            1
       3     6         2              1          1          4      5          1            1
    """
    filters = _Filters(
        min_height,
        at_least_zero(min_prominence, "min_prominence"),
        at_least_zero(min_isolation, "min_isolation"),
        count(num_peaks, "num_peaks"),
    )
    question = ask("find_peaks", graph, values, hops, rule, where=where, **fields)
    one_column(question, "values", "have peaks")
    undirected(question, "find_peaks")
    return _Finding.of(question).table(filters)


def basins(graph: Any, values: Any, *, where: Any = None, **fields: Any) -> Any:
    """Assign every node to the peak where its steepest walk ends.

    Treat each plateau as one node and step to its highest neighbor, ties to the lowest index,
    until a plateau with no higher neighbor: its lowest index names the basin.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    values : str, mapping or array (num_nodes,)
        The attribute, in any unit; a NaN node is absent.
    where : bool (num_nodes,), optional
        Nodes outside are absent.
    **fields
        Of the fields of `Rule` direction (a directed graph needs ``"both"``), extremum and nan.

    Returns
    -------
    int64 (num_nodes,)
        The peak of each node, -1 for NaN nodes; an array or tensor like `values`.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or a field is not taken.
    ValueError
        If the values do not fit the graph, or a directed graph lacks ``direction="both"``.

    Notes
    -----
    The basins of the table of `find_peaks` at one hop without filters; ``find_peaks(...).basins``
    has those of any other table. Sorting, one pass over the edges, then pointer doubling.

    References
    ----------
    F. Meyer, Topographic distance and watershed lines, Signal Processing 38 (1994).

    Examples
    --------
    >>> import networkx as nx
    >>> import graphmax as gm
    >>> gm.basins(nx.path_graph(6), [1, 9, 4, 6, 5, 7]).tolist()
    [1, 1, 1, 3, 5, 5]
    """
    question = ask("basins", graph, values, where=where, **fields)
    one_column(question, "values", "have basins")
    undirected(question, "basins")
    ascents = Ascents.of(question.rows, question.keys[0], question.absent(0))
    return question.attribute.restore(ascents.summit.astype(np.int64))


@dataclass(frozen=True)
class _Filters:
    height: Any
    prominence: float | None
    isolation: float | None
    count: int | None


@dataclass(frozen=True)
class _Finding:
    """Candidates are nodes in order; every filter takes some away."""

    question: Question
    topography: Topography

    @classmethod
    def of(cls, question: Question) -> "_Finding":
        return cls(question, Topography.of(question.rows, question.keys[0], question.absent(0)))

    def table(self, filters: _Filters) -> Peaks:
        nodes = self._high_enough(self._candidates(), filters)
        if self._counts_first(filters):
            nodes = nodes[: filters.count]
        distance, witness = self._isolation(nodes)
        far = self._far_enough(distance, filters.isolation)
        kept = np.flatnonzero(far)[: filters.count]
        return self._rows(nodes[kept], distance[kept], witness[kept])

    def _candidates(self) -> NDArray[np.int64]:
        """Peaks of the rule; at more than one hop those of one hop, which are too many."""
        rule, rows, ascents = self.question.rule, self.question.rows, self.topography.ascents
        if rule.reach is None:
            mask = maxima_mask(self.question)[0][ascents.order]
            nodes: NDArray[np.int64] = ascents.order[mask]
            if rule.ties == "plateau":
                nodes = nodes[ascents.plateau[nodes] == nodes]
            return nodes
        nodes = ascents.tops
        if rule.ties == "strict":
            nodes = nodes[self._plateau_size[nodes] == 1]
        if not rule.isolated:
            nodes = nodes[rows.indptr[nodes] < rows.indptr[nodes + 1]]
        return nodes

    def _counts_first(self, filters: _Filters) -> bool:
        """Whether no filter is left that looks at the isolation."""
        return filters.isolation is None and self.question.rule.reach in (1, None)

    def _high_enough(self, nodes: NDArray[np.int64], filters: _Filters) -> NDArray[np.int64]:
        if filters.height is not None:
            array, down = self.question.attribute.array[nodes], self._is_reversed
            nodes = nodes[reaching(array, filters.height, "min_height", downwards=down)]
        if filters.prominence is not None:
            nodes = nodes[self._prominence(nodes) >= filters.prominence]
        return nodes

    def _far_enough(self, distance: NDArray[np.float64], least: float | None) -> NDArray[np.bool_]:
        far = distance > (self.question.rule.reach or 0)
        return far if least is None else far & (distance >= least)

    def _isolation(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        question, ties = self.question, self.question.rule.ties
        distance, witness = np.full(nodes.size, np.inf), np.full(nodes.size, -1, np.int64)
        asked = np.arange(nodes.size)
        if ties == "plateau" and not len(question.absents):
            asked = asked[~self.topography.is_highest(nodes)]
        found = self._searched(nodes[asked])
        distance[asked], witness[asked] = found[0], found[1]
        return distance, witness

    def _searched(self, nodes: NDArray[np.int64]) -> Any:
        question, rows, ties = self.question, self.question.rows, self.question.rule.ties
        ascents = self.topography.ascents
        if question.rule.radius is None:
            return isolate(
                rows.indptr, rows.indices, ascents.level, ascents.first_neighbor, nodes,
                strict=ties == "strict",
            )  # fmt: skip
        return search.search(
            (rows.indptr, rows.indices, question.lengths), question.keys, question.absents,
            _TIES[ties], nodes, limit=np.inf, start=_START[ties],
        )  # fmt: skip

    @property
    def _is_reversed(self) -> bool:
        return self.question.rule.extremum == "min"

    @cached_property
    def _plateau_size(self) -> NDArray[np.int64]:
        """Number of nodes, at the lowest index of each plateau."""
        plateau = self.topography.ascents.plateau
        return np.bincount(plateau, minlength=plateau.size)

    def _prominence(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        array = self.question.attribute.array
        sides = array[nodes], array[self.topography.deaths(nodes)]
        return exact_difference(*(sides[::-1] if self._is_reversed else sides))

    def _rows(
        self, nodes: NDArray[np.int64], distance: NDArray[np.float64], witness: NDArray[np.int64]
    ) -> Peaks:
        topography, array = self.topography, self.question.attribute.array
        chosen = np.zeros(array.size, np.bool_)
        chosen[nodes] = True
        ancestor = topography.ancestors_among(chosen)
        basins = _looked_up(ancestor, topography.ascents.summit)
        return Peaks(
            node=nodes,
            label=self.question.graph.label_of(nodes),
            value=array[nodes],
            isolation=distance,
            nearest_higher=witness,
            prominence=self._prominence(nodes),
            key_saddle=topography.saddle[nodes].astype(np.int64),
            parent=_looked_up(ancestor, topography.parent[nodes]),
            basin_size=np.bincount(basins + 1, minlength=array.size + 1)[nodes + 1],
            plateau_size=self._plateau_size[topography.ascents.plateau[nodes]],
            rule=self.question.rule,
            _death_node=topography.deaths(nodes),
            _setting=Setting(
                self.question.graph, array, frozen(basins), topography.ascents.plateau
            ),
        )


def _looked_up(ancestor: NDArray[np.int32], nodes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Ancestors of nodes, -1 for none."""
    return np.where(nodes >= 0, ancestor[nodes], -1).astype(np.int64)
