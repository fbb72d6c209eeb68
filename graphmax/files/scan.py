"""One pass over the bytes of a text table, before any parser sees them.

Three questions whose answers cost a few milliseconds a megabyte here and a wrong graph later:
NUL bytes or broken UTF-8, comment lines among the data, and whether the rows are *plain*: nothing
but canonical integers. Only of plain rows may DuckDB cast ids while it parses: it reads ``1.5``
as 2, ``1_0`` as 10 and ``0x10`` as 16 in a BIGINT column, and ``007`` as 7, without a word.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphmax.files.errors import refusal
from graphmax.files.layout import Layout
from graphmax.files.source import CHUNK, Source

_NEWLINE = 10
_BLANK_RUN = re.compile(rb"[ \t]+")


@dataclass
class Scan:
    """What the bytes of the data rows hold."""

    plain: bool = True
    comments: bool = False
    quotes: bool = False
    crlf: int = 0
    newlines: int = 0

    @property
    def ragged(self) -> bool:
        """Whether DuckDB would misread it: comments among the rows or two kinds of newline.

        Quoted cells may hold either kind: then DuckDB goes first, and refuses what it cannot.
        """
        return self.comments or (0 < self.crlf < self.newlines and not self.quotes)


def scan(source: Source, layout: Layout) -> Scan:
    """Look at every byte after the header."""
    found, decoder, tail, line = Scan(), codecs.getincrementaldecoder("utf-8")(), b"\n", layout.skip
    integers = b"0123456789-\r\n" + layout.delimiter.encode()
    with source.file.open("rb") as stream:
        stream.seek(layout.start)
        while chunk := stream.read(CHUNK):
            if found.plain:
                found.plain = not chunk.translate(None, integers) and _is_canonical(tail + chunk)
            if not found.plain:
                _check_text(chunk, decoder, source, line)
                found.comments |= b"\n#" in tail[-1:] + chunk
                found.quotes |= b'"' in chunk
            line += int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == _NEWLINE))
            found.crlf += (tail[-1:] + chunk).count(b"\r\n") if b"\r" in chunk + tail else 0
            tail = (tail + chunk)[-2:]
    if not found.plain:
        _check_text(b"", decoder, source, line, final=True)
    found.newlines = line - layout.skip
    return found


def _is_canonical(block: bytes) -> bool:
    """Say whether no integer starts with a needless zero."""
    digit = np.frombuffer(block, np.uint8) - np.uint8(48)
    other = digit > 9
    leading = other[:-2] & (digit[1:-1] == 0)
    return not (leading > other[2:]).any() and b"-0" not in block


def _check_text(
    chunk: bytes,
    decoder: codecs.IncrementalDecoder,
    source: Source,
    line: int,
    *,
    final: bool = False,
) -> None:
    if (at := chunk.find(b"\0")) >= 0:
        raise refusal(
            source.name,
            "be a UTF-8 text file",
            "a NUL byte",
            line=line + chunk.count(b"\n", 0, at) + 1,
        )
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        before = chunk.count(b"\n", 0, max(0, error.start))
        raise refusal(
            source.name,
            "be a UTF-8 text file",
            f"byte 0x{error.object[error.start]:02x}",
            line=line + before + 1,
            way_out="save it as UTF-8",
        ) from None


def tidied(source: Source, layout: Layout, file: Path) -> Source:
    """Write a copy with blank lines for comments, one kind of newline, single blanks."""
    with source.file.open("rb") as stream, file.open("wb") as copy:
        for line in stream:
            copy.write(_tidied_line(line, layout.delimiter) + b"\n")
    return Source(source.name, file, file.stat().st_size)


def _tidied_line(line: bytes, delimiter: str) -> bytes:
    text = line.rstrip(b"\r\n")
    if text.startswith(b"#") or not text.strip():
        return b""
    return _BLANK_RUN.sub(b" ", text.strip()) if delimiter == " " else text
