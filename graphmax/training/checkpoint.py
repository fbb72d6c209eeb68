"""Checkpoints: one sealed safetensors file, written whole or not at all."""

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from torch import Tensor

from graphmax.sealed import Format, read_tensors, write_tensors

CHECKPOINT = Format("graphmax-checkpoint", 2, "checkpoint", "a whole checkpoint of graphmax")


def write_checkpoint(
    path: str | PathLike[str], tensors: Mapping[str, Tensor], document: Mapping[str, Any]
) -> None:
    """Write the state of a training, atomically."""
    write_tensors(CHECKPOINT, Path(fspath(path)), document, tensors)


def read_checkpoint(path: str | PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_checkpoint` wrote, refusing what was changed since."""
    file = Path(fspath(path))
    if not file.exists():
        raise FileNotFoundError(
            f"`checkpoint` must exist to resume from, got {file}; start with resume=False"
        )
    document, tensors = read_tensors(CHECKPOINT, file)
    return tensors, document
