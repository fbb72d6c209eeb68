import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

import graphmax as gm
from graphmax import images
from graphmax.nn import CenteredWindowCNN

REAL = ("coins", "camera", "brick")


@pytest.fixture(autouse=True)
def quick(one_thread):
    """Spend no time on waking threads."""


# --- sizes


def test_an_odd_kernel_shrinks_a_side_by_one_less_than_itself():
    assert images.output_shape((28, 28), 5) == (24, 24)
    assert images.output_shape(3, 3) == (1,)
    assert images.output_shape((9, 9), 5, padding=2) == (9, 9)


@given(
    sides=st.lists(st.integers(7, 12), min_size=2, max_size=3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
)
def test_output_shape_is_that_of_torch(sides, kernel, stride, padding, dilation):
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[len(sides)]
    layer = convolution(1, 1, kernel, stride=stride, padding=padding, dilation=dilation)
    expected = tuple(layer(torch.zeros(1, 1, *sides)).shape[2:])
    fields = {"stride": stride, "padding": padding, "dilation": dilation}
    assert images.output_shape(sides, kernel, **fields) == expected


def test_refused_layers():
    with pytest.raises(ValueError, match="`kernel` must fit into the padded image"):
        images.output_shape((4, 4), 5)
    with pytest.raises(ValueError, match="`stride` must be at least 1"):
        images.output_shape((4, 4), 3, stride=0)
    with pytest.raises(ValueError, match=r"`padding` must be one number or one per axis \(2\)"):
        images.output_shape((4, 4), 3, padding=(1, 1, 1))


# --- receptive fields


def test_the_network_of_the_question_cannot_answer_at_the_center():
    torch.manual_seed(0)
    seen = images.receptive_field(CenteredWindowCNN("same"), (3, 3))
    assert_array_equal(seen.sum(axis=(2, 3)), [[9, 6, 3], [6, 4, 2], [3, 2, 1]])
    assert_array_equal(seen[1, 1], [[0, 0, 0], [0, 1, 1], [0, 1, 1]])


@pytest.mark.parametrize("size", [3, 5, 7])
def test_the_unpadded_network_sees_exactly_the_window(size):
    torch.manual_seed(size)
    seen = images.receptive_field(CenteredWindowCNN("unpadded", size, channels=8), (9, 9))
    assert seen.shape == (10 - size, 10 - size, 9, 9)
    for row in range(10 - size):
        for column in range(10 - size):
            expected = np.zeros((9, 9), bool)
            expected[row : row + size, column : column + size] = True
            assert_array_equal(seen[row, column], expected)


@pytest.mark.parametrize("size", [3, 5])
def test_the_exact_network_sees_the_window_cut_at_the_border(size):
    seen = images.receptive_field(CenteredWindowCNN("hop_max", size), (7, 6))
    y, x = np.indices((7, 6))
    rows = np.abs(y[:, :, None, None] - y) <= size // 2
    assert_array_equal(seen, rows & (np.abs(x[:, :, None, None] - x) <= size // 2))


def test_receptive_fields_of_other_shapes():
    dense = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    assert images.receptive_field(dense, (2, 3)).shape == (2, 2, 3)
    assert images.receptive_field(dense, (2, 3)).all()
    colors = images.receptive_field(nn.Conv2d(3, 4, 3, stride=2), (3, 5, 5))
    assert colors.shape == (2, 2, 5, 5)
    assert_array_equal(np.argwhere(colors[1, 0]).min(axis=0), [2, 0])


def test_receptive_field_leaves_the_mode_alone():
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Dropout(0.5))
    network[1].eval()
    images.receptive_field(network, (3, 3))
    assert [module.training for module in network] == [True, False]


def test_refused_networks():
    with pytest.raises(TypeError, match=r"`network` must be a torch.nn.Module, got function"):
        images.receptive_field(lambda x: x, (3, 3))
    with pytest.raises(ValueError, match="`input_shape` must be"):
        images.receptive_field(nn.Conv2d(1, 1, 3), (3,))
    with pytest.raises(ValueError, match="`trials` must be at least 1"):
        images.receptive_field(nn.Conv2d(1, 1, 3), (3, 3), trials=0)


# --- the three networks


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("name", REAL)
def test_hop_max_is_exact_on_every_pixel_of_a_real_image(name, size):
    image = getattr(skimage.data, name)()
    found = images.detect(CenteredWindowCNN("hop_max", size), image)
    graph = gm.grid_graph(image.shape, 8)
    expected = gm.local_maxima(graph, image.ravel(), size // 2).reshape(image.shape)
    assert expected.sum() >= 100
    assert found.is_convolution
    assert_array_equal(found.scores > 0, expected)
    assert_array_equal(found.mask, expected)


@given(st.data())
def test_hop_max_is_exact_on_any_image(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=7))
    level = st.sampled_from([0.0, 1.0, 1.0 + 2**-52, -1e300, 5e-324, np.inf, -np.inf])
    image = data.draw(hnp.arrays(np.float64, shape, elements=level))
    logits = CenteredWindowCNN("hop_max")(torch.from_numpy(image)[None, None])[0, 0]
    assert_array_equal(logits.detach().numpy() > 0, images.peak_pixels(image))


def test_hop_max_stays_exact_under_autocast():
    image = torch.rand(1, 1, 40, 40, dtype=torch.float64) + 1e4
    with torch.autocast("cpu", torch.bfloat16):
        logits = CenteredWindowCNN("hop_max")(image)
    assert_array_equal(logits[0, 0].detach() > 0, images.peak_pixels(image[0, 0]))


def train(network, windows, steps):
    """Fit a network to labelled windows by Adam with one cycle of the step size."""
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(windows), (256,))
        logits = network.centered_logits(windows.windows[batch])[:, 0, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits, windows.labels[batch].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cycle.step()


def noise(seed):
    return np.random.default_rng(seed).random((300, 300), dtype=np.float32)


@pytest.mark.slow
def test_unpadded_learns_random_windows():
    torch.manual_seed(0)
    network = CenteredWindowCNN("unpadded")
    train(network, images.window_dataset(noise(0), shift=None), 2000)
    held_out = images.window_dataset(noise(1), shift=None)
    with torch.no_grad():
        said = network.centered_logits(held_out.windows)[:, 0, 0] > 0
    assert (said == held_out.labels).double().mean() >= 0.99


def test_unpadded_ignores_constants_and_factors():
    torch.manual_seed(0)
    network = CenteredWindowCNN("unpadded", channels=8).double()
    image = torch.rand(1, 1, 9, 9, dtype=torch.float64)
    with torch.no_grad():
        assert_allclose(network(image + 100), network(image), atol=1e-11)
        assert_allclose(network(image * 7), network(image) * 7, rtol=1e-12)


def test_shapes_and_classes():
    windows = torch.rand(5, 1, 3, 3)
    assert CenteredWindowCNN("same")(windows).shape == (5, 10, 3, 3)
    assert CenteredWindowCNN("same").centered_logits(windows).shape == (5, 3, 3)
    assert CenteredWindowCNN("unpadded")(windows).shape == (5, 1, 1, 1)
    assert CenteredWindowCNN("hop_max")(windows).shape == (5, 1, 3, 3)


def test_refused_forms():
    with pytest.raises(ValueError, match="`form` must be one of"):
        CenteredWindowCNN("pooled")
    with pytest.raises(ValueError, match=r"`size` must be odd, got 4"):
        CenteredWindowCNN("unpadded", 4)
    with pytest.raises(ValueError, match="`size` must be 3 for the form 'same', got 5"):
        CenteredWindowCNN("same", 5)
    with pytest.raises(TypeError, match="`channels` must be an integer"):
        CenteredWindowCNN(channels=2.0)
    with pytest.raises(ValueError, match=r"must have shape \(N, 1, H, W\), got \(1, 3, 9, 9\)"):
        CenteredWindowCNN()(torch.zeros(1, 3, 9, 9))
    with pytest.raises(ValueError, match=r"exact in float64 .*torch.int64 beyond 2\*\*53"):
        CenteredWindowCNN("hop_max")(torch.full((1, 1, 3, 3), 2**53 + 1))


# --- the data set


@pytest.mark.parametrize("shift", [1, 2, None])
@pytest.mark.parametrize("size", [3, 5])
def test_windows_are_balanced_labelled_and_traced(size, shift):
    pictures = [np.random.default_rng(seed).random((40, 50 + seed)) for seed in range(2)]
    drawn = images.window_dataset(pictures, size, count=60, shift=shift)
    assert int(drawn.labels.sum()) == len(drawn) // 2 == 30
    assert set(drawn.origins[:, 0].tolist()) == {0, 1}
    for (window, label), (image, row, column) in zip(drawn, drawn.origins.tolist(), strict=True):
        own = images.windows(pictures[image], size)[row - size // 2, column - size // 2]
        assert_array_equal(window[0].numpy(), own)
        assert bool(label) == (own.argmax() == own.size // 2)


def test_a_shifted_window_is_a_centered_one_moved_by_a_pixel():
    drawn = images.window_dataset(noise(5), count=100)
    peaks = drawn.origins[drawn.labels, 1:]
    others = drawn.origins[~drawn.labels, 1:]
    apart = (others[:, None] - peaks[None]).abs().amax(dim=2).amin(dim=1)
    assert_array_equal(apart, 1)


def test_the_same_seed_draws_the_same_windows():
    first, second = (images.window_dataset(noise(5), count=40, seed=3) for _ in range(2))
    assert_array_equal(first.origins, second.origins)
    batch = next(iter(torch.utils.data.DataLoader(first, batch_size=40)))
    assert batch.window.shape == (40, 1, 3, 3)
    assert_array_equal(batch.label, first.labels)
    assert repr(first) == "WindowDataset(40 windows of 3x3, 20 centered)"


def test_refused_draws():
    with pytest.raises(ValueError, match="`count` must be even"):
        images.window_dataset(noise(0), count=7)
    with pytest.raises(ValueError, match=r"`count` must be at most 2, .* got 4"):
        images.window_dataset(np.pad([[1.0]], 3), count=4)
    with pytest.raises(ValueError, match="`shift` must be at least 1"):
        images.window_dataset(noise(0), shift=0)
    with pytest.raises(ValueError, match="must be odd"):
        images.window_dataset(noise(0), 2)


# --- a network on every pixel


class Dense(nn.Module):
    """Sees one window at a time: the center against the highest other pixel."""

    size = 3

    def forward(self, windows):
        flat = windows.reshape(len(windows), 9)
        others = torch.cat([flat[:, :4], flat[:, 5:]], dim=1)
        return flat[:, 4] - others.amax(dim=1)


def test_a_network_of_windows_is_asked_window_by_window():
    image = noise(2)[:40, :50]
    found = images.detect(Dense(), image)
    assert not found.is_convolution
    assert np.isneginf(found.scores[0]).all()
    expected = images.peak_pixels(image)
    expected[[0, -1]] = expected[:, [0, -1]] = False
    assert_array_equal(found.mask, expected)
    assert_array_equal(found.pixels[0], np.unravel_index(found.scores.argmax(), (40, 50)))


def test_padding_inside_a_network_is_found_out():
    """The network of the question pads windows with zeros that lie not around them in an image."""
    torch.manual_seed(0)
    assert not images.detect(CenteredWindowCNN("same"), noise(3)[:20, :20]).is_convolution


def test_a_convolution_is_asked_once():
    torch.manual_seed(1)
    network = CenteredWindowCNN("unpadded", 5, channels=4)
    image = noise(4)[:30, :20]
    found = images.detect(network, image, threshold=-np.inf)
    assert found.is_convolution
    tiles = torch.from_numpy(images.windows(image, 5).reshape(-1, 1, 5, 5).copy())
    with torch.no_grad():
        alone = network(tiles).reshape(26, 16)
    assert_allclose(found.scores[2:-2, 2:-2], alone, atol=1e-5)
    apart = np.abs(found.pixels[:, None] - found.pixels[None]).max(axis=2)
    assert apart[~np.eye(len(apart), dtype=bool)].min() > 2


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int32", "float16", "float64"])
def test_every_dtype_is_scored(dtype):
    image = np.eye(6, dtype=dtype)
    assert images.detect(CenteredWindowCNN("hop_max"), image).pixels.shape == (0, 2)
    assert images.detect(Dense(), image).pixels.shape == (0, 2)


def test_refused_detections():
    network = CenteredWindowCNN("hop_max")
    with pytest.raises(ValueError, match=r"got 1 NaN \(first: pixel \(1, 0\)\)"):
        images.detect(network, np.array([[0, 1, 2], [np.nan, 1, 2], [0, 0, 0]]))
    with pytest.raises(ValueError, match="axis 2 looks like 3 color channels"):
        images.detect(network, np.zeros((20, 20, 3)))
    with pytest.raises(TypeError, match="`size` must be an integer of at least 1, got None"):
        images.detect(nn.Conv2d(1, 1, 3), np.zeros((5, 5)))
    with pytest.raises(ValueError, match="must give one score per window"):
        images.detect(nn.Conv2d(1, 2, 3), np.zeros((5, 5)), size=3)
    with pytest.raises(TypeError, match="`network` must be a torch.nn.Module"):
        images.detect(np.max, np.zeros((5, 5)))
    with pytest.raises(ValueError, match="`image` must have shape"):
        images.detect(network, np.zeros((5, 5, 5)))
