"""What the command line prints: tables and JSON on stdout, refusals and progress on stderr."""

from __future__ import annotations

import errno
import json
import math
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

REFUSALS = (ValueError, TypeError, OSError, MemoryError)
PATIENCE = 1.0
_WIDTH_OF_FILES = 120
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_INFINITE = ("Infinity", "-Infinity")


class Commands(TyperGroup):
    """Commands that answer bad input with one sentence on stderr and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except REFUSALS as refusal:
            if isinstance(refusal, OSError) and refusal.errno == errno.EPIPE:
                raise  # the reader of a pipe went away, which is not bad input
            typer.echo(f"graphmax: {sentence(refusal)}", err=True)
            raise typer.Exit(2) from None


def sentence(refusal: BaseException) -> str:
    """Say in one line what was refused.

    Parameters
    ----------
    refusal : BaseException
        The error.

    Returns
    -------
    str
        Its message without line breaks.

    Examples
    --------
    >>> sentence(FileNotFoundError(2, "No such file or directory", "a.csv"))
    'No such file or directory: a.csv'
    """
    if isinstance(refusal, OSError) and refusal.strerror and refusal.filename is not None:
        return f"{refusal.strerror}: {refusal.filename}"
    if isinstance(refusal, MemoryError):
        return f"not enough memory; {refusal}" if str(refusal) else "not enough memory"
    return " ".join(str(refusal).split())


def print_json(document: Any) -> None:
    """Print a document as strict JSON.

    Parameters
    ----------
    document : Any
        Dictionaries, lists and scalars, NumPy's among them.
    """
    typer.echo(json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Turn a value into what JSON can hold.

    Parameters
    ----------
    value : Any
        A document or a part of it.

    Returns
    -------
    Any
        Missing values become None, ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` are text as in
        the files of `write_table`, and so are times.

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
    if array.dtype.kind in "mM":
        array = array.astype(str)
    return plain(array.tolist())


def print_csv(columns: Mapping[str, Any]) -> None:
    """Print columns as CSV, the same text as `write_table` writes.

    Parameters
    ----------
    columns : mapping of str to array
        Columns of equal length.
    """
    from tempfile import TemporaryDirectory

    from graphmax.files import write_table

    with TemporaryDirectory(prefix="graphmax-") as folder:
        path = Path(folder) / "table.csv"
        write_table(columns, path)
        with path.open(encoding="utf-8", newline="") as lines:
            sys.stdout.writelines(lines)


def rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn columns into one dictionary a row.

    Parameters
    ----------
    columns : mapping of str to array
        Columns of equal length.

    Returns
    -------
    list of dict
        The rows, as JSON can hold them.

    Examples
    --------
    >>> rows({"label": ["a", "b"], "value": [2, 1]})
    [{'label': 'a', 'value': 2}, {'label': 'b', 'value': 1}]
    """
    parts = [plain(column) for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*parts, strict=True)]


def print_table(
    entries: Sequence[Mapping[str, Any]], *, ids: Sequence[str] = (), top: int = 0
) -> None:
    """Print rows as a table, or say that there are none.

    Parameters
    ----------
    entries : sequence of mapping
        The rows; their keys name the columns.
    ids : sequence of str, optional
        Columns of names, which are printed without separators even if they are numbers.
    top : int, default 0
        How many rows to print; 0 prints all.
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
            name.replace("_", " "),
            justify="left" if is_text else "right",
            min_width=None if is_text else widest,  # a number that is cut is another number
        )
    for entry in shown:
        table.add_row(*(cell(value, name in ids) for name, value in entry.items()))
    stdout().print(table)
    if len(shown) < len(entries):
        typer.echo(f"... and {len(entries) - len(shown):,} more: --out FILE or --json gives all")


def cell(value: Any, is_id: bool = False) -> str:
    """Write one value into a table.

    Parameters
    ----------
    value : Any
        A value as JSON can hold it.
    is_id : bool, default False
        A name, to be left as it is.

    Returns
    -------
    str
        Whole numbers with separators, yes and no, a dash for None.

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
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def stdout() -> Console:
    """Return the console of results.

    Returns
    -------
    rich.console.Console
        As wide as the terminal; of a fixed width where the output is a file or a pipe.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
    return Console(width=width, highlight=False, markup=False, emoji=False)


@contextmanager
def progress(task: str) -> Iterator[None]:
    """Show on stderr, if it is a terminal, how far work is that takes longer than a second.

    Parameters
    ----------
    task : str
        What is being done, until the work itself says more.

    Yields
    ------
    None
        While the work runs.
    """
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress

    from graphmax.kernels.progress import reporting

    bar = Progress(console=Console(stderr=True), transient=True)
    line = bar.add_task(task, total=None)

    def report(stage: str, done: int, total: int) -> None:
        bar.update(line, description=stage, completed=done, total=total)

    patience = Timer(PATIENCE, bar.start)
    patience.daemon = True
    patience.start()
    try:
        with reporting(report):
            yield
    finally:
        patience.cancel()
        patience.join()
        bar.stop()


def announce_compilation(*kernels: str) -> None:
    """Say on stderr, once after an install, why the first answer takes so long.

    Parameters
    ----------
    *kernels : str
        Modules of ``graphmax.kernels`` that the work ahead needs.

    Notes
    -----
    Looks for the index files of numba's cache on disk and compiles nothing.
    """
    if not all(map(_is_compiled, kernels)):
        typer.echo("graphmax: compiling its loops, once after an install (some seconds)", err=True)


def _is_compiled(kernel: str) -> bool:
    from importlib import import_module

    module = import_module(f"graphmax.kernels.{kernel}")
    source = Path(str(module.__file__))
    loops = [loop for loop in vars(module).values() if hasattr(loop, "py_func")]
    folders = {Path(loop.stats.cache_path) for loop in loops if loop.__module__ == module.__name__}
    indexes = [index for folder in folders for index in folder.glob(f"{source.stem}.*.nbi")]
    newest = max((index.stat().st_mtime for index in indexes), default=0.0)
    return not folders or newest >= source.stat().st_mtime
