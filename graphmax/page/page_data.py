"""What the page knows, as columns that JSON can hold: ids, places, edges, and tables of peaks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.maxima import Isolation
from graphmax.page.drawn_part import DrawnPart
from graphmax.peaks import Peaks
from graphmax.summary import expected_maxima

_BINS = 40
_EXACT = 2**53


@dataclass(frozen=True)
class Surveyed:
    """One attribute: its name, its column, the peaks of one hop, the isolation of every node."""

    name: str
    column: NDArray[Any]
    peaks: Peaks
    nearest: Isolation
    probability: NDArray[np.float64] | None


def page_data(graph: Graph, surveyed: list[Surveyed], part: DrawnPart) -> dict[str, Any]:
    """Return all columns; nodes are numbered as they are listed, the drawn ones first.

    Infinite distances are -1, what is missing is null.
    """
    listed = _listed(graph, surveyed, part)
    place = np.full(graph.num_nodes + 1, -1, np.int64)  # the last entry: node -1 has no place
    place[listed] = np.arange(listed.size)
    return {
        "ids": [str(name) for name in graph.label_of(listed).tolist()],
        "drawn": int(part.nodes.size),
        "whole": part.is_whole,
        "x": part.xy[:, 0].tolist(),
        "y": part.xy[:, 1].tolist(),
        "edges": part.edges.T.reshape(-1).tolist(),
        "values": [_columns(graph, each, listed, place) for each in surveyed],
    }


def _listed(graph: Graph, surveyed: list[Surveyed], part: DrawnPart) -> NDArray[np.int64]:
    """Return the drawn nodes, then the others that are spoken of."""
    spoken_of = np.zeros(graph.num_nodes + 1, np.bool_)
    for each in surveyed:
        table = each.peaks
        for nodes in (table.node, table.nearest_higher, table.key_saddle):
            spoken_of[nodes] = True
        spoken_of[each.nearest.witness[part.nodes]] = True
    spoken_of[part.nodes] = False
    return np.concatenate([part.nodes, np.flatnonzero(spoken_of[:-1])])


def _columns(
    graph: Graph, each: Surveyed, listed: NDArray[np.int64], place: NDArray[np.int64]
) -> dict[str, Any]:
    """Return what is known of one attribute."""
    table, row = each.peaks, np.full(graph.num_nodes + 1, -1, np.int64)
    row[table.node] = np.arange(len(table))
    numbers, present = _numbers(each.column)
    death, _ = _numbers(table.persistence.death)
    chance = each.probability
    return {
        "name": each.name,
        "value": _json_numbers(numbers[listed]),
        "text": _texts(each.column, listed),
        "isolation": _distances(np.asarray(each.nearest.distance)[listed]),
        "witness": place[np.asarray(each.nearest.witness)[listed]].tolist(),
        "basin": row[table.basins[listed]].tolist(),
        "probability": None if chance is None else np.round(chance[listed], 6).tolist(),
        "histogram": _histogram(numbers[np.isfinite(numbers)]),
        "expected": round(expected_maxima(graph, present), 1),
        "peaks": {
            "node": place[table.node].tolist(),
            "isolation": _distances(table.isolation),
            "nearest": place[table.nearest_higher].tolist(),
            "prominence": _json_numbers(table.prominence),
            "saddle": place[table.key_saddle].tolist(),
            "parent": row[table.parent].tolist(),
            "death": _json_numbers(death),
            "basin_size": table.basin_size.tolist(),
            "plateau_size": table.plateau_size.tolist(),
            "group": _codes(table.group),
        },
    }


def _numbers(column: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a column as floats, NaN where there is none, and which entries are there."""
    data, absent = np.ma.getdata(column), np.ma.getmaskarray(column)
    if data.dtype.kind in "mM":
        absent = absent | np.isnat(data)
        data = data.astype(np.int64)
    numbers = np.where(absent, np.nan, data.astype(np.float64))
    return numbers, ~np.isnan(numbers)


def _texts(column: NDArray[Any], listed: NDArray[np.int64]) -> list[str] | None:
    """Return how values are written where a float does not say it all: times and long integers."""
    data = np.ma.getdata(column)[listed]
    is_long = data.dtype.kind in "iu" and data.size and int(abs(data.astype(object)).max()) > _EXACT
    return [str(item) for item in data] if is_long or data.dtype.kind in "mM" else None


def _json_numbers(numbers: NDArray[Any]) -> list[Any]:
    """Return numbers as JSON can hold them: integers without a point, NaN null, infinity text."""
    return [_json_number(item) for item in np.asarray(numbers, np.float64).tolist()]


def _json_number(item: float) -> Any:
    """Return one number as JSON can hold it."""
    if item != item:
        return None
    if item in (np.inf, -np.inf):
        return "Infinity" if item > 0 else "-Infinity"
    return int(item) if item.is_integer() and abs(item) < _EXACT else item


def _distances(distance: NDArray[np.float64]) -> list[Any]:
    """Return distances, -1 for infinite ones, null for nodes without a value."""
    return _json_numbers(np.where(np.isinf(distance), -1.0, distance))


def _codes(groups: Any) -> list[int] | None:
    """Return the groups of the peaks as numbers, None where there are none."""
    if groups is None:
        return None
    _, codes = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    return codes.tolist() if len(codes) else None


def _histogram(numbers: NDArray[np.float64]) -> dict[str, Any]:
    """Count values in equal bins."""
    if not numbers.size:
        return {"low": 0, "high": 0, "counts": []}
    counts, edges = np.histogram(numbers, bins=_BINS)
    return {"low": float(edges[0]), "high": float(edges[-1]), "counts": counts.tolist()}
