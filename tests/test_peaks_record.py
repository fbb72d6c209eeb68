"""The record of peaks: reading it, cutting it, writing it."""

import csv
import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import graphmax as gm

VALUES = np.array([1, 9, 4, 6, 5, 7])
COLUMNS = [
    "node", "label", "value", "isolation", "nearest_higher", "prominence", "key_saddle", "parent",
    "basin_size", "plateau_size",
]  # fmt: skip


@pytest.fixture
def peaks():
    graph = gm.Graph.from_edges(range(5), range(1, 6), labels=list("abcdef"))
    return gm.find_peaks(graph, VALUES)


def test_rows_are_read_one_by_one(peaks):
    assert len(peaks) == 3
    first, *rest = peaks
    assert first.label == "b"
    assert first._fields == tuple(COLUMNS)
    assert [row.node for row in rest] == [5, 3]
    assert peaks[1] == rest[0]
    assert peaks[-1] == rest[-1]
    assert type(peaks[0].value) is int


def test_a_bool_mask_keeps_rows(peaks):
    kept = peaks[peaks.prominence >= 3]
    assert isinstance(kept, gm.Peaks)
    assert_array_equal(kept.nodes, [1, 5])
    assert_array_equal(kept.basins, [1, 1, 1, 5, 5, 5])
    assert_array_equal(kept.mask, [False, True, False, False, False, True])
    last = peaks[np.array([False, False, True])]
    assert_array_equal(last.parent, [-1])
    assert_array_equal(last.basins, [-1, -1, -1, 3, -1, -1])


def test_a_slice_keeps_rows(peaks):
    assert_array_equal(peaks[:2].nodes, [1, 5])
    assert_array_equal(peaks[:2].basin_size, [3, 3])
    assert_array_equal(peaks[::-1].nodes, peaks.nodes)


@pytest.mark.parametrize("rows", [[0, 1], "a", [True], np.ones((3, 1), bool), 1.0, None, True])
def test_other_rows_are_refused(peaks, rows):
    with pytest.raises(TypeError, match=r"must be given a row, a slice or a bool mask \(3,\)"):
        peaks[rows]


def test_a_row_that_is_not_there(peaks):
    for row in (3, -4):
        with pytest.raises(IndexError, match=f"a row below 3, got {row}"):
            peaks[row]


def test_nothing_can_be_written_into_it(peaks):
    with pytest.raises(FrozenInstanceError):
        peaks.value = peaks.isolation
    for name in (*COLUMNS, "nodes", "mask", "basins"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(peaks, name)[0] = getattr(peaks, name)[0]


def test_persistence_is_birth_and_death_with_their_nodes(peaks):
    pairs = peaks.persistence
    assert_array_equal(pairs.birth, [9, 7, 6])
    assert_array_equal(pairs.death, [1, 4, 5])
    assert_array_equal(pairs.birth_node, [1, 5, 3])
    assert_array_equal(pairs.death_node, [0, 2, 4])
    assert_array_equal(pairs.birth - pairs.death, peaks.prominence)
    assert_array_equal(VALUES[pairs.death_node], pairs.death)


def test_columns(peaks):
    columns = peaks.to_dict()
    assert list(columns) == COLUMNS
    frame = peaks.to_pandas()
    assert list(frame.columns) == COLUMNS
    for name in COLUMNS:
        assert_array_equal(frame[name].to_numpy(), columns[name])


def test_it_can_be_read_by_eye(peaks):
    lines = repr(peaks).splitlines()
    assert lines[0] == "Peaks(3 of 6 nodes, highest first)"
    assert lines[1].split() == COLUMNS
    assert lines[2].split() == ["1", "b", "9", "inf", "-1", "8", "-1", "-1", "3", "1"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_a_long_table_is_cut():
    peaks = gm.find_peaks(gm.Graph.from_edges([], [], 40), np.arange(40))
    lines = repr(peaks).splitlines()
    assert len(lines) == 13
    assert set(lines[-1].split()) == {"..."}
    assert peaks._repr_html_().count("<tr>") == 12


def test_the_table_of_a_notebook_escapes_labels():
    graph = gm.Graph.from_edges([0], [1], labels=["<b>", "&"])
    html = gm.find_peaks(graph, [2, 1])._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_files_speak_of_the_users_ids(peaks, tmp_path):
    peaks.write(tmp_path / "peaks.csv")
    with (tmp_path / "peaks.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == COLUMNS
    assert [row["label"] for row in rows] == ["b", "f", "d"]
    assert [row["parent"] for row in rows] == ["", "b", "f"]
    assert [row["key_saddle"] for row in rows] == ["", "c", "e"]
    peaks.write(tmp_path / "peaks.json")
    assert "f" in json.dumps(json.loads((tmp_path / "peaks.json").read_text(encoding="utf-8")))
    empty = gm.find_peaks(gm.Graph.from_edges([0], [1]), [1, 1], ties="strict")
    empty.write(tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text(encoding="utf-8").startswith("node,label,value")


def test_a_file_is_refused(peaks, tmp_path):
    with pytest.raises(ValueError, match=r"`path` must end in"):
        peaks.write(tmp_path / "peaks.xlsx")
    with pytest.raises(FileNotFoundError, match="existing folder"):
        peaks.write(tmp_path / "none" / "peaks.csv")
