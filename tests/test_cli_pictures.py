"""Names in pictures are plain text: a dollar sign starts no formula."""

import numpy as np
import pytest
from matplotlib.text import Text
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app
from graphmax.plotting import (
    plot_maxima,
    plot_merge_tree,
    plot_peaks,
    plot_persistence,
    plot_terrain,
)

BROKEN = r"$\frac{1$ and \$x^$"
GRAPH = gm.Graph.from_edges(
    [0, 1, 2], [1, 2, 3], labels=[BROKEN, "b", "$c$", r"$\d"], attributes={BROKEN: [3, 1, 2, 0]}
)


@pytest.fixture(scope="module")
def peaks():
    return gm.find_peaks(GRAPH, BROKEN)


def texts(figure):
    """Draw a figure, which fails on a formula that is none, and return its texts."""
    figure.draw_without_rendering()
    return {text.get_text() for text in figure.findobj(Text)}


def test_titles_labels_and_names(peaks):
    names = {BROKEN, "$c$"}
    assert names <= texts(plot_peaks(GRAPH, peaks, title=BROKEN))
    assert names <= texts(plot_maxima(GRAPH, BROKEN, peaks.mask, title=BROKEN))
    assert names <= texts(plot_merge_tree(peaks, title=BROKEN, quantity=BROKEN))
    assert BROKEN in texts(plot_persistence(peaks, title=BROKEN, quantity=BROKEN))
    heights = np.array([[1, 2, 1], [0, 0, 0], [3, 1, 2]])
    on_a_grid = gm.find_peaks(gm.grid_graph((3, 3)), heights.ravel())
    assert BROKEN in texts(plot_terrain(heights, on_a_grid, title=BROKEN, quantity=BROKEN))


def test_the_command_draws_them(tmp_path):
    gm.write_graph(GRAPH, tmp_path / "graph.npz")
    out = tmp_path / "peaks.png"
    words = ["peaks", str(tmp_path / "graph.npz"), "--values", BROKEN, "--plot", str(out)]
    for more in ([], ["--ties", "weak"]):
        done = CliRunner().invoke(app, words + more)
        assert done.exit_code == 0, done.stderr
        assert out.read_bytes().startswith(b"\x89PNG")
        out.unlink()
