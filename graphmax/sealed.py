"""Files with a checksum inside: a JSON document, with or without tensors, and never a pickle.

One format for detectors, checkpoints and the manifests of data sets. The document tells its format
and version and carries the SHA-256 of everything else: of itself in canonical form and, where there
are tensors, of their names, dtypes, shapes and bytes. It stands in a file of its own, or in the
metadata of the safetensors file. Writing is atomic; reading opens nothing but regular files.
"""

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphmax.atomic import replacing

if TYPE_CHECKING:
    from torch import Tensor

_FORMAT, _VERSION, _SEAL, _DOCUMENT = "format", "format_version", "sha256", "document"


@dataclass(frozen=True)
class Format:
    """What a sealed file is, and how errors call the argument and the thing."""

    name: str
    version: int
    argument: str
    noun: str
    most_document: int = 1 << 26

    def refusal(self, file: Path, flaw: str, way_out: str) -> ValueError:
        """Return the error of a file that is not what it should be."""
        return ValueError(f"`{self.argument}` must be {self.noun}, got {file} {flaw}; {way_out}")


def write_document(form: Format, file: Path, document: Mapping[str, Any]) -> None:
    """Write a document of its own, atomically."""
    with replacing([file]) as (temporary,):
        temporary.write_bytes(_text(_sealed(form, document, {})))


def read_document(form: Format, file: Path) -> dict[str, Any]:
    """Read what `write_document` wrote, refusing what was changed since."""
    document = _parsed(form, file, _content(form, file, form.most_document))
    _check_seal(form, file, document, {})
    return document


def write_tensors(
    form: Format,
    file: Path,
    document: Mapping[str, Any],
    tensors: "Mapping[str, Tensor]",
    *,
    beside: Path | None = None,
) -> None:
    """Write tensors and their document, which stands `beside` them or in their metadata."""
    import safetensors.torch

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = _text(_sealed(form, document, plain))
    metadata = None if beside is not None else {_DOCUMENT: text.decode()}
    content = safetensors.torch.save(plain, metadata)
    # Tensors go first: a document beside older ones does not fit their seal, and is refused.
    with replacing([file] if beside is None else [file, beside]) as temporary:
        temporary[0].write_bytes(content)
        for path in temporary[1:]:
            path.write_bytes(text)


def read_tensors(
    form: Format, file: Path, *, beside: Path | None = None
) -> "tuple[dict[str, Any], dict[str, Tensor]]":
    """Read what `write_tensors` wrote, refusing what was changed since."""
    text = None if beside is None else _content(form, beside, form.most_document)
    document = None if beside is None or text is None else _parsed(form, beside, text)
    tensors, metadata = _tensors(form, file, _content(form, file))
    if document is None:
        document = _parsed(form, file, metadata.get(_DOCUMENT, "").encode())
    _check_seal(form, file, document, tensors)
    return document, tensors


def digest(document: Mapping[str, Any], tensors: "Mapping[str, Tensor]") -> str:
    """Return the SHA-256 of a document but for its seal, and of tensors."""
    rest = {name: value for name, value in document.items() if name != _SEAL}
    told = hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        told.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        told.update(_bytes(tensor))
    return told.hexdigest()


def _bytes(tensor: "Tensor") -> bytes:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def _sealed(
    form: Format, document: Mapping[str, Any], tensors: "Mapping[str, Tensor]"
) -> dict[str, Any]:
    rest = {key: value for key, value in document.items() if key not in (_FORMAT, _VERSION)}
    whole = {_FORMAT: form.name, _VERSION: form.version, **rest}
    return {**whole, _SEAL: digest(whole, tensors)}


def _text(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _content(form: Format, file: Path, most: int | None = None) -> bytes:
    """Return the bytes of a regular file: a pipe would hang, a device never end."""
    try:
        status = file.stat()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"`{form.argument}` must be {form.noun}, got {file.parent} without {file.name}"
        ) from None
    if not stat.S_ISREG(status.st_mode):
        raise form.refusal(file, "which is no regular file", "copy it to a disk first")
    if most is not None and status.st_size > most:
        size = f"of {status.st_size} bytes where at most {most} are expected"
        raise form.refusal(file, size, "it is something else")
    return file.read_bytes()


def _with_names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says something twice: the next reader may take the other word."""
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a name stands twice")
    return document


def _parsed(form: Format, file: Path, text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text.decode("utf-8"), object_pairs_hook=_with_names_once)
    except (ValueError, RecursionError):
        raise form.refusal(file, "without a readable JSON document", "write it again") from None
    if not isinstance(document, dict) or document.get(_FORMAT) != form.name:
        raise form.refusal(file, "of another format", f"its document must say {form.name!r}")
    if document.get(_VERSION) != form.version:
        version = f"of version {document.get(_VERSION)!r} where this is {form.version}"
        raise form.refusal(file, version, "use the graphmax that wrote it")
    return document


def _tensors(
    form: Format, file: Path, content: bytes
) -> "tuple[dict[str, Tensor], dict[str, str]]":
    import safetensors
    import safetensors.torch

    try:
        tensors = dict(safetensors.torch.load(content))
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as flaw:
        raise form.refusal(
            file, f"which holds no safetensors ({flaw})", "pickled files are never opened"
        ) from None
    return tensors, header.get("__metadata__") or {}


def _check_seal(
    form: Format, file: Path, document: Mapping[str, Any], tensors: "Mapping[str, Tensor]"
) -> None:
    if document.get(_SEAL) != digest(document, tensors):
        raise form.refusal(
            file,
            "which is damaged: its SHA-256 differs from the one in its document",
            "copy it again",
        )
