"""Opening a file that nobody vouches for: is it there, is it a file, what is inside the .gz.

Here are also the options of a reader: the limits of size, depth and time.
"""

import codecs
import errno
import gzip
import math
import os
import re
import stat
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from graphmax.checks import near_names
from graphmax.files.errors import GraphFileError, refusal

MEBIBYTE = 2**20


@dataclass(frozen=True)
class ReadOptions:
    """Options of `read_graph`; the docstring there says what each means."""

    format: str | None = None
    directed: bool | None = None
    nodes: str | PathLike[str] | bool | None = None
    src: str | int | None = None
    dst: str | int | None = None
    weight: str | int | bool | None = None
    id: str | int | None = None
    header: bool | None = None
    delimiter: str | None = None
    encoding: str | None = None
    missing: str | Sequence[str] | None = None
    add_nodes: bool = False
    bipartite: bool = False
    relation: str | int | None = None
    connectivity: int | None = None
    max_bytes: int = 64 * 1024 * MEBIBYTE
    max_ratio: float = 200.0
    max_nodes: int | None = None
    max_depth: int = 100
    max_seconds: float | None = None
    until: float = math.inf


def read_options(given: Mapping[str, Any]) -> ReadOptions:
    """Return the options, refusing a name that is not one."""
    known = [one.name for one in fields(ReadOptions) if one.name != "until"]
    for name in given:
        if name not in known:
            raise TypeError(
                f"`options` must be among {', '.join(known)}, got {name!r}; "
                f"{near_names(name, known)}"
            )
    _check_kinds(given)
    seconds = given.get("max_seconds")
    until = math.inf if seconds is None else time.monotonic() + seconds
    return ReadOptions(**given, until=until)


def _check_kinds(given: Mapping[str, Any]) -> None:
    """Refuse a text where a bool is meant, a negative limit, an encoding that nobody knows."""
    for name in ("directed", "header", "add_nodes", "bipartite"):
        value = given.get(name)
        if value is not None and not isinstance(value, bool | np.bool_):
            raise TypeError(f"`{name}` must be True or False, got {value!r}")
    for name in ("max_bytes", "max_ratio", "max_nodes", "max_depth", "max_seconds"):
        value = given.get(name, 1)
        if value is None and name in ("max_nodes", "max_seconds"):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise TypeError(f"`{name}` must be a number, got {value!r}")
        if not value > 0 and not (name == "max_nodes" and value == 0):
            raise ValueError(f"`{name}` must be above 0, got {value}")
    _check_texts(given)
    encoding = given.get("encoding")
    try:
        encoding is None or codecs.lookup(encoding)
    except LookupError:
        raise ValueError(
            f"`encoding` must be one that Python knows (utf-8, cp1252, utf-16), got {encoding!r}"
        ) from None


def _check_texts(given: Mapping[str, Any]) -> None:
    """Refuse a delimiter that splits nothing, and halves of characters, which no file can hold."""
    delimiter = given.get("delimiter")
    if delimiter is not None and (
        not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n'
    ):
        raise ValueError(
            f"`delimiter` must be one character, no quotation mark and no line break, got "
            f"{delimiter!r}; leave it out to have it found out"
        )
    for name, value in given.items():  # the name of a file may be any bytes
        words = value if isinstance(value, list | tuple) else [value]
        if name != "nodes" and any(isinstance(w, str) and _is_broken(w) for w in words):
            raise ValueError(f"`{name}` must be text that UTF-8 can hold, got {value!r}")


def _is_broken(word: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in word)


CHUNK = 2**18
# How many items of a loop pass between two looks at the clock.
_STEPS = 256
Item = TypeVar("Item")
_GZIP = b"\x1f\x8b"
# A small file may grow to this size whatever the ratio.
_HARMLESS = 64 * MEBIBYTE


@dataclass(frozen=True)
class Source:
    """A plain file to parse: its name for messages, and where its (decompressed) bytes are.

    `kind` is the ending that decided the format, `until` when time is up. In `facts` and `remarks`
    readers leave how they read the file, for those who want to know.
    """

    name: str
    file: Path
    size: int
    kind: str = ""
    until: float = math.inf
    seconds: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Leave a sentence about what was guessed, or could not be taken."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def check_time(self) -> None:
        """Refuse to go on when time is up; readers ask between their steps."""
        if time.monotonic() > self.until:
            rule = f"be read within {self.seconds} seconds"
            raise refusal(self.name, rule, "a longer run", way_out="pass max_seconds")

    def timed(self, items: Iterable[Item]) -> Iterator[Item]:
        """Walk through items, and look at the clock now and then."""
        for place, item in enumerate(items):
            if place % _STEPS == 0:
                self.check_time()
            yield item

    def read(self) -> bytes:
        """Return all bytes; for formats whose readers need them at once."""
        return self.file.read_bytes()

    def head(self, size: int = 4096) -> bytes:
        """Return the first bytes."""
        with self.file.open("rb") as stream:
            return stream.read(size)


class FileChangedError(GraphFileError):
    """A file was written while it was read, so that what was read may be of two files."""


@contextmanager
def opened(path: str | os.PathLike[str], options: ReadOptions) -> Iterator[Source]:
    """Give the plain bytes of a regular file, and notice when they change meanwhile."""
    name = os.fspath(path)
    status = _regular_status(name)
    try:
        with _plain(name, status.st_size, options) as source:
            yield source
    except Exception as error:
        if _has_changed(name, status):
            raise _changed(name) from error
        raise
    if _has_changed(name, status):
        raise _changed(name)


def _has_changed(name: str, before: os.stat_result) -> bool:
    """Tell whether another file has this name now, or other bytes; a name that is gone is none."""
    try:
        now = Path(name).stat()
    except OSError:
        return False
    return any(
        getattr(now, part) != getattr(before, part)
        for part in ("st_dev", "st_ino", "st_size", "st_mtime_ns")
    )


def _changed(name: str) -> FileChangedError:
    message = (
        f"`path` must stay as it is while it is read, got other bytes in {name}; read it again"
    )
    return FileChangedError(message, path=name)


@contextmanager
def _plain(name: str, size: int, options: ReadOptions) -> Iterator[Source]:
    """Give the plain bytes of a file, decompressed into a temporary one if need be."""
    if size == 0:
        raise refusal(name, "hold a graph", "an empty file")
    with Path(name).open("rb") as stream:
        packed = stream.read(2) == _GZIP
    is_named_so = name.lower().endswith((".gz", ".graphmlz"))
    if name.lower().endswith(".gz") and not packed:
        raise refusal(name, "be gzip data when its name ends in .gz", "other bytes")
    if not packed:
        _check_size(name, size, options)
        with (
            _plainly_named(Path(name).absolute()) as file,
            _in_utf8(_source(name, file, size, options), options) as source,
        ):
            yield source
        return
    if not is_named_so:
        raise refusal(name, "end in .gz when it is compressed", "gzip data", way_out="rename it")
    with TemporaryDirectory(prefix="graphmax-") as folder:
        file = Path(folder) / "plain"
        plain = _source(name, file, _decompressed(name, file, size, options), options)
        with _in_utf8(plain, options) as source:
            yield source


def _source(name: str, file: Path, size: int, options: ReadOptions) -> Source:
    return Source(name, file, size, until=options.until, seconds=options.max_seconds)


@contextmanager
def _in_utf8(source: Source, options: ReadOptions) -> Iterator[Source]:
    """Give the text of another encoding as UTF-8, where the caller names one."""
    if options.encoding is None or codecs.lookup(options.encoding).name in ("utf-8", "ascii"):
        yield source
        return
    with TemporaryDirectory(prefix="graphmax-") as folder:
        file = Path(folder) / "utf8"
        try:
            with (
                source.file.open(encoding=options.encoding, newline="") as text,
                file.open("w", encoding="utf-8", newline="") as copy,
            ):
                while chunk := text.read(CHUNK):
                    copy.write(chunk)
        except (UnicodeError, ValueError) as error:
            reason = str(error).partition("\n")[0][:80]
            raise refusal(source.name, f"be text in {options.encoding}", reason) from None
        yield replace(source, file=file, size=file.stat().st_size)


@contextmanager
def _plainly_named(file: Path) -> Iterator[Path]:
    """Give a name that is one file in UTF-8: DuckDB reads ``*``, ``?`` and ``[`` as patterns."""
    if not set("*?[]{}") & set(str(file)) and is_utf8(str(file)):
        yield file
        return
    with TemporaryDirectory(prefix="graphmax-") as folder:
        link = Path(folder) / "file"
        link.symlink_to(file)
        yield link


def is_utf8(name: str) -> bool:
    """Tell whether a file name is text: one of other bytes holds lone surrogates in Python."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(text: str, name: str) -> None:
    """Refuse half characters, which Python makes of bytes that are no text: no file holds them."""
    if not is_utf8(text):
        raise ValueError(
            f"`{name}` must hold text of whole characters, got {text[:40]!r}; "
            "text.encode('utf-8', 'surrogateescape') has the bytes"
        )


def _regular_status(name: str) -> os.stat_result:
    try:
        status = Path(name).stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"`path` must name an existing file, got {name}") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR):
            raise refusal(name, "name a file", (error.strerror or "").lower()) from None
        raise
    except ValueError:
        raise refusal(name.replace("\0", "\\0"), "name a file", "a NUL byte") from None
    if stat.S_ISDIR(status.st_mode):
        raise refusal(name, "name a file", "a folder", way_out="read_graphs reads a folder")
    if not stat.S_ISREG(status.st_mode):
        raise refusal(name, "name a regular file", "a device, pipe or socket")
    return status


def _check_size(name: str, size: int, options: ReadOptions) -> None:
    if size > options.max_bytes:
        raise refusal(
            name, f"be at most {options.max_bytes} bytes", f"{size} bytes", way_out="pass max_bytes"
        )


def _decompressed(name: str, file: Path, size: int, options: ReadOptions) -> int:
    allowed = min(options.max_bytes, max(_HARMLESS, int(options.max_ratio * size)))
    total = 0
    try:
        with gzip.open(name, "rb") as packed, file.open("wb") as plain:
            while chunk := packed.read(CHUNK):
                total += len(chunk)
                if total > allowed:
                    raise _bomb(name, size, allowed)
                plain.write(chunk)
    except EOFError:
        raise refusal(name, "hold complete gzip data", "a truncated file") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refusal(name, "hold valid gzip data", f"damaged data ({error})") from None
    if total == 0:
        raise refusal(name, "hold a graph", "an empty file inside the .gz")
    return total


def _bomb(name: str, size: int, allowed: int) -> Exception:
    return refusal(
        name,
        f"decompress to at most {allowed} bytes",
        f"more from {size} compressed bytes",
        way_out="pass max_ratio or max_bytes if the file is trusted",
    )


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
            way_out="save it as UTF-8, or pass encoding",
        ) from None


def text_or_cp1252(source: Source) -> str:
    """Return the characters of a file that older programs wrote in Windows' Latin letters."""
    try:
        return decoded_text(source)
    except GraphFileError:
        data = source.read()
        if b"\0" in data:
            raise
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise refusal(
                source.name, "be text in UTF-8 or cp1252", "other bytes", way_out="pass encoding"
            ) from None
        source.remark("read as cp1252: it is not UTF-8")
        return text


def number(text: str) -> Any:
    """Return the integer or float that a word spells, None where it spells none."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else None
