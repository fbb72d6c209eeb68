"""Matrix Market: SciPy reads it, after its declared sizes are held against its bytes."""

import io
import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.io
import scipy.sparse

from graphmax.convert import as_graph
from graphmax.files.building import built_graph, check_count, two_sided
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import CHUNK, ReadOptions, Source
from graphmax.graph import Graph

_BANNER, _SPELLED = b"%matrixmarket", b"%%MatrixMarket"
_LONGEST_LINE = 2**16
_NUMERIC = b"0123456789+-.eEinfINFatyATY \t\r\n"


class _Header(NamedTuple):
    dense: bool
    pattern: bool
    rows: int
    columns: int
    entries: int
    start: int


def has_banner(source: Source) -> bool:
    """Say whether a file starts as Matrix Market files do, whatever its ending."""
    return re.match(rb"%{1,2}MatrixMarket\b", source.head(20), re.IGNORECASE) is not None


def read(source: Source, options: ReadOptions) -> Graph:
    """Read a square matrix; undirected where every entry has its equal transpose."""
    header = _header(source)
    if header.rows != header.columns and not options.bipartite:
        raise refusal(
            source.name,
            "hold a square matrix",
            f"{header.rows} rows, {header.columns} columns",
            way_out="pass bipartite=True (--bipartite) for rows and columns as two sets of nodes",
        )
    check_count(source, options, header.rows + header.columns * options.bipartite)
    if 2 * header.entries * (1 if header.dense else 2) > source.size + 1:
        raise refusal(
            source.name, f"hold {header.entries} entries as declared", f"{source.size} bytes"
        )
    _check_numbers(source, header.start)
    try:
        matrix = scipy.sparse.coo_array(scipy.io.mmread(_stream(source)))
    except (ValueError, OverflowError, TypeError) as error:
        reason = str(error).partition("\n")[0][:100]
        raise refusal(source.name, "be valid Matrix Market", f"a flaw ({reason})") from None
    weighted = not header.pattern and options.weight is not False
    if weighted:
        source.facts["length"] = "entries"
    source.check_time()
    if options.bipartite:
        row, column = (ends.astype(np.int64) + 1 for ends in matrix.coords)
        weights = matrix.data if weighted else None
        counts, sides = (header.rows, header.columns), ("row", "column")
        return built_graph(source, options, two_sided(row, column, weights, counts, sides))
    try:
        if options.directed is None:
            return as_graph(matrix, weight="weight" if weighted else None)
        weights = matrix.data if weighted else None
        row, column = matrix.coords
        return Graph.from_edges(
            row, column, header.rows, weights=weights, directed=options.directed
        )
    except (ValueError, TypeError) as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error


def _stream(source: Source) -> Path | io.BytesIO:
    """Give SciPy the file with a newline at its end: it runs over the end of memory without.

    Some collections ship one % where the banner has two, or a banner in other letters.
    """
    with source.file.open("rb") as stream:
        is_fine = stream.read(len(_SPELLED)) == _SPELLED
        stream.seek(-1, os.SEEK_END)
        if is_fine and stream.read() == b"\n":
            return source.file
    return io.BytesIO(_SPELLED + source.read().lstrip(b"%")[len(_SPELLED) - 2 :] + b"\n")


def _header(source: Source) -> _Header:
    with source.file.open("rb") as stream:
        banner = stream.readline(_LONGEST_LINE).split()
        line, sizes = 1, b"%"
        while sizes and (sizes.startswith(b"%") or not sizes.strip()):
            sizes, line = stream.readline(_LONGEST_LINE), line + 1
        start = stream.tell()
    words = [word.lower() for word in banner[1:]]
    if (
        not banner
        or b"%" + banner[0].lstrip(b"%").lower() != _BANNER
        or len(words) != 4
        or words[0] != b"matrix"
    ):
        raise refusal(source.name, "start with %%MatrixMarket matrix ...", "another line", line=1)
    dense, pattern = words[1] == b"array", words[2] == b"pattern"
    if words[2] == b"complex":
        raise refusal(source.name, "hold real entries", "complex ones", line=1)
    numbers = [int(word) for word in sizes.split() if word.isdigit() and len(word) < 20]
    if len(numbers) != (2 if dense else 3) or len(numbers) != len(sizes.split()):
        raise refusal(
            source.name, "declare its size", repr(sizes[:40].decode(errors="replace")), line=line
        )
    count = _dense_count(numbers[0], numbers[1], words[3]) if dense else numbers[2]
    return _Header(dense, pattern, numbers[0], numbers[1], count, start)


def _check_numbers(source: Source, start: int) -> None:
    """Refuse what is no part of a number: SciPy skips over the end of ``2J``."""
    with source.file.open("rb") as stream:
        stream.seek(start)
        while chunk := stream.read(CHUNK):
            other = chunk.translate(None, _NUMERIC)
            if other:
                raise refusal(source.name, "hold numbers below its sizes", repr(other[:1])[1:])


def _dense_count(rows: int, columns: int, symmetry: bytes) -> int:
    return rows * columns if symmetry == b"general" else rows * (rows - 1) // 2
