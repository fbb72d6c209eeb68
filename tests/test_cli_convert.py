"""`graphmax convert`: the same graph in another format, or one sentence why not."""

import json

import pytest
from same_graph import assert_same_graph
from typer.testing import CliRunner

from graphmax.cli import app
from graphmax.files import read_graph
from graphmax.machine import dataset_path

COUNTRIES = dataset_path("countries/countries.graphml")


def run(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


@pytest.mark.parametrize("ending", ["json", "npz", "parquet", "csv", "graphml"])
def test_there_and_back(tmp_path, ending):
    out, back = tmp_path / f"countries.{ending}", tmp_path / "back.graphml"
    done = run(COUNTRIES, out)
    assert done.exit_code == 0
    assert "177 nodes and 314 edges written to" in done.stderr
    assert run(out, back).exit_code == 0
    assert_same_graph(read_graph(back), read_graph(out))


def test_json_tells_what_was_written(tmp_path):
    (tmp_path / "e.csv").write_text("a,b\nb,c\n")
    done = run(tmp_path / "e.csv", tmp_path / "e.npz", "--directed", "--json")
    told = json.loads(done.stdout)
    assert (told["nodes"], told["edges"], told["directed"]) == (3, 2, True)
    assert read_graph(tmp_path / "e.npz").directed


def test_refusals_leave_nothing(tmp_path):
    done = run(COUNTRIES, tmp_path / "c.xyz")
    assert done.exit_code == 2
    assert "must end in one of" in done.stderr
    done = run(tmp_path / "none.csv", tmp_path / "c.json")
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []
