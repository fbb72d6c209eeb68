"""Temporary space that goes away even if the process is killed, and results that appear whole.

A run works in a hidden folder beside its result, so that renaming is atomic and there is room.
Beside the folder lies a locked file, there before it and after it: the system lets go of the lock
when the process dies, however it dies, and the next start removes every folder that nobody holds.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

PREFIX = ".graphmax-"
_LOCK = ".lock"


class Held:
    """A folder that the next start removes unless this process still holds it.

    Parameters
    ----------
    parent : pathlib.Path
        Where to make it; what killed runs left there is removed first.
    name : str, optional
        A name to find again: then what a killed run of that name left is kept, to go on with.
        Without it the folder is new and empty.

    Raises
    ------
    BlockingIOError
        If another process holds the folder of that name.
    """

    def __init__(self, parent: Path, name: str | None = None) -> None:
        sweep(parent, spared=name)
        self.folder, self._lock = _claimed(parent) if name is None else _reclaimed(parent, name)
        self.folder.mkdir(exist_ok=name is not None)

    def release(self) -> None:
        """Remove the folder, then the lock."""
        _remove(self.folder, self._lock)


def _claimed(parent: Path) -> tuple[Path, IO[str]]:
    """Lock a new name, and make sure that no sweep took the file away before it was locked."""
    while True:
        folder = parent / (PREFIX + secrets.token_hex(6))
        path = folder.with_suffix(_LOCK)
        lock = path.open("x")
        if _try_lock(lock) and path.exists():
            return folder, lock
        lock.close()


def _reclaimed(parent: Path, name: str) -> tuple[Path, IO[str]]:
    folder = parent / (PREFIX + name)
    lock = folder.with_suffix(_LOCK).open("a")
    if not _try_lock(lock):
        lock.close()
        raise BlockingIOError(f"`name` must be free, got {folder} in use")
    return folder, lock


def _remove(folder: Path, lock: IO[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    path = folder.with_suffix(_LOCK)
    if os.name == "posix":  # elsewhere an open file cannot be removed
        path.unlink(missing_ok=True)
    lock.close()
    path.unlink(missing_ok=True)


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
    held = Held(parent)
    try:
        yield held.folder
    finally:
        held.release()


def sweep(parent: Path, *, spared: str | None = None) -> None:
    """Remove the scratch folders in `parent` whose process is gone, but for one name."""
    for path in parent.glob(f"{PREFIX}*{_LOCK}"):
        if spared is not None and path.stem == PREFIX + spared:
            continue
        try:
            lock = path.open("r+")
        except OSError:  # swept by somebody else, or not ours to touch
            continue
        if _try_lock(lock):
            _remove(path.with_suffix(""), lock)
        else:
            lock.close()


def _try_lock(lock: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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


def check_out(out: Path) -> None:
    """Refuse a place that a result cannot be put in without taking something else away."""
    if not out.parent.is_dir():
        raise FileNotFoundError(
            f"`out` must lie in an existing folder, got {out.parent}; make it first"
        )
    if out.is_dir():
        raise FileExistsError(
            f"`out` must not be a folder that exists, got {out}; remove it, or name another"
        )
