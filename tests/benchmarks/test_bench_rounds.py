"""Several hops from raw edges: a pass a hop against rows and a search, and the choice by size.

    pytest tests/benchmarks/test_bench_rounds.py -o addopts= --benchmark-only -s

Whole calls on random edges. The last line says what the constants of `engine` would be here.
"""

from itertools import product
from math import inf
from time import perf_counter
from unittest import mock

import numpy as np
import scipy.sparse as sp
from scipy.optimize import nnls

import graphmax as gm
from graphmax.maxima import engine

NODES, ENTRIES_A_NODE, HOPS = (10**4, 10**5, 10**6), (1, 2, 4, 8, 16), (2, 3, 5)
BOTH, WEIGHTED = (False, True), (False, True)
# What the choice may cost beside always the faster way, in the mean.
MOST_REGRET = 1.1


def edges_of(num_nodes, entries, *, both, weighted):
    """Draw entries, with the reverse of each if `both`: a pair of arrays, or a matrix."""
    draw = np.random.default_rng(0)
    src, dst = draw.integers(0, num_nodes, (2, entries // (1 + both)))
    weights = draw.random(src.size)
    if both:
        src, dst = np.concatenate([src, dst]), np.concatenate([dst, src])
        weights = np.tile(weights, 2)
    if not weighted:
        return src, dst
    return sp.coo_array((weights, (src.astype(np.int32), dst.astype(np.int32))), (num_nodes,) * 2)


def seconds(edges, values, hops, cost):
    """Return the best of some whole calls that take this for the cost of rounds."""
    times = []
    with mock.patch.object(engine, "cost_of_rounds", return_value=cost):
        for _ in range(1 if values.size == NODES[-1] else 3):
            began = perf_counter()
            mask = gm.local_maxima(edges, values, hops, direction="in")
            times.append(perf_counter() - began)
    return min(times), mask


def fitted(features, times):
    """Fit nonnegative constants to relative errors, in nanoseconds."""
    scaled = np.stack(features, 1) / (1e9 * times[:, None])
    return nnls(scaled, np.ones(len(times)))[0].round(1).tolist()


def test_rows_or_rounds(benchmark):
    found = []

    def measure():
        for num_nodes, many, both, weighted in product(NODES, ENTRIES_A_NODE, BOTH, WEIGHTED):
            edges = edges_of(num_nodes, num_nodes * many, both=both, weighted=weighted)
            entries = edges.nnz if weighted else edges[0].size
            values = np.random.default_rng(1).random(num_nodes)
            for hops in HOPS:
                rows, expected = seconds(edges, values, hops, inf)
                rounds, mask = seconds(edges, values, hops, -inf)
                np.testing.assert_array_equal(mask, expected)
                found.append((num_nodes, entries, weighted, hops, rows, rounds))

    benchmark.pedantic(measure, rounds=1)
    n, e, weighted, hops, rows, rounds = np.array(found).T
    costs = [
        (engine.cost_of_rows(*size, weighted=w), engine.cost_of_rounds(*size, int(k)))
        for *size, w, k, _, _ in found
    ]
    taken = np.array([second < first for first, second in costs])
    best, ours = np.minimum(rows, rounds), np.where(taken, rounds, rows)
    for *case, a, b in found:
        print("{:>9,} nodes {:>11,} entries weights={:d} {} hops".format(*case), f"rows {1e3 * a:8.2f} ms, rounds {1e3 * b:8.2f} ms")  # fmt: skip
    regret = {"choice": ours / best, "rows": rows / best, "rounds": rounds / best}
    told = {name: float(each.mean()) for name, each in regret.items()}
    benchmark.extra_info.update(told)
    print(f"\ntime over that of the faster way, mean: {told}; worst of the choice {regret['choice'].max():.2f}")  # fmt: skip
    ones = np.ones(len(n))
    print("rows:", fitted([ones, n, e, e * weighted, n * n / (n + e)], rows),
          "rounds:", fitted([ones, n, (hops - 1) * n, (hops - 1) * e], rounds))  # fmt: skip
    assert told["choice"] < MOST_REGRET
    assert told["choice"] < min(told["rows"], told["rounds"])
