"""Pictures of the definition, drawn from answers: ``python docs/site_parts/pictures.py``.

Plain SVG, so that the same code writes the same bytes; a test compares them with the files.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

import graphmax as gm

STEP, UNIT, LEFT = 56, 14, 110  # pixels of a step to the right, of a step up, and for names of rows
INK, PALE, MARK, LINE = "#333", "#cfd8e3", "#d62728", "#8a94a0"
TIES = ("strict", "weak", "plateau", "index")


def write_all(folder: Path) -> None:
    """Write every picture."""
    for name, draw in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw(), encoding="utf-8")


def tie_rules() -> str:
    """Ask one skyline under the four tie rules."""
    height = [1, 4, 1, 2, 2, 3, 1, 3, 3, 1]
    line = gm.grid_graph(len(height))
    return _rows(height, {t: gm.local_maxima(line, height, ties=t) for t in TIES})


def directions() -> str:
    """Ask one path of arrows in three directions."""
    height = [4, 3, 2, 5, 1]
    arrows = gm.Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 4], directed=True)
    return _rows(
        height,
        {
            "in": gm.local_maxima(arrows, height, direction="in"),
            "out": gm.local_maxima(arrows, height, direction="out"),
            "both": gm.local_maxima(arrows, height, direction="both"),
        },
        arrows=True,
    )


def absent() -> str:
    """Ask beside a missing value, that paths pass or that blocks them."""
    height = [2, 5, np.nan, 7, 3]
    line = gm.grid_graph(len(height))
    return _rows(
        height,
        {
            "pass": gm.local_maxima(line, height, 2, nan="omit", absent="pass"),
            "block": gm.local_maxima(line, height, 2, nan="omit", absent="block"),
        },
    )


def isolation() -> str:
    """Draw an arc from each node to its witness, with the distance."""
    height = [1, 3, 2, 0, 5]
    line = gm.grid_graph(len(height))
    distance, witness = gm.isolation(line, height)
    sky = Sky(height, gm.local_maxima(line, height), top=90)
    for v, u in enumerate(witness.tolist()):
        if u < 0:
            x, y = sky.place(v)
            sky.text(x + 14, y + 5, "infinite", "start")
            continue
        (x, y), (z, w) = sky.place(v, -9), sky.place(u, -9)
        bend = min(y, w) - 24 * abs(u - v)
        sky.path(f"M{x} {y} Q{(x + z) / 2:g} {bend} {z} {w}", dashed=True)
        sky.text((x + z) / 2, (bend + min(y, w)) / 2 - 6, f"{distance[v]:g}")
    return sky.svg()


def prominence() -> str:
    """Draw a line from each peak down to the level of its key saddle, or to the base."""
    height = [1, 9, 4, 6, 5, 7, 0]
    peaks = gm.find_peaks(gm.grid_graph(len(height)), height)
    sky = Sky(height, peaks.mask)
    for peak in peaks:
        x, y = sky.place(peak.node)
        low = y + UNIT * peak.prominence
        sky.path(f"M{x} {y} V{low:g}")
        if peak.key_saddle >= 0:
            sky.path(f"M{x} {low:g} H{sky.place(peak.key_saddle)[0]}", dashed=True)
        sky.text(x + 14, (y + low) / 2 + 4, f"{peak.prominence:g}")
    return sky.svg()


PICTURES: dict[str, Callable[[], str]] = {
    "ties": tie_rules,
    "directions": directions,
    "absent": absent,
    "isolation": isolation,
    "prominence": prominence,
}


class Sky:
    """A path of nodes drawn at their heights, maxima in red, and what is drawn over it."""

    def __init__(
        self, height: Sequence[float], mask: np.ndarray, *, top: int = 40, arrows: bool = False
    ) -> None:
        self.height, self.top = height, top
        self.ground = top + int(UNIT * np.nanmax(height))
        self.parts: list[str] = []
        places = [self.place(v) for v in range(len(height))]
        for (x, y), (z, w) in pairwise(places):
            end = ' marker-end="url(#arrow)"' if arrows else ""
            self.parts.append(f'<path d="M{x} {y} L{z} {w}" stroke="{LINE}"{end}/>')
        for v, (x, y) in enumerate(places):
            fill = MARK if mask[v] else "#fff" if np.isnan(height[v]) else PALE
            self.parts.append(f'<circle cx="{x}" cy="{y}" r="7" fill="{fill}" stroke="{INK}"/>')
            self.text(x, self.ground + 26, "?" if np.isnan(height[v]) else f"{height[v]:g}")

    def place(self, v: int, above: int = 0) -> tuple[int, int]:
        """Return where a node lies, or so much above it (negative: upwards)."""
        level = 0 if np.isnan(self.height[v]) else self.height[v]
        return LEFT + STEP * v, self.ground - int(UNIT * level) + above

    def text(self, x: float, y: float, text: str, anchor: str = "middle") -> None:
        """Write at a place."""
        self.parts.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>')

    def path(self, path: str, *, dashed: bool = False) -> None:
        """Draw a red line."""
        dashes = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<path d="{path}" fill="none" stroke="{MARK}"{dashes}/>')

    def svg(self, below: int = 0) -> str:
        """Return the picture, with room below."""
        width, tall = LEFT + STEP * len(self.height) + 30, self.ground + 40 + below
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall}" '
            f'width="{width}" height="{tall}" font-family="sans-serif" font-size="14">'
        )
        arrow = (
            '<defs><marker id="arrow" viewBox="0 0 10 10" refX="19" refY="5" markerWidth="8" '
            f'markerHeight="8" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{LINE}"/>'
            "</marker></defs>"
        )
        ground = '<rect width="100%" height="100%" fill="#fff"/>'
        return "\n".join([head, arrow, ground, *self.parts, "</svg>", ""])


def _rows(height: Sequence[float], rows: Mapping[str, np.ndarray], *, arrows: bool = False) -> str:
    """Draw the skyline once, and below it a row of dots per answer."""
    nobody = np.zeros(len(height), bool)
    sky = Sky(height, nobody, arrows=arrows)
    for number, (name, mask) in enumerate(rows.items()):
        y = sky.ground + 56 + 26 * number
        sky.text(LEFT - 24, y + 5, name, "end")
        for v, yes in enumerate(mask.tolist()):
            fill, radius = (MARK, 7) if yes else (PALE, 3)
            x = sky.place(v)[0]
            sky.parts.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}"/>')
    return sky.svg(26 * len(rows))


if __name__ == "__main__":
    write_all(Path(__file__).parents[1] / "pictures")
