"""The SQL: two texts that sqlite3, DuckDB and Spark run unchanged, and what is refused before.

The state ``s(id, r, hi, lo, nb)`` has one row a node. `r` is the dense rank of its value from 0,
-1 for a node without one. `hi = r * n + id` and `lo = r * n + (n - 1) - id` name the highest node
seen so far, ties to the highest and to the lowest number; `nb` tells whether there is a neighbor.
A hop takes maxima over ``edges(src, dst)``; after k of them `hi` and `lo` are those of the k-ball.

Rows of two tables that do not make a graph are refused by one text for every engine. The texts
stand on three views, whoever runs them: ``raw_nodes(id, value)`` and ``raw_edges(src, dst)`` are
the tables as they are, ``given(node, id, value)`` the nodes with their numbers. Types are spelled
as the engine spells them; a `Dialect` says which of them are what.
"""

# ruff: noqa: S608 - table names are this package's own, types come from a fixed list

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphmax.files.errors import listed, refusal
from graphmax.rule import FilledRule
from graphmax.tables.table_question import TableQuestion
from graphmax.ties import TIES

# r * n + id stays below 2**63 up to here.
MOST_TABLE_NODES = 3 * 10**9

HOP = (
    "SELECT id, MAX(r) AS r, MAX(hi) AS hi, MAX(lo) AS lo, MAX(nb) AS nb "
    "FROM (SELECT id, r, hi, lo, nb FROM s UNION ALL "
    "SELECT e.dst, -1, s.hi, s.lo, 1 FROM edges e JOIN s ON e.src = s.id WHERE e.src <> e.dst) t "
    "GROUP BY id"
)

LABEL = "SELECT id, r >= 0 AND nb >= {least} AND {beats} AS is_maximum FROM s"

# Who comes first in the ball tells nothing about the rival of a node that comes first itself, so
# `p(id, lo, lo2)` also carries the best of the others; `m` is the state after the hop.
SECOND_START = "SELECT id, lo, -1 AS lo2 FROM s"
SECOND_HOP = (
    "SELECT t.id, MAX(m.lo) AS lo, MAX(CASE WHEN t.lo < m.lo THEN t.lo ELSE t.lo2 END) AS lo2 "
    "FROM (SELECT id, lo, lo2 FROM p UNION ALL "
    "SELECT e.dst, p.lo, p.lo2 FROM edges e JOIN p ON e.src = p.id WHERE e.src <> e.dst) t "
    "JOIN m ON t.id = m.id GROUP BY t.id"
)
RIVAL = (
    "SELECT id, CASE WHEN k < 0 THEN -1 ELSE ({n} - 1) - k % {n} END AS rival FROM "
    "(SELECT s.id, CASE WHEN s.lo = s.r * {n} + ({n} - 1) - s.id THEN p.lo2 ELSE s.lo END AS k "
    "FROM s JOIN p ON s.id = p.id) q"
)

_ENDS = {
    "in": "SELECT {src} AS src, {dst} AS dst FROM {table}",
    "out": "SELECT {dst} AS src, {src} AS dst FROM {table}",
}


def label_sql(rule: FilledRule, num_nodes: int) -> str:
    """Write the text that turns the state after the last hop into ``id`` and ``is_maximum``.

    Examples
    --------
    >>> from graphmax.rule import Rule
    >>> label_sql(Rule(ties="weak").filled(), 5)
    'SELECT id, r >= 0 AND nb >= 0 AND hi < (r + 1) * 5 AS is_maximum FROM s'
    """
    beats = (TIES[rule.ties].sql or "").format(n=num_nodes)
    return LABEL.format(least=0 if rule.isolated else 1, beats=beats)


def edges_sql(direction: str, table: str, *, src: str = "src", dst: str = "dst") -> str:
    """Write the text that lists the counted steps, walked backwards: what comes in at ``dst``.

    Examples
    --------
    >>> edges_sql("out", "given")
    'SELECT dst AS src, src AS dst FROM given'
    """
    ways = ("in", "out") if direction == "both" else (direction,)
    return " UNION ALL ".join(_ENDS[way].format(src=src, dst=dst, table=table) for way in ways)


def check_num_nodes(num_nodes: int, name: str) -> None:
    """Refuse more nodes than the packed numbers can hold, 3 * 10**9, in the table of a name."""
    if num_nodes > MOST_TABLE_NODES:
        raise ValueError(
            f"`nodes` must have at most 3 * 10**9 rows, because rank * rows + number must fit in "
            f"64 bits, got {num_nodes} in {name}; split the graph into its components"
        )


Rows = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Dialect:
    """How an engine spells types.

    `ordered` have an exact order; those that start with `decimal` too. `text` is the type of ids
    that are no integers.
    """

    integers: frozenset[str]
    floats: frozenset[str]
    ordered: frozenset[str]
    decimal: str
    text: str

    def is_ordered(self, kind: str) -> bool:
        """Say whether values of a type can be compared exactly."""
        known = self.integers | self.floats | self.ordered
        return kind in known or kind.startswith(self.decimal)


class TableChecks:
    """The checks on the rows of one question, run by `rows`."""

    def __init__(self, question: TableQuestion, rows: Rows, dialect: Dialect) -> None:
        self.question, self._rows, self.dialect = question, rows, dialect

    def num_nodes(self) -> int:
        """Count the nodes, of which there are some, each with an id, and not too many."""
        name = self.question.nodes.name
        count, known = self._rows("SELECT COUNT(*), COUNT(id) FROM raw_nodes")[0]
        if count == 0:
            raise refusal(name, "have at least one row", "an empty table")
        if known < count:
            raise refusal(name, "have an id in every row", f"{count - known} rows without")
        check_num_nodes(count, name)
        return int(count)

    def absent(self, kind: str) -> str:
        """Write the condition that a row of `given` has no value to compare."""
        floats = kind in self.dialect.floats
        return "(value IS NULL OR isnan(value))" if floats else "(value IS NULL)"

    def check_order(self, kind: str) -> str:
        """Refuse values whose type has no exact order."""
        if self.dialect.is_ordered(kind):
            return kind
        raise TypeError(
            f"`values` must be numbers, Booleans or times, got {kind} in column "
            f"{self.question.values!r} of {self.question.nodes.name}{self._first_words(kind)}; "
            "convert the column"
        )

    def _first_words(self, kind: str) -> str:
        """Name the first texts that are no numbers."""
        if kind.upper() != self.dialect.text.upper():
            return ""
        strangers = self._rows(
            "SELECT value, id FROM raw_nodes WHERE value IS NOT NULL AND TRY_CAST(value AS DOUBLE) "
            "IS NULL ORDER BY id LIMIT 3"
        )
        shown = ", ".join(f"{text[:20]!r} of {node!r}" for text, node in strangers)
        return f" (first {shown})" if shown else ""

    def check_values(self, kind: str) -> None:
        """Refuse nodes whose value is NULL or NaN, where the rule says so."""
        if self.question.rule.nan != "raise":
            return
        first, count = self._first_five(f"FROM given WHERE {self.absent(kind)}", "node")
        if count:
            raise ValueError(
                f"`{self.question.values}` must be known for every node, got nodes without a "
                f"value ({listed(first, count)}) in {self.question.nodes.name}; fill them in, or "
                "pass nan='omit' to leave those nodes out"
            )

    def check_repeats(self) -> None:
        """Refuse ids that stand in several rows."""
        repeats = "FROM (SELECT id FROM given GROUP BY id HAVING COUNT(*) > 1) r"
        first, count = self._first_five(repeats, "id")
        if count:
            raise refusal(
                self.question.nodes.name,
                "have every id once",
                f"repeated ids ({listed(first, count)})",
            )

    def num_edges(self) -> int:
        """Count the edges, each of which has two ends."""
        count, whole = self._rows(
            "SELECT COUNT(*), COUNT(CASE WHEN src IS NULL OR dst IS NULL THEN NULL ELSE 1 END) "
            "FROM raw_edges"
        )[0]
        if whole < count:
            raise refusal(
                self.question.edges.name,
                "have two ids in every row",
                f"{count - whole} rows without",
            )
        return int(count)

    def refuse_unknown(self, id_kind: str) -> None:
        """Refuse edges that end at ids which the node table lacks."""
        ends = (f"SELECT CAST({end} AS {id_kind}) AS id FROM raw_edges" for end in ("src", "dst"))
        lacking = (
            f"FROM ({' UNION '.join(ends)}) e LEFT JOIN given g ON g.id = e.id WHERE g.id IS NULL"
        )
        first, count = self._first_five(lacking, "e.id")
        if count:
            raise self.unknown(first, count)

    def unknown(self, first: Sequence[object], count: int) -> Exception:
        """Return the error for ids that the node table lacks."""
        return refusal(
            self.question.edges.name,
            "have edges between ids of the node table",
            f"ids that it lacks ({listed(list(first), count)})",
            way_out=f"add them to {self.question.nodes.name}",
        )

    def _first_five(self, rows: str, order: str) -> tuple[list[object], int]:
        ((count,),) = self._rows(f"SELECT COUNT(*) {rows}")
        column = "e.id" if order == "e.id" else "id"
        query = f"SELECT {column} {rows} ORDER BY {order} LIMIT 5"
        return [row[0] for row in self._rows(query)] if count else [], count


def full_disk() -> OSError:
    """Return the error for a disk without room for what is spilled."""
    error = OSError(
        "`temporary` must have room for what does not fit in memory, got a full disk; free some, "
        "name a folder with more room, or raise memory_limit (nothing was written)"
    )
    error.errno = errno.ENOSPC
    return error
