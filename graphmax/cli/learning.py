"""What `train` and `score` share: features, labels and detectors from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmax.checks import near_names

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch_geometric.data import Data

    from graphmax.graph import Graph

_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no"}


def column_names(values: str | None, features: str | None) -> list[str]:
    """Return the attributes that the user named, none if there are none."""
    if values is not None and features is not None:
        raise ValueError("`--values` must not be given beside --features, got both; choose one")
    if values is not None:
        return [values]
    return [name.strip() for name in (features or "").split(",") if name.strip()]


def features_of(graph: Graph, names: list[str], file: Path) -> NDArray[np.float64]:
    """Return node attributes as float64 (num_nodes, F), refusing what is missing or no number."""
    columns = [_numbers(graph, name, file) for name in names]
    return np.stack(columns, axis=1)


def _column(graph: Graph, name: str, file: Path) -> NDArray[Any]:
    if name not in graph.attributes:
        raise ValueError(
            f"`{name}` must be a node attribute of {file}; "
            + near_names(name, list(graph.attributes))
        )
    return graph.attributes[name]


def _numbers(graph: Graph, name: str, file: Path) -> NDArray[np.float64]:
    column = _column(graph, name, file)
    if column.dtype.kind not in "biuf" or column.ndim != 1:
        raise ValueError(f"`{name}` must hold numbers, got {column.dtype} in {file}")
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


def labelled(graph: Graph, names: list[str], labels: str, file: Path) -> Data:
    """Return PyG data with features, labels and the mask of nodes that have one."""
    import torch

    data = graph.replace(attributes={}).to_data()
    data.x = torch.from_numpy(features_of(graph, names, file))
    y, known = _flags(_column(graph, labels, file), labels, file)
    data.y, data.train_mask = torch.from_numpy(y), torch.from_numpy(known)
    return data


def _flags(
    column: NDArray[Any], name: str, file: Path
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Read labels: booleans, 0 and 1, or the words for them; a missing one is not known."""
    missing = np.ma.getmaskarray(column).copy()
    data = np.ma.getdata(column)
    if data.dtype.kind == "f":
        missing |= np.isnan(data)
    words = np.array([_word(item) for item in data.tolist()])
    yes, no = np.isin(words, list(_YES)), np.isin(words, list(_NO))
    odd = ~(yes | no | missing)
    if odd.any():
        raise ValueError(
            f"`{name}` must hold true or false (or 1 and 0), got {data[odd.argmax()]!r} in {file}"
        )
    return yes & ~missing, ~missing


def _word(item: Any) -> str:
    if isinstance(item, float) and item in (0.0, 1.0):
        return str(int(item))
    return str(item).strip().lower()


def device_of(name: str | None) -> str:
    """Return a device that is there."""
    import torch

    if name is None:
        return "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError):
        raise ValueError(f"`--device` must be there, got {name!r}; leave it out for cpu") from None
    return name
