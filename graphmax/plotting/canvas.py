"""What all pictures share: colors, a page, a file to end in, and names that cover nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.layout import coordinates, spring_layout
from graphmax.values import Attribute, read_attribute

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from graphmax.graph import Graph


# Okabe and Ito's palette, distinguishable with every kind of color vision.
VERMILION = "#D55E00"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442", VERMILION)
INK = "#1A1A1A"
EDGE = "#B8BDC4"
ARROW = "#80868F"
OUTLINE = "#5B6470"

_FORMATS = (".png", ".pdf", ".svg")


def new_axes(width: float, height: float) -> Axes:
    """Return the axes of a new page, in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=200, layout="constrained")
    return figure.add_subplot()


def axes_for(xy: np.ndarray) -> Axes:
    """Return the axes of a new page of the shape of a drawing."""
    wide, high = np.ptp(xy, axis=0) if len(xy) else (1.0, 1.0)
    return new_axes(7.2, float(np.clip(7.2 * high / max(wide, 1e-9), 3.0, 7.2)))


def figure_of(axes: Axes) -> Figure:
    """Return the whole figure that axes are on."""
    return cast("Figure", axes.get_figure(root=True))


def plain_frame(axes: Axes, title: str | None) -> None:
    """Leave two spines, in quiet colors, and write the title."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(OUTLINE)
    axes.tick_params(colors=OUTLINE, labelsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(color=INK, fontsize=9, parse_math=False)  # names are no formulas
        axis.set_major_formatter(lambda number, _: spoken(number))
    if title is not None:
        axes.set_title(title, color=INK, fontsize=10, parse_math=False)


def spoken(number: float) -> str:
    """Write a number as people do: 21,140,000 and 0.25."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def settle(axes: Axes) -> None:
    """Fix the layout, so that names can be placed by their pixels."""
    figure = figure_of(axes)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # a later pass would move nodes from under names


def draw_lines(axes: Axes, graph: Graph, xy: np.ndarray) -> None:
    """Draw the edges of a graph as straight lines."""
    from matplotlib.collections import LineCollection

    src, dst = graph.edges()
    segments: Any = np.stack([xy[src], xy[dst]], axis=1)
    lines = LineCollection(segments)
    lines.set(color=EDGE, linewidth=0.8 if len(src) < 2_000 else 0.3, zorder=1)
    lines.set_rasterized(len(src) > 20_000)
    axes.add_collection(lines)


def save(figure: Figure, path: Path | None) -> Figure:
    """Write a figure, if a path is given: complete or not at all."""
    if path is not None:
        write_atomically(path, lambda file: figure.savefig(file, format=path.suffix[1:].lower()))
    return figure


def picture_path(path: str | Path | None) -> Path | None:
    """Return the path of a picture, refusing an ending that is no picture's."""
    if path is None:
        return None
    if Path(path).suffix.lower() not in _FORMATS:
        raise ValueError(f"`path` must end in one of {', '.join(_FORMATS)}, got {str(path)!r}")
    return Path(path)


def positions_of(graph: Graph, positions: Any, seed: int) -> np.ndarray:
    """Return where the nodes lie: as given, as the node attributes say, or laid out by springs."""
    if positions is not None:
        return fitting(positions, "positions", (graph.num_nodes, 2)).astype(float)
    found = coordinates(graph)
    return spring_layout(graph, seed) if found is None else found


def fitting(array: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array, refusing another shape."""
    attribute = read_attribute(array, name)
    if attribute.array.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape}, got {attribute.array.shape}")
    return masked(attribute)


def masked(attribute: Attribute) -> np.ndarray:
    """Return the array of an attribute, masked where nodes lack it."""
    if attribute.missing is None:
        return attribute.array
    return np.ma.MaskedArray(attribute.array, attribute.missing)


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
