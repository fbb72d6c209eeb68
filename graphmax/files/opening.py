"""Opening a file that nobody vouches for: is it there, is it a file, what is inside the .gz.

Here are also the options of a reader: the limits of size, depth and time.

And what `write_graph` leaves in a file beside the graph: metadata as JSON, and a checksum. The
metadata say what the format itself cannot: the direction, whether ids are the user's labels or
plain node indices, and the dtypes of attributes. A reader treats them as it treats everything in a
file: it checks each claim against the data.

CSV, Parquet, GraphML and JSON do not notice a flipped bit. The writer leaves room for a checksum,
64 zeros behind a mark near the start or the end of the file; `seal` puts the SHA-256 of the file
with the zeros in their place. What other programs write anew has no mark, and is not checked.
"""

import codecs
import errno
import gzip
import hashlib
import json
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
from numpy.typing import NDArray

from graphmax.checks import near_names
from graphmax.files.errors import GraphFileError, refusal
from graphmax.graph import Graph

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


# --- What `write_graph` leaves in a file beside the graph: metadata as JSON, and a checksum

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


METADATA_KEY = "graphmax"
_DTYPE = re.compile(
    r"bool|u?int(8|16|32|64)|float(16|32|64)|object|(datetime|timedelta)64\[(Y|M|W|D|h|m|s|ms|us|ns)\]"
)


def metadata_of(graph: Graph) -> dict[str, Any]:
    """Return what a reader needs to rebuild the same graph."""
    labels = "none" if graph.labels is None else str(graph.labels.dtype)
    shape = {} if graph.shape is None else {"shape": list(graph.shape)}
    return {
        **shape,
        "directed": graph.directed,
        "labels": labels,
        "weighted": graph.weights is not None,
        "dtypes": {name: _kind(array.dtype) for name, array in graph.attributes.items()},
        "masked": [name for name, array in graph.attributes.items() if np.ma.is_masked(array)],
        "widths": {
            name: array.shape[1] for name, array in graph.attributes.items() if array.ndim == 2
        },
    }


def _kind(dtype: np.dtype[Any]) -> str:
    """Name a dtype as a reader takes it: text of any width is text, whatever the order of bytes."""
    if dtype.kind in "mM":
        return str(dtype.newbyteorder("="))
    return dtype.name if dtype.kind in "biufcV" else "object"


def parsed_metadata(text: str | None, source: Source) -> dict[str, Any]:
    """Return the metadata in a file, or an empty one; refuse one that is not of the right form."""
    if text is None:
        return {}
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict) or not _is_well_formed(metadata):
        raise refusal(source.name, "carry a valid graphmax metadata", repr(text[:60]))
    source.facts["metadata"] = metadata
    return metadata


def _is_well_formed(metadata: dict[str, Any]) -> bool:
    dtypes, widths = metadata.get("dtypes", {}), metadata.get("widths", {})
    return (
        isinstance(metadata.get("directed", False), bool)
        and isinstance(metadata.get("pair", ""), str)
        and isinstance(metadata.get("positions", ""), str)
        and _is_shape(metadata.get("shape", []))
        and metadata.get("labels", "none") in ("none", "int64", "object")
        and isinstance(metadata.get("masked", []), list)
        and isinstance(dtypes, dict)
        and all(isinstance(kind, str) and _DTYPE.fullmatch(kind) for kind in dtypes.values())
        and isinstance(widths, dict)
        and all(type(width) is int and 0 <= width < 10**6 for width in widths.values())
    )


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and all(type(side) is int and 0 < side < 2**31 for side in shape)


def with_positions(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """Return the graph with its positions as an attribute, and under which name."""
    if graph.positions is None:
        return graph, {}
    name = "positions"
    while name in graph.attributes:
        name = f"_{name}"
    return graph.replace(attributes={**graph.attributes, name: graph.positions}), {
        "positions": name
    }


def placed(graph: Graph, metadata: Mapping[str, Any]) -> Graph:
    """Return the graph with the shape and positions that its metadata claims, where they fit."""
    shape, name = metadata.get("shape"), metadata.get("positions")
    if shape and math.prod(shape) == graph.num_nodes:
        graph = graph.replace(shape=tuple(shape))
    column = graph.attributes.get(name) if name else None
    if column is None or column.ndim != 2 or np.ma.is_masked(column):
        return graph
    others = {other: array for other, array in graph.attributes.items() if other != name}
    return graph.replace(attributes=others, positions=column)


def as_comment(metadata: Mapping[str, Any]) -> str:
    """Return metadata as one line without quotation marks: DuckDB counts them even in comments."""
    text = json.dumps(metadata).replace("'", "\\u0027")
    text = re.sub(r"\\(.)", lambda m: "\\u0022" if m[1] == '"' else m[0], text)
    return "# graphmax " + text.replace('"', "'") + "\n"


def of_comment(line: bytes, source: Source) -> dict[str, Any]:
    """Return the metadata in the first line of a table."""
    text = line.decode(errors="replace").removeprefix("# graphmax ")
    return parsed_metadata(text.replace("'", '"'), source)


def flat_attributes(graph: Graph) -> dict[str, NDArray[Any]]:
    """Return the attributes as one-dimensional columns; ``x`` of width 2 is ``x.0``, ``x.1``."""
    columns: dict[str, NDArray[Any]] = {}
    for name, array in graph.attributes.items():
        parts = (
            {name: array}
            if array.ndim == 1
            else {f"{name}.{i}": array.reshape(len(array), -1)[:, i] for i in range(array[:1].size)}
        )
        columns.update(parts)
    return columns


def written(column: NDArray[Any]) -> list[Any]:
    """Return the entries of a column as Python values for a text format, None where missing.

    Times are ISO text, durations their number of ticks, NaT is missing.
    """
    plain, missing = np.ma.getdata(column), np.ma.getmaskarray(column)
    if plain.dtype.kind in "mM":
        missing = missing | np.isnat(plain)
    if plain.dtype.kind == "M":
        values = np.datetime_as_string(plain).tolist()
    else:
        values = (plain.astype(np.int64) if plain.dtype.kind == "m" else plain).tolist()
    for value in values:
        if not isinstance(value, bool | int | float | str | None):
            raise TypeError(
                f"`graph` must have attributes of numbers, text or times, got {value!r}"
            )
    return [None if absent else value for value, absent in zip(values, missing, strict=True)]


def restored(
    attributes: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any], source: Source, count: int
) -> dict[str, NDArray[Any]]:
    """Give attributes the order, dtypes and widths that the metadata claims for them.

    A column of which a format wrote nothing, because every entry is missing, comes back masked.
    """
    columns, dtypes = dict(attributes), metadata.get("dtypes", {})
    for name, width in metadata.get("widths", {}).items():
        parts = [columns.pop(f"{name}.{i}", _nothing("f8", count)) for i in range(width)]
        stack = np.ma.stack if _masked(parts) else np.stack
        columns[name] = stack(parts, 1) if parts else np.empty((count, 0))
    masked = metadata.get("masked", list(columns))
    return {
        name: _cast(
            columns.get(name, _nothing(dtypes.get(name), count)),
            dtypes.get(name),
            source,
            name=name,
            masked=name in masked,
        )
        for name in dict.fromkeys((*dtypes, *columns))
    }


def _nothing(dtype: str | None, count: int) -> NDArray[Any]:
    return np.ma.MaskedArray(np.zeros(count, dtype), mask=True)


def _masked(parts: list[NDArray[Any]]) -> bool:
    return any(isinstance(part, np.ma.MaskedArray) for part in parts)


def _cast(
    array: NDArray[Any], dtype: str | None, source: Source, *, name: str, masked: bool
) -> NDArray[Any]:
    if dtype is None:
        return array
    try:
        cast = array if str(array.dtype) == dtype else _lossless(array, np.dtype(dtype))
    except (ValueError, TypeError, OverflowError):
        cast = None
    if cast is None:
        raise refusal(
            source.name, f"hold {dtype} in {name!r} as its metadata says", str(array.dtype)
        )
    if isinstance(cast, np.ma.MaskedArray) and cast.dtype.kind in "mM" and not masked:
        return cast.filled(cast.dtype.type("NaT"))
    return cast


def _lossless(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """Cast, or return None where the cast would change a value."""
    plain, mask = np.ma.getdata(array), np.ma.getmaskarray(array)
    if array.dtype == object and dtype.kind == "M":
        cast = np.array(
            ["NaT" if absent else text for text, absent in zip(plain, mask, strict=True)], dtype
        )
    elif mask.all():
        cast = np.zeros(plain.shape, dtype)
    else:
        filled = np.where(mask, plain[~mask].flat[0], plain) if mask.any() else plain
        with np.errstate(all="ignore"):
            cast = filled.astype(dtype)
            back = cast.astype(filled.dtype)
        if not np.array_equal(back, filled, equal_nan=filled.dtype.kind == "f"):
            return None
    return np.ma.MaskedArray(cast, mask) if mask.any() else cast
