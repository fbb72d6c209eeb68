"""A checksum of its bytes inside a file that `write_graph` wrote, checked when it is there.

CSV, Parquet, GraphML and JSON do not notice a flipped bit. The writer leaves room for a checksum,
64 zeros behind a mark near the start or the end of the file; `seal` puts the SHA-256 of the file
with the zeros in their place. What other programs write anew has no mark, and is not checked.
"""

import hashlib
import re
from pathlib import Path

from graphmax.files.errors import refusal
from graphmax.files.opening import Source

_MARK = b"graphmax-sha256:"
ROOM = _MARK.decode() + "0" * 64
_SEALED = re.compile(_MARK + rb"([0-9a-f]{64})")
# How many bytes at both ends of a file may hold the mark.
_ENDS = 2**16
_CHUNK = 2**20


def seal(file: Path) -> None:
    """Put the checksum of a file into the room that it has for it."""
    found = _found(file)
    if found is None:
        raise AssertionError(f"{file} has no room for a checksum")
    place, _ = found
    digest = _digest(file, place)
    with file.open("r+b") as stream:
        stream.seek(place)
        stream.write(digest.encode())


def check_seal(source: Source) -> None:
    """Refuse a file whose bytes are not those that were written."""
    found = _found(source.file)
    if found is None:
        return
    place, digest = found
    if _digest(source.file, place, source) != digest:
        raise refusal(
            source.name,
            "hold the bytes that write_graph wrote",
            "others, for its checksum differs: it is damaged, or was changed",
            way_out=f"remove the text behind {_MARK.decode()!r} if the change was meant",
        )


def _found(file: Path) -> tuple[int, str] | None:
    """Return where the checksum stands, and what it is."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        for start in (0, max(0, size - _ENDS)):
            stream.seek(start)
            match = _SEALED.search(stream.read(_ENDS))
            if match:
                return start + match.start(1), match[1].decode()
    return None


def _digest(file: Path, place: int, source: Source | None = None) -> str:
    """Return the checksum of a file with zeros where its checksum stands."""
    digest, position = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            first, last = max(0, place - position), min(len(chunk), place + 64 - position)
            if first < last:
                chunk = chunk[:first] + b"0" * (last - first) + chunk[last:]
            digest.update(chunk)
            position += len(chunk)
            if source is not None:
                source.check_time()
    return digest.hexdigest()
