"""Images as grid graphs: PNG and TIFF through Pillow, ESRI grids, NPY as `array_files` checks it.

Pixels are the nodes, in C order. A gray image or an array has the attribute ``value``, a color
image ``red``, ``green``, ``blue`` and ``alpha``, always as stored: nothing is scaled. Where a file
says where it lies on a map, positions are map coordinates of the centers of pixels.

Of TIFF Pillow leaves out, reverses or misreads without a word: a mask page of GDAL, whose kind it
does not know; 0 that is white; numbers without a sign of 32 bits and with one of 8; bands beyond
the fourth; colors that are multiplied by their alpha. The tags say which, and `as_stored` changes
those that would change a pixel.
"""

import io
import math
import struct
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from graphmax.files.array_files import read_array
from graphmax.files.building import check_count
from graphmax.files.errors import GraphFileError, refusal
from graphmax.files.opening import MEBIBYTE, ReadOptions, Source, decoded_text, number
from graphmax.graph import Graph
from graphmax.spatial import grid_graph

# Tags of baseline TIFF, GeoTIFF and GDAL.
KIND, BITS, PHOTOMETRIC, SAMPLES, EXTRA, SAMPLE_FORMAT = 254, 258, 262, 277, 338, 339
SCALE, TIE_POINT, TRANSFORM, GEO_KEYS, METADATA, NODATA = 33550, 33922, 34264, 34735, 42112, 42113
_OF_MAPS = {SCALE, TIE_POINT, TRANSFORM, GEO_KEYS, METADATA, NODATA}
_WHITE_IS_0, _BLACK_IS_0, _IS_MASK, _IS_ALPHA, _IS_SIGNED = 0, 1, 4, 2, 2
# Type: code of `struct`, bytes.
_TYPES = {
    1: ("B", 1),
    2: ("s", 1),
    3: ("H", 2),
    4: ("I", 4),
    6: ("b", 1),
    8: ("h", 2),
    9: ("i", 4),
    11: ("f", 4),
    12: ("d", 8),
    16: ("Q", 8),
    17: ("q", 8),
}
# Where one pixel is a point, its center is where the map says, not its corner.
_RASTER_KIND, _IS_POINT = 1025, 2
_NUMBERS = {f"{kind}{size}" for kind in "ui" for size in (1, 2, 4, 8)} | {"f2", "f4", "f8"}
_MOST_PAGES, _LONGEST = 10_000, 2**16


@dataclass
class Page:
    """The tags of one page, and where in the file the first value of each stands, and its type."""

    tags: dict[int, tuple[Any, ...]]
    places: dict[int, tuple[int, str]]

    def one(self, tag: int, otherwise: int) -> int:
        """Return the first value of a tag as an integer."""
        value = self.tags.get(tag, (otherwise,))[0]
        return value if isinstance(value, int) else otherwise

    @property
    def is_copy(self) -> bool:
        """Whether it is a smaller copy of another page, or of its mask."""
        return bool(self.one(KIND, 0) & 1)

    @property
    def is_mask(self) -> bool:
        """Whether it says which pixels of another page there are."""
        return bool(self.one(KIND, 0) & 4) or self.one(PHOTOMETRIC, 1) == _IS_MASK

    @property
    def is_map(self) -> bool:
        """Whether it has tags of GeoTIFF or GDAL."""
        return bool(_OF_MAPS & set(self.tags))

    @property
    def is_white_0(self) -> bool:
        """Whether 0 is white."""
        return self.one(PHOTOMETRIC, 1) == _WHITE_IS_0

    @property
    def extra(self) -> tuple[int, ...]:
        """What the bands beyond the colors are: 1 and 2 alpha, 0 something else."""
        return tuple(value for value in self.tags.get(EXTRA, ()) if isinstance(value, int))

    @property
    def is_point(self) -> bool:
        """Whether places on the map are those of centers of pixels."""
        keys = self.tags.get(GEO_KEYS, ())
        quads = zip(*(keys[i::4] for i in range(4)), strict=False)
        return any(quad[0] == _RASTER_KIND and quad[3] == _IS_POINT for quad in quads)

    def number_type(self) -> str:
        """Return how a number is stored, "u4" or "f8"; "" where it does not say."""
        kind = {1: "u", 2: "i", 3: "f"}.get(self.one(SAMPLE_FORMAT, 1), "")
        name = f"{kind}{self.one(BITS, 1) // 8}"
        return name if name in _NUMBERS and self.one(BITS, 1) % 8 == 0 else ""


def pages_of(data: bytes) -> list[Page]:
    """Return the pages of a TIFF or BigTIFF; as far as they can be read."""
    pages: list[Page] = []
    with suppress(struct.error, OverflowError):
        pages.extend(_walked(data))
    return pages


def _walked(data: bytes) -> Iterator[Page]:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return
    (version,) = struct.unpack_from(f"{order}H", data, 2)
    big = version == 43
    count_code, entry, word = ("Q", 20, "Q") if big else ("H", 12, "I")
    (place,) = struct.unpack_from(order + word, data, 8 if big else 4)
    seen: set[int] = set()
    while place and place not in seen and len(seen) < _MOST_PAGES:
        seen.add(place)
        (count,) = struct.unpack_from(order + count_code, data, place)
        first = place + struct.calcsize(count_code)
        if count > _LONGEST:
            return
        entries = [_entry(data, order, first + entry * i, word) for i in range(count)]
        yield Page(
            {tag: values for tag, values, _ in entries if values},
            {tag: where for tag, _, where in entries},
        )
        (place,) = struct.unpack_from(order + word, data, first + entry * count)


def _entry(
    data: bytes, order: str, place: int, word: str
) -> tuple[int, tuple[Any, ...], tuple[int, str]]:
    """Return a tag, its values, and where the first stands with its `struct` code."""
    tag, kind = struct.unpack_from(f"{order}HH", data, place)
    (count,) = struct.unpack_from(order + word, data, place + 4)
    width = struct.calcsize(word)
    where = place + 4 + width
    code, size = _TYPES.get(kind, ("", 0))
    if not code or count * size > _LONGEST:
        return tag, (), (where, "")
    if count * size > width:
        (where,) = struct.unpack_from(order + word, data, where)
    values = struct.unpack_from(f"{order}{count}{code}", data, where)
    return tag, values, (where, order + code)


def as_stored(data: bytes, pages: list[Page]) -> bytes:
    """Return the file with tags under which Pillow gives back pixels as they are stored."""
    changed = bytearray(data)
    for page in pages:
        if page.one(PHOTOMETRIC, 1) in (_WHITE_IS_0, _IS_MASK):
            _put(changed, page, PHOTOMETRIC, _BLACK_IS_0)
        if page.extra and page.extra[0] in (0, 1):
            _put(changed, page, EXTRA, _IS_ALPHA)
        if page.number_type() == "u4" and SAMPLE_FORMAT in page.tags:
            _put(changed, page, SAMPLE_FORMAT, _IS_SIGNED)
    return bytes(changed)


def _put(data: bytearray, page: Page, tag: int, value: int) -> None:
    place, code = page.places[tag]
    if code and not code.endswith("s"):  # a number that is declared as text says nothing
        struct.pack_into(code, data, place, value)


# --- Images as grid graphs: PNG and TIFF through Pillow, ESRI grids, NPY

_HARMLESS = 64 * MEBIBYTE
_CHANNELS = {
    **dict.fromkeys(("1", "L", "I", "F", "I;16", "I;16B", "I;16L"), ("value",)),
    "LA": ("value", "alpha"),
    "RGB": ("red", "green", "blue"),
    "RGBA": ("red", "green", "blue", "alpha"),
}
# Where a PNG says how many bits a channel has.
_PNG_DEPTH = 24
# What Pillow raises on files that are no images of their kind.
_FLAWS = (
    *(UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError),
    *(EOFError, OverflowError, Image.DecompressionBombError, zipfile.BadZipFile, AttributeError),
)


class _Pixels(NamedTuple):
    """Columns of pixels in the shape of the grid, and where the grid lies on a map.

    `place` takes (column, row), counted from the upper left corner, to map coordinates: an affine
    map of six numbers (x0, x per column, x per row, y0, y per column, y per row).
    """

    columns: dict[str, NDArray[Any]]
    place: tuple[float, ...] | None = None


def read(source: Source, options: ReadOptions) -> Graph:
    """Read an image or an array of one to three axes."""
    readers = {"npy": _read_npy, "asc": _read_asc}
    pixels = readers.get(source.kind, _image)(source, options)
    array = next(iter(pixels.columns.values()))
    if not 1 <= array.ndim <= 3:
        raise refusal(source.name, "have one to three axes", f"shape {array.shape}")
    check_count(source, options, array.size)
    _check_links(array.shape, source, options)
    source.check_time()
    try:
        graph = grid_graph(array.shape, options.connectivity)
    except ValueError as error:
        raise GraphFileError(f"{error} in {source.name}", path=source.name) from error
    attributes = {name: column.ravel() for name, column in pixels.columns.items()}
    positions = None if pixels.place is None else _positions(array.shape, pixels.place)
    return graph.replace(attributes=attributes, positions=positions)


def _check_links(shape: tuple[int, ...], source: Source, options: ReadOptions) -> None:
    """Refuse a grid whose neighbors take far more memory than its bytes account for."""
    neighbors = options.connectivity or 3 ** len(shape) - 1
    size = 4 * neighbors * math.prod(shape)
    allowed = max(2048 * MEBIBYTE, int(options.max_ratio * source.size))
    if size > allowed and options.max_nodes is None:
        raise refusal(
            source.name,
            f"have neighbors that fit into {allowed} bytes",
            f"{size}",
            way_out="pass max_nodes or a smaller connectivity if the file is trusted",
        )


def _positions(shape: tuple[int, ...], place: tuple[float, ...]) -> NDArray[np.float64] | None:
    if len(shape) != 2:
        return None
    row, column = (axis.ravel() + 0.5 for axis in np.indices(shape))
    x0, x_column, x_row, y0, y_column, y_row = place
    return np.stack([x0 + x_column * column + x_row * row, y0 + y_column * column + y_row * row], 1)


def _read_npy(source: Source, _: ReadOptions) -> _Pixels:
    array = read_array(source.read(), Path(source.name).name, source)
    if array.dtype.kind in "SU":
        raise refusal(source.name, "hold numbers", f"text ({array.dtype})")
    return _Pixels({"value": array})


def _read_asc(source: Source, options: ReadOptions) -> _Pixels:
    """Read an ESRI grid: lines of names and numbers, then rows from north to south."""
    words = decoded_text(source).split()
    header: dict[str, float] = {}
    while len(words) > 2 * len(header) + 1 and words[2 * len(header)][0].isalpha():
        name, value = words[2 * len(header)].lower(), number(words[2 * len(header) + 1])
        if value is None or name in header:
            raise refusal(source.name, "start with names and numbers", name[:40])
        header[name] = value
    columns, rows = header.get("ncols", -1), header.get("nrows", -1)
    if not (type(columns) is int and type(rows) is int and columns > 0 and rows > 0):
        raise refusal(source.name, "declare ncols and nrows", ", ".join(header)[:60] or "none")
    check_count(source, options, columns * rows)
    cells = words[2 * len(header) :]
    if len(cells) != columns * rows:
        raise refusal(source.name, f"hold {columns * rows} values as declared", str(len(cells)))
    values = [number(cell) for cell in source.timed(cells)]
    if None in values:
        bad = cells[values.index(None)]
        raise refusal(source.name, "hold numbers", repr(bad[:40]))
    grid = np.array(values).reshape(rows, columns)
    if grid.dtype == object:
        raise refusal(source.name, "hold numbers of 64 bits", "larger ones")
    nodata = header.get("nodata_value", -9999)
    size = header.get("cellsize", 1.0)
    width, height = header.get("dx", size), header.get("dy", size)
    left = header.get("xllcorner", header.get("xllcenter", 0.0) - width / 2)
    low = header.get("yllcorner", header.get("yllcenter", 0.0) - height / 2)
    place = (left, width, 0.0, low + rows * height, 0.0, -height)
    return _Pixels({"value": _masked(grid, _equal(grid, nodata))}, place)


def _equal(array: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Say where an array holds the value for nothing, which may be NaN."""
    found: NDArray[np.bool_] = array != array if nodata != nodata else array == nodata
    return found


def _masked(array: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    return np.ma.MaskedArray(array, missing) if missing.any() else array


def _image(source: Source, options: ReadOptions) -> _Pixels:
    data = source.read()
    pages = pages_of(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream = io.BytesIO(as_stored(data, pages) if pages else data)
            with Image.open(stream, formats=("PNG", "TIFF")) as image:
                _check_size(image, source, options)
                return _columns(image, pages, source)
    except GraphFileError:
        raise
    except _FLAWS as error:
        if isinstance(error, UnidentifiedImageError) and pages and pages[0].number_type():
            raise _unknown_kind(pages[0], source) from None
        reason = str(error).partition("\n")[0][:80]
        reason = "unknown bytes" if isinstance(error, UnidentifiedImageError) else reason
        raise refusal(source.name, "be a valid PNG or TIFF image", f"a flaw ({reason})") from None


def _unknown_kind(page: Page, source: Source) -> GraphFileError:
    """Return the error for a TIFF whose kind of pixels Pillow does not know."""
    bands, kind = page.one(SAMPLES, 1), np.dtype(page.number_type()).name
    return refusal(
        source.name,
        "be a TIFF that Pillow reads, as those of one band of up to 32 bits and colors of 8 bits",
        f"{bands} {'band' if bands == 1 else 'bands'} of {kind}",
        way_out="save each band as .npy",
    )


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


class _Pages(NamedTuple):
    """Frames of one mode, and masks that lie beside them in a TIFF."""

    mode: str
    frames: list[NDArray[Any]]
    masks: list[NDArray[np.bool_]]


def _frames(image: Image.Image, pages: list[Page], source: Source) -> _Pages:
    """Return the frames; palettes become colors, smaller copies are left out."""
    found = _Pages("", [], [])
    for place in range(getattr(image, "n_frames", 1)):
        if place:
            image.seek(place)
        source.check_time()
        page = pages[place] if place < len(pages) else Page({}, {})
        if page.is_copy:
            source.remark("smaller copies of the image are left out")
        elif page.is_mask:
            found.masks.append(np.asarray(image.convert("L")) == 0)
        else:
            mode = "RGBA" if image.mode == "P" and "transparency" in image.info else image.mode
            mode = _checked_mode("RGB" if mode == "P" else mode, image, source)
            found = found._replace(mode=mode)
            frame = np.asarray(image if mode == image.mode else image.convert(mode))
            found.frames.append(_signed_as_stored(frame, page))
    if len({(frame.shape, frame.dtype) for frame in found.frames}) != 1:
        got = f"{len(found.frames)} of several"
        raise refusal(source.name, "have frames of one size and kind", got)
    return found


def _signed_as_stored(frame: NDArray[Any], page: Page) -> NDArray[Any]:
    """Return integers with or without a sign, as the file says: Pillow knows one kind of a size."""
    stored = np.dtype(page.number_type() or frame.dtype)
    kinds = {frame.dtype.kind, stored.kind}
    return frame.view(stored) if kinds == set("iu") and stored.itemsize == frame.itemsize else frame


def _checked_mode(mode: str, image: Image.Image, source: Source) -> str:
    """Refuse channels that Pillow cannot give as they are."""
    if mode not in _CHANNELS:
        raise refusal(source.name, "be gray or RGB", f"mode {mode}", way_out="convert it")
    if len(_CHANNELS[mode]) > 1 and image.mode != "P" and _bits(image, source) > 8:
        raise refusal(
            source.name,
            "have 8 bits a channel when it has several",
            f"{_bits(image, source)}",
            way_out="save the channels as .npy or gray .tiff",
        )
    return mode


def _columns(image: Image.Image, pages: list[Page], source: Source) -> _Pixels:
    """Return the channels of all frames; nodata, masks and alpha 0 on maps are missing values."""
    mode, frames, masks = _frames(image, pages, source)
    stack = frames[0] if len(frames) == 1 else np.stack(frames)
    page = pages[0] if pages else Page({}, {})
    names = _band_names(mode, page, source)
    nodata, absent = _nodata(page), np.zeros(stack.shape[: 2 + (len(frames) > 1)], bool)
    if len(masks) == 1 and masks[0].shape == absent.shape[-2:]:
        absent |= masks[0]
    elif masks:
        source.remark("masks of other sizes, or several, are left out")
    if page.is_map and "alpha" in names:
        absent |= stack[..., names.index("alpha")] == 0
    columns = {}
    for i, name in enumerate(names):
        column = stack[..., i] if stack.ndim > absent.ndim else stack
        missing = absent if name != "alpha" else np.zeros_like(absent)
        if nodata is not None and name != "alpha":
            missing = missing | _equal(column, nodata)
        columns[name] = _masked(column, missing)
    return _Pixels(columns, _place(page))


def _band_names(mode: str, page: Page, source: Source) -> tuple[str, ...]:
    """Return the names of the bands of a mode; one beyond the colors need not be alpha."""
    names, bands = _CHANNELS[mode], page.one(SAMPLES, 1)
    if page.is_white_0:
        source.remark("0 is white in this image: values are as they are stored")
    if names[-1] == "alpha" and page.extra and page.extra[0] not in (1, 2):
        names = (*names[:-1], f"band{len(names)}")
    if bands > len(names) > 1:
        source.remark(f"only the first {len(names)} of {bands} bands are taken")
    return names


def _nodata(page: Page) -> float | None:
    """Return the value that GDAL writes where there is none."""
    text = b"".join(part for part in page.tags.get(NODATA, ()) if isinstance(part, bytes))
    value = number(text.decode("ascii", "replace").strip("\0 "))
    return None if value is None else float(value)


def _place(page: Page) -> tuple[float, ...] | None:
    """Return the affine map of a GeoTIFF."""
    matrix, scale, tie = (page.tags.get(tag, ()) for tag in (TRANSFORM, SCALE, TIE_POINT))
    if len(matrix) == 16:
        x_column, x_row, y_column, y_row = matrix[0], matrix[1], matrix[4], matrix[5]
        x0, y0 = matrix[3], matrix[7]
    elif len(scale) >= 2 and len(tie) >= 6:
        x_column, x_row, y_column, y_row = scale[0], 0.0, 0.0, -scale[1]
        x0, y0 = tie[3] - tie[0] * x_column, tie[4] - tie[1] * y_row
    else:
        return None
    half = 0.5 if page.is_point else 0.0  # of a pixel, from its center to its corner
    x0, y0 = x0 - half * (x_column + x_row), y0 - half * (y_column + y_row)
    return tuple(float(value) for value in (x0, x_column, x_row, y0, y_column, y_row))


def _bits(image: Image.Image, source: Source) -> int:
    """Return the bits of a channel in the file; Pillow cuts color of 16 bits down to 8."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(BITS, (8,))  # type: ignore[attr-defined]
        return int(max(bits)) if isinstance(bits, tuple) else int(bits)
    with source.file.open("rb") as stream:
        return stream.read(_PNG_DEPTH + 1)[_PNG_DEPTH]
