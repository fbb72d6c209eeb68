"""From columns of ids to a `Graph`: what counts as an id, the number of each node, the checks.

Ids are integers or text; floats are refused, and so are 1, 1.0, true mixed. Nodes are numbered in
the order of the node table; without one, in the order of their ids (integers by value, text by
code point). Memory follows the number of ids, never the largest.

DuckDB works in memory and fetches nothing from anywhere. Text columns get the narrowest type that
holds every entry exactly, never through a float: a column is a float column only if no integer in
it would be rounded.
"""

import math
import mmap
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphmax.checks import MOST_NODES
from graphmax.files.errors import GraphFileError, listed, refusal
from graphmax.files.opening import MEBIBYTE, ReadOptions, Source
from graphmax.graph import Graph
from graphmax.kernels.compare import IdLookup
from graphmax.machine import free_memory

# ruff: noqa: S608 - names and values are quoted, table names are this package's own


def identifier(name: str) -> str:
    """Quote a column name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string for SQL."""
    return "'" + text.replace("'", "''") + "'"


def check_address_space() -> None:
    """Refuse to start DuckDB where little can still be mapped: it would crash or hang, not raise.

    Threads, allocators and imports that fail under a limit (`ulimit -v`) end the process.
    """
    try:
        with mmap.mmap(-1, _ADDRESS_SPACE):
            pass
    except (OSError, ValueError) as error:
        raise MemoryError(
            f"{_ADDRESS_SPACE // MEBIBYTE} MiB of address space must be free to read or write "
            f"tables, got less ({error}); raise the limit (ulimit -v)"
        ) from None


_ADDRESS_SPACE = 512 * MEBIBYTE
_LEAST_MEMORY = 256 * MEBIBYTE
_MEMORY_PER_BYTE = 48


@contextmanager
def database(source: Source) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection whose memory follows the size of the file and whose time is limited."""
    check_address_space()
    memory = max(_LEAST_MEMORY, min(_MEMORY_PER_BYTE * source.size, free_memory())) // MEBIBYTE
    with TemporaryDirectory(prefix="graphmax-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": spill,
            "memory_limit": f"{memory}MiB",
        }
        with duckdb.connect(config=settings) as connection, _interrupted(connection, source):
            try:
                yield connection
            except duckdb.InterruptException:
                source.check_time()
                raise
            except duckdb.OutOfMemoryException as error:
                raise refusal(
                    source.name, "fit into memory", str(error).partition("\n")[0][:100]
                ) from None


@contextmanager
def _interrupted(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[None]:
    """Stop running queries when time is up, again and again until the reader notices."""
    if source.until == math.inf:
        yield
        return
    source.check_time()
    done, lock = threading.Event(), threading.Lock()

    def watch() -> None:
        done.wait(max(0.0, source.until - time.monotonic()))
        while not done.is_set():
            with lock:
                if not done.is_set():
                    connection.interrupt()
            done.wait(0.02)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            done.set()
        watcher.join()


_ISO = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,%d})?)?)?"
_EXACT_FLOAT = (
    "try_cast({c} as double) is not null and not contains({c}, '_') and "
    "(not regexp_full_match({c}, '\\s*[+-]?[0-9]{{16,}}\\s*') or "
    "try_cast({c} as hugeint) = try_cast(try_cast({c} as double) as hugeint))"
)
# What every entry must satisfy for the column to be cast to the type, in this order.
_RULES = (
    ("BIGINT", "regexp_full_match({c}, '[+-]?[0-9]+') and try_cast({c} as bigint) is not null"),
    ("UBIGINT", "regexp_full_match({c}, '[+]?[0-9]+') and try_cast({c} as ubigint) is not null"),
    ("BOOLEAN", "lower({c}) in ('true', 'false')"),
    ("DOUBLE", _EXACT_FLOAT),
    (
        "TIMESTAMP",
        f"regexp_full_match({{c}}, '{_ISO % 6}') and try_cast({{c}} as timestamp) is not null",
    ),
    (
        "TIMESTAMP_NS",
        f"regexp_full_match({{c}}, '{_ISO % 9}') and try_cast({{c}} as timestamp_ns) is not null",
    ),
)
CANONICAL_INTEGER = "coalesce(try_cast({c} as bigint)::varchar = {c}, false)"


def holds_everywhere(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, rule: str
) -> bool:
    """Say whether every entry that is not NULL satisfies a rule about ``{c}``."""
    condition = rule.replace("{c}", column).replace("{{", "{").replace("}}", "}")
    return not connection.execute(
        f"select 1 from {table} where {column} is not null "
        f"and not coalesce({condition}, false) limit 1"
    ).fetchall()


def type_of(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """Return the DuckDB type for a text column."""
    some = connection.execute(
        f"select 1 from {table} where {column} is not null limit 1"
    ).fetchall()
    if not some:
        return "VARCHAR"
    for name, rule in _RULES:
        if holds_everywhere(connection, table, column, rule):
            return name
    return "VARCHAR"


_WITH_COMMA = "regexp_full_match({c}, '[+-]?[0-9]+(,[0-9]+)?([eE][+-]?[0-9]+)?')"
# One digit, two, or four and more behind a comma are decimals; 1,500 may be a thousand and more.
_SURE_COMMA = (
    "regexp_full_match({c}, '[+-]?([0-9]{4,}|0[0-9]*),[0-9]+.*|"
    "[^,]*,([0-9]{1,2}|[0-9]{4,})([eE].*)?')"
)


def point_decimals(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Write a column of numbers with decimal commas with points; say whether it is one."""
    if not holds_everywhere(connection, table, column, _WITH_COMMA):
        return False
    sure = _SURE_COMMA.replace("{c}", column)
    query = f"select count(*) filter (where {sure}) from {table}"
    if not connection.execute(query).fetchall()[0][0]:
        return False
    connection.execute(f"update {table} set {column} = replace({column}, ',', '.')")
    return True


def fetched(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[object] | None = None
) -> dict[str, NDArray[Any]]:
    """Run a query and return its columns, missing entries masked."""
    columns = connection.execute(query, parameters or []).fetchnumpy()
    return {name: _as_array(column) for name, column in columns.items()}


def _as_array(column: Any) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray) and not np.ma.is_masked(column):
        return column.data
    return column if isinstance(column, np.ndarray) else np.asarray(column)


# ruff: noqa: S608 - names and values are quoted, table names are this package's own

# --- From columns of ids to a `Graph`: what counts as an id, the number of each node

_INTEGER = "regexp_full_match({c}, '[+-]?[0-9]+')"
_FLOAT = (
    "regexp_full_match({c}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?|"
    "(?i:[+-]?(nan|inf|infinity))') and not " + _INTEGER
)
_WHOLE_FLOAT = "regexp_full_match({c}, '[+-]?[0-9]{1,18}([.]0*)?')"
_BOOLEAN = "lower({c}) in ('true', 'false')"


class BadId(NamedTuple):
    """An id that cannot be one: its text, the column it stands in, and what is wrong."""

    text: str
    column: str
    flaw: str


def are_integers(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> bool:
    """Say whether all ids are integers of 64 bits in their usual spelling.

    ``007`` is not: it stays the text that it is, beside a possible ``7``.
    """
    return all(holds_everywhere(connection, table, c, CANONICAL_INTEGER) for c in columns)


def are_whole(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> bool:
    """Say whether all ids are whole numbers, some of them written as floats: ``1.0`` is 1."""
    return all(holds_everywhere(connection, table, c, _WHOLE_FLOAT) for c in columns) and any(
        not holds_everywhere(connection, table, c, _INTEGER) for c in columns
    )


def make_whole(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    """Write whole numbers in columns of text without the point."""
    # Never through a float: cut the text instead of casting it.
    sets = ", ".join(f"{c} = split_part({c}, '.', 1)::bigint::varchar" for c in columns)
    connection.execute(f"update {table} set {sets}")


def bad_id(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> BadId | None:
    """Return a float among ids that are all numbers or partly integers, or a mixed-in Boolean."""
    floats = _first(connection, table, columns, _FLOAT)
    booleans = _first(connection, table, columns, _BOOLEAN)
    if floats is None and booleans is None:
        return None
    has_integers = _first(connection, table, columns, _INTEGER) is not None
    other = f"not ({_INTEGER}) and not ({_FLOAT})"
    if floats and (has_integers or _first(connection, table, columns, other) is None):
        return BadId(*floats, "the float")
    if booleans and has_integers:
        return BadId(*booleans, "among integers the Boolean")
    return None


def _first(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rule: str
) -> tuple[str, str] | None:
    for column in columns:
        rows = connection.execute(
            f"select {column} from {table} where {rule.replace('{c}', column)} limit 1"
        ).fetchall()
        if rows:
            return rows[0][0], column
    return None


_SPARE = 2**16
# Edges that make up for the compilation of a loop.
_WORTH_A_LOOKUP = 500_000
_NO_IDS = np.empty(0, np.int64)


class Numbered(NamedTuple):
    """Edges as node indices, with weights in the same order, and the id of each node.

    Where edges of both kinds are mixed, `arrows` says which have one.
    """

    src: NDArray[Any]
    dst: NDArray[Any]
    weights: NDArray[Any] | None
    ids: NDArray[Any]
    arrows: NDArray[np.bool_] | None = None

    def both_ways(self) -> "Numbered":
        """Return the edges without an arrow as two arrows."""
        if self.arrows is None or self.arrows.all():
            return self
        plain = ~self.arrows
        weights = self.weights
        if weights is not None:
            weights = np.concatenate([weights, weights[plain]])
        src = np.concatenate([self.src, self.dst[plain]])
        dst = np.concatenate([self.dst, self.src[plain]])
        return Numbered(src, dst, weights, self.ids)


def number_integers(
    connection: duckdb.DuckDBPyConnection,
    edges: dict[str, NDArray[Any]],
    nodes: NDArray[np.int64] | None,
    source: Source,
) -> Numbered:
    """Give int64 columns `src` and `dst` node indices; `nodes` are the ids of a node table."""
    src, dst = edges["src"], edges["dst"]
    known = _NO_IDS if nodes is None else nodes
    low, span = _range(src, dst, known)
    if span > 4 * (src.size + dst.size + known.size) + _SPARE:
        connection.register("edges", edges)
        if src.size < _WORTH_A_LOOKUP:
            return number_relation(connection, nodes, list(edges), source)
        return _found_by_hash(connection, edges, nodes, source)
    if nodes is not None:
        return _looked_up(edges, nodes, (low, span), source)
    ids, position = _dense_positions(src, dst, low, span)
    if position is None:
        first, second = (src, dst) if low == 0 else (src - low, dst - low)
    else:
        first, second = position[src - low], position[dst - low]
    return Numbered(first, second, edges.get("weight"), ids, edges.get("arrow"))


def _found_by_hash(
    connection: duckdb.DuckDBPyConnection,
    edges: dict[str, NDArray[Any]],
    nodes: NDArray[np.int64] | None,
    source: Source,
) -> Numbered:
    """Return edges between ids that lie far apart: joins of a database take twice as long."""
    ids = nodes
    if ids is None:
        ends = (
            "select distinct id from (select src as id from edges union all select dst from edges)"
        )
        ids = np.sort(fetched(connection, ends)["id"])
    lookup = IdLookup(ids)
    src, dst = lookup.find(edges["src"]), lookup.find(edges["dst"])
    _refuse_lacking(edges, src, dst, source)
    return Numbered(src, dst, edges.get("weight"), ids, edges.get("arrow"))


def _refuse_lacking(
    edges: dict[str, NDArray[Any]], src: NDArray[Any], dst: NDArray[Any], source: Source
) -> None:
    lacking = np.concatenate([edges["src"][src < 0], edges["dst"][dst < 0]])
    if lacking.size:
        ids = np.unique(lacking)
        raise unknown_ids(source, ids[:5].tolist(), ids.size)


def _range(*columns: NDArray[np.int64]) -> tuple[int, int]:
    filled = [column for column in columns if column.size]
    if not filled:
        return 0, 0
    low = min(int(column.min()) for column in filled)
    return low, max(int(column.max()) for column in filled) - low + 1


def _dense_positions(
    src: NDArray[np.int64], dst: NDArray[np.int64], low: int, span: int
) -> tuple[NDArray[np.int64], NDArray[np.int32] | None]:
    present = np.zeros(span, bool)
    present[src - low if low else src] = True
    present[dst - low if low else dst] = True
    if present.all():
        return np.arange(low, low + span, dtype=np.int64), None
    return np.flatnonzero(present) + low, np.cumsum(present, dtype=np.int32) - np.int32(1)


def _looked_up(
    edges: dict[str, NDArray[Any]],
    nodes: NDArray[np.int64],
    within: tuple[int, int],
    source: Source,
) -> Numbered:
    low, span = within
    position = np.full(span, -1, np.int32)
    position[nodes - low] = np.arange(nodes.size, dtype=np.int32)
    src, dst = position[edges["src"] - low], position[edges["dst"] - low]
    _refuse_lacking(edges, src, dst, source)
    return Numbered(src, dst, edges.get("weight"), nodes, edges.get("arrow"))


def number_relation(
    connection: duckdb.DuckDBPyConnection,
    nodes: NDArray[Any] | None,
    names: Sequence[str],
    source: Source,
) -> Numbered:
    """Give the columns `src`, `dst` of the relation `edges` node indices; both of one type.

    Other `names` are columns that come along: `weight`, `arrow`.
    """
    others = "".join(f", edges.{name}" for name in names if name not in ("src", "dst"))
    ends = "(select src as id from edges union select dst from edges)"
    if nodes is None:
        order, origin = "id", ends
    else:
        connection.register("given", {"id": nodes, "place": np.arange(nodes.size)})
        order, origin = "place", "given"
        _refuse_unknown(connection, ends, source)
    connection.execute(
        "create or replace temp table ids as "
        f"select id, (row_number() over (order by {order}) - 1)::integer as node from {origin}"
    )
    ids = nodes
    if ids is None:
        ids = fetched(connection, "select id from ids order by node")["id"]
    columns = fetched(
        connection,
        f"select a.node as src, b.node as dst{others} from edges "
        "join ids a on a.id = edges.src join ids b on b.id = edges.dst",
    )
    weights, arrows = columns.get("weight"), columns.get("arrow")
    return Numbered(columns["src"], columns["dst"], weights, ids, arrows)


def _refuse_unknown(connection: duckdb.DuckDBPyConnection, ends: str, source: Source) -> None:
    lacking = f"from {ends} where id not in (select id from given)"
    (count,) = connection.execute(f"select count(*) {lacking}").fetchall()[0]
    if count:
        rows = connection.execute(f"select id {lacking} order by id limit 5").fetchall()
        raise unknown_ids(source, [row[0] for row in rows], count)


def unknown_ids(source: Source, ids: Sequence[object], count: int) -> Exception:
    """Return the error for edges that end at ids which the node table lacks."""
    return refusal(
        source.name,
        "have edges between ids of the node table",
        f"ids that it lacks ({listed(list(ids), count)})",
        way_out="pass add_nodes=True (--add-nodes), id (--key) if another column holds the ids, or "
        "nodes=False to read the edges alone",
    )


# Formats that declare a number of nodes may declare this many in a file of any size.
_UNASKED_NODES = 4_000_000


def built_graph(
    source: Source,
    options: ReadOptions,
    edges: Numbered,
    *,
    attributes: Mapping[str, NDArray[Any]] | None = None,
    directed: bool = False,
    has_ids: bool = True,
) -> Graph:
    """Build the graph; `directed` is what the file says, the option decides.

    Without `has_ids` the ids must be the node indices themselves, and the graph has no labels.
    """
    check_count(source, options, edges.ids.size)
    if not has_ids and not np.array_equal(edges.ids, np.arange(edges.ids.size)):
        raise refusal(source.name, "have node indices as ids, as its metadata says", "other ids")
    if edges.arrows is not None:
        directed = directed or bool(edges.arrows.any())
    directed = directed if options.directed is None else options.directed
    edges = edges.both_ways() if directed and options.directed is None else edges
    return graph_of_file(
        source,
        edges.src,
        edges.dst,
        edges.ids.size,
        weights=edges.weights,
        directed=directed,
        labels=edges.ids if has_ids else None,
        attributes=attributes,
    )


def graph_of_file(
    source: Source, src: NDArray[Any], dst: NDArray[Any], num_nodes: int, **parts: Any
) -> Graph:
    """Build a graph; what `Graph` refuses is an error of the file."""
    source.check_time()
    try:
        return Graph.from_edges(src, dst, num_nodes, **parts)
    except (ValueError, TypeError) as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error


def two_sided(
    src: NDArray[Any],
    dst: NDArray[Any],
    weights: NDArray[Any] | None,
    counts: Sequence[int] = (),
    sides: tuple[str, str] = ("left", "right"),
) -> Numbered:
    """Return edges, numbered, whose ends are ids of two separate sets, left and right.

    `counts` says how many there are, where ids count from 1 and some have no edge.
    """
    numbered = []
    for column, count in zip((src, dst), (*counts, 0, 0), strict=False):
        ids, places = np.unique(column, return_inverse=True)
        if column.dtype.kind in "iu" and ids.size and ids[0] >= 1 and ids[-1] <= count:
            ids, places = np.arange(1, count + 1), column - 1
        numbered.append((ids, places))
    (left, first), (right, second) = numbered
    names = [f"{sides[0]}:{name}" for name in left.tolist()]
    names += [f"{sides[1]}:{name}" for name in right.tolist()]
    return Numbered(first, second + left.size, weights, np.array([*names, ""], object)[:-1])


def check_count(
    source: Source, options: ReadOptions, count: int, unasked: int = _UNASKED_NODES
) -> None:
    """Refuse more nodes than the caller allows, or by default than the bytes account for."""
    allowed = min(MOST_NODES, max(unasked, 2 * source.size))
    allowed = allowed if options.max_nodes is None else options.max_nodes
    if count > allowed:
        raise refusal(
            source.name, f"have at most {allowed} nodes", f"{count}", way_out="pass max_nodes"
        )


def first_bad_weight(weights: NDArray[Any]) -> tuple[int, str] | None:
    """Return the first row whose weight is missing or NaN, and what it is."""
    missing = np.ma.getmaskarray(weights)
    bad = missing | np.isnan(np.ma.getdata(weights).astype(np.float64))
    if not bad.any():
        return None
    row = int(bad.argmax())
    return row, "no weight" if missing[row] else f"weight {np.ma.getdata(weights)[row]}"


def first_row(connection: duckdb.DuckDBPyConnection, table: str, condition: str) -> int | None:
    """Return the number of the first row of a table that satisfies a condition."""
    (row,) = connection.execute(f"select min(rowid) from {table} where {condition}").fetchall()[0]
    return None if row is None else int(row)
