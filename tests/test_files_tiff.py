"""TIFF: masks, nodata, alpha and places on a map; every kind of number as it is stored."""

import numpy as np
import pytest
from tiff_writer import COPY, COPY_OF_MASK, MAP, MASK, tiff

from graphmax import GraphFileError, read_graph

PIXELS = np.arange(6).reshape(2, 3)
PRESENT = (PIXELS != 1).astype(np.uint8) * 255
NODATA = {42113: (2, "5")}


@pytest.fixture
def read(tmp_path):
    def ask(*pages, **how):
        (tmp_path / "g.tif").write_bytes(tiff(*pages, **how))
        return read_graph(tmp_path / "g.tif")

    return ask


def values(graph, name="value"):
    return graph.attributes[name].tolist()


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4"])
def test_numbers_of_every_kind_are_as_stored(read, dtype, order, big):
    pixels = PIXELS.astype(dtype)
    if dtype[0] != "f":
        pixels[0, 0], pixels[1, 2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    graph = read((pixels, MAP), order=order, big=big)
    assert values(graph) == pixels.ravel().tolist()
    assert graph.positions[0].tolist() == [505, 895]
    assert graph.source.remarks == ()


@pytest.mark.parametrize("dtype", ["f8", "u8", "i8"])
def test_numbers_of_64_bits_are_refused_with_the_way_out(read, dtype):
    with pytest.raises(
        GraphFileError, match=r"of up to 32 bits.*1 band of \w+64.*save each band as .npy"
    ):
        read((PIXELS.astype(dtype), {}))
    with pytest.raises(GraphFileError, match="3 bands of float32"):
        read((np.stack([PIXELS] * 3, -1).astype("f4"), {}))


@pytest.mark.parametrize("mask_tags", [MASK, {**MASK, 262: (3, (4,))}, {262: (3, (4,))}])
@pytest.mark.parametrize("on", [255, 1])
def test_a_mask_page_nodata_and_places_hold_together(read, mask_tags, on):
    """GDAL writes mask pages of photometric kind 4, which Pillow does not know."""
    graph = read((PIXELS.astype("f4"), {**MAP, **NODATA}), (PRESENT // 255 * on, mask_tags))
    assert values(graph) == [0, None, 2, 3, 4, None]
    assert graph.positions[0].tolist() == [505, 895]


def test_copies_and_their_masks_are_left_out(read):
    small = PIXELS[:1, :2]
    graph = read(
        (PIXELS.astype("f4"), MAP), (small.astype("f4"), COPY),
        (PRESENT, MASK), (PRESENT[:1, :2], {**COPY_OF_MASK, 262: (3, (4,))}),
    )  # fmt: skip
    assert values(graph) == [0, None, 2, 3, 4, 5]
    assert graph.source.remarks == ("smaller copies of the image are left out",)
    graph = read((PIXELS.astype("f4"), MAP), (PRESENT[:1], MASK))
    assert values(graph) == [0, 1, 2, 3, 4, 5]
    assert graph.source.remarks == ("masks of other sizes, or several, are left out",)


def test_a_mask_covers_every_frame(read):
    graph = read((PIXELS.astype("u2"), {}), (PIXELS.astype("u2") + 10, {}), (PRESENT, MASK))
    assert graph.shape == (2, 2, 3)
    assert values(graph) == [0, None, 2, 3, 4, 5, 10, None, 12, 13, 14, 15]


@pytest.mark.parametrize("kind", [1, 2])
def test_alpha_is_a_mask_on_maps_only(read, kind):
    both = np.stack([PIXELS + 1, PIXELS * 50], -1).astype("u1")
    graph = read((both, {338: (3, (kind,)), **MAP}))
    assert values(graph) == [None, 2, 3, 4, 5, 6]
    assert values(graph, "alpha") == [0, 50, 100, 150, 200, 250]
    assert values(read((both, {338: (3, (kind,))}))) == [1, 2, 3, 4, 5, 6]
    colors = np.stack([PIXELS + 1, PIXELS + 2, PIXELS + 3, PIXELS * 50], -1).astype("u1")
    graph = read((colors, {338: (3, (kind,)), **MAP}))
    assert values(graph, "blue") == [None, 4, 5, 6, 7, 8]


def test_a_band_that_is_no_alpha_has_another_name(read):
    both = np.stack([PIXELS, PIXELS * 2], -1).astype("u1")
    graph = read((both, {338: (3, (0,)), **MAP}))
    assert {name: c.tolist() for name, c in graph.attributes.items()} == {
        "value": [0, 1, 2, 3, 4, 5], "band2": [0, 2, 4, 6, 8, 10],
    }  # fmt: skip
    five = np.stack([PIXELS + 10 * i for i in range(5)], -1).astype("u1")
    graph = read((five, {338: (3, (0, 0))}))
    assert list(graph.attributes) == ["red", "green", "blue", "band4"]
    assert values(graph, "band4") == [30, 31, 32, 33, 34, 35]
    assert graph.source.remarks == ("only the first 4 of 5 bands are taken",)


def test_white_that_is_0_stays_0(read):
    graph = read((PIXELS.astype("u1"), {262: (3, (0,))}))
    assert values(graph) == [0, 1, 2, 3, 4, 5]
    assert graph.source.remarks == ("0 is white in this image: values are as they are stored",)


def test_pixels_that_are_points_lie_where_the_map_says(read):
    keys = {34735: (3, (1, 1, 0, 1, 1025, 0, 1, 2))}
    assert read((PIXELS.astype("f4"), {**MAP, **keys})).positions[0].tolist() == [500, 900]
    matrix = {34264: (12, (2.0, 1.0, 0, 100.0, 0.5, -2.0, 0, 50.0, *[0.0] * 7, 1.0))}
    positions = read((PIXELS.astype("f4"), matrix)).positions
    assert positions[:2].tolist() == [[101.5, 49.25], [103.5, 49.75]]


def test_nodata_that_is_nan(read):
    pixels = np.where(PIXELS == 2, np.nan, PIXELS).astype("f4")
    assert values(read((pixels, {42113: (2, "nan")}))) == [0, 1, None, 3, 4, 5]


def test_a_kind_of_numbers_that_is_declared_as_text_is_refused(read):
    with pytest.raises(GraphFileError, match=r"1 band of uint32.*save each band as .npy"):
        read((PIXELS.astype("u4"), {339: (2, "1")}))
