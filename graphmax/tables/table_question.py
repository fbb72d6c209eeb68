"""What is asked of the tables, checked before any row is read."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from graphmax.checks import boolean, one_of
from graphmax.files.opening import ReadOptions
from graphmax.node_measures import NEIGHBOR_MEAN
from graphmax.question import rule_of
from graphmax.rule import FilledRule, Rule
from graphmax.tables.table_files import TableFiles, TablePath, has_scheme, table_files

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
    """Turn ``"1GB"`` or ``"512MiB"`` into bytes.

    Parameters
    ----------
    limit : str, int or None
        A number and a unit, or bytes.

    Returns
    -------
    int or None
        Bytes; None stays None.

    Raises
    ------
    ValueError
        If it is of another form, or too little to work in.

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
