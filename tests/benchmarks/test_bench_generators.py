"""Random graphs of 10 M edges against networkx, in one run.

    pytest tests/benchmarks/test_bench_generators.py --benchmark-only -s

networkx is timed once, on the same model with a tenth of the edges, times ten: its samplers are
linear in the edges, and the whole would take minutes and 10 GB. (Its caches are the warmer for
it, so that the ratio is a lower bound.) Blocks: a hundredth, times a hundred; a tenth takes it
more than 300 s.
"""

import time

import networkx as nx
import numpy as np
import pytest

from graphmax import generators as gen

EDGES = 10_000_000
NODES = EDGES // 10
SHARE = {"stochastic_block": 100}


def rng():
    return np.random.default_rng(0)


def _degrees(n):
    return np.full(n, 20)


MODELS = {
    "erdos_renyi": (
        lambda n: gen.erdos_renyi(n, 20 / (n - 1), generator=rng()),
        lambda n: nx.fast_gnp_random_graph(n, 20 / (n - 1), seed=0),
    ),
    "barabasi_albert": (
        lambda n: gen.barabasi_albert(n, 10, generator=rng()),
        lambda n: nx.barabasi_albert_graph(n, 10, seed=0),
    ),
    "watts_strogatz": (
        lambda n: gen.watts_strogatz(n, 20, 0.1, generator=rng()),
        lambda n: nx.watts_strogatz_graph(n, 20, 0.1, seed=0),
    ),
    "random_geometric": (
        lambda n: gen.random_geometric(n, (20 / (np.pi * n)) ** 0.5, generator=rng()),
        lambda n: nx.random_geometric_graph(n, (20 / (np.pi * n)) ** 0.5, seed=0),
    ),
    "stochastic_block": (
        lambda n: gen.stochastic_block([n // 4] * 4, _table(n), generator=rng()),
        lambda n: nx.stochastic_block_model([n // 4] * 4, _table(n), seed=0, sparse=True),
    ),
    "configuration": (
        lambda n: gen.configuration(_degrees(n), generator=rng()),
        lambda n: nx.Graph(nx.configuration_model(_degrees(n).tolist(), seed=0)),
    ),
    "random_tree": (
        lambda n: gen.random_tree(10 * n, generator=rng()),
        lambda n: nx.random_labeled_tree(10 * n, seed=0),
    ),
}


def _table(n):
    return (np.full((4, 4), 0.5) + 2.5 * np.eye(4)) * 20 / n


@pytest.mark.parametrize("model", MODELS)
def test_networkx(benchmark, model):
    ours, theirs = MODELS[model]
    graph = benchmark.pedantic(ours, (NODES,), rounds=3, warmup_rounds=1)
    start = time.perf_counter()
    share = SHARE.get(model, 10)
    theirs(NODES // share)
    peer = (time.perf_counter() - start) * share
    ratio = peer / benchmark.stats.stats.median
    benchmark.extra_info.update(ratio=ratio, edges=graph.num_edges)
    print(
        f"\n{model}: {graph.num_edges} edges in {benchmark.stats.stats.median:.2f} s; "
        f"networkx {peer:.0f} s, {ratio:.0f} times as long (floor 10)"
    )


@pytest.mark.parametrize("model", ["delaunay", "rmat"])
def test_without_a_peer(benchmark, model):
    calls = {
        "delaunay": lambda: gen.delaunay(EDGES // 30, generator=rng()),
        "rmat": lambda: gen.rmat(24, 10 * EDGES, generator=rng()),
    }
    graph = benchmark.pedantic(calls[model], rounds=1)
    print(f"\n{model}: {graph} in {benchmark.stats.stats.median:.1f} s")
