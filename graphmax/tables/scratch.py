"""Temporary space of a run that goes away even if it is killed, and results that appear whole.

A run works in a hidden folder beside its result, so that renaming is atomic and there is room.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from graphmax.atomic import Held, held_folder, sweep


class Workplace(NamedTuple):
    """Folders that go away: `space` for what is big, `beside` the result for its making.

    `kept` survives a killed run until the next start; None where nobody goes on with anything.
    """

    space: Path
    beside: Path
    kept: Path | None = None


@contextmanager
def workplace(out: Path, temporary: Path | None, name: str | None = None) -> Iterator[Workplace]:
    """Give the folders; `space` is `beside`, where nobody asked for `temporary` space elsewhere.

    `name` is that of the question, under which a killed run is continued.
    """
    if temporary is not None and not temporary.is_dir():
        raise FileNotFoundError(f"`temporary` must be an existing folder, got {temporary}")
    with ExitStack() as folders:
        kept = None if name is None else folders.enter_context(_kept_folder(out.parent, name))
        beside = folders.enter_context(scratch_folder(out.parent))
        space = beside
        if temporary is not None:
            space = folders.enter_context(scratch_folder(temporary))
        yield Workplace(space, beside, kept)


@contextmanager
def _kept_folder(parent: Path, name: str) -> Iterator[Path | None]:
    sweep(parent, spared=name)
    try:
        held = Held(parent, name)
    except BlockingIOError:  # the same question is being answered by another process
        yield None
        return
    try:
        yield held.folder
    finally:
        held.release()


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Give an empty folder inside `parent`, after removing those that killed runs left there."""
    sweep(parent)
    with held_folder(parent) as folder:
        yield folder


def publish(made: Path, out: Path) -> None:
    """Give a finished file or folder its name: it was absent before and is complete after."""
    for file in [made] if made.is_file() else sorted(made.rglob("*")):
        if file.is_file():
            _sync(file)
    if made.is_dir():
        _sync(made)
    made.replace(out)
    _sync(out.parent)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_out(out: Path, read: Iterable[str] = ()) -> None:
    """Refuse a place that a result cannot be put in without taking something else away."""
    if out.exists() and any(Path(file).exists() and out.samefile(file) for file in read):
        raise ValueError(f"`out` must be another file than those that are read, got {out}")
    if not out.parent.is_dir():
        raise FileNotFoundError(
            f"`out` must lie in an existing folder, got {out.parent}; make it first"
        )
    if out.is_dir():
        raise FileExistsError(
            f"`out` must not be a folder that exists, got {out}; remove it, or name another"
        )
