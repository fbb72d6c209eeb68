"""Results for programs: strict JSON and CSV on stdout, the same text in every locale."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING, Any

import typer

from graphmax.cli.console import steers, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_BEYOND_ASCII = re.compile("[^\x00-\x7e]")


def print_json(document: Any) -> None:
    """Print dictionaries, lists and scalars, NumPy's among them, as strict JSON."""
    text = json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)
    text = _BEYOND_ASCII.sub(_safe_in_json, text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=2, allow_nan=False)
    typer.echo(text)


def _safe_in_json(match: re.Match[str]) -> str:
    """Keep a character that can be seen, escape another one: the same JSON either way."""
    return json.dumps(match[0])[1:-1] if steers(match[0]) else match[0]


def plain(value: Any) -> Any:
    """Turn a document into what JSON can hold.

    Missing values become None; ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` are text as in the
    files of `write_table`, and so are times.

    Examples
    --------
    >>> plain({"isolation": [1.0, float("inf"), float("nan")]})
    {'isolation': [1.0, 'Infinity', 'NaN']}
    """
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "dtype"):
        return _plain_array(value)
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE[str(value)]
    return value if isinstance(value, str | int | float | None) else str(value)


def _plain_array(array: Any) -> Any:
    """Turn an array into lists."""
    if array.dtype.kind in "mM":
        array = array.astype(str)
    return plain(array.tolist())


def rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn columns of equal length into one dictionary per row, as JSON can hold them.

    Examples
    --------
    >>> rows({"label": ["a", "b"], "value": [2, 1]})
    [{'label': 'a', 'value': 2}, {'label': 'b', 'value': 1}]
    """
    parts = [plain(column) for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*parts, strict=True)]


def print_csv(columns: Mapping[str, Any]) -> None:
    """Print columns as CSV, the bytes that `write_table` writes; a terminal gets escapes."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from graphmax.files import write_table

    with TemporaryDirectory(prefix="graphmax-") as folder:
        path = Path(folder) / "table.csv"
        write_table(columns, path)
        if sys.stdout.isatty():
            for line in path.read_text(encoding="utf-8").splitlines():
                typer.echo(visible(line))
            return
        sys.stdout.flush()
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                sys.stdout.buffer.write(block)
