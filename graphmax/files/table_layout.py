"""How a text table is laid out: its comments, delimiter, header; looked up in its first lines."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from graphmax.checks import near_names
from graphmax.files.errors import GraphFileError, listed, refusal
from graphmax.files.opening import MEBIBYTE, ReadOptions, Source

_HEAD = MEBIBYTE
_SAMPLE = 20
_MOST_COLUMNS = 2000
_CANDIDATES = {"csv": ",;\t| ", "tsv": "\t,;| "}
_OTHER_CANDIDATES = "\t ,;|"
_END_PAIRS = (
    {"src", "dst"},
    {"source", "target"},
    {"from", "to"},
    {"fromnodeid", "tonodeid"},
    {"node1", "node2"},
)
_KEYS = {"id", "node", "label", "name"}
_BOM = b"\xef\xbb\xbf"
# Error pages that were saved instead of the file.
_MARKUP = (b"<!doctype", b"<html", b"<?xml")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|[+-]?inf(inity)?", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """The layout of a text table.

    `skip` counts the lines, `start` the bytes before the first data row; `names` are those of the
    header, or ``column0``, ... without one.
    """

    delimiter: str
    names: tuple[str, ...]
    skip: int
    start: int
    directed: bool


def layout_of(source: Source, options: ReadOptions, *, kind: str, is_edges: bool) -> Layout:
    """Look at the first lines of a file and say how to read the rest."""
    lines = _first_lines(source)
    data = next((i for i, line in enumerate(lines) if not _is_comment(line)), None)
    comments = lines if data is None else lines[:data]
    if data is None:
        raise refusal(source.name, "hold at least one row", "comments and blank lines only")
    if lines[data].removeprefix(_BOM).lstrip().lower().startswith(_MARKUP):
        raise refusal(source.name, "be a table", "markup", line=data + 1)
    kept = islice((i for i in range(data, len(lines)) if not _is_comment(lines[i])), _SAMPLE)
    sample = [_decoded(lines[i], source, i + 1) for i in kept]
    delimiter = options.delimiter or _delimiter(sample, kind)
    rows = [split_line(line, delimiter) for line in sample]
    header = _has_header(rows, is_edges) if options.header is None else options.header
    names = rows[0] if header else []
    skip = data + header
    return Layout(
        delimiter,
        _checked_names(names, len(rows[0]), source, data + 1),
        skip,
        sum(map(len, lines[:skip])),
        any(line.lower().startswith(b"# directed") for line in comments),
    )


def _first_lines(source: Source) -> list[bytes]:
    with source.file.open("rb") as stream:
        head = stream.read(_HEAD)
    if b"\0" in head:
        line = head[: head.index(b"\0")].count(b"\n") + 1
        raise refusal(source.name, "be a UTF-8 text file", "a NUL byte", line=line)
    lines = head.splitlines(keepends=True)
    return lines[:-1] if len(head) == _HEAD and len(lines) > 1 else lines


def _is_comment(line: bytes) -> bool:
    text = line.removeprefix(_BOM).strip()
    return not text or text.startswith(b"#")


def _decoded(line: bytes, source: Source, number: int) -> str:
    try:
        return line.removeprefix(_BOM).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise refusal(
            source.name,
            "be a UTF-8 text file",
            f"byte 0x{line[error.start]:02x}",
            line=number,
            way_out="save it as UTF-8",
        ) from None


def _delimiter(sample: list[str], kind: str) -> str:
    candidates = _CANDIDATES.get(kind, _OTHER_CANDIDATES)
    for candidate in candidates:
        widths = {len(split_line(line, candidate)) for line in sample}
        if len(widths) == 1 and widths.pop() > 1:
            return candidate
    parts = [c for c in candidates if len(split_line(sample[0], c)) > 1]
    return parts[0] if parts else candidates[0]


def split_line(line: str, delimiter: str) -> list[str]:
    """Split one line into its fields; runs of blanks are one delimiter."""
    if delimiter == " ":
        return line.split()
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def is_number(text: str) -> bool:
    """Say whether a field is a number, NaN and infinities included."""
    return _NUMBER.fullmatch(text) is not None


def _has_header(rows: list[list[str]], is_edges: bool) -> bool:
    first = {name.lower() for name in rows[0]}
    if is_edges and any(pair <= first for pair in _END_PAIRS):
        return True
    if not is_edges and (first & _KEYS or len(first) > 1):
        return not any(map(is_number, rows[0]))
    return _numbers_follow(rows)


def _numbers_follow(rows: list[list[str]]) -> bool:
    """Say whether a column is text in the first row and numbers in all others."""
    columns = zip(*rows, strict=False)
    return len(rows) > 1 and any(
        not is_number(top) and all(map(is_number, rest)) for top, *rest in columns
    )


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


def found_column(
    source: Source,
    names: Sequence[str],
    asked: str | int | None,
    *,
    usual: tuple[str, ...],
    otherwise: int | None,
) -> int | None:
    """Return the place of a column: the one asked for, else a usual name, else `otherwise`."""
    if isinstance(asked, int) and not isinstance(asked, bool):
        if 0 <= asked < len(names):
            return asked
        raise _unknown_column(source, names, asked)
    if asked is not None:
        if asked in names:
            return names.index(asked)
        raise _unknown_column(source, names, asked)
    lowered = [name.lower() for name in names]
    return next((lowered.index(name) for name in usual if name in lowered), otherwise)


def _unknown_column(source: Source, names: Sequence[str], asked: str | int) -> GraphFileError:
    return refusal(
        source.name, f"have the column {asked!r}", f"none; {near_names(str(asked), list(names))}"
    )


SOURCES = ("src", "source", "from", "fromnodeid", "node1")
TARGETS = ("dst", "target", "to", "tonodeid", "node2")


class EdgeColumns(NamedTuple):
    """The places of the edge columns; `weight` is None without one."""

    src: int
    dst: int
    weight: int | None

    def named(self) -> dict[str, int]:
        """Return them as a mapping, weight last and only where there is one."""
        ends = {"src": self.src, "dst": self.dst}
        return ends if self.weight is None else {**ends, "weight": self.weight}


def edge_columns(source: Source, names: Sequence[str], options: ReadOptions) -> EdgeColumns:
    """Return where the ends and the weight of an edge stand."""
    if len(names) < 2:
        raise refusal(
            source.name, "have at least two columns of ids", "1 column", way_out="pass delimiter"
        )
    src = found_column(source, names, options.src, usual=SOURCES, otherwise=None)
    dst = found_column(source, names, options.dst, usual=TARGETS, otherwise=None)
    free = [i for i in range(len(names)) if i not in (src, dst)]
    src = free.pop(0) if src is None else src
    dst = free[0] if dst is None else dst
    return EdgeColumns(src, dst, weight_column(source, names, options))


def weight_column(source: Source, names: Sequence[str], options: ReadOptions) -> int | None:
    """Return where the weight stands; None without one or with ``weight=False``."""
    if options.weight is False:
        return None
    asked = None if options.weight is True else options.weight
    return found_column(source, names, asked, usual=("weight",), otherwise=None)
