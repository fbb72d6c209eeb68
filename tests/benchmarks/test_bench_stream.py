"""One hop over shuffled edges against torch: no rows, no sort.

pytest tests/benchmarks/test_bench_stream.py -o addopts= --benchmark-only -s
"""

from time import perf_counter

import numpy as np
import pytest
import torch

from graphmax.kernels import stream
from graphmax.kernels.compare import STRICT
from graphmax.values import order_key

NUM_NODES = 10**6
NOBODY = np.zeros(0, np.bool_)


def seconds(call, rounds=9):
    """Return the best of several turns: what the machine can do, whoever else is on it."""
    times = []
    for _ in range(rounds):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return min(times)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("edges", [10**6, 16 * 10**6])
def test_one_hop_against_scatter(benchmark, edges, dtype):
    draw = np.random.default_rng(1)
    src, dst = draw.integers(0, NUM_NODES, (2, edges))
    x = draw.random(NUM_NODES, dtype)
    tensors = [torch.from_numpy(array) for array in (src, dst, x)]

    def by_torch():
        u, v, values = tensors
        lowest = torch.full_like(values, -torch.inf)
        return values > lowest.scatter_reduce(0, v, values[u], "amax")

    def by_stream():
        return stream.one_hop(src, dst, order_key(x).key, NOBODY, STRICT, stream.FORWARD)[0]

    loops = tensors[0] != tensors[1]
    tensors[:2] = tensors[0][loops], tensors[1][loops]
    np.testing.assert_array_equal(by_stream(), by_torch().numpy())
    benchmark.pedantic(by_stream, rounds=5, warmup_rounds=1)
    peer, own = seconds(by_torch), seconds(by_stream)
    benchmark.extra_info.update(scatter=peer, ratio=peer / own)
    print(f"\n{edges:>11,} edges, {dtype.__name__}: {1e3 * own:.1f} ms, scatter_reduce "
          f"{1e3 * peer:.1f} ms, ratio {peer / own:.1f}")  # fmt: skip
