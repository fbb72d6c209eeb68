"""Detectors on disk: ``config.json`` and ``model.safetensors``, sealed together."""

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from graphmax.checks import near_names
from graphmax.nn.parts import rebuilt_head, rebuilt_score
from graphmax.rule import Rule
from graphmax.sealed import Format, read_tensors, write_tensors

if TYPE_CHECKING:
    from graphmax.nn.detector import PeakDetector


CONFIG, WEIGHTS = "config.json", "model.safetensors"
DETECTOR = Format(
    "graphmax-detector", 2, "name", f"a detector, a folder with {CONFIG} and {WEIGHTS}", 1 << 16
)
SHIPPED = Path(__file__).parent / "shipped"
_KEYS: dict[str, type] = {
    "format": str,
    "format_version": int,
    "sha256": str,
    "score": dict,
    "head": dict,
    "rule": dict,
    "columns": list,
}


def pretrained_names() -> list[str]:
    """List the detectors that come with the package.

    Returns
    -------
    list of str
        Names for `PeakDetector.from_pretrained`.

    Examples
    --------
    >>> from graphmax.nn import pretrained_names
    >>> all(name.startswith(("attribute-", "noisy-")) for name in pretrained_names())
    True
    """
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))


def save(detector: "PeakDetector", folder: str | PathLike[str]) -> None:
    """Write a detector into a folder; see `PeakDetector.save_pretrained`."""
    place = Path(fspath(folder))
    if place.exists() and not place.is_dir():
        raise NotADirectoryError(f"`folder` must be a folder, got the file {place}")
    state = detector.state_dict()
    check_numbers(state, "detector")
    place.mkdir(parents=True, exist_ok=True)
    write_tensors(DETECTOR, place / WEIGHTS, detector.describe(), state, beside=place / CONFIG)


def load(name: str | PathLike[str], score: Any, head: Any, encoder: Any) -> "PeakDetector":
    """Read a detector from a folder or by name; see `PeakDetector.from_pretrained`."""
    folder = _folder(name)
    file = folder / WEIGHTS
    config, tensors = read_tensors(DETECTOR, file, beside=folder / CONFIG)
    _check_keys(config, folder / CONFIG)
    check_numbers(tensors, "name")
    if score is None and head is None and encoder is None:
        # Shapes first, without memory: a config may ask for more of it than there is.
        with torch.device("meta"):
            check_shapes(_built(config, None, None, None), tensors, folder)
    detector = _built(config, score, head, encoder)
    check_shapes(detector, tensors, folder)
    detector.load_state_dict(tensors)
    detector.columns = tuple(str(column) for column in config["columns"])
    return detector.eval()


def check_numbers(state: dict[str, Tensor], name: str) -> None:
    """Refuse weights that are no finite numbers."""
    for key, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(
                f"`{name}` must have finite weights, got {key} with NaN or infinite ones; "
                "training diverged, or the model was damaged before it was saved"
            )


def check_shapes(module: nn.Module, tensors: dict[str, Tensor], place: Path) -> None:
    """Refuse tensors of another architecture."""
    state = module.state_dict()
    shapes = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in state.items()}
    given = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    if shapes != given:
        wrong = sorted(name for name in shapes | given if shapes.get(name) != given.get(name))
        raise ValueError(
            f"`name` must hold the weights of this architecture, got {place} where "
            f"{', '.join(wrong[:3])} differ; save the detector again"
        )


def _built(config: dict[str, Any], score: Any, head: Any, encoder: Any) -> "PeakDetector":
    from graphmax.nn.detector import PeakDetector

    return PeakDetector.composed(
        rebuilt_score(config["score"], score, encoder),
        rebuilt_head(config["head"], head),
        _rule(config["rule"]),
    )


def _rule(fields: dict[str, Any]) -> Rule:
    try:
        return Rule(**fields)
    except TypeError as flaw:
        raise ValueError(f"`name` must hold the fields of a rule: {flaw}") from None


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


def _check_keys(config: dict[str, Any], file: Path) -> None:
    if set(config) != set(_KEYS):
        other = sorted(set(config) ^ set(_KEYS))
        raise ValueError(
            f"`name` must have the keys {sorted(_KEYS)}, got {file} with {other} amiss"
        )
    for key, kind in _KEYS.items():
        if not isinstance(config[key], kind):
            raise ValueError(f"`name` must have a valid {key!r}, got {config[key]!r} in {file}")
