"""The guard at the door: whatever goes wrong is one sentence on stderr and exit code 2."""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import sys
import traceback
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from graphmax.cli.output import say, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
                from graphmax.files.formats import known_endings, written_endings

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
