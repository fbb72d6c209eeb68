"""Peaks of a 4096 x 4096 image against scikit-image, in one run.

    pytest tests/benchmarks/test_bench_pixels.py --benchmark-only -s

Each benchmark times us with pytest-benchmark, the peer in turn with us, checks that the answers are
the same, and prints the median of the ratios; absolute times mean nothing on another machine.
"""

import gc
import time
from functools import partial
from statistics import median

import numpy as np
import pytest
import skimage.data
from numpy.testing import assert_array_equal
from skimage.morphology import local_maxima

from graphmax.images import peak_pixels

SIDE = 4096
FLOORS = {"strict": 8, "plateau": 1.5}


def noise(dtype):
    """Draw an image without ties (floats), or with many."""
    values = np.random.default_rng(0).random((SIDE, SIDE))
    return (255 * values).astype(dtype) if dtype == "uint8" else values.astype(dtype)


def tiled():
    """Lay the photographs `camera` and `brick` side by side until the image is full."""
    row = np.hstack([skimage.data.camera(), skimage.data.brick()])
    return np.tile(row, (SIDE // row.shape[0], SIDE // row.shape[1]))


IMAGES = {
    "float64 noise": partial(noise, "float64"),
    "float32 noise": partial(noise, "float32"),
    "uint8 noise": partial(noise, "uint8"),
    "uint8 photographs": tiled,
}


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def median_ratio(ours, theirs, rounds=9):
    """Median of theirs / ours over rounds in which each runs right after the other."""
    gc.disable()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    gc.enable()
    return median(peer / own for own, peer in pairs)


@pytest.mark.parametrize("ties", FLOORS)
@pytest.mark.parametrize("name", IMAGES)
def test_peak_pixels(benchmark, name, ties):
    image = IMAGES[name]()
    ours, theirs = partial(peak_pixels, image, ties=ties), partial(local_maxima, image)
    expected = theirs()
    if ties == "plateau":
        assert_array_equal(ours(), expected)
    else:  # a strict maximum is a plateau of one pixel
        found = ours()
        assert not (found & ~expected).any()
        assert_array_equal(found, expected & peak_pixels(image, ties="index") & ~tied(image))
    benchmark(ours)
    ratio = median_ratio(ours, theirs)
    benchmark.extra_info["ratio"] = ratio
    print(f"\n{name}, {ties}: {ratio:.1f} times as fast (floor {FLOORS[ties]})")


def tied(image):
    """Return the pixels that equal one of their eight neighbors."""
    found = np.zeros(image.shape, bool)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        left, right = slice(0, -dx or None), slice(dx, None)
        if dx < 0:
            left, right = slice(-dx, None), slice(0, dx)
        rows = slice(0, -dy or None), slice(dy, None)
        same = image[rows[0], left] == image[rows[1], right]
        found[rows[0], left] |= same
        found[rows[1], right] |= same
    return found
