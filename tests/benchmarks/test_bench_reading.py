"""Reading a CSV edge list, ids mapped and adjacency built, against readers that do less.

    pytest tests/benchmarks/test_bench_reading.py --benchmark-only -s

DuckDB and pandas only parse the two columns; networkx builds its graph. Each peer runs in turn
with us and the median of the ratios is printed; absolute times mean nothing on another machine.
"""

import gc
import time
from statistics import median

import duckdb
import networkx as nx
import pandas as pd
import pytest

from graphmax import read_graph

EDGES = 10_000_000
NODES = 1_000_000
IDS = {
    "dense integers": "floor(random() * {n})::bigint",
    "sparse integers": "1000000000000 + 7919 * floor(random() * {n})::bigint",
    "text": "'n' || floor(random() * {n})::bigint",
}


@pytest.fixture(scope="module")
def edge_list(tmp_path_factory):
    """Write each kind of file once, all with the same seed."""
    folder = tmp_path_factory.mktemp("reading")

    def write(kind, edges=EDGES, nodes=NODES):
        path = folder / f"{kind} {edges}.csv"
        if not path.exists():
            end = IDS[kind].format(n=nodes)
            with duckdb.connect() as connection:
                connection.execute("select setseed(0.5)")
                query = f"select {end} as src, {end} as dst from range({edges})"
                connection.execute(f"copy ({query}) to '{path}' (header true)")
        return path

    return write


def seconds(call):
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratios(ours, theirs, rounds):
    """Median of ours / theirs over rounds in which each runs right after the other."""
    ours()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return median(own / peer for own, peer in pairs)


def bare_duckdb(path):
    with duckdb.connect() as connection:
        connection.execute(f"select * from read_csv('{path}')").fetchnumpy()


@pytest.mark.parametrize("kind", list(IDS))
def test_against_a_bare_read(benchmark, edge_list, kind):
    path = edge_list(kind)
    ours = benchmark.pedantic(read_graph, (path,), rounds=3, warmup_rounds=1)
    assert ours.num_edges > 0.99 * EDGES
    against = {"DuckDB": lambda: bare_duckdb(path), "pandas": lambda: pd.read_csv(path)}
    for name, theirs in against.items():
        ratio = ratios(lambda: read_graph(path), theirs, 3)
        benchmark.extra_info[name] = ratio
        print(f"\n{kind}: {ratio:.2f} times the bare read of {name} (at most 3)")


def test_against_networkx(benchmark, edge_list):
    path = edge_list("dense integers")
    benchmark.pedantic(read_graph, (path,), rounds=3, warmup_rounds=1)
    own = seconds(lambda: read_graph(path))
    peer = seconds(
        lambda: nx.read_edgelist(path, delimiter=",", nodetype=int, comments="s")  # the header
    )
    benchmark.extra_info["networkx"] = peer / own
    print(f"\nnetworkx takes {peer / own:.1f} times as long (at least 10)")
