"""The table of formats: every text about formats is made from it, and every row works."""

import re

import pytest

from graphmax import read_graph, write_table
from graphmax.files.reading import (
    FORMAT_OF,
    FORMATS,
    format_table,
    known_endings,
    listed_formats,
    written_endings,
)


def test_every_ending_stands_in_every_list():
    for ending in FORMAT_OF:
        assert f".{ending}" in known_endings()
        assert f".{ending}" in listed_formats()
        assert re.search(rf"\.{ending}\b", read_graph.__doc__)
        assert re.search(rf"\.{ending}\b", format_table())


def test_no_ending_stands_in_two_rows():
    assert len(FORMAT_OF) == sum(len(row.endings) for row in FORMATS)


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_rows_have_a_reader_and_a_writer(row):
    assert callable(row.reader())
    if row.writes:
        assert callable(row.writer())
        assert row.endings[0] in written_endings()
    assert row.attributes
    assert row.weights


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ('graph [ node [ id 1 label "a" ] node [ id 2 label "b" ] ]', ["a", "b"]),
        ('*Vertices 2\n1 "a"\n2 "b"\n*Edges\n1 2\n', ["a", "b"]),
        ("<graphml><graph edgedefault='directed'><node id='a'/></graph></graphml>", ["a"]),
    ],
)
def test_first_bytes_decide_where_nobody_knows_the_ending(tmp_path, content, ids):
    (tmp_path / "g.data").write_text(content)
    assert read_graph(tmp_path / "g.data").labels.tolist() == ids


def test_other_bytes_are_refused(tmp_path):
    (tmp_path / "g.data").write_text("hello")
    with pytest.raises(
        ValueError,
        match=r"must end in one of .* in all\), got the ending .data .*pass format",
    ):
        read_graph(tmp_path / "g.data")


def test_tables_of_tabs(tmp_path):
    write_table({"id": [1, 2], "name": ["a b", "c,d"]}, tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text() == "id\tname\n1\ta b\n2\tc,d\n"
