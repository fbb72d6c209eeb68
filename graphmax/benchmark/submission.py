"""`submit`: predictions and a card become one row of the results."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.benchmark.bench_task import load
from graphmax.benchmark.result_files import result_path, row_of, write_row

CARD = "card.json"
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "entry": str, "task": str, "parameters": int, "budget": dict, "seeds": list, "code": str,
}  # fmt: skip


def submit(folder: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Check predictions and their card, evaluate them, and write one row of the results.

    Parameters
    ----------
    folder : str or path
        Holds ``card.json`` (``entry``, ``task``, ``parameters``, ``budget``, ``seeds``, ``code``: a
        link) and for each seed ``seed-<seed>.npz`` with an array for each test set, and ``probe``
        where the task has one.
    out : str or path
        Folder for the results.

    Returns
    -------
    pathlib.Path
        The row. Without scores for the probe, ``probed`` is false in it.

    Raises
    ------
    FileNotFoundError
        If the card, or the predictions of a seed, are missing.
    ValueError
        If a field of the card is missing or of another kind, or predictions do not fit the task.
    """
    place = Path(folder)
    card = _card(place / CARD)
    task = load(card["task"])
    predictions = [read_arrays(place / f"seed-{seed}.npz", "folder") for seed in card["seeds"]]
    path = result_path(Path(out), task.name, card["entry"])
    write_row(path, row_of(task, predictions, {**card, "track": "submitted"}))
    return path


def _card(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"`folder` must hold {CARD}, got none in {path.parent}")
    try:
        card = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"`{CARD}` must be JSON, got {error}") from None
    if not isinstance(card, dict):
        raise ValueError(f"`{CARD}` must be an object, got {type(card).__name__}")
    for name, kind in _FIELDS.items():
        if not isinstance(card.get(name), kind) or isinstance(card.get(name), bool):
            raise ValueError(f"`{CARD}` must have {name!r} ({kind}), got {card.get(name)!r}")
    if not card["seeds"] or not all(type(seed) is int for seed in card["seeds"]):
        raise ValueError(f"`{CARD}` must have integers as seeds, got {card['seeds']}")
    return card


def read_arrays(path: Path, name: str) -> dict[str, Any]:
    """Read plain arrays; nothing of the file is executed."""
    if not path.is_file():
        raise FileNotFoundError(f"`{name}` must lead to a file, got no {path}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, AttributeError, EOFError) as error:
        raise ValueError(f"`{name}` must be an .npz file of arrays, got {error}") from None
