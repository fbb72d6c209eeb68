"""Killed at any moment while it writes: the target is absent, the old file, or the whole new one."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from same_graph import assert_same_graph

from graphmax import Graph, GraphFileError, read_graph, write_graph

# Imports once and forks a writer for each line that it is sent.
FORKER = """
import itertools, os, sys
sys.path.insert(0, {tests!r})
from test_files_killed import graph_of, write_all
import duckdb
graphs = [graph_of(0), graph_of(1)]
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        for place in itertools.count(int(line)):
            write_all(graphs[place % 2], {folder!r}, {names!r})
    print(child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""
MOMENTS = [3, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
FILES = ["g.npz", "g.graphml", "g.json"]
TABLES = ["g.parquet", "g.csv"]


def graph_of(seed):
    """One of two graphs of different size, so that each can be told."""
    rng, count = np.random.default_rng(seed), 600 + 400 * seed
    ends = rng.integers(0, count, (2, 3 * count))
    labels, attributes = np.arange(count) * 3, {"x": rng.random(count)}
    return Graph.from_edges(*ends, count, labels=labels, attributes=attributes)


def write_all(graph, folder, names):
    """Write a graph under several names."""
    for name in names:
        write_graph(graph, Path(folder) / name)


def deaths(folder, names, moments):
    """Kill a writer at random moments, and yield after each of its deaths."""
    code = FORKER.format(tests=str(Path(__file__).parent), names=names, folder=str(folder))
    rng = random.Random(0)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forker:
        for moment in range(moments):
            forker.stdin.write(f"{moment}\n")
            forker.stdin.flush()
            writer = int(forker.stdout.readline())
            time.sleep(rng.uniform(0, 0.5))
            os.kill(writer, signal.SIGKILL)
            assert forker.stdout.readline() == "dead\n"
            yield
        forker.stdin.close()


def assert_whole(folder, names):
    """Every target is absent or one of the two graphs, to the last bit."""
    graphs = {600: graph_of(0), 1000: graph_of(1)}
    for name in names:
        if (folder / name).exists():
            found = read_graph(folder / name)
            assert_same_graph(found, graphs[found.num_nodes])


@pytest.mark.parametrize("moments", MOMENTS)
def test_one_file(tmp_path, moments):
    for _ in deaths(tmp_path, FILES, moments):
        assert_whole(tmp_path, FILES)
    write_all(graph_of(0), tmp_path, FILES)
    assert_whole(tmp_path, FILES)


@pytest.mark.parametrize("moments", MOMENTS)
def test_two_tables(tmp_path, moments):
    """A pair is replaced one after the other: each is whole, a mixture of Parquet is refused."""
    edges = {graph_of(0).num_edges, graph_of(1).num_edges}
    for _ in deaths(tmp_path, TABLES, moments):
        for name in TABLES:
            if (tmp_path / name).exists():
                assert read_graph(tmp_path / name, nodes=False).num_edges in edges
        try:
            assert_whole(tmp_path, ["g.parquet"])
        except GraphFileError as error:
            assert "written together" in str(error)  # noqa: PT017 - only now and then
