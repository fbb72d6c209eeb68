"""Live agreement with the libraries that ask the same question of images and of sequences."""

import numpy as np
import pytest
import skimage.data
import skimage.morphology
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from scipy.ndimage import maximum_filter
from scipy.signal import find_peaks

import graphmax as gm

pytestmark = pytest.mark.usefixtures("one_thread")
# The images that scikit-image carries with it; the others it would download.
GRAY = ("brick", "camera", "cell", "clock", "coins", "grass", "gravel", "moon", "page", "text")
COLORED = ("astronaut", "cat", "coffee", "rocket")


def images():
    """Name every gray image, and one channel of every colored one."""
    yield from ((name, getattr(skimage.data, name)()) for name in GRAY)
    yield from ((name, getattr(skimage.data, name)()[:, :, 1]) for name in COLORED)
    yield "phantom", skimage.data.shepp_logan_phantom()


IMAGES = dict(images())


def plateaus(image, neighbors, **fields):
    graph = gm.grid_graph(image.shape, neighbors)
    mask = gm.local_maxima(graph, image.ravel(), ties="plateau", **fields)
    return mask.reshape(image.shape)


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
@pytest.mark.parametrize(("neighbors", "connectivity"), [(4, 1), (8, 2)])
def test_plateaus_of_a_shipped_image_are_those_of_skimage(image, neighbors, connectivity):
    expected = skimage.morphology.local_maxima(image, connectivity=connectivity)
    assert expected.any()
    assert_array_equal(plateaus(image, neighbors), expected)


@pytest.mark.parametrize("name", ["coins", "camera", "phantom"])
def test_minima_of_a_shipped_image_are_those_of_skimage(name):
    expected = skimage.morphology.local_minima(IMAGES[name])
    assert_array_equal(plateaus(IMAGES[name], 8, extremum="min"), expected)


@pytest.mark.parametrize("name", ["coins", "moon"])
@pytest.mark.parametrize("hops", [1, 3])
def test_a_window_of_pixels_is_a_ball_of_the_grid(name, hops):
    """Weak maxima are what equals its own dilation: the filter of SciPy, window for window."""
    image = IMAGES[name]
    mask = gm.local_maxima(gm.grid_graph(image.shape), image.ravel(), hops, ties="weak")
    expected = image == maximum_filter(image, size=2 * hops + 1)
    assert_array_equal(mask.reshape(image.shape), expected)


@pytest.mark.parametrize(
    ("dimensions", "neighbors", "connectivity"),
    [(2, 4, 1), (2, 8, 2), (3, 6, 1), (3, 18, 2), (3, 26, 3)],
)
@given(st.data())
def test_plateaus_of_any_image_are_those_of_skimage(dimensions, neighbors, connectivity, data):
    shape = data.draw(hnp.array_shapes(min_dims=dimensions, max_dims=dimensions, max_side=5))
    image = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 3)))
    assume(image.min() < image.max())  # a constant image: skimage returns nothing, we all of it
    expected = skimage.morphology.local_maxima(image, connectivity=connectivity)
    assert_array_equal(plateaus(image, neighbors), expected)


@given(hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 4)))
def test_plateaus_of_a_path_are_those_of_scipy(values):
    """SciPy leaves out plateaus at the ends: lower ground around the path brings them back."""
    size = len(values)
    graph = gm.Graph.from_edges(range(size - 1), range(1, size), size)
    _, found = find_peaks(np.pad(values, 1, constant_values=-1), plateau_size=1)
    expected = np.zeros(size, dtype=bool)
    for left, right in zip(found["left_edges"], found["right_edges"], strict=True):
        expected[left - 1 : right] = True
    assert_array_equal(gm.local_maxima(graph, values, ties="plateau"), expected)
