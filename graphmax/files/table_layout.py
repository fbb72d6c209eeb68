"""How a text table is laid out: its comments, delimiter and header, from its first lines.

A guess must be good, and it is shown: what was guessed stands in the facts of the `Source`.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from graphmax.files.column_roles import has_end_names, is_key, is_number, looks_like_header
from graphmax.files.errors import listed, refusal
from graphmax.files.metadata import of_comment
from graphmax.files.opening import MEBIBYTE, ReadOptions, Source

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
