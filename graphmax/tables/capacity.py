"""Will the graph fit in memory? How `auto` chooses between memory and DuckDB."""

# ruff: noqa: S608 - file names are quoted

import os
from pathlib import Path

import duckdb

from graphmax.files.duckdb_session import literal
from graphmax.tables.question import TableQuestion
from graphmax.tables.sources import TableFiles

# Most bytes that were held at once per row while reading, building and labeling (measured).
BYTES_PER_EDGE = 64
BYTES_PER_NODE = 160
_SAMPLE = 2**20


def chosen_engine(question: TableQuestion, memory: int | None) -> str:
    """Choose memory where the graph fits in half of the free memory (or in the limit)."""
    room = free_memory() // 2
    room = room if memory is None else min(room, memory)
    return "memory" if bytes_needed(question) <= room else "duckdb"


def bytes_needed(question: TableQuestion) -> int:
    """Estimate what the memory engine would hold at its peak."""
    edges, nodes = count_rows(question.edges), count_rows(question.nodes)
    return BYTES_PER_EDGE * edges + BYTES_PER_NODE * nodes


def count_rows(table: TableFiles) -> int:
    """Count the rows of a table: exactly for Parquet, from the first lines for text."""
    if not table.is_parquet:
        return sum(_estimated_lines(Path(file)) for file in table.files)
    files = ", ".join(literal(file) for file in table.files)
    try:
        with duckdb.connect() as connection:
            query = f"SELECT count(*) FROM read_parquet([{files}], hive_partitioning=false)"
            return int(connection.execute(query).fetchall()[0][0])
    except duckdb.Error:  # damaged: the reader will say how
        return 0


def _estimated_lines(file: Path) -> int:
    with file.open("rb") as stream:
        sample = stream.read(_SAMPLE)
    return file.stat().st_size * max(1, sample.count(b"\n")) // max(1, len(sample))


def free_memory() -> int:
    """Return how many bytes this process could still take, containers' limits included."""
    free = [_available(), *_control_group()]
    return max(0, min(free))


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        names = os.sysconf_names if hasattr(os, "sysconf") else {}
        pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in names else "SC_PHYS_PAGES"
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE") if pages in names else 2**32
    (line,) = (line for line in lines if line.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


def _control_group() -> list[int]:
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []
    return [] if most == "max" else [int(most) - used]
