"""The page without JavaScript: a picture of the graph and the first rows of the table."""

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphmax.page.drawn_part import DrawnPart
from graphmax.peaks import Peaks

ROWS = 50
_MOST_NODES, _MOST_EDGES = 1_500, 3_000
_SIDE = 1_000
HEADINGS = {
    "label": "peak",
    "value": "value",
    "prominence": "prominence",
    "isolation": "isolation",
    "nearest_higher": "nearest higher",
    "key_saddle": "key saddle",
    "key_saddle_value": "saddle value",
    "parent": "parent",
    "basin_size": "basin size",
    "plateau_size": "plateau size",
}


def picture(part: DrawnPart, peaks: Peaks) -> str:
    """Return an SVG of the drawn part: edges, nodes, and peaks by prominence."""
    xy = part.xy * (_SIDE / 10_000)
    high = float(xy[:, 1].max(initial=0))
    xy = np.stack([xy[:, 0] + 20, high - xy[:, 1] + 20], axis=1)
    title = f"Graph with {len(peaks)} peaks, larger where they are more prominent"
    size = f'viewBox="0 0 {_SIDE + 40} {high + 40:.0f}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">']
    parts.append(f"<title>{title}</title>")
    parts.append(_lines(part, xy))
    dots = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in xy[_spread(len(xy), _MOST_NODES)])
    parts.append(f'<path class="dots" d="{dots}"/>')
    parts += _circles(part, peaks, xy)
    return "".join(parts) + "</svg>"


def _lines(part: DrawnPart, xy: NDArray[Any]) -> str:
    """Return the edges as one path."""
    ends = part.edges[:, _spread(part.edges.shape[1], _MOST_EDGES)]
    lines = zip(xy[ends[0]], xy[ends[1]], strict=True)
    path = "".join(f"M{a[0]:.0f} {a[1]:.0f}L{b[0]:.0f} {b[1]:.0f}" for a, b in lines)
    return f'<path class="lines" d="{path}"/>'


def _circles(part: DrawnPart, peaks: Peaks, xy: NDArray[Any]) -> list[str]:
    """Return the most prominent peaks as circles with their ids."""
    place = {node: at for at, node in enumerate(part.nodes.tolist())}
    largest = float(np.max(peaks.prominence, initial=0, where=np.isfinite(peaks.prominence)))
    order = np.argsort(-peaks.prominence, kind="stable")[:200]
    circles = []
    for row in order[::-1].tolist():
        at = place.get(int(peaks.node[row]))
        if at is None:
            continue
        share = min(float(peaks.prominence[row]) / largest, 1.0) if largest > 0 else 0.0
        name = escape(str(peaks.label[row])[:60])
        x, y = xy[at]
        size = f'cx="{x:.0f}" cy="{y:.0f}" r="{4 + 10 * max(share, 0) ** 0.5:.1f}"'
        circles.append(f'<circle class="peak" {size}><title>{name}</title></circle>')
    return circles


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many indices, evenly spread."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def _headings(peaks: Peaks) -> dict[str, str]:
    """Return the columns of the table and what stands above them."""
    return HEADINGS if peaks.group is None else {**HEADINGS, "group": "group"}


def table_head(peaks: Peaks) -> str:
    """Return the head of the table, each heading a button that sorts by it."""
    cells = (
        f'<th scope="col" data-key="{key}"><button type="button">{heading}</button></th>'
        for key, heading in _headings(peaks).items()
    )
    return "<tr>" + "".join(cells) + "</tr>"


def table_rows(peaks: Peaks) -> str:
    """Return the first rows of the table."""
    columns = peaks[:ROWS].labelled()
    lines = zip(*(columns[name].tolist() for name in _headings(peaks)), strict=True)
    return "".join(
        "<tr>" + "".join(f"<td>{escape(_written(item))}</td>" for item in line) + "</tr>"
        for line in lines
    )


def _written(item: Any) -> str:
    """Write a cell: a dash for nothing, an infinity sign, short numbers."""
    if item is None:
        return "\N{EN DASH}"
    if isinstance(item, float) and item.is_integer() and abs(item) < 2**53:
        return str(int(item))
    if isinstance(item, float):
        return "\N{INFINITY}" if item == float("inf") else f"{item:.6g}"
    return str(item)[:200]
