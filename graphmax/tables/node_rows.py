"""The node table in memory: a key to compare for every row, and how its ids become numbers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.kernels.id_lookup import UNKNOWN, IdLookup
from graphmax.tables.database import Database
from graphmax.tables.duckdb_tables import Tables, nodes_query, number_nodes
from graphmax.tables.record_batches import Column
from graphmax.tables.table_checks import TableChecks
from graphmax.values import order_key


class NodeRows:
    """Keys, absent nodes and ids of the node table, in the order of its rows.

    `key` is int64 (n,), larger is more extreme; `absent` bool (n,) or (0,). Ids that are integers
    in a row are `first` and what follows; others are `ids`, int64 (n,); text stays in DuckDB.
    """

    def __init__(self, num_nodes: int, *, has_ids: bool) -> None:
        self.num_nodes = num_nodes
        self.key = np.empty(num_nodes, np.int64)
        self.absent = np.zeros(0, np.bool_)
        self.first: int | None = 0 if has_ids else None
        self.ids: NDArray[np.int64] | None = None
        self._at = 0

    def take(self, values: Column, ids: Column | None) -> None:
        """Add some rows."""
        rows = slice(self._at, self._at + values.values.size)
        self._take_values(values, rows)
        if ids is not None:
            self._take_ids(ids.values.astype(np.int64, copy=False), rows)
        self._at = rows.stop

    def _take_values(self, column: Column, rows: slice) -> None:
        key, absent = order_key(column.values)
        self.key[rows] = key
        if column.missing is not None:
            absent = column.missing if absent is None else absent | column.missing
        if absent is not None and absent.any():
            if not self.absent.size:
                self.absent = np.zeros(self.num_nodes, np.bool_)
            self.absent[rows] = absent

    def _take_ids(self, ids: NDArray[np.int64], rows: slice) -> None:
        if rows.start == 0 and ids.size:
            self.first = int(ids[0])
        if self.ids is None and self.first is not None:
            start, stop = self.first + rows.start, self.first + rows.stop
            if np.array_equal(ids, np.arange(start, stop)):
                return
            self.ids = np.empty(self.num_nodes, np.int64)
            self.ids[: rows.start] = np.arange(self.first, start)
            self.first = None
        if self.ids is not None:
            self.ids[rows] = ids

    @property
    def are_numbers(self) -> bool:
        """Whether the id of a node is its number."""
        return self.first == 0


def read_nodes(
    db: Database, checks: TableChecks, tables: Tables, num_nodes: int, *, minima: bool
) -> NodeRows:
    """Read the node table once, and check its rows."""
    number_nodes(db, tables, num_nodes)
    has_ids = tables.id_kind == "BIGINT"
    nodes = NodeRows(num_nodes, has_ids=has_ids)
    for batch in _batches(db, nodes_query(tables), num_nodes):
        *ids, values = batch
        nodes.take(values, ids[0] if ids else None)
    if nodes.absent.size:
        checks.check_values(tables.kind)
    if not has_ids:
        checks.check_repeats()
    if minima:
        np.invert(nodes.key, out=nodes.key)
    return nodes


def _batches(db: Database, query: str, total: int) -> Iterator[tuple[Column, ...]]:
    done = 0
    with db.timed("reading nodes", total) as report:
        for batch in db.batches(query):
            yield batch
            done += batch[0].values.size
            report(done)


def lookup_of(nodes: NodeRows, checks: TableChecks) -> IdLookup | None:
    """Return what numbers ids that are no row of integers, refusing repeated ones."""
    if nodes.ids is None:
        return None
    lookup = IdLookup(nodes.ids)
    if lookup.repeat != UNKNOWN:
        checks.check_repeats()
    return lookup


def id_column(nodes: NodeRows) -> dict[str, NDArray[Any]]:
    """Return the column of ids that cannot be written down as a range."""
    return {} if nodes.ids is None else {"id": nodes.ids}
