"""Fit and samples of `peak_probability` on random graphs of degree 8: time, memory and growth.

    pytest tests/benchmarks/test_bench_posterior.py --benchmark-only -s

Goal: 1,000,000 nodes, 8,000,000 entries, 200 samples within 10 minutes on two cores and 4 GB.
"""

import resource
import time

import numpy as np
import pytest

import graphmax as gm

SIZES = (62_500, 250_000, 1_000_000)


def measured(nodes):
    """A random graph, and noise on values that neighbors share."""
    rng = np.random.default_rng(0)
    graph = gm.Graph.from_edges(*rng.integers(0, nodes, (2, 4 * nodes)), nodes)
    rows = graph.adjacency("in")
    row, values = np.repeat(np.arange(nodes), np.diff(rows.indptr)), rng.normal(size=nodes)
    for _ in range(2):
        values = values + np.bincount(row, values[rows.indices], nodes) / 8
    return graph, values / values.std() + rng.normal(size=nodes)


@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.filterwarnings("ignore::UserWarning")  # this is no Gaussian field of the model
def test_fit_and_samples(benchmark, nodes):
    graph, y = measured(nodes)
    start = time.perf_counter()
    benchmark.pedantic(lambda: gm.peak_probability(graph, y, samples=200), rounds=1)
    taken = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    benchmark.extra_info["microseconds per node"] = 1e6 * taken / nodes
    print(
        f"\n{nodes:,} nodes: {taken:.0f} s, {1e6 * taken / nodes:.0f} us per node, {memory:.2f} GB"
    )
