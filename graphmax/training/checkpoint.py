"""Checkpoints: one sealed safetensors file, written whole or not at all."""

import hashlib
import json
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from graphmax.atomic import replacing

FORMAT, VERSION = "graphmax-checkpoint", 1


def write_checkpoint(
    path: str | PathLike[str], tensors: dict[str, Tensor], told: dict[str, Any]
) -> None:
    """Write tensors and a JSON document under a SHA-256, atomically.

    Parameters
    ----------
    path : path
        The file; one of this name is replaced only by a complete new one.
    tensors : dict of str to Tensor
        The state.
    told : dict
        What else there is to know, as JSON can hold it.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is kept.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    document = json.dumps({"format": FORMAT, "version": VERSION, **told}, sort_keys=True)
    sealed = {"told": document, "sha256": _seal(document, tensors)}
    content = safetensors.torch.save(tensors, sealed)
    with replacing([Path(fspath(path))]) as (temporary,):
        temporary.write_bytes(content)


def read_checkpoint(path: str | PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_checkpoint` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    tuple
        The tensors and the document.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is cut short, has a flipped bit, or is something else; it is never unpickled.
    """
    file = Path(fspath(path))
    if not file.is_file():
        raise FileNotFoundError(
            f"`checkpoint` must exist to resume from, got {file}; start with resume=False"
        )
    try:
        with safetensors.safe_open(file, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        told = json.loads(metadata["told"])
    except (safetensors.SafetensorError, ValueError, KeyError) as flaw:
        raise ValueError(
            f"`checkpoint` must be a whole checkpoint of graphmax, got {file}: {flaw}; "
            "start again with resume=False and another name"
        ) from None
    _check(file, metadata, told, tensors)
    return tensors, told


def _check(
    file: Path, metadata: dict[str, str], told: dict[str, Any], tensors: dict[str, Tensor]
) -> None:
    if _seal(metadata["told"], tensors) != metadata.get("sha256"):
        raise ValueError(
            f"`checkpoint` must be undamaged, got {file} whose SHA-256 differs from the one in it"
        )
    if (told.get("format"), told.get("version")) != (FORMAT, VERSION):
        raise ValueError(
            f"`checkpoint` must be of {FORMAT} version {VERSION}, got {file} of "
            f"{told.get('format')} version {told.get('version')}; use the graphmax that wrote it"
        )


def _seal(document: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(document.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
