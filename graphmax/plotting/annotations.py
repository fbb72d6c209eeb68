"""Names beside the nodes of a drawing that cover neither each other nor the marked nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


class Names:
    """Write names one after the other, each where it covers the fewest nodes, or nowhere."""

    def __init__(
        self,
        axes: Axes,
        xy: np.ndarray,
        marked: np.ndarray,
        diameter: float,
        *,
        inside: bool = False,
    ) -> None:
        self.axes, self.xy, self.diameter = axes, xy, diameter
        self.picture = axes.bbox if inside else axes.figure.bbox
        self.pixels = axes.transData.transform(xy)
        self.taken = [self.around(pixel) for pixel in self.pixels[marked]]

    def around(self, pixel: np.ndarray) -> Bbox:
        """Return the box of a marked node."""
        from matplotlib.transforms import Bbox

        half = self.diameter / 2 * self.axes.figure.dpi / 72
        return Bbox([pixel - half, pixel + half])

    def write(self, node: int, name: str) -> None:
        """Write a name beside a node, unless it would cover another name or a marked node."""
        text = self.axes.annotate(
            name, self.xy[node], (0, 0), textcoords="offset points", fontsize=7.5, zorder=5
        )
        text.set(in_layout=False, path_effects=_halo(), parse_math=False)
        free = [side for side in _SIDES if self.is_free(self.box(text, side))]
        if not free:
            text.remove()
            return
        best = min(free, key=lambda side: self.covered(self.box(text, side)))
        self.taken.append(self.box(text, best).padded(2 * self.axes.figure.dpi / 72))

    def box(self, text: Annotation, side: tuple[int, int]) -> Bbox:
        """Move a name to a side of its node and return the pixels it takes there."""
        right, up = side
        reach = (self.diameter / 2 + 2) * (1.0 if 0 in side else 0.7)
        text.set_position((right * reach, up * reach))
        text.set_horizontalalignment(("center", "left", "right")[right])
        text.set_verticalalignment(("center", "bottom", "top")[up])
        return text.get_window_extent()

    def is_free(self, box: Bbox) -> bool:
        """Report whether a box lies in the picture and covers nothing that is taken."""
        picture = self.picture
        inside = picture.x0 <= box.x0 and box.x1 <= picture.x1
        inside = inside and picture.y0 <= box.y0 and box.y1 <= picture.y1
        return inside and not any(box.overlaps(other) for other in self.taken)

    def covered(self, box: Bbox) -> int:
        """Count the nodes under a box."""
        low, high = np.array(box)
        return int(((self.pixels >= low) & (self.pixels <= high)).all(axis=1).sum())


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2, foreground="white", alpha=0.8)]
