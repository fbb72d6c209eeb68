"""Peaks of arrays: the table of the grid graph, with coordinates, and the h-maxima of others."""

import numpy as np
import pytest
import scipy.signal
import skimage.data
import skimage.morphology
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

import graphmax as gm
from graphmax import images


@pytest.fixture(autouse=True)
def quick(one_thread):
    """Spend no time on waking threads."""


def test_a_known_image():
    image = np.array([[0, 9, 0, 0], [0, 0, 0, 5], [7, 6, 0, 6]])
    peaks = images.find_peaks(image)
    assert_array_equal(peaks.coordinates, [[0, 1], [2, 0], [2, 3]])
    assert_array_equal(peaks.prominence, [9, 7, 6])
    assert_array_equal(peaks.isolation, [np.inf, 2, 2])
    assert list(peaks.to_pandas().columns[:4]) == ["node", "label", "row", "column"]
    assert peaks.graph.shape == (3, 4)


textures = hnp.arrays(
    np.int64,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6),
    elements=st.integers(0, 5),
)


@given(image=textures, height=st.integers(1, 5), low=st.integers(-3, 0))
@settings(max_examples=60)
def test_peaks_of_an_image_are_those_of_its_graph(image, height, low):
    options = {"min_prominence": height, "base": low}
    found = images.find_peaks(image, volume=True, **options)
    expected = gm.find_peaks(gm.grid_graph(image.shape), image.ravel(), **options)
    for name in ("node", "prominence", "isolation", "parent"):
        assert_array_equal(getattr(found, name), getattr(expected, name))
    assert_array_equal(np.ravel_multi_index(found.coordinates.T, image.shape), found.node)
    assert (image[tuple(found.coordinates.T)] == found.value).all()


@pytest.mark.parametrize("height", [5, 20])
@pytest.mark.parametrize("name", ["coins", "moon"])
def test_thresholds_on_prominence_are_the_h_maxima_of_skimage(name, height):
    """Every h-maximum of scikit-image lies on a peak of that prominence; none is missing.

    Of peaks of one height in one region scikit-image marks all, the elder rule lets one stand.
    """
    image = getattr(skimage.data, name)()[:120, :120]
    peaks = images.find_peaks(image, min_prominence=height)
    marked = skimage.morphology.h_maxima(image, height)
    mask = peaks.mask.reshape(image.shape)
    assert len(peaks) > 1
    assert not (mask & (marked == 0)).any()
    regions = skimage.morphology.label(marked)
    heights = {image[regions == number].max() for number in range(1, regions.max() + 1)}
    assert heights == set(peaks.value.tolist())


def test_prominence_of_a_signal_is_that_of_scipy():
    signal = np.random.default_rng(0).random(400)
    peaks = images.find_peaks(signal)
    theirs, _ = scipy.signal.find_peaks(signal)
    prominences, _, _ = scipy.signal.peak_prominences(signal, theirs)
    # where one side has nothing higher SciPy counts its lowest sample as a saddle, the definition
    # does not
    between = np.array(
        [max(signal[:v], default=0) > signal[v] < max(signal[v + 1 :], default=0)
         for v in peaks.node]
    )  # fmt: skip
    both = np.searchsorted(theirs, peaks.node[between])
    assert between.sum() > 100
    assert_allclose(peaks.prominence[between], prominences[both], rtol=1e-14)


def test_masks_regions_lengths_and_borders():
    image = np.ma.MaskedArray(np.arange(12.0).reshape(3, 4), np.zeros((3, 4), bool))
    image[2, 3] = np.ma.masked
    assert_array_equal(images.find_peaks(image).coordinates, [[2, 2]])
    inside = np.ones((3, 4), bool)
    inside[2] = False
    assert_array_equal(images.find_peaks(image, where=inside).coordinates, [[1, 3]])
    regions = np.array([[0] * 4, [1] * 4, [1] * 4])
    assert_array_equal(images.find_peaks(image, groups=regions).coordinates, [[2, 2], [0, 3]])
    ramp = torch.tensor([[5.0, 1.0, 1.0, 4.0]])
    assert len(images.find_peaks(ramp)) == 2
    assert_array_equal(images.find_peaks(ramp, periodic=(False, True)).coordinates, [[0, 0]])
    wide = images.find_peaks(ramp, radius=3.0, spacing=(1.0, 1.5))
    assert_array_equal(wide.coordinates, [[0, 0], [0, 3]])
    assert len(images.find_peaks(ramp, radius=4.5, spacing=(1.0, 1.5))) == 1
    with pytest.raises(ValueError, match=r"`groups` must have the shape of the image \(3, 4\)"):
        images.find_peaks(image, groups=[0, 1, 2])
    with pytest.raises(ValueError, match="axis 2 looks like 3 color channels"):
        images.find_peaks(np.zeros((20, 20, 3)))
