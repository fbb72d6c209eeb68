"""The node table in memory: a key for every row, how ids become numbers, and labels written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.duckdb_session import literal
from graphmax.kernels.id_lookup import UNKNOWN, IdLookup
from graphmax.tables.database import Column, Database
from graphmax.tables.duckdb_tables import Tables, nodes_query, number_nodes
from graphmax.tables.table_checks import TableChecks
from graphmax.tables.table_question import TableQuestion
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


# ruff: noqa: S608 - table names are this package's own


def write_labels(
    db: Database, question: TableQuestion, nodes: NodeRows, columns: dict[str, Any], folder: Path
) -> Path:
    """Write ``is_maximum`` and, if asked for, ``rival``, both by node number, beside the ids."""
    ending = Path(question.out).suffix.lower() if question.is_file else ""
    made = folder / f"labels{ending}"
    settings = "FORMAT csv, HEADER true" if ending == ".csv" else "FORMAT parquet"
    settings += ", USE_TMP_FILE false" if question.is_file else ", PER_THREAD_OUTPUT true"
    ids = {} if nodes.ids is None else {"id": nodes.ids}
    db.connection.register("found", {**ids, **columns})
    rows = _rows(nodes, explain="rival" in columns)
    db.stage(
        "writing labels", nodes.num_nodes, f"COPY ({rows}) TO {literal(str(made))} ({settings})"
    )
    db.connection.unregister("found")
    return made


def _rows(nodes: NodeRows, *, explain: bool) -> str:
    if explain:
        numbered = "SELECT row_number() OVER () - 1 AS node, is_maximum, rival FROM found"
        return (
            f"SELECT g.id, f.is_maximum, o.id AS rival, o.value AS rival_value FROM ({numbered}) f "
            "JOIN given g ON g.node = f.node LEFT JOIN given o ON o.node = f.rival"
        )
    if nodes.ids is not None:
        return "SELECT id, is_maximum FROM found"
    if nodes.first is not None:
        first = np.int64(nodes.first)
        return f"SELECT ({first} + row_number() OVER () - 1)::BIGINT AS id, is_maximum FROM found"
    return "SELECT g.id, f.is_maximum FROM given g POSITIONAL JOIN found f"


def label_columns(
    is_maximum: NDArray[np.bool_], rival: NDArray[Any] | None
) -> dict[str, NDArray[Any]]:
    """Return the columns by node number."""
    return {"is_maximum": is_maximum, **({} if rival is None else {"rival": rival})}
