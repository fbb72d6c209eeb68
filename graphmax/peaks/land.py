"""The lie of the land: summits, plateaus and the merge tree of one attribute on one graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Adjacency
from graphmax.kernels import ascent
from graphmax.kernels.merge import ancestors, merge_tree


class Slopes:
    """Where each node's walk up ends, and which plateau the node belongs to.

    Parameters
    ----------
    rows : Adjacency
        Symmetric rows.
    key : int64 (num_nodes,)
        Order key.
    absent : bool (num_nodes,) or (0,)
        Nodes that take no part.

    Attributes
    ----------
    order : int64 (present,)
        Present nodes by "value descending, then index ascending".
    level : int32 (num_nodes,)
        0 for the highest value, equal for equal values.
    first_neighbor : int32 (num_nodes,)
        The first neighbor in that order, if it comes before the node; else the node itself.
    plateau : int32 (num_nodes,)
        Lowest index of the plateau of each node.
    summit : int32 (num_nodes,)
        Lowest index of the plateau where the walk to ever highest neighbors ends, -1 for absent
        nodes.
    """

    def __init__(self, rows: Adjacency, key: NDArray[np.int64], absent: NDArray[np.bool_]) -> None:
        self.order, self.level = ascent.in_order(key, absent)
        up, tied = ascent.highest_neighbors(rows.indptr, rows.indices, self.level)
        self.first_neighbor: NDArray[np.int32] = up
        self.plateau = np.arange(key.size, dtype=np.int32)
        if tied.any():
            up = up.copy()
            ascent.join_plateaus(rows.indptr, rows.indices, self.level, tied, up, self.plateau)
        self.summit: NDArray[np.int32] = ascent.summits(up)
        if absent.size:
            self.summit[absent] = -1

    @property
    def tops(self) -> NDArray[np.int64]:
        """Summits: one node a plateau that no neighbor is higher than, in order."""
        tops: NDArray[np.int64] = self.order[self.summit[self.order] == self.order]
        return tops


@dataclass(frozen=True)
class Land:
    """Slopes, and where the summits meet.

    `saddle`, `parent` and `floor` are int32 (num_nodes,): the key saddle and the elder summit met
    there, -1 for the first summit of a component, whose `floor` is the component's lowest node.
    `born` lists the nodes that no neighbor comes before, in order.
    """

    slopes: Slopes
    saddle: NDArray[np.int32]
    parent: NDArray[np.int32]
    floor: NDArray[np.int32]
    born: NDArray[np.int32]

    def chosen_ancestors(self, chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return every summit itself if it is chosen, else its nearest chosen ancestor, or -1."""
        found: NDArray[np.int32] = ancestors(self.born, self.parent, chosen)
        return found

    def is_highest(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which nodes are as high as the first of their component."""
        first = self.chosen_ancestors(self.floor >= 0)[self.slopes.summit[nodes]]
        return np.asarray(self.slopes.level[nodes] == self.slopes.level[first])

    def deaths(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the key saddle; for the first summit of a component its lowest node."""
        saddle = self.saddle[nodes]
        return np.where(saddle >= 0, saddle, self.floor[nodes]).astype(np.int64)


def survey(rows: Adjacency, key: NDArray[np.int64], absent: NDArray[np.bool_]) -> Land:
    """Compute slopes and merge tree."""
    slopes = Slopes(rows, key, absent)
    saddle, parent, born, first, last = merge_tree(
        rows.indptr, rows.indices, slopes.order, slopes.first_neighbor
    )
    floor = np.full(key.size, -1, np.int32)
    floor[first] = last
    return Land(slopes, saddle, parent, floor, born)
