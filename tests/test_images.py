import numpy as np
import pytest
import scipy.sparse
import skimage.data
import skimage.morphology
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

import graphmax as gm
from graphmax import images

TIES = ("strict", "weak", "plateau", "index")
DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "float16", "float32", "float64", "datetime64[s]", "timedelta64[us]")  # fmt: skip


@pytest.fixture(autouse=True)
def quick(one_thread):
    """Spend no time on waking threads."""


def by_graph(image, size, **fields):
    """Ask the same of the fully connected grid of the pixels."""
    image = np.asarray(image)
    graph = gm.grid_graph(image.shape)
    return gm.local_maxima(graph, image.ravel(), size // 2, **fields).reshape(image.shape)


def textures(dtype, *, sides=(3, 9), dimensions=(2, 3)):
    """Draw images on which ties are the rule."""
    shapes = hnp.array_shapes(
        min_dims=dimensions[0], max_dims=dimensions[1], min_side=sides[0], max_side=sides[1]
    )
    levels = 1 if dtype == "bool" else 4
    return hnp.arrays(np.uint8, shapes, elements=st.integers(0, levels)).map(
        lambda image: image.astype(np.int64).astype(dtype)
    )


# --- known


def test_a_known_image():
    image = [[0, 1, 0, 7], [0, 0, 0, 7], [5, 0, 2, 0]]
    strict = [[0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    plateau = [[0, 1, 0, 1], [0, 0, 0, 1], [1, 0, 0, 0]]
    index = [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert_array_equal(images.peak_pixels(image), np.array(strict, bool))
    assert_array_equal(images.peak_pixels(image, ties="plateau"), np.array(plateau, bool))
    assert_array_equal(images.peak_pixels(image, ties="index"), np.array(index, bool))


def test_a_constant_image():
    image = np.full((5, 4), 2.0)
    counts = [int(images.peak_pixels(image, ties=ties).sum()) for ties in TIES]
    assert counts == [0, 20, 20, 1]


def test_the_lowest_value_of_a_dtype_is_an_ordinary_value():
    image = np.full((4, 4), np.iinfo(np.int64).min)
    image[0, 0] += 1
    assert_array_equal(np.argwhere(images.peak_pixels(image)), [[0, 0]])


def test_integers_are_not_compared_as_floats():
    image = np.full((3, 3), 2**53, np.int64)
    image[1, 1] += 1
    assert_array_equal(np.argwhere(images.peak_pixels(image)), [[1, 1]])


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 3, 3)])
def test_an_empty_image_has_no_peaks(shape):
    assert images.peak_pixels(np.zeros(shape)).shape == shape


def test_windows_of_one_pixel_are_all_centered():
    image = np.array([[1.0, np.nan], [2.0, 1.0]])
    expected = [[True, False], [True, True]]
    assert_array_equal(images.peak_pixels(image, 1, nan="omit"), expected)
    assert_array_equal(images.peak_pixels(image, 1, ties="plateau", nan="omit"), expected)


# --- against the graph


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_agrees_with_the_graph(dtype, ties):
    rng = np.random.default_rng(7)
    image = rng.integers(0, 2 if dtype == "bool" else 9, (13, 17)).astype(np.int64).astype(dtype)
    for size in (3, 5):
        expected = by_graph(image, size, ties=ties)
        assert_array_equal(images.peak_pixels(image, size, ties=ties), expected)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("size", [3, 5, 7])
@given(st.data())
def test_every_rule_is_that_of_the_grid_graph(ties, size, data):
    image = data.draw(textures("uint8", sides=(size, 9)))
    expected = by_graph(image, size, ties=ties)
    assert_array_equal(images.peak_pixels(image, size, ties=ties, volume=True), expected)
    assert_array_equal(images.centered(image, size, ties=ties, volume=True), expected)


@pytest.mark.parametrize("ties", TIES)
@given(st.data())
def test_nan_pixels_take_no_part(ties, data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=5, max_side=8))
    level = st.sampled_from([0.0, -0.0, 1.0, 2.0, np.inf, -np.inf, np.nan])
    image = data.draw(hnp.arrays(np.float32, shape, elements=level))
    size = data.draw(st.sampled_from([3, 5]))
    expected = by_graph(image, size, ties=ties, nan="omit")
    assert_array_equal(images.peak_pixels(image, size, ties=ties, nan="omit"), expected)


@pytest.mark.parametrize("ties", TIES)
def test_times_that_are_missing_take_no_part(ties):
    image = np.random.default_rng(3).integers(0, 5, (9, 9)).astype("datetime64[s]")
    image[::3, ::2] = np.datetime64("NaT")
    expected = by_graph(image, 3, ties=ties, nan="omit")
    assert_array_equal(images.peak_pixels(image, ties=ties, nan="omit"), expected)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", ["coins", "camera", "brick"])
def test_real_images_agree_with_the_graph(name, ties):
    image = getattr(skimage.data, name)()
    for size in (3, 7):
        expected = by_graph(image, size, ties=ties)
        assert expected.sum() >= 100
        assert_array_equal(images.peak_pixels(image, size, ties=ties), expected)


# --- against others


@pytest.mark.parametrize("name", ["coins", "camera", "brick", "moon"])
def test_plateaus_are_those_of_skimage(name):
    image = getattr(skimage.data, name)()
    expected = skimage.morphology.local_maxima(image)
    assert expected.any()
    assert_array_equal(images.peak_pixels(image, ties="plateau"), expected)


@given(st.data())
def test_plateaus_of_any_image_are_those_of_skimage(data):
    image = data.draw(textures("float64"))
    assume(image.min() < image.max())  # a constant image: skimage returns nothing, we all of it
    expected = skimage.morphology.local_maxima(image)
    assert_array_equal(images.peak_pixels(image, ties="plateau", volume=True), expected)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("name", ["coins", "camera", "noise"])
def test_index_is_max_pooling_that_returns_indices(name, size):
    noise = np.random.default_rng(0).integers(0, 6, (40, 50))
    image = noise if name == "noise" else getattr(skimage.data, name)()
    tensor = torch.from_numpy(image.astype(np.float64))[None, None]
    _, winner = torch.nn.functional.max_pool2d(
        tensor, size, stride=1, padding=size // 2, return_indices=True
    )
    expected = winner[0, 0].numpy() == np.arange(image.size).reshape(image.shape)
    assert expected.any()
    assert_array_equal(images.peak_pixels(image, size, ties="index"), expected)


# --- windows of any shape, masks, minima


def by_loops(image, size, ties, absent=None):
    """Ask every window in turn: the definition, for maxima and no plateaus."""
    sides = [size] * image.ndim if np.isscalar(size) else size
    absent = np.zeros(image.shape, bool) if absent is None else absent
    mask = np.zeros(image.shape, bool)
    pixels = list(np.ndindex(image.shape))
    for v in pixels:
        if absent[v]:
            continue
        window = [
            u for u in pixels if u != v and not absent[u]
            and all(abs(a - b) <= s // 2 for a, b, s in zip(u, v, sides, strict=True))
        ]  # fmt: skip
        mask[v] = not any(
            image[u] > image[v]
            or (image[u] == image[v] and (ties == "strict" or (ties == "index" and u < v)))
            for u in window
        )
    return mask


@given(st.data())
def test_windows_of_any_shape_are_those_of_loops(data):
    image = data.draw(textures("int64", sides=(1, 4), dimensions=(1, 4)))
    size = tuple(data.draw(st.sampled_from([1, 3, 5, 9])) for _ in image.shape)
    ties = data.draw(st.sampled_from(["strict", "weak", "index"]))
    found = images.peak_pixels(image, size, ties=ties, volume=True)
    assert_array_equal(found, by_loops(image, size, ties))


@given(st.data())
def test_a_window_wider_than_the_image_is_cut(data):
    image = data.draw(textures("uint8", sides=(1, 4), dimensions=(1, 3)))
    ties = data.draw(st.sampled_from(["strict", "weak", "index"]))
    found = images.peak_pixels(image, 9, ties=ties, volume=True)
    assert_array_equal(found, by_loops(image, 9, ties))


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.data())
@settings(max_examples=30)
def test_pixels_that_are_left_out_take_no_part(dtype, data):
    image = data.draw(textures(dtype, sides=(1, 5), dimensions=(1, 3)))
    hole = data.draw(hnp.arrays(np.bool_, image.shape))
    outside = data.draw(hnp.arrays(np.bool_, image.shape))
    size = data.draw(st.sampled_from([3, 5, (3,) * (image.ndim - 1) + (5,)]))
    ties = data.draw(st.sampled_from(["strict", "weak", "index"]))
    masked = np.ma.MaskedArray(image, hole)
    expected = by_loops(image, size, ties, hole | outside)
    asked = {"ties": ties, "nan": "omit", "volume": True, "where": ~outside}
    assert_array_equal(images.peak_pixels(masked, size, **asked), expected)
    assert_array_equal(images.centered(masked, size, **asked), expected)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
@given(st.data())
@settings(max_examples=30)
def test_plateaus_with_holes_are_those_of_the_graph(dtype, data):
    image = data.draw(textures(dtype, sides=(1, 5), dimensions=(1, 4)))
    inside = data.draw(hnp.arrays(np.bool_, image.shape))
    size = data.draw(st.sampled_from([3, 5]))
    expected = by_graph(image, size, ties="plateau", where=inside.ravel())
    found = images.peak_pixels(image, size, ties="plateau", where=inside, volume=True)
    assert_array_equal(found, expected)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_minima_are_those_of_the_graph(dtype, ties):
    rng = np.random.default_rng(7)
    image = rng.integers(0, 2 if dtype == "bool" else 9, (13, 17)).astype(np.int64).astype(dtype)
    if image.dtype.kind in "fmM":
        image[::4, ::3] = image.dtype.type("NaT" if image.dtype.kind in "mM" else np.nan)
    for size in (3, 5):
        asked = {"ties": ties, "nan": "omit", "extremum": "min"}
        expected = by_graph(image, size, **asked)
        assert_array_equal(images.peak_pixels(image, size, **asked), expected)
        assert_array_equal(images.peak_pixels(image, size, rule=gm.Rule(**asked)), expected)


@pytest.mark.parametrize("ties", TIES)
def test_a_window_along_one_axis_asks_row_by_row(ties):
    image = np.random.default_rng(1).integers(0, 4, (6, 30))
    rows = [images.peak_pixels(row, 5, ties=ties) for row in image]
    assert_array_equal(images.peak_pixels(image, (1, 5), ties=ties), rows)
    columns = images.peak_pixels(image.T.copy(), (5, 1), ties=ties)
    assert_array_equal(columns.T, rows)


def test_a_masked_hot_pixel_is_no_peak():
    image = np.ma.MaskedArray(np.zeros((5, 5)), np.zeros((5, 5), bool))
    image[1, 1], image[3, 3] = 9.0, 5.0
    image[1, 1] = np.ma.masked
    with pytest.raises(ValueError, match=r"NaN or masked, got 1 NaN \(first: pixel \(1, 1\)\)"):
        images.peak_pixels(image)
    assert_array_equal(np.argwhere(images.peak_pixels(image, nan="omit")), [[3, 3]])


def test_windows_of_a_masked_image_are_masked():
    image = np.ma.MaskedArray(np.arange(20).reshape(4, 5), np.zeros((4, 5), bool))
    image[1, 1] = np.ma.masked
    for boundary in ("valid", "cut"):
        tiles = images.windows(image, boundary=boundary)
        plain = images.windows(image.data, boundary=boundary)
        assert_array_equal(tiles.data, plain)
        assert_array_equal(tiles.mask, images.windows(image.mask, boundary=boundary))
    assert images.windows(image)[0, 0].mask.sum() == 1


class FileOfAVolume:
    def get_fdata(self):
        return np.zeros((3, 3, 3))


@pytest.mark.parametrize(
    ("image", "way_out"),
    [
        (scipy.sparse.random(5, 5, 0.5, format="csr"), r"dense.*image.toarray\(\)"),
        (scipy.sparse.coo_array(np.eye(3)), r"dense.*image.toarray\(\)"),
        (torch.eye(3).to_sparse(), r"dense.*image.to_dense\(\)"),
        (FileOfAVolume(), r"got FileOfAVolume; pass image.get_fdata\(\)"),
        ((row for row in ((1, 2), (3, 1))), "got generator"),
        ({(0, 0): 1}, "got dict"),
        (None, "got NoneType"),
    ],
)
@pytest.mark.parametrize("call", [images.peak_pixels, images.find_peaks])
def test_what_is_no_array_is_refused(call, image, way_out):
    with pytest.raises(TypeError, match=way_out):
        call(image)


def test_a_where_of_another_kind_is_refused():
    image = np.zeros((4, 5))
    with pytest.raises(TypeError, match="`where` must be bool, got dtype float64"):
        images.peak_pixels(image, where=image)
    with pytest.raises(ValueError, match=r"`where` must have the shape of the image \(4, 5\)"):
        images.peak_pixels(image, where=np.ones(20, bool))


# --- windows and labels


def test_windows_are_a_view():
    image = np.arange(20.0).reshape(4, 5)
    tiles = images.windows(image)
    assert tiles.shape == (2, 3, 3, 3)
    assert np.shares_memory(tiles, image)
    assert_array_equal(tiles[1, 2], image[1:4, 2:5])
    tensor = torch.from_numpy(image)
    view = images.windows(tensor)
    assert view.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
    assert_array_equal(view.numpy(), tiles)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("shape", [(9, 8), (6, 7, 8)])
def test_windows_with_a_stride(shape, size, stride):
    image = np.random.default_rng(0).random(shape)
    tiles = images.windows(image, size, stride)
    by_torch = images.windows(torch.from_numpy(image), size, stride)
    assert_array_equal(by_torch.numpy(), tiles)
    labels = images.centered(image, size, stride=stride, boundary="valid")
    assert labels.shape == tiles.shape[: image.ndim]
    flat = tiles.reshape(labels.size, -1)
    best = flat.max(axis=1) == flat[:, flat.shape[1] // 2]
    assert_array_equal(labels.ravel(), best)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
@given(st.data())
def test_cut_windows_hold_the_label_of_their_pixel(dtype, kind, data):
    image = data.draw(textures(dtype, dimensions=(2, 2)))
    tiles = np.asarray(images.windows(kind(image), boundary="cut"))
    flat = tiles.reshape(*image.shape, 9)
    others = np.delete(flat, 4, axis=2)
    assert_array_equal(images.centered(image), (others < flat[..., 4:5]).all(axis=2))


def test_answers_are_of_the_kind_of_the_image():
    image = torch.rand(6, 6)
    assert images.peak_pixels(image).dtype == torch.bool
    assert isinstance(images.centered(image, boundary="valid"), torch.Tensor)
    assert images.centered(image, boundary="valid").shape == (4, 4)


def test_a_picture_of_time_is_cut_below_every_time():
    image = np.arange(9).reshape(3, 3).astype("datetime64[s]")
    assert not np.isnat(images.windows(image, boundary="cut")).any()


# --- refusals


@pytest.mark.parametrize("call", [images.windows, images.centered, images.peak_pixels])
def test_refused_sizes(call):
    image = np.zeros((6, 6))
    with pytest.raises(ValueError, match=r"`size` must be odd, got 4.* has no center"):
        call(image, 4)
    with pytest.raises(ValueError, match="`size` must be at least 1, got 0"):
        call(image, 0)
    with pytest.raises(ValueError, match=r"`size` must be one number or one per axis \(2\)"):
        call(image, (3, 3, 3))
    with pytest.raises(TypeError, match="`size` must be an integer of at least 1, got 3.0"):
        call(image, 3.0)


@pytest.mark.parametrize("call", [images.windows, images.centered])
def test_whole_windows_have_to_fit(call):
    with pytest.raises(ValueError, match=r"`size` must be at most the sides .* got \(3, 7\)"):
        call(np.zeros((6, 6)), (3, 7), boundary="valid")


@pytest.mark.parametrize("call", [images.windows, images.centered, images.peak_pixels])
def test_refused_images(call):
    with pytest.raises(ValueError, match="axis 2 looks like 3 color channels"):
        call(np.zeros((20, 20, 3)))
    with pytest.raises(ValueError, match="axis 0 looks like 4 color channels"):
        call(torch.zeros(4, 20, 20))
    with pytest.raises(ValueError, match="axis 1 looks like 3 color channels"):
        call(torch.zeros(2, 3, 20, 20))
    with pytest.raises(ValueError, match="at least one axis of pixels"):
        call(np.float64(9))
    with pytest.raises(TypeError, match="complex"):
        call(np.zeros((5, 5), complex))
    assert call(np.zeros((20, 20, 3)), volume=True).shape[1] in (18, 20)


def test_refused_nan_names_the_pixel():
    image = np.zeros((5, 6))
    image[2, 3] = np.nan
    for call in (images.centered, images.peak_pixels):
        with pytest.raises(ValueError, match=r"got 1 NaN \(first: pixel \(2, 3\)\)"):
            call(image)
        with pytest.raises(ValueError, match=r"got 1 NaN \(first: pixel 2\)"):
            call(image[:, 3])


def test_other_refusals():
    image = np.zeros((5, 5))
    with pytest.raises(ValueError, match="`ties` must be one of"):
        images.peak_pixels(image, ties="first")
    with pytest.raises(ValueError, match="`nan` must be one of"):
        images.peak_pixels(image, nan="ignore")
    with pytest.raises(ValueError, match="`boundary` must be one of"):
        images.windows(image, boundary="zero")
    with pytest.raises(ValueError, match="`stride` must be at least 1"):
        images.windows(image, 3, 0)
    with pytest.raises(TypeError, match="`stride` must be an integer"):
        images.centered(image, stride=1.5)
