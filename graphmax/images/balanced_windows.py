"""A balanced torch data set of windows: centered on their maximum, or shifted."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from graphmax.checks import integer
from graphmax.images.extrema import inner_window_sides, nan_refused, peak_pixels, read_image
from graphmax.images.tiling import windows
from graphmax.rule import Ties


class Window(NamedTuple):
    """One item: ``window`` (1, size, size), and ``label``, 1.0 where it is centered, else 0.0."""

    window: Tensor
    label: Tensor


class WindowDataset(Dataset[Window]):
    """Windows, their exact labels, and where each came from.

    Parameters
    ----------
    windows : Tensor (n, 1, size, size)
        The pixels.
    labels : Tensor, bool (n,)
        Whether the window is centered on its maximum.
    origins : Tensor, int64 (n, 3)
        Index of the image, row and column of the center pixel.
    """

    def __init__(self, windows: Tensor, labels: Tensor, origins: Tensor) -> None:
        self.windows, self.labels, self.origins = windows, labels, origins

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.labels)

    def __getitem__(self, index: int) -> Window:
        """Return a window and its label."""
        return Window(self.windows[index], self.labels[index].to(torch.float32))

    def __iter__(self) -> Iterator[Window]:
        """Go through the windows in order."""
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        """Say how many windows of which kind there are."""
        positives = int(self.labels.sum())
        side = self.windows.shape[-1]
        return f"WindowDataset({len(self)} windows of {side}x{side}, {positives} centered)"


def window_dataset(
    images: Any,
    size: int = 3,
    *,
    count: int | None = None,
    shift: int | None = 1,
    ties: Ties = "strict",
    seed: int = 0,
) -> WindowDataset:
    """Draw as many windows centered on their maximum as shifted ones.

    A shifted window is a centered one moved by at most `shift` pixels along each axis, to where it
    is not centered on its own maximum.

    Parameters
    ----------
    images : image or sequence of images, each (H, W)
        One channel, no NaN.
    size : int, default 3
        Side of the windows in pixels, odd, at least 3.
    count : int, optional
        Number of windows, even; by default twice the number of centered windows there are.
    shift : int or None, default 1
        Largest move in pixels; None takes any window that is not centered.
    ties : {"strict", "weak", "plateau", "index"}, default "strict"
        Who challenges the center; see `Rule`.
    seed : int, default 0
        Seed of the draw.

    Returns
    -------
    WindowDataset
        Windows inside the images, in random order: ``windows``, ``labels``, ``origins``.

    Raises
    ------
    ValueError
        If the size, the count or the shift is out of range, or there are too few windows.

    Notes
    -----
    Pixels keep the dtype of floats; integers become float32 where that is exact (up to 16 bits),
    else float64. A cast of float64 pixels to float32 can make ties of what was none.

    Examples
    --------
    >>> import numpy as np
    >>> from graphmax.images import window_dataset
    >>> window_dataset(np.random.default_rng(0).random((20, 20)), count=30)
    WindowDataset(30 windows of 3x3, 15 centered)
    """
    pictures = [_picture(image) for image in _list_of(images)]
    rng = np.random.default_rng(seed)
    size = integer(size, "size", 1)
    shift = None if shift is None else integer(shift, "shift", 1)
    found = [_pairs(picture, size, shift, ties, rng) for picture in pictures]
    places = np.concatenate([_numbered(at, pair) for at, pair in enumerate(found)])
    chosen = _chosen(places, count, rng)
    origins = np.concatenate([chosen[:, [0, 1, 2]], chosen[:, [0, 3, 4]]])
    order = rng.permutation(len(origins))
    labels = torch.from_numpy((np.arange(len(origins)) < len(chosen))[order])
    origins = origins[order]
    return WindowDataset(_cut_out(pictures, origins, size), labels, torch.from_numpy(origins))


def _list_of(images: Any) -> Sequence[Any]:
    if hasattr(images, "ndim"):
        return [images] if images.ndim == 2 else list(images)
    return list(images)


def _picture(image: Any) -> NDArray[Any]:
    """Return the pixels of one image, all of them known: a tensor has no mask."""
    read = read_image(image)
    if len(read.shape) != 2:
        raise ValueError(f"`images` must have two axes each, got one of shape {read.shape}")
    if read.absent.any():
        raise nan_refused(read.absent)
    return read.pixels


def _pairs(
    picture: NDArray[Any], size: int, shift: int | None, ties: Ties, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return row and column of each centered window, and of a shifted one for it: int64 (n, 4)."""
    radius = inner_window_sides(size, picture.shape)[0] // 2
    mask = peak_pixels(picture, size, ties=ties)
    inside = np.zeros_like(mask)
    inside[radius : -radius or None, radius : -radius or None] = True
    peaks = rng.permutation(np.argwhere(mask & inside))
    if shift is None:
        others = rng.permutation(np.argwhere(~mask & inside))
        pairs = min(len(peaks), len(others))
        return np.hstack([peaks[:pairs], others[:pairs]])
    return _moved(peaks, ~mask & inside, shift, rng)


def _moved(
    peaks: NDArray[np.int64], allowed: NDArray[np.bool_], shift: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move each peak to a random allowed pixel nearby; a peak without one is left out."""
    steps = np.arange(-shift, shift + 1)
    moves = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 2)
    targets = peaks[:, None, :] + moves
    limits = np.array(allowed.shape)
    fits = ((targets >= 0) & (targets < limits)).all(axis=2)
    clipped = np.clip(targets, 0, limits - 1)
    fits &= allowed[clipped[..., 0], clipped[..., 1]]
    best = np.where(fits, rng.random(fits.shape), -1.0).argmax(axis=1)
    keep = fits.any(axis=1)
    moved: NDArray[np.int64] = np.hstack([peaks, targets[np.arange(len(peaks)), best]])[keep]
    return moved


def _numbered(image: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.hstack([np.full((len(pairs), 1), image), pairs])


def _chosen(
    places: NDArray[np.int64], count: int | None, rng: np.random.Generator
) -> NDArray[np.int64]:
    if count is None:
        return places
    pairs, odd = divmod(integer(count, "count", 1), 2)
    if odd:
        raise ValueError(f"`count` must be even to be balanced, got {count}")
    if pairs > len(places):
        raise ValueError(
            f"`count` must be at most {2 * len(places)}, twice the centered windows there are, "
            f"got {count}; give more or larger images"
        )
    drawn: NDArray[np.int64] = places[np.sort(rng.choice(len(places), pairs, replace=False))]
    return drawn


def _cut_out(pictures: list[NDArray[Any]], origins: NDArray[np.int64], size: int) -> Tensor:
    dtype = np.result_type(*(_float(picture.dtype) for picture in pictures))
    cut = np.empty((len(origins), 1, size, size), dtype)
    for image, picture in enumerate(pictures):
        here = origins[:, 0] == image
        rows, columns = origins[here, 1] - size // 2, origins[here, 2] - size // 2
        cut[here, 0] = windows(picture, size)[rows, columns]
    return torch.from_numpy(cut)


def _float(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "f":
        return dtype
    return np.dtype(np.float32 if dtype.kind in "biu" and dtype.itemsize <= 2 else np.float64)
