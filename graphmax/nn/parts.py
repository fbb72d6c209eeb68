"""The parts of a detector: one registry row a score and a head, what goes together, and the disk.

A new head (or score) is one file and one row here: its class says what it needs (`needs_doubts`),
whether its radius can be learned (`learns_hops`) and what its constructor is given (`config`).
On disk a detector is ``config.json`` and ``model.safetensors``, sealed together.
"""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from graphmax.checks import integer, near_names, one_of
from graphmax.nn.heads import LEARN, ChoiceHead, Head, NormalHead, SignHead, checked_hops
from graphmax.nn.scores import (
    EdgeFeatureScore,
    EncoderScore,
    FeatureScore,
    GraphFilter,
    Identity,
    Max,
    Score,
    Sum,
)
from graphmax.question import rule_of
from graphmax.rule import FilledRule, Rule
from graphmax.sealed import Format, read_tensors, write_tensors

if TYPE_CHECKING:
    from graphmax.nn.detector import PeakDetector


HEADS: Mapping[str, type[Head]] = {"sign": SignHead, "choice": ChoiceHead, "normal": NormalHead}
SCORES: Mapping[str, type[Score]] = {
    "identity": Identity,
    "features": FeatureScore,
    "edge_features": EdgeFeatureScore,
    "filter": GraphFilter,
    "encoder": EncoderScore,
    "sum": Sum,
    "max": Max,
}

TABLE = """
    head    hops            score                                     ties          direction
    sign    int or 'learn'  any                                       strict, weak  any
    choice  int or 'learn'  any                                       strict, weak  any
    normal  int             with deviations (denoise=True)            strict, weak  any"""
_SEE = f"what goes together:{TABLE}"


def learnable_rule(rule: Rule | None) -> FilledRule:
    """Return the rule with every field filled in but hops, refusing what no detector takes."""
    return replace(rule_of("PeakDetector", None, rule), hops=None if rule is None else rule.hops)


def agreed_hops(hops: int | str, rule: Rule) -> int | str:
    """Return the radius that argument and rule agree on."""
    hops = checked_hops(hops)
    if rule.hops is not None and hops not in (1, rule.hops):
        raise ValueError(f"`hops` must agree with the rule, got {hops!r} and {rule.hops}")
    return hops if rule.hops is None or hops == LEARN else rule.hops


def usual_score(
    in_channels: int, *, denoise: bool, encoder: nn.Module | None, edge_channels: int = 0
) -> Score:
    """Return the score that the constructor's arguments stand for."""
    in_channels = integer(in_channels, "in_channels", 1)
    edge_channels = integer(edge_channels, "edge_channels", 0)
    if denoise and edge_channels:
        raise ValueError(f"`edge_channels` must be 0 with denoise=True, got {edge_channels}")
    if encoder is not None:
        if not isinstance(encoder, nn.Module):
            raise TypeError(f"`encoder` must be a torch module, got {type(encoder).__name__}")
        if denoise:
            raise ValueError("`encoder` must not be given with denoise=True; choose one score")
        return EncoderScore(encoder, in_channels, edge_channels)
    if denoise and in_channels != 1:
        raise ValueError(f"`in_channels` must be 1 with denoise=True, got {in_channels}")
    if denoise:
        return GraphFilter()
    if edge_channels:
        return EdgeFeatureScore(in_channels, edge_channels)
    return Identity() if in_channels == 1 else FeatureScore(in_channels)


def usual_head(head: str, hops: int | str, max_hops: int) -> Head:
    """Return the head that the constructor's arguments stand for."""
    kind = HEADS[one_of(head, "head", tuple(HEADS))]
    max_hops = integer(max_hops, "max_hops", 1)
    if hops == LEARN and not kind.learns_hops:
        raise ValueError(f"`hops` must be an integer with head={head!r}, got 'learn'; {_SEE}")
    return kind(hops, max_hops) if kind.learns_hops else kind(hops)


def check_fit(score: Score, head: Head) -> None:
    """Refuse a score and a head that do not go together."""
    if not isinstance(score, Score):
        raise TypeError(
            f"`score` must be a graphmax.nn.Score, got {type(score).__name__}; derive one's own "
            "from it, or wrap a PyG module in EncoderScore"
        )
    if not isinstance(head, Head):
        raise TypeError(
            f"`head` must be a graphmax.nn.Head, got {type(head).__name__}; derive from it"
        )
    if head.needs_doubts and not score.doubts:
        name = next((name for name, kind in HEADS.items() if kind is type(head)), None)
        raise ValueError(
            "`head` must be 'sign' or 'choice' without denoise=True, for the score "
            f"{type(score).__name__} gives no deviations, got {name or type(head).__name__!r}; "
            f"{_SEE}"
        )


def described(part: Score | Head) -> dict[str, Any]:
    """Return a part as JSON can hold it: its registry row, or the import path of one's own."""
    rows: Mapping[str, type] = SCORES if isinstance(part, Score) else HEADS
    kind = type(part)
    names = [name for name, known in rows.items() if known is kind]
    return {
        "kind": names[0] if names else f"{kind.__module__}:{kind.__qualname__}",
        **part.config(),
    }


def rebuilt_score(config: dict[str, Any], given: Any, encoder: nn.Module | None) -> Score:
    """Build the score that a configuration describes; nothing that it names is imported."""
    options = dict(config)
    if isinstance(options.get("parts"), list) and options.get("kind") in SCORES:
        options["parts"] = [
            rebuilt_score(part, None, encoder if "encoder" in part else None)
            for part in _configs(options)
        ]
        encoder = None
    if "encoder" in options:
        options["encoder"] = _same_encoder(options["encoder"], encoder)
    elif encoder is not None:
        raise ValueError(
            "`encoder` must be the kind of module the detector was saved with, None, got "
            f"{type(encoder).__name__}"
        )
    part: Score = _rebuilt(SCORES, options, given, "score")
    return part


def _configs(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the descriptions of the parts of a combined score."""
    parts: list[Any] = options["parts"]
    if not all(isinstance(part, dict) and "parts" not in part for part in parts):
        raise ValueError("`name` must describe the parts of a score one level deep")
    return parts


def rebuilt_head(config: dict[str, Any], given: Any) -> Head:
    """Build the head that a configuration describes; nothing that it names is imported."""
    part: Head = _rebuilt(HEADS, dict(config), given, "head")
    return part


def _rebuilt(rows: Mapping[str, type], options: dict[str, Any], given: Any, what: str) -> Any:
    kind = options.pop("kind", None)
    if not isinstance(kind, str):
        raise ValueError(f"`name` must tell the kind of its {what}, got {kind!r}")
    if kind in rows:
        if given is not None:
            raise ValueError(f"`{what}` must be left out for the {what} {kind!r}, got {given!r}")
        return _called(rows[kind], options, what)
    if ":" not in kind:
        raise ValueError(
            f"`name` must have a known {what}, got {kind!r}; {near_names(kind, [*rows])}"
        )
    if given is None:
        raise ValueError(
            f"`{what}` must be given to load a detector with the {what} {kind}, which is not of "
            f"graphmax; files import nothing: pass from_pretrained(..., {what}=...)"
        )
    part = given if isinstance(given, nn.Module) else _called(given, options, what)
    path = f"{type(part).__module__}:{type(part).__qualname__}"
    if path.partition(":")[2] != kind.partition(":")[2]:
        raise ValueError(f"`{what}` must be the kind that was saved, {kind}, got {path}")
    return part


def _called(kind: Any, options: dict[str, Any], what: str) -> Any:
    try:
        return kind(**options)
    except (TypeError, ValueError, RuntimeError, OverflowError, MemoryError) as flaw:
        raise ValueError(f"`name` must describe a {what} that can be built: {flaw}") from None


def _same_encoder(name: Any, encoder: nn.Module | None) -> nn.Module:
    if encoder is None or type(encoder).__name__ != name:
        given = None if encoder is None else type(encoder).__name__
        raise ValueError(
            f"`encoder` must be the kind of module the detector was saved with, {name}, got "
            f"{given}; modules are not stored, only their weights"
        )
    return encoder


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
