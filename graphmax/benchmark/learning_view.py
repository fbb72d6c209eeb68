"""Parts of a task as a learner sees them: one union of graphs, whatever gets a score."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphmax.benchmark.labelled_graph import LabelledGraph
from graphmax.benchmark.reference_networks import ranked


class View(NamedTuple):
    """Nodes (or edges, as nodes of the line graph) of many graphs, and the graph of each."""

    x: Tensor
    edge_index: Tensor
    graph: Tensor
    y: Tensor
    judged: Tensor

    def to(self, device: str) -> "View":
        """Move all of it to a device."""
        return View(*(part.to(device) for part in self))


def view_of(graphs: Sequence[LabelledGraph], unit: str, *, ranks: bool = False) -> View:
    """Put graphs side by side; `ranks` replaces the first column by ranks within each graph."""
    xs, pairs, sizes, start = [], [], [], 0
    for each in graphs:
        x = torch.from_numpy(each.x)
        if ranks:
            x = torch.cat([ranked(x[:, :1]), x[:, 1:]], dim=1)
        pair = _line_graph(each) if unit == "edge" else _both_ways(each)
        xs.append(x.float())
        pairs.append(pair + start)
        sizes.append(len(x))
        start += len(x)
    graph = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    y = torch.from_numpy(np.concatenate([each.y for each in graphs]))
    judged = torch.from_numpy(np.concatenate([each.judged for each in graphs]))
    edge_index = torch.from_numpy(np.concatenate(pairs, axis=1))
    return View(torch.cat(xs), edge_index, graph, y, judged)


def first_graphs(graphs: list[LabelledGraph], most: int | None) -> list[LabelledGraph]:
    """Return the first graphs that hold at least so many nodes."""
    if most is None:
        return graphs
    held = np.cumsum([each.graph.num_nodes for each in graphs])
    return graphs[: int(np.searchsorted(held, most)) + 1]


def _both_ways(each: LabelledGraph) -> np.ndarray:
    src, dst = each.graph.edges()
    return np.concatenate([[src, dst], [dst, src]], axis=1)


def _line_graph(each: LabelledGraph) -> np.ndarray:
    """Join edges that share an end."""
    from scipy.sparse import csr_array

    src, dst = each.graph.edges()
    numbers = np.arange(src.size)
    ones = np.ones(2 * src.size)
    places = (np.concatenate([numbers, numbers]), np.concatenate([src, dst]))
    ends = csr_array((ones, places), shape=(src.size, each.graph.num_nodes))
    joined = (ends @ ends.T).tocoo()
    apart = joined.row != joined.col
    return np.stack([joined.row[apart], joined.col[apart]]).astype(np.int64)
