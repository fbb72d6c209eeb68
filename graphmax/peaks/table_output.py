"""The table of peaks as text, in a notebook, and as GeoJSON."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from graphmax.peaks.table import Peaks


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


def feature_collection(peaks: "Peaks") -> dict[str, Any]:
    """Return a FeatureCollection (RFC 7946), refusing what is not longitude and latitude."""
    places = _longitude_latitude(peaks)
    columns = {name: _plain(column) for name, column in peaks.labelled().items()}
    names = [name for name in columns if name not in ("x", "y", "z")]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": place},
                "properties": {name: columns[name][row] for name in names},
            }
            for row, place in enumerate(places.tolist())
        ],
    }


def _longitude_latitude(peaks: "Peaks") -> NDArray[np.float64]:
    graph = peaks.graph
    if graph.positions is None or graph.positions.shape[1] not in (2, 3):
        raise ValueError(
            "`graph` must have positions (longitude, latitude) to be written as GeoJSON; "
            "pass graph.replace(positions=...) to find_peaks"
        )
    places = graph.positions[peaks.nodes]
    outside = (np.abs(places[:, 0]) > 180) | (np.abs(places[:, 1]) > 90)
    if outside.any():
        x, y = places[outside.argmax(), :2]
        raise ValueError(
            "`positions` must be longitude and latitude in degrees to be written as GeoJSON, got "
            f"({x:g}, {y:g}); GeoJSON knows no other coordinates: transform them first"
        )
    return places


def _plain(column: NDArray[Any]) -> list[Any]:
    """Return what JSON can hold: None for no node, infinities and masked entries."""
    if column.dtype.kind in "mM":
        column = column.astype(str)
    return [_finite(item) for item in column.tolist()]


def _finite(item: Any) -> Any:
    return None if isinstance(item, float) and not math.isfinite(item) else item
