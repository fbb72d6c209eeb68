"""``graphmax label`` on tables: the same labels from every engine, and refusals in one sentence."""

import json

import duckdb
import numpy as np
import pytest
from spark_session import needs_spark
from table_cases import batch_of, ids_of, write_tables
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app

BATCH = batch_of(60, 21, directed=True)


@pytest.fixture
def tables(tmp_path):
    ids = ids_of(BATCH.union.num_nodes, "text")
    edges, nodes = write_tables(BATCH, tmp_path, ids, "csv")
    return [str(edges), "--nodes", str(nodes), "--values", "value", "--directed"], ids


def label(*arguments):
    return CliRunner().invoke(app, ["label", *arguments])


def expected(ids, rule):
    return dict(zip(ids.tolist(), BATCH.maxima(rule.filled()).tolist(), strict=True))


def read(relation):
    return dict(duckdb.execute(f"SELECT id, is_maximum FROM {relation}").fetchall())


@pytest.mark.parametrize("engine", ["memory", "stream", "auto"])
def test_file(tables, tmp_path, engine):
    arguments, ids = tables
    out = tmp_path / "labels.parquet"
    done = label(*arguments, "--hops", "2", "--engine", engine, "--out", str(out))
    assert done.exit_code == 0, done.output
    used = "stream" if engine == "auto" else engine
    assert f"{len(ids)} rows written to {out} by {used}" in done.stderr
    assert read(f"'{out}'") == expected(ids, gm.Rule(2))


def test_folder_under_a_limit(tables, tmp_path):
    arguments, ids = tables
    out = tmp_path / "labels"
    limit = ["--engine", "stream", "--memory-limit", "1GB"]
    done = label(*arguments, *limit, "--ties", "weak", "--minima", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert read(f"read_parquet('{out}/*.parquet')") == expected(ids, gm.Rule(ties="weak", extremum="min"))  # fmt: skip


def test_json_and_explain(tables):
    arguments, ids = tables
    done = label(*arguments, "--engine", "stream", "--explain", "--json")
    told = json.loads(done.stdout)
    assert (told["engine"], told["nodes"]) == ("stream", len(ids))
    assert set(told["labels"][0]) == {"id", "is_maximum", "rival", "rival_value"}
    assert {row["id"]: row["is_maximum"] for row in told["labels"]} == expected(ids, gm.Rule())


def test_a_pattern_needs_no_engine(tables):
    arguments, ids = tables
    done = label(arguments[0] + "/*.csv", *arguments[1:])
    lines = [line.split(",") for line in done.stdout.splitlines()[1:]]
    assert {name: yes == "true" for name, yes in lines} == expected(ids, gm.Rule())


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (["--engine", "stream", "--values", "valeu"], "did you mean 'value'"),
        (
            ["--engine", "stream", "--ties", "plateau"],
            "`--ties` must be 'strict', 'weak' or 'index'",
        ),
        (["--engine", "stream", "--radius", "2"], "`rule` must not set `--radius`"),
        (["--engine", "dask"], "`--engine` must be one of"),
        (["--master", "local[2]"], "`--master` must be left out unless --engine spark"),
        (["--engine", "spark", "--out", "labels.csv"], "`--out` must be a folder for Spark"),
        (["--engine", "stream", "--out", "labels.json"], "`--out` must end in .parquet or .csv"),
    ],
)
def test_refusals(tables, more, match):
    done = label(*tables[0], *more)
    assert done.exit_code == 2
    assert done.stderr.startswith("graphmax: ")
    assert match in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_nodes(tables):
    done = label(tables[0][0], "--values", "value", "--engine", "stream")
    assert done.exit_code == 2
    assert "`--nodes` must name the table of nodes" in done.stderr


@needs_spark
@pytest.mark.slow
def test_spark(tables, tmp_path):
    arguments, ids = tables
    out = tmp_path / "labels"
    done = label(*arguments, "--engine", "spark", "--master", "local[2]", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert "by spark" in done.stderr
    assert read(f"read_parquet('{out}/*.parquet')") == expected(ids, gm.Rule())


def test_degree_of_tables(tables, tmp_path):
    arguments, ids = tables
    arguments[arguments.index("value")] = "degree"
    out = tmp_path / "labels.parquet"
    done = label(*arguments, "--engine", "stream", "--out", str(out))
    assert done.exit_code == 0, done.output
    graph = gm.Graph.from_edges(*np.array(BATCH.union.edges).T, len(ids), directed=True)
    degree = graph.degree()
    assert read(f"'{out}'") == dict(zip(ids.tolist(), gm.local_maxima(graph, degree).tolist(), strict=True))  # fmt: skip
