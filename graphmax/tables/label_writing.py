"""Labels by node number to the file or folder that was asked for, row by row."""

# ruff: noqa: S608 - table names are this package's own

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.duckdb_session import literal
from graphmax.tables.database import Database
from graphmax.tables.node_rows import NodeRows
from graphmax.tables.table_question import TableQuestion


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
