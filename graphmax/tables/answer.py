"""What a run over tables leaves: where the labels are, which engine made them, and at what cost."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from numpy.typing import NDArray

from graphmax.files.duckdb_session import fetched
from graphmax.tables.table_files import file_literal


class Stage(NamedTuple):
    """One step of a run: its name, rows read, seconds, and the most bytes it spilled to disk."""

    name: str
    rows: int
    seconds: float
    spilled: int


@dataclass(frozen=True)
class TableAnswer:
    """Labels on disk, and how they came about.

    Parameters
    ----------
    path : str
        The file or folder that holds the columns ``id`` and ``is_maximum``, with `explain` also
        ``rival`` and ``rival_value``; in any order of rows.
    engine : {"memory", "stream", "spark"}
        Which engine ran.
    num_nodes, num_edges : int
        Rows of the two tables; self-loops and repeated edges are counted, though they change
        nothing.
    num_maxima : int
        How many nodes are maxima.
    stages : tuple of Stage
        What was run, in order; stages that an earlier run had finished are absent.

    Examples
    --------
    >>> TableAnswer("labels.parquet", "stream", 3, 2, 1).engine
    'stream'
    """

    path: str
    engine: str
    num_nodes: int
    num_edges: int
    num_maxima: int
    stages: tuple[Stage, ...] = field(default=(), repr=False)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Read the labels into memory.

        Returns
        -------
        dict of str to array
            The columns by name, missing entries masked.
        """
        with duckdb.connect() as connection:
            return fetched(connection, f"FROM {_relation(Path(self.path))}")

    def labels(self) -> dict[Any, bool]:
        """Read who is a maximum into memory.

        Returns
        -------
        dict
            From id to a bool.
        """
        columns = self.columns()
        return dict(zip(columns["id"].tolist(), columns["is_maximum"].tolist(), strict=True))

    def release_with_me(self, release: Callable[[], None]) -> None:
        """Let go of a temporary folder when this answer is no longer used."""
        weakref.finalize(self, release)


def _relation(path: Path) -> str:
    if path.is_dir():
        folder = file_literal(str(path))[:-1]
        return f"read_parquet({folder}/*.parquet')"
    reader = {".csv": "read_csv", ".json": "read_json"}.get(path.suffix, "read_parquet")
    return f"{reader}({file_literal(str(path))})"
