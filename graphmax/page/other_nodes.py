"""The nodes that are neither drawn nor in the table, in columns for the search of the page."""

import json
from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 36_000_000
_INTEGERS = (np.int8, np.int16, np.int32)


def packed(columns: dict[str, NDArray[Any]]) -> str | None:
    """Return columns as JSON of [name, type, base64], None where they are too long for a page.

    Integers take as few bytes as hold them; texts are a list; all bytes are little-endian, as in
    every browser.
    """
    parts: list[list[Any]] = []
    size = 0
    for name, column in columns.items():
        kind, content = _coded(column)
        size += len(content) if isinstance(content, str) else sum(map(len, content)) + len(content)
        if size > MOST_BYTES:
            return None
        parts.append([name, kind, content])
    return json.dumps(parts, ensure_ascii=True, separators=(",", ":"))


def _coded(column: NDArray[Any]) -> tuple[str, str | list[str]]:
    """Return the name of the array in JavaScript, and its bytes as base64, or texts as they are."""
    if column.dtype.kind in "OUS":
        return "texts", [str(item) for item in column.tolist()]
    small = _small(column)
    name = small.dtype.name.capitalize()
    return f"{name}Array", b64encode(small.astype(small.dtype.newbyteorder("<")).tobytes()).decode()


def _small(column: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers in as few bytes as hold them, others as float64."""
    if column.dtype.kind == "f":
        whole = np.isfinite(column).all() and (column == np.rint(column)).all()
        if (
            not whole
            or np.abs(column).max(initial=0) >= 2**31
            or np.signbit(column[column == 0]).any()
        ):
            return column.astype(np.float64)
    low, high = int(column.min(initial=0)), int(column.max(initial=0))
    for kind in _INTEGERS:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return column.astype(kind)
    return column.astype(np.float64)
