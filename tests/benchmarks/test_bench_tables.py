"""Tables larger than memory: growth, the bare decode beside the whole command, and rows of memory.

GRAPHMAX_BENCH_FOLDER=/some/disk pytest tests/benchmarks/test_bench_tables.py \
    -o addopts= --benchmark-only -s
Each run is a process of its own, so that its peak of resident memory is its own. The tables are
made once in the folder (1.6 GB for 10**8 edges) and kept there for the next time. 10**9 edges
(9 GB each kind) take GRAPHMAX_BENCH_LARGE=1. Against the engines that streams came after:
git worktree add --detach /some/where 3ccb5ae~1, and GRAPHMAX_BENCH_OLD=/some/where.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import duckdb
import numpy as np
import pytest

from graphmax.kernels.random import draw

EDGES = [10**6, 10**7, 10**8]
if os.environ.get("GRAPHMAX_BENCH_LARGE"):
    EDGES.append(10**9)
MOST_EDGES_IN_MEMORY = 10**8
EDGES_A_NODE = 10
EDGES_A_PART = 10**8
RUN = """
import json, sys
from graphmax.tables import local_maxima_tables
folder, engine, out, hops = sys.argv[1:]
answer = local_maxima_tables(
    f"{folder}/edges*.parquet", f"{folder}/nodes.parquet", "value", int(hops), engine=engine,
    out=out,
)
print(json.dumps({"maxima": answer.num_maxima, "stages": answer.stages}))
"""
DECODE = """
import sys, duckdb, json
from graphmax.tables.database import record_batches
with duckdb.connect() as connection:
    batches = record_batches(connection, f"SELECT src, dst FROM '{sys.argv[1]}/edges*.parquet'")
    print(json.dumps({"rows": sum(batch[0].values.size for batch in batches)}))
"""
# What no stream can do without, and nothing more: no edge is compared with any other.
LEAST = """
import json, sys, duckdb
from graphmax.tables import stream_engine
from graphmax.tables.database import record_batches
folder, out, hops = sys.argv[1:]
with duckdb.connect() as connection:
    for _ in range(int(hops)):
        query = f"SELECT src, dst FROM '{folder}/edges*.parquet'"
        rows = sum(batch[0].values.size for batch in record_batches(connection, query))
    nodes = f"SELECT id, value IS NULL AS is_maximum FROM '{folder}/nodes.parquet'"
    connection.execute(f"COPY ({nodes}) TO '{out}' (FORMAT parquet)")
print(json.dumps({"rows": rows}))
"""
OLD = os.environ.get("GRAPHMAX_BENCH_OLD")


def home_of(kind, num_edges):
    home = Path(os.environ.get("GRAPHMAX_BENCH_FOLDER", tempfile.gettempdir()))
    folder = home / f"graphmax-bench-{kind}-{num_edges}"
    folder.mkdir(exist_ok=True)
    return folder


def write(folder, name, relation, connection):
    """Write a table once; a run that was cut leaves nothing that is taken for it."""
    if not (folder / f"{name}.parquet").exists():
        made = folder / f"{name}.part"
        connection.execute(f"COPY ({relation}) TO '{made}' (FORMAT parquet)")
        made.rename(folder / f"{name}.parquet")


def nodes_of(n):
    return f"SELECT range::INTEGER AS id, (hash(range + 7) % {n})::INTEGER AS value FROM range({n})"


def uniform(num_edges):
    """Ten edges a node, both ends drawn alike."""
    folder, n = home_of("uniform", num_edges), num_edges // EDGES_A_NODE
    edges = (
        f"SELECT (hash(range) % {n})::INTEGER AS src, "
        f"(hash(range + {num_edges}) % {n})::INTEGER AS dst FROM range({num_edges})"
    )
    settings = {"memory_limit": "2GB", "temp_directory": str(folder / "spill")}
    with duckdb.connect(config={**settings, "preserve_insertion_order": "false"}) as connection:
        write(folder, "edges", edges, connection)
    with duckdb.connect(config=settings) as connection:
        write(folder, "nodes", nodes_of(n), connection)
    return folder


def skewed(num_edges):
    """R-MAT: few hubs, many loners, hubs of low numbers side by side; drawn part by part."""
    folder = home_of("rmat", num_edges)
    scale = max(1, (num_edges // EDGES_A_NODE - 1).bit_length())
    with duckdb.connect() as connection:
        for part, start in enumerate(range(0, num_edges, EDGES_A_PART)):
            name = f"edges-{part}"
            if not (folder / f"{name}.parquet").exists():
                src, dst = rmat_ends(scale, min(EDGES_A_PART, num_edges - start), 1 + part)
                connection.register("drawn", {"src": src, "dst": dst})
                write(folder, name, "FROM drawn", connection)
        write(folder, "nodes", nodes_of(2**scale), connection)
    return folder


def rmat_ends(scale, num_edges, seed):
    """Draw edges with their repeats and self-loops."""
    thresholds = (np.cumsum([0.57, 0.19, 0.19]) * 2**32).astype(np.uint64)
    src, dst = np.empty((2, num_edges), np.int32)
    draw(np.uint64(seed), scale, thresholds, 0, num_edges, src, dst)
    return src, dst


def child(*arguments, package=None):
    """Run Python in a process of its own; return what it prints, its seconds and its peak."""
    command = [sys.executable, "-c", *arguments]
    began = perf_counter()
    # The folder at hand is where Python looks for packages first.
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=package) as process:
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return {
        **json.loads(said.splitlines()[-1]),  # DuckDB prints a bar before it
        "seconds": perf_counter() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
    }


def run(folder, engine, hops, package=None):
    out = folder / f"{engine}-{hops}{'-old' * bool(package)}.parquet"
    out.unlink(missing_ok=True)
    return {**child(RUN, str(folder), engine, str(out), str(hops), package=package), "out": out}


def differences(one, other):
    """Count the nodes on which two answers differ."""
    both = f"'{one}' a JOIN '{other}' b USING (id)"
    query = f"SELECT count(*) FROM {both} WHERE a.is_maximum <> b.is_maximum"
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        return connection.execute(query).fetchall()[0][0]


def told(found):
    return f"{found['seconds']:.1f} s ({found['cpu']:.1f} s cpu, {found['peak'] / 1e9:.2f} GB)"


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("tables", [uniform, skewed])
@pytest.mark.parametrize("num_edges", EDGES)
@pytest.mark.timeout(3600)
def test_stream(benchmark, tables, num_edges, hops):
    folder = tables(num_edges)
    decode = child(DECODE, str(folder))
    found = []
    benchmark.pedantic(lambda: found.append(run(folder, "stream", hops)), rounds=1)
    (stream,) = found
    extra = {"peak": stream["peak"], "cpu": stream["cpu"], "decode": decode["seconds"]}
    line = f"\n{num_edges:>13,} {tables.__name__} edges, {hops} hops: stream {told(stream)}, "
    line += f"{stream['seconds'] / decode['seconds']:.1f} times the decode ({told(decode)})"
    if num_edges <= MOST_EDGES_IN_MEMORY:
        memory = run(folder, "memory", hops)
        assert differences(stream["out"], memory["out"]) == 0
        extra |= {"memory": memory["seconds"], "memory_cpu": memory["cpu"]}
        line += f", memory {told(memory)}, the same {stream['maxima']:,} maxima"
    benchmark.extra_info.update(extra)
    print(line)
    for name, rows, seconds, _ in stream["stages"]:
        print(f"    {name:<16} {rows:>13,} rows {seconds:8.2f} s")


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.timeout(3600)
def test_against_the_engines_before(benchmark, hops):
    """And what a run takes that decodes once a hop and compares nothing: the bound of any stream."""
    if OLD is None:
        pytest.skip("needs a checkout of the version before streams: GRAPHMAX_BENCH_OLD")
    folder = uniform(MOST_EDGES_IN_MEMORY)
    least = child(LEAST, str(folder), str(folder / "least.parquet"), str(hops))
    found = []
    benchmark.pedantic(lambda: found.append(run(folder, "stream", hops)), rounds=1)
    (stream,) = found
    print(f"\n{hops} hops: stream {told(stream)}, least {told(least)}")
    for engine in ("memory", "duckdb"):
        old = run(folder, engine, hops, OLD)
        assert differences(stream["out"], old["out"]) == 0
        ratio, most = (old["seconds"] / each["seconds"] for each in (stream, least))
        benchmark.extra_info[engine] = ratio
        print(f"    {engine} before {told(old)}: {ratio:.1f} times, at most {most:.1f}")
