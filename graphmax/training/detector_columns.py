"""Between the node attributes of a graph and a detector: features and labels in, scores out."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from graphmax.checks import near_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch_geometric.data import Data

    from graphmax.graph import Graph
    from graphmax.nn import PeakDetector

_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no"}


def features_of(graph: Graph, names: Sequence[str], file: Path) -> NDArray[np.float64]:
    """Return node attributes as float64 (num_nodes, F), refusing what is missing or no number."""
    return np.stack([_numbers(graph, name, file) for name in names], axis=1)


def expanded(graph: Graph, names: Sequence[str], file: Path) -> list[str]:
    """Return the columns that names stand for: ``x.*`` and a matrix ``x`` are ``x.0, x.1, ...``."""
    columns: list[str] = []
    for name in names:
        if name in graph.attributes:
            columns += _columns_of(graph, name)
        elif any(sign in name for sign in "*?["):
            every = [column for known in graph.attributes for column in _columns_of(graph, known)]
            columns += [column for column in every if fnmatchcase(column, name)]
        else:
            columns.append(name)
    if names and not columns:
        raise ValueError(
            f"`--features` must match a node attribute of {file}, got {', '.join(names)}; it has "
            + ", ".join(map(str, graph.attributes))
        )
    return list(dict.fromkeys(columns))


def _columns_of(graph: Graph, name: str) -> list[str]:
    """Return the attribute itself, or the columns of a matrix."""
    column = graph.attributes[name]
    return [name] if column.ndim == 1 else [f"{name}.{i}" for i in range(column.shape[1])]


def labelled_data(graph: Graph, names: Sequence[str], labels: str, file: Path) -> Data:
    """Return PyG data with features and labels, -1 where a node has none."""
    data = graph.replace(attributes={}).to_data()
    data.x = torch.from_numpy(features_of(graph, names, file))
    y, known = _flags(_column(graph, labels, file), labels, file)
    data.y = torch.from_numpy(y if known.all() else np.where(known, y, -1))
    return data


def score_table(detector: PeakDetector, graph: Graph, x: NDArray[np.float64]) -> dict[str, Any]:
    """Say for every node how likely it is a maximum, and which other node decided.

    Columns ``id``, ``probability``, ``margin`` (the node's score minus that of its rival) and
    ``rival``, the last two masked where a ball holds no other node.
    """
    scores, rival = detector.score_nodes((graph, x)), detector.rivals((graph, x))
    if detector.rule.extremum == "min":
        scores = -scores
    alone = rival < 0
    with np.errstate(invalid="ignore"):
        margin = np.where(scores == scores[rival], 0.0, scores - scores[rival])
    return {
        "id": graph.label_of(np.arange(graph.num_nodes)),
        "probability": detector.predict_proba((graph, x)),
        "margin": np.ma.MaskedArray(margin, alone),
        "rival": np.ma.MaskedArray(graph.label_of(rival), alone),
    }


def _column(graph: Graph, name: str, file: Path) -> NDArray[Any]:
    """Return a node attribute, or ``name.i`` of a matrix, naming near ones where there is none."""
    matrix, _, index = name.rpartition(".")
    if name not in graph.attributes and index.isdecimal() and matrix in graph.attributes:
        column = graph.attributes[matrix]
        if column.ndim == 2 and int(index) < column.shape[1]:
            return column[:, int(index)]
    if name not in graph.attributes:
        raise ValueError(
            f"`{name}` must be a node attribute of {file}; "
            + near_names(name, list(graph.attributes))
        )
    return graph.attributes[name]


def _single(column: NDArray[Any], name: str, file: Path) -> NDArray[Any]:
    """Return a column as it is, or the only one of a matrix."""
    if column.ndim == 1:
        return column
    if column.ndim == 2 and column.shape[1] == 1:
        return column[:, 0]
    raise ValueError(
        f"`{name}` must be one column, got shape {column.shape} in {file}; name columns as "
        f"{name}.0, or all of them as '{name}.*' in --features"
    )


def _numbers(graph: Graph, name: str, file: Path) -> NDArray[np.float64]:
    """Return a node attribute as float64, which must hold it exactly."""
    column = _single(_column(graph, name, file), name, file)
    if column.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must hold numbers, got dtype {column.dtype} in {file}")
    data = np.ma.getdata(column)
    missing = np.ma.getmaskarray(column)
    if data.dtype.kind == "f":
        missing = missing | np.isnan(data)
    if missing.any():
        first = graph.label_of([int(missing.argmax())])[0]
        raise ValueError(
            f"`{name}` must be there for every node, got {int(missing.sum())} without it in "
            f"{file} (first: {first!r}); drop these nodes or fill it in"
        )
    if data.dtype.kind in "iu" and data.size and int(abs(data.astype(object)).max()) > 2**53:
        raise ValueError(f"`{name}` must be exact in float64, got a number beyond 2**53 in {file}")
    return data.astype(np.float64)


def _flags(
    column: NDArray[Any], name: str, file: Path
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Read labels: booleans, 0 and 1, or the words for them; missing and -1 are not known."""
    column = _single(column, name, file)
    missing = np.ma.getmaskarray(column).copy()
    data = np.ma.getdata(column)
    if data.dtype.kind == "f":
        missing |= np.isnan(data)
    words = np.array([_word(item) for item in data.tolist()])
    yes, no = np.isin(words, list(_YES)), np.isin(words, list(_NO))
    missing |= words == "-1"
    odd = ~(yes | no | missing)
    if odd.any():
        raise ValueError(
            f"`{name}` must hold true or false (or 1 and 0), got {data[odd.argmax()]!r} in {file}"
        )
    return yes & ~missing, ~missing


def _word(item: Any) -> str:
    """Write a label as one of the known words, if it is one."""
    if isinstance(item, float) and item in (0.0, 1.0):
        return str(int(item))
    return str(item).strip().lower()
