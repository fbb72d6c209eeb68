"""Extraction of neighborhoods against igraph and PyG, in one run, and streaming under a budget.

    pytest tests/benchmarks/test_bench_neighborhoods.py --benchmark-only -s

100,000 nodes, 1.6 M directed edges. We answer for many roots in one call, igraph and PyG one root
a call, as their interfaces go; ratios are of times per root, medians over rounds in which each
runs right after the other.
"""

import subprocess
import sys
import time
from statistics import median

import numpy as np
import pytest

import graphmax as gm
from graphmax import generators as gen

NODES, DEGREE = 100_000, 16
ROOTS = {1: 20_000, 2: 2_000}
SAMPLE = {1: 2_000, 2: 200}

STREAM = """
import resource, sys, time
import numpy as np
import graphmax as gm
from graphmax import generators as gen

def resident():
    with open("/proc/self/status") as lines:
        fields = dict(line.split(":", 1) for line in lines)
    return int(fields["VmHWM"].split()[0]) / 1024, int(fields["VmRSS"].split()[0]) / 1024

nodes, budget, layout = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng(0)
src = rng.integers(0, nodes, nodes, dtype=np.int32)
dst = rng.integers(0, nodes, nodes, dtype=np.int32)
graph = gm.Graph.from_edges(src, dst, nodes)
del src, dst
values = rng.random(nodes)
for _ in gm.iter_neighborhoods(graph, values, roots=[0], layout=layout, memory=budget << 20):
    pass
open("/proc/self/clear_refs", "w").write("5")
before = resident()[1]
start, roots, maxima = time.perf_counter(), 0, 0
for batch in gm.iter_neighborhoods(graph, values, layout=layout, memory=budget << 20):
    roots += len(batch)
    maxima += int(batch.labels().sum())
print(roots, maxima, time.perf_counter() - start, before, resident()[0])
"""


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(0)
    return gen.erdos_renyi(NODES, DEGREE / (NODES - 1), generator=rng)


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(1).random(NODES)


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratio_per_root(ours, theirs, share, rounds=5):
    """Median of their time over ours; they answer for a share of our roots."""
    ours()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return median(peer / share / own for own, peer in pairs)


@pytest.mark.parametrize("hops", [1, 2])
def test_igraph(benchmark, graph, values, hops):
    igraph = pytest.importorskip("igraph")
    peer = igraph.Graph(n=NODES, edges=graph.edges().T.tolist())
    roots = np.random.default_rng(2).choice(NODES, ROOTS[hops], replace=False)
    few = roots[: SAMPLE[hops]].tolist()

    def ours():
        return gm.neighborhoods(graph, values, roots, hops)

    def theirs():
        for root in few:
            peer.induced_subgraph(peer.neighborhood(root, order=hops))

    batch = benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    ratio = ratio_per_root(ours, theirs, len(few) / roots.size)
    benchmark.extra_info.update(
        ratio=ratio, nodes=batch.node.size, entries=batch.edge_index.shape[1]
    )
    per_root = benchmark.stats.stats.median / roots.size * 1e6
    print(
        f"\n{hops} hops, {roots.size} roots: {per_root:.2f} us a root; "
        f"igraph takes {ratio:.1f} times as long a root (floor 5, aim 10)"
    )


def test_pyg(benchmark, graph, values):
    from torch_geometric.utils import k_hop_subgraph

    edge_index = graph.to_data().edge_index
    roots = np.random.default_rng(2).choice(NODES, ROOTS[1], replace=False)
    few = roots[:3].tolist()

    def ours():
        return gm.neighborhoods(graph, values, roots, 1)

    def theirs():
        for root in few:
            k_hop_subgraph(root, 1, edge_index, relabel_nodes=True, num_nodes=NODES)

    benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    ratio = ratio_per_root(ours, theirs, len(few) / roots.size, rounds=3)
    benchmark.extra_info["ratio"] = ratio
    print(f"\nPyG k_hop_subgraph, 1 hop: {ratio:.0f} times as long a root")


@pytest.mark.parametrize("layout", ["sparse", "dense"])
def test_streaming_stays_under_its_budget(benchmark, layout):
    nodes, budget = 10_000_000, 256

    def stream():
        command = [sys.executable, "-c", STREAM, str(nodes), str(budget), layout]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [float(number) for number in done.stdout.split()]

    roots, maxima, took, before, most = benchmark.pedantic(stream, rounds=1)
    extra = most - before
    benchmark.extra_info.update(seconds=took, extra_mib=extra, budget_mib=budget)
    print(
        f"\n{layout}: {roots:.0f} roots ({maxima:.0f} maxima) in {took:.0f} s; resident memory rose "
        f"by {extra:.0f} MiB above graph and values ({before:.0f} MiB), budget {budget} MiB"
    )
    assert extra < budget
