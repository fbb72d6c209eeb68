"""How the head of a table looks as text and in a notebook."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 10


def scalars(column: NDArray[Any]) -> list[Any]:
    """Return the entries as Python's own, times as NumPy's."""
    return list(column) if column.dtype.kind in "mM" else column.tolist()


def cells(columns: Mapping[str, NDArray[Any]], *, more: bool) -> dict[str, list[str]]:
    """Return the entries of every column as text, and dots where there are more."""
    dots = ["..."] * more
    return {
        name: [_text(item) for item in column[:MOST_ROWS]] + dots
        for name, column in columns.items()
    }


def _text(item: Any) -> str:
    return f"{item:.6g}" if isinstance(item, np.floating) else str(item)


def aligned(columns: Mapping[str, list[str]]) -> list[str]:
    """Return lines with every column to the right."""
    wide = {name: max(len(name), *map(len, column)) for name, column in columns.items()}
    rows = zip(*([name, *column] for name, column in columns.items()), strict=True)
    return [
        " ".join(cell.rjust(width) for cell, width in zip(row, wide.values(), strict=True))
        for row in rows
    ]
