"""The program: two SQL texts that sqlite3, DuckDB and Spark run unchanged.

The state ``s(id, r, hi, lo, nb)`` has one row a node. `r` is the dense rank of its value from 0,
-1 for a node without one. `hi = r * n + id` and `lo = r * n + (n - 1) - id` name the highest node
seen so far, ties to the highest and to the lowest number; `nb` tells whether there is a neighbor.
A hop takes maxima over ``edges(src, dst)``; after k of them `hi` and `lo` are those of the k-ball.
"""

from graphmax.rule import FilledRule
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
    """Write the text that turns the state after the last hop into labels.

    Parameters
    ----------
    rule : Rule
        Its ties and `isolated`.
    num_nodes : int
        The n of the packed numbers.

    Returns
    -------
    str
        A query with the columns ``id`` and ``is_maximum``.

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

    Parameters
    ----------
    direction : {"in", "out", "both"}
        Which steps count; undirected edges count both ways.
    table : str
        Where the edges are.
    src, dst : str
        Expressions for the ends of an edge.

    Returns
    -------
    str
        A query with the columns ``src`` and ``dst``.

    Examples
    --------
    >>> edges_sql("out", "given")
    'SELECT dst AS src, src AS dst FROM given'
    """
    ways = ("in", "out") if direction == "both" else (direction,)
    return " UNION ALL ".join(_ENDS[way].format(src=src, dst=dst, table=table) for way in ways)


def check_num_nodes(num_nodes: int, name: str) -> None:
    """Refuse more nodes than the packed numbers can hold.

    Parameters
    ----------
    num_nodes : int
        Rows of the node table.
    name : str
        The table, as the caller named it.

    Raises
    ------
    ValueError
        Above 3 * 10**9.
    """
    if num_nodes > MOST_TABLE_NODES:
        raise ValueError(
            f"`nodes` must have at most 3 * 10**9 rows, because rank * rows + number must fit in "
            f"64 bits, got {num_nodes} in {name}; split the graph into its components"
        )
