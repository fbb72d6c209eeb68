"""Killed at any moment while it writes: the target is absent, the old file, or the whole new one."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from same_graph import assert_same_graph

from graphmax import Graph, GraphFileError, read_graph

WRITER = """
import sys
from pathlib import Path
import numpy as np
from graphmax import Graph, write_graph
sys.path.insert(0, {tests!r})
from test_files_killed import graph_of
graphs = [graph_of(i) for i in range(2)]
print("ready", flush=True)
place = 0
while True:
    for name in {names!r}:
        write_graph(graphs[place % 2], Path({folder!r}) / name)
    place += 1
"""
NAMES = ["g.npz", "g.graphml", "g.json"]
TABLES = ["g.parquet", "g.csv"]


def graph_of(seed):
    """One of two graphs of different size, large enough that a write takes a moment."""
    rng, count = np.random.default_rng(seed), 3000 + 2000 * seed
    ends = rng.integers(0, count, (2, 3 * count))
    return Graph.from_edges(
        *ends, count, labels=np.arange(count) * 3, attributes={"x": rng.random(count)}
    )


def killed_while_writing(folder, names, moments):
    """Start a writer, kill it at random moments, and yield after each death."""
    code = WRITER.format(tests=str(Path(__file__).parent), names=names, folder=str(folder))
    rng = random.Random(0)
    for _ in range(moments):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.4))
            writer.send_signal(signal.SIGKILL)
        yield


def check(folder, names):
    """Every target is absent or one of the two graphs, to the last bit."""
    graphs = {3000: graph_of(0), 5000: graph_of(1)}
    for name in names:
        if (folder / name).exists():
            found = read_graph(folder / name)
            assert_same_graph(found, graphs[found.num_nodes])


@pytest.mark.parametrize(
    "moments", [3, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_one_file(tmp_path, moments):
    for _ in killed_while_writing(tmp_path, NAMES, moments):
        check(tmp_path, NAMES)


@pytest.mark.parametrize(
    "moments", [2, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_each_of_two_tables(tmp_path, moments):
    """A pair is replaced one after the other: each is whole, a mixture of Parquet is refused."""
    for _ in killed_while_writing(tmp_path, TABLES, moments):
        for name in TABLES:
            if (tmp_path / name).exists():
                assert read_graph(tmp_path / name, nodes=False).num_edges in (8984, 14986)
        if (tmp_path / "g.parquet").exists():
            try:
                check(tmp_path, ["g.parquet"])
            except GraphFileError as error:
                assert "written together" in str(error)  # noqa: PT017
