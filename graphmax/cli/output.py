"""What people see: tables on stdout, progress on stderr, and nothing that steers a terminal.

For programs there are strict JSON and CSV on stdout, the same text in every locale.

And the guard at the door: whatever goes wrong is one sentence on stderr and exit code 2.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import signal
import sys
import traceback
import unicodedata
import warnings
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Timer
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

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


# --- The guard at the door: whatever goes wrong is one sentence on stderr and exit code 2

DEBUG = "graphmax.debug"
_COMMANDS = {
    "local_maxima": "graphmax label",
    "local_maxima_tables": "graphmax label on tables",
    "find_peaks": "graphmax peaks",
}
_LONGEST = 2_000
# A wrong use of the command line speaks for itself: BadParameter, UsageError, ClickException.
_OWN_WORDS: Any = (typer.Exit, typer.Abort, *typer.BadParameter.__mro__[:3])


class Command(TyperCommand):
    """A command whose help names the file formats that there are when it is asked for."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        for parameter in self.params:
            text = getattr(parameter, "help", None)
            if text and "ENDINGS" in text:
                from graphmax.files.reading import known_endings, written_endings

                text = text.replace("WRITTEN ENDINGS", written_endings())
                parameter.help = text.replace("ENDINGS", known_endings())  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


class Commands(TyperGroup):
    """Commands that answer whatever goes wrong with one sentence on stderr and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _say_warning
                answer = super().invoke(ctx)
            sys.stdout.flush()
        except _OWN_WORDS as failure:
            if isinstance(getattr(failure, "message", None), str):  # it quotes the command line
                failure.message = visible(failure.message)
            raise
        except BrokenPipeError:  # the reader went away, which is not bad input
            raise
        except Exception as failure:  # noqa: BLE001
            _refuse(failure, _options_of(ctx), debug=ctx.meta.get(DEBUG, False))
        return answer

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Read the command line and run it."""
        try:
            return super().main(*args, **kwargs)
        except _OWN_WORDS:
            raise
        except BrokenPipeError:  # the reader went away, which is not bad input
            raise
        except Exception as failure:  # noqa: BLE001
            _refuse(failure, {}, debug=False)


def _refuse(failure: Exception, options: Mapping[str, str], *, debug: bool) -> NoReturn:
    """Say what went wrong and stop with exit code 2."""
    with suppress(OSError, ValueError):  # stderr itself may be closed or on a full disk
        if debug:
            traceback.print_exception(failure)
        names = {**options, **getattr(failure, "arguments", {})}
        say(f"graphmax: {in_words_of_options(sentence(failure), names)}")
    if isinstance(failure, OSError) and sys.__stdout__ is sys.stdout is not None:
        with suppress(OSError, ValueError):
            sys.stdout.close()  # or the interpreter tries to write the rest when it ends
    raise SystemExit(2)


def sentence(failure: BaseException) -> str:
    """Say in one line what went wrong; what no check foresaw comes with a hint.

    Examples
    --------
    >>> sentence(FileNotFoundError(2, "No such file or directory", "a.csv"))
    'No such file or directory: a.csv'
    >>> sentence(KeyError("a"))
    "KeyError: 'a'; --debug shows where"
    """
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror + ("" if failure.filename is None else f": {failure.filename}")
    text = " ".join(str(failure).split())
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
    if isinstance(failure, MemoryError):
        return f"not enough memory; {text}" if text else "not enough memory"
    if isinstance(failure, RecursionError):
        return f"nested too deeply: {text}; --debug shows where"
    if isinstance(failure, ValueError | TypeError | OSError) and "`" in text:
        return text
    return f"{type(failure).__name__}: {text}; --debug shows where"


def in_words_of_options(text: str, options: Mapping[str, str]) -> str:
    """Write a sentence of the library with the options of the command line.

    Examples
    --------
    >>> options = {"nan": "--nan", "isolated": "--isolated", "hops": "--hops"}
    >>> in_words_of_options("`hops` must be at least 1; pass nan='omit'", options)
    '`--hops` must be at least 1; pass --nan omit'
    >>> in_words_of_options("or isolated=False", options)
    'or --no-isolated'
    >>> in_words_of_options("pass hops (--hops)", options)
    'pass --hops'
    """
    if not options:
        return text
    names = "|".join(map(re.escape, options))
    text = re.sub(rf"`({names})`", lambda m: f"`{options[m[1]]}`", text)
    setting = rf"\b({names})=('[^']*'|\"[^\"]*\"|True|False|\.\.\.|-?[0-9][0-9.e+-]*[0-9]|[0-9])"
    text = re.sub(setting, lambda m: _spelled(options[m[1]], m[2]), text)
    advice = rf"\b(pass|give|use|without) ({names})\b(?!=)"
    text = re.sub(advice, lambda m: f"{m[1]} {options[m[2]]}", text)
    text = re.sub(r"(--[a-z-]+) \(\1\)", r"\1", text)  # pass add_nodes=True (--add-nodes)
    calls = rf"(?<!['\"`:.\w])(?:graphmax\.|gm\.)?({'|'.join(_COMMANDS)})\b(?!['\"`])"
    return re.sub(calls, lambda m: _COMMANDS[m[1]], text)


def _spelled(option: str, value: str) -> str:
    """Write an option with a value as a user types it."""
    if value == "True":
        return option
    if value == "False":
        return option.replace("--", "--no-", 1)
    return f"{option} {value.strip(chr(34) + chr(39))}"


def _options_of(ctx: Any) -> dict[str, str]:
    """Return the options of the command that ran, by the names that the library has for them."""
    command = ctx.command.get_command(ctx, ctx.invoked_subcommand or "")
    parameters = [] if command is None else command.params
    return {
        str(parameter.name): max(parameter.opts, key=len)
        for parameter in parameters
        if isinstance(parameter, TyperOption)
    }


@contextmanager
def arguments_named(**arguments: str) -> Iterator[None]:
    """Within the block, a refusal of these arguments of the library names these options."""
    try:
        yield
    except Exception as failure:
        failure.arguments = arguments  # type: ignore[attr-defined]
        raise


def _say_warning(message: Warning | str, *details: Any, **more: Any) -> None:
    """Write a warning of the library as one line."""
    del details, more
    with suppress(OSError, ValueError):
        say(f"graphmax: warning: {' '.join(str(message).split())}")


class _Closed(io.TextIOBase):
    """What is standard output where it is closed: nothing can be written to it."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Refuse."""
        del text
        raise OSError(errno.EBADF, "standard output is closed; give --out FILE")

    @property
    def buffer(self) -> Any:
        """Refuse bytes too."""
        return self


def end_on_sigterm() -> None:
    """Let SIGTERM unwind the program, so that temporary files go away with it."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: Any) -> NoReturn:
    del number, frame
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is being removed is not left half removed
    sys.unraisablehook = _end_again
    raise SystemExit(128 + signal.SIGTERM)


def _end_again(unraisable: Any) -> None:
    """End once more, soon: a callback of the compiler took the first end for its own fault."""
    if isinstance(unraisable.exc_value, SystemExit) and hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _end)
        signal.setitimer(signal.ITIMER_REAL, 0.02)


def prepare_streams() -> None:
    """Open the standard streams that are closed, and let the others escape what they cannot write.

    A file that is opened while stdout is closed would become stdout, and get what others print.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
