"""Writing that leaves either the old file or the whole new one, whenever the process dies.

Everything is written in a hidden folder beside the target, fsynced and renamed, and the parent is
fsynced: `np.savez` and `torch.save` killed midway leave files that nobody can read. What a killed
process left there is removed when the next one first writes beside it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from graphmax.held_folder import PREFIX, held_folder, sweep

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
