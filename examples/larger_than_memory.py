# How do I find the local maxima of a billion edges on a laptop?
#
# python larger_than_memory.py 1_000_000_000   (without a number: two million edges, seconds)

# %% Two Parquet tables, made by DuckDB: pages and who links to whom
import sys
import tempfile
from pathlib import Path

import duckdb

import graphmax as gm

num_edges = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
num_pages = num_edges // 10
folder = Path(tempfile.mkdtemp(prefix="graphmax-example-"))
tables = {
    "links": f"""SELECT hash(range) % {num_pages} AS src, hash(range + 1e9::BIGINT) % {num_pages}
                 AS dst FROM range({num_edges})""",
    "pages": f"SELECT range AS id, hash(range + 7) % 10000 AS visits FROM range({num_pages})",
}
with duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(folder)}) as connection:
    for name, text in tables.items():
        connection.execute(f"COPY ({text}) TO '{folder / name}.parquet' (FORMAT parquet)")

# %% Which pages have more visits than every page that links to them, or links to such a page?
answer = gm.local_maxima_tables(
    folder / "links.parquet",
    folder / "pages.parquet",
    "visits",
    hops=2,
    directed=True,
    engine="stream",
    explain=True,
    out=folder / "labels.parquet",
)
print(f"{answer.num_maxima:,} of {answer.num_nodes:,} pages, {answer.num_edges:,} links")

# %% What did it cost, and what went to disk?
print(f"{'stage':<18} {'rows':>12} {'seconds':>8} {'rows/s':>12} {'MB spilled':>10}")
for stage in answer.stages:
    rate = stage.rows / stage.seconds
    print(
        f"{stage.name:<18} {stage.rows:>12,} {stage.seconds:>8.2f} {rate:>12,.0f} "
        f"{stage.spilled / 1e6:>10,.0f}"
    )

# %% The closest calls: maxima whose rival, the highest other page of the ball, is nearly as high
closest = duckdb.execute(
    """SELECT l.id, p.visits, l.rival, l.rival_value
       FROM read_parquet($labels) l JOIN read_parquet($pages) p USING (id)
       WHERE l.is_maximum ORDER BY p.visits - l.rival_value, l.id LIMIT 5""",
    {"labels": answer.path, "pages": str(folder / "pages.parquet")},
).fetchall()
print(f"{'page':>10} {'visits':>8} {'rival':>10} {'visits':>8}")
for page, visits, rival, rival_visits in closest:
    print(f"{page:>10} {visits:>8} {rival:>10} {rival_visits:>8}")

# %% Leave nothing behind
for file in folder.iterdir():
    file.unlink()
folder.rmdir()
