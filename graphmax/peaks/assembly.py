"""From a question to the table of peaks: the topography, the candidates, and every filter."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import frozen
from graphmax.graph import Adjacency, Graph
from graphmax.kernels import merge, search
from graphmax.kernels.isolation import isolate
from graphmax.kernels.merge import ancestors, merge_tree
from graphmax.maxima.engine import limit_of, maxima_mask, reach_of_plateaus
from graphmax.peaks.suppression import Filters, SeaLevel, keep_distant
from graphmax.peaks.table import Peaks, Setting
from graphmax.question import Question
from graphmax.values import exact_difference


@dataclass(frozen=True)
class Ascents:
    """Where each node's walk up ends, and which plateau the node belongs to.

    `order` int64 (present,) lists the present nodes by "value descending, then index ascending".
    int32 (num_nodes,): `level`, 0 for the highest value and equal for equal values;
    `first_neighbor`, the first neighbor in the order if it comes before the node, else the node
    itself; `plateau`, the lowest index of the plateau of each node; `summit`, the lowest index of
    the plateau where the walk to ever highest neighbors ends, -1 for absent nodes.
    """

    order: NDArray[np.int64]
    level: NDArray[np.int32]
    first_neighbor: NDArray[np.int32]
    plateau: NDArray[np.int32]
    summit: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Adjacency, key: NDArray[np.int64], absent: NDArray[np.bool_]) -> "Ascents":
        """Walk up from every node; `absent` is bool (num_nodes,) or (0,)."""
        order, level = merge.in_order(key, absent)
        first, tied = merge.highest_neighbors(rows.indptr, rows.indices, level)
        up, plateau = first, np.arange(key.size, dtype=np.int32)
        if tied.any():
            up = first.copy()
            merge.join_plateaus(rows.indptr, rows.indices, level, tied, up, plateau)
        summit = merge.summits(up)
        if absent.size:
            summit[absent] = -1
        return cls(order, level, first, plateau, summit)

    @property
    def tops(self) -> NDArray[np.int64]:
        """Summits: one node per plateau that no neighbor is higher than, in order."""
        tops: NDArray[np.int64] = self.order[self.summit[self.order] == self.order]
        return tops


@dataclass(frozen=True)
class Topography:
    """Ascents, and where the summits meet.

    `saddle`, `parent` and `floor` are int32 (num_nodes,): the key saddle and the elder summit met
    there, -1 for the first summit of a component, whose `floor` is the component's lowest node.
    `born` lists the nodes that no neighbor comes before, in order.
    """

    ascents: Ascents
    saddle: NDArray[np.int32]
    parent: NDArray[np.int32]
    floor: NDArray[np.int32]
    born: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Adjacency, key: NDArray[np.int64], absent: NDArray[np.bool_]) -> "Topography":
        """Compute ascents and merge tree over symmetric rows."""
        ascents = Ascents.of(rows, key, absent)
        saddle, parent, born, first, last = merge_tree(
            rows.indptr, rows.indices, ascents.order, ascents.first_neighbor
        )
        floor = np.full(key.size, -1, np.int32)
        floor[first] = last
        return cls(ascents, saddle, parent, floor, born)

    def ancestors_among(self, chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return every summit itself if it is chosen, else its nearest chosen ancestor, or -1."""
        ancestor: NDArray[np.int32] = ancestors(self.born, self.parent, chosen)
        return ancestor

    def is_highest(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which nodes are as high as the first of their component."""
        first = self.ancestors_among(self.floor >= 0)[self.ascents.summit[nodes]]
        return np.asarray(self.ascents.level[nodes] == self.ascents.level[first])


@dataclass(frozen=True)
class Summits:
    """The peaks of a question, and what is known of each of them."""

    question: Question
    topography: Topography
    sea_level: SeaLevel | None = None
    edges_of: Graph | None = None

    @classmethod
    def of(cls, question: Question, base: Any = None, edges_of: Graph | None = None) -> "Summits":
        """Compute the topography of a question of one column."""
        rows, key, absent = question.rows, question.keys[0], question.absent(0)
        level = None if base is None else SeaLevel.of(question.attribute.array, base)
        return cls(question, Topography.of(rows, key, absent), level, edges_of)

    def table(self, filters: Filters, allowed: NDArray[np.bool_] | None = None) -> Peaks:
        """Return the peaks that pass the filters, of the nodes that are allowed."""
        nodes = self._candidates()
        if allowed is not None:
            nodes = nodes[allowed[nodes]]
        nodes = self._high_enough(nodes, filters)
        if self._thins_first(filters):
            nodes = self._thinned(nodes, None, filters)
            return self._rows(nodes, *self._isolation(nodes))
        distance, witness = self._isolation(nodes)
        far = np.flatnonzero(self._far_enough(nodes, distance, filters.isolation))
        kept = self._thinned(nodes[far], distance[far], filters)
        rows = far[np.isin(nodes[far], kept, assume_unique=True)]
        return self._rows(nodes[rows], distance[rows], witness[rows])

    def _candidates(self) -> NDArray[np.int64]:
        """Peaks of the rule; at more than one hop those of one hop, which are too many."""
        rule, rows, ascents = self.question.rule, self.question.rows, self.topography.ascents
        if rule.radius is not None:
            mask = maxima_mask(self.question)[0][ascents.order]
            nodes: NDArray[np.int64] = ascents.order[mask]
            return nodes[ascents.plateau[nodes] == nodes] if rule.ties == "plateau" else nodes
        nodes = ascents.tops
        if rule.ties == "strict":
            nodes = nodes[self._plateau_size[nodes] == 1]
        if not rule.isolated:
            nodes = nodes[rows.indptr[nodes] < rows.indptr[nodes + 1]]
        return nodes

    def _high_enough(self, nodes: NDArray[np.int64], filters: Filters) -> NDArray[np.int64]:
        if filters.height is not None:
            array = self.question.attribute.array[nodes]
            nodes = nodes[filters.reaches_height(array, downwards=self._is_reversed)]
        if filters.prominence is not None:
            nodes = nodes[self.prominence(nodes) >= filters.prominence]
        return nodes

    def _thins_first(self, filters: Filters) -> bool:
        """Whether no filter looks at the isolation, so that fewer need to be searched for."""
        rule, one_hop = (
            self.question.rule,
            self.question.reach is None and limit_of(self.question.rule) == 1,
        )
        return (
            filters.isolation is None
            and filters.by != "isolation"
            and (one_hop or rule.radius is not None)
        )

    def _far_enough(
        self, nodes: NDArray[np.int64], distance: NDArray[np.float64], least: float | None
    ) -> NDArray[np.bool_]:
        question = self.question
        far = np.ones(nodes.size, np.bool_) if least is None else distance >= least
        if question.rule.radius is not None:
            return far  # the candidates are those of the rule
        if question.reach is None:
            return far & (distance > limit_of(question.rule))
        reach = reach_of_plateaus(question, question.reach)[0][nodes]
        return np.asarray(far & (distance > reach))

    def _thinned(
        self, nodes: NDArray[np.int64], distance: NDArray[np.float64] | None, filters: Filters
    ) -> NDArray[np.int64]:
        """Keep distant ones, then the first so many (of each group), in the order asked for."""
        if filters.distance is None and filters.count is None:
            return nodes
        best_first = nodes
        if filters.by == "prominence":
            best_first = nodes[np.argsort(-self.prominence(nodes), kind="stable")]
        elif filters.by == "isolation" and distance is not None:
            best_first = nodes[np.argsort(-distance, kind="stable")]
        if filters.distance is not None:
            best_first = keep_distant(self.question, best_first, filters.distance, filters.metric)
        if filters.count is not None:
            best_first = best_first[self._place_in_group(best_first) < filters.count]
        return nodes[np.isin(nodes, best_first, assume_unique=True)]

    def _place_in_group(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many nodes of its group stand before each node."""
        if self.question.groups is None:
            return np.arange(nodes.size)
        groups = self.question.groups[nodes]
        by_group = np.argsort(groups, kind="stable")
        in_order = groups[by_group]
        place = np.empty(nodes.size, np.int64)
        place[by_group] = np.arange(nodes.size) - np.searchsorted(in_order, in_order)
        return place

    def _isolation(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        distance, witness = np.full(nodes.size, np.inf), np.full(nodes.size, -1, np.int64)
        asked = np.arange(nodes.size)
        if self.question.ties.by_plateau:
            asked = asked[~self.topography.is_highest(nodes)]
        distance[asked], witness[asked] = self._search(nodes[asked])
        return distance, witness

    def _search(self, nodes: NDArray[np.int64]) -> Any:
        question, rows, ascents = self.question, self.question.rows, self.topography.ascents
        by_plateau = question.ties.by_plateau
        if question.rule.radius is None:
            return isolate(
                rows.indptr,
                rows.indices,
                ascents.level,
                ascents.first_neighbor,
                nodes,
                strict=not by_plateau,
            )
        start = search.PLATEAU if by_plateau else search.NODE
        distance, witness, _ = search.search(
            (rows.indptr, rows.indices, question.lengths),
            question.keys,
            question.absents,
            question.ties.code,
            nodes,
            limit=np.inf,
            start=start,
        )
        return distance, witness

    @property
    def _is_reversed(self) -> bool:
        return self.question.rule.extremum == "min"

    @cached_property
    def _plateau_size(self) -> NDArray[np.int64]:
        """Number of nodes, at the lowest index of each plateau."""
        plateau = self.topography.ascents.plateau
        return np.bincount(plateau, minlength=plateau.size)

    @cached_property
    def _lowest(self) -> NDArray[np.int64]:
        """The last node in the order, of each group."""
        order, groups = self.topography.ascents.order, self.question.groups
        if groups is None:
            return order[-1:]
        lowest = np.full(int(groups.max(initial=-1)) + 1, -1, np.int64)
        lowest[groups[order]] = order  # of several the last one stays
        return lowest

    def death_nodes(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the key saddle; without one the lowest node of all, or -1 with a sea level."""
        groups, saddle = self.question.groups, self.topography.saddle[nodes].astype(np.int64)
        first = saddle < 0
        if self.sea_level is not None or not nodes.size:
            return saddle
        saddle[first] = self._lowest[0 if groups is None else groups[nodes[first]]]
        return saddle

    def prominence(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the height above the key saddle, or above the sea."""
        array, ends = self.question.attribute.array, self.death_nodes(nodes)
        sides = array[nodes], array[ends]
        height = exact_difference(*(sides[::-1] if self._is_reversed else sides))
        if self.sea_level is not None:
            first = ends < 0
            above = self.sea_level.below(array[nodes[first]])
            height[first] = -above if self._is_reversed else above
        return height

    def _rows(
        self, nodes: NDArray[np.int64], distance: NDArray[np.float64], witness: NDArray[np.int64]
    ) -> Peaks:
        topography, array, ends = (
            self.topography,
            self.question.attribute.array,
            self.death_nodes(nodes),
        )
        chosen = np.zeros(array.size, np.bool_)
        chosen[nodes] = True
        ancestor = topography.ancestors_among(chosen)
        basins = _looked_up(ancestor, topography.ascents.summit)
        death = array[ends]
        if self.sea_level is not None:
            death = self.sea_level.put_into(death, ends < 0)
        setting = self._setting(basins)
        return Peaks(
            node=nodes,
            label=setting.label_of(nodes),
            value=array[nodes],
            isolation=distance,
            nearest_higher=witness,
            prominence=self.prominence(nodes),
            key_saddle=topography.saddle[nodes].astype(np.int64),
            key_saddle_value=death,
            parent=_looked_up(ancestor, topography.parent[nodes]),
            basin_size=np.bincount(basins + 1, minlength=array.size + 1)[nodes + 1],
            plateau_size=self._plateau_size[topography.ascents.plateau[nodes]],
            rule=self.question.rule,
            _death_node=ends,
            _setting=setting,
        )

    def _setting(self, basins: NDArray[np.int64]) -> Setting:
        graph, groups = self.question.graph, self.question.group_labels
        plateau = self.topography.ascents.plateau
        return Setting(graph, frozen(basins), plateau, groups, self.edges_of)


def _looked_up(ancestor: NDArray[np.int32], nodes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Ancestors of nodes, -1 for none."""
    return np.where(nodes >= 0, ancestor[nodes], -1).astype(np.int64)
