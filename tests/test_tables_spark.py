"""Spark, in local mode: the two texts, the engine, its ranks, its refusals and its resumption."""

import duckdb
import numpy as np
import pytest
from spark_session import needs_spark, start
from table_cases import ID_STYLES, TIES, batch_of, first_state, ids_of, texts, write_tables

import graphmax as gm
from graphmax.tables import local_maxima_tables, spark_engine
from graphmax.tables.sql import HOP, label_sql

pytestmark = [needs_spark, pytest.mark.filterwarnings("ignore::ResourceWarning")]

BATCHES = {
    "directed": batch_of(300, 11, directed=True),
    "undirected": batch_of(150, 12, directed=False),
    "with NaN": batch_of(150, 13, directed=True, gaps=True),
}


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def spark():
    session = start()
    yield session
    session.stop()


# --- the two texts


@pytest.mark.parametrize(("name", "step"), [("with NaN", 3), *(slow(name, 1) for name in BATCHES)])
def test_texts_against_the_oracle(spark, tmp_path, name, step):
    """Every text is run; with a step of 3 each label at one of the hops."""
    batch = BATCHES[name]
    rules = [gm.Rule(ties=t, isolated=i, nan="omit") for t in TIES for i in (True, False)]
    edges, hop, labels = texts(batch, "in", rules)
    rows = [tuple(map(int, edge)) for edge in batch.union.edges]
    session = spark.newSession()
    session.createDataFrame(rows, "src bigint, dst bigint").createOrReplaceTempView("given")
    session.sql(edges).createOrReplaceTempView("edges")
    columns = "id bigint, r bigint, hi bigint, lo bigint, nb int"
    state = session.createDataFrame(first_state(batch, "max"), columns)
    distance = {ties: batch.distances(ties, "in", "max") for ties in TIES}
    for k in (1, 2, 3):
        state.createOrReplaceTempView("s")
        session.sql(hop).write.parquet(str(tmp_path / f"state-{k}"))
        state = session.read.parquet(str(tmp_path / f"state-{k}"))
        state.createOrReplaceTempView("s")
        for rule, text in list(zip(rules, labels, strict=True))[(k - 1) % step :: step]:
            expected = (distance[rule.ties] > k) & (rule.isolated | batch.has_neighbor("in"))
            found = dict(map(tuple, session.sql(text).collect()))
            assert [found[i] for i in range(len(expected))] == expected.tolist()


def test_engine_runs_the_two_texts(spark, tmp_path, monkeypatch):
    ran = []
    kind = type(spark)
    run = kind.sql
    monkeypatch.setattr(kind, "sql", lambda self, text: (ran.append(text), run(self, text))[1])
    batch, rule = BATCHES["undirected"], gm.Rule(2, ties="weak")
    ask(spark, batch, tmp_path, "aligned", rule)
    assert ran.count(HOP) == 2
    assert sum(f"({label_sql(rule.filled(), batch.union.num_nodes)})" in text for text in ran) == 1


# --- the engine


def ask(spark, batch, folder, style, rule, **more):
    """Ask Spark and the oracle."""
    ids = ids_of(batch.union.num_nodes, style)
    paths = write_tables(batch, folder, ids, more.pop("ending", "parquet"))
    out = folder / "labels"
    answer = local_maxima_tables(
        *paths, "value", rule=rule, engine="spark", spark=spark, directed=batch.directed, out=out, **more
    )  # fmt: skip
    assert answer.engine == "spark"
    found, expected = answer.labels(), batch.maxima(rule)
    assert [found[i] for i in ids.tolist()] == expected.tolist()
    assert answer.num_maxima == expected.sum()
    assert sorted(path.name for path in folder.iterdir()) == ["edges", "labels", "nodes"]
    return answer, ids


CASES = [
    slow("directed", "aligned", gm.Rule(1)),
    ("directed", "gaps", gm.Rule(3, ties="index", direction="out", extremum="min")),
    slow("undirected", "shuffled", gm.Rule(2, ties="weak", isolated=False)),
    slow("with NaN", "text", gm.Rule(2, ties="index", direction="both", nan="omit")),
]
EVERY = [(n, t, d) for n in BATCHES for t in TIES for d in ("in", "out", "both")]
ALL_CASES = [
    (
        name,
        ID_STYLES[i % 4],
        gm.Rule(
            1 + i % 3,
            ties=ties,
            direction=direction,
            isolated=i % 2 > 0,
            nan="omit",
            extremum=extremum,
        ),
    )
    for i, (name, ties, direction) in enumerate(EVERY)
    for extremum in (("max", "min")[i // 2 % 2],)
]


@pytest.mark.parametrize(("name", "style", "rule"), CASES)
def test_engine_against_the_oracle(spark, tmp_path, name, style, rule):
    ask(spark, BATCHES[name], tmp_path, style, rule)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "style", "rule"), ALL_CASES)
def test_engine_against_the_oracle_under_every_rule(spark, tmp_path, name, style, rule):
    ask(spark, BATCHES[name], tmp_path, style, rule)


def test_rivals_and_ranks_over_many_partitions(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(spark_engine, "_BYTES_PER_PARTITION", 40_000)
    batch, rule = BATCHES["with NaN"], gm.Rule(2, nan="omit")
    answer, ids = ask(spark, batch, tmp_path, "text", rule, explain=True)
    columns = answer.columns()
    rival = dict(zip(columns["id"].tolist(), columns["rival"].tolist(), strict=True))
    assert [rival[i] for i in ids.tolist()] == [
        None if u < 0 else ids[u] for u in batch.rivals(rule)
    ]


@pytest.mark.slow
def test_csv_with_index_ties_follows_the_rows(spark, tmp_path):
    ask(spark, BATCHES["directed"], tmp_path, "shuffled", gm.Rule(1, ties="index"), ending="csv")


def test_hops_end_when_nothing_changes(spark, tmp_path):
    batch = BATCHES["undirected"]
    rule = gm.Rule(2**63, ties="index")
    answer, _ = ask(spark, batch, tmp_path, "gaps", rule, explain=True)
    hops = [stage.name for stage in answer.stages if stage.name.startswith("state-")]
    assert 3 < len(hops) < batch.union.num_nodes


# --- resumption


def test_resumes_after_the_last_finished_hop(spark, tmp_path, monkeypatch):
    batch, rule = BATCHES["directed"], gm.Rule(3)
    hop = spark_engine._hop

    def crash(session, checkpoints, question, step):
        if step[0] == 3:
            raise ConnectionError("the machine is gone")
        hop(session, checkpoints, question, step)

    monkeypatch.setattr(spark_engine, "_hop", crash)
    with pytest.raises(ConnectionError):
        ask(spark, batch, tmp_path, "gaps", rule)
    assert not (tmp_path / "labels").exists()
    monkeypatch.undo()
    paths = tmp_path / "edges", tmp_path / "nodes"
    answer = local_maxima_tables(
        *paths, "value", rule=rule, engine="spark", spark=spark, directed=True, out=tmp_path / "labels"
    )  # fmt: skip
    assert [stage.name for stage in answer.stages] == ["state-3"]
    found = answer.labels()
    ids = ids_of(batch.union.num_nodes, "gaps")
    assert [found[i] for i in ids.tolist()] == batch.maxima(rule).tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edges", "labels", "nodes"]


# --- refusals


def small(tmp_path, edges="(1, 2)", nodes="(1, 5), (2, 7)"):
    paths = []
    for name, rows, columns in (("edges", edges, "src, dst"), ("nodes", nodes, "id, height")):
        paths.append(tmp_path / f"{name}.parquet")
        duckdb.execute(f"COPY (FROM (VALUES {rows}) t({columns})) TO '{paths[-1]}'")
    return paths


REFUSED = [
    ({"edges": "(1, 9), (8, 2)"}, "height", ValueError, r"ids that it lacks \(2: 8, 9\)"),
    slow({"nodes": "(1, 5), (1, 6), (2, 7)"}, "height", ValueError, r"repeated ids \(1: 1\)"),
    ({"nodes": "(1, NULL), (2, 7)"}, "height", ValueError, r"without a value \(1: 1\)"),
    ({"nodes": "(1, 'x'), (2, 'y')"}, "height", TypeError, "got string in column 'height'"),
    slow({"nodes": "(NULL, 5), (2, 7)"}, "height", ValueError, "an id in every row, got 1 rows"),
    slow(
        {"nodes": "(1.5, 5), (2.0, 7)"},
        "height",
        ValueError,
        "integers or text as ids, got decimal",
    ),
    ({}, "heigth", ValueError, "did you mean 'height'"),
]


@pytest.mark.parametrize(("tables", "values", "kind", "match"), REFUSED)
def test_refusals(spark, tmp_path, tables, values, kind, match):
    with pytest.raises(kind, match=match):
        local_maxima_tables(
            *small(tmp_path, **tables), values, engine="spark", spark=spark, out=tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_folder_that_exists_and_file_are_refused(spark, tmp_path):
    tables = small(tmp_path)
    with pytest.raises(FileExistsError, match="`out` must not be a folder that exists"):
        local_maxima_tables(*tables, "height", engine="spark", spark=spark, out=tmp_path)
    with pytest.raises(ValueError, match="`out` must be a folder for Spark, got .*labels.csv"):
        local_maxima_tables(
            *tables, "height", engine="spark", spark=spark, out=tmp_path / "labels.csv"
        )


@pytest.mark.slow
def test_damaged_pages_are_refused(spark, tmp_path):
    edges, nodes = small(tmp_path, ", ".join(f"({i % 2 + 1}, 2)" for i in range(5000)))
    content = bytearray(edges.read_bytes())
    content[4:60] = bytes(np.random.default_rng(0).integers(0, 256, 56, np.uint8))
    edges.write_bytes(content)
    with pytest.raises(gm.GraphFileError, match="must be readable tables") as raised:
        local_maxima_tables(edges, nodes, "height", engine="spark", spark=spark)
    assert raised.value.path == str(edges)


def test_nanoseconds_are_refused_by_their_file_with_a_way_out(spark, tmp_path):
    edges, nodes = small(tmp_path)
    times = "(VALUES (1, 5), (2, 7)) t(id, h)"
    duckdb.execute(
        f"COPY (SELECT id, make_timestamp_ns(h) AS height FROM {times}) TO '{nodes}' (FORMAT parquet)"
    )
    match = (
        r"must have columns of types that Spark reads.*NANOS.*nodes\.parquet; use engine='stream'"
    )
    with pytest.raises(gm.GraphFileError, match=match):
        local_maxima_tables(edges, nodes, "height", engine="spark", spark=spark)
    answer = local_maxima_tables(edges, nodes, "height", engine="stream")
    assert answer.labels() == {1: False, 2: True}


def test_what_nobody_foresaw_is_a_failure_of_spark(spark, tmp_path, monkeypatch):
    edges, nodes = small(tmp_path)
    monkeypatch.setattr("graphmax.tables.spark_engine.HOP", "SELECT nothing FROM nowhere")
    with pytest.raises(RuntimeError, match=r"Spark failed: \[TABLE_OR_VIEW_NOT_FOUND\]"):
        local_maxima_tables(edges, nodes, "height", engine="spark", spark=spark)


@pytest.mark.parametrize("engine", ["stream", pytest.param("spark", marks=pytest.mark.slow)])
def test_floats_among_the_ids_of_text_tables(request, tmp_path, engine):
    (tmp_path / "edges.csv").write_text("src,dst\n1,2\n")
    (tmp_path / "nodes.csv").write_text("id,height\n1,5\n2.0,7\n")
    more = {"spark": request.getfixturevalue("spark")} if engine == "spark" else {}
    tables = tmp_path / "edges.csv", tmp_path / "nodes.csv"
    with pytest.raises(gm.GraphFileError, match=r"integers or text as ids, got .*float 2\.0"):
        local_maxima_tables(*tables, "height", engine=engine, out=tmp_path / "out", **more)
