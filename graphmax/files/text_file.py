"""Text files that are read as a whole: their characters, and the numbers in them."""

import re
from typing import Any

from graphmax.files.errors import refusal
from graphmax.files.source import Source

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)


def decoded_text(source: Source) -> str:
    """Return the characters of a UTF-8 file, newlines as they are, without a byte order mark."""
    data = source.read()
    at = data.find(b"\0")
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise refusal(source.name, "be a UTF-8 text file", "a NUL byte", line=line)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refusal(
            source.name,
            "be a UTF-8 text file",
            f"byte 0x{error.object[error.start]:02x}",
            line=error.object.count(b"\n", 0, error.start) + 1,
            way_out="save it as UTF-8",
        ) from None


def number(text: str) -> Any:
    """Return the integer or float that a word spells, None where it spells none."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else None
