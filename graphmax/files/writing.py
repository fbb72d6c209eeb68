"""`write_graph` and `write_table`: a graph into one file or two tables, columns into a table.

Of a pair of tables the node table is put in place first: without it a new edge table could name
nodes that the old one lacks. Tables are exact to the last digit.
"""

# ruff: noqa: S608 - names and values are quoted, table names are this package's own

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphmax.atomic import replacing, write_atomically
from graphmax.convert import as_graph
from graphmax.files.building import check_address_space, identifier, literal
from graphmax.files.opening import (
    ROOM,
    as_comment,
    check_text,
    flat_attributes,
    is_utf8,
    metadata_of,
    seal,
    with_positions,
)
from graphmax.files.reading import FORMAT_OF, PAIR_ENDINGS, nodes_name, written_endings
from graphmax.graph import Graph

_FORMATS = {
    ".csv": "csv, header true",
    ".tsv": "csv, header true, delimiter '\t'",
    ".parquet": "parquet",
    ".json": "json, array true",
}
_TIME_UNITS = ("s", "ms", "us", "ns")


def write_table(columns: Mapping[str, ArrayLike], path: str | os.PathLike[str]) -> None:
    """Write columns of equal length to a CSV, TSV, Parquet or JSON file.

    The file appears complete or not at all: it is written under a temporary name, synced to the
    disk and renamed.

    Parameters
    ----------
    columns : mapping of str to (num_rows,) array
        Integers, floats, Booleans, text, dates and times; missing entries masked (or None among
        text).
    path : str or path
        Where to; the ending decides: .csv, .tsv, .parquet, .json (an array of one object a row).

    Raises
    ------
    ValueError
        If the ending is another one, a column is not one-dimensional, or lengths differ.
    TypeError
        If a column holds other things than those above.
    FileNotFoundError
        If the folder does not exist.

    Notes
    -----
    Integers keep every digit, floats the shortest spelling that gives them back. Missing entries
    are empty in CSV and TSV, null elsewhere. NaN and infinities are ``nan``, ``inf`` there and the
    strings ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` in JSON, which has no numbers for them.
    A timedelta is written as its number of ticks.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphmax import write_table
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels.csv"
    >>> write_table({"id": [7, 9], "is_maximum": [True, False]}, file)
    >>> file.read_text().split()
    ['id,is_maximum', '7,true', '9,false']
    """
    target = Path(os.fspath(path))
    if target.suffix.lower() not in _FORMATS:
        raise ValueError(
            f"`path` must end in one of {', '.join(_FORMATS)}, got {target.name!r}; rename it"
        )
    arrays = checked_columns(columns)
    if target.suffix.lower() in (".csv", ".tsv"):
        _check_no_nul(arrays, "columns", ".parquet or .json")
    write_atomically(target, lambda file: copy_columns(arrays, file, target.suffix.lower()))


def checked_columns(columns: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """Return the columns as one-dimensional arrays of one length and of writable types."""
    if not columns:
        raise ValueError("`columns` must hold at least one column, got none")
    for name in columns:
        check_text(str(name), "columns")
    if "" in map(str, columns):
        raise ValueError("`columns` must have names, got one called ''; rename it")
    arrays = {str(name): _column(str(name), column) for name, column in columns.items()}
    lengths = {name: array.size for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"`columns` must have one length, got {lengths}")
    return arrays


def _check_no_nul(columns: Mapping[str, NDArray[Any]], argument: str, others: str) -> None:
    """Refuse text with NUL, which makes a text file that no reader takes."""
    for name, column in columns.items():
        texts = np.ma.getdata(column).tolist() if column.dtype == object else []
        bad = next((text for text in (name, *texts) if text is not None and "\0" in text), None)
        if bad is not None:
            raise ValueError(
                f"`{argument}` must have text without NUL characters, got {bad[:40]!r}; "
                f"write {others}"
            )


def _column(name: str, column: ArrayLike) -> NDArray[Any]:
    array = column if isinstance(column, np.ndarray) else np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"`columns[{name!r}]` must be one-dimensional, got shape {array.shape}")
    if array.dtype.kind in "UO":
        return _text(name, array)
    if array.dtype.kind not in "biufmM" or array.dtype.itemsize > 8:
        raise TypeError(f"`columns[{name!r}]` must be numbers, text or times, got {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _text(name: str, array: NDArray[Any]) -> NDArray[Any]:
    mask = np.ma.getmaskarray(array).copy()
    texts = np.empty(array.size, object)
    for i, item in enumerate(np.ma.getdata(array).tolist()):
        if item is None or mask[i]:
            mask[i] = True
        elif isinstance(item, str):
            check_text(item, f"columns[{name!r}]")
            texts[i] = item
        else:
            raise TypeError(
                f"`columns[{name!r}]` must hold text only, got {item!r} in row {i}; "
                "convert the column"
            )
    return np.ma.MaskedArray(texts, mask) if mask.any() else texts


def copy_columns(
    columns: Mapping[str, NDArray[Any]],
    file: Path,
    ending: str,
    *,
    metadata: str | None = None,
    comment: str = "",
    quote: bool = False,
) -> None:
    """Write columns with DuckDB.

    `metadata` goes into the metadata of a Parquet file, `comment` before the header of a CSV
    file; `quote` puts all text of a CSV file into quotation marks, so that blanks around it count.
    """
    arrays: dict[str, NDArray[Any]] = {}
    chosen = []
    for i, (name, column) in enumerate(columns.items()):
        arrays |= _for_duckdb(i, column)
        chosen.append(f"{_expression(i, column, ending)} as {identifier(name)}")
    settings = f"format {_FORMATS[ending]}, use_tmp_file false"
    quoted = [identifier(name) for name, column in columns.items() if column.dtype == object]
    if ending == ".csv" and quote and quoted:
        settings += f", force_quote ({', '.join(quoted)})"
    if metadata is not None and ending == ".parquet":
        settings += f", kv_metadata {{graphmax: {literal(metadata)}}}"
    import duckdb  # not at the top: the front door stays quick for those who only read

    check_address_space()
    with duckdb.connect() as connection:
        connection.register("columns", arrays)
        query = f"copy (select {', '.join(chosen)} from columns) to"
        with _named_in_utf8(file) as target:
            connection.execute(f"{query} {literal(str(target))} ({settings})")
    if comment:
        file.write_bytes(comment.encode() + file.read_bytes())


@contextmanager
def _named_in_utf8(file: Path) -> Iterator[Path]:
    """Give DuckDB a name that it can read, and move what it wrote to a name of other bytes."""
    if is_utf8(str(file)):
        yield file
        return
    with TemporaryDirectory(prefix="graphmax-") as folder:
        link = Path(folder) / "beside"
        link.symlink_to(file.parent.absolute(), target_is_directory=True)
        yield link / "table"
        (file.parent / "table").replace(file)


def _for_duckdb(i: int, column: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the column as plain values beside a mask: DuckDB takes a NaN for a missing entry."""
    plain = np.ma.getdata(column)
    if plain.dtype.kind == "M":
        plain = plain.astype("M8[us]") if _unit(plain) not in _TIME_UNITS else plain
        missing = np.ma.getmaskarray(column) | np.isnat(plain)
    elif plain.dtype.kind == "m":
        missing = np.ma.getmaskarray(column) | np.isnat(plain)
        plain = plain.astype(np.int64)
    else:
        missing = np.ma.getmaskarray(column)
    plain = plain.astype(np.float32) if plain.dtype == np.float16 else plain
    found = {f"v{i}": np.ascontiguousarray(plain), f"m{i}": missing}
    return {**found, f"n{i}": np.isnan(plain)} if plain.dtype.kind == "f" else found


def _unit(column: NDArray[Any]) -> str:
    return np.datetime_data(column.dtype)[0]


def _expression(i: int, column: NDArray[Any], ending: str) -> str:
    value = f"v{i}::varchar" if column.dtype == object else f"v{i}"
    if column.dtype.kind == "f":
        kind = "double" if column.dtype.itemsize == 8 else "float"
        value = f"case when n{i} then 'nan'::{kind} else v{i} end"
        if ending == ".json":
            value = (
                f"case when n{i} then to_json('NaN') when isinf(v{i}) then to_json(case when "
                f"v{i} > 0 then 'Infinity' else '-Infinity' end) else to_json(v{i}) end"
            )
    return f"case when m{i} then null else {value} end"


def write_graph(graph: "Graph | Any", path: str | os.PathLike[str]) -> None:
    """Write a graph to a file that `read_graph` reads back as the same graph.

    The file appears complete or not at all: it is written under a temporary name, synced to the
    disk and renamed.

    Parameters
    ----------
    graph : Graph or graph of another library
        What `as_graph` takes; its labels are the ids in the file, node indices without labels.
    path : str or path
        Where to; the ending decides: .graphml, .json (node-link), .npz, .parquet, .csv.
        The last two are tables of
        edges with the columns ``src``, ``dst`` and, where there are weights, ``weight``; a table
        of nodes, with the column ``id`` and one for each attribute, is written beside them:
        ``graph.nodes.csv`` beside ``graph.csv``.

    Raises
    ------
    ValueError
        If the ending is another one, or the format cannot hold a label or an attribute name.
    TypeError
        If a label or an attribute is neither numbers nor text nor times.
    FileNotFoundError
        If the folder does not exist.

    Notes
    -----
    Every format gives back the same labels, dtypes, weights, masks, direction, grid shape and
    positions; of `Graph.dropped` only NPZ knows. The tables of a CSV start with a comment that
    holds what CSV cannot say (``pandas.read_csv(..., comment="#")`` passes over it). An attribute
    of shape (n, 2) is written as two columns ``x.0``, ``x.1``. A pair of tables is replaced one
    after the other, nodes first, and both carry one mark, so that a reader refuses a new one
    beside an old one. All files carry a checksum, and a reader refuses one whose bytes differ.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphmax import Graph, read_graph, write_graph
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "path.graphml"
    >>> write_graph(Graph.from_edges([0, 1], [1, 2], labels=["a", "b", "c"]), file)
    >>> read_graph(file)
    Graph(num_nodes=3, num_edges=2, undirected, labelled)
    """
    graph = _in_native_order(as_graph(graph))
    _check_texts(graph)
    target = Path(os.fspath(path))
    ending = target.suffix.lower().removeprefix(".")
    row = FORMAT_OF.get(ending)
    if ending in PAIR_ENDINGS:
        beside = Path(nodes_name(str(target)))
        with replacing([beside, target]) as (nodes_file, edges_file):
            _write_tables(graph, edges_file, nodes_file, f".{ending}")
    elif row is not None and row.writes:
        write = row.writer()
        write_atomically(target, lambda file: write(graph, file))
    else:
        raise ValueError(
            f"`path` must end in one of {written_endings()}, got {target.name!r}; rename it"
        )


def _check_texts(graph: Graph) -> None:
    """Refuse half characters in names and text."""
    columns = {"labels": graph.labels, **graph.attributes}
    for name, column in columns.items():
        check_text(name, "attributes")
        if column is not None and column.dtype == object:
            for item in column.tolist():
                if isinstance(item, str):
                    check_text(item, name if name == "labels" else f"attributes[{name!r}]")


def _in_native_order(graph: Graph) -> Graph:
    """Return a graph whose attributes have the order of bytes that writers take."""
    swapped = {
        name: column.astype(column.dtype.newbyteorder("="))
        for name, column in graph.attributes.items()
        if not column.dtype.isnative
    }
    return graph.replace(attributes={**graph.attributes, **swapped}) if swapped else graph


def _write_tables(graph: Graph, edges_file: Path, nodes_file: Path, ending: str) -> None:
    """Write both tables with metadata and checksums; in CSV they stand in a comment."""
    graph, placed = with_positions(graph)
    ids = graph.label_of(np.arange(graph.num_nodes))
    src, dst = graph.edges()
    edges: dict[str, NDArray[Any]] = {"src": ids[src], "dst": ids[dst]}
    weights = graph.edge_weights()
    if weights is not None:
        edges["weight"] = weights
    nodes = {"id": ids, **_apart(flat_attributes(graph))}
    known = {**metadata_of(graph), **placed, "pair": secrets.token_hex(8), "checksum": ROOM}
    metadata = json.dumps(known)
    comment = as_comment(known) if ending == ".csv" else ""
    if graph.directed and comment:
        comment += "# Directed graph\n"
    for table, file in ((nodes, nodes_file), (edges, edges_file)):
        columns = checked_columns(table)
        if ending == ".csv":
            _check_no_nul(columns, "graph", ".npz, .json or .parquet")
        if comment:  # the shortest spelling of a narrow float is another number in 64 bits
            columns = {name: _widened(column) for name, column in columns.items()}
        copy_columns(columns, file, ending, metadata=metadata, comment=comment, quote=True)
        seal(file)


def _widened(column: NDArray[Any]) -> NDArray[Any]:
    return column.astype(np.float64) if column.dtype.kind == "f" else column


def _apart(columns: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    """Refuse attribute names that a table cannot tell apart."""
    seen = {"id"}
    for name in columns:
        if name.lower() in seen:
            raise ValueError(
                f"`graph` must have attributes whose names differ from 'id' and from each other "
                f"in more than case, got {name!r}; rename it, or write .npz or .graphml"
            )
        seen.add(name.lower())
    return columns
