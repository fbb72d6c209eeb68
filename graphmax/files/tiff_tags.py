"""What the tags of a TIFF say, before Pillow decodes its pixels.

Pillow leaves out, reverses or misreads without a word: a mask page of GDAL, whose kind it does not
know; 0 that is white; numbers without a sign of 32 bits and with one of 8; bands beyond the fourth;
colors that are multiplied by their alpha. The tags say which, and `as_stored` changes those that
would change a pixel.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

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
    if code:
        struct.pack_into(code, data, place, value)
