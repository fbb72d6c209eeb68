"""A detector on tables: the scores of nodes batch by batch, compared by the passes of a stream.

Each round of a `GraphFilter` is a pass of sums over edges kept once, on disk.
"""

# ruff: noqa: S608 - table names are this package's own, column names are quoted

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import literal
from graphmax.files.column_roles import found_column
from graphmax.files.opening import Source
from graphmax.kernels.stream import BOTH_WAYS
from graphmax.kernels.stream_rounds import add_terms
from graphmax.tables.answer import (
    TableAnswer,
    TableFiles,
    TablePath,
    check_out,
    file_literal,
    publish,
    workplace,
)
from graphmax.tables.database import DUCKDB, Column, Database, database, open_parquet
from graphmax.tables.edge_stream import DistinctEdges, Read, walk
from graphmax.tables.labels import local_maxima_tables
from graphmax.tables.stream_engine import WAYS, degrees, read_tables, with_progress
from graphmax.tables.table_question import (
    TableQuestion,
    check_filter,
    free_for_duckdb,
    memory_bytes,
    question_of,
    table_rule,
)

if TYPE_CHECKING:
    from graphmax.nn import GraphFilter, PeakDetector


_NODES_AT_ONCE = 1 << 18


class Factors(NamedTuple):
    """What a filter multiplies by, one row for each `degree` that occurs: b and a, each (d, 2)."""

    degree: NDArray[np.int64]
    own: NDArray[np.float64]
    passed: NDArray[np.float64]


def filtered(
    db: Database, read: Read, graph_filter: "GraphFilter", x: NDArray[np.float64], ways: int
) -> NDArray[np.float64]:
    """Return what a filter makes of an attribute, by node number; `x` is overwritten."""
    x -= float(graph_filter.mean)
    x /= float(graph_filter.std)
    folder = db.folder / "distinct"
    edges = DistinctEdges(folder, x.size, read.expected_edges, merged=ways == BOTH_WAYS)
    try:
        walk(db, read, "reading edges", edges.take)
        edges.settle()
        degree = degrees(edges, x.size, ways)
        factors = _factors(graph_filter, degree)
        held, asked = np.zeros((x.size, 2)), np.zeros((x.size, 2))
        _renew(held, asked, x, degree, factors)
        for turn in range(1, graph_filter.order + 1):
            asked[:] = 0.0
            for packed, _ in with_progress(f"round {turn} of {graph_filter.order}", edges):
                add_terms(packed, ways, held, asked)
            _renew(held, asked, x, degree, factors)
    finally:
        shutil.rmtree(folder)
    return np.ascontiguousarray(held[:, 0])


def _factors(graph_filter: "GraphFilter", degree: NDArray[np.uint32]) -> Factors:
    import torch

    known = np.flatnonzero(np.bincount(degree))
    with torch.no_grad():
        own, passed = graph_filter.factors(torch.from_numpy(known).double())
    return Factors(known, own.cpu().numpy(), passed.cpu().numpy())


def _renew(
    held: NDArray[np.float64],
    asked: NDArray[np.float64],
    y: NDArray[np.float64],
    degree: NDArray[np.uint32],
    factors: Factors,
) -> None:
    """Write ``b y + a P h`` over h, where `asked` is A h."""
    for start in range(0, y.size, _NODES_AT_ONCE):
        rows = slice(start, start + _NODES_AT_ONCE)
        number = np.searchsorted(factors.degree, degree[rows])
        own, passed = factors.own[number], factors.passed[number]
        share = 1 / np.maximum(degree[rows], 1)
        real, imaginary = (asked[rows] * share[:, None]).T
        held[rows] = own * y[rows, None]
        held[rows, 0] += passed[:, 0] * real - passed[:, 1] * imaginary
        held[rows, 1] += passed[:, 0] * imaginary + passed[:, 1] * real


NODES_PER_BATCH = 1 << 16
PathLike = str | os.PathLike[str]


def score_tables(
    edges: TablePath,
    nodes: TablePath,
    detector: "PeakDetector",
    features: Sequence[str] = (),
    *,
    out: PathLike,
    directed: bool | None = None,
    memory_limit: str | int | None = None,
    src: str | None = None,
    dst: str | None = None,
    id: str | None = None,  # noqa: A002 - the name of the column
) -> TableAnswer:
    """Score the nodes of a table whose edges need not fit in memory.

    The columns are those of ``graphmax score``: ``id``, ``probability``, ``margin`` (the score of
    the node minus that of its rival) and ``rival``, the last two missing where a ball holds no
    other node.

    Parameters
    ----------
    edges, nodes : path or sequence of paths
        As for `local_maxima_tables`; `nodes` is Parquet.
    detector : PeakDetector
        One with the head ``sign``, a fixed radius (a learned one once it is trained), and a score
        that looks at a node alone or is a `GraphFilter`.
    features : sequence of str, optional
        Columns of `nodes`; those of the training by default.
    out : path
        A .parquet or .csv file, or a new folder.
    directed, memory_limit, src, dst, id
        As for `local_maxima_tables`.

    Returns
    -------
    TableAnswer
        Where the scores are; ``num_maxima`` counts the nodes that are more likely one than not.

    Raises
    ------
    ValueError
        For another detector, or features that are missing, no numbers or too few.

    Notes
    -----
    Memory: the state of `local_maxima_tables` with `explain`, and 24 bytes a node; a `GraphFilter`
    takes 44 bytes a node before that. It keeps each edge once, 8 bytes on disk, and walks over them
    once a round.
    """
    head = _sign_head(detector)
    names = list(features or detector.columns)
    if len(names) != detector.score.in_channels:
        raise ValueError(
            f"`features` must name {detector.score.in_channels} columns for this detector, got "
            f"{len(names)}"
        )
    target = Path(out).absolute()
    check_out(target)
    question = question_of(
        edges,
        nodes,
        names[0],
        rule=table_rule(None, detector.rule, {}),
        out=target,
        directed=directed,
        explain=True,
        columns={"src": src, "dst": dst, "id": id},
    )
    memory = memory_bytes(memory_limit)
    with workplace(target, None) as place:
        scores, labels = place.beside / "scores.parquet", place.beside / "labels.parquet"
        with database(place.space, free_for_duckdb(question, memory)) as db:
            if detector.score.receptive_hops:
                _write_filtered(db, detector, question, memory, scores)
            else:
                _write_scores(db, detector, question.nodes, _choice(names, id), scores)
            answer = local_maxima_tables(
                edges,
                scores,
                "score",
                rule=detector.rule,
                engine="stream",
                explain=True,
                out=labels,
                directed=directed,
                memory_limit=memory_limit,
                src=src,
                dst=dst,
            )
            made = place.beside / f"made{target.suffix}"
            _write(db, detector, head, (scores, labels), made)
        publish(made, target)
    return replace(answer, path=str(target))


def _sign_head(detector: "PeakDetector") -> Any:
    from graphmax.nn import GraphFilter
    from graphmax.nn.heads import SignHead

    head, score = detector.head, detector.score
    if not isinstance(head, SignHead):
        raise ValueError(
            "`detector` must have the head 'sign' and a fixed radius for a stream, got "
            f"{head!r}: its probability is no comparison with one rival; score the graph in memory"
        )
    if detector.hops_ is None:
        raise ValueError(
            "`detector` must have the head 'sign' and a fixed radius for a stream, got one whose "
            "radius is still to be learned; train it first"
        )
    if score.receptive_hops and type(score) is not GraphFilter:
        raise ValueError(
            f"`detector` must score a node by its own features or be a GraphFilter for a stream, "
            f"got {score!r}; score the graph in memory"
        )
    return head


def _choice(names: Sequence[str], id_column: str | None) -> Any:
    def choose(source: Source, columns: Sequence[str]) -> dict[str, int]:
        key = found_column(source, columns, id_column, usual=("id", "node"), otherwise=0)
        features = (found_column(source, columns, n, usual=(), otherwise=None) for n in names)
        return {"id": key or 0, **{f"f{i}": at or 0 for i, at in enumerate(features)}}

    return choose


def _write_scores(
    db: Database, detector: "PeakDetector", table: TableFiles, choose: Any, target: Path
) -> None:
    """Write ids and scores in the order of the node table."""
    _check_parquet(table)
    types = open_parquet(db, table.sources(), "raw_nodes", choose).types
    features = [name for name in types if name != "id"]
    for name in features:
        _check_number(types[name], table)
    (count,) = db.row("SELECT count(*) FROM raw_nodes")
    scores, at = np.empty(count), 0
    with db.timed("scoring nodes", count) as report:
        for batch in db.batches(f"SELECT {', '.join(features)} FROM raw_nodes"):
            for x in _blocks(batch, table.name):
                scores[at : at + len(x)] = _scores(detector, x)
                at += len(x)
                report(at)
    _keep(db, scores, target)


def _write_filtered(
    db: Database,
    detector: "PeakDetector",
    question: TableQuestion,
    memory: int | None,
    target: Path,
) -> None:
    """Write ids and what a `GraphFilter` makes of their attribute, in the order of the table."""
    _check_parquet(question.nodes)
    check_filter(question, memory)
    read = read_tables(db, question, memory)
    _check_number(read.tables.kind, question.nodes)
    read.nodes.key = np.zeros(0, np.int64)
    x = np.concatenate(
        [
            part[:, 0]
            for batch in db.batches("SELECT value FROM raw_nodes")
            for part in _blocks(batch, question.nodes.name)
        ]
    )
    # A detector complains of its weights and of the scale of the attribute when it scores.
    _scores(detector, x[:NODES_PER_BATCH, None])
    ways = WAYS[question.steps(read.tables.directed)]
    score = cast("GraphFilter", detector.score)
    _keep(db, filtered(db, read, score, x, ways), target)


def _check_parquet(table: TableFiles) -> None:
    if not table.is_parquet:
        raise ValueError(f"`nodes` must be Parquet for a detector, got {table.name}; convert it")


def _check_number(kind: str, table: TableFiles) -> None:
    if kind not in DUCKDB.integers | DUCKDB.floats | {"BOOLEAN"}:
        raise ValueError(f"`features` must be numbers, got {kind} in {table.name}")


def _keep(db: Database, scores: NDArray[np.float64], target: Path) -> None:
    db.connection.register("found", {"score": scores})
    rows = "SELECT n.id, f.score FROM raw_nodes n POSITIONAL JOIN found f"
    db.run(f"COPY ({rows}) TO {literal(str(target))} (FORMAT parquet)")
    db.connection.unregister("found")


def _blocks(batch: Sequence[Column], name: str) -> Iterator[NDArray[np.float64]]:
    """Return the features of some nodes at a time, exact in float64 and none missing."""
    columns = []
    for column in batch:
        values, given = column.values.astype(np.float64), column.values
        wide = given.dtype == np.int64  # beyond 2**53 the first float is that of 2**53 itself
        exact = not wide or not ((given > 2**53) | (given < -(2**53))).any()
        if column.missing is not None or np.isnan(values).any():
            raise ValueError(
                f"`features` must be there for every node, got a missing one in {name}"
            )
        if not exact:
            raise ValueError(
                f"`features` must be exact in float64, got a number beyond 2**53 in {name}"
            )
        columns.append(values)
    x = np.stack(columns, axis=1)
    for start in range(0, len(x), NODES_PER_BATCH):
        yield x[start : start + NODES_PER_BATCH]


def _scores(detector: "PeakDetector", x: NDArray[np.float64]) -> NDArray[np.float64]:
    import torch

    edges = torch.zeros((2, 0), dtype=torch.int64)
    found: NDArray[np.float64] = detector.score_nodes((edges, torch.from_numpy(x))).cpu().numpy()
    return found


def _write(
    db: Database, detector: "PeakDetector", head: Any, files: tuple[Path, Path], made: Path
) -> None:
    """Write what `graphmax score` writes, from the scores and the rivals."""
    scores, labels = (file_literal(str(file)) for file in files)
    sign = "-" if detector.rule.extremum == "min" else ""
    db.run(
        "CREATE TABLE judged AS SELECT l.id, CASE WHEN l.rival IS NULL THEN NULL WHEN s.score = "
        f"l.rival_value THEN 0 ELSE {sign}(s.score - l.rival_value) END AS margin, l.rival "
        f"FROM read_parquet({labels}) l JOIN read_parquet({scores}) s USING (id)"
    )
    probability = [
        _probability(detector, head, margin)
        for (margin,) in db.batches("SELECT margin FROM judged")
    ]
    found = np.concatenate(probability)
    db.connection.register("found", {"probability": found})
    rows = "SELECT j.id, f.probability, j.margin, j.rival FROM judged j POSITIONAL JOIN found f"
    settings = "FORMAT csv, HEADER true" if made.suffix == ".csv" else "FORMAT parquet"
    settings += ", USE_TMP_FILE false" if made.suffix else ", PER_THREAD_OUTPUT true"
    db.stage("writing scores", found.size, f"COPY ({rows}) TO {literal(str(made))} ({settings})")
    db.connection.unregister("found")


def _probability(detector: "PeakDetector", head: Any, margin: Column) -> NDArray[np.float64]:
    """Return the logistic of the scaled margin, certainty for a node without a rival."""
    import torch

    from graphmax.nn.heads import CERTAIN, times_exp

    with torch.no_grad():
        values = torch.from_numpy(margin.values.astype(np.float64))
        finite = values.isfinite()
        scaled = times_exp(values.masked_fill(~finite, 0.0), head.log_scale.cpu())
        logits = torch.where(finite, scaled, values)
        if margin.missing is not None:
            alone = CERTAIN if detector.rule.isolated else -CERTAIN
            logits = logits.masked_fill(torch.from_numpy(margin.missing), alone)
        found: NDArray[np.float64] = logits.clamp(-CERTAIN, CERTAIN).sigmoid().numpy()
    return found
