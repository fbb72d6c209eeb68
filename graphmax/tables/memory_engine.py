"""Memory: the tables as one `Graph`, and the compiled loops."""

# ruff: noqa: S608 - table names are this package's own

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.duckdb_session import fetched
from graphmax.graph import Graph
from graphmax.maxima.engine import maxima_mask, rival_nodes
from graphmax.question import Question, ask
from graphmax.tables.answer import TableAnswer
from graphmax.tables.database import Database, database
from graphmax.tables.duckdb_engine import count_maxima, write_labels
from graphmax.tables.loading import FLOATS, INTEGERS, Loaded, absent_sql, load
from graphmax.tables.question import TableQuestion
from graphmax.tables.scratch import Workplace, publish

_AS_NUMPY = {*INTEGERS, *FLOATS, "UBIGINT", "BOOLEAN"}


def run(question: TableQuestion, place: Workplace, _: int | None) -> TableAnswer:
    """Answer a question with everything in memory but the text of ids."""
    with database(place.space, None) as db:
        loaded = load(db, question)
        asked = db.call(
            "building the graph", loaded.num_edges, lambda: _asked(db, question, loaded)
        )
        columns = {"node": np.arange(loaded.num_nodes), "is_maximum": maxima_mask(asked)[0]}
        if question.explain:
            columns["rival"] = rival_nodes(asked)[0]
        _answer(db, columns)
        made = write_labels(db, question, loaded, place.beside)
        num_maxima = count_maxima(db)
    publish(made, Path(question.out))
    return TableAnswer(question.out, "memory", *loaded[:2], num_maxima, tuple(db.stages))


def _asked(db: Database, question: TableQuestion, loaded: Loaded) -> Question:
    ends = fetched(db.connection, "SELECT src, dst FROM ends")
    graph = Graph.from_edges(ends["src"], ends["dst"], loaded.num_nodes, directed=loaded.directed)
    return ask("local_maxima", graph, _values(db, loaded), rule=question.rule)


def _values(db: Database, loaded: Loaded) -> NDArray[Any]:
    """Return the values as they are where NumPy has their type, else their dense ranks."""
    value = "value"
    if loaded.kind not in _AS_NUMPY:
        rank = "dense_rank() OVER (ORDER BY value)"
        value = f"CASE WHEN {absent_sql(loaded.kind)} THEN NULL ELSE {rank} END"
    return fetched(db.connection, f"SELECT {value} AS value FROM given ORDER BY node")["value"]


def _answer(db: Database, columns: dict[str, NDArray[Any]]) -> None:
    db.connection.register("found", columns)
    chosen, joined = "g.id, f.is_maximum", "found f JOIN given g ON g.node = f.node"
    if "rival" in columns:
        chosen += ", o.id AS rival, o.value AS rival_value"
        joined += " LEFT JOIN given o ON o.node = f.rival"
    db.stage(
        "labeling", len(columns["node"]), f"CREATE TABLE answer AS SELECT {chosen} FROM {joined}"
    )
