"""Small files that ask for much memory, and what they say that a reader must not believe."""

import io
import json
import zipfile

import duckdb
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app
from graphmax.datasets.recipe import MANIFEST, SET, read_folder
from graphmax.sealed import write_document


def zeros_as_tiff(path):
    frame = Image.new("L", (400, 400))
    frame.save(path, save_all=True, append_images=[frame] * 399, compression="tiff_deflate")


def zeros_as_npz(path):
    np.savez_compressed(path, value=np.zeros((400, 400, 400), np.uint8))


def vertices(path):
    path.write_text("*Vertices 4000000\n")


def equal_rows(path):
    duckdb.sql("SELECT 1 AS src, 2 AS dst FROM range(20_000_000)").write_parquet(str(path))


def a_tensor_without_steps(path):
    import torch

    torch.save({"edge_index": torch.zeros(2, 1, dtype=torch.int64).expand(2, 10**10)}, path)


def a_lying_zip(path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("indptr.npy", bytes(80 * 2**20))
    data = bytearray(stream.getvalue())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = data[22:26] = (1000).to_bytes(4, "little")
    path.write_bytes(data)


SMALL = {
    "z.tif": (zeros_as_tiff, "at most 4000000 nodes, got 64000000"),
    "z.npz": (zeros_as_npz, "written by write_graph or scipy"),
    "v.net": (vertices, "at most 500000 nodes, got 4000000"),
    "rows.parquet": (equal_rows, "decompress to at most .*, got 20000000 rows"),
    "s.pt": (a_tensor_without_steps, "store all entries of 'edge_index'"),
    "lies.npz": (a_lying_zip, "valid NPZ file"),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_files_that_ask_for_much_are_refused_before_there_is_room(tmp_path, name):
    make, words = SMALL[name]
    make(tmp_path / name)
    assert (tmp_path / name).stat().st_size < 200_000
    with pytest.raises(gm.GraphFileError, match=words):
        gm.read_graph(tmp_path / name)


@pytest.mark.parametrize(
    ("word", "directed"), [('"0"', False), ("0", False), ('"1"', True), ("1", True)]
)
def test_gml_says_its_direction_as_a_number_or_a_word(tmp_path, word, directed):
    text = f"graph [ directed {word} node [ id 1 ] node [ id 2 ] edge [ source 1 target 2 ] ]"
    (tmp_path / "g.gml").write_text(text)
    assert gm.read_graph(tmp_path / "g.gml").directed is directed


@pytest.mark.parametrize("directed", ["no", "yes", 0, 1, "False"])
def test_a_direction_that_is_no_truth_value_is_refused(tmp_path, directed):
    (tmp_path / "g.csv").write_text("a,b\n")
    with pytest.raises(TypeError, match="`directed` must be True or False, got"):
        gm.read_graph(tmp_path / "g.csv", directed=directed)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), -float("inf"), "1", True, [], 1j])
def test_a_limit_of_time_that_is_none_is_refused(tmp_path, limit):
    (tmp_path / "g.csv").write_text("a,b\n")
    with pytest.raises((TypeError, ValueError), match="`max_seconds` must be"):
        gm.read_graph(tmp_path / "g.csv", max_seconds=limit)


def test_columns_that_are_years_stay_columns(tmp_path):
    (tmp_path / "g.csv").write_text("src,dst\na,b\nb,c\n")
    (tmp_path / "g.nodes.csv").write_text("id,2019,2020\na,1,2\nb,3,4\nc,5,1\n")
    graph = gm.read_graph(tmp_path / "g.csv")
    assert {name: column.tolist() for name, column in graph.attributes.items()} == {
        "2019": [1, 3, 5],
        "2020": [2, 4, 1],
    }
    gm.write_graph(graph, tmp_path / "again.csv")
    assert sorted(gm.read_graph(tmp_path / "again.csv").attributes) == ["2019", "2020"]


def test_names_with_line_breaks_come_back(tmp_path):
    labels, name = ["a\nb", "#x", "True"], "c\rd\ne"
    graph = gm.Graph.from_edges([0, 1], [1, 2], labels=labels, attributes={name: [1, 3, 2]})
    gm.write_graph(graph, tmp_path / "g.csv")
    again = gm.read_graph(tmp_path / "g.csv")
    assert again.labels.tolist() == labels
    assert again.attributes[name].tolist() == [1, 3, 2]


def test_a_manifest_without_files_is_refused(tmp_path):
    for parts in ({"complete": True}, {"complete": True, "files": {}}, {"files": {}},
                  {"complete": True, "files": []}, {"complete": True, "files": {"../x": ""}}):  # fmt: skip
        write_document(SET, tmp_path / MANIFEST, {"name": "a", **parts})
        with pytest.raises(ValueError, match="`folder` must be a set that graphmax made"):
            read_folder(tmp_path, "train")


@pytest.mark.parametrize("limit", ["9" * 30 + "GB", "0", "-1", "1e400GB", "x", "10YB", "nan", ""])
def test_absurd_limits_of_memory_are_taken_or_refused_in_words(tmp_path, monkeypatch, limit):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.csv").write_text("src,dst\na,b\n")
    (tmp_path / "n.csv").write_text("id,h\na,1\nb,2\n")
    words = ["label", "e.csv", "--nodes", "n.csv", "--values", "h", "--engine", "stream"]
    done = CliRunner().invoke(app, [*words, "--memory-limit", limit, "--json"])
    if done.exit_code == 0:
        assert [row["is_maximum"] for row in json.loads(done.stdout)["labels"]] == [False, True]
    else:
        assert done.exit_code == 2
        assert done.stderr.startswith("graphmax: `--memory-limit` must be")
