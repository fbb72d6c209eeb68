"""Spark: the same texts on a cluster, with Parquet after every hop, so that a crash costs one."""

# ruff: noqa: S608 - view names are this package's own

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from graphmax.files.errors import GraphFileError
from graphmax.tables.answer import TableAnswer, check_out, has_scheme, scratch_folder
from graphmax.tables.spark_tables import (
    Checkpoints,
    Sessions,
    SparkTables,
    Storage,
    as_uri,
    checks_of,
    load,
    session,
)
from graphmax.tables.sql import (
    HOP,
    RIVAL,
    SECOND_HOP,
    SECOND_START,
    edges_sql,
    full_disk,
    label_sql,
)
from graphmax.tables.table_question import TableQuestion

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Rows of a state take about this many bytes in a shuffle; a partition should hold 128 MiB of it.
_BYTES_PER_ROW = 48
_BYTES_PER_PARTITION = 128 * 2**20
_MOST_PARTITIONS = 200_000
# From this hop on it is asked, by a job of its own, whether the last one changed anything.
_HOPS_WORTH_LOOKING = 3
_DAMAGED = ("FAILED_READ_FILE", "MALFORMED_", "CANNOT_READ_FILE", "UNABLE_TO_INFER_SCHEMA")


def run(question: TableQuestion, sessions: Sessions, temporary: Path | None) -> TableAnswer:
    """Answer a question on a cluster."""
    _check_out(question)
    space = temporary if has_scheme(question.out) else temporary or Path(question.out).parent
    with _space(space) as folder, session(sessions, folder) as spark, _in_our_words():
        return _answer(spark, question)


def _check_out(question: TableQuestion) -> None:
    if question.is_file:
        raise ValueError(
            f"`out` must be a folder for Spark, got {question.out}; leave the ending out"
        )
    if not has_scheme(question.out):
        check_out(Path(question.out))


@contextmanager
def _space(parent: Path | None) -> Iterator[Path | None]:
    if parent is None:
        yield None
        return
    with scratch_folder(parent) as folder:
        yield folder


def _answer(spark: "SparkSession", question: TableQuestion) -> TableAnswer:
    out, storage = as_uri(question.out), Storage(spark)
    if storage.exists(out):
        raise FileExistsError(f"`out` must not be a folder that exists, got {question.out}")
    work = _work_folder(storage, question, out)
    checkpoints = Checkpoints(spark, work)
    tables = load(spark, checkpoints, question)
    _set_partitions(spark, tables)
    _hop_by_hop(spark, checkpoints, question, tables)
    labels = f"{work}/labels.{secrets.token_hex(4)}"
    _labels(spark, question, tables.num_nodes).write.parquet(labels)
    num_maxima = spark.read.parquet(labels).where("is_maximum").count()
    if not storage.rename(labels, out):
        raise OSError(f"`out` must be a place that a folder can be renamed to, got {question.out}")
    storage.delete(work)
    stages = tuple(checkpoints.stages)
    return TableAnswer(question.out, "spark", *tables[:2], num_maxima, stages)


def _work_folder(storage: Storage, question: TableQuestion, out: str) -> str:
    """Name the folder of this very question, and remove those of other questions for `out`."""
    parent, _, name = out.rpartition("/")
    prefix = f".{name}.graphmax-spark-"
    mine = prefix + _fingerprint(storage, question)
    for other in storage.names(parent):
        if other.startswith(prefix) and other != mine:
            storage.delete(f"{parent}/{other}")
    return f"{parent}/{mine}"


def _fingerprint(storage: Storage, question: TableQuestion) -> str:
    files = (*question.edges.files, *question.nodes.files)
    told = [
        [storage.signature(as_uri(file)) for file in files],
        [question.values, question.directed, question.explain],
        asdict(question.rule),
        [question.columns.src, question.columns.dst, question.columns.id],
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def _set_partitions(spark: "SparkSession", tables: SparkTables) -> None:
    rows = tables.num_nodes + 2 * tables.num_edges
    partitions = min(_MOST_PARTITIONS, ceil(rows * _BYTES_PER_ROW / _BYTES_PER_PARTITION))
    if partitions > 1:
        partitions = max(partitions, spark.sparkContext.defaultParallelism)
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))


def _hop_by_hop(
    spark: "SparkSession", checkpoints: Checkpoints, question: TableQuestion, tables: SparkTables
) -> None:
    direction = question.steps(tables.directed)
    spark.sql(edges_sql(direction, "ends")).createOrReplaceTempView("edges")
    rows = tables.num_nodes + tables.num_edges * (2 if direction == "both" else 1)
    done = _last_finished(checkpoints, question)
    if done < 0:
        start = checkpoints.stage(
            "state-0",
            tables.num_nodes,
            lambda: _ranked(spark, checkpoints, question, tables.num_nodes),
        )
        start.createOrReplaceTempView("s")
        if question.explain:
            checkpoints.stage("second-0", tables.num_nodes, lambda: spark.sql(SECOND_START))
    hop, sums = max(done, 0), list[object]()
    while hop < question.hops:
        hop += 1
        _hop(spark, checkpoints, question, (hop, rows))
        if _HOPS_WORTH_LOOKING <= hop < question.hops:
            before, sums = sums, _sums(checkpoints, question, hop)
            if sums == before:  # balls have met their components
                break
    checkpoints.read(f"state-{hop}").createOrReplaceTempView("s")
    if question.explain:
        checkpoints.read(f"second-{hop}").createOrReplaceTempView("p")


def _stages(question: TableQuestion) -> tuple[str, ...]:
    return ("state", "second") if question.explain else ("state",)


def _last_finished(checkpoints: Checkpoints, question: TableQuestion) -> int:
    names = checkpoints.storage.names(checkpoints.folder)
    hops = {int(name.split(".")[0].split("-")[1]) for name in names if name.startswith("state-")}
    for hop in sorted(hops, reverse=True):
        if all(checkpoints.finished(f"{name}-{hop}") for name in _stages(question)):
            return hop
    return -1


def _sums(checkpoints: Checkpoints, question: TableQuestion, hop: int) -> list[object]:
    """Add up the columns of a state: none of them ever falls, so equal sums are equal states."""
    found: list[object] = []
    for name in _stages(question):
        state = checkpoints.read(f"{name}-{hop}").drop("id")
        exact = [f"SUM(CAST({column} AS DECIMAL(38, 0)))" for column in state.columns]
        found += state.selectExpr(*exact).collect()
    return found


def _hop(
    spark: "SparkSession", checkpoints: Checkpoints, question: TableQuestion, step: tuple[int, int]
) -> None:
    """Take one hop; the states before it are kept until it is written."""
    hop, rows = step
    if checkpoints.finished(f"state-{hop}") is None:
        checkpoints.read(f"state-{hop - 1}").createOrReplaceTempView("s")
        checkpoints.stage(f"state-{hop}", rows, lambda: spark.sql(HOP))
    if question.explain:
        checkpoints.read(f"state-{hop}").createOrReplaceTempView("m")
        checkpoints.read(f"second-{hop - 1}").createOrReplaceTempView("p")
        checkpoints.stage(f"second-{hop}", rows, lambda: spark.sql(SECOND_HOP))
        checkpoints.forget(f"second-{hop - 1}")
    checkpoints.forget(f"state-{hop - 1}")


def _ranked(
    spark: "SparkSession", checkpoints: Checkpoints, question: TableQuestion, n: int
) -> "DataFrame":
    """Make the state before the first hop.

    ``dense_rank() OVER (ORDER BY value)`` would run in one partition. The distinct values are cut
    into ranges, numbered within each, and the numbers before a range are added.
    """
    from pyspark.sql import functions as f

    absent = checks_of(spark, question).absent(dict(spark.table("given").dtypes)["value"])
    order = f.col("value").desc() if question.rule.extremum == "min" else f.col("value")
    distinct = spark.sql(f"SELECT DISTINCT value FROM given WHERE NOT {absent}")
    parts = int(spark.conf.get("spark.sql.shuffle.partitions") or 1)
    ranged = distinct.repartitionByRange(parts, order).sortWithinPartitions(order)
    levels = checkpoints.stage(
        "levels",
        n,
        lambda: ranged.select(
            "value",
            f.spark_partition_id().alias("part"),
            f.monotonically_increasing_id().alias("turn"),
        ),
    )
    levels.createOrReplaceTempView("levels")
    spark.sql(
        "SELECT part, MIN(turn) AS first, COUNT(*) AS size FROM levels GROUP BY part"
    ).createOrReplaceTempView("parts")
    spark.sql(
        "SELECT l.value, o.before + l.turn - o.first AS r FROM levels l JOIN "
        "(SELECT a.part, a.first, COALESCE(SUM(b.size), 0) AS before FROM parts a "
        "LEFT JOIN parts b ON b.part < a.part GROUP BY a.part, a.first) o ON o.part = l.part"
    ).createOrReplaceTempView("ranks")
    return spark.sql(
        f"SELECT node AS id, r, r * {n} + node AS hi, r * {n} + ({n} - 1) - node AS lo, 0 AS nb "
        f"FROM given JOIN ranks USING (value) UNION ALL "
        f"SELECT node, -1, -1, -1, 0 FROM given WHERE {absent}"
    )


def _labels(spark: "SparkSession", question: TableQuestion, n: int) -> "DataFrame":
    label = label_sql(question.rule, n)
    if not question.explain:
        return spark.sql(
            f"SELECT g.id, l.is_maximum FROM ({label}) l JOIN given g ON g.node = l.id"
        )
    return spark.sql(
        "SELECT g.id, l.is_maximum, o.id AS rival, o.value AS rival_value "
        f"FROM ({label}) l JOIN given g ON g.node = l.id "
        f"JOIN ({RIVAL.format(n=n)}) v ON v.id = l.id LEFT JOIN given o ON o.node = v.rival"
    )


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Say in our words what Spark ran into."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (GraphFileError, OSError):
        raise
    except Exception as error:
        said = str(error)
        if "No space left on device" in said:
            raise full_disk() from None
        if isinstance(error, PySparkException | Py4JError) and any(w in said for w in _DAMAGED):
            raise GraphFileError(
                f"`edges` and `nodes` must be readable tables, got: {_damage(said)}"
            ) from None
        if isinstance(error, PySparkException | Py4JError):
            raise RuntimeError(f"Spark failed: {' '.join(said.split())[:300]}") from error
        raise


def _damage(said: str) -> str:
    """Return the line of a Java trace that names the file."""
    lines = [line for line in said.splitlines() if any(word in line for word in _DAMAGED)]
    return lines[0][-300:].strip()
