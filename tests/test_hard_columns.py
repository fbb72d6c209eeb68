"""Columns that hold text, or nothing, where numbers are asked: every reader says the same, and why."""

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app

PATH = gm.Graph.from_edges([0, 1], [1, 2])


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Write an edge table and a node table of columns that are no numbers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.csv").write_text("src,dst\na,b\nb,c\nc,d\n")
    (tmp_path / "g.nodes.csv").write_text(
        "# a word above\nid,h,empty,k,p,day,name\n"
        'a,1,,1,5%,2020-01-01T00:00:00Z,x\nb,NA,,"1,000",6%,2020-01-02T00:00:00Z,y\n'
        "c,3,,2,7%,2020-01-03T00:00:00Z,3\nd,N/A,,3,8%,2020-01-04T00:00:00Z,z\n"
    )
    return tmp_path


WHY = {
    "h": "'NA' in line 4, 'N/A' in line 6 are no numbers (--missing NA,N/A if that means missing)",
    "k": "'1,000' in line 4 is no number (write plain numbers)",
    "p": "'5%' in line 3, '6%' in line 4, '7%' in line 5 are no numbers (write plain numbers)",
    "day": "'2020-01-01T00:00:00Z' in line 3",
}


@pytest.mark.parametrize("column", WHY)
def test_the_first_cells_are_named_with_their_lines(tables, column):
    with pytest.raises(TypeError, match="got dtype object") as raised:
        gm.local_maxima(gm.read_graph("g.csv"), column)
    assert WHY[column] in str(raised.value)
    done = CliRunner().invoke(app, ["label", "g.csv", "--values", column])
    assert done.exit_code == 2
    assert WHY[column] in done.stderr.splitlines()[-1]


def test_what_the_way_out_leads_to(tables):
    words = ["label", "g.csv", "--values", "h", "--missing", "NA,N/A", "--nan", "omit"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert done.stdout.split() == ["id,is_maximum", "a,true", "b,false", "c,true", "d,false"]


def test_names_are_no_failed_numbers(tables):
    assert "'name'" not in str(gm.read_graph("g.csv").source)
    with pytest.raises(TypeError, match="3 entries are text and no numbers, first 'x' at 0"):
        gm.local_maxima(gm.read_graph("g.csv"), "name")
    with pytest.raises(TypeError, match="text, first '1'"):
        gm.local_maxima(PATH, ["1", "2", "3"])


@pytest.mark.parametrize("engine", ["stream", "memory"])
def test_tables_name_them_too(tables, engine):
    with pytest.raises(TypeError, match=r"got VARCHAR .* \(first 'NA' of 'b', 'N/A' of 'd'\)"):
        gm.local_maxima_tables("g.csv", "g.nodes.csv", "h", engine=engine)


EMPTY = {
    "csv": lambda: gm.read_graph("g.csv").attributes["empty"],
    "parquet": lambda: gm.read_graph("p.parquet").attributes["empty"],
    "list": lambda: [None] * 4,
    "arrow": lambda: pytest.importorskip("pyarrow").nulls(4),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_a_column_without_any_entry_is_missing_everywhere(tables, kind):
    graph = gm.read_graph("g.csv")
    duckdb.execute("COPY (FROM (VALUES ('a', 'b')) t(src, dst)) TO 'p.parquet'")
    rows = "FROM (VALUES ('a', NULL), ('b', NULL), ('c', NULL), ('d', NULL)) t(id, empty)"
    duckdb.execute(f"COPY ({rows}) TO 'p.nodes.parquet'")
    values = EMPTY[kind]()
    with pytest.raises(ValueError, match="must be known for every node, got 4 without"):
        gm.local_maxima(graph, values)
    assert not np.asarray(gm.local_maxima(graph, values, nan="omit")).any()


@pytest.mark.parametrize("engine", ["stream", "memory"])
def test_tables_without_any_entry(tables, engine):
    ask = ("g.csv", "g.nodes.csv", "empty")
    with pytest.raises(ValueError, match="must be known for every node, got nodes without"):
        gm.local_maxima_tables(*ask, engine=engine)
    assert not any(gm.local_maxima_tables(*ask, engine=engine, nan="omit").labels().values())


def test_comments_among_the_rows_are_said(tables):
    (tables / "c.csv").write_text("# above\nsrc,dst\n# a word\n#cat,#dog\n#x\n#dog,a\n")
    graph = gm.read_graph("c.csv")
    assert graph.labels.tolist() == ["#cat", "#dog", "a"]
    assert graph.source.remarks == ("2 comment lines among the rows left out",)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_without_a_name_are_refused_in_words(tables, ending):
    graph = PATH.replace(attributes={"": [1, 2, 3]})
    with pytest.raises(ValueError, match="must have names, got one called ''; rename it"):
        gm.write_graph(graph, f"out.{ending}")
