"""A type checker completes the fields of a rule and catches a wrong one in a user's script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import graphmax

RIGHT = """
import numpy as np
import torch
from numpy.typing import NDArray

import graphmax as gm

edge_index = torch.tensor([[0, 1], [1, 2]])
graph = gm.Graph.from_edges([0, 1], [1, 2])
mask: NDArray[np.bool_] = gm.local_maxima(graph, np.arange(3), 2, ties="weak", direction="both")
tensor: torch.Tensor = gm.local_maxima(edge_index, torch.rand(3), nan="omit", extremum="min")
same: torch.Tensor = gm.local_maxima(edge_index, torch.rand(3), gm.Rule(hops=2))
low: NDArray[np.bool_] = gm.local_minima(graph, [1, 2, 3], rule=gm.Rule(ties="index"))
by: NDArray[np.float64] = gm.margin(graph, np.arange(3), where=np.ones(3, bool))
who: torch.Tensor = gm.rivals(edge_index, torch.rand(3), 2)
far: float = float(gm.isolation(graph, [1, 2, 3], ties="plateau").distance[0])
peaks: gm.Peaks = gm.find_peaks(graph, [1, 2, 3], ties="strict", min_prominence=1)
nodes: NDArray[np.int64] = peaks.nodes
height: float = peaks[0].prominence
some: gm.Peaks = gm.edge_peaks(graph, [1, 2], 1, by="prominence")[::-1]
where: NDArray[np.int64] = gm.basins(graph, [1, 2, 3], markers=[0, 1, 0], extremum="min")
flood: torch.Tensor = gm.basins(edge_index, torch.rand(3), split_plateaus=True)
kept: NDArray[np.int64] = gm.non_maximum_suppression(graph, [1, 2, 3], gm.Rule(2), threshold=1)
best: torch.Tensor = gm.non_maximum_suppression(edge_index, torch.rand(3), metric="hops")
tree: gm.MergeTree = gm.merge_tree(graph, [1, 2, 3], groups=[0, 0, 1])
why: gm.Certificate = gm.explain(graph, [1, 2, 3], 0, absent="block", groups=["a", "a", "b"])
"""

WRONG = [
    'gm.local_maxima(graph, values, ties="foo")',
    "gm.local_maxima(graph, values, k=3)",
    'gm.local_minima(graph, values, direction="up")',
    'gm.margin(graph, values, ties="weak")',
    'gm.isolation(graph, values, nan="drop")',
    'gm.explain(graph, values, 0, ties="foo")',
    'gm.find_peaks(graph, values, ties="foo")',
    "gm.find_peaks(graph, values, k=3)",
    'gm.find_peaks(graph, values, by="size")',
    'gm.edge_peaks(graph, values, ties="weak")',
    "gm.basins(graph, values, marker=values)",
    'gm.non_maximum_suppression(graph, values, metric="miles")',
    "gm.merge_tree(graph, values, hops=2)",
    'gm.edge_maxima(graph, values, ties="plateau-ish")',
    'gm.Rule(extremum="top")',
]


def check(tmp_path, script):
    pytest.importorskip("mypy")
    (tmp_path / "script.py").write_text(script)
    home = Path(graphmax.__file__).parents[1]
    places = {} if home.name == "site-packages" else {"MYPYPATH": str(home)}
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    command += ["--follow-imports=silent", "script.py"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        timeout=280,
    )
    return done.returncode, done.stdout


def test_what_is_right_passes_and_what_is_wrong_is_found(tmp_path):
    code, told = check(tmp_path, RIGHT)
    assert (code, told) == (0, "")
    lines = ["import graphmax as gm", "graph, values = gm.grid_graph(3), [1, 2, 3]", *WRONG]
    code, told = check(tmp_path, "\n".join(lines))
    assert code == 1
    for number, line in enumerate(WRONG, start=3):
        assert f"script.py:{number}: error" in told, f"mypy accepts {line}"
