"""Names that people read, beside the ids that files keep."""

import csv
import json

import pytest
from typer.testing import CliRunner

from graphmax.cli import app

GEXF = """<gexf><graph><attributes class="node"><attribute id="0" title="h" type="int"/></attributes><nodes>
<node id="n0" label="Ann"><attvalues><attvalue for="0" value="3"/></attvalues></node>
<node id="n1" label="Bob"><attvalues><attvalue for="0" value="5"/></attvalues></node></nodes>
<edges><edge source="n0" target="n1"/></edges></graph></gexf>"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.gexf").write_text(GEXF)

    def call(*words):
        return CliRunner().invoke(app, words)

    return call


def test_the_printed_table_shows_names_and_files_the_ids(run, tmp_path):
    assert "Bob" in run("peaks", "g.gexf", "--values", "h").stdout
    run("peaks", "g.gexf", "--values", "h", "--out", "p.csv")
    with (tmp_path / "p.csv").open() as lines:
        assert [row["label"] for row in csv.DictReader(lines)] == ["n1"]
    document = json.loads(run("peaks", "g.gexf", "--values", "h", "--json").stdout)
    assert [row["label"] for row in document["maxima"]] == ["n1"]
    assert (
        "did you mean 'label'"
        in run("peaks", "g.gexf", "--values", "h", "--label", "labels").output
    )


def test_how_a_table_was_read_is_said_once_and_carried(run, tmp_path):
    (tmp_path / "e.csv").write_text("id,u,v,h\n0,a,b,1\n1,b,c,2\n")
    for command in ("info", "convert"):
        words = [command, "e.csv", *(["o.npz"] if command == "convert" else [])]
        result = run(*words)
        assert "e.csv: source = column 2 'u', target = column 3 'v'" in result.stderr
        assert json.loads(run(*words, "--json").stdout)["reading"]["source"] == "column 2 'u'"
    (tmp_path / "p.csv").write_text("src,dst\na,b\n")
    assert "source =" not in run("info", "p.csv").stderr
    assert "directed" in run("info", "e.csv", "--src", "0", "--dst", "1", "--no-header").output
    result = run("convert", "p.csv", "p.csv")
    assert result.exit_code != 0
