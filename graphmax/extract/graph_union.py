"""Several graphs as one disjoint union, and what is known of their nodes end to end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import to_numpy
from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.node_values import graph_and_attribute
from graphmax.values import Attribute


@dataclass(frozen=True)
class GraphUnion:
    """The union, its attribute (None without values), and at which node each graph starts."""

    graph: Graph
    attribute: Attribute | None
    starts: NDArray[np.int64]

    def number(self, columns: Any, name: str) -> NDArray[np.int64]:
        """Return node indices of each graph as those of the union; None takes all of a graph."""
        parts = [
            np.arange(count) if column is None else _indices(column)
            for column, count in zip(
                _one_each(columns, name, self.starts.size - 1), np.diff(self.starts), strict=True
            )
        ]
        for part, count in zip(parts, np.diff(self.starts), strict=True):
            if part.size and part.dtype.kind in "iu" and not 0 <= part.min() <= part.max() < count:
                raise ValueError(
                    f"`{name}` must hold node indices of each graph, got {part.min()} to "
                    f"{part.max()} where it has {count} nodes"
                )
        shifted = [part + start for part, start in zip(parts, self.starts, strict=False)]
        return np.concatenate(shifted) if shifted else np.empty(0, np.int64)

    def join(self, columns: Any, name: str) -> NDArray[Any] | None:
        """Return one column per graph end to end, None where there is none."""
        if columns is None:
            return None
        return np.concatenate(
            [to_numpy(column) for column in _one_each(columns, name, self.starts.size - 1)]
        )


def _indices(column: Any) -> NDArray[Any]:
    array = to_numpy(column)
    return array if array.size else np.empty(0, np.int64)


def union_of(graphs: Sequence[Any], values: Any) -> GraphUnion:
    """Put graphs side by side, without an edge between them."""
    if not graphs:
        raise ValueError("`graph` must be at least one graph, got an empty list")
    names = isinstance(values, str) or values is None
    columns = [values] * len(graphs) if names else _one_each(values, "values", len(graphs))
    if values is None:
        parts, attributes = [as_graph(graph) for graph in graphs], []
    else:
        resolved = [
            graph_and_attribute(graph, column)
            for graph, column in zip(graphs, columns, strict=True)
        ]
        parts, attributes = [graph for graph, _ in resolved], [column for _, column in resolved]
    starts = np.cumsum([0, *(graph.num_nodes for graph in parts)])
    return GraphUnion(_side_by_side(parts, starts), _end_to_end(attributes), starts)


def _one_each(columns: Any, name: str, count: int) -> list[Any]:
    listed = [None] * count if columns is None else list(columns)
    if len(listed) != count:
        raise ValueError(
            f"`{name}` must have one entry per graph ({count}), got {len(listed)}; with a list of "
            "graphs pass a list of arrays"
        )
    return listed


def _side_by_side(parts: list[Graph], starts: NDArray[np.int64]) -> Graph:
    if len({graph.directed for graph in parts}) > 1:
        raise ValueError("`graph` must be all directed or all undirected, got some of each")
    weighted = {graph.weights is not None for graph in parts}
    if len(weighted) > 1:
        raise ValueError("`graph` must all have weights or none, got some of each")
    entries = np.cumsum([0, *(graph.indices.size for graph in parts)])
    indptr = [graph.indptr[:-1] + at for graph, at in zip(parts, entries, strict=False)]
    indices = [graph.indices + at for graph, at in zip(parts, starts, strict=False)]
    weights = [graph.weights for graph in parts if graph.weights is not None]
    return Graph(
        np.concatenate([*indptr, entries[-1:]]),
        np.concatenate(indices).astype(np.int32),
        np.concatenate(weights) if weights else None,
        directed=parts[0].directed,
    )


def _end_to_end(attributes: list[Attribute]) -> Attribute | None:
    if not attributes:
        return None
    dtypes = {attribute.array.dtype for attribute in attributes}
    if len(dtypes) > 1:
        listed = ", ".join(sorted(map(str, dtypes)))
        raise TypeError(f"`values` must have one dtype in all graphs, got {listed}; cast them")
    missing = None
    if any(attribute.missing is not None for attribute in attributes):
        missing = np.concatenate(
            [
                np.zeros(attribute.array.shape, np.bool_)
                if attribute.missing is None
                else attribute.missing
                for attribute in attributes
            ]
        )
    array = np.concatenate([attribute.array for attribute in attributes])
    return Attribute(array, attributes[0].name, missing, attributes[0].restore)
