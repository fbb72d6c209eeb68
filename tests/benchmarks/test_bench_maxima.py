"""Exact local maxima against GraphBLAS, PyG and SciPy, in one run.

    pytest tests/benchmarks/test_bench_maxima.py --benchmark-only -s

Each benchmark times us with pytest-benchmark, the peer in turn with us, and prints the median of
the ratios; absolute times mean nothing on another machine.
"""

import gc
import subprocess
import sys
import time
from statistics import median

import numpy as np
import pytest
import scipy.sparse as sp
from numba import njit, prange

from graphmax import Graph, local_maxima

NODES = 1_000_000
DEGREE = 64


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def median_ratio(ours, theirs, rounds=7):
    """Median of theirs / ours over rounds in which each runs right after the other."""
    ours()
    theirs()
    gc.disable()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    gc.enable()
    return median(peer / own for own, peer in pairs)


def report(benchmark, name, ratio, floor, aim=None):
    benchmark.extra_info["ratio"] = ratio
    goal = f"floor {floor}" + (f", aim {aim}" if aim else "")
    print(f"\n{name}: {ratio:.2f} times ({goal})")


@pytest.fixture(scope="module")
def random_graph():
    rng = np.random.default_rng(0)
    src, dst = rng.integers(0, NODES, (2, NODES * DEGREE // 2), dtype=np.int32)
    return Graph.from_edges(src, dst, NODES), rng.random(NODES)


@pytest.fixture(scope="module")
def matrix(random_graph):
    graphblas = pytest.importorskip("graphblas")
    graph, values = random_graph
    ones = np.ones(graph.indices.size, np.int8)
    rows = sp.csr_array((ones, graph.indices, graph.indptr), shape=(NODES, NODES))
    return graphblas.io.from_scipy_sparse(rows), graphblas.Vector.from_dense(values)


def graphblas_maxima(matrix, values, steps):
    import graphblas

    rows, best = matrix
    for _ in range(steps):
        best = rows.mxv(best, graphblas.semiring.max_second).new()
    return values > best.to_dense(fill_value=-np.inf)


@njit(parallel=True)
def check_certificate(indptr, indices, values, position):
    """The least that any check must do: one look a "no", the whole row a "yes"."""
    good = np.empty(position.size, np.bool_)
    for v in prange(position.size):
        if position[v] >= 0:
            good[v] = values[indices[indptr[v] + position[v]]] >= values[v]
        else:
            beaten = False
            for p in range(indptr[v], indptr[v + 1]):
                beaten |= values[indices[p]] >= values[v]
            good[v] = not beaten
    return good


@njit
def first_challenger(indptr, indices, values):
    position = np.full(values.size, -1, np.int32)
    for v in range(values.size):
        for p in range(indptr[v], indptr[v + 1]):
            if values[indices[p]] >= values[v]:
                position[v] = p - indptr[v]
                break
    return position


def test_one_hop_against_graphblas(benchmark, random_graph, matrix):
    graph, values = random_graph
    ours = benchmark(local_maxima, graph, values)
    assert (ours == graphblas_maxima(matrix, values, 1)).all()
    ratio = median_ratio(
        lambda: local_maxima(graph, values), lambda: graphblas_maxima(matrix, values, 1)
    )
    report(benchmark, "strict 1 hop, GraphBLAS max_second", ratio, 2, 5)
    assert ratio >= 2


def test_one_hop_against_pyg(benchmark, random_graph):
    torch = pytest.importorskip("torch")
    from torch_geometric.utils import scatter

    graph, values = random_graph
    source, target = torch.from_numpy(graph.edges())
    source, target = torch.cat([source, target]), torch.cat([target, source])
    x = torch.from_numpy(values)

    def peer():
        return x > scatter(x[source], target, dim_size=NODES, reduce="max")

    ours = benchmark(local_maxima, graph, values)
    assert (torch.from_numpy(ours) == peer()).all()
    ratio = median_ratio(lambda: local_maxima(graph, values), peer, rounds=3)
    report(benchmark, "strict 1 hop, PyG scatter", ratio, 20)
    assert ratio >= 20


def test_one_hop_against_checking_a_certificate(benchmark, random_graph):
    graph, values = random_graph
    position = first_challenger(graph.indptr, graph.indices, values)
    benchmark(local_maxima, graph, values)
    ratio = median_ratio(
        lambda: check_certificate(graph.indptr, graph.indices, values, position),
        lambda: local_maxima(graph, values),
    )
    report(
        benchmark, "our time over checking a ready-made certificate (less is better)", ratio, 6, 2
    )
    assert ratio <= 6


def test_two_hops_against_graphblas(benchmark, random_graph, matrix):
    graph, values = random_graph

    def peer():
        import graphblas

        rows, best = matrix
        for _ in range(2):
            reached = rows.mxv(best, graphblas.semiring.max_second).new()
            best = best.ewise_add(reached, graphblas.binary.max).new()
        return values >= best.to_dense(fill_value=-np.inf)

    ours = benchmark(local_maxima, graph, values, 2)
    assert (ours == peer()).all()
    ratio = median_ratio(lambda: local_maxima(graph, values, 2), peer)
    report(benchmark, "strict 2 hops, two GraphBLAS steps", ratio, 3)
    assert ratio >= 3


def test_build_against_scipy(benchmark):
    rng = np.random.default_rng(1)
    src, dst = rng.integers(0, NODES, (2, 20_000_000))

    def ours():
        return Graph.from_edges(src, dst, NODES, directed=True)

    def peer():
        entries = np.ones(src.size, bool)
        return sp.coo_array((entries, (dst, src)), shape=(NODES, NODES)).tocsr()

    benchmark.pedantic(ours, rounds=3)
    ratio = median_ratio(ours, peer, rounds=5)
    report(benchmark, "CSR from 20 M random entries, SciPy coo to csr", ratio, 2.5, 4)
    assert ratio >= 2.5


@pytest.mark.parametrize("edges", [10**4, 10**5, 10**6, 10**7, 3 * 10**7])
def test_growth(benchmark, edges):
    rng = np.random.default_rng(2)
    num_nodes = edges // 16
    src, dst = rng.integers(0, num_nodes, (2, edges), dtype=np.int32)
    graph, values = Graph.from_edges(src, dst, num_nodes), rng.random(num_nodes)
    benchmark(local_maxima, graph, values)
    per_edge = benchmark.stats.stats.median / edges * 1e9
    print(f"\n{edges:.0e} edges: {per_edge:.3f} ns an edge")


MEMORY = """
import resource, sys
import numpy as np
from graphmax import Graph, local_maxima
rng = np.random.default_rng(0)
src, dst = rng.integers(0, {nodes}, (2, {nodes} * {degree} // 2), dtype=np.int32)
graph, values = Graph.from_edges(src, dst, {nodes}), rng.random({nodes})
own = graph.indptr.nbytes + graph.indices.nbytes + values.nbytes
small = Graph.from_edges([0, 1], [1, 2])
local_maxima(small, [0.0, 1.0, 2.0], {hops})
del src, dst
open('/proc/self/clear_refs', 'w').write('5')
local_maxima(graph, values, {hops})
peak = [line for line in open('/proc/self/status') if line.startswith('VmHWM')][0]
print(int(peak.split()[1]) * 1024 / own)
"""


@pytest.mark.parametrize("hops", [1, 2])
def test_peak_memory(benchmark, hops):
    code = MEMORY.format(nodes=NODES, degree=DEGREE, hops=hops)

    def measure():
        return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)  # fmt: skip

    share = benchmark.pedantic(measure, rounds=1)
    report(
        benchmark, f"peak memory of the process over the graph's arrays, {hops} hops", share, 2.5
    )
    assert share <= 2.5
