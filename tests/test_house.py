"""The house: how many modules, how they are named, and how far a file walks to become a graph."""

import sys
from collections import Counter
from pathlib import Path

import pytest

import graphmax as gm

HOME = Path(gm.__file__).parent
MODULES = sorted(HOME.rglob("*.py"))
# Called on the way of every value, whatever it came from.
EVERYWHERE = {"checks.py", "machine.py"}


def test_a_module_is_a_noun_of_its_own():
    """No name stands twice; a kernel may have that of the module that calls it."""
    own = [path for path in MODULES if path.parent.name != "kernels"]
    names = Counter(path.stem for path in own if not path.stem.startswith("__"))
    names.update(path.name for path in HOME.iterdir() if (path / "__init__.py").exists())
    assert [name for name, count in names.items() if count > 1] == []
    assert len(MODULES) <= 150


@pytest.mark.skipif(sys.gettrace() is not None, reason="the profile of a traced run is another")
def test_an_edge_list_crosses_few_modules(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("source,target\n1,2\n2,3\n")
    gm.read_graph(path)  # what is imported and compiled once
    crossed = set()

    def note(frame, event, argument):
        del argument
        name = Path(frame.f_code.co_filename)
        if event == "call" and name.is_relative_to(HOME):
            crossed.add(name.relative_to(HOME).as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        graph = gm.read_graph(path)
    finally:
        sys.setprofile(before)
    assert graph.num_edges == 2
    own = {name for name in crossed if not name.startswith("kernels/")} - EVERYWHERE
    assert own == {
        "files/reading.py",
        "files/opening.py",
        "files/edge_tables.py",
        "files/table_layout.py",
        "files/column_roles.py",
        "files/table_columns.py",
        "files/building.py",
        "graph.py",
    }
