"""DuckDB with 1 GB against memory, on 10**6 to 10**8 directed edges, two hops.

GRAPHMAX_BENCH_FOLDER=/some/disk pytest tests/benchmarks/test_bench_tables.py \
    -o addopts= --benchmark-only -s
Each run is a process of its own, so that its peak of resident memory is its own. The tables are
made once in the folder (1.6 GB for the largest) and kept there for the next time.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import duckdb
import pytest

HOPS = 2
MEMORY = "1GB"
EDGES = [10**6, 10**7, 10**8]
RUN = """
import json, sys
from graphmax.tables import local_maxima_tables
folder, engine, limit, out = sys.argv[1:5]
answer = local_maxima_tables(
    f"{folder}/edges.parquet", f"{folder}/nodes.parquet", "value", int(sys.argv[5]),
    engine=engine, directed=True, memory_limit=limit or None, out=out,
)
print(json.dumps({"maxima": answer.num_maxima, "stages": answer.stages}))
"""


def tables_of(num_edges):
    """Make a random directed graph with ten edges a node, once."""
    home = Path(os.environ.get("GRAPHMAX_BENCH_FOLDER", tempfile.gettempdir()))
    folder = home / f"graphmax-bench-{num_edges}"
    folder.mkdir(exist_ok=True)
    n = num_edges // 10
    texts = {
        "edges": f"SELECT (hash(range) % {n})::INTEGER AS src, "
        f"(hash(range + {num_edges}) % {n})::INTEGER AS dst FROM range({num_edges})",
        "nodes": f"SELECT range::INTEGER AS id, (hash(range + 7) % {n})::INTEGER AS value "
        f"FROM range({n})",
    }
    for name, text in texts.items():
        if not (folder / f"{name}.parquet").exists():
            made = folder / f"{name}.part"
            duckdb.execute(f"COPY ({text}) TO '{made}' (FORMAT parquet)")
            made.rename(folder / f"{name}.parquet")
    return folder


def run(folder, engine, limit=""):
    """Label in a process of its own; return what it says, its seconds and its peak bytes."""
    out = folder / f"{engine}.parquet"
    command = [sys.executable, "-c", RUN, str(folder), engine, limit, str(out), str(HOPS)]
    began = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    answer = json.loads(said)
    return {
        **answer,
        "out": out,
        "seconds": perf_counter() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
    }


def differences(one, other):
    """Count the nodes on which two answers differ, either way."""
    rows = "SELECT id, is_maximum FROM '{}'"
    first, second = rows.format(one), rows.format(other)
    query = f"SELECT count(*) FROM (({first} EXCEPT {second}) UNION ALL ({second} EXCEPT {first}))"
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        return connection.execute(query).fetchall()[0][0]


def told(found, engine):
    """Say what a run took: wall clock, processor, memory."""
    gigabytes = found["peak"] / 1e9
    return f"{engine} {found['seconds']:.1f} s ({found['cpu']:.1f} s cpu, {gigabytes:.2f} GB)"


@pytest.mark.parametrize("num_edges", EDGES)
@pytest.mark.timeout(3600)
def test_two_hops(benchmark, num_edges):
    folder = tables_of(num_edges)
    memory = run(folder, "memory")
    found = []
    benchmark.pedantic(lambda: found.append(run(folder, "duckdb", MEMORY)), rounds=1)
    (spilling,) = found
    assert differences(memory["out"], spilling["out"]) == 0
    ratio = spilling["seconds"] / memory["seconds"]
    ratio_of_cpu = spilling["cpu"] / memory["cpu"]
    benchmark.extra_info.update(ratio=ratio, ratio_of_cpu=ratio_of_cpu)
    benchmark.extra_info.update(peak=spilling["peak"], stages=spilling["stages"])
    print(
        f"\n{num_edges:>11,} edges: {told(memory, 'memory')}, {told(spilling, 'duckdb')}, "
        f"ratio {ratio:.1f} (of processor time {ratio_of_cpu:.1f}), "
        f"{spilling['maxima']:,} maxima, the same set"
    )
    for name, rows, seconds, spilled in spilling["stages"]:
        print(f"    {name:<16} {rows:>12,} rows {seconds:8.2f} s {spilled / 1e6:10.1f} MB spilled")
    for name, rows, seconds, _ in memory["stages"]:
        print(f"    memory: {name:<18} {rows:>12,} rows {seconds:8.2f} s")
