import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphmax.plotting import plot_pixels, plot_receptive_field


def test_a_map_for_every_output_pixel_counts_what_it_sees():
    seen = np.zeros((2, 3, 2, 3), bool)
    seen[0, 0] = True
    seen[1, 2, 1, 1:] = True
    figure = plot_receptive_field(seen, title="what each output sees")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["sees 6 of 6", *["sees 0 of 6"] * 4, "sees 2 of 6"]
    drawn = figure.axes[5].collections[0].get_array()
    assert_array_equal(drawn, seen[1, 2])
    frame = figure.axes[5].patches[0]
    assert (frame.get_x(), frame.get_y()) == (2, 1)


def test_a_picture_is_written(tmp_path):
    path = tmp_path / "seen.png"
    plot_receptive_field(np.ones((1, 1, 3, 3), bool), path=path, title="one output " * 9)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_pixels_are_marked_where_the_mask_says():
    image = np.arange(12).reshape(3, 4)
    figure = plot_pixels(image, {"high": image > 9, "low": image < 1}, title="a ramp")
    assert [axes.get_title() for axes in figure.axes] == ["high", "low"]
    marks = figure.axes[0].collections[0].get_offsets()
    assert_array_equal(marks, [[2, 2], [3, 2]])


def test_refused_pictures():
    with pytest.raises(ValueError, match=r"`seen` must have shape \(h, w, H, W\)"):
        plot_receptive_field(np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="at most 64 output pixels"):
        plot_receptive_field(np.ones((9, 9, 9, 9), bool))
    with pytest.raises(ValueError, match="`masks` must be at least one"):
        plot_pixels(np.eye(3), {})
    with pytest.raises(ValueError, match=r"`masks` must have the shape of the image \(3, 3\)"):
        plot_pixels(np.eye(3), {"wrong": np.eye(4) > 0})
    with pytest.raises(ValueError, match="`path` must end in one of"):
        plot_pixels(np.eye(3), {"all": np.eye(3) > 0}, path="picture.gif")
