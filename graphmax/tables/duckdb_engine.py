"""DuckDB: ranks, hops and labels of graphs that do not fit in memory, on one machine."""

# ruff: noqa: S608 - table names are this package's own, column names are quoted

from pathlib import Path

from graphmax.files.duckdb_session import literal
from graphmax.tables.answer import TableAnswer
from graphmax.tables.database import Database, database
from graphmax.tables.loading import Loaded, absent_sql, load
from graphmax.tables.question import TableQuestion
from graphmax.tables.scratch import Workplace, publish
from graphmax.tables.sql import HOP, RIVAL, SECOND_HOP, SECOND_START, edges_sql, label_sql


def run(question: TableQuestion, place: Workplace, memory: int | None) -> TableAnswer:
    """Answer a question with so many bytes of memory."""
    with database(place.space, memory) as db:
        loaded = load(db, question)
        db.run("SET preserve_insertion_order = false")
        rank(db, question, loaded)
        _hop_by_hop(db, question, loaded)
        _label(db, question, loaded)
        made = write_labels(db, question, loaded, place.beside)
        num_maxima = count_maxima(db)
    publish(made, Path(question.out))
    return TableAnswer(question.out, "duckdb", *loaded[:2], num_maxima, tuple(db.stages))


def rank(db: Database, question: TableQuestion, loaded: Loaded) -> None:
    """Make the state before the first hop."""
    n, absent = loaded.num_nodes, absent_sql(loaded.kind)
    order = "DESC" if question.rule.extremum == "min" else "ASC"
    db.stage(
        "ranking values",
        n,
        f"CREATE TABLE s AS SELECT node AS id, r, r * {n} + node AS hi, "
        f"r * {n} + ({n} - 1) - node AS lo, 0 AS nb FROM "
        f"(SELECT node, dense_rank() OVER (ORDER BY value {order}) - 1 AS r FROM given "
        f"WHERE NOT {absent}) UNION ALL "
        f"SELECT node, -1, -1, -1, 0 FROM given WHERE {absent}",
    )


def _hop_by_hop(db: Database, question: TableQuestion, loaded: Loaded) -> None:
    direction = question.steps(loaded.directed)
    db.run(f"CREATE TEMP VIEW edges AS {edges_sql(direction, 'ends')}")
    rows = loaded.num_nodes + loaded.num_edges * (2 if direction == "both" else 1)
    if question.explain:
        db.run(f"CREATE TABLE p AS {SECOND_START}")
    for hop in range(1, question.hops + 1):
        db.stage(f"hop {hop} of {question.hops}", rows, f"CREATE TABLE m AS {HOP}")
        db.run("DROP TABLE s")
        if question.explain:
            db.stage(f"rivals {hop} of {question.hops}", rows, f"CREATE TABLE q AS {SECOND_HOP}")
            db.run("DROP TABLE p")
            db.run("ALTER TABLE q RENAME TO p")
        db.run("ALTER TABLE m RENAME TO s")


def _label(db: Database, question: TableQuestion, loaded: Loaded) -> None:
    label = label_sql(question.rule, loaded.num_nodes)
    answer = f"SELECT g.id, l.is_maximum FROM ({label}) l JOIN given g ON g.node = l.id"
    if question.explain:
        rival = RIVAL.format(n=loaded.num_nodes)
        answer = (
            "SELECT g.id, l.is_maximum, o.id AS rival, o.value AS rival_value "
            f"FROM ({label}) l JOIN given g ON g.node = l.id JOIN ({rival}) v ON v.id = l.id "
            "LEFT JOIN given o ON o.node = v.rival"
        )
    db.stage("labeling", loaded.num_nodes, f"CREATE TABLE answer AS {answer}")


def write_labels(db: Database, question: TableQuestion, loaded: Loaded, folder: Path) -> Path:
    """Write the table `answer` as the file or folder of Parquet files that was asked for."""
    ending = Path(question.out).suffix.lower() if question.is_file else ""
    made = folder / f"labels{ending}"
    settings = "FORMAT csv, HEADER true" if ending == ".csv" else "FORMAT parquet"
    settings += ", USE_TMP_FILE false" if question.is_file else ", PER_THREAD_OUTPUT true"
    copy = f"COPY answer TO {literal(str(made))} ({settings})"
    db.stage("writing labels", loaded.num_nodes, copy)
    return made


def count_maxima(db: Database) -> int:
    """Count the maxima in the table `answer`."""
    return int(db.row("SELECT count(*) FROM answer WHERE is_maximum")[0])
