"""Where memory is short, DuckDB would end the process: it is not started, and that is said."""

import os
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

import graphmax as gm
from graphmax import machine

sys.path.insert(0, str(Path(__file__).parent / "corpus"))

from valid_files import valid_files

VALID = valid_files()
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs forks and RLIMIT_AS")

# The limits lie where the connection, its threads and what it imports do not fit.
SCRIPT = """
import os, resource, signal, sys
from pathlib import Path
import numpy as np
import graphmax.files.writing, graphmax.files.nodes_and_edges
import graphmax as gm

folder, words = Path(sys.argv[1]), []
Path(folder, "g.csv").write_text("0,1\\n1,2\\n")
graph = gm.Graph.from_edges([0], [1])
graph.edges()
doors = [
    lambda: gm.write_table({"h": np.arange(3.0)}, folder / "h.csv"),
    lambda: gm.write_graph(graph, folder / "g.parquet"),
    lambda: gm.read_graph(folder / "g.csv"),
    lambda: gm.local_maxima_tables(folder / "g.csv", folder / "g.csv", "degree"),
]
for door in doors:
    for extra in (20, 100, 190):
        child = os.fork()
        if not child:
            signal.alarm(20)
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * os.sysconf("SC_PAGE_SIZE") + extra * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            try:
                door()
            except MemoryError as error:
                os._exit(10 if "address space" in str(error) else 11)
            except gm.GraphFileError as error:
                os._exit(10 if "fit into memory" in str(error) else 12)
            os._exit(0)
        words.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(words)
"""


@linux
def test_duckdb_is_not_started_without_room(tmp_path):
    env = {**os.environ, "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        capture_output=True, text=True, env=env, check=False,
    )  # fmt: skip
    assert done.stdout == f"{[10] * 12}\n", done.stderr


@pytest.fixture
def no_room(monkeypatch):
    """Let the machine have no memory left, and look even where little is asked for."""
    monkeypatch.setattr(machine, "_SMALL", -1)
    monkeypatch.setattr(machine, "free_memory", lambda: 0)
    monkeypatch.setattr(machine, "_meminfo", lambda name: 0)


@pytest.mark.parametrize("ending", VALID)
def test_every_reader_looks_for_room_first(tmp_path, no_room, ending):
    path = tmp_path / f"graph.{ending}"
    path.write_bytes(VALID[ending])
    with pytest.raises(
        gm.GraphFileError, match="must fit into memory, got .*, where 0 MiB are free"
    ):
        gm.read_graph(path)


def test_graphs_look_for_room_before_it_is_taken(no_room):
    for build in (
        lambda: gm.grid_graph((400, 400, 400)),
        lambda: gm.Graph.from_edges([0], [1], 2**31 - 1),
        lambda: gm.as_graph(nx.path_graph(3)),
    ):
        with pytest.raises(MemoryError, match="MiB for .*, where 0 MiB are free"):
            build()


def test_what_swap_holds_is_room(monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: 0)
    monkeypatch.setattr(machine, "_meminfo", lambda name: 2**40 * (name == "SwapFree"))
    machine.check_room(2**39, "a test")


def test_free_memory_is_what_the_system_says():
    assert 0 < machine.free_memory() < 2**50
