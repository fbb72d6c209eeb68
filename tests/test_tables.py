"""The tables give the answer of the oracle: as SQL texts on sqlite3 and DuckDB, and as engines."""

import sqlite3
from itertools import cycle

import duckdb
import numpy as np
import pytest
from table_cases import (
    DIRECTIONS,
    EXTREMA,
    ID_STYLES,
    TIES,
    Batch,
    batch_of,
    first_state,
    ids_of,
    texts,
    write_tables,
)

import graphmax as gm
from graphmax.kernels.compiled import reporting
from graphmax.tables import local_maxima_tables
from graphmax.tables.sql import HOP, MOST_TABLE_NODES, check_num_nodes, label_sql

BATCHES = {
    "directed": batch_of(200, 1, directed=True),
    "undirected": batch_of(100, 2, directed=False),
    "with NaN": batch_of(100, 3, directed=True, gaps=True),
}
LABELS = [
    gm.Rule(ties=ties, isolated=isolated, nan="omit") for ties in TIES for isolated in (True, False)
]


# --- known


def path_tables(tmp_path, values="3,1,2"):
    edges, nodes = tmp_path / "edges.csv", tmp_path / "nodes.csv"
    edges.write_text("src,dst\na,b\nb,c\n")
    rows = zip("abc", values.split(","), strict=True)
    nodes.write_text("id,height\n" + "".join(f"{name},{value}\n" for name, value in rows))
    return edges, nodes


@pytest.mark.parametrize("engine", ["memory", "stream", "auto"])
def test_path_of_three(tmp_path, engine):
    answer = local_maxima_tables(*path_tables(tmp_path), "height", engine=engine)
    assert answer.labels() == {"a": True, "b": False, "c": True}
    assert (answer.num_nodes, answer.num_edges, answer.num_maxima) == (3, 2, 2)


@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_two_hops_and_the_rival(tmp_path, engine):
    answer = local_maxima_tables(
        *path_tables(tmp_path), "height", 2, engine=engine, explain=True, out=tmp_path / "out.csv"
    )
    assert sorted((tmp_path / "out.csv").read_text().splitlines()) == [
        "a,true,c,2", "b,false,a,3", "c,false,a,3", "id,is_maximum,rival,rival_value",
    ]  # fmt: skip
    assert answer.engine == engine


def test_auto_takes_rows_for_many_hops_and_a_stream_else(tmp_path):
    tables = path_tables(tmp_path)
    engines = [local_maxima_tables(*tables, "height", k).engine for k in (1, 4, 5)]
    assert engines == ["stream", "stream", "memory"]
    assert local_maxima_tables(*tables, "height", 9, memory_limit="1GB").engine == "stream"


def test_progress_is_told_in_edges(tmp_path):
    told = []
    with reporting(lambda *progress: told.append(progress)):
        local_maxima_tables(*path_tables(tmp_path), "height", 2, engine="stream")
    assert ("hop 2 of 2", 2, 2) in told


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_files_of_write_graph_say_whether_edges_have_arrows(tmp_path, engine, directed):
    graph = gm.Graph.from_edges([0, 1, 3], [1, 2, 0], 4, directed=directed)
    graph = graph.replace(attributes={"height": np.array([1, 2, 3, 2])})
    gm.write_graph(graph, tmp_path / "g.parquet")
    tables = tmp_path / "g.parquet", tmp_path / "g.nodes.parquet"
    found = local_maxima_tables(*tables, "height", engine=engine).labels()
    assert list(dict(sorted(found.items())).values()) == gm.local_maxima(graph, "height").tolist()


# --- ids and values of every type


IDS = {
    "SMALLINT": ("1", "2", "3"),
    "UINTEGER": ("7", "9", "4000000000"),
    "UBIGINT": ("1", "5", "18446744073709551615"),
    "VARCHAR": ("'\u00e9'", "'007'", "'7'"),
    "UUID": tuple(f"'{i}0000000-0000-0000-0000-000000000000'" for i in "abc"),
    "ENUM('x', 'y', 'z')": ("'x'", "'y'", "'z'"),
}
VALUES = {
    "BIGINT": ("9007199254740992", "9007199254740993", "-5"),
    "UBIGINT": ("18446744073709551614", "18446744073709551615", "0"),
    "DECIMAL(18, 6)": ("9007199254.740992", "9007199254.740993", "0"),
    "DECIMAL(38, 2)": ("999999999999999999.98", "999999999999999999.99", "0"),
    "DOUBLE": ("0", "'inf'", "'-inf'"),
    "FLOAT": ("1", "1.0000001", "-1e38"),
    "BOOLEAN": ("false", "true", "false"),
    "DATE": ("'2024-02-28'", "'2024-02-29'", "'1600-01-01'"),
    "TIMESTAMP_NS": ("'2024-01-01 00:00:00.000000001'", "'2024-01-01 00:00:00.000000002'", "'1970-01-01'"),
    "TIME": ("'12:00'", "'12:00:00.000001'", "'00:00'"),
}  # fmt: skip


def tables_of_three(tmp_path, ids, values, id_kind="INTEGER", value_kind="INTEGER"):
    """Write a path of three nodes."""
    edges, nodes = tmp_path / "edges.parquet", tmp_path / "nodes.parquet"
    a, b, c = (f"{i}::{id_kind}" for i in ids)
    duckdb.execute(f"COPY (FROM (VALUES ({a}, {b}), ({b}, {c})) t(src, dst)) TO '{edges}'")
    rows = ", ".join(
        f"({i}, {value}::{value_kind})" for i, value in zip((a, b, c), values, strict=True)
    )
    duckdb.execute(f"COPY (FROM (VALUES {rows}) t(id, v)) TO '{nodes}'")
    return edges, nodes


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("kind", IDS)
def test_ids_of_every_type(tmp_path, kind, engine):
    tables = tables_of_three(tmp_path, IDS[kind], "132", id_kind=kind)
    found = local_maxima_tables(*tables, "v", engine=engine).labels()
    assert {str(name) for name, yes in found.items() if yes} == {IDS[kind][1].strip("'")}
    assert len(found) == 3


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("kind", VALUES)
def test_values_of_every_type(tmp_path, kind, engine):
    tables = tables_of_three(tmp_path, "123", VALUES[kind], value_kind=kind)
    assert local_maxima_tables(*tables, "v", engine=engine).labels() == {
        1: False,
        2: True,
        3: False,
    }


@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_both_zeros_are_equal(tmp_path, engine):
    tables = tables_of_three(tmp_path, "123", ("0", "-0.0", "-1"), value_kind="DOUBLE")
    assert not any(local_maxima_tables(*tables, "v", 1, engine=engine).labels().values())
    weak = local_maxima_tables(*tables, "v", 1, engine=engine, ties="weak").labels()
    assert weak == {1: True, 2: True, 3: False}


# --- the two texts


class Sqlite:
    def __init__(self, edges):
        self.connection = sqlite3.connect(":memory:")
        self.run("CREATE TABLE given (src INTEGER, dst INTEGER)")
        self.connection.executemany("INSERT INTO given VALUES (?, ?)", edges)

    def run(self, text):
        return self.connection.execute(text).fetchall()

    def put(self, state):
        self.run("DROP TABLE IF EXISTS s")
        self.run("CREATE TABLE s (id INTEGER, r INTEGER, hi INTEGER, lo INTEGER, nb INTEGER)")
        self.connection.executemany("INSERT INTO s VALUES (?, ?, ?, ?, ?)", state)


class Duck(Sqlite):
    def __init__(self, edges):
        self.connection = duckdb.connect()
        self.run("CREATE TABLE given (src BIGINT, dst BIGINT)")
        self.insert("given", edges)

    def put(self, state):
        self.run("DROP TABLE IF EXISTS s")
        self.run("CREATE TABLE s (id BIGINT, r BIGINT, hi BIGINT, lo BIGINT, nb INTEGER)")
        self.insert("s", state)

    def insert(self, table, rows):
        columns = np.array(rows, np.int64).T
        named = {f"c{i}": np.ascontiguousarray(column) for i, column in enumerate(columns)}
        self.connection.register("rows", named)
        self.run(f"INSERT INTO {table} FROM rows")


@pytest.fixture
def opened():
    """Close the databases that a test opens."""
    databases = []

    def keep(database):
        databases.append(database)
        return database

    yield keep
    for database in databases:
        database.connection.close()


@pytest.mark.parametrize("engine", [Sqlite, Duck])
@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("extremum", EXTREMA)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_texts_against_the_oracle(engine, name, extremum, direction, opened):
    batch = BATCHES[name]
    edges, hop, labels = texts(batch, direction, LABELS)
    database = opened(engine(batch.union.edges))
    database.run(f"CREATE VIEW edges AS {edges}")
    database.put(first_state(batch, extremum))
    distance = {ties: batch.distances(ties, direction, extremum) for ties in TIES}
    neighbor = batch.has_neighbor(direction)
    for k in (1, 2, 3):
        database.put(database.run(hop))
        for rule, text in zip(LABELS, labels, strict=True):
            expected = (distance[rule.ties] > k) & (rule.isolated | neighbor)
            found = dict(database.run(text))
            assert [bool(found[i]) for i in range(len(expected))] == expected.tolist()


def test_hop_is_the_text_of_the_design_page():
    assert HOP == (
        "SELECT id, MAX(r) AS r, MAX(hi) AS hi, MAX(lo) AS lo, MAX(nb) AS nb FROM (SELECT id, r, "
        "hi, lo, nb FROM s UNION ALL SELECT e.dst, -1, s.hi, s.lo, 1 FROM edges e JOIN s ON "
        "e.src = s.id WHERE e.src <> e.dst) t GROUP BY id"
    )


@pytest.mark.parametrize("engine", [Sqlite, Duck])
@pytest.mark.parametrize("ties", TIES)
def test_packed_numbers_fit_at_the_largest_n(engine, ties, opened):
    n = MOST_TABLE_NODES
    database = opened(engine([(n - 1, n - 2)]))
    rows = [(i, r, r * n + i, r * n + (n - 1) - i, 0) for i, r in ((n - 1, n - 1), (n - 2, n - 2))]
    database.put(rows)
    database.run("CREATE VIEW edges AS SELECT src, dst FROM given")
    database.put(database.run(HOP))
    found = dict(database.run(label_sql(gm.Rule(ties=ties).filled(), n)))
    assert {i: bool(yes) for i, yes in found.items()} == {n - 1: True, n - 2: False}


def test_more_nodes_than_fit_are_refused():
    check_num_nodes(MOST_TABLE_NODES, "n.parquet")
    with pytest.raises(ValueError, match=r"at most 3 \* 10\*\*9 rows.*got 3000000001 in n.parquet"):
        check_num_nodes(MOST_TABLE_NODES + 1, "n.parquet")


# --- the engines


def cases():
    styles, isolated, extrema = cycle(ID_STYLES), cycle([True, False, True]), cycle(EXTREMA)
    for name in BATCHES:
        for ties in TIES:
            for direction in DIRECTIONS if name == "directed" else ["in"]:
                rule = gm.Rule(
                    1 + (len(direction) + len(ties)) % 3, ties=ties, direction=direction,
                    isolated=next(isolated), nan="omit", extremum=next(extrema),
                )  # fmt: skip
                yield pytest.param(name, next(styles), rule, id=f"{name}-{ties}-{direction}")


def check(batch: Batch, folder, style: str, rule: gm.Rule, engine: str, **more):
    """Ask the engine and the oracle."""
    ids = ids_of(batch.union.num_nodes, style)
    paths = write_tables(batch, folder, ids, more.pop("ending", "parquet"))
    answer = local_maxima_tables(
        *paths, "value", rule=rule, engine=engine, directed=batch.directed, **more
    )
    assert answer.engine == engine
    found = answer.labels()
    expected = batch.maxima(rule)
    assert [found[i] for i in ids.tolist()] == expected.tolist()
    assert answer.num_maxima == expected.sum()
    return answer, ids


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize(("name", "style", "rule"), list(cases()))
def test_engines_against_the_oracle(tmp_path, engine, name, style, rule):
    check(BATCHES[name], tmp_path, style, rule, engine)


@pytest.mark.parametrize("style", ID_STYLES)
@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_rivals_against_the_oracle(tmp_path, engine, style):
    batch, rule = BATCHES["with NaN"], gm.Rule(2, nan="omit")
    answer, ids = check(batch, tmp_path, style, rule, engine, explain=True)
    columns = answer.columns()
    rival = dict(zip(columns["id"].tolist(), columns["rival"].tolist(), strict=True))
    expected = [None if u < 0 else ids[u] for u in batch.rivals(rule)]
    assert [rival[i] for i in ids.tolist()] == expected
    value = dict(zip(ids.tolist(), batch.all_values.tolist(), strict=True))
    heights = zip(columns["rival"].tolist(), columns["rival_value"].tolist(), strict=True)
    assert all(height == value[i] for i, height in heights if i is not None)


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("style", ["shuffled", "text"])
def test_text_tables_against_the_oracle(tmp_path, engine, style):
    check(BATCHES["directed"], tmp_path, style, gm.Rule(2, ties="index"), engine, ending="csv")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_engines_on_thousands_of_graphs(tmp_path, seed):
    batch = batch_of(300, 100 + seed, directed=seed % 2 == 0, gaps=seed % 3 == 0)
    for i, ties in enumerate(TIES):
        for k in (1, 2, 3):
            folder = tmp_path / f"{ties}{k}"
            folder.mkdir()
            rule = gm.Rule(
                k, ties=ties, direction=DIRECTIONS[(i + k) % 3], isolated=k != 2, nan="omit",
                extremum=EXTREMA[k % 2],
            )  # fmt: skip
            check(batch, folder, ID_STYLES[(seed + k) % 4], rule, "stream")
