"""Writing that leaves either the old file or the whole new one, whenever the process dies.

Everything is written under a temporary name in the same folder, fsynced and renamed, and the
folder is fsynced: `np.savez` and `torch.save` killed midway leave files that nobody can read.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path


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
    mark = secrets.token_hex(4)
    temporary = [t.with_name(f".{t.name[:200]}.{mark}.tmp") for t in targets]
    try:
        yield temporary
        for file in temporary:
            _sync(file, os.O_RDWR)
        for file, target in zip(temporary, targets, strict=True):
            if target.exists():  # a file that only its owner may read stays so
                file.chmod(target.stat().st_mode & 0o7777)
            file.replace(target)
        for folder in {target.parent for target in targets}:
            _sync_folder(folder)
    finally:
        for file in temporary:
            file.unlink(missing_ok=True)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _sync(folder, os.O_RDONLY)
