"""A network on every pixel: what an output pixel can see, and scores that become exact pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer
from graphmax.images.extrema import inner_window_sides, nan_refused, read_image
from graphmax.kernels.compiled import tell
from graphmax.peaks import non_maximum_suppression
from graphmax.spatial import grid_graph

if TYPE_CHECKING:
    from torch import Tensor, nn


_MOST_SPIKES = 1024


def output_shape(
    shape: int | Sequence[int],
    kernel: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> tuple[int, ...]:
    """Compute the sides of what a convolution or a pooling makes of an image.

    A kernel of K pixels, dilated by d, covers ``d (K - 1) + 1`` pixels, and there are
    ``floor((side + 2 padding - d (K - 1) - 1) / stride) + 1`` places for it. Without padding and
    stride an odd kernel therefore shrinks a side by K - 1, half of it at each end: it is not K // 2
    in all. ``padding=(K - 1) // 2`` keeps the side.

    Parameters
    ----------
    shape : int or sequence of int
        The sides of the image in pixels.
    kernel, stride, padding, dilation : int or sequence of int
        One number for all axes, or one per axis; padding at each end.

    Returns
    -------
    tuple of int
        The sides of the output.

    Raises
    ------
    ValueError
        If a number is out of range, or the kernel does not fit.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning, 2016.

    Examples
    --------
    >>> from graphmax.images import output_shape
    >>> output_shape((28, 28), 5), output_shape(28, 5, stride=2, padding=2)
    ((24, 24), (14,))
    """
    sides = _numbers("shape", shape, 1, 0)
    named = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    least = {"padding": 0}
    lists = [_numbers(name, value, len(sides), least.get(name, 1)) for name, value in named.items()]
    result = tuple(
        (side + 2 * p - d * (k - 1) - 1) // s + 1
        for side, k, s, p, d in zip(sides, *lists, strict=True)
    )
    if min(result, default=1) < 1:
        raise ValueError(f"`kernel` must fit into the padded image {sides}, got {kernel}")
    return result


def _numbers(name: str, value: Any, axes: int, least: int) -> list[int]:
    numbers = [value] * axes if np.ndim(value) == 0 else list(value)
    if name not in ("shape", "input_shape") and len(numbers) != axes:
        raise ValueError(f"`{name}` must be one number or one per axis ({axes}), got {value!r}")
    return [integer(number, name, least) for number in numbers]


def receptive_field(
    network: "nn.Module", input_shape: Sequence[int], *, trials: int = 8, seed: int = 0
) -> NDArray[np.bool_]:
    """Compute, by gradients, which input pixels each output pixel can see.

    Output o sees input pixel p if the gradient of some channel of o with respect to p is not 0, for
    one of several random images. Some of the images are noise, the others have one
    pixel raised, a different one each, so that the gradient of a maximum goes wherever it can.

    Parameters
    ----------
    network : torch.nn.Module
        From (N, C, H, W) to anything whose first axis is N.
    input_shape : (H, W), (C, H, W) or (N, C, H, W)
        The image; without C, one channel.
    trials : int, default 8
        Number of noise images.
    seed : int, default 0
        Seed of the images.

    Returns
    -------
    bool (h, w, H, W), or (outputs, H, W) for an output without pixel axes
        Entry [i, j, y, x]: output pixel (i, j) sees input pixel (y, x).

    Raises
    ------
    TypeError
        If `network` is no torch module.
    ValueError
        If `input_shape` is no image, `trials` is below 1, the output lacks the first axis, or no
        gradient reaches the input.

    Notes
    -----
    The network is put into eval mode for it and back. A pixel that is seen only where no image went
    (a unit that is off for all of them) is missed: the answer is a lower bound, and exact for
    convolutions with generic weights. Time: one backward pass an output pixel and image; at most
    1,024 pixels are raised.

    References
    ----------
    W. Luo and others, Understanding the effective receptive field in deep convolutional neural
    networks, 2016.

    Examples
    --------
    >>> import torch
    >>> from graphmax.images import receptive_field
    >>> seen = receptive_field(torch.nn.Conv2d(1, 1, 3, padding=1), (4, 4))
    >>> seen[0, 0].astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 0, 0],
           [0, 0, 0, 0]])
    """
    import torch

    if not isinstance(network, torch.nn.Module):
        raise TypeError(f"`network` must be a torch.nn.Module, got {type(network).__name__}")
    count = integer(trials, "trials", 1)
    batch = _probes(network, _image_shape(input_shape), count, seed)
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        return _seen(network(batch), batch)
    finally:
        for module, mode in modes:
            module.training = mode


def _image_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    sides = _numbers("input_shape", list(shape), len(shape), 1)
    if len(sides) not in (2, 3, 4):
        raise ValueError(f"`input_shape` must be (H, W), (C, H, W) or (N, C, H, W), got {shape}")
    return (*([1] if len(sides) == 2 else sides[-3:-2]), *sides[-2:])  # type: ignore[return-value]


def _probes(network: "nn.Module", shape: tuple[int, int, int], noises: int, seed: int) -> "Tensor":
    import torch

    like = next(iter(network.parameters()), torch.zeros(()))
    generator = torch.Generator().manual_seed(seed)
    spikes = min(shape[1] * shape[2], _MOST_SPIKES)
    images = torch.randn((noises + spikes, *shape), generator=generator, dtype=torch.float64)
    places = torch.linspace(0, shape[1] * shape[2] - 1, spikes).round().long()
    images[torch.arange(noises, noises + spikes), :, places // shape[2], places % shape[2]] = 8.0
    return images.to(like.device, like.dtype).requires_grad_()


def _seen(output: Any, batch: "Tensor") -> NDArray[np.bool_]:
    import torch

    if not isinstance(output, torch.Tensor) or output.ndim == 0 or len(output) != len(batch):
        got = tuple(output.shape) if hasattr(output, "shape") else type(output).__name__
        raise ValueError(f"`network` must keep the first axis of {len(batch)} images, got {got}")
    if not output.requires_grad:
        raise ValueError("`network` must be differentiable, got an output without a gradient")
    pixels = output.shape[2:] if output.ndim > 3 else output.shape[1:]
    channels = output.shape[1] if output.ndim > 3 else 1
    flat = output.reshape(len(batch), channels, -1)
    rows = [_seen_by(flat[:, :, at], batch) for at in range(flat.shape[2])]
    return np.array(rows).reshape(*pixels, *batch.shape[2:])


def _seen_by(entries: "Tensor", batch: "Tensor") -> NDArray[np.bool_]:
    """Return the pixels that any channel of one output pixel reacts to, in any of the images."""
    import torch

    seen = torch.zeros(batch.shape[2:], dtype=torch.bool, device=batch.device)
    for channel in range(entries.shape[1]):
        (slope,) = torch.autograd.grad(entries[:, channel].sum(), batch, retain_graph=True)
        seen |= (slope != 0).any(dim=0).any(dim=0)
    return seen.cpu().numpy()


WINDOWS_PER_CALL = 1 << 14
_SAMPLES = 16
_SMALLEST = float(np.nextafter(0.0, 1.0))


@dataclass(frozen=True)
class Detection:
    """What a network found: ``scores`` float64 (H, W), ``pixels`` int64 (k, 2), best first.

    ``scores`` are -inf where the window does not fit into the image. ``is_convolution`` tells
    whether the network ran over the image at once, or window by window.
    """

    scores: NDArray[np.float64]
    pixels: NDArray[np.int64]
    is_convolution: bool

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The pixels as a mask, bool (H, W)."""
        found = np.zeros(self.scores.shape, np.bool_)
        found[tuple(self.pixels.T)] = True
        return found


def detect(
    network: "nn.Module",
    image: Any,
    *,
    size: int | None = None,
    threshold: float | None = None,
    scale: float = 1.0,
) -> Detection:
    """Slide a window network over an image and suppress all but the best of each neighborhood.

    Every pixel is given the score (a logit) of the window around it. Pixels above the threshold are
    kept greedily, best first, none within ``(size - 1) / 2`` of a better one: non-maximum
    suppression on the grid graph.

    Parameters
    ----------
    network : torch.nn.Module
        From windows (N, 1, size, size) to one logit each, or a `CenteredWindowCNN`.
    image : (H, W)
        The pixels, without NaN; one channel.
    size : int, optional
        Side of the windows, odd; ``network.size`` by default.
    threshold : float, optional
        Lowest score that is kept, inclusive; by default everything above 0, a probability above
        one half.
    scale : float, default 1.0
        Pixels are multiplied by it before the network sees them, say 1 / 255.

    Returns
    -------
    Detection
        The scores, and the pixels that were kept.

    Raises
    ------
    TypeError
        If `network` is no torch module, or the size is unknown.
    ValueError
        If the image has colors, three axes or NaN, the size does not fit, or the network does not
        give one finite score per window.

    Notes
    -----
    A network of convolutions without padding runs over the image at once. Whether it is one is
    found out: sixteen windows must have the same score alone and inside the image. Otherwise the
    windows are scored in batches. Put the network into eval mode first.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.images import detect
    >>> from graphmax.nn import CenteredWindowCNN
    >>> detect(CenteredWindowCNN("hop_max"), np.array([[0, 1, 0], [0, 0, 0], [5, 0, 2]])).pixels
    array([[2, 0],
           [2, 2],
           [0, 1]])
    """
    import torch

    if not isinstance(network, torch.nn.Module):
        raise TypeError(f"`network` must be a torch.nn.Module, got {type(network).__name__}")
    read = read_image(image)
    pixels = read.pixels
    if pixels.ndim != 2:
        raise ValueError(f"`image` must have shape (H, W), got {pixels.shape}")
    if read.absent.any():
        raise nan_refused(read.absent)
    given = getattr(network, "size", None) if size is None else integer(size, "size", 1)
    side, _ = inner_window_sides(given, pixels.shape)
    with torch.no_grad():
        scores, at_once = _scores(_Scorer(network, side), _batch(network, pixels, scale))
    kept = _suppressed(scores, side // 2, threshold)
    return Detection(scores, np.stack(np.divmod(kept, pixels.shape[1]), axis=1), at_once)


@dataclass(frozen=True)
class _Scorer:
    network: "nn.Module"
    size: int

    def __call__(self, batch: "Tensor") -> "Tensor":
        """Return logits (N, h, w), or of another shape if the network wants it so."""
        ask = getattr(self.network, "centered_logits", self.network)
        logits: Tensor = ask(batch)
        one_channel = logits.ndim == 4 and logits.shape[1] == 1
        return logits[:, 0] if one_channel else logits

    def of_windows(self, windows: "Tensor") -> "Tensor":
        """Return one logit per window, (N,): the only one, or the one in the middle."""
        logits = self(windows)
        if logits.shape == windows[:, 0].shape:
            logits = logits[:, self.size // 2, self.size // 2]
        if logits.numel() != len(windows):
            raise ValueError(
                f"`network` must give one score per window, got {tuple(logits.shape)} for "
                f"{len(windows)} windows of shape (1, {self.size}, {self.size})"
            )
        return logits.reshape(-1)


def _batch(network: "nn.Module", pixels: NDArray[Any], scale: float) -> "Tensor":
    """Return the image as (1, 1, H, W); a network that compares for itself gets it as it is."""
    import torch

    if pixels.dtype.kind not in "biuf" or pixels.dtype == np.uint64:
        raise TypeError(f"`image` must be of a dtype that torch computes with, got {pixels.dtype}")
    wide = {"bool": "uint8", "uint16": "int32", "uint32": "int64"}.get(pixels.dtype.name)
    tensor = torch.from_numpy(np.array(pixels, wide))[None, None]
    like = next(iter(network.parameters()), torch.zeros(()))
    if scale != 1.0:
        tensor = tensor.double() * scale
    compares = hasattr(network, "centered_logits")
    return tensor.to(like.device) if compares else tensor.to(like.device, like.dtype)


def _scores(scorer: _Scorer, batch: "Tensor") -> tuple[NDArray[np.float64], bool]:
    import torch

    height, width = batch.shape[-2:]
    radius = scorer.size // 2
    tiles = batch[0, 0].unfold(0, scorer.size, 1).unfold(1, scorer.size, 1)
    flat = tiles.reshape(-1, 1, scorer.size, scorer.size)
    full = np.full((height, width), -np.inf)
    inner = full[radius : height - radius, radius : width - radius]
    whole = _at_once(scorer, batch, flat, inner.shape)
    if whole is None:
        parts = [_part(scorer, flat, start) for start in range(0, len(flat), WINDOWS_PER_CALL)]
        inner[:] = torch.cat(parts).reshape(inner.shape).double().cpu().numpy()
    else:
        target = full if whole.shape == full.shape else inner
        target[:] = whole
    if np.isnan(full).any():
        raise ValueError(f"`network` must not return NaN, got {int(np.isnan(full).sum())} NaN")
    return full, whole is not None


def _part(scorer: _Scorer, flat: "Tensor", start: int) -> "Tensor":
    part = scorer.of_windows(flat[start : start + WINDOWS_PER_CALL])
    tell("scoring windows", min(start + WINDOWS_PER_CALL, len(flat)), len(flat))
    return part


def _at_once(
    scorer: _Scorer, batch: "Tensor", flat: "Tensor", inner: tuple[int, ...]
) -> NDArray[np.float64] | None:
    """Return the scores of a whole image, or None where that is not the same as window by window.

    The answer has a score for each window that fits, or for each pixel (of its window cut at the
    border).
    """
    import torch

    try:
        logits = scorer(batch)
    except (RuntimeError, ValueError):
        return None  # it takes windows of one size only
    fits = logits.shape[1:] == torch.Size(inner)
    if not fits and logits.shape[1:] != batch.shape[2:]:
        return None
    whole = logits[0].double().cpu().numpy()
    radius = 0 if fits else scorer.size // 2
    sample = np.linspace(0, len(flat) - 1, min(_SAMPLES, len(flat))).round().astype(np.int64)
    alone = scorer.of_windows(flat[torch.from_numpy(sample)]).double().cpu().numpy()
    row, column = np.divmod(sample, inner[1])
    inside = whole[row + radius, column + radius]
    return whole if np.allclose(inside, alone, rtol=1e-4, atol=1e-5) else None


def _suppressed(
    scores: NDArray[np.float64], radius: int, threshold: float | None
) -> NDArray[np.int64]:
    lowest = _SMALLEST if threshold is None else float(threshold)
    graph = grid_graph(scores.shape)
    kept = non_maximum_suppression(graph, scores.ravel(), max(radius, 1), threshold=lowest)
    return np.asarray(kept, np.int64)
