"""Ids to node indices: with arrays where ids are dense integers, with DuckDB's hash join elsewhere.

Nodes are numbered in the order of the node table; without one, in the order of their ids
(integers by value, text by code point). Memory follows the number of ids, never the largest.
"""

# ruff: noqa: S608 - table names are this package's own

from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.files.columns import fetched
from graphmax.files.errors import listed, refusal
from graphmax.files.source import Source

_SPARE = 2**16
_NO_IDS = np.empty(0, np.int64)


class Numbered(NamedTuple):
    """Edges as node indices, with weights in the same order, and the id of each node."""

    src: NDArray[Any]
    dst: NDArray[Any]
    weights: NDArray[Any] | None
    labels: NDArray[Any]


def number_integers(
    connection: duckdb.DuckDBPyConnection,
    edges: dict[str, NDArray[Any]],
    nodes: NDArray[np.int64] | None,
    source: Source,
) -> Numbered:
    """Give int64 columns `src` and `dst` node indices; `nodes` are the ids of a node table."""
    src, dst = edges["src"], edges["dst"]
    known = _NO_IDS if nodes is None else nodes
    low, span = _range(src, dst, known)
    if span > 4 * (src.size + dst.size + known.size) + _SPARE:
        connection.register("edges", edges)
        return number_relation(connection, nodes, "weight" in edges, source)
    if nodes is not None:
        return _looked_up(edges, nodes, (low, span), source)
    labels, position = _dense_positions(src, dst, low, span)
    if position is None:
        first, second = (src, dst) if low == 0 else (src - low, dst - low)
    else:
        first, second = position[src - low], position[dst - low]
    return Numbered(first, second, edges.get("weight"), labels)


def _range(*columns: NDArray[np.int64]) -> tuple[int, int]:
    filled = [column for column in columns if column.size]
    if not filled:
        return 0, 0
    low = min(int(column.min()) for column in filled)
    return low, max(int(column.max()) for column in filled) - low + 1


def _dense_positions(
    src: NDArray[np.int64], dst: NDArray[np.int64], low: int, span: int
) -> tuple[NDArray[np.int64], NDArray[np.int32] | None]:
    present = np.zeros(span, bool)
    present[src - low if low else src] = True
    present[dst - low if low else dst] = True
    if present.all():
        return np.arange(low, low + span, dtype=np.int64), None
    return np.flatnonzero(present) + low, np.cumsum(present, dtype=np.int32) - np.int32(1)


def _looked_up(
    edges: dict[str, NDArray[Any]],
    nodes: NDArray[np.int64],
    within: tuple[int, int],
    source: Source,
) -> Numbered:
    low, span = within
    position = np.full(span, -1, np.int32)
    position[nodes - low] = np.arange(nodes.size, dtype=np.int32)
    src, dst = position[edges["src"] - low], position[edges["dst"] - low]
    lacking = np.concatenate([edges["src"][src < 0], edges["dst"][dst < 0]])
    if lacking.size:
        ids = np.unique(lacking)
        raise unknown_ids(source, ids[:5].tolist(), ids.size)
    return Numbered(src, dst, edges.get("weight"), nodes)


def number_relation(
    connection: duckdb.DuckDBPyConnection,
    nodes: NDArray[Any] | None,
    weighted: bool,
    source: Source,
) -> Numbered:
    """Give the columns `src`, `dst` node indices, of the relation `edges`; both of one type."""
    ends = "(select src as id from edges union select dst from edges)"
    if nodes is None:
        order, origin = "id", ends
    else:
        connection.register("given", {"id": nodes, "place": np.arange(nodes.size)})
        order, origin = "place", "given"
        _refuse_unknown(connection, ends, source)
    connection.execute(
        "create or replace temp table ids as "
        f"select id, (row_number() over (order by {order}) - 1)::integer as node from {origin}"
    )
    labels = nodes
    if labels is None:
        labels = fetched(connection, "select id from ids order by node")["id"]
    columns = fetched(
        connection,
        f"select a.node as src, b.node as dst{', edges.weight' if weighted else ''} from edges "
        "join ids a on a.id = edges.src join ids b on b.id = edges.dst",
    )
    return Numbered(columns["src"], columns["dst"], columns.get("weight"), labels)


def _refuse_unknown(connection: duckdb.DuckDBPyConnection, ends: str, source: Source) -> None:
    lacking = f"from {ends} where id not in (select id from given)"
    (count,) = connection.execute(f"select count(*) {lacking}").fetchall()[0]
    if count:
        rows = connection.execute(f"select id {lacking} order by id limit 5").fetchall()
        raise unknown_ids(source, [row[0] for row in rows], count)


def unknown_ids(source: Source, ids: Sequence[object], count: int) -> Exception:
    """Return the error for edges that end at ids which the node table lacks."""
    return refusal(
        source.name,
        "have edges between ids of the node table",
        f"ids that it lacks ({listed(list(ids), count)})",
        way_out="add them to the node table, or pass nodes=False to read the edges alone",
    )
