"""Tables as people keep them: parts, patterns, brackets in names, raw pairs, ids in any order."""

from itertools import product

import duckdb
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from table_cases import batch_of, ids_of, write_tables

import graphmax as gm
from graphmax.kernels.compare import UNKNOWN, IdLookup
from graphmax.tables import local_maxima_tables
from graphmax.tables.database import record_batches

ENGINES = pytest.mark.parametrize("engine", ["memory", "stream"])


def parquet(path, rows, columns):
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    text = f"FROM (VALUES {rows}) t({columns})"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS {text}")
        # A bracket in the name of an output file is no pattern to DuckDB.
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


# --- parts


@ENGINES
def test_a_later_part_is_not_rounded_to_the_first(tmp_path, engine):
    """5, 9 in part 0 and 9.4 in part 1: 9.4 became 9, a tie."""
    edges = parquet(tmp_path / "edges.parquet", "(1, 2), (2, 3)", "src, dst")
    parquet(tmp_path / "nodes" / "0.parquet", "(1, 5), (2, 9)", "id, h")
    parquet(tmp_path / "nodes" / "1.parquet", "(3, 9.4::double)", "id, h")
    with pytest.raises(
        gm.GraphFileError, match=r"1\.parquet.*|DOUBLE where that has INTEGER"
    ) as told:
        local_maxima_tables(edges, tmp_path / "nodes", "h", engine=engine)
    assert all(word in str(told.value) for word in ("0.parquet", "1.parquet", "DOUBLE", "INTEGER"))


@ENGINES
@pytest.mark.parametrize("table", ["edges", "nodes"])
def test_ids_of_a_later_part_are_not_rounded(tmp_path, engine, table):
    parts = {
        "edges": ["(1, 2)", "(2, 3.7::double)"],
        "nodes": ["(1, 5), (2, 9)", "(3.7::double, 4)"],
    }
    paths = {}
    for name, columns in (("edges", "src, dst"), ("nodes", "id, h")):
        rows = (
            parts[name] if name == table else [", ".join(parts[name]).replace("3.7::double", "3")]
        )
        for i, part in enumerate(rows):
            parquet(tmp_path / name / f"{i}.parquet", part, columns)
        paths[name] = tmp_path / name
    with pytest.raises(gm.GraphFileError, match="DOUBLE where that has INTEGER"):
        local_maxima_tables(paths["edges"], paths["nodes"], "h", engine=engine)


@ENGINES
@pytest.mark.parametrize(
    ("first", "second"),
    [("5::tinyint", "9007199254740993::bigint"), ("5::float", "9007199254740993::double")],
)
def test_parts_that_one_type_holds_are_read(tmp_path, engine, first, second):
    edges = parquet(tmp_path / "edges.parquet", "(1, 2), (2, 3)", "src, dst")
    parquet(tmp_path / "nodes" / "0.parquet", f"(1, {first}), (2, {first})", "id, h")
    parquet(tmp_path / "nodes" / "1.parquet", f"(3, {second})", "id, h")
    answer = local_maxima_tables(edges, tmp_path / "nodes", "h", engine=engine)
    assert answer.labels() == {1: False, 2: False, 3: True}


@pytest.mark.parametrize("kind", ["shuffled", "gaps"])
@pytest.mark.parametrize("explain", [True, False])
def test_ids_without_room_for_a_lookup_are_numbered_on_disk(tmp_path, monkeypatch, kind, explain):
    batch = batch_of(60, 8, directed=True)
    ids = ids_of(batch.union.num_nodes, kind)
    tables = write_tables(batch, tmp_path, ids)
    expected = [
        local_maxima_tables(*tables, "value", 2, directed=True, engine="stream", explain=explain)
    ]
    monkeypatch.setattr("graphmax.tables.stream_engine.has_room_for_lookup", lambda *_: False)
    found = local_maxima_tables(
        *tables, "value", 2, directed=True, engine="stream", explain=explain
    )
    assert "numbering edges" in [stage.name for stage in found.stages]
    rows = [
        sorted(zip(*(column.tolist() for column in answer.columns().values()), strict=True))
        for answer in (*expected, found)
    ]
    assert rows[0] == rows[1]
    parquet(tmp_path / "edges" / "b.parquet", "(1000000007, 3)", "src, dst")
    with pytest.raises(gm.GraphFileError, match=r"ids that it lacks \(\d+: .*1000000007"):
        local_maxima_tables(*tables, "value", engine="stream")


# --- names


@ENGINES
def test_a_name_with_brackets_is_no_pattern(tmp_path, engine):
    """`run[3]/edges.parquet` was answered for `run3/edges.parquet`."""
    for folder, rows in (("run3", "(2, 1)"), ("run[3]", "(1, 2)")):
        parquet(tmp_path / folder / "edges.parquet", rows, "src, dst")
    for folder, rows in (("run3", "(1, 5), (2, 4)"), ("run[3]", "(1, 4), (2, 5)")):
        parquet(tmp_path / folder / "nodes.parquet", rows, "id, h")
    found = {
        name: local_maxima_tables(
            tmp_path / name / "edges.parquet", tmp_path / name / "nodes.parquet", "h",
            engine=engine, out=tmp_path / name / "out.parquet",
        ).labels()
        for name in ("run3", "run[3]")
    }  # fmt: skip
    assert found == {"run3": {1: True, 2: False}, "run[3]": {1: False, 2: True}}


# --- values


@ENGINES
@pytest.mark.parametrize(
    "values", [("9007199254740992.1", "9007199254740992.2"), ("-0.00000000000000000001", "0.0"), ("12345678901234567890123456789012345678", "12345678901234567890123456789012345679")]
)  # fmt: skip
def test_decimals_of_any_scale_are_exact(tmp_path, engine, values):
    kind = "DECIMAL(38, 20)" if "." in values[0] and len(values[0]) > 20 else "DECIMAL(38, 1)" if "." in values[0] else "DECIMAL(38, 0)"  # fmt: skip
    edges = parquet(tmp_path / "edges.parquet", "(1, 2)", "src, dst")
    rows = ", ".join(f"({i}, '{value}'::{kind})" for i, value in enumerate(values, 1))
    nodes = parquet(tmp_path / "nodes.parquet", rows, "id, h")
    assert local_maxima_tables(edges, nodes, "h", engine=engine).labels() == {1: False, 2: True}
    minima = local_maxima_tables(edges, nodes, "h", engine=engine, extremum="min", explain=True)
    assert minima.labels() == {1: True, 2: False}


def test_text_of_more_than_64_bits_is_refused_alike(tmp_path):
    edges, nodes = tmp_path / "edges.csv", tmp_path / "nodes.csv"
    edges.write_text("src,dst\n1,2\n")
    nodes.write_text(f"id,h\n1,{2**80}\n2,{2**80 + 1}\n")
    for engine in ("memory", "stream"):
        with pytest.raises(TypeError, match="`values` must be numbers.*VARCHAR"):
            local_maxima_tables(edges, nodes, "h", engine=engine)


# --- pairs that are being rewritten


@ENGINES
def test_two_tables_that_were_not_written_together(tmp_path, engine):
    for name, heights in (("old", [1, 2, 3]), ("new", [3, 2, 1])):
        graph = gm.Graph.from_edges([0, 1], [1, 2], 3).replace(attributes={"h": np.array(heights)})
        gm.write_graph(graph, tmp_path / f"{name}.parquet")
    old, new = tmp_path / "old.parquet", tmp_path / "new.nodes.parquet"
    assert local_maxima_tables(old, tmp_path / "old.nodes.parquet", "h", engine=engine).num_maxima
    with pytest.raises(gm.GraphFileError, match="belong to .*new.*another time.*nobody is writing"):
        local_maxima_tables(old, new, "h", engine=engine)


# --- raw pairs


EDGES = np.array([[0, 1, 5, 3, 3], [1, 2, 4, 3, 4]])


RAW = [
    *product(["<i4", "<i8", "<u4", ">i4"], ["rows", "columns", "fortran"]),
    ("<i4", "bin"),
    ("<i8", "bin"),
]


@pytest.mark.parametrize(("dtype", "layout"), RAW)
@ENGINES
def test_raw_pairs(tmp_path, layout, dtype, engine):
    pairs = EDGES.astype(dtype)
    path = tmp_path / "edges.npy"
    if layout == "bin":
        path = tmp_path / f"edges.{np.dtype(dtype).name}.bin"
        np.ascontiguousarray(pairs.T).tofile(path)
    else:
        stored = {"rows": pairs, "columns": np.ascontiguousarray(pairs.T), "fortran": pairs.T}
        np.save(path, stored[layout])
    nodes = parquet(tmp_path / "nodes.parquet", "(0, 5), (1, 9), (2, 9), (3, 2), (4, 7), (5, 1)", "id, h")  # fmt: skip
    for k in (1, 2):
        answer = local_maxima_tables(path, nodes, "h", k, engine=engine, ties="index")
        graph = gm.Graph.from_edges(*EDGES, 6)
        expected = gm.local_maxima(graph, np.array([5, 9, 9, 2, 7, 1]), k, ties="index")
        assert answer.num_edges == 5
        assert_array_equal([answer.labels()[i] for i in range(6)], expected)


def raw(folder, content=None, name="edges.npy", **more):
    path = folder / name
    np.save(path, content, **more) if name.endswith(".npy") else path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "name", "match"),
    [
        (np.zeros((2, 3)), "edges.npy", "hold int32, uint32 or int64, got float64"),
        (np.zeros((3, 3), int), "edges.npy", r"shape \(2, edges\) or \(edges, 2\), got \(3, 3\)"),
        (np.zeros(4, int), "edges.npy", r"shape \(2, edges\)"),
        (b"\x93NUMPY", "edges.int32.bin", "hold whole pairs of int32, got 6 bytes"),
        (b"12345678", "edges.bin", "name it edges.int32.bin or edges.int64.bin"),
        (np.array([[0, 7], [1, -1]]), "edges.npy", r"ids that it lacks \(2: -1, 7\)"),
        (np.array([["a"]], object), "edges.npy", "hold int32, uint32 or int64, got object"),
    ],
)
def test_raw_refusals(tmp_path, content, name, match):
    more = {"allow_pickle": True} if getattr(content, "dtype", None) is np.dtype(object) else {}
    path = raw(tmp_path, content, name, **more)
    nodes = parquet(tmp_path / "in" / "nodes.parquet", "(0, 5), (1, 9)", "id, h")
    with pytest.raises(gm.GraphFileError, match=match):
        local_maxima_tables(path, nodes, "h", engine="stream", out=tmp_path / "out.parquet")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "in"])


def test_raw_cut_short(tmp_path):
    path = raw(tmp_path, np.zeros((2, 50), int))
    path.write_bytes(path.read_bytes()[:-8])
    nodes = parquet(tmp_path / "nodes.parquet", "(0, 5), (1, 9)", "id, h")
    with pytest.raises(gm.GraphFileError, match="complete NumPy file, got a file cut short"):
        local_maxima_tables(path, nodes, "h", engine="stream")


# --- ids


@pytest.mark.parametrize("spread", [1, 3, 10**6, 10**13])
def test_numbers_of_ids(spread):
    draw = np.random.default_rng(4)
    ids = spread * (draw.permutation(2000) - 700)
    lookup = IdLookup(ids)
    assert lookup.repeat == UNKNOWN
    order = draw.integers(0, 2000, 5000)
    assert_array_equal(lookup.find(ids[order]), order)
    others = np.array([ids.max() + 1, ids.min() - 1, 2**63 - 1, -(2**63), ids.max() + spread])
    assert_array_equal(lookup.find(others), [UNKNOWN] * 5)
    again = IdLookup(np.append(ids, ids[5]))
    assert again.repeat == 2000


def test_numbers_of_extreme_ids():
    ids = np.array([-(2**63), 2**63 - 1, 0])
    assert_array_equal(IdLookup(ids).find(np.array([0, 5, 2**63 - 1, -(2**63)])), [2, -1, 1, 0])


# --- batches of rows


def test_batches_hold_what_the_query_says():
    """More rows than a batch, with NULLs that cross the bytes of its mask."""
    query = (
        "SELECT range AS a, CASE WHEN range % 7 = 3 THEN NULL ELSE range / 8 END AS b, "
        "range % 3 = 0 AS c, TIMESTAMP '1970-01-01' + to_seconds(range) AS d FROM range(300000)"
    )
    with duckdb.connect() as connection:
        batches = [
            [(c.values.copy(), None if c.missing is None else c.missing.copy()) for c in batch]
            for batch in record_batches(connection, query)
        ]
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    assert len(batches) > 1
    number = np.arange(300_000)
    a, b, c, d = (np.concatenate([batch[i][0] for batch in batches]) for i in range(4))
    missing = np.concatenate([batch[1][1] for batch in batches])
    assert_array_equal(a, number)
    assert_array_equal(missing, number % 7 == 3)
    assert_array_equal(b[~missing], (number / 8)[~missing])
    assert_array_equal(c, number % 3 == 0)
    assert_array_equal(d, number * 10**6)


def test_a_failing_query_says_so_on_the_way():
    query = "SELECT CASE WHEN range = 250000 THEN error('here') ELSE 1 END FROM range(300000)"
    with duckdb.connect() as connection, pytest.raises(duckdb.Error, match="here"):
        sum(batch[0].values.size for batch in record_batches(connection, query))


# --- what is written


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("ids", [(0, 1, 2), (7, 8, 9), (9, 70, 8), ("b", "c", "a")])
def test_every_form_of_the_answer_says_the_same(tmp_path, ids, explain):
    """A file of either kind or a folder; ids in a row are written as differences."""
    a, b, c = map(repr, ids)
    edges = parquet(tmp_path / "edges.parquet", f"({a}, {b}), ({b}, {c})", "src, dst")
    nodes = parquet(tmp_path / "nodes.parquet", f"({a}, 1.5), ({b}, 4), ({c}, 2)", "id, h")
    said = []
    for out in ("a.parquet", "a.csv", "folder"):
        answer = local_maxima_tables(
            edges, nodes, "h", engine="stream", explain=explain, out=tmp_path / out
        )
        columns = answer.columns()
        said.append(set(columns))
        found = dict(zip(columns["id"].tolist(), columns["is_maximum"].tolist(), strict=True))
        assert found == dict(zip(ids, [False, True, False], strict=True))
        if explain:
            rivals = dict(zip(columns["id"].tolist(), columns["rival"].tolist(), strict=True))
            assert rivals == {ids[0]: ids[1], ids[1]: ids[2], ids[2]: ids[1]}
            values = [float(value) for value in columns["rival_value"].tolist()]
            assert sorted(values) == [2.0, 4.0, 4.0]
    assert said == [said[0]] * 3
