"""Opening a file that nobody vouches for: is it there, is it a file, what is inside the .gz.

Here are also the options of a reader: the limits of size, depth and time.
"""

import ctypes
import errno
import gzip
import os
import re
import stat
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from graphmax.checks import near_names
from graphmax.files.errors import refusal

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
    connectivity: int | None = None
    max_bytes: int = 64 * 1024 * MEBIBYTE
    max_ratio: float = 200.0
    max_nodes: int | None = None
    max_depth: int = 100
    max_seconds: float | None = None


def read_options(given: Mapping[str, Any]) -> ReadOptions:
    """Return the options, refusing a name that is not one."""
    known = [field.name for field in fields(ReadOptions)]
    for name in given:
        if name not in known:
            raise TypeError(
                f"`options` must be among {', '.join(known)}, got {name!r}; "
                f"{near_names(name, known)}"
            )
    return ReadOptions(**given)


CHUNK = 2**18
_GZIP = b"\x1f\x8b"
# A small file may grow to this size whatever the ratio.
_HARMLESS = 64 * MEBIBYTE


@dataclass(frozen=True)
class Source:
    """A plain file to parse: its name for messages, and where its (decompressed) bytes are.

    `kind` is the ending that decided the format.
    """

    name: str
    file: Path
    size: int
    kind: str = ""

    def read(self) -> bytes:
        """Return all bytes; for formats whose readers need them at once."""
        return self.file.read_bytes()

    def head(self, size: int = 4096) -> bytes:
        """Return the first bytes."""
        with self.file.open("rb") as stream:
            return stream.read(size)


@contextmanager
def opened(path: str | os.PathLike[str], options: ReadOptions) -> Iterator[Source]:
    """Give the plain bytes of a regular file, decompressed into a temporary one if need be."""
    name = os.fspath(path)
    size = _regular_size(name)
    if size == 0:
        raise refusal(name, "hold a graph", "an empty file")
    with Path(name).open("rb") as stream:
        packed = stream.read(2) == _GZIP
    if name.lower().endswith(".gz") and not packed:
        raise refusal(name, "be gzip data when its name ends in .gz", "other bytes")
    if not packed:
        _check_size(name, size, options)
        with _plainly_named(Path(name).absolute()) as file:
            yield Source(name, file, size)
        return
    if not name.lower().endswith(".gz"):
        raise refusal(name, "end in .gz when it is compressed", "gzip data", way_out="rename it")
    with TemporaryDirectory(prefix="graphmax-") as folder:
        file = Path(folder) / "plain"
        yield Source(name, file, _decompressed(name, file, size, options))


@contextmanager
def _plainly_named(file: Path) -> Iterator[Path]:
    """Give a name that is one file: DuckDB reads ``*``, ``?`` and ``[`` as patterns."""
    if not set("*?[]{}") & set(str(file)):
        yield file
        return
    with TemporaryDirectory(prefix="graphmax-") as folder:
        link = Path(folder) / "file"
        link.symlink_to(file)
        yield link


def _regular_size(name: str) -> int:
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
    return status.st_size


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


class TimeIsUp(BaseException):
    """Raised inside the reading thread; no reader catches it, `time_limit` does."""


@contextmanager
def time_limit(name: str, options: ReadOptions) -> Iterator[None]:
    """Stop what runs inside after ``max_seconds``, at the next step of the interpreter."""
    if options.max_seconds is None:
        yield
        return
    alarm = _Alarm(threading.get_ident(), options.max_seconds)
    try:
        try:
            yield
        finally:
            alarm.stop()
    except TimeIsUp:
        raise refusal(
            name,
            f"be read within {options.max_seconds} seconds",
            "a longer run",
            way_out="pass max_seconds",
        ) from None


class _Alarm:
    def __init__(self, thread: int, seconds: float) -> None:
        self.thread, self.lock, self.stopped = thread, threading.Lock(), False
        self.timer = threading.Timer(seconds, self.ring)
        self.timer.daemon = True
        self.timer.start()

    def ring(self) -> None:
        with self.lock:
            if not self.stopped:
                target = ctypes.c_ulong(self.thread)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(TimeIsUp))

    def stop(self) -> None:
        self.timer.cancel()
        with self.lock:
            self.stopped = True


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
