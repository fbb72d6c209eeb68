"""Images as grid graphs: PNG and TIFF through Pillow, NPY by the checks of `npz`.

Pixels are the nodes, in C order. A gray image or an array has the attribute ``value``, a color
image ``red``, ``green``, ``blue`` and ``alpha``, always as stored: nothing is scaled.
"""

import io
import math
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.npz import read_array
from graphmax.files.opening import MEBIBYTE, ReadOptions, Source
from graphmax.graph import Graph
from graphmax.grid import grid_graph

_HARMLESS = 64 * MEBIBYTE
_CHANNELS = {
    **dict.fromkeys(("1", "L", "I", "F", "I;16", "I;16B", "I;16L"), ("value",)),
    "LA": ("value", "alpha"),
    "RGB": ("red", "green", "blue"),
    "RGBA": ("red", "green", "blue", "alpha"),
}
_BITS_PER_SAMPLE = 258
# Where a PNG says how many bits a channel has.
_PNG_DEPTH = 24
# What Pillow raises on files that are no images of their kind.
_FLAWS = (
    *(UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError),
    *(EOFError, OverflowError, Image.DecompressionBombError, zipfile.BadZipFile, AttributeError),
)


def read(source: Source, options: ReadOptions) -> Graph:
    """Read an image or an array of one to three axes."""
    if source.kind == "npy":
        array = read_array(source.read(), Path(source.name).name, source)
        if array.dtype.kind in "SU":
            raise refusal(source.name, "hold numbers", f"text ({array.dtype})")
        columns = {"value": array}
    else:
        columns = _image(source, options)
        array = next(iter(columns.values()))
    if not 1 <= array.ndim <= 3:
        raise refusal(source.name, "have one to three axes", f"shape {array.shape}")
    check_count(source, options, array.size)
    try:
        graph = grid_graph(array.shape, options.connectivity)
    except ValueError as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error
    return graph.replace(attributes={name: column.ravel() for name, column in columns.items()})


def _image(source: Source, options: ReadOptions) -> dict[str, NDArray[Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(source.read()), formats=("PNG", "TIFF")) as image:
                _check_size(image, source, options)
                return _columns(image, source)
    except GraphFileError:
        raise
    except _FLAWS as error:
        reason = str(error).partition("\n")[0][:80]
        reason = "unknown bytes" if isinstance(error, UnidentifiedImageError) else reason
        raise refusal(source.name, "be a valid PNG or TIFF image", f"a flaw ({reason})") from None


def _check_size(image: Image.Image, source: Source, options: ReadOptions) -> None:
    pixels = math.prod(image.size) * getattr(image, "n_frames", 1)
    check_count(source, options, pixels)
    size = pixels * 4
    allowed = min(options.max_bytes, max(_HARMLESS, int(options.max_ratio * source.size)))
    if size > allowed:
        raise refusal(
            source.name,
            f"decompress to at most {allowed} bytes",
            f"{size}",
            way_out="pass max_ratio",
        )


def _columns(image: Image.Image, source: Source) -> dict[str, NDArray[Any]]:
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode not in _CHANNELS:
        raise refusal(source.name, "be gray or RGB", f"mode {image.mode}", way_out="convert it")
    names = _CHANNELS[image.mode]
    if len(names) > 1 and _bits(image, source) > 8:
        raise refusal(
            source.name,
            "have 8 bits a channel when it has several",
            f"{_bits(image, source)}",
            way_out="save the channels as .npy or gray .tiff",
        )
    frames = _frames(image)
    return {name: frames[..., i] if len(names) > 1 else frames for i, name in enumerate(names)}


def _frames(image: Image.Image) -> NDArray[Any]:
    count = getattr(image, "n_frames", 1)
    if count == 1:
        return np.asarray(image)
    frames = []
    for place in range(count):
        image.seek(place)
        frames.append(np.asarray(image))
    return np.stack(frames)


def _bits(image: Image.Image, source: Source) -> int:
    """Return the bits of a channel in the file; Pillow cuts color of 16 bits down to 8."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (8,))  # type: ignore[attr-defined]
        return int(max(bits)) if isinstance(bits, tuple) else int(bits)
    with source.file.open("rb") as stream:
        return stream.read(_PNG_DEPTH + 1)[_PNG_DEPTH]
