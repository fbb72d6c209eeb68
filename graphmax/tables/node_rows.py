"""The node table in memory: a key for every row, how ids become numbers, and labels written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.duckdb_session import literal
from graphmax.kernels.keys import UNKNOWN, IdLookup
from graphmax.tables.database import Column, Database
from graphmax.tables.duckdb_tables import Tables, nodes_query, number_nodes
from graphmax.tables.sql import TableChecks
from graphmax.tables.table_question import TableQuestion
from graphmax.values import order_key


class NodeRows:
    """Keys, absent nodes and ids of the node table, in the order of its rows.

    `key` is int64 (n,), larger is more extreme; `absent` bool (n,) or (0,). Ids that are integers
    in a row are `first` and what follows; others are `ids`, int64 (n,), unless there is no room for
    them; these and text stay in DuckDB. `values` is what the edges said of the nodes, or None.
    """

    def __init__(self, num_nodes: int, *, has_ids: bool, keep_ids: bool = True) -> None:
        self.num_nodes, self._keep_ids = num_nodes, keep_ids
        self.key = np.empty(num_nodes, np.int64)
        self.absent = np.zeros(0, np.bool_)
        self.first: int | None = 0 if has_ids else None
        self.ids: NDArray[np.int64] | None = None
        self.values: NDArray[Any] | None = None
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
            if self._keep_ids:
                self.ids = np.empty(self.num_nodes, np.int64)
                self.ids[: rows.start] = np.arange(self.first, start)
            self.first = None
        if self.ids is not None:
            self.ids[rows] = ids

    def set_values(self, values: NDArray[Any], *, minima: bool) -> None:
        """Compare the nodes by what the edges said of them."""
        self.values, self.key = values, order_key(values).key
        if minima:
            self.key = ~self.key

    @property
    def has_numbers(self) -> bool:
        """Whether ids become numbers here, not in DuckDB."""
        return self.first is not None or self.ids is not None


def read_nodes(
    db: Database,
    checks: TableChecks,
    tables: Tables,
    num_nodes: int,
    *,
    minima: bool,
    keep_ids: bool,
) -> NodeRows:
    """Read the node table once, and check its rows."""
    number_nodes(db, tables, num_nodes)
    has_ids = tables.id_kind == "BIGINT"
    nodes = NodeRows(num_nodes, has_ids=has_ids, keep_ids=keep_ids)
    for batch in _batches(db, nodes_query(tables), num_nodes):
        *ids, values = batch
        nodes.take(values, ids[0] if ids else None)
    if nodes.absent.size:
        checks.check_values(tables.kind)
    if not nodes.has_numbers:
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


# ruff: noqa: S608 - table names are this package's own


def write_labels(
    db: Database, question: TableQuestion, nodes: NodeRows, columns: dict[str, Any], folder: Path
) -> Path:
    """Write ``is_maximum`` and, if asked for, ``rival``, both by node number, beside the ids."""
    ending = Path(question.out).suffix.lower() if question.is_file else ""
    made = folder / f"labels{ending}"
    settings = "FORMAT csv, HEADER true" if ending == ".csv" else "FORMAT parquet"
    settings += ", USE_TMP_FILE false" if question.is_file else ", PER_THREAD_OUTPUT true"
    if ending != ".csv" and nodes.has_numbers:  # integers as differences: a fiftieth of the bytes
        settings += ", PARQUET_VERSION V2"
    ids = {} if nodes.ids is None else {"id": nodes.ids}
    db.connection.register("found", {**ids, **columns})
    rows = _rows(nodes, explain="rival" in columns, measured="rival_value" in columns)
    db.stage(
        "writing labels", nodes.num_nodes, f"COPY ({rows}) TO {literal(str(made))} ({settings})"
    )
    db.connection.unregister("found")
    return made


def _rows(nodes: NodeRows, *, explain: bool, measured: bool) -> str:
    if explain:
        numbered = "SELECT row_number() OVER () - 1 AS node, * FROM found"
        value = "CASE WHEN f.rival >= 0 THEN f.rival_value END" if measured else "o.value"
        return (
            f"SELECT g.id, f.is_maximum, o.id AS rival, {value} AS rival_value FROM ({numbered}) f "
            "JOIN given g ON g.node = f.node LEFT JOIN given o ON o.node = f.rival"
        )
    if nodes.ids is not None:
        return "SELECT id, is_maximum FROM found"
    if nodes.first is not None:
        first = np.int64(nodes.first)
        return f"SELECT ({first} + row_number() OVER () - 1)::BIGINT AS id, is_maximum FROM found"
    return "SELECT g.id, f.is_maximum FROM given g POSITIONAL JOIN found f"


def label_columns(
    is_maximum: NDArray[np.bool_], rival: NDArray[Any] | None, values: NDArray[Any] | None
) -> dict[str, NDArray[Any]]:
    """Return the columns by node number; `values` where the node table does not hold them."""
    columns = {"is_maximum": is_maximum}
    if rival is not None:
        columns["rival"] = rival
        if values is not None:
            columns["rival_value"] = values[rival]
    return columns
