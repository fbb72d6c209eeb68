"""Files and folders that are whole or not there, whenever the process dies.

A file is written in a hidden folder beside its target, fsynced and renamed, and the parent is
fsynced: `np.savez` and `torch.save` killed midway leave files that nobody can read.

A folder that must go away has a locked file beside it, there before it and after it: the system
lets go of the lock when the process dies, however it dies, and the next start removes every folder
that nobody holds. Where a file system knows no locks nothing is held, and so nothing is swept.
"""

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

PREFIX = ".graphmax-"
_LOCK = ".lock"


class Held:
    """A folder that the next start removes unless this process still holds it.

    With a `name` it is one to find again: what a killed run of that name left is kept, to go
    on with, and a BlockingIOError says that another process holds it. Else the folder is new
    and empty.
    """

    def __init__(self, parent: Path, name: str | None = None, prefix: str = PREFIX) -> None:
        claimed = _claimed(parent, prefix) if name is None else _reclaimed(parent, prefix + name)
        self.folder, self._lock = claimed
        self.folder.mkdir(0o700, exist_ok=name is not None)

    def release(self) -> None:
        """Remove the folder, then the lock."""
        _remove(self.folder, self._lock)


@contextmanager
def held_folder(parent: Path, prefix: str = PREFIX) -> Iterator[Path]:
    """Give a new and empty folder inside `parent`."""
    held = Held(parent, prefix=prefix)
    try:
        yield held.folder
    finally:
        held.release()


def sweep(parent: Path, *, prefix: str = PREFIX, spared: str | None = None) -> None:
    """Remove the folders in `parent` whose process is gone, but for one name."""
    for path in parent.glob(f"{prefix}*{_LOCK}"):
        if spared is not None and path.stem == prefix + spared:
            continue
        try:
            lock = path.open("r+")
        except OSError:  # swept by somebody else, or not ours to touch
            continue
        if _is_free(lock, unknown=False):
            _remove(path.with_suffix(""), lock)
        else:
            lock.close()


def _claimed(parent: Path, prefix: str) -> tuple[Path, IO[str]]:
    """Lock a new name, and make sure that no sweep took the file away before it was locked."""
    while True:
        folder = parent / (prefix + secrets.token_hex(6))
        path = folder.with_suffix(_LOCK)
        lock = path.open("x")
        if _is_free(lock, unknown=True) and path.exists():
            return folder, lock
        lock.close()


def _reclaimed(parent: Path, name: str) -> tuple[Path, IO[str]]:
    folder = parent / name
    lock = folder.with_suffix(_LOCK).open("a")
    if not _is_free(lock, unknown=True):
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


def _is_free(lock: IO[str], *, unknown: bool) -> bool:
    """Take a lock; say whether nobody has it, and `unknown` where there are no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # somebody has it; Windows says it the second way
        return False
    except OSError:
        return unknown
    return True


_WRITING = PREFIX + "write-"


def write_atomically(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then put it in the place of `target`."""
    with replacing([target]) as (temporary,):
        write(temporary)


@contextlib.contextmanager
def replacing(targets: list[Path]) -> Iterator[list[Path]]:
    """Give temporary names; move them onto the targets, in this order, if nothing failed."""
    targets = [target.resolve() for target in targets]
    for target in targets:
        if not target.parent.is_dir():
            raise FileNotFoundError(
                f"`path` must lie in an existing folder, got {target.parent}; make it first"
            )
        if target.is_dir():
            raise IsADirectoryError(f"`path` must name a file, got the folder {target}")
    with contextlib.ExitStack() as stack:
        folders = {target.parent: target.parent for target in targets}
        for parent in folders:
            _sweep(parent)
            folders[parent] = stack.enter_context(held_folder(parent, _WRITING))
        temporary = [folders[target.parent] / target.name for target in targets]
        yield temporary
        for file in temporary:
            _sync(file, os.O_RDWR)
        for file, target in zip(temporary, targets, strict=True):
            if target.exists():  # a file that only its owner may read stays so
                file.chmod(target.stat().st_mode & 0o7777)
            file.replace(target)
        for parent in folders:
            _sync_folder(parent)


@cache
def _sweep(parent: Path) -> None:
    """Remove what killed processes left in a folder, once a process: it may hold many files."""
    sweep(parent, prefix=_WRITING)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _sync(folder, os.O_RDONLY)
