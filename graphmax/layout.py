"""Where the nodes of a drawing lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.kernels.ball import distances

if TYPE_CHECKING:
    from graphmax.graph import Graph

LARGEST_LAYOUT = 2_000
_LARGEST_KAMADA_KAWAI = 300
_COORDINATES = (("x", "y"), ("lon", "lat"), ("longitude", "latitude"))
_GAP = 0.6
_PIVOTS = 24
_MOST_PARTS = 200


def coordinates(graph: Graph) -> np.ndarray | None:
    """Take the positions from the node attributes, if they are there."""
    known = graph.attributes
    for x, y in _COORDINATES:
        if x in known and y in known:
            return np.stack([known[x], known[y]], axis=1).astype(float)
    if "pos" in known and known["pos"].shape == (graph.num_nodes, 2):
        return known["pos"].astype(float)
    return None


def placed(graph: Graph) -> np.ndarray | None:
    """Return where the nodes are, float64 (num_nodes, 2): positions, attributes or the grid."""
    if graph.positions is not None and graph.positions.shape[1] >= 2:
        return np.asarray(graph.positions[:, :2], np.float64)
    if graph.shape is not None:
        places = np.unravel_index(np.arange(graph.num_nodes), graph.shape)
        down = places[-2] if len(graph.shape) > 1 else np.zeros(graph.num_nodes)
        return np.stack([places[-1], -down], axis=1).astype(float)
    return coordinates(graph)


def pivot_layout(graph: Graph, seed: int = 0) -> np.ndarray:
    """Lay out a graph of any size by the distances to a few pivots, components side by side.

    U. Brandes and C. Pich, Eigensolver methods for progressive multidimensional scaling of large
    data, Graph Drawing (2006). O(pivots * (n + m)).
    """
    rows, rng = graph.adjacency("both"), np.random.default_rng(seed)
    parts = _parts(rows)
    large = [part for part in parts[:_MOST_PARTS] if len(part) > 2]
    rest = [part for part in parts if len(part) <= 2] + [
        part for part in parts[_MOST_PARTS:] if len(part) > 2
    ]
    if rest:
        large.append(np.concatenate(rest))
    boxes = [_by_pivots(rows, part, rng) for part in large[: len(large) - bool(rest)]]
    if rest:
        boxes.append(_in_lines(large[-1].size))
    return _pack([part.tolist() for part in large], boxes)


def _parts(rows: Any) -> list[np.ndarray]:
    """Return the nodes of each component, the largest component first."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    size = rows.indptr.size - 1
    ones = np.ones(rows.indices.size, np.int8)
    matrix = csr_array((ones, rows.indices, rows.indptr), shape=(size, size))
    _, part = connected_components(matrix, directed=False)
    order = np.argsort(part, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(part[order])) + 1) if size else []
    return sorted(parts, key=lambda nodes: -nodes.size)


def _by_pivots(rows: Any, nodes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lay one component out in a box whose longer side is the root of its number of nodes."""
    nearest = np.full(nodes.size, np.iinfo(np.int32).max, np.int32)
    columns, pivot = [], int(nodes[0])
    for _ in range(min(_PIVOTS if nodes.size < 200_000 else _PIVOTS // 3, nodes.size)):
        columns.append(distances(rows.indptr, rows.indices, pivot)[nodes])
        nearest = np.minimum(nearest, columns[-1])
        pivot = int(nodes[nearest.argmax()])  # the node farthest from all pivots so far
    squares = np.stack(columns, axis=1).astype(np.float64) ** 2
    centered = squares - squares.mean(0) - squares.mean(1, keepdims=True) + squares.mean()
    _, _, axes = np.linalg.svd(centered.T @ centered)
    xy = centered @ axes[:2].T
    spread = xy.std(axis=0)
    xy = xy / np.where(spread > 0, spread, 1) * np.array([1.0, 0.7])
    xy += rng.normal(scale=0.3 / np.sqrt(nodes.size), size=xy.shape)  # twins are not one point
    scale = 1.3 * np.sqrt(nodes.size) / np.ptp(xy, axis=0).max()
    return np.asarray((xy - xy.min(axis=0)) * scale)


def _in_lines(count: int) -> np.ndarray:
    """Set nodes in lines."""
    width = max(int(1.5 * np.sqrt(count)), 1)
    at = np.arange(count)
    return np.stack([at % width, at // width], axis=1) * 1.0


def spring_layout(graph: Graph, seed: int) -> np.ndarray:
    """Lay every component out by itself and set the components side by side."""
    if graph.num_nodes > LARGEST_LAYOUT:
        raise ValueError(
            f"`graph` must have at most {LARGEST_LAYOUT} nodes to be laid out, got "
            f"{graph.num_nodes}; give the node attributes x and y"
        )
    import networkx as nx

    plain: nx.Graph = nx.empty_graph(graph.num_nodes)
    plain.add_edges_from(graph.edges().T.tolist())
    parts = sorted(map(sorted, nx.connected_components(plain)), key=lambda part: -len(part))
    placed = [_place_part(plain.subgraph(part), part, seed) for part in parts]
    return _pack(parts, placed)


def _place_part(part: Any, nodes: list[int], seed: int) -> np.ndarray:
    """Lay one component out in a box whose longer side is the root of its number of nodes."""
    import networkx as nx

    if len(nodes) <= 2:
        return np.array([[0.0, 0.0], [1.0, 0.0]])[: len(nodes)]
    if len(nodes) <= _LARGEST_KAMADA_KAWAI:
        placed = nx.kamada_kawai_layout(part, pos=nx.circular_layout(nodes))
    else:
        placed = nx.spring_layout(part, seed=seed)
    xy = np.array([placed[node] for node in nodes])
    xy = _lie_down(xy - xy.mean(axis=0))
    scale: float = 1.3 * np.sqrt(len(nodes)) / np.ptp(xy, axis=0).max()
    return np.asarray((xy - xy.min(axis=0)) * scale)


def _lie_down(xy: np.ndarray) -> np.ndarray:
    """Turn the longest direction into the horizontal one: pages and screens are wide."""
    _, _, axes = np.linalg.svd(xy, full_matrices=False)
    return np.asarray(xy @ axes.T)


def _pack(parts: list[list[int]], placed: list[np.ndarray]) -> np.ndarray:
    """Set the boxes of the components in rows, the largest first."""
    xy = np.zeros((sum(map(len, parts)), 2))
    right = top = row = 0.0
    width = _row_width(parts, placed)
    for nodes, box in zip(parts, placed, strict=True):
        wide, high = box.max(axis=0)
        if right > 0 and right + wide > width:
            right, top, row = 0.0, top - row - _GAP, 0.0
        xy[nodes] = box + np.array([right, top - high])
        right, row = right + wide + _GAP, max(row, high)
    return xy


def _row_width(parts: list[list[int]], placed: list[np.ndarray]) -> float:
    """Give a component that holds most of the nodes a row of its own."""
    total = sum(map(len, parts))
    widest = max((float(box[:, 0].max()) for box in placed), default=0.0)
    has_giant = 2 * len(parts[0]) > total if parts else False
    return widest if has_giant else max(widest, 1.5 * float(np.sqrt(total)))
