"""Tables, refusals of writing, and files that appear whole or not at all."""

import json
import subprocess
import sys

import duckdb
import numpy as np
import pytest

from graphmax import Graph, read_graph, write_graph, write_table

COLUMNS = {
    "id": np.array(["a", "b,c", 'd"e'], object),
    "big": np.array([2**53 + 1, -(2**63), 2**63 - 1]),
    "u": np.array([2**64 - 1, 0, 1], np.uint64),
    "x": np.array([0.1, np.nan, -np.inf]),
    "half": np.array([1.5, np.nan, np.inf], np.float16),
    "yes": np.array([True, False, True]),
    "some": np.ma.array([1, 2, 3], mask=[0, 1, 0]),
    "day": np.array(["2020-01-02", "NaT", "2020-01-03"], "M8[D]"),
    "ticks": np.array([5, "NaT", 7], "m8[s]"),
}


def test_csv(tmp_path):
    write_table(COLUMNS, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().splitlines() == [
        "id,big,u,x,half,yes,some,day,ticks",
        "a,9007199254740993,18446744073709551615,0.1,1.5,true,1,2020-01-02 00:00:00,5",
        '"b,c",-9223372036854775808,0,nan,nan,false,,,',
        '"d""e",9223372036854775807,1,-inf,inf,true,3,2020-01-03 00:00:00,7',
    ]


def test_json(tmp_path):
    write_table(COLUMNS, tmp_path / "t.json")
    rows = json.loads((tmp_path / "t.json").read_text())
    assert [row["big"] for row in rows] == COLUMNS["big"].tolist()
    assert [row["u"] for row in rows] == COLUMNS["u"].tolist()
    assert [row["x"] for row in rows] == [0.1, "NaN", "-Infinity"]
    assert [row["half"] for row in rows] == [1.5, "NaN", "Infinity"]
    assert [row["some"] for row in rows] == [1, None, 3]
    assert [row["yes"] for row in rows] == [True, False, True]


def test_parquet(tmp_path):
    write_table(COLUMNS, tmp_path / "t.parquet")
    found = duckdb.sql(f"from '{tmp_path}/t.parquet'").fetchnumpy()
    assert found["u"].dtype == np.uint64
    np.testing.assert_array_equal(found["u"], COLUMNS["u"])
    np.testing.assert_array_equal(found["x"], COLUMNS["x"])
    assert found["some"].tolist() == [1, None, 3]


def test_plain_lists_and_no_rows(tmp_path):
    write_table({"a": [1, 2], "b": ["x", "y"]}, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().split() == ["a,b", "1,x", "2,y"]
    write_table({"a": np.empty(0, np.int64)}, tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text()) == []


@pytest.mark.parametrize(
    ("columns", "name", "error", "message"),
    [
        (
            {"a": [1]},
            "t.xlsx",
            ValueError,
            r"must end in one of .csv, .tsv, .parquet, .json, got 't.xlsx'",
        ),
        ({}, "t.csv", ValueError, "must hold at least one column"),
        ({"a": [1], "b": [1, 2]}, "t.csv", ValueError, "must have one length"),
        ({"a": [[1]]}, "t.csv", ValueError, "must be one-dimensional"),
        (
            {"a": np.array([1, "x"], object)},
            "t.csv",
            TypeError,
            "must hold text only, got 1 in row 0",
        ),
        (
            {"a": np.array([1j])},
            "t.csv",
            TypeError,
            "must be numbers, text or times, got complex128",
        ),
        ({"a": np.array([b"x"])}, "t.csv", TypeError, "must be numbers, text or times"),
        ({"a": [1]}, "none/t.csv", FileNotFoundError, "must lie in an existing folder"),
    ],
)
def test_tables_refused(tmp_path, columns, name, error, message):
    with pytest.raises(error, match=message):
        write_table(columns, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


GRAPH = Graph.from_edges([0, 1], [1, 2], labels=["a", "b", "c"])


def test_graphs_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"must end in one of .graphml, .json, .npz, .*, got 'g.gml2'"
    ):
        write_graph(GRAPH, tmp_path / "g.gml2")
    for name in ("id", "ID"):
        with pytest.raises(ValueError, match="must have attributes whose names differ from 'id'"):
            write_graph(GRAPH.replace(attributes={name: [1, 2, 3]}), tmp_path / "g.csv")
    odd = GRAPH.replace(attributes={"x": np.array([1, (2,), "x"], object)})
    for name in ("g.npz", "g.graphml", "g.csv", "g.parquet"):
        with pytest.raises(TypeError, match="must h(ave|old)"):
            write_graph(odd, tmp_path / name)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(IsADirectoryError, match="must name a file, got the folder"):
        write_graph(GRAPH, tmp_path / "folder.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npz"]


@pytest.mark.parametrize("name", ["g.npz", "g.graphml", "g.csv", "g.parquet"])
def test_an_old_file_is_replaced(tmp_path, name):
    (tmp_path / name).write_text("old")
    write_graph(GRAPH, tmp_path / name)
    assert read_graph(tmp_path / name).labels.tolist() == ["a", "b", "c"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "g.npz").symlink_to(tmp_path / "real" / "g.npz")
    write_graph(GRAPH, tmp_path / "g.npz")
    assert (tmp_path / "g.npz").is_symlink()
    assert read_graph(tmp_path / "real" / "g.npz").num_nodes == 3


LARGE = """
import sys, resource, numpy as np
from graphmax import Graph, write_graph, write_table
n = 50_000
graph = Graph.from_edges(np.arange(n - 1), np.arange(1, n), attributes={"x": np.random.rand(n)})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    if "table" in sys.argv[1]:
        write_table({"x": np.random.rand(n)}, sys.argv[1])
    else:
        write_graph(graph, sys.argv[1])
except Exception as error:
    print(type(error).__name__)
    raise SystemExit(7)
"""


@pytest.mark.parametrize(
    "name", ["g.npz", "g.graphml", "g.csv", "g.parquet", "table.csv", "table.parquet", "table.json"]
)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, name):
    (tmp_path / name).write_text("old")
    run = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 7, run.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"
