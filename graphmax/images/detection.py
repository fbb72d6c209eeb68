"""A network on every pixel, then suppression: the scores become exact pixels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphmax.checks import integer
from graphmax.images.image import inner_window_sides, nan_refused, read_image
from graphmax.kernels.progress import tell
from graphmax.peaks import non_maximum_suppression
from graphmax.spatial import grid_graph

if TYPE_CHECKING:
    from torch import Tensor, nn

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
