"""Adjacency matrices as text (comma, tab, blanks, semicolon) or as .npy.

Names may stand in the first row and the first column. Entry (u, v) is the edge u -> v; the graph is
undirected where the matrix is symmetric, and has no weights where all entries are 0 and 1.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from graphmax.files.building import check_count, graph_of_file
from graphmax.files.column_roles import has_end_names, is_number
from graphmax.files.errors import refusal
from graphmax.files.nodes_and_edges import id_array
from graphmax.files.npz import read_array
from graphmax.files.opening import ReadOptions, Source, decoded_text
from graphmax.files.table_layout import delimiter_of, is_marked, split_line
from graphmax.graph import Graph

_SAMPLE = 5
_NONE = ("", "NA")  # R writes the latter
_BOTH_WAYS = "pass format='matrix' or format='edges' (--format matrix, --format edges)"


class _Names(NamedTuple):
    """Names of the rows of a matrix, and the rows and columns that they take."""

    names: list[str]
    rows: int
    columns: int


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a square matrix of numbers."""
    if Path(source.name.lower().removesuffix(".gz")).suffix == ".npy":
        return matrix_graph(
            read_array(source.read(), Path(source.name).name, source), None, source, options
        )
    lines = _lines(source)
    delimiter = options.delimiter or delimiter_of(lines[:20], "csv")
    names = _names(lines, delimiter)
    body = [
        split_line(line, delimiter)[names.columns :] for line in source.timed(lines[names.rows :])
    ]
    widths = {len(row) for row in body}
    if widths != {len(body)}:
        got = f"{len(body)} rows of {' or '.join(map(str, sorted(widths)[:3]))} entries"
        raise refusal(source.name, "hold as many rows as columns", got)
    check_count(source, options, len(body))
    return matrix_graph(_numbers(body, source), names.names or None, source, options)


def is_matrix(source: Source, options: ReadOptions) -> bool:
    """Say whether a text table is a matrix; refuse what may as well be an edge list."""
    if options.format == "edges" or not {options.src, options.dst, options.header} <= {None}:
        return False
    lines = [
        line for line in source.head(2**20).decode(errors="replace").splitlines() if _is_row(line)
    ]
    if len(lines) < 2:
        return False
    delimiter = options.delimiter or delimiter_of(lines[:20], source.kind)
    names = _names(lines, delimiter)
    first = split_line(lines[names.rows], delimiter)[names.columns :]
    width, sample = len(first), lines[names.rows : names.rows + max(_SAMPLE, 4)]
    if width < 2 or not all(_are_numbers(line, delimiter, names, width) for line in sample):
        return False
    if _count_rows(source, width) - names.rows != width:
        return False
    if width > 4 or (names.rows and names.columns):
        return True
    if width < 3 or (names.rows and has_end_names(names.names)):
        return False
    body = [split_line(line, delimiter)[names.columns :] for line in lines[names.rows :]]
    numbers = _numbers(body, source)
    if np.array_equal(numbers, numbers.T) or not np.diag(numbers).any():
        got = f"{width} rows of {width} numbers, which may be either"
        raise refusal(source.name, "be an edge list or a matrix", got, way_out=_BOTH_WAYS)
    return False


def _is_row(line: str) -> bool:
    return bool(line.strip()) and not is_marked(line.encode())


def _lines(source: Source) -> list[str]:
    lines = [line for line in decoded_text(source).splitlines() if _is_row(line)]
    if not lines:
        raise refusal(source.name, "hold a matrix", "no row")
    return lines


def _count_rows(source: Source, width: int) -> int:
    """Count rows; a file that is far too large for a square of that width is not read for it."""
    if source.size > 64 * (width + 2) ** 2 + 2**16:
        return -1
    return sum(map(_is_row, source.read().decode(errors="replace").splitlines()))


def _names(lines: list[str], delimiter: str) -> _Names:
    """Return the names in the first row and column, where there are some."""
    top, below = (
        split_line(lines[0], delimiter),
        [split_line(line, delimiter) for line in lines[1:]],
    )
    firsts = [row[0] for row in below if row]
    if len(top) < 2 or not below:
        return _Names([], 0, 0)
    for head in (top[1:], top):
        unique = len(set(head)) == len(head) and not (head is not top and is_number(top[0]))
        if head == firsts and unique and len(below[0]) == len(head) + 1:
            return _Names(firsts, 1, 1)
    if len(below) == len(top) and not any(map(is_number, top)):
        return _Names(top, 1, 0)
    rows = [top, *below]
    if len(top) == len(rows) + 1 and not any(is_number(row[0]) for row in rows if row):
        return _Names([row[0] for row in rows if row], 0, 1)
    return _Names([], 0, 0)


def _are_numbers(line: str, delimiter: str, names: _Names, width: int) -> bool:
    cells = split_line(line, delimiter)[names.columns :]
    return len(cells) == width and all(is_number(cell) or cell in _NONE for cell in cells)


def _numbers(body: list[list[str]], source: Source) -> NDArray[np.float64]:
    numbers = np.zeros((len(body), len(body)))
    for place, row in enumerate(source.timed(body)):
        bad = next((cell for cell in row if cell not in _NONE and not is_number(cell)), None)
        if bad is not None:
            raise refusal(source.name, "hold numbers", f"{bad[:40]!r} in row {place + 1}")
        numbers[place] = [0.0 if cell in _NONE else float(cell) for cell in row]
    return numbers


def matrix_graph(
    matrix: Any, names: list[str] | None, source: Source, options: ReadOptions
) -> Graph:
    """Return the graph of a matrix, dense or of SciPy."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype.kind not in "biuf":
        got = f"{matrix.dtype} of shape {matrix.shape}"
        raise refusal(source.name, "hold a square matrix of numbers", got)
    count = matrix.shape[0]
    check_count(source, options, count)
    if scipy.sparse.issparse(matrix) and matrix.format in ("csr", "csc"):
        matrix.check_format(full_check=True)
    entries = scipy.sparse.coo_array(matrix)
    present = (entries.data != 0) & ~np.isnan(entries.data.astype(np.float64))
    src, dst = (ends[present] for ends in entries.coords)
    weights = entries.data[present].astype(np.float64)
    source.facts.update(layout="matrix", plain=False)
    is_weighted = options.weight is not False and bool((weights != 1).any())
    if is_weighted:
        source.facts["length"] = "entries"
    kept = scipy.sparse.csr_array((weights, (src, dst)), shape=(count, count))
    symmetric = (kept != kept.T).nnz == 0
    return graph_of_file(
        source,
        src,
        dst,
        count,
        weights=weights if is_weighted else None,
        directed=not symmetric if options.directed is None else options.directed,
        labels=None if names is None else id_array(names),
    )
