"""What the page knows, as columns that JSON can hold: ids, places, edges, and tables of peaks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.maxima import Isolation
from graphmax.page.drawn_part import DrawnPart
from graphmax.page.other_nodes import packed
from graphmax.peaks import Peaks

_BINS = 40
_EXACT = 2**53


@dataclass(frozen=True)
class Surveyed:
    """One attribute: its name, its column, the peaks of one hop, the isolation of every node.

    `chance` is how many peaks shuffled values have at every reach.
    """

    name: str
    column: NDArray[Any]
    peaks: Peaks
    nearest: Isolation
    chance: dict[str, Any]
    probability: NDArray[np.float64] | None


def page_data(
    graph: Graph, surveyed: list[Surveyed], part: DrawnPart
) -> tuple[dict[str, Any], str | None]:
    """Return all columns, and those of the other nodes as a text of their own.

    Nodes are numbered as they are listed, the drawn ones first. Infinite distances are -1, what is
    missing is null.
    """
    listed = _listed(graph, surveyed, part)
    others = np.setdiff1d(np.arange(graph.num_nodes), listed, assume_unique=True)
    place = np.full(graph.num_nodes + 1, -1, np.int64)  # the last entry: node -1 has no place
    place[listed] = np.arange(listed.size)
    place[others] = np.arange(listed.size, graph.num_nodes)
    text = packed(_of_others(graph, surveyed, part, others, place)) if others.size else None
    if text is None:
        place[others] = -1
    data = {
        "ids": [str(name) for name in graph.label_of(listed).tolist()],
        "drawn": int(part.nodes.size),
        "whole": part.is_whole,
        "x": part.xy[:, 0].tolist(),
        "y": part.xy[:, 1].tolist(),
        "edges": part.edges.T.reshape(-1).tolist(),
        "values": [_columns(graph, each, listed, place) for each in surveyed],
    }
    return data, text


def _of_others(
    graph: Graph,
    surveyed: list[Surveyed],
    part: DrawnPart,
    others: NDArray[np.int64],
    place: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """Return what is known of the nodes that are not listed, and the places of all not drawn."""
    order = np.argsort(place[:-1], kind="stable")[part.nodes.size :]
    columns: dict[str, NDArray[Any]] = {
        "ids": np.asarray(graph.label_of(others)),
        "x": part.places[order, 0],
        "y": part.places[order, 1],
    }
    for i, each in enumerate(surveyed):
        row = np.full(graph.num_nodes + 1, -1, np.int64)
        row[each.peaks.node] = np.arange(len(each.peaks))
        texts = _texts(each.column, others)
        distance = np.asarray(each.nearest.distance)[others]
        columns[f"value {i}"] = _numbers(each.column)[others]
        columns[f"isolation {i}"] = np.where(np.isinf(distance), -1.0, distance)
        columns[f"witness {i}"] = place[np.asarray(each.nearest.witness)[others]]
        columns[f"basin {i}"] = row[each.peaks.basins[others]]
        if texts is not None:
            columns[f"text {i}"] = np.array(texts, object)
        if each.probability is not None:
            columns[f"probability {i}"] = np.round(each.probability[others], 6)
    return columns


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
    numbers = _numbers(each.column)
    probability = each.probability
    return {
        "name": each.name,
        "value": _json_numbers(numbers[listed]),
        "text": _texts(each.column, listed),
        "isolation": _distances(np.asarray(each.nearest.distance)[listed]),
        "witness": place[np.asarray(each.nearest.witness)[listed]].tolist(),
        "basin": row[table.basins[listed]].tolist(),
        "probability": None if probability is None else np.round(probability[listed], 6).tolist(),
        "histogram": _histogram(numbers[np.isfinite(numbers)]),
        "chance": each.chance,
        "peaks": {
            "node": place[table.node].tolist(),
            "isolation": _distances(table.isolation),
            "nearest": place[table.nearest_higher].tolist(),
            "prominence": _json_numbers(table.prominence),
            "saddle": place[table.key_saddle].tolist(),
            "parent": row[table.parent].tolist(),
            "base": _texts(table.key_saddle_value, np.arange(len(table))),
            "death": _json_numbers(_numbers(table.persistence.death)),
            "basin_size": table.basin_size.tolist(),
            "plateau_size": table.plateau_size.tolist(),
            **_groups(table.group),
        },
    }


def _numbers(column: NDArray[Any]) -> NDArray[np.float64]:
    """Return a column as floats, NaN where there is none."""
    data, absent = np.ma.getdata(column), np.ma.getmaskarray(column)
    if data.dtype.kind in "mM":
        absent = absent | np.isnat(data)
        data = data.astype(np.int64)
    return np.where(absent, np.nan, data.astype(np.float64))


def _texts(column: NDArray[Any], some: NDArray[np.int64]) -> list[str] | None:
    """Return how some values are written where a float does not say all: times, long integers."""
    data = np.ma.getdata(column)
    is_long = data.dtype.kind in "iu" and data.size > 0
    is_long = is_long and max(int(data.max()), -int(data.min())) > _EXACT
    return [str(item) for item in data[some]] if is_long or data.dtype.kind in "mM" else None


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


def _groups(groups: Any) -> dict[str, Any]:
    """Return the groups of the peaks as numbers with their names, None where there are none."""
    if groups is None or not len(groups):
        return {"group": None, "group_names": None}
    names, codes = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    return {"group": codes.tolist(), "group_names": names.tolist()}


def _histogram(numbers: NDArray[np.float64]) -> dict[str, Any]:
    """Count values in equal bins, in one where they are all equal."""
    if not numbers.size:
        return {"low": 0, "high": 0, "counts": []}
    low, high = float(numbers.min()), float(numbers.max())
    if low == high:
        return {"low": low, "high": high, "counts": [numbers.size]}
    part = 1 if np.isfinite(high - low) else 4  # of a quarter of the values the range is finite
    share = (numbers / part - low / part) / (high / part - low / part)
    counts = np.bincount(np.minimum((share * _BINS).astype(np.int64), _BINS - 1), minlength=_BINS)
    return {"low": low, "high": high, "counts": counts.tolist()}
