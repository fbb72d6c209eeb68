"""The operator against scatters, scoring and training against generic networks, in one run.

    pytest tests/benchmarks/test_bench_detector.py --benchmark-only -s

Ratios are medians of ratios of calls that alternate, so that load hits both sides alike.
"""

import time
import tracemalloc

import numpy as np
import pytest
import torch
from experiments import baselines

import graphmax as gm
from graphmax.nn import hop_max
from graphmax.nn.steps import by_scatter
from graphmax.training.blocks import blocks_of

NODES, PAIRS = 1_000_000, 4_000_000


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(0)
    graph = gm.Graph.from_edges(*rng.integers(0, NODES, (2, PAIRS)), NODES)
    data = graph.to_data()
    return graph, data.edge_index, torch.from_numpy(rng.normal(size=NODES))


def ratio(ours, peer, rounds):
    """Median of peer time / our time over calls that alternate, after one of each."""
    ours(), peer()
    return float(np.median([clock(peer) / clock(ours) for _ in range(rounds)]))


def clock(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def tell(benchmark, name, value, goal):
    benchmark.extra_info[name] = value
    print(f"\n{name}: {value:.1f} times (goal {goal})")


@torch.no_grad()
@pytest.mark.parametrize(("kind", "goal"), [("graph", 7), ("edge_index", 4)])
def test_hop_max(benchmark, large, kind, goal):
    graph, entries, scores = large
    given = graph if kind == "graph" else entries
    benchmark.pedantic(lambda: hop_max(scores, given, 2), rounds=3, warmup_rounds=1)
    found = ratio(lambda: hop_max(scores, given, 2), lambda: by_scatter(scores, entries, 2), 3)
    tell(benchmark, f"hop_max from {kind} against scatters", found, goal)


def peak_of(call):
    """Bytes that the tensors of a call take at most, by torch's own profiler."""
    with torch.profiler.profile(profile_memory=True) as profile:
        call()
    total = most = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            total += event.nbytes()
            most = max(most, total)
    return most


@torch.no_grad()
@pytest.mark.parametrize(("name", "goal"), [("PNA", 10), ("SAGE max", 4)])
def test_scoring(benchmark, name, goal):
    rng = np.random.default_rng(0)
    graph = gm.Graph.from_edges(*rng.integers(0, 100_000, (2, 400_000)), 100_000)
    data = graph.to_data()
    data.x = torch.from_numpy(rng.normal(size=(100_000, 1)))
    detector = gm.PeakDetector.from_pretrained("attribute-1-hop")
    peer = baselines.Baseline(name, layers=2).eval()

    def ours():
        return detector(data.x, data.edge_index)

    def theirs():
        return peer(data.x, data.edge_index)

    benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    tell(benchmark, f"scoring against {name}", ratio(ours, theirs, 3), goal)
    tracemalloc.start()  # NumPy reports to it, torch does not
    ours()
    plain = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    told = (peak_of(ours) + plain) / 2**20, peak_of(theirs) / 2**20
    benchmark.extra_info["peak MiB ours, theirs"] = told
    print(f"peak memory beside the graph: {told[0]:.0f} MiB, {name} {told[1]:.0f} MiB")


def test_training_epoch(benchmark):
    rng = np.random.default_rng(0)
    graphs = []
    for seed in range(100):
        graph = gm.Graph.from_edges(*rng.integers(0, 300, (2, 900)), 300)
        data = graph.to_data()
        data.x = torch.from_numpy(np.random.default_rng(seed).normal(size=(300, 1)))
        data.y = gm.local_maxima(graph, data.x[:, 0])
        graphs.append(data)
    detector = gm.PeakDetector().train()
    (block,) = blocks_of(graphs, "graphs", 1, "in")
    network = baselines.Baseline("SAGE max", layers=2).train()
    adam = torch.optim.Adam(detector.parameters()), torch.optim.Adam(network.parameters())
    target = block.y.float()

    def ours():
        adam[0].zero_grad()
        detector.loss_on(block.x, block.steps, block.y, block.mask).backward()
        adam[0].step()

    def theirs():
        adam[1].zero_grad()
        logits = network(block.x, block.steps.edge_index)
        torch.nn.functional.binary_cross_entropy_with_logits(logits, target).backward()
        adam[1].step()

    benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    tell(benchmark, "training epoch against SAGE max", ratio(ours, theirs, 3), 8)
