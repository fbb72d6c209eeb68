"""How a text table is laid out: its comments, delimiter and header, from its first lines.

A guess must be good, and it is shown: what was guessed stands in the facts of the `Source`.

And adjacency matrices, as text or as .npy. Names may stand in the first row and the first column.
Entry (u, v) is the edge u -> v; the graph is undirected where the matrix is symmetric, and has no
weights where all entries are 0 and 1.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from graphmax.files.array_files import read_array
from graphmax.files.building import check_count, graph_of_file
from graphmax.files.column_roles import has_end_names, is_key, is_number, looks_like_header
from graphmax.files.errors import listed, refusal
from graphmax.files.nodes_and_edges import id_array
from graphmax.files.opening import MEBIBYTE, ReadOptions, Source, decoded_text, of_comment
from graphmax.graph import Graph

_HEAD = MEBIBYTE
_SAMPLE = 1000
_MOST_COLUMNS = 2000
# The more seldom a character stands in text, the stronger it is as a delimiter.
_DELIMITERS = "\t;,|"
_MARKS = (b"#", b"%", b"//")
_BOM = b"\xef\xbb\xbf"
# Error pages that were saved instead of the file.
_MARKUP = (b"<!doctype", b"<html", b"<?xml")
# What Excel reads the delimiter from.
_EXCEL = re.compile(rb'"?sep=."?\s*')
_OWN, _BREAK = b"# graphmax {", re.compile("\r\n|\r|\n")
_KONECT = re.compile(rb"%\s*(sym|asym|bip)\b")
_COUNTS = re.compile(rb"%((?:\s+\d+){2,3})\s*$")
_NUMBERS = re.compile(r"[+-]?\d+(?:[ \t]+[+-]?\d+)+")
_DICT = re.compile(r"\S+\s+\S+\s+\{.*\}\s*")


@dataclass(frozen=True)
class Layout:
    """The layout of a text table.

    `skip` counts the lines, `start` the bytes before the first data row; `names` are those of the
    header, or ``column0``, ... without one. `konect` is what a banner of that collection says:
    ``sym``, ``asym`` or ``bip``, and `counts` the numbers below it. `sample` holds the first rows.
    """

    delimiter: str
    names: tuple[str, ...]
    skip: int
    start: int
    directed: bool
    header: bool = False
    konect: str = ""
    counts: tuple[int, ...] = ()
    sample: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    has_dicts: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def rows_above(self) -> int:
        """How many rows to skip: as `skip`, but a header with line breaks in quotes is one."""
        return self.skip - sum(len(_BREAK.split(name)) - 1 for name in self.names)

    def is_comment(self, line: bytes) -> bool:
        """Say whether a line among the rows is a comment: by its mark, and no row by its fields."""
        is_own = bool(self.metadata)
        return not is_own and is_marked(line) and not is_row(line, self.delimiter, len(self.names))


def has_banner(source: Source) -> bool:
    """Say whether a file starts as Matrix Market files do, whatever its ending."""
    return re.match(rb"%{1,2}MatrixMarket\b", source.head(20), re.IGNORECASE) is not None


def layout_of(source: Source, options: ReadOptions, *, kind: str, is_edges: bool) -> Layout:
    """Look at the first lines of a file and say how to read the rest."""
    lines = _first_lines(source)
    if lines and lines[0].startswith(_OWN):
        return _own_layout(lines, source)
    data = _first_row(lines)
    if data is None:
        raise refusal(source.name, "hold at least one row", "comments and blank lines only")
    if lines[data].removeprefix(_BOM).lstrip().lower().startswith(_MARKUP):
        raise refusal(source.name, "be a table", "markup", line=data + 1)
    texts = _sample(lines, data, source)
    has_dicts = is_edges and all(map(_DICT.fullmatch, texts))
    delimiter = options.delimiter or (" " if has_dicts else delimiter_of(texts, kind))
    rows = [split_line(line, delimiter) for line in texts]
    if has_dicts:
        rows = [[*row[:2], ""] for row in rows]
    data, rows = _with_marked_rows(lines, data, rows, delimiter, source)
    above = None
    if options.header is None:
        above = _commented_header(lines, data, rows, delimiter)
    if above is None:
        header = _has_header(rows, is_edges) if options.header is None else options.header
        names = rows[0] if header else []
        skip = data + header
    else:
        header, names, skip = True, above, data
    rows = rows[1:] if header and above is None else rows
    comments = lines[:data]
    width = len(names) or len(rows[0])
    konect = next((m[1].decode() for m in map(_KONECT.match, comments) if m), "")
    return Layout(
        delimiter,
        _checked_names(names, width, source, data + 1),
        skip,
        sum(map(len, lines[:skip])),
        konect == "asym" or any(line.lower().startswith(b"# directed") for line in comments),
        header,
        konect,
        _counts(comments) if konect else (),
        tuple(map(tuple, rows)),
        has_dicts,
    )


def _own_layout(lines: Sequence[bytes], source: Source) -> Layout:
    """Return the layout of a table of `write_graph`: its metadata, then a header, with commas."""
    metadata = of_comment(lines[0], source)
    first = next((i for i, line in enumerate(lines) if not line.startswith(b"#")), len(lines))
    texts = [_decoded_ends(line, source, i + 1) for i, line in enumerate(lines[first:], first)]
    reader = csv.reader(texts)
    try:
        names = next(reader, [])
    except csv.Error:
        names = []
    skip = first + reader.line_num
    return Layout(
        ",",
        _checked_names(names, len(names), source, first + 1),
        skip,
        sum(map(len, lines[:skip])),
        metadata.get("directed", False),
        header=True,
        metadata=metadata,
    )


def _first_row(lines: Sequence[bytes]) -> int | None:
    """Return the first line that is no comment; of a file of marked rows alone the first one."""
    for i, line in enumerate(lines):
        if _is_filled(line) and not is_marked(line):
            return i
    rows = [i for i, line in enumerate(lines) if _is_filled(line) and not is_said_aloud(line)]
    widths = {len(split_line(lines[i].decode(errors="replace"), ",")) for i in rows}
    return rows[0] if len(rows) > 1 and len(widths) == 1 and widths.pop() > 1 else None


def _sample(lines: Sequence[bytes], data: int, source: Source) -> list[str]:
    """Return the first rows as text, without comments, unless the first row is marked so."""
    is_left_out = is_said_aloud if is_marked(lines[data]) else is_marked
    places = (i for i in range(data, len(lines)) if _is_filled(lines[i]))
    kept = islice((i for i in places if not is_left_out(lines[i])), _SAMPLE)
    return [_decoded(lines[i], source, i + 1) for i in kept]


def _with_marked_rows(
    lines: Sequence[bytes], data: int, rows: list[list[str]], delimiter: str, source: Source
) -> tuple[int, list[list[str]]]:
    """Count lines such as ``#cat,#dog`` above the first other row as the rows that they are."""
    width, first = len(rows[0]), data
    while first and is_marked(lines[first - 1]) and is_row(lines[first - 1], delimiter, width):
        first -= 1
    cells = [split_line(_decoded(lines[i], source, i + 1), delimiter) for i in range(first, data)]
    marked = any(cell.startswith("#") for row in (*cells, *rows) for cell in row[1:])
    if first == data or (not marked and len(cells) < 2):
        return data, rows
    return first, [*cells, *rows]


def _commented_header(
    lines: Sequence[bytes], data: int, rows: list[list[str]], delimiter: str
) -> list[str] | None:
    """Return the names behind ``#`` in the last comment, where there is one for every column."""
    above = next((line for line in reversed(lines[:data]) if _is_filled(line)), b"")
    if not above.removeprefix(_BOM).startswith((b"#", b"%")):
        return None
    text = above.removeprefix(_BOM).decode(errors="replace").lstrip("#%").strip()
    names = split_line(text, delimiter)
    if len(names) != len(rows[0]) and delimiter != " ":
        names = split_line(text, " ")
    if len(names) != len(rows[0]) or any(map(is_number, names)) or len(set(names)) < len(names):
        return None
    return names if has_end_names(names) or looks_like_header(names, rows) else None


def _counts(comments: Iterable[bytes]) -> tuple[int, ...]:
    match = next((found for found in map(_COUNTS.match, comments) if found), None)
    return tuple(int(word) for word in match[1].split() if len(word) < 19) if match else ()


def _first_lines(source: Source) -> list[bytes]:
    head = source.head(_HEAD)
    if b"\0" in head:
        line = head[: head.index(b"\0")].count(b"\n") + 1
        way_out = "pass encoding" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else None
        raise refusal(source.name, "be a UTF-8 text file", "a NUL byte", line=line, way_out=way_out)
    lines = head.splitlines(keepends=True)
    return lines[:-1] if len(head) == _HEAD and len(lines) > 1 else lines


def _is_filled(line: bytes) -> bool:
    return bool(line.removeprefix(_BOM).strip())


def is_marked(line: bytes) -> bool:
    """Say whether a line starts as comments do."""
    text = line.removeprefix(_BOM).lstrip()
    return text.startswith(_MARKS) or _EXCEL.fullmatch(text) is not None


def is_said_aloud(line: bytes) -> bool:
    """Say whether a marked line is a comment whatever its fields: a blank follows the mark."""
    text = line.removeprefix(_BOM).strip()
    if _EXCEL.fullmatch(text):
        return True
    mark = next((mark for mark in _MARKS if text.startswith(mark)), b"")
    rest = text.lstrip(mark)
    return bool(mark) and (not rest or rest[:1] in b" \t" or mark == b"%")


def is_row(line: bytes, delimiter: str, width: int) -> bool:
    """Say whether a marked line has the fields of a row."""
    if is_said_aloud(line):
        return False
    return len(split_line(line.decode(errors="replace"), delimiter)) == width


def _decoded(line: bytes, source: Source, number: int) -> str:
    return _decoded_ends(line, source, number).rstrip("\r\n")


def _decoded_ends(line: bytes, source: Source, number: int) -> str:
    """Return a line with its end."""
    try:
        return line.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        raise refusal(
            source.name,
            "be a UTF-8 text file",
            f"byte 0x{line[error.start]:02x}",
            line=number,
            way_out="save it as UTF-8, or pass encoding",
        ) from None


def delimiter_of(sample: Sequence[str], kind: str) -> str:
    """Return what splits all lines into the same number of fields.

    Blanks come last: names hold them. A field that ends in another delimiter is never right.
    """
    best, most = "", (False, 1)
    for candidate in _DELIMITERS:
        rows = [split_line(line, candidate) for line in sample]
        width = len(rows[0])
        if width == 1 or any(len(row) != width for row in rows) or not _is_clean(rows, candidate):
            continue
        if candidate == "\t":
            return candidate
        # Beside one that stands tight, a delimiter with blanks behind it is punctuation.
        rank = (not all(f"{candidate} " in line for line in sample), width)
        if rank > most:
            best, most = candidate, rank
    words = [line.split() for line in sample]
    if not best and len({len(row) for row in words}) == 1 and _is_clean(words, " "):
        best = " " if len(words[0]) > 1 else ""
    if best:
        return best
    usual = {"csv": ",;\t| ", "tsv": "\t,;| "}.get(kind, "\t ,;|")
    parts = [c for c in usual if len(split_line(sample[0], c)) > 1]
    return parts[0] if parts else usual[0]


def _is_clean(rows: list[list[str]], delimiter: str) -> bool:
    others = tuple(set(_DELIMITERS) - {delimiter})
    if any(cell.endswith(others) for row in rows for cell in row if len(cell) > 1):
        return False
    # 1 2 0,5: what a comma splits are not two fields, but a decimal behind blanks.
    return delimiter == " " or not all(any(map(_NUMBERS.fullmatch, row)) for row in rows)


def split_line(line: str, delimiter: str) -> list[str]:
    """Split one line into its fields; runs of blanks are one delimiter."""
    if delimiter == " ":
        return line.split()
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return [cell.strip() for cell in line.split(delimiter)]


def _has_header(rows: list[list[str]], is_edges: bool) -> bool:
    if is_edges:
        return has_end_names(rows[0], rows[1:]) or looks_like_header(rows[0], rows[1:])
    if any(map(is_key, rows[0])):
        return True
    if len(set(rows[0])) > 1:
        return not any(map(is_number, rows[0]))
    return looks_like_header(rows[0], rows[1:])


def _checked_names(names: Iterable[str], width: int, source: Source, line: int) -> tuple[str, ...]:
    filled = [name or f"column{i}" for i, name in enumerate(names)]
    filled = filled or [f"column{i}" for i in range(width)]
    if len(filled) > _MOST_COLUMNS:
        raise refusal(
            source.name, f"have at most {_MOST_COLUMNS} columns", str(len(filled)), line=line
        )
    repeated: list[object] = [name for name, count in Counter(filled).items() if count > 1]
    if repeated:
        raise refusal(
            source.name,
            "have a header of unique names",
            f"repeated names ({listed(repeated)})",
            line=line,
        )
    return tuple(filled)


# --- Adjacency matrices as text (comma, tab, blanks, semicolon) or as .npy

_MATRIX_SAMPLE = 5
_NONE = ("", "NA")  # R writes the latter
_BOTH_WAYS = "pass format='matrix' or format='edges' (--format matrix, --format edges)"


class _Names(NamedTuple):
    """Names of the rows of a matrix, and the rows and columns that they take."""

    names: list[str]
    rows: int
    columns: int


def read_matrix(source: Source, options: ReadOptions) -> Graph:
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
    width, sample = len(first), lines[names.rows : names.rows + max(_MATRIX_SAMPLE, 4)]
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
