"""Pictures of probabilities and of the checks of a model."""

import numpy as np
import pytest

import graphmax as gm
from graphmax.generators import gaussian_field
from graphmax.plotting import plot_calibration, plot_probability


def answered(graph):
    rng = np.random.default_rng(0)
    field = gaussian_field(graph, 0.5, 2, generator=rng)
    return gm.peak_probability(
        graph, field / field.std() + 0.5 * rng.normal(size=field.size), noise=0.5, samples=20
    )


def test_a_grid_is_an_image_of_its_probabilities(tmp_path):
    answer = answered(gm.grid_graph((8, 9)))
    figure = plot_probability(answer, path=tmp_path / "p.png")
    (image,) = figure.axes[0].images
    np.testing.assert_array_equal(image.get_array(), answer.probability.reshape(8, 9))
    assert figure.axes[0].get_title() == f"{answer.expected_number:.4g} peaks expected"
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_other_graphs_are_nodes_with_the_likeliest_on_top():
    points = np.random.default_rng(0).uniform(size=(50, 2))
    answer = answered(gm.delaunay_graph(points))
    figure = plot_probability(answer, positions=points, title="mine")
    nodes = figure.axes[0].collections[-1]
    np.testing.assert_array_equal(nodes.get_array(), np.sort(answer.probability))
    assert nodes.get_clim() == (0, 1)
    assert figure.axes[0].get_title() == "mine"


def test_calibration_shows_every_node_and_the_coverage():
    answer = answered(gm.grid_graph((8, 9)))
    for given in (answer, answer.checks):
        figure = plot_calibration(given)
        heights = [patch.get_height() for patch in figure.axes[0].patches[1:]]
        assert sum(heights) == 72
        line = figure.axes[1].lines[1]
        assert line.get_ydata()[9] == answer.checks.coverage(line.get_xdata()[9])


@pytest.mark.parametrize("plot", [plot_probability, plot_calibration])
def test_another_ending_is_refused(plot):
    with pytest.raises(ValueError, match=r"`path` must end in one of"):
        plot(answered(gm.grid_graph((5, 5))), path="picture.gif")
