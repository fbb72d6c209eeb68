"""Parquet tables: written by others, and broken."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from graphmax import Graph, GraphFileError, read_graph, write_graph


def parquet(path, **columns):
    pd.DataFrame(columns).to_parquet(path)
    return path


def test_edges_of_pandas(tmp_path):
    path = parquet(tmp_path / "g.parquet", src=[7, 9], dst=[9, 10**12], weight=[1.5, 2])
    graph = read_graph(path)
    assert graph.labels.tolist() == [7, 9, 10**12]
    np.testing.assert_array_equal(graph.edge_weights(), [1.5, 2])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_ids_of_any_width(tmp_path, dtype):
    ends = {"src": np.array([1, 2], dtype), "dst": np.array([2, 3], dtype)}
    graph = read_graph(parquet(tmp_path / "g.parquet", **ends))
    assert graph.labels.tolist() == [1, 2, 3]


def test_ids_beyond_int64_and_text(tmp_path):
    path = parquet(tmp_path / "g.parquet", src=np.array([2**64 - 1], np.uint64), dst=["a"])
    assert read_graph(path).labels.tolist() == [str(2**64 - 1), "a"]


def test_text_ids_stay_text(tmp_path):
    path = parquet(tmp_path / "g.parquet", src=["1"], dst=["2"])
    assert read_graph(path).labels.tolist() == ["1", "2"]


def test_a_category_is_text(tmp_path):
    path = parquet(tmp_path / "g.parquet", src=pd.Categorical(["b"]), dst=pd.Categorical(["a"]))
    assert read_graph(path).labels.tolist() == ["a", "b"]


def test_node_table(tmp_path):
    edges = parquet(tmp_path / "g.parquet", source=["a"], target=["c"])
    nodes = parquet(
        tmp_path / "n.parquet",
        id=["c", "b", "a"],
        height=np.array([2**64 - 1, 0, 1], np.uint64),
        short=np.array([1, 2, 3], np.int16),
        when=pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
        price=[1.5, None, 3],
    )
    graph = read_graph(edges, nodes=nodes)
    assert graph.labels.tolist() == ["c", "b", "a"]
    assert graph.attributes["height"].dtype == np.uint64
    assert graph.attributes["height"].tolist() == [2**64 - 1, 0, 1]
    assert graph.attributes["short"].dtype == np.int16
    assert graph.attributes["when"].dtype.kind == "M"
    assert graph.attributes["when"].tolist()[1] is None
    assert graph.attributes["price"].tolist() == [1.5, None, 3]


def test_a_text_node_table_beside_parquet_edges(tmp_path):
    edges = parquet(tmp_path / "g.parquet", src=[1], dst=[2])
    (tmp_path / "n.csv").write_text("id,x\n2,5\n1,6\n")
    assert read_graph(edges, nodes=tmp_path / "n.csv").attributes["x"].tolist() == [5, 6]
    (tmp_path / "n.csv").write_text("id,x\na,5\n1,6\n2,7\n")
    assert read_graph(edges, nodes=tmp_path / "n.csv").labels.tolist() == ["a", "1", "2"]


def test_types_that_numpy_lacks(tmp_path):
    edges = parquet(tmp_path / "g.parquet", src=[1], dst=[2])
    query = (
        "select * from (values (1, 1.25::decimal(5,2), 7::decimal(9,0), [1, 2], 5::hugeint), "
        "(2, 2.5, 8, [3], 6)) t(id, price, count, list, huge)"
    )
    duckdb.sql(f"copy ({query}) to '{tmp_path}/n.parquet'")
    found = read_graph(edges, nodes=tmp_path / "n.parquet").attributes
    assert found["price"].tolist() == [1.25, 2.5]
    assert (found["count"].dtype, found["count"].tolist()) == (np.int64, [7, 8])
    assert found["list"].tolist() == ["[1, 2]", "[3]"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"src": [1.0], "dst": [2]}, "must have integers or text as ids, got DOUBLE in column 'src'"),
        ({"src": [True], "dst": [2]}, "must have integers or text as ids, got BOOLEAN"),
        ({"src": ["a", None], "dst": ["b", "c"]}, "must have an id in every row, got 1 missing"),
        ({"src": [1]}, "must have at least two columns of ids"),
        ({"src": [1], "dst": [2], "weight": ["x"]}, "must have weights that are numbers, got VARCHAR"),
    ],
)  # fmt: skip
def test_flaws(tmp_path, columns, message):
    with pytest.raises(GraphFileError, match=message):
        read_graph(parquet(tmp_path / "g.parquet", **columns))


def test_weights_with_gaps_are_left_out_and_said(tmp_path):
    path = parquet(tmp_path / "g.parquet", src=[1, 2], dst=[2, 3], weight=[1, None])
    graph = read_graph(path)
    assert graph.weights is None
    assert "weights left out: 1 of 2 are missing" in str(graph.source)


def test_negative_weights_are_kept(tmp_path):
    path = parquet(tmp_path / "g.parquet", src=[1], dst=[2], weight=[-1.0])
    assert read_graph(path).edge_weights().tolist() == [-1]


def test_a_node_table_of_another_write(tmp_path):
    write_graph(Graph.from_edges([0], [1]), tmp_path / "g.parquet")
    old = (tmp_path / "g.nodes.parquet").read_bytes()
    write_graph(Graph.from_edges([0], [1]), tmp_path / "g.parquet")
    (tmp_path / "g.nodes.parquet").write_bytes(old)
    with pytest.raises(GraphFileError, match="must be written together with its node table"):
        read_graph(tmp_path / "g.parquet")
    assert read_graph(tmp_path / "g.parquet", nodes=False).num_nodes == 2


def test_ids_that_the_node_table_lacks(tmp_path):
    edges = parquet(tmp_path / "g.parquet", src=[1, 5], dst=[2, 1])
    nodes = parquet(tmp_path / "n.parquet", id=[1, 2])
    with pytest.raises(GraphFileError, match=r"ids that it lacks \(1: 5\)"):
        read_graph(edges, nodes=nodes)


def test_bytes_that_are_not_parquet(tmp_path):
    path = tmp_path / "g.parquet"
    path.write_text("src,dst\n1,2\n")
    with pytest.raises(GraphFileError, match="must be a Parquet file, got other bytes"):
        read_graph(path)
    whole = parquet(path, src=[1], dst=[2]).read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(GraphFileError, match="must be a complete Parquet file, got a truncated"):
        read_graph(path)
    path.write_bytes(whole[:20] + bytes(len(whole) - 40) + whole[-20:])
    with pytest.raises(GraphFileError, match="must be a valid Parquet file, got damaged data"):
        read_graph(path)


@pytest.mark.parametrize(
    "note",
    ['{"directed": 1}', "[]", "{", '{"dtypes": {"x": "O4"}}', '{"widths": {"x": -1}}', "9" * 5000],
)
def test_a_forged_note(tmp_path, note):
    path = tmp_path / "g.parquet"
    duckdb.sql(
        f"copy (select 1 as src, 2 as dst) to '{path}' (format parquet, kv_metadata {{graphmax: '{note}'}})"
    )
    with pytest.raises(GraphFileError, match="must carry a valid graphmax metadata"):
        read_graph(path)


def test_a_note_that_the_data_contradicts(tmp_path):
    note = '{"labels": "none", "dtypes": {"x": "uint8"}}'
    for name, query in {
        "g": "select 5 as src, 6 as dst",
        "g.nodes": "select 5 as id, 300 as x",
    }.items():
        query += " union all select 6, 7"
        duckdb.sql(
            f"copy ({query}) to '{tmp_path}/{name}.parquet' (format parquet, kv_metadata {{graphmax: '{note}'}})"
        )
    with pytest.raises(GraphFileError, match="lacks|must hold uint8 in 'x' as its metadata says"):
        read_graph(tmp_path / "g.parquet")


class TestExactly:
    """Wide integers and decimals keep their order and their ties, or stay text."""

    @pytest.fixture
    def column(self, tmp_path):
        def read(kind, *values):
            import duckdb

            rows = ", ".join(f"({i}, '{value}'::{kind})" for i, value in enumerate(values))
            edges, nodes = tmp_path / "g.parquet", tmp_path / "g.nodes.parquet"
            duckdb.sql("select 0 as src, 1 as dst").write_parquet(str(edges))
            duckdb.sql(f"select * from (values {rows}) t(id, h)").write_parquet(str(nodes))
            graph = read_graph(edges)
            return graph.attributes["h"], str(graph.source)

        return read

    def test_decimals(self, column):
        assert column("DECIMAL(9,2)", "1.25", "-0.5")[0].tolist() == [1.25, -0.5]
        assert column("DECIMAL(18,0)", "9007199254740993", "1")[0].tolist() == [2**53 + 1, 1]
        assert column("DECIMAL(38,0)", str(2**64 - 1), "1")[0].tolist() == [2**64 - 1, 1]
        close = "9007199254740993.1", "9007199254740993.2"
        found, said = column("DECIMAL(18,1)", *close)
        assert found.tolist() == [90071992547409931, 90071992547409932]
        assert "counted in units of 1e-1" in said
        found, said = column(
            "DECIMAL(38,20)", "123456789012345678.00000000000000000001", "123456789012345678"
        )
        assert found.dtype == object
        assert "no exact type" in said


def test_few_bytes_that_spell_many_rows(tmp_path):
    import duckdb

    path = tmp_path / "g.parquet"
    duckdb.sql("select 1 as src, 2 as dst from range(200_000_000)").write_parquet(
        str(path), compression="zstd"
    )
    with pytest.raises(GraphFileError, match="must decompress to at most .* rows.*max_ratio"):
        read_graph(path)


def test_rows_that_are_trusted(tmp_path, monkeypatch):
    """Consecutive ids take nearly no bytes as differences."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setattr("graphmax.files.table_columns._HARMLESS", 2**16)
    ids = np.arange(100_000)
    table = pa.table({"src": ids, "dst": ids + 1})
    path = tmp_path / "path.parquet"
    encoding = dict.fromkeys(table.column_names, "DELTA_BINARY_PACKED")
    pq.write_table(table, path, use_dictionary=False, column_encoding=encoding)
    with pytest.raises(GraphFileError, match="pass max_ratio if the file is trusted"):
        read_graph(path, max_ratio=10)
    assert read_graph(path, max_ratio=1e4).num_edges == 100_000


def test_names_that_are_patterns_elsewhere(tmp_path):
    for folder, count in (("run[3]", 1), ("run3", 2)):
        (tmp_path / folder).mkdir()
        parquet(tmp_path / folder / "edges*.parquet", src=list(range(count)), dst=[9] * count)
    assert read_graph(tmp_path / "run[3]" / "edges*.parquet").num_edges == 1
