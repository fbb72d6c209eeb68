"""The topography of one attribute on one graph: summits, plateaus and the merge tree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Adjacency
from graphmax.kernels import ascent
from graphmax.kernels.merge import ancestors, merge_tree


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
        order, level = ascent.in_order(key, absent)
        first, tied = ascent.highest_neighbors(rows.indptr, rows.indices, level)
        up, plateau = first, np.arange(key.size, dtype=np.int32)
        if tied.any():
            up = first.copy()
            ascent.join_plateaus(rows.indptr, rows.indices, level, tied, up, plateau)
        summit = ascent.summits(up)
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
