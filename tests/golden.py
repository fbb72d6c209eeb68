"""Read the hand-checked graphs of `datasets/golden` as its README describes them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from oracles import Network

FOLDER = Path(__file__).parent.parent / "datasets" / "golden"


@dataclass(frozen=True)
class Golden:
    """One question about one graph, with its answer."""

    name: str
    network: Network
    values: np.ndarray
    rule: dict[str, Any]
    where: np.ndarray | None
    mask: np.ndarray
    isolation: np.ndarray
    witness: np.ndarray


def decode(entries: list[Any], dtype: str) -> np.ndarray:
    """Return an array: null is NaN or NaT, "inf" and "-inf" are infinities."""
    missing = "NaT" if dtype.startswith("datetime64") else "nan"
    return np.array([missing if entry is None else entry for entry in entries], dtype=dtype)


def questions(path: Path) -> list[Golden]:
    """Return all cases of one file."""
    text = json.loads(path.read_text(encoding="utf-8"))
    weights = None if text["weights"] is None else tuple(text["weights"])
    edges = tuple((source, target) for source, target in text["edges"])
    network = Network(text["nodes"], edges, weights, text["directed"])
    return [
        Golden(
            name=f"{path.stem}-{number}",
            network=network,
            values=decode(text["values"], text["dtype"]),
            rule=case["rule"],
            where=np.array(case["where"], dtype=bool) if "where" in case else None,
            mask=np.array(case["mask"], dtype=bool),
            isolation=decode(case["isolation"], "float64"),
            witness=np.array(case["witness"], dtype=np.int64),
        )
        for number, case in enumerate(text["cases"])
    ]


def golden() -> list[Golden]:
    """Return all cases of all files."""
    return [question for path in sorted(FOLDER.glob("*.json")) for question in questions(path)]
