"""Opening a file that nobody vouches for: is it there, is it a file, what is inside the .gz."""

import errno
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from graphmax.files.errors import refusal
from graphmax.files.options import MEBIBYTE, ReadOptions

CHUNK = 2**18
_GZIP = b"\x1f\x8b"
# A small file may grow to this size whatever the ratio.
_HARMLESS = 64 * MEBIBYTE


@dataclass(frozen=True)
class Source:
    """A plain file to parse: its name for messages, and where its (decompressed) bytes are."""

    name: str
    file: Path
    size: int

    def read(self) -> bytes:
        """Return all bytes; for formats whose readers need them at once."""
        return self.file.read_bytes()


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
