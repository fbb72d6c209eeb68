"""Files as their makers wrote them: what is right stands in wild/cases.json."""

import json
from pathlib import Path

import numpy as np
import pytest

from graphmax import GraphFileError, read_graph

CASES = json.loads((Path(__file__).parent / "wild" / "cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_a_file_is_read_as_its_maker_meant_it(tmp_path, case, capfd):
    path = tmp_path / case["file"]
    path.write_text(case["text"], encoding="utf-8")
    if case.get("refuse"):
        with pytest.raises(GraphFileError):
            read_graph(path)
        return
    graph, want = read_graph(path), case["want"]
    assert (graph.num_nodes, graph.num_edges, graph.directed) == (
        want["nodes"], want["edges"], want["directed"],
    )  # fmt: skip
    if "ids" in want:
        assert graph.label_of(np.arange(graph.num_nodes)).tolist() == want["ids"]
    for name, values in want.get("attributes", {}).items():
        assert graph.attributes[name].tolist() == values
    for name, count in want.get("masked", {}).items():
        assert np.ma.getmaskarray(graph.attributes[name]).sum() == count
        assert graph.attributes[name].dtype.kind in "if"
    if "weighted" in want:
        assert (graph.weights is not None) == want["weighted"]
    assert capfd.readouterr() == ("", "")
