"""What is asked of the tables, checked before any row is read, and which engine it fits.

`auto` chooses an engine by the size of the tables and by what a limit on memory leaves room for.
"""

# ruff: noqa: S608 - file names are quoted

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from graphmax.checks import boolean, one_of
from graphmax.files.opening import ReadOptions
from graphmax.kernels.compare import lookup_bytes
from graphmax.machine import free_memory
from graphmax.node_measures import NEIGHBOR_MEAN
from graphmax.question import rule_of
from graphmax.rule import FilledRule, Rule
from graphmax.tables.answer import TableFiles, TablePath, has_scheme, table_files

ENGINES = ("auto", "memory", "stream", "spark")
FILE_ENDINGS = (".parquet", ".csv")
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BINARY_UNITS = {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_LEAST_MEMORY = 10**8
MOST_MEMORY = 2**62


@dataclass(frozen=True)
class TableQuestion:
    """Two tables, the column to compare, the rule, and where the labels go.

    `directed` is None where the files decide. `columns` names those of the tables.
    """

    edges: TableFiles
    nodes: TableFiles
    values: str
    rule: FilledRule
    out: str
    directed: bool | None = None
    explain: bool = False
    columns: ReadOptions = field(default_factory=ReadOptions)

    @property
    def hops(self) -> int:
        """Radius of the ball in hops."""
        return self.rule.reach or 1

    @property
    def needs_order(self) -> bool:
        """Whether the answer depends on which node comes first in its table."""
        return self.explain or self.rule.ties == "index"

    @property
    def is_file(self) -> bool:
        """Whether the labels go into one file, not into a folder of Parquet files."""
        return self.out.lower().endswith(FILE_ENDINGS)

    def fingerprint(self) -> str:
        """Name the question: its files as they are now, and all that decides the answer."""
        files = [Path(file) for file in (*self.edges.files, *self.nodes.files)]
        said = [
            [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files],
            [self.values, self.directed, self.explain, self.out],
            asdict(self.rule),
            [self.columns.src, self.columns.dst, self.columns.id, self.columns.weight],
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]

    def steps(self, directed: bool) -> str:
        """Return the direction of the counted steps of this graph."""
        return self.rule.direction if directed else "both"


def question_of(
    edges: TablePath,
    nodes: TablePath,
    values: str,
    *,
    rule: FilledRule,
    out: str | os.PathLike[str],
    directed: bool | None,
    explain: bool,
    columns: Mapping[str, str | None],
) -> TableQuestion:
    """Find the files and check what can be checked without reading them."""
    if not isinstance(values, str):
        raise TypeError(
            f"`values` must be the name of a column of `nodes`, got {type(values).__name__}; "
            "use graphmax.local_maxima for arrays"
        )
    if os.fspath(out).lower().endswith((".json", ".tsv", ".txt", ".gz")):
        raise ValueError(
            f"`out` must end in .parquet or .csv, or be the name of a new folder, got {out}"
        )
    return TableQuestion(
        table_files(edges, "edges"),
        table_files(nodes, "nodes"),
        values,
        rule,
        os.fspath(out) if has_scheme(os.fspath(out)) else str(Path(out).absolute()),
        directed,
        boolean(explain, "explain"),
        _columns(values, columns),
    )


def _columns(values: str, columns: Mapping[str, str | None]) -> ReadOptions:
    """Say which columns are which; weights are read where they are added up."""
    weight: str | bool | None = columns.get("weight")
    if values.removeprefix(NEIGHBOR_MEAN) != "strength":
        if weight is not None:
            raise ValueError(
                f"`weight` must be left out unless `values` is 'strength', got {weight!r}; hops "
                "look at no weights"
            )
        weight = False
    return ReadOptions(src=columns["src"], dst=columns["dst"], id=columns["id"], weight=weight)


def table_rule(hops: Any, rule: Rule | None, fields: Mapping[str, Any]) -> FilledRule:
    """Make the rule, refusing what no fixed number of hops can answer."""
    return rule_of("local_maxima_tables", hops, rule, **fields)


def engine_name(engine: str) -> str:
    """Check the name of an engine."""
    if engine == "duckdb":
        raise ValueError(
            "`engine` must be one of auto, memory, stream, spark, got 'duckdb', which is gone: "
            "'stream' does the same faster and in less memory"
        )
    return one_of(engine, "engine", ENGINES)


def memory_bytes(limit: str | int | None) -> int | None:
    """Turn ``"1GB"`` or ``"512MiB"`` into bytes; None stays None.

    Examples
    --------
    >>> memory_bytes("1GB"), memory_bytes("1.5 GiB")
    (1000000000, 1610612736)
    """
    if limit is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", str(limit).strip())
    unit = {**_UNITS, **_BINARY_UNITS}.get(found[2].upper() or "B") if found else None
    if found is None or unit is None:
        raise ValueError(f"`memory_limit` must be a size such as '1GB' or '512MiB', got {limit!r}")
    count = min(int(Fraction(found[1]) * unit), MOST_MEMORY)
    if count < _LEAST_MEMORY:
        raise ValueError(f"`memory_limit` must be at least 100MB, got {limit!r}")
    return count


# Most bytes that were held at once per row while reading, building rows and labeling (measured).
BYTES_PER_EDGE = 64
BYTES_PER_NODE = 160
# Stream, one hop: a key, a code of up to eight bytes, flags, bits, absent nodes. Two hops: a key
# and what sorting takes, then places, bounds, two owners. More hops: two owners twice. A rival is
# found by the order, four bytes more.
BYTES_ONE_HOP = 16
BYTES_TWO_HOPS = 19
BYTES_MORE_HOPS = 28
BYTES_OF_ORDER = 4
# A filter: an attribute, a degree, and the complex numbers of two rounds.
BYTES_A_FILTERED_NODE = 44
# What the edges say of a node, while it is added up: a count, two floats, and what means are of.
BYTES_OF_A_DEGREE, BYTES_OF_A_STRENGTH, BYTES_OF_A_MEAN = 12, 29, 53
# Batches of edges, buffers of compiled passes, and the least that DuckDB can read with.
BYTES_BESIDE = 80 * 10**6
LEAST_FOR_DUCKDB = 60 * 10**6
# Rows cost one build, streams a pass a hop. Processor seconds for 10**7 edges, ten a node, stream
# against rows: 3 hops 1.5 and 1.9, 5 hops 2.2 and 2.0, 8 hops 2.2 and 2.1.
HOPS_WORTH_ROWS = 5
MOST_STREAM_NODES = 2**31 - 2
_SAMPLE = 2**20


def chosen_engine(question: TableQuestion, memory: int | None) -> str:
    """Choose memory for many hops where the rows fit in half of the free memory, else stream."""
    if memory is not None or question.hops < HOPS_WORTH_ROWS or question.edges.is_raw:
        return "stream"
    return "memory" if bytes_of_rows(question) <= free_memory() // 2 else "stream"


def bytes_of_rows(question: TableQuestion) -> int:
    """Estimate what the memory engine would hold at its peak."""
    edges, nodes = count_rows(question.edges), count_rows(question.nodes)
    return BYTES_PER_EDGE * edges + BYTES_PER_NODE * nodes


def bytes_of_state(question: TableQuestion, num_nodes: int) -> int:
    """Return what the nodes of a stream take at most, ids that are in a row already."""
    by_hops = {1: BYTES_ONE_HOP, 2: BYTES_TWO_HOPS}
    if question.explain:
        by_hops = {1: BYTES_TWO_HOPS}
    state = by_hops.get(question.hops, BYTES_MORE_HOPS)
    return num_nodes * (state + BYTES_OF_ORDER * question.explain)


def check_room(question: TableQuestion, num_nodes: int, memory: int | None) -> None:
    """Refuse more nodes than a limit on memory, or the stream, has room for."""
    if num_nodes > MOST_STREAM_NODES:
        raise ValueError(
            f"`nodes` must have at most {MOST_STREAM_NODES} rows on one machine, got {num_nodes}; "
            "use engine='spark'"
        )
    needed = bytes_of_state(question, num_nodes) + BYTES_BESIDE + LEAST_FOR_DUCKDB
    if memory is not None and needed > memory:
        raise MemoryError(
            f"`memory_limit` must be at least {-(-needed // 10**6)}MB for the state of {num_nodes} "
            f"nodes over {question.hops} hops, got {memory // 10**6}MB; raise it, or use "
            "engine='spark'"
        )


def check_lookup(question: TableQuestion, num_nodes: int, memory: int | None) -> None:
    """Refuse ids that are not in a row where a limit has no room for a table of them."""
    needed = bytes_of_state(question, num_nodes) + BYTES_BESIDE + LEAST_FOR_DUCKDB
    needed += lookup_bytes(num_nodes) + 8 * num_nodes
    if memory is not None and needed > memory:
        raise MemoryError(
            f"`memory_limit` must be at least {-(-needed // 10**6)}MB for {num_nodes} ids that are "
            f"not in a row, got {memory // 10**6}MB; raise it, or sort the node table by id"
        )


def check_sums(measure: str, num_nodes: int, memory: int | None) -> None:
    """Refuse a limit on memory that has no room for what the edges say of the nodes."""
    a_node = BYTES_OF_A_STRENGTH if measure == "strength" else BYTES_OF_A_DEGREE
    if measure.startswith(NEIGHBOR_MEAN):
        a_node = BYTES_OF_A_MEAN
    needed = a_node * num_nodes + BYTES_BESIDE + LEAST_FOR_DUCKDB
    if memory is not None and needed > memory:
        raise MemoryError(
            f"`memory_limit` must be at least {-(-needed // 10**6)}MB for {measure!r} of "
            f"{num_nodes} nodes, got {memory // 10**6}MB; raise it"
        )


def check_filter(question: TableQuestion, memory: int | None) -> None:
    """Refuse a limit on memory that has no room for the rounds of a filter."""
    num_nodes = count_rows(question.nodes)
    needed = (BYTES_A_FILTERED_NODE + 8) * num_nodes + BYTES_BESIDE + LEAST_FOR_DUCKDB
    if memory is not None and needed > memory:
        raise MemoryError(
            f"`memory_limit` must be at least {-(-needed // 10**6)}MB for a filter over {num_nodes}"
            f" nodes, got {memory // 10**6}MB; raise it"
        )


def has_room_for_lookup(question: TableQuestion, num_nodes: int, memory: int | None) -> bool:
    """Say whether a table of ids that are not in a row fits beside the state of the nodes."""
    needed = bytes_of_state(question, num_nodes) + lookup_bytes(num_nodes) + 8 * num_nodes
    needed += BYTES_BESIDE + LEAST_FOR_DUCKDB
    return bool(needed <= (free_memory() if memory is None else memory))


def free_for_duckdb(question: TableQuestion, memory: int | None) -> int | None:
    """Return how much of a limit is left to DuckDB beside the state of the nodes."""
    if memory is None:
        return None
    state = bytes_of_state(question, count_rows(question.nodes))
    return max(LEAST_FOR_DUCKDB, memory - state - BYTES_BESIDE)


def count_rows(table: TableFiles) -> int:
    """Count the rows of a table: exactly for Parquet, from the first lines for text."""
    if not table.is_parquet:
        return sum(_estimated_lines(Path(file)) for file in table.files)
    try:
        with duckdb.connect() as connection:
            query = (
                f"SELECT count(*) FROM read_parquet([{table.literals}], hive_partitioning=false)"
            )
            return int(connection.execute(query).fetchall()[0][0])
    except duckdb.Error:  # damaged: the reader will say how
        return 0


def _estimated_lines(file: Path) -> int:
    with file.open("rb") as stream:
        sample = stream.read(_SAMPLE)
    return file.stat().st_size * max(1, sample.count(b"\n")) // max(1, len(sample))
