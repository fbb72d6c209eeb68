"""What `write_graph` leaves in a file beside the graph: metadata as JSON, and a checksum.

The metadata say what the format itself cannot: the direction, whether ids are the user's labels or
plain node indices, and the dtypes of attributes. A reader treats them as it treats everything in a
file: it checks each claim against the data.

CSV, Parquet, GraphML and JSON do not notice a flipped bit. The writer leaves room for a checksum,
64 zeros behind a mark near the start or the end of the file; `seal` puts the SHA-256 of the file
with the zeros in their place. What other programs write anew has no mark, and is not checked.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.files.errors import refusal
from graphmax.files.opening import Source
from graphmax.graph import Graph

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
