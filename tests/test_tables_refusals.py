"""What tables refuse, in one sentence, leaving nothing behind."""

import errno
import subprocess
import sys

import duckdb
import pytest
import torch

import graphmax as gm
from graphmax.tables import local_maxima_tables
from graphmax.tables.score_stream import score_tables
from graphmax.tables.table_question import memory_bytes

BOTH = pytest.mark.parametrize("engine", ["memory", "stream"])


@pytest.fixture
def tables(tmp_path):
    """Write edges and nodes; a table may be replaced by rows of SQL."""
    (tmp_path / "in").mkdir()

    def write(edges="(1, 2)", nodes="(1, 5), (2, 7)", columns="id, height"):
        paths = [tmp_path / "in" / "edges.parquet", tmp_path / "in" / "nodes.parquet"]
        texts = [f"FROM (VALUES {edges}) t(src, dst)", f"FROM (VALUES {nodes}) t({columns})"]
        for path, text in zip(paths, texts, strict=True):
            duckdb.execute(f"COPY ({text}) TO '{path}' (FORMAT parquet)")
        return paths

    return write


def refused(paths, values="height", *, kind=ValueError, match, **more):
    """Expect a refusal that leaves nothing beside the tables."""
    home = paths[0].parent
    before = sorted(path.name for path in home.iterdir())
    with pytest.raises(kind, match=match):
        local_maxima_tables(*paths, values, out=home / "out.parquet", **more)
    assert sorted(path.name for path in home.iterdir()) == before


# --- rows


ROWS = [
    ({"edges": "(1, 9), (8, 2), (9, 9)"}, ValueError, r"ids that it lacks \(2: 8, 9\)"),
    ({"edges": ", ".join(f"({i}, 2)" for i in range(9, 3, -1))}, ValueError, r"lacks \(6: 4, 5, 6, 7, 8, \.\.\.\)"),
    ({"edges": "(1, 2), (1, NULL)"}, ValueError, "two ids in every row, got 1 rows without"),
    ({"edges": "(1.5, 2.0)"}, ValueError, "integers or text as ids, got DECIMAL"),
    ({"nodes": "(1, 5), (1, 6), (2, 7)"}, ValueError, r"every id once, got repeated ids \(1: 1\)"),
    ({"nodes": "(1, NULL), (2, 7)"}, ValueError, r"`height` must be known.*\(1: 1\).*nan='omit'"),
    ({"nodes": "(1, 'nan'::double), (2, 7)"}, ValueError, r"`height` must be known.*\(1: 1\)"),
    ({"nodes": "(NULL, 5), (2, 7)"}, ValueError, "an id in every row, got 1 rows without"),
    ({"nodes": "(1, 'x'), (2, 'y')"}, TypeError, "`values` must be numbers.*VARCHAR in column 'height'"),
    ({"nodes": "(1, [5]), (2, [7])"}, TypeError, "`values` must be numbers.*INTEGER"),
    ({"columns": "id, heights"}, ValueError, "have the column 'height', got none; did you mean 'heights'"),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(("rows", "kind", "match"), ROWS)
def test_rows(tables, engine, rows, kind, match):
    refused(tables(**rows), kind=kind, match=match, engine=engine)


@BOTH
def test_unknown_ids_among_text(tables, engine):
    paths = tables("('a', 'z'), ('y', 'a')", "('a', 1), ('b', 2)")
    refused(paths, match=r"ids that it lacks \(2: 'y', 'z'\).*add them to", engine=engine)


@BOTH
def test_nothing_in_the_node_table(tables, engine):
    paths = tables()
    text = "SELECT 1 AS id, 2 AS height LIMIT 0"
    duckdb.execute(f"COPY ({text}) TO '{paths[1]}' (FORMAT parquet)")
    refused(paths, match="have at least one row, got an empty table", engine=engine)


@BOTH
def test_nodes_without_a_value_are_left_out_on_demand(tables, engine):
    paths = tables("(1, 2), (2, 3)", "(1, NULL), (2, 'nan'::double), (3, 7)")
    answer = local_maxima_tables(*paths, "height", engine=engine, nan="omit")
    assert answer.labels() == {1: False, 2: False, 3: True}


@BOTH
def test_more_nodes_than_the_numbers_hold(tables, engine, monkeypatch):
    monkeypatch.setattr("graphmax.tables.sql.MOST_TABLE_NODES", 1)
    refused(tables(), match=r"`nodes` must have at most 3 \* 10\*\*9 rows", engine=engine)


def test_misspelled_column_of_ids(tables):
    refused(tables(), match="have the column 'scr', got none; did you mean 'src'", src="scr")


# --- files


@BOTH
def test_parquet_cut_short(tables, engine):
    paths = tables()
    paths[0].write_bytes(paths[0].read_bytes()[:-9])
    refused(paths, match="be a complete Parquet file, got a file cut short", engine=engine)


@BOTH
def test_parquet_with_damaged_pages(tables, engine):
    paths = tables(", ".join(f"({i % 2 + 1}, {i})" for i in range(1, 3000)))
    content = paths[0].read_bytes()
    paths[0].write_bytes(content[:4] + bytes(200) + content[204:])
    refused(paths, kind=gm.GraphFileError, match="readable tables|lacks", engine=engine)


@BOTH
def test_damage_names_its_file(tables, tmp_path, engine):
    """Damage of every kind: DuckDB names the file of some, and of others it does not."""
    paths = tables(", ".join(f"({i % 2 + 1}, {i % 7 % 2 + 1})" for i in range(3000)))
    folder = tmp_path / "parts"
    folder.mkdir()
    whole = paths[0].read_bytes()
    (folder / "a.parquet").write_bytes(whole)
    told = []
    for at in range(4, 40):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        (folder / "b.parquet").write_bytes(damaged)
        try:
            local_maxima_tables(folder, paths[1], "height", engine=engine)
        except gm.GraphFileError as error:
            told.append(error)
    damage = [error for error in told if "readable tables" in str(error)]
    assert damage
    assert {error.path for error in damage} == {str(folder / "b.parquet")}
    assert all(str(folder / "b.parquet") in str(error) for error in damage)


@pytest.mark.parametrize("name", ["no.parquet", "*.csv"])
def test_no_such_file(tables, name):
    paths = tables()
    match = "`edges` must name an existing file, folder or pattern"
    refused([paths[0].parent / name, paths[1]], kind=FileNotFoundError, match=match)


def test_empty_folder(tables, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="`nodes` must name at least one file"):
        local_maxima_tables(tables()[0], tmp_path / "empty", "height")


def test_files_of_other_kinds(tables, tmp_path):
    paths = tables()
    (tmp_path / "a.xlsx").write_text("1")
    with pytest.raises(ValueError, match=r"end in one of \.parquet.*got \.xlsx"):
        local_maxima_tables(tmp_path / "a.xlsx", paths[1], "height")
    (tmp_path / "a.csv.gz").write_text("1")
    with pytest.raises(ValueError, match=r"got \.gz.*unpack it first"):
        local_maxima_tables(tmp_path / "a.csv.gz", paths[1], "height")
    (tmp_path / "a.csv").write_text("src,dst\n1,2\n")
    with pytest.raises(ValueError, match="files of one kind, got csv and parquet"):
        local_maxima_tables([paths[0], tmp_path / "a.csv"], paths[1], "height")
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(ValueError, match="hold a table, got an empty file"):
        local_maxima_tables(tmp_path / "b.csv", paths[1], "height")


def test_files_elsewhere_are_for_spark(tables):
    paths = tables()
    with pytest.raises(ValueError, match="`edges` must be a local path.*engine='spark' reads it"):
        local_maxima_tables("s3a://bucket/edges.parquet", paths[1], "height")


# --- arguments


ARGUMENTS = [
    ({"ties": "plateau"}, ValueError, "`ties` must be 'strict', 'weak' or 'index'.*any size.*in memory"),
    ({"radius": 2.0}, TypeError, "`radius` must not be given.*shortest paths.*use graphmax.local_maxima"),
    ({"hops": 0}, ValueError, "`hops` must be at least 1"),
    ({"tie": "weak"}, TypeError, "did you mean 'ties'"),
    ({"engine": "dask"}, ValueError, "`engine` must be one of 'auto', 'memory', 'stream', 'spark', got 'dask'"),
    ({"engine": "duckdb"}, ValueError, "got 'duckdb', which is gone: 'stream'"),
    ({"memory_limit": "lots"}, ValueError, "`memory_limit` must be a size such as '1GB'.*got 'lots'"),
    ({"memory_limit": "1GB", "engine": "memory"}, ValueError, "`memory_limit` must be left out"),
    ({"memory_limit": "1MB"}, ValueError, "`memory_limit` must be at least 100MB"),
    ({"master": "local[2]"}, ValueError, "`master` must be left out unless engine='spark'"),
    ({"spark": object(), "master": "local", "engine": "spark"}, ValueError, "`spark` and `master` must not"),
    ({"temporary": "/no/such/place"}, FileNotFoundError, "`temporary` must be an existing folder"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "kind", "match"), ARGUMENTS)
def test_arguments(tables, arguments, kind, match):
    refused(tables(), kind=kind, match=match, **arguments)


def test_rule_with_a_radius(tables):
    refused(tables(), match="`rule` must not set `radius`", rule=gm.Rule(radius=1.0))


def test_values_are_a_name(tables):
    refused(tables(), [1, 2], kind=TypeError, match="`values` must be the name of a column")


def test_places_that_are_taken_or_missing(tables, tmp_path):
    paths = tables()
    with pytest.raises(FileExistsError, match="`out` must not be a folder that exists"):
        local_maxima_tables(*paths, "height", out=tmp_path)
    with pytest.raises(FileNotFoundError, match="`out` must lie in an existing folder"):
        local_maxima_tables(*paths, "height", out=tmp_path / "no" / "out.parquet")


def test_what_is_read_is_not_written_over(tables, tmp_path):
    edges, nodes = tables()
    for name in (edges, nodes):
        before = name.read_bytes()
        (tmp_path / f"{name.stem}-link.parquet").symlink_to(name)
        for out in (name, tmp_path / f"{name.stem}-link.parquet"):
            with pytest.raises(ValueError, match="`out` must be another file than those that"):
                local_maxima_tables(edges, nodes, "height", out=out)
        assert name.read_bytes() == before


def test_a_limit_with_no_room_for_the_nodes(tables):
    """One sentence with the amount, before anything is read."""
    paths = tables("(0, 1)")
    text = "SELECT range AS id, range AS height FROM range(3000000)"
    duckdb.execute(f"COPY ({text}) TO '{paths[1]}' (FORMAT parquet)")
    for more, amount in (({}, 188), ({"hops": 2}, 197), ({"hops": 3, "explain": True}, 236)):
        match = f"`memory_limit` must be at least {amount}MB for the state of 3000000 nodes.*100MB"
        refused(paths, kind=MemoryError, match=match, memory_limit="100MB", **more)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("9" * 400 + "GB", 2**62),
        ("1GB", 10**9),
        ("512MiB", 2**29),
        ("1.5gb", 15 * 10**8),
        (2e8, 2 * 10**8),
    ],
)
def test_sizes(text, count):
    assert memory_bytes(text) == count


# --- machines


def test_no_java(tables, monkeypatch, tmp_path):
    pytest.importorskip("pyspark", reason='needs pyspark: pip install "graphmax[spark]"')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    paths = tables()
    with pytest.raises(OSError, match="must find Java 17.*apt install openjdk-17-jre-headless"):
        local_maxima_tables(*paths, "height", engine="spark")


def test_no_pyspark(tables, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    paths = tables()
    with pytest.raises(
        ValueError, match=r'pyspark is not installed.*pip install "graphmax\[spark\]"'
    ):
        local_maxima_tables(*paths, "height", engine="spark")


def test_no_room_for_spilling(tables, tmp_path, monkeypatch):
    """A disk is filled by a limit on the temporary folder, which is what DuckDB takes a disk for."""
    connect = duckdb.connect

    def cramped(*arguments, **more):
        connection = connect(*arguments, **more)
        connection.execute("SET max_temp_directory_size = '1MB'; SET memory_limit = '40MB'")
        return connection

    paths = tables(", ".join(f"('{i}', '{i + 1}')" for i in range(1, 50)), "('1', 1)")
    text = "SELECT hash(range)::VARCHAR AS id, hash(range) % 1000003 AS height FROM range(2000000)"
    duckdb.execute(f"COPY ({text}) TO '{paths[1]}' (FORMAT parquet)")
    monkeypatch.setattr("graphmax.tables.database.duckdb.connect", cramped)
    with pytest.raises(OSError, match="`temporary` must have room.*full disk.*nothing was") as told:
        local_maxima_tables(*paths, "height", out=tmp_path / "out.parquet", engine="stream")
    assert told.value.errno == errno.ENOSPC
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.fixture
def tiny_disk(tmp_path):
    """Mount three megabytes; only root may."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk(tables, tiny_disk):
    paths = tables()
    for path, text in zip(
        paths,
        (
            "SELECT md5((range % 300000)::VARCHAR) AS src, md5('7') AS dst FROM range(900000)",
            "SELECT md5(range::VARCHAR) AS id, hash(range) % 1000003 AS height FROM range(300000)",
        ),
        strict=True,
    ):
        duckdb.execute(f"COPY ({text}) TO '{path}' (FORMAT parquet)")
    with pytest.raises(OSError, match="`temporary` must have room.*got a full disk"):
        local_maxima_tables(*paths, "height", out=tiny_disk / "out.parquet", engine="stream")
    assert list(tiny_disk.iterdir()) == []


@pytest.mark.parametrize(
    "case", ["degree", "strength", "neighbor_mean:height", "ids without a lookup", "filter"]
)
def test_a_disk_that_fills_beside_integer_ids(tables, tiny_disk, monkeypatch, case):
    """Edges kept once, with weights or without, and edges by number where no lookup has room."""
    edges, nodes = tables()
    ends = "7 * (hash(range) % 20000)::BIGINT AS src, 7 * (hash(range + 5) % 20000)::BIGINT AS dst"
    for path, text in (
        (edges, f"SELECT {ends}, 2.5::DOUBLE AS weight FROM range(900000)"),
        (nodes, "SELECT 7 * range AS id, (hash(range) % 1003)::DOUBLE AS height FROM range(20000)"),
    ):
        duckdb.execute(f"COPY ({text}) TO '{path}' (FORMAT parquet)")
    out = tiny_disk / "out.parquet"
    if case == "ids without a lookup":
        monkeypatch.setattr("graphmax.tables.stream_engine.has_room_for_lookup", lambda *_: False)
    values = case if case in ("degree", "strength", "neighbor_mean:height") else "height"

    def ask():
        if case != "filter":
            return local_maxima_tables(edges, nodes, values, 2, out=out, engine="stream")
        detector = gm.PeakDetector(denoise=True)
        detector.trained.fill_(True)
        detector.score.adapt(torch.arange(1003.0))
        return score_tables(edges, nodes, detector, ["height"], out=out)

    with pytest.raises(OSError, match="`temporary` must have room.*got a full disk") as told:
        ask()
    assert told.value.errno == errno.ENOSPC
    assert list(tiny_disk.iterdir()) == []
