"""Three networks asked whether a window is centered on its maximum or shifted.

``same``: two 2x2 convolutions with "same" padding and ten classes at every position, as first
asked; ``unpadded``: convolutions without padding, whose output at a pixel sees exactly the window
around it; ``hop_max``: the center against the highest *other* pixel of its window, which is exact.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphmax.checks import integer

FORMS = ("same", "unpadded", "hop_max")
NUM_CLASSES = 10
_CENTER = 4


class CenteredWindowCNN(nn.Module):
    """Tell whether a window is centered on its maximum.

    Parameters
    ----------
    form : {"unpadded", "same", "hop_max"}, default "unpadded"
        ``same``: two 2x2 convolutions with "same" padding (a row and a column of zeros below and to
        the right), then a dense layer to ten classes at every position: the place of the maximum in
        a 3x3 window, row by row, or none (9). ``unpadded``: 3x3 convolutions without padding and
        bias, then 1x1: the output at a pixel sees exactly the window around it, and neither an
        added constant nor a positive factor changes the sign of a logit. ``hop_max``: a factor
        times (center - highest other pixel of the window cut at the border), in float64: exact.
    size : int, default 3
        Side of the window in pixels, odd, at least 3; 3 for ``same``.
    channels : int or pair of int, keyword, default 32
        Width of the hidden layers; for ``same`` of the first and the second convolution.

    Raises
    ------
    TypeError
        If `size` or `channels` is no integer.
    ValueError
        If there is no such form, or a size is even, too small, or not 3 for ``same``.

    Notes
    -----
    Two 2x2 convolutions padded below and to the right see at (i, j) the pixels from (i, j) to
    (i + 2, j + 2): of a 3x3 window the output in the top-left corner sees all, the one in the
    center sees 4 of 9 pixels, whatever the weights. See `graphmax.images.receptive_field`.

    Examples
    --------
    >>> import torch
    >>> from graphmax.nn import CenteredWindowCNN
    >>> window = torch.tensor([[1.0, 2, 3], [4, 9, 5], [6, 7, 8]])[None, None]
    >>> CenteredWindowCNN("hop_max")(window)[0, 0, 1, 1].item()
    1.0
    """

    def __init__(
        self, form: str = "unpadded", size: int = 3, *, channels: int | tuple[int, int] = 32
    ) -> None:
        super().__init__()
        if form not in FORMS:
            raise ValueError(f"`form` must be one of 'same', 'unpadded', 'hop_max', got {form!r}")
        self.form = form
        self.size = _odd(size)
        if form == "same" and size != 3:
            raise ValueError(f"`size` must be 3 for the form 'same', got {size}")
        self.channels = _widths(channels, form)
        build = {"same": _SamePadding, "unpadded": _Unpadded, "hop_max": _HopMax}[form]
        self.body = build(self.size, self.channels)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits at every position.

        Parameters
        ----------
        image : Tensor (N, 1, H, W)
            Windows or whole images.

        Returns
        -------
        Tensor
            ``same``: (N, 10, H, W), the logits of the softmax. ``unpadded``: (N, 1, H - size + 1,
            W - size + 1). ``hop_max``: (N, 1, H, W) in float64.
        """
        _check_image(image)
        return cast("Tensor", self.body(image))

    def centered_logits(self, image: Tensor, at: tuple[int, int] | None = None) -> Tensor:
        """Return the logit of "centered on its maximum" at every position of the output.

        Parameters
        ----------
        image : Tensor (N, 1, H, W)
            Windows or whole images.
        at : pair of int, optional
            Row and column of one output; the others are not computed where the form is ``same``.

        Returns
        -------
        Tensor (N, h, w), or (N,) of one output
            For ``same`` the log-odds of class 4, the center, which every position is asked about.
        """
        if at is not None and isinstance(self.body, _SamePadding):
            _check_image(image)
            logits = self.body.output(image, *at)
        else:
            logits = cast("Tensor", self(image))
            logits = logits if at is None else logits[:, :, at[0], at[1]]
        if self.form != "same":
            return logits[:, 0]
        others = torch.cat([logits[:, :_CENTER], logits[:, _CENTER + 1 :]], dim=1)
        return logits[:, _CENTER] - others.logsumexp(dim=1)

    def extra_repr(self) -> str:
        """Say which network this is."""
        return f"{self.form}, size={self.size}"


class _SamePadding(nn.Module):
    """Two 2x2 convolutions whose padding lies below and to the right, as in Keras."""

    def __init__(self, size: int, channels: tuple[int, int]) -> None:
        super().__init__()
        first, second = channels
        self.first = nn.Conv2d(1, first, size - 1)
        self.second = nn.Conv2d(first, second, size - 1)
        self.dense = nn.Conv2d(second, NUM_CLASSES, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return ten logits a position."""
        hidden = image.to(self.first.weight.dtype)
        for convolution in (self.first, self.second):
            hidden = convolution(functional.pad(hidden, (0, 1, 0, 1))).relu()
        return cast("Tensor", self.dense(hidden))

    def output(self, image: Tensor, row: int, column: int) -> Tensor:
        """Return ten logits at one position, (N, 10), from the pixels that it sees."""
        image = image.to(self.first.weight.dtype)
        height, width = image.shape[-2:]
        padded = functional.pad(image, (0, 2, 0, 2))
        hidden = self.first(padded[..., row : row + 3, column : column + 3]).relu()
        # The second convolution is padded too: what lies outside of the image is 0 to it.
        inside = torch.ones(2, 2, dtype=torch.bool, device=image.device)
        inside[height - row :], inside[:, width - column :] = False, False
        hidden = self.second(hidden.masked_fill(~inside, 0.0)).relu()
        return cast("Tensor", self.dense(hidden)[..., 0, 0])


class _Differences(nn.Conv2d):
    """A convolution whose kernels sum to zero: a constant added to the image changes nothing."""

    def forward(self, image: Tensor) -> Tensor:
        """Return weighted differences of pixels."""
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return functional.conv2d(image, weight)


class _Unpadded(nn.Module):
    """3x3 convolutions until one pixel is left of a window, then 1x1 convolutions.

    No bias anywhere: scaling the image scales the logit and never changes its sign.
    """

    def __init__(self, size: int, widths: tuple[int, int]) -> None:
        super().__init__()
        channels = widths[0]
        further = [nn.Conv2d(channels, channels, 3, bias=False) for _ in range(size // 2 - 1)]
        hidden = [nn.Conv2d(channels, channels, 1, bias=False) for _ in range(2)]
        self.layers = nn.ModuleList([_Differences(1, channels, 3, bias=False), *further, *hidden])
        self.judge = nn.Conv2d(channels, 1, 1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return one logit a window."""
        hidden = image.to(self.judge.weight.dtype)
        for layer in self.layers:
            hidden = layer(hidden).relu()
        return cast("Tensor", self.judge(hidden))


class _HopMax(nn.Module):
    """A positive factor times (center - highest other pixel of its window)."""

    def __init__(self, size: int, channels: tuple[int, int]) -> None:
        super().__init__()
        del channels  # one parameter is enough
        self.size = size
        self.log_gain = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, image: Tensor) -> Tensor:
        """Return one logit a pixel, above 0 where and only where it is the strict maximum."""
        with torch.autocast(image.device.type, enabled=False):
            values = _exact_double(image)
            other = _highest_other(values, self.size)
            margin = torch.where(values == other, 0.0, values - other)  # two infinities are equal
            return self.log_gain.double().exp() * margin


def _highest_other(values: Tensor, size: int) -> Tensor:
    """Return the highest of the other pixels of every window, -inf outside the image.

    The rows above and below take part whole; in its own row the pixel leaves itself out: a window
    that holds it would tie with it whenever it wins.
    """
    radius, (height, width) = size // 2, values.shape[-2:]
    padded = functional.pad(values, (radius,) * 4, value=-torch.inf)
    own = padded[..., radius : radius + height, :]
    parts = (
        functional.max_pool2d(padded[..., : height + radius - 1, :], (radius, size), 1),
        functional.max_pool2d(padded[..., radius + 1 :, :], (radius, size), 1),
        functional.max_pool2d(own[..., : width + radius - 1], (1, radius), 1),
        functional.max_pool2d(own[..., radius + 1 :], (1, radius), 1),
    )
    above, below, left, right = parts
    return torch.maximum(torch.maximum(above, below), torch.maximum(left, right))


def _exact_double(image: Tensor) -> Tensor:
    if image.dtype in (torch.int64, torch.uint64) and image.numel():
        low, high = int(image.min()), int(image.max())
        if max(-low, high) > 2**53:
            raise ValueError(
                f"`image` must be exact in float64 to be compared by a network, got {image.dtype} "
                "beyond 2**53; graphmax.images.peak_pixels compares such pixels exactly"
            )
    return image.double()


def _check_image(image: Tensor) -> None:
    if image.ndim != 4 or image.shape[1] != 1:
        raise ValueError(
            f"`image` must have shape (N, 1, H, W), got {tuple(image.shape)}; "
            "take one color channel, and add axes with image[None, None]"
        )


def _odd(size: Any) -> int:
    side = integer(size, "size", 3)
    if side % 2 == 0:
        raise ValueError(f"`size` must be odd, got {side}; an even window has no center pixel")
    return side


def _widths(channels: Any, form: str) -> tuple[int, int]:
    """Return the widths of two layers, equal ones of a single number."""
    if not isinstance(channels, tuple | list):
        width = integer(channels, "channels", 1)
        return width, width
    if form != "same" or len(channels) != 2:
        raise ValueError(
            f"`channels` must be one number, or two for the form 'same', got {channels!r}"
        )
    first, second = (integer(width, "channels", 1) for width in channels)
    return first, second
