"""Where the nodes of a drawing lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graphmax.graph import Graph

LARGEST_LAYOUT = 2_000
_LARGEST_KAMADA_KAWAI = 300
_COORDINATES = (("x", "y"), ("lon", "lat"))
_GAP = 0.6


def coordinates(graph: Graph) -> np.ndarray | None:
    """Take the positions from the node attributes, if they are there."""
    known = graph.attributes
    for x, y in _COORDINATES:
        if x in known and y in known:
            return np.stack([known[x], known[y]], axis=1).astype(float)
    if "pos" in known and known["pos"].shape == (graph.num_nodes, 2):
        return known["pos"].astype(float)
    return None


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
