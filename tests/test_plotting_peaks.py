"""The pictures of peaks: what is on them, and what they refuse."""

import networkx as nx
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import rgb2lab

from graphmax.graph import Graph
from graphmax.peaks import find_peaks, merge_tree
from graphmax.plotting import plot_merge_tree, plot_peaks, plot_persistence, plot_terrain
from graphmax.plotting.curves import PALETTE, spoken
from graphmax.plotting.graph_pictures import basin_colors
from graphmax.spatial import grid_graph

PATH = Graph.from_edges(range(5), range(1, 6), labels=list("abcdef"))
PEAKS = find_peaks(PATH, [1, 9, 4, 6, 5, 7])
NONE = find_peaks(PATH, [1] * 6, ties="strict")
HEIGHTS = np.array([[1, 2, 1, 5], [0, -1, 0, 0], [3, 1, 2, np.nan]])
SUMMITS = find_peaks(grid_graph(HEIGHTS.shape, 4), HEIGHTS.ravel())


def draw_all(peaks, **options):
    """Every picture of a table on the path."""
    return [
        plot_peaks(PATH, peaks, **options),
        plot_persistence(peaks, **options),
        plot_merge_tree(peaks, **options),
    ]


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.axes[0].texts}


def marks(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(marks.get_offsets()) for marks in figure.axes[0].collections]


def test_peaks_have_names_and_lie_on_top_of_their_nodes():
    positions = np.arange(12).reshape(6, 2)
    figure = plot_peaks(PATH, PEAKS, positions=positions, title="heights")
    assert texts(figure) == {"b", "d", "f"}
    assert figure.axes[0].get_title() == "heights"
    nodes, peaks = marks(figure)[1:]
    assert_array_equal(nodes, positions)
    assert_array_equal(peaks, positions[PEAKS.nodes[::-1]])


def test_the_area_of_a_mark_grows_with_the_prominence():
    sizes = plot_peaks(PATH, PEAKS).axes[0].collections[2].get_sizes()
    assert (np.diff(sizes) > 0).all()
    shares = (sizes - 5.0**2) / (17.0**2 - 5.0**2)
    assert_allclose(shares, PEAKS.prominence[::-1] / 8)


# Vienot, Brettel and Mollon (1999): what eyes without one kind of cone make of cone responses.
CONES = np.array(
    [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
)
EYES = {
    "all cones": np.eye(3),
    "no red cones": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "no green cones": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
}
# in CIE Lab, where a difference of 2.3 can just be seen
APART = {"all cones": 25.0, "no red cones": 15.0, "no green cones": 15.0}


def seen_by(eye, rgb):
    """CIE Lab of colors as an eye sees them."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = (linear @ (np.linalg.inv(CONES) @ EYES[eye] @ CONES).T).clip(0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("eye", EYES)
def test_basins_that_touch_are_told_apart_by_every_eye(eye):
    grid = grid_graph((40, 40), 4)
    peaks = find_peaks(grid, np.random.default_rng(0).random(1600))
    colors = basin_colors(grid, peaks)[:, :3]
    src, dst = grid.edges()
    crossing = peaks.basins[src] != peaks.basins[dst]
    lab = seen_by(eye, colors)
    difference = np.linalg.norm(lab[src] - lab[dst], axis=1)
    assert crossing.sum() > 500
    assert difference[crossing].min() > APART[eye]
    assert difference[~crossing].max() == 0


@pytest.mark.parametrize("eye", EYES)
def test_any_two_colors_are_told_apart_by_every_eye(eye):
    lab = seen_by(eye, np.array([to_rgb(color) for color in PALETTE]))
    apart = np.linalg.norm(lab[:, None] - lab, axis=2)[~np.eye(len(PALETTE), dtype=bool)]
    assert len(PALETTE) == 7  # seven suffice for any map, whatever the order of the basins
    assert apart.min() > APART[eye]


def test_nodes_in_no_basin_are_white():
    colors = basin_colors(PATH, find_peaks(PATH, [1, np.nan, 4, 6, 5, 7]))
    assert_array_equal(colors[1], [1, 1, 1, 1])
    assert_array_equal(basin_colors(PATH, NONE), np.ones((6, 4)))


def test_persistence_shows_the_chosen_threshold():
    figure = plot_persistence(PEAKS, threshold=2, quantity="height")
    line = figure.axes[0].lines[1]
    assert_allclose(line.get_xdata() - line.get_ydata(), 2)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend[0] == "prominence of at least 2: 2 peaks"
    assert legend[2] == "less: 1 peaks"
    assert texts(figure) == {"b", "f"}
    drawn = np.concatenate(marks(figure))
    assert sorted(map(tuple, drawn.tolist())) == [(6, 5), (7, 4), (9, 1)]
    assert figure.axes[0].get_xlabel() == "height of the peak"


def test_persistence_of_minima_lies_above_the_diagonal():
    depths = find_peaks(PATH, [9, 1, 6, 4, 5, 3], extremum="min")
    figure = plot_persistence(depths, threshold=1)
    line = figure.axes[0].lines[1]
    assert_allclose(line.get_ydata() - line.get_xdata(), 1)


def test_the_merge_tree_joins_each_peak_to_its_parent_at_its_saddle():
    figure = plot_merge_tree(PEAKS)
    assert texts(figure) == {"b", "f", "d"}
    upright, *level = figure.axes[0].collections[:3]
    ends = [segment[:, 1].tolist() for segment in upright.get_segments()]
    assert ends == [[1, 9], [4, 7], [5, 6]]
    assert [part.get_segments()[0].tolist() for part in level] == [
        [[0, 4], [1, 4]],
        [[1, 5], [2, 5]],
    ]


def test_a_merge_tree_is_drawn_as_the_table_of_its_peaks():
    figure = plot_merge_tree(merge_tree(PATH, [1, 9, 4, 6, 5, 7]))
    drawn, expected = figure.axes[0].collections, plot_merge_tree(PEAKS).axes[0].collections
    assert len(drawn) == len(expected)
    for ours, theirs in zip(drawn, expected, strict=True):
        np.testing.assert_array_equal(ours.get_offsets(), theirs.get_offsets())


def test_no_line_of_a_merge_tree_crosses_another():
    graph = nx.grid_2d_graph(20, 20)
    peaks = find_peaks(graph, np.random.default_rng(1).permutation(400))
    figure = plot_merge_tree(peaks, num_peaks=30)
    upright, *level = [
        part.get_segments() for part in figure.axes[0].collections if hasattr(part, "get_segments")
    ]
    assert len(upright) == 30
    for (line,) in level:
        (left, height), (right, _) = line
        assert left < right
        between = [up for up in upright if left < up[0, 0] < right]
        assert all(up[:, 1].min() >= height for up in between)


def test_a_terrain_ties_summits_to_their_parents():
    figure = plot_terrain(HEIGHTS, SUMMITS, sea_level=-0.5, x=[0, 1, 2, 3], y=[10, 20, 30])
    axes = figure.axes[0]
    assert len(axes.lines) == (SUMMITS.parent >= 0).sum()
    assert_array_equal(marks(figure)[0], [[3, 10], [0, 30], [1, 10], [2, 30]])
    assert axes.get_ylim() == (5, 35)
    assert {"5", "3"} <= texts(figure)


def test_a_terrain_counts_rows_downwards():
    figure = plot_terrain(HEIGHTS, SUMMITS, names=False)
    assert figure.axes[0].get_ylim() == (2.5, -0.5)
    assert figure.axes[0].get_xlabel() == "column"
    assert texts(figure) == set()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_flat_and_narrow_terrains(shape):
    heights = np.zeros(shape)
    peaks = find_peaks(grid_graph(shape, 4), heights.ravel())
    plot_terrain(heights, peaks).canvas.draw()
    plot_terrain(np.full(shape, np.nan), peaks[:0], sea_level=0).canvas.draw()


def test_an_empty_table_is_an_empty_picture():
    for figure in draw_all(NONE):
        figure.canvas.draw()
        assert texts(figure) == set()
    plot_terrain(HEIGHTS, SUMMITS[:0]).canvas.draw()


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float16", "datetime64[s]", "timedelta64[D]"])
def test_every_comparable_dtype(dtype):
    for figure in draw_all(find_peaks(PATH, np.array([0, 1, 0, 1, 0, 1]).astype(dtype))):
        figure.canvas.draw()
        assert texts(figure)


def test_infinities_are_drawn_at_the_rim():
    for figure in draw_all(find_peaks(PATH, [np.inf, 0, 1, -np.inf, 5, 2])):
        figure.canvas.draw()


def test_pictures_are_written(tmp_path):
    for number, suffix in enumerate(["png", "pdf", "svg"]):
        draw_all(PEAKS, path=tmp_path / f"{number}.{suffix}")
    plot_terrain(HEIGHTS, SUMMITS, path=tmp_path / "terrain.png")
    assert len(list(tmp_path.iterdir())) == 4


def test_axes_of_the_caller():
    for plot in (plot_persistence, plot_merge_tree):
        figure = Figure()
        assert plot(PEAKS, axes=figure.add_subplot()) is figure
    figure = Figure()
    assert plot_peaks(PATH, PEAKS, axes=figure.add_subplot()) is figure
    assert figure.legends == []
    assert plot_terrain(HEIGHTS, SUMMITS, axes=Figure().add_subplot()).axes


def test_numbers_are_written_as_people_write_them():
    assert [spoken(number) for number in (21140000, 0.25, -3.0, 1000.0)] == [
        "21,140,000", "0.25", "-3", "1,000",
    ]  # fmt: skip


REFUSALS = [
    (lambda: plot_peaks(nx.path_graph(5), PEAKS), r"`peaks` must be of this graph, .* 6 nodes"),
    (lambda: plot_peaks(PATH, PEAKS, path="x.doc"), r"`path` must end in one of"),
    (lambda: plot_peaks(PATH, PEAKS, positions=[1]), r"`positions` must have shape \(6, 2\)"),
    (lambda: plot_persistence(PEAKS, threshold=-1), r"`threshold` must be at least 0, got -1"),
    (lambda: plot_persistence(PEAKS, threshold=np.nan), r"`threshold` must be a number, got NaN"),
    (lambda: plot_persistence(PEAKS, path="x"), r"`path` must end in one of"),
    (lambda: plot_merge_tree(PEAKS, num_peaks=0), r"`num_peaks` must be at least 1, got 0"),
    (lambda: plot_terrain([1, 2], SUMMITS), r"`heights` must have shape \(rows, columns\)"),
    (lambda: plot_terrain([[1, 2]], SUMMITS), r"`peaks` must be of these heights, .* 12 nodes"),
    (lambda: plot_terrain(HEIGHTS, SUMMITS, x=[1]), r"`x` must have shape \(4,\), got \(1,\)"),
]


@pytest.mark.parametrize(("draw", "message"), REFUSALS)
def test_refusals(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
