"""What an output pixel can see, and how large an output is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer

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
