"""What people see: tables on stdout, progress on stderr, and nothing that steers a terminal.

For programs there are strict JSON and CSV on stdout, the same text in every locale.
"""

from __future__ import annotations

import json
import math
import re
import sys
import unicodedata
from contextlib import contextmanager
from functools import lru_cache
from threading import Timer
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console


PATIENCE = 1.0
_WIDTH_OF_FILES = 120
_INFINITE = ("Infinity", "-Infinity")
# Zero-width joiners are letters of Persian and of emoji; the other formats turn lines around.
_JOINERS = ("\u200c", "\u200d")
_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def visible(text: str) -> str:
    r"""Write characters that steer a terminal, or that cannot be seen, as escapes.

    Examples
    --------
    >>> visible("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    """Return a character, or its escape."""
    return character.encode("unicode_escape").decode("ascii") if steers(character) else character


@lru_cache(maxsize=4096)
def steers(character: str) -> bool:
    """Say whether a character moves the cursor, turns a line around or cannot be seen."""
    return character not in _JOINERS and unicodedata.category(character) in _STEERING


def say(sentence: str) -> None:
    """Write a line to stderr."""
    typer.echo(visible(sentence), err=True)


def print_table(
    entries: Sequence[Mapping[str, Any]], *, ids: Sequence[str] = (), top: int = 0
) -> None:
    """Print rows as a table, or say that there are none.

    `ids` are columns of names, printed without separators even if they are numbers; `top` is how
    many rows to print, 0 for all.
    """
    from rich.table import Table

    if not entries:
        typer.echo("none")
        return
    shown = entries[:top] if top else entries
    table = Table()
    for name in entries[0]:
        is_text = any(isinstance(row[name], str) and row[name] not in _INFINITE for row in entries)
        widest = max(len(cell(row[name], name in ids)) for row in shown)
        table.add_column(
            visible(name.replace("_", " ")),
            justify="left" if is_text else "right",
            min_width=None if is_text else widest,  # a number that is cut is another number
        )
    for entry in shown:
        table.add_row(*(cell(value, name in ids) for name, value in entry.items()))
    stdout().print(table)
    if len(shown) < len(entries):
        typer.echo(f"... and {len(entries) - len(shown):,} more: --out FILE or --json gives all")


def cell(value: Any, is_id: bool = False) -> str:
    """Write one value into a table: separators in whole numbers, yes and no, a dash for None.

    Examples
    --------
    >>> cell(18560000), cell(2.5), cell(True), cell(None)
    ('18,560,000', '2.5', 'yes', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_id or isinstance(value, str):
        return visible(str(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def stdout() -> Console:
    """Return the console of results: as wide as the terminal, of a fixed width in a file."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
    return Console(width=width, highlight=False, markup=False, emoji=False)


def _show_nothing(stage: str, done: int, total: int) -> None:
    """Show no progress."""


@contextmanager
def announcing(show: Callable[[str, int, int], None] = _show_nothing) -> Iterator[None]:
    """Say on stderr, once after an install, why the first answer takes so long."""
    from graphmax.progress import COMPILING, listening

    def report(stage: str, done: int, total: int) -> None:
        if stage == COMPILING:
            say(f"graphmax: {stage}")
        show(stage, done, total)

    with listening(report):
        yield


@contextmanager
def progress(task: str) -> Iterator[None]:
    """Announce compilation, and show a terminal how far long work is."""
    if not sys.stderr.isatty():
        with announcing():
            yield
        return
    with _bar(task) as show, announcing(show):
        yield


@contextmanager
def _bar(task: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on stderr for work that takes longer than `PATIENCE` seconds."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    line = bar.add_task(escape(visible(task)), total=None)

    def show(stage: str, done: int, total: int) -> None:
        bar.update(line, description=escape(visible(stage)), completed=done, total=total or None)

    patience = Timer(PATIENCE, bar.start)
    patience.daemon = True
    patience.start()
    try:
        yield show
    finally:
        patience.cancel()
        patience.join()
        bar.stop()


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
