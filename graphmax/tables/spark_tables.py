"""Two tables of files into Spark: the checks and the numbers of `database`, for a cluster.

Nothing is collected but counts and the first five offenders of an error.

The session is started here too, and its folders are kept, on whatever file system they lie.
"""

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmax.files.errors import refusal
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.table_layout import layout_of
from graphmax.kernels.compiled import tell
from graphmax.tables.answer import Choice, Stage, TableFiles, edge_choice, has_scheme, node_choice
from graphmax.tables.database import says_directed
from graphmax.tables.sql import Dialect, TableChecks
from graphmax.tables.table_question import TableQuestion

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


_DONE = "_SUCCESS"


class Sessions(NamedTuple):
    """What the caller said about Spark: a session, or where to start one and with what memory."""

    given: "SparkSession | None"
    master: str | None
    memory: int | None


@contextmanager
def session(asked: Sessions, space: Path | None) -> Iterator["SparkSession"]:
    """Give a session with views and settings of its own; start and stop one where none is given."""
    if asked.given is not None:
        yield asked.given.newSession()
        return
    started = _start(asked.master or "local[*]", space, asked.memory)
    try:
        yield started.newSession()
    finally:
        started.stop()


def _start(master: str, space: Path | None, memory: int | None) -> "SparkSession":
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ValueError(
            "`engine` must be 'memory' or 'stream' where pyspark is not installed, got 'spark'; "
            'install it with pip install "graphmax[spark]"'
        ) from None
    check_java()
    builder = SparkSession.builder.master(master).appName("graphmax")
    if master.startswith("local"):
        builder = builder.config("spark.ui.enabled", "false")
        builder = builder.config("spark.driver.host", "127.0.0.1")
        if space is not None:
            builder = builder.config("spark.local.dir", str(space))
        if memory is not None:
            builder = builder.config("spark.driver.memory", f"{max(1, memory // 2**20)}m")
    return builder.getOrCreate()


def check_java() -> None:
    """Refuse to start Spark without Java, with the package to install."""
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        raise OSError(
            "`engine` 'spark' must find Java 17, got no java on the PATH and no JAVA_HOME; install "
            "it, for example with: apt install openjdk-17-jre-headless"
        )


class Storage:
    """Files and folders, through Hadoop: the same calls for a disk, HDFS and object stores.

    Parameters
    ----------
    spark : SparkSession
        The session.
    """

    def __init__(self, spark: "SparkSession") -> None:
        jvm: Any = spark.sparkContext._jvm
        self._path = jvm.org.apache.hadoop.fs.Path
        self._settings = spark.sparkContext._jsc.hadoopConfiguration()

    def _files(self, path: str) -> tuple[Any, Any]:
        place = self._path(path)
        return place.getFileSystem(self._settings), place

    def exists(self, path: str) -> bool:
        """Say whether there is such a file or folder."""
        files, place = self._files(path)
        return bool(files.exists(place))

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with what is in it."""
        files, place = self._files(path)
        files.delete(place, True)

    def rename(self, path: str, new: str) -> bool:
        """Give a folder another name; False where that did not work."""
        files, place = self._files(path)
        return bool(files.rename(place, self._path(new)))

    def names(self, folder: str) -> list[str]:
        """List what is in a folder; nothing if it does not exist."""
        files, place = self._files(folder)
        if not files.exists(place):
            return []
        return [status.getPath().getName() for status in files.listStatus(place)]

    def signature(self, path: str) -> list[tuple[str, int, int]]:
        """Return name, size and time of the files that a path or pattern names."""
        files, place = self._files(path)
        found = files.globStatus(place) or []
        return [(str(s.getPath()), int(s.getLen()), int(s.getModificationTime())) for s in found]


class Checkpoints:
    """Stages as Parquet in a folder: what an earlier run has finished is read, not run.

    Parameters
    ----------
    spark : SparkSession
        The session.
    folder : str
        Where they lie.
    """

    def __init__(self, spark: "SparkSession", folder: str) -> None:
        self.spark = spark
        self.storage = Storage(spark)
        self.folder = folder
        self.stages: list[Stage] = []

    def finished(self, name: str) -> str | None:
        """Return the folder of a finished stage.

        An attempt has a name of its own: a driver that was killed may leave a JVM that still
        writes for a moment.
        """
        for attempt in self.storage.names(self.folder):
            place = f"{self.folder}/{attempt}"
            if attempt.startswith(f"{name}.") and self.storage.exists(f"{place}/{_DONE}"):
                return place
        return None

    def read(self, name: str) -> "DataFrame":
        """Read a finished stage."""
        place = self.finished(name)
        if place is None:
            raise FileNotFoundError(f"`name` must be a finished stage, got {name}")
        return self.spark.read.parquet(place)

    def stage(self, name: str, rows: int, make: Callable[[], "DataFrame"]) -> "DataFrame":
        """Write a stage unless it is there, and read it."""
        if self.finished(name) is None:
            self.spark.sparkContext.setJobDescription(f"graphmax: {name}")
            began = perf_counter()
            tell(name, 0, rows)
            make().write.parquet(f"{self.folder}/{name}.{secrets.token_hex(4)}")
            self.stages.append(Stage(name, rows, perf_counter() - began, 0))
            tell(name, rows, rows)
        return self.read(name)

    def forget(self, name: str) -> None:
        """Remove all attempts at a stage."""
        for attempt in self.storage.names(self.folder):
            if attempt.startswith(f"{name}."):
                self.storage.delete(f"{self.folder}/{attempt}")


# ruff: noqa: S608 - view names are this package's own, column names are quoted

# --- Two tables of files into Spark: the checks and the numbers of `database`, for a cluster

SPARK = Dialect(
    integers=frozenset(("tinyint", "smallint", "int", "bigint")),
    floats=frozenset(("float", "double")),
    ordered=frozenset(("boolean", "date", "timestamp", "timestamp_ntz")),
    decimal="decimal",
    text="STRING",
)
_NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?|(?i)[+-]?(nan|inf|infinity)"
# An integer among floats that float64 would round makes the column text, as in `read_graph`.
_UNROUNDED = (
    "(NOT value RLIKE '^[+-]?[0-9]{16,}$' OR "
    "TRY_CAST(TRY_CAST(value AS DOUBLE) AS DECIMAL(38, 0)) <=> TRY_CAST(value AS DECIMAL(38, 0)))"
)
# A type of text, and what every entry must satisfy, tried in this order.
_TEXT_VALUES = (
    ("bigint", "value RLIKE '^[+-]?[0-9]{1,19}$'"),
    ("decimal(20,0)", "value RLIKE '^[+]?[0-9]{1,20}$'"),
    ("boolean", "lower(value) IN ('true', 'false')"),
    ("double", f"value RLIKE '^({_NUMBER})$' AND {_UNROUNDED}"),
    ("timestamp_ntz", "value RLIKE '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+)?$'"),
)
_GLOB = re.compile(r"([*?\[\]{}\\])")


class SparkTables(NamedTuple):
    """Sizes, and whether edges have an arrow; the views ``given`` and ``ends`` are there."""

    num_nodes: int
    num_edges: int
    directed: bool


class Opened(NamedTuple):
    """A table as a data frame with the columns of our names, and what it says of arrows."""

    frame: "DataFrame"
    columns: dict[str, str]
    directed: bool


def load(spark: "SparkSession", checkpoints: Checkpoints, question: TableQuestion) -> SparkTables:
    """Read, check and number both tables; what an earlier run did is not done again."""
    if question.edges.is_raw:
        raise ValueError(
            f"`edges` must be Parquet or text for Spark, got {question.edges.name}; use "
            "engine='stream'"
        )
    edges = _opened(spark, question.edges, edge_choice(question.columns), is_edges=True)
    _selected(edges).createOrReplaceTempView("raw_edges")
    nodes = _opened(
        spark, question.nodes, node_choice(question.values, question.columns), is_edges=False
    )
    if "value" not in nodes.columns:
        raise ValueError(
            f"`values` must name a column of {question.nodes.name} for Spark, got "
            f"{question.values!r}; use engine='stream'"
        )
    rows = checkpoints.stage("rows", 0, lambda: _with_places(nodes))
    rows.createOrReplaceTempView("raw_nodes")
    found = checkpoints.stage("facts", 0, lambda: _facts(spark, checkpoints, question)).take(1)[0]
    _make_views(spark, checkpoints, found["first"])
    directed = edges.directed if question.directed is None else question.directed
    return SparkTables(found["num_nodes"], found["num_edges"], directed)


def _opened(spark: "SparkSession", table: TableFiles, choose: Choice, *, is_edges: bool) -> Opened:
    paths = [as_uri(file) for file in table.files]
    first = table.sources()[0] if table.is_local else None
    if table.is_parquet:
        frame = _parquet(spark, table, paths)
        directed = first is not None and says_directed(first)
    else:
        frame, directed = _text(spark, table, paths, is_edges=is_edges)
    names = frame.columns
    chosen = choose(first or Source(table.name, Path(table.name), 0), names)
    return Opened(frame, {alias: names[i] for alias, i in chosen.items()}, directed)


def _parquet(spark: "SparkSession", table: TableFiles, paths: list[str]) -> "DataFrame":
    from pyspark.errors import AnalysisException

    try:
        return spark.read.parquet(*paths)
    except AnalysisException as error:
        said = " ".join(str(error).split())
        if "PARQUET_TYPE" not in said:
            raise
        raise refusal(
            table.name,
            "have columns of types that Spark reads",
            said,
            way_out="use engine='stream', or write times in microseconds",
        ) from None


def as_uri(path: str) -> str:
    """Write a path as Spark wants it: with a scheme, and no character taken for a pattern."""
    return path if has_scheme(path) else "file:" + _GLOB.sub(r"\\\1", str(Path(path).absolute()))


def _text(
    spark: "SparkSession", table: TableFiles, paths: list[str], *, is_edges: bool
) -> tuple["DataFrame", bool]:
    delimiter, header, directed = "\t" if table.kind == "tsv" else ",", True, False
    names: tuple[str, ...] = ()
    if table.is_local:
        layout = layout_of(table.sources()[0], ReadOptions(), kind=table.kind, is_edges=is_edges)
        delimiter, names, directed = layout.delimiter, layout.names, layout.directed
        header = not all(name == f"column{i}" for i, name in enumerate(names))
    if delimiter == " ":
        raise refusal(
            table.name,
            "have one character between two fields for Spark",
            "blanks",
            way_out="write Parquet, or use the stream engine",
        )
    frame = spark.read.csv(
        paths,
        sep=delimiter,
        header=header,
        comment="#",
        mode="FAILFAST",
        encoding="UTF-8",
        ignoreLeadingWhiteSpace=True,
        ignoreTrailingWhiteSpace=True,
        inferSchema=False,
    )
    return frame if header else frame.toDF(*names), directed


def _selected(table: Opened, **more: Any) -> "DataFrame":
    from pyspark.sql import functions as f

    quoted = {alias: f"`{name.replace('`', '``')}`" for alias, name in table.columns.items()}
    chosen = [f.col(name).alias(alias) for alias, name in quoted.items()]
    return table.frame.select(*chosen, *(column.alias(name) for name, column in more.items()))


def _with_places(table: Opened) -> "DataFrame":
    """Say of every row where it stands: its file, the start of its block, its turn in there."""
    from pyspark.sql import functions as f

    return _selected(
        table,
        file=f.col("_metadata.file_path"),
        block=f.col("_metadata.file_block_start"),
        turn=f.monotonically_increasing_id(),
    )


def _facts(spark: "SparkSession", checkpoints: Checkpoints, question: TableQuestion) -> "DataFrame":
    """Check and number nodes and edges; return a table of one row about them."""
    checks = checks_of(spark, question)
    nodes_hold = dict(spark.table("raw_nodes").dtypes)
    ends_hold = dict(spark.table("raw_edges").dtypes)
    num_nodes = checks.num_nodes()
    kind = checks.check_order(_value_kind(spark, question, nodes_hold["value"]))
    fits = [_fits(spark, question, "id", nodes_hold["id"])]
    fits += [_fits(spark, question, end, ends_hold[end]) for end in ("src", "dst")]
    id_kind = "BIGINT" if all(fits) else SPARK.text
    nodes = checkpoints.stage("nodes", num_nodes, lambda: _numbered(spark, id_kind, kind))
    nodes.createOrReplaceTempView("given")
    checks.check_values(kind)
    first = _first_of_range(spark, checks, (id_kind, num_nodes))
    num_edges = _number_edges(spark, checkpoints, checks, (id_kind, first, num_nodes))
    first_sql = "CAST(NULL AS BIGINT)" if first is None else f"CAST({first} AS BIGINT)"
    return spark.sql(
        f"SELECT CAST({num_nodes} AS BIGINT) AS num_nodes, CAST({num_edges} AS BIGINT) AS "
        f"num_edges, {first_sql} AS first"
    )


def checks_of(spark: "SparkSession", question: TableQuestion) -> TableChecks:
    """Return the checks, run by Spark; of rows only counts and a few offenders are collected."""
    return TableChecks(question, lambda query: spark.sql(query).collect(), SPARK)


def _row(spark: "SparkSession", query: str) -> Any:
    return spark.sql(query).take(1)[0]


def _value_kind(spark: "SparkSession", question: TableQuestion, kind: str) -> str:
    if kind == "string" and not question.nodes.is_parquet:
        kind = next((k for k, rule in _TEXT_VALUES if _holds(spark, k, rule)), kind)
    return kind


def _holds(spark: "SparkSession", kind: str, rule: str) -> bool:
    cast = f"TRY_CAST(value AS {kind}) IS NOT NULL"
    query = f"SELECT 1 FROM raw_nodes WHERE value IS NOT NULL AND NOT ({rule} AND {cast})"
    return not spark.sql(query).take(1)


def _fits(spark: "SparkSession", question: TableQuestion, column: str, kind: str) -> bool:
    """Say whether a column of ids can be BIGINT; refuse one that is not of ids."""
    view, table = ("raw_nodes", question.nodes) if column == "id" else ("raw_edges", question.edges)
    if kind == "string":
        usual = f"COALESCE(CAST(TRY_CAST({column} AS BIGINT) AS STRING) = {column}, false)"
        query = f"SELECT 1 FROM {view} WHERE {column} IS NOT NULL AND NOT {usual}"
        if table.is_parquet or not spark.sql(query).take(1):
            return not table.is_parquet
        _refuse_floats(spark, table, view, column)
        return False
    if kind == "decimal(20,0)":  # what Spark calls an unsigned integer
        query = f"SELECT 1 FROM {view} WHERE TRY_CAST({column} AS BIGINT) IS NULL"
        return not spark.sql(query).take(1)
    if kind not in SPARK.integers:
        raise refusal(table.name, "have integers or text as ids", f"{kind} in column {column!r}")
    return True


def _refuse_floats(spark: "SparkSession", table: TableFiles, view: str, column: str) -> None:
    """Refuse ids that are floats, alone or among integers; among names they are names."""
    integer, number = (f"{column} RLIKE '^({p})$'" for p in ("[+-]?[0-9]+", _NUMBER))
    integers, numbers, all_ids, first = _row(
        spark,
        f"SELECT COUNT_IF({integer}), COUNT_IF({number}), COUNT({column}), "
        f"MIN(CASE WHEN {number} AND NOT {integer} THEN {column} END) FROM {view}",
    )
    if first is not None and (integers or numbers == all_ids):
        raise refusal(table.name, "have integers or text as ids", f"the float {first}")


def _numbered(spark: "SparkSession", id_kind: str, kind: str) -> "DataFrame":
    """Give every row its number from file, block and turn: sums over blocks, no sort."""
    # -0.0 + 0.0 is 0.0: one value, one rank
    floats = kind in SPARK.floats
    value = "CAST(value AS DOUBLE) + CAST(0 AS DOUBLE)" if floats else f"CAST(value AS {kind})"
    spark.sql(
        "SELECT file, block, MIN(turn) AS first, COUNT(*) AS size FROM raw_nodes "
        "GROUP BY file, block"
    ).createOrReplaceTempView("blocks")
    return spark.sql(
        f"SELECT o.before + r.turn - o.first AS node, CAST(r.id AS {id_kind}) AS id, "
        f"{value} AS value FROM raw_nodes r JOIN "
        "(SELECT a.file, a.block, a.first, COALESCE(SUM(b.size), 0) AS before FROM blocks a "
        "LEFT JOIN blocks b ON b.file < a.file OR (b.file = a.file AND b.block < a.block) "
        "GROUP BY a.file, a.block, a.first) o ON o.file = r.file AND o.block = r.block"
    )


def _first_of_range(spark: "SparkSession", checks: TableChecks, ids: tuple[str, int]) -> int | None:
    """Return the id of node 0 if the number of a node is its id less that; else None."""
    id_kind, num_nodes = ids
    if id_kind == "BIGINT":
        first, last = _row(spark, "SELECT MIN(id), MAX(id) FROM given")
        if not spark.sql(f"SELECT 1 FROM given WHERE id <> node + ({first})").take(1):
            return int(first)
    checks.check_repeats()
    if id_kind != "BIGINT" or checks.question.needs_order or last - first + 1 != num_nodes:
        return None
    return int(first)


def _number_edges(
    spark: "SparkSession",
    checkpoints: Checkpoints,
    checks: TableChecks,
    ids: tuple[str, int | None, int],
) -> int:
    id_kind, first, num_nodes = ids
    num_edges = checks.num_edges()
    ends = f"SELECT CAST(src AS {id_kind}) AS src, CAST(dst AS {id_kind}) AS dst FROM raw_edges"
    if first is None:
        found = checkpoints.stage(
            "ends",
            num_edges,
            lambda: spark.sql(
                f"SELECT a.node AS src, b.node AS dst FROM ({ends}) e JOIN given a ON a.id = e.src "
                "JOIN given b ON b.id = e.dst"
            ),
        ).count()
    else:
        within = " AND ".join(f"{e} BETWEEN {first} AND {first + num_nodes - 1}" for e in _ENDS)
        (found,) = _row(spark, f"SELECT COUNT(*) FROM ({ends}) WHERE {within}")
    if found < num_edges:
        checks.refuse_unknown(id_kind)
    return num_edges


_ENDS = ("src", "dst")


def _make_views(spark: "SparkSession", checkpoints: Checkpoints, first: int | None) -> None:
    """Give the names `given` and `ends` to what is numbered; ids in a row number themselves."""
    checkpoints.read("nodes").createOrReplaceTempView("given")
    if first is None:
        checkpoints.read("ends").createOrReplaceTempView("ends")
        return
    nodes = spark.sql(f"SELECT id - ({first}) AS node, id, value FROM given")
    nodes.createOrReplaceTempView("given")
    src, dst = (f"CAST({end} AS BIGINT) - ({first}) AS {end}" for end in _ENDS)
    spark.sql(f"SELECT {src}, {dst} FROM raw_edges").createOrReplaceTempView("ends")
