"""Where the nodes of a table are: pixels of a grid, or positions of points."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph

_GRID_NAMES = {2: ("row", "column")}
_POSITION_NAMES = {2: ("x", "y"), 3: ("x", "y", "z")}


def coordinates_of(graph: Graph, nodes: NDArray[np.int64]) -> NDArray[Any] | None:
    """Return int64 (nodes, axes) on a grid, positions float64 (nodes, d) of points, else None."""
    if graph.shape is not None:
        axes = np.unravel_index(nodes, graph.shape)
        return np.stack(axes, axis=-1).astype(np.int64).reshape(nodes.size, len(graph.shape))
    return None if graph.positions is None else graph.positions[nodes]


def axis_names(graph: Graph) -> tuple[str, ...]:
    """Return what the columns of coordinates are called."""
    if graph.shape is not None:
        return _named(_GRID_NAMES, len(graph.shape))
    return () if graph.positions is None else _named(_POSITION_NAMES, graph.positions.shape[1])


def _named(known: Mapping[int, tuple[str, ...]], count: int) -> tuple[str, ...]:
    return known.get(count) or tuple(f"axis_{axis}" for axis in range(count))


def coordinate_columns(
    graph: Graph, nodes: NDArray[np.int64], prefix: str = ""
) -> dict[str, NDArray[Any]]:
    """Return a column per axis, masked for nodes that are -1."""
    coordinates = coordinates_of(graph, np.maximum(nodes, 0)) if nodes.size else None
    if nodes.size == 0:
        kind = np.int64 if graph.shape is not None else np.float64
        coordinates = np.empty((0, len(axis_names(graph))), kind)
    if coordinates is None:
        return {}
    columns = {}
    for name, column in zip(axis_names(graph), coordinates.T, strict=True):
        none = nodes < 0
        columns[prefix + name] = np.ma.MaskedArray(column, none) if none.any() else column
    return columns


def positions_of(graph: Graph, call: str) -> NDArray[np.float64]:
    """Return the positions that straight lines are measured between."""
    if graph.positions is not None:
        return np.ascontiguousarray(graph.positions, np.float64)
    if graph.shape is not None:
        pixels = np.unravel_index(np.arange(graph.num_nodes), graph.shape)
        return np.stack(pixels, -1).astype(np.float64)
    raise ValueError(
        f"`metric` must not be 'euclidean' for {call} on a graph without positions; "
        "pass graph.replace(positions=...), or measure in hops or weights"
    )
