"""Detectors on disk: ``config.json`` and ``model.safetensors``, sealed, and never a pickle."""

import hashlib
import json
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from graphmax.atomic import replacing
from graphmax.checks import near_names
from graphmax.rule import Rule

if TYPE_CHECKING:
    from graphmax.nn.detector import PeakDetector

FORMAT, VERSION = "graphmax-detector", 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
SHIPPED = Path(__file__).parent / "shipped"
_KEYS: dict[str, Any] = {
    "format": str, "version": int, "sha256": str, "in_channels": int, "hops": (int, str),
    "max_hops": int, "denoise": bool, "head": str, "encoder": (str, type(None)), "rule": dict,
    "columns": list,
}  # fmt: skip
_MOST_CONFIG = 1 << 16


def pretrained_names() -> list[str]:
    """List the detectors that come with the package.

    Returns
    -------
    list of str
        Names for `PeakDetector.from_pretrained`.

    Examples
    --------
    >>> all(name.startswith(("attribute-", "noisy-")) for name in pretrained_names())
    True
    """
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))


def save(detector: "PeakDetector", folder: str | PathLike[str]) -> None:
    """Write a detector into a folder; see `PeakDetector.save_pretrained`."""
    place = Path(fspath(folder))
    if place.exists() and not place.is_dir():
        raise NotADirectoryError(f"`folder` must be a folder, got the file {place}")
    place.mkdir(parents=True, exist_ok=True)
    weights = safetensors.torch.save(tensors_of(detector))
    config = {"format": FORMAT, "version": VERSION, **detector.describe()}
    config["sha256"] = seal(config, weights)
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    # Weights go first: a config beside older weights does not fit their seal, and is refused.
    with replacing([place / WEIGHTS, place / CONFIG]) as (weights_file, config_file):
        weights_file.write_bytes(weights)
        config_file.write_text(text, encoding="utf-8")


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return the state of a module as tensors that can be written."""
    state = module.state_dict()
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def seal(config: dict[str, Any], weights: bytes) -> str:
    """Return the SHA-256 of everything but itself."""
    rest = {name: value for name, value in config.items() if name != "sha256"}
    written = json.dumps(rest, sort_keys=True, ensure_ascii=True).encode()
    return hashlib.sha256(written + b"\0" + weights).hexdigest()


def load(name: str | PathLike[str], encoder: nn.Module | None) -> "PeakDetector":
    """Read a detector from a folder or by name; see `PeakDetector.from_pretrained`."""
    from graphmax.nn.detector import PeakDetector

    folder = _folder(name)
    config = _config(folder / CONFIG)
    try:
        weights = (folder / WEIGHTS).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"`name` must be a folder with {WEIGHTS}, got {folder}") from None
    if seal(config, weights) != config["sha256"]:
        raise ValueError(
            f"`name` must hold undamaged files, got {folder} whose SHA-256 differs from the one in "
            f"{CONFIG}; copy both files again"
        )
    tensors = read_tensors(weights, folder / WEIGHTS)
    _check_encoder(config, encoder)
    detector = PeakDetector(
        config["in_channels"], config["hops"], max_hops=config["max_hops"],
        denoise=config["denoise"], head=config["head"], encoder=encoder,
        rule=replace(Rule(**config["rule"]).filled(), hops=None),
    )  # fmt: skip
    fill(detector, tensors, folder)
    detector.columns = tuple(config["columns"])
    return detector.eval()


def fill(module: nn.Module, tensors: dict[str, Tensor], place: Path) -> None:
    """Put tensors into a module of the same architecture."""
    state = module.state_dict()
    shapes = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in state.items()}
    found = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    if shapes != found:
        wrong = sorted(name for name in shapes | found if shapes.get(name) != found.get(name))
        raise ValueError(
            f"`name` must hold the weights of this architecture, got {place} where "
            f"{', '.join(wrong[:3])} differ; save the detector again"
        )
    module.load_state_dict(tensors)


def read_tensors(weights: bytes, file: Path) -> dict[str, Tensor]:
    """Read safetensors, refusing anything else."""
    try:
        return dict(safetensors.torch.load(weights))
    except (SafetensorError, ValueError, KeyError, TypeError) as flaw:
        raise ValueError(
            f"`name` must hold safetensors, got {file} which is not: {flaw}; pickled models are "
            "never opened, save with save_pretrained"
        ) from None


def _folder(name: str | PathLike[str]) -> Path:
    place = Path(fspath(name))
    if place.is_dir():
        return place
    if place.exists():
        raise ValueError(
            f"`name` must be a folder with {CONFIG} and {WEIGHTS}, got the file {place}; pickled "
            "models (.pt, .pth, .pkl) are never opened"
        )
    if (SHIPPED / str(name) / CONFIG).exists() and len(place.parts) == 1:
        return SHIPPED / str(name)
    raise FileNotFoundError(
        f"`name` must be a folder or a detector that comes with graphmax, got {str(name)!r}; "
        + near_names(str(name), pretrained_names())
    )


def _config(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            config = json.loads(stream.read(_MOST_CONFIG).decode("utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"`name` must be a folder with {CONFIG}, got {file.parent}"
        ) from None
    except (ValueError, RecursionError):
        raise ValueError(f"`name` must hold a JSON object, got {file} which is not") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ValueError(f"`name` must hold a detector of graphmax, got {file} of another format")
    if config.get("version") != VERSION:
        raise ValueError(
            f"`name` must be of version {VERSION}, got {config.get('version')!r} in {file}; "
            "use the graphmax that wrote it"
        )
    _check_keys(config, file)
    return config


def _check_keys(config: dict[str, Any], file: Path) -> None:
    if set(config) != set(_KEYS):
        other = sorted(set(config) ^ set(_KEYS))
        raise ValueError(
            f"`name` must have the keys {sorted(_KEYS)}, got {file} with {other} amiss"
        )
    for key, kind in _KEYS.items():
        exact = not (isinstance(config[key], bool) and kind is not bool)
        if not isinstance(config[key], kind) or not exact:
            raise ValueError(f"`name` must have a valid {key!r}, got {config[key]!r} in {file}")


def _check_encoder(config: dict[str, Any], encoder: nn.Module | None) -> None:
    given = None if encoder is None else type(encoder).__name__
    if given != config["encoder"]:
        raise ValueError(
            f"`encoder` must be the kind of module the detector was saved with, "
            f"{config['encoder']}, got {given}; modules are not stored, only their weights"
        )
