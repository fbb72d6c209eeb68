"""Rows from edges, their symmetry check and their reversal, in one run.

    pytest tests/benchmarks/test_bench_build.py --benchmark-only -s

16 M undirected edges, a million nodes. Each benchmark times us with pytest-benchmark, the peer in
turn with us, and prints the median of the ratios; absolute times mean nothing on another machine.
"""

import gc
import subprocess
import sys
import time
from statistics import median

import numpy as np
import pytest
import scipy.sparse as sp

from graphmax import Graph
from graphmax.graph import Adjacency
from graphmax.kernels import csr

NODES, EDGES = 1_000_000, 16_000_000
NO_WEIGHTS = np.zeros(0)


@pytest.fixture(scope="module", params=["int32", "int64"])
def ends(request):
    return np.random.default_rng(0).integers(0, NODES, (2, EDGES)).astype(request.param)


def seconds(call):
    """Time of the clock, and of the processor over all threads."""
    start, worked = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - worked


def ratios(ours, theirs, rounds):
    """Median of their time over ours, as the clock and the processor see it."""
    ours()
    gc.disable()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    gc.enable()
    return [median(peer[i] / own[i] for own, peer in pairs) for i in range(2)]


def report(benchmark, name, found, goal):
    benchmark.extra_info["ratio"], benchmark.extra_info["processor ratio"] = found
    print(f"\n{name}: {found[0]:.1f} times, {found[1]:.1f} in processor time ({goal})")


def scipy_rows(src, dst):
    """What a user writes instead: both directions, rows, sorted, without repeats."""
    rows, columns = np.concatenate([dst, src]), np.concatenate([src, dst])
    entries = np.ones(rows.size, np.int8)
    matrix = sp.coo_array((entries, (rows, columns)), shape=(NODES, NODES)).tocsr()
    matrix.sum_duplicates()
    return matrix


def test_build(benchmark, ends):
    src, dst = ends
    ours = benchmark.pedantic(csr.build, (src, dst, NO_WEIGHTS, NODES, True), rounds=3)
    loops = int((src == dst).sum())
    assert ours[3] == 2 * (EDGES - loops)
    found = ratios(
        lambda: csr.build(src, dst, NO_WEIGHTS, NODES, True), lambda: scipy_rows(src, dst), 3
    )
    report(benchmark, f"rows from {src.dtype} edges, SciPy's tocsr", found, "floor 6, aim 10")


def test_symmetry_check(benchmark, ends):
    """Against SciPy's difference from its transpose, and where the first look decides."""
    graph = Graph.from_edges(*ends, NODES)
    rows = graph.adjacency()
    ones = np.ones(rows.indices.size, np.int8)
    matrix = sp.csr_array((ones, rows.indices, rows.indptr), shape=(NODES, NODES))
    benchmark.pedantic(lambda: rows.symmetric, rounds=3)
    found = ratios(lambda: rows.symmetric, lambda: (matrix != matrix.T).nnz, 3)
    report(benchmark, "symmetry, SciPy's (A != A.T).nnz", found, "no goal")
    arrows = Graph.from_edges(*ends, NODES, directed=True).adjacency()
    first = min(seconds(lambda: arrows.symmetric)[0] for _ in range(3))
    print(f"not symmetric: {1000 * first:.1f} ms; symmetric {benchmark.stats.stats.min:.3f} s")


def test_reversal_and_filter(benchmark, ends):
    arrows = Graph.from_edges(*ends, NODES, directed=True).adjacency()
    ones = np.ones(arrows.indices.size, np.int8)
    matrix = sp.csr_array((ones, arrows.indices, arrows.indptr), shape=(NODES, NODES))
    benchmark.pedantic(arrows.reversed, rounds=3)
    found = ratios(arrows.reversed, lambda: matrix.T.tocsr(), 3)
    report(benchmark, "reversed rows, SciPy's A.T.tocsr()", found, "no goal")
    absent = np.random.default_rng(1).random(NODES) < 0.2
    keep = sp.diags_array((~absent).astype(np.int8), dtype=np.int8).tocsr()
    bare = Adjacency(arrows.indptr, arrows.indices, None)
    found = ratios(lambda: bare.without(absent), lambda: keep @ matrix @ keep, 3)
    report(benchmark, "rows without a fifth of the nodes, SciPy's D A D", found, "no goal")


MEMORY = """
import numpy as np
from graphmax.kernels import csr
nodes, edges = {nodes}, {edges}
ends = np.random.default_rng(0).integers(0, nodes, (2, edges)).astype("{dtype}")
no_weights = np.zeros(0)
csr.build(*ends[:, :100_000], no_weights, nodes, True)

def resident(field):
    with open("/proc/self/status") as lines:
        return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024

open("/proc/self/clear_refs", "w").write("5")
before = resident("VmRSS")
rows = csr.build(*ends, no_weights, nodes, True)
print((resident("VmHWM") - before) / ends.nbytes)
"""


@pytest.mark.parametrize("nodes", [NODES, 20 * NODES])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_peak_memory(benchmark, nodes, dtype):
    """Of the build alone, its result included; the edges themselves stay."""
    code = MEMORY.format(nodes=nodes, edges=EDGES, dtype=dtype)

    def measure():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        return float(done.stdout)

    share = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info["share"] = share
    print(f"\n{nodes:,} nodes, {dtype}: {share:.2f} times the edges (ceiling 3)")
    assert share < 3
