"""What the page knows, as columns that JSON can hold: ids, places, edges, and tables of peaks.

Drawn is all of a small graph and the surroundings of the peaks of a large one; the nodes that are
neither drawn nor in the table are there for the search. Beside the counts of peaks stand those of
the same values, shuffled over the nodes.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.layout import pivot_layout, placed, spring_layout
from graphmax.maxima import Isolation
from graphmax.peaks import Peaks, find_peaks

_WORK = 2_000_000
_FEWEST_ROUNDS, _MOST_ROUNDS = 2, 50
_FEWEST_HOPS, _STEPS = 8, 33


def chance_counts(
    graph: Graph,
    column: NDArray[Any],
    peaks: Peaks,
    said: dict[str, Any],
    selection: dict[str, Any],
    seed: int = 0,
) -> dict[str, Any]:
    """Return `reach`, `count` and `rounds`: the mean number of peaks beyond each reach.

    The rule is that of the page, `said` and `selection` are what `find_peaks` was asked; values
    stay in their group and on the nodes that have one. One round answers every reach.
    """
    reach = _reaches(peaks)
    work = graph.num_nodes + graph.indices.size
    rounds = int(np.clip(_WORK // max(work, 1), _FEWEST_ROUNDS, _MOST_ROUNDS))
    rng, counts = np.random.default_rng(seed), np.zeros(reach.size)
    for _ in range(rounds):
        shuffled = _shuffled(column, selection, rng)
        far = np.sort(find_peaks(graph, shuffled, **said, **selection).isolation)
        counts += far.size - np.searchsorted(far, reach, side="right")
    count = np.round(counts / rounds, 2)
    return {"reach": reach.tolist(), "count": count.tolist(), "rounds": rounds}


def _reaches(peaks: Peaks) -> NDArray[Any]:
    """Return where the slider can stand: every number of hops, or even steps of a radius."""
    finite = peaks.isolation[np.isfinite(peaks.isolation)]
    farthest, radius = float(finite.max(initial=1)), peaks.rule.radius
    if radius is None:
        return np.arange(1, max(_FEWEST_HOPS, int(farthest)) + 1)
    return np.linspace(radius, max(farthest, radius), _STEPS)


def _shuffled(
    column: NDArray[Any], selection: dict[str, Any], rng: np.random.Generator
) -> NDArray[Any]:
    """Return the column with its present values shuffled inside each group."""
    data = np.ma.getdata(column)
    present = ~np.ma.getmaskarray(column)
    if data.dtype.kind in "fmM":
        present &= ~np.isnan(data)
    if selection["where"] is not None:
        present &= selection["where"]
    nodes = np.flatnonzero(present)
    codes = np.zeros(nodes.size, np.int64)
    if selection["groups"] is not None:
        _, codes = np.unique(
            np.asarray(selection["groups"]).astype(str)[nodes], return_inverse=True
        )
    shuffled = column.copy()
    sources = nodes[np.lexsort((rng.random(nodes.size), codes))]
    shuffled[nodes[np.argsort(codes, kind="stable")]] = data[sources]
    return shuffled


MOST_NODES = 20_000
MOST_EDGES = 120_000
_MOST_BY_SPRINGS = 180  # they take a second; pivots place ten thousand nodes in a hundredth
_SIDE = 10_000


@dataclass(frozen=True)
class DrawnPart:
    """The nodes that are drawn, int64 ascending, their places, and edges between them.

    `xy` is int64 (d, 2) from 0 to 10,000, `places` (n, 2) the same of every node; `edges` int64
    (2, e), positions in `nodes`.
    `is_whole` says whether every node and edge is there.
    """

    nodes: NDArray[np.int64]
    xy: NDArray[np.int64]
    places: NDArray[np.int64]
    edges: NDArray[np.int64]
    is_whole: bool


def drawn_part(graph: Graph, tables: Sequence[Peaks], seed: int = 0) -> DrawnPart:
    """Choose what is drawn and place it."""
    nodes = _nodes(graph, tables, seed)
    edges, is_whole = _edges(graph, nodes, seed)
    places = _scaled(_places(graph, seed), nodes)
    is_whole = is_whole and nodes.size == graph.num_nodes
    return DrawnPart(nodes, places[nodes], places, edges, is_whole)


def _nodes(graph: Graph, tables: Sequence[Peaks], seed: int) -> NDArray[np.int64]:
    """Return all nodes, or peaks by prominence, their neighbors, and a random sample."""
    count = graph.num_nodes
    if count <= MOST_NODES:
        return np.arange(count)
    rows, chosen = graph.adjacency("both"), np.zeros(count, np.bool_)
    for table in tables:
        by_prominence = np.argsort(-table.prominence, kind="stable")
        tops = table.node[by_prominence[: MOST_NODES // (4 * len(tables))]]
        chosen[tops] = True
        for column in (table.nearest_higher, table.key_saddle):
            beside = column[by_prominence[:200]]
            chosen[beside[beside >= 0]] = True
        for top in tops:
            if np.count_nonzero(chosen) > 3 * MOST_NODES // 4:
                break
            chosen[rows.indices[rows.indptr[top] : rows.indptr[top + 1]]] = True
    left = np.flatnonzero(~chosen)
    missing = min(max(MOST_NODES - int(chosen.sum()), 0), left.size)
    chosen[np.random.default_rng(seed).choice(left, missing, replace=False)] = True
    return np.flatnonzero(chosen)


def _edges(graph: Graph, nodes: NDArray[np.int64], seed: int) -> tuple[NDArray[Any], bool]:
    """Return the edges between drawn nodes, a sample of them where there are too many."""
    place = np.full(graph.num_nodes, -1, np.int64)
    place[nodes] = np.arange(nodes.size)
    edges = place[graph.edges()]
    inside: NDArray[Any] = edges[:, (edges >= 0).all(axis=0)]
    if inside.shape[1] <= MOST_EDGES:
        return inside, True
    kept = np.random.default_rng(seed).choice(inside.shape[1], MOST_EDGES, replace=False)
    return inside[:, np.sort(kept)], False


def _places(graph: Graph, seed: int) -> NDArray[np.float64]:
    """Return where the nodes are, or a layout."""
    known = placed(graph)
    if known is not None and np.isfinite(known).all():
        return known
    if graph.num_nodes <= _MOST_BY_SPRINGS:
        return spring_layout(graph, seed)
    return pivot_layout(graph, seed)


def _scaled(xy: NDArray[Any], drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bring the drawn places into a square, and all others along, with their proportions."""
    if not len(drawn):
        return np.zeros((len(xy), 2), np.int64)
    low, side = xy[drawn].min(axis=0), float(np.ptp(xy[drawn], axis=0).max()) or 1.0
    return np.asarray(np.rint((xy - low) / side * _SIDE), np.int64)


MOST_BYTES = 36_000_000
_INTEGERS = (np.int8, np.int16, np.int32)


def packed(columns: dict[str, NDArray[Any]]) -> str | None:
    """Return columns as JSON of [name, type, base64], None where they are too long for a page.

    Integers take as few bytes as hold them; texts are a list; all bytes are little-endian, as in
    every browser.
    """
    parts: list[list[Any]] = []
    size = 0
    for name, column in columns.items():
        kind, content = _coded(column)
        size += len(content) if isinstance(content, str) else sum(map(len, content)) + len(content)
        if size > MOST_BYTES:
            return None
        parts.append([name, kind, content])
    return json.dumps(parts, ensure_ascii=True, separators=(",", ":"))


def _coded(column: NDArray[Any]) -> tuple[str, str | list[str]]:
    """Return the name of the array in JavaScript, and its bytes as base64, or texts as they are."""
    if column.dtype.kind in "OUS":
        return "texts", [str(item) for item in column.tolist()]
    small = _small(column)
    name = small.dtype.name.capitalize()
    return f"{name}Array", b64encode(small.astype(small.dtype.newbyteorder("<")).tobytes()).decode()


def _small(column: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers in as few bytes as hold them, others as float64."""
    if column.dtype.kind == "f":
        whole = np.isfinite(column).all() and (column == np.rint(column)).all()
        if (
            not whole
            or np.abs(column).max(initial=0) >= 2**31
            or np.signbit(column[column == 0]).any()
        ):
            return column.astype(np.float64)
    low, high = int(column.min(initial=0)), int(column.max(initial=0))
    for kind in _INTEGERS:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return column.astype(kind)
    return column.astype(np.float64)


_BINS = 40
_EXACT = 2**53


@dataclass(frozen=True)
class ShownAttribute:
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
    graph: Graph, attributes: list[ShownAttribute], part: DrawnPart
) -> tuple[dict[str, Any], str | None]:
    """Return all columns, and those of the other nodes as a text of their own.

    Nodes are numbered as they are listed, the drawn ones first. Infinite distances are -1, what is
    missing is null.
    """
    listed = _listed(graph, attributes, part)
    others = np.setdiff1d(np.arange(graph.num_nodes), listed, assume_unique=True)
    place = np.full(graph.num_nodes + 1, -1, np.int64)  # the last entry: node -1 has no place
    place[listed] = np.arange(listed.size)
    place[others] = np.arange(listed.size, graph.num_nodes)
    text = packed(_of_others(graph, attributes, part, others, place)) if others.size else None
    if text is None:
        place[others] = -1
    data = {
        "ids": [str(name) for name in graph.label_of(listed).tolist()],
        "drawn": int(part.nodes.size),
        "whole": part.is_whole,
        "x": part.xy[:, 0].tolist(),
        "y": part.xy[:, 1].tolist(),
        "edges": part.edges.T.reshape(-1).tolist(),
        "values": [_columns(graph, each, listed, place) for each in attributes],
    }
    return data, text


def _of_others(
    graph: Graph,
    attributes: list[ShownAttribute],
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
    for i, each in enumerate(attributes):
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


def _listed(graph: Graph, attributes: list[ShownAttribute], part: DrawnPart) -> NDArray[np.int64]:
    """Return the drawn nodes, then the others that are spoken of."""
    spoken_of = np.zeros(graph.num_nodes + 1, np.bool_)
    for each in attributes:
        table = each.peaks
        for nodes in (table.node, table.nearest_higher, table.key_saddle):
            spoken_of[nodes] = True
        spoken_of[each.nearest.witness[part.nodes]] = True
    spoken_of[part.nodes] = False
    return np.concatenate([part.nodes, np.flatnonzero(spoken_of[:-1])])


def _columns(
    graph: Graph, each: ShownAttribute, listed: NDArray[np.int64], place: NDArray[np.int64]
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
