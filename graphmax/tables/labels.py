"""`local_maxima_tables`: one question over two tables, answered by the engine that fits."""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmax.atomic import Held, sweep
from graphmax.files.errors import GraphFileError
from graphmax.rule import Rule
from graphmax.tables.answer import (
    TableAnswer,
    TablePath,
    check_name,
    check_out,
    has_scheme,
    workplace,
)
from graphmax.tables.database import damaged_file
from graphmax.tables.table_question import (
    TableQuestion,
    chosen_engine,
    engine_name,
    memory_bytes,
    question_of,
    table_rule,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PathLike = str | os.PathLike[str]


def local_maxima_tables(
    edges: TablePath,
    nodes: TablePath,
    values: str,
    hops: int | None = None,
    *,
    engine: str = "auto",
    out: PathLike | None = None,
    rule: Rule | None = None,
    directed: bool | None = None,
    explain: bool = False,
    memory_limit: str | int | None = None,
    temporary: PathLike | None = None,
    spark: "SparkSession | None" = None,
    master: str | None = None,
    src: str | None = None,
    dst: str | None = None,
    id: str | None = None,  # noqa: A002 - the name of the column
    weight: str | None = None,
    **fields: Any,
) -> TableAnswer:
    r"""Label the nodes of a table that are local maxima, whether or not the edges fit in memory.

    A node is a maximum if and only if its isolation, the distance to its nearest challenger, is
    greater than `hops`: the definition and the answer of `local_maxima`, found by `hops` passes.

    Parameters
    ----------
    edges, nodes : path or sequence of paths
        Parquet or delimited text: a file, a folder, a pattern such as ``"edges/*.parquet"``, or
        several of these. Ids are integers or text. Spark also takes ``hdfs://`` and the like.
        `edges` may also be pairs of integers: ``.npy`` of shape (2, m) or (m, 2), or raw numbers
        named ``.int32.bin`` or ``.int64.bin``, u v u v ...
    values : str
        The column of `nodes` to compare, in any unit: numbers, Booleans or times. Where there is no
        such column also ``degree``, ``in_degree``, ``out_degree``, ``strength`` or
        ``neighbor_mean:NAME``, the mean of a column or of one of these over the edges of a node.
    hops : int, optional
        Radius of the ball in hops; 1 by default.
    engine : {"auto", "memory", "stream", "spark"}
        ``stream`` keeps the nodes in memory and walks over the edges once a hop, ``memory`` keeps
        both, ``spark`` neither. ``auto``: stream, or memory for five hops and more where the edges
        fit in half of the free memory.
    out : path, optional
        A file (.parquet, .csv) or else a new folder of Parquet files; Spark writes folders only.
        None: a temporary file that lives as long as the answer.
    rule : Rule, optional
        A whole rule, instead of `hops` and fields.
    directed : bool, optional
        Whether edges have an arrow; None: what the file says, and undirected if it says nothing.
    explain : bool, default False
        Also write the rival of every node (the highest other node of its ball, ties to the first
        of the table) and its value.
    memory_limit : str or int, optional
        What a stream may hold, such as ``"2GB"``, beside the program itself (some 200 MB); or what
        a Spark session that is started here may take.
    temporary : path, optional
        An existing folder for text tables, once they are parsed; that of `out` by default.
    spark : SparkSession, optional
        The session to use; left running.
    master : str, optional
        The Spark master to start a session at, and to stop it afterwards; ``"local[*]"`` by
        default.
    src, dst, id : str, optional
        Columns of the ends and of the ids; ``src``, ``dst`` (else ``source``, ``target``, else
        the first two) and ``id`` (else ``node``, else the first) by default.
    weight : str, optional
        The column that ``strength`` adds up; ``weight``, ``length``, ``distance`` or ``cost`` by
        default.
    **fields
        Fields of `Rule`: ties (strict, weak, index), direction, isolated, nan, extremum.

    Returns
    -------
    TableAnswer
        Where the labels are, which engine made them, and at what cost. The columns are ``id`` and
        ``is_maximum``; the order of the rows is not promised, their set is.

    Raises
    ------
    TypeError
        If the values have no exact order (text), or a field is of the wrong kind or not taken.
    ValueError
        For plateau ties, an unknown engine or size, nodes without a value under ``nan="raise"``,
        or more than 3 * 10**9 nodes. ``GraphFileError`` for a column that is not there, ids that
        repeat or that the node table lacks, an empty table, or a damaged file.
    FileNotFoundError
        If there are no such files, or no folder to write to.
    FileExistsError
        If `out` is a folder that exists.
    OSError
        If the disk is full, or Spark finds no Java.
    MemoryError
        If `memory_limit` has no room for the state of the nodes; the error names the amount.

    Notes
    -----
    Time: `hops` passes over the m edges, wherever they lie; it ends early when nothing changes.
    Memory (stream): some 16 bytes a node for one hop, 19 for two, 28 for more, and 150 MB; ids not
    in a row, 0, 1, 2, ... or 7, 8, 9, ..., take up to 40 more where there is room, else they are
    numbered on disk, as text ids are. ``degree`` and the like keep each edge once, on disk.
    Spark is for nodes that exceed the memory of one machine, and for tables that lie on a cluster:
    10**9 edges between 10**8 nodes took 34 seconds and 1.6 GB for one hop, 70 and 2.1 for two.
    The result appears complete or not at all. What a killed run left behind is removed by the next
    start, or continued after the last complete hop. Under ``ties="index"`` the first row of `nodes`
    wins.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from graphmax import local_maxima_tables
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "edges.csv").write_text("src,dst\na,b\nb,c\n")
    >>> _ = (folder / "nodes.csv").write_text("id,height\na,1\nb,3\nc,2\n")
    >>> answer = local_maxima_tables(
    ...     folder / "edges.csv", folder / "nodes.csv", "height", engine="stream"
    ... )
    >>> sorted(answer.labels().items())
    [('a', False), ('b', True), ('c', False)]
    """
    memory = memory_bytes(memory_limit)
    space = None if temporary is None else Path(temporary)
    means = _Means(engine_name(engine), memory, space, spark, master)
    _check(means)
    ask = partial(
        question_of,
        edges,
        nodes,
        values,
        rule=table_rule(hops, rule, fields),
        directed=directed,
        explain=explain,
        columns={"src": src, "dst": dst, "id": id, "weight": weight},
    )
    for name, place in (("out", out), ("temporary", temporary)):
        if place is not None:
            check_name(os.fspath(place), name)
    if out is not None:
        return _answer(ask(out=out), means)
    return _kept(ask, means)


class _Means(NamedTuple):
    """How a question is answered: the engine and what it may use."""

    engine: str
    memory: int | None
    space: Path | None
    spark: Any
    master: str | None


def _check(means: _Means) -> None:
    engine, memory, _, spark, master = means
    if engine == "memory" and memory is not None:
        raise ValueError(
            "`memory_limit` must be left out with engine='memory', which takes what it needs; use "
            "engine='auto' or 'stream'"
        )
    if engine != "spark" and (spark is not None or master is not None):
        name = "spark" if spark is not None else "master"
        raise ValueError(f"`{name}` must be left out unless engine='spark', got engine={engine!r}")
    if spark is not None and master is not None:
        raise ValueError("`spark` and `master` must not be given together; leave one out")


def _kept(ask: Callable[..., TableQuestion], means: _Means) -> TableAnswer:
    """Answer into a temporary folder that lives as long as the answer."""
    sweep(Path(tempfile.gettempdir()))
    kept = Held(Path(tempfile.gettempdir()))
    name = "labels" if means.engine == "spark" else "labels.parquet"
    try:
        answer = _answer(ask(out=kept.folder / name), means)
    except BaseException:
        kept.release()
        raise
    answer.release_with_me(kept.release)
    return answer


def _answer(question: TableQuestion, means: _Means) -> TableAnswer:
    try:
        return _by_engine(question, means)
    except GraphFileError as error:
        raise _with_its_file(error, question) from error.__cause__


def _with_its_file(error: GraphFileError, question: TableQuestion) -> GraphFileError:
    """Name the file of damage that an engine told without."""
    if error.path is not None or "must be readable tables" not in str(error):
        return error
    tables = (question.edges, question.nodes)
    files = [file for t in tables if t.is_parquet and t.is_local for file in t.files]
    file = next((file for file in files if file in str(error)), None)
    if file is not None:
        return GraphFileError(str(error), path=file)
    file = damaged_file(files)
    return error if file is None else GraphFileError(f"{error} in {file}", path=file)


def _by_engine(question: TableQuestion, means: _Means) -> TableAnswer:
    if means.engine != "spark":
        return _on_this_machine(question, means)
    spark = import_module("graphmax.tables.spark_engine")
    sessions = spark.Sessions(means.spark, means.master, means.memory)
    answer: TableAnswer = spark.run(question, sessions, means.space)
    return answer


def _on_this_machine(question: TableQuestion, means: _Means) -> TableAnswer:
    out, engine = _local(question.out, "out"), means.engine
    for name, table in (("edges", question.edges), ("nodes", question.nodes)):
        _local(next(filter(has_scheme, table.files), ""), name)
    check_out(out, (*question.edges.files, *question.nodes.files))
    if engine == "auto":
        engine = chosen_engine(question, means.memory)
    goes_on = engine == "stream" and question.hops > 1
    with workplace(out, means.space, question.fingerprint() if goes_on else None) as place:
        module = import_module(f"graphmax.tables.{engine}_engine")
        answer: TableAnswer = module.run(question, place, means.memory)
    return answer


def _local(path: str, name: str) -> Path:
    if has_scheme(path):
        raise ValueError(f"`{name}` must be a local path, got {path}; engine='spark' reads it")
    return Path(path)
