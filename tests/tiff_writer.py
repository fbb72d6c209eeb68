"""TIFF files byte by byte: tests need kinds that Pillow cannot write."""

import struct

import numpy as np

_CODES = {1: "B", 3: "H", 4: "I", 12: "d", 16: "Q"}
# Where a map lies whose upper left corner is (500, 900) and whose pixels have sides of 10.
MAP = {33550: (12, (10.0, 10.0, 0.0)), 33922: (12, (0.0, 0.0, 0.0, 500.0, 900.0, 0.0))}
MASK, COPY, COPY_OF_MASK = ({254: (4, (kind,))} for kind in (4, 1, 5))


def tiff(*pages, order="<", big=False):
    """Return the bytes of pages, pairs of an array and further tags {tag: (type, values)}."""
    out = bytearray(b"II" if order == "<" else b"MM")
    out += struct.pack(f"{order}HHHQ", 43, 8, 0, 0) if big else struct.pack(f"{order}HI", 42, 0)
    patch, word = (8, "Q") if big else (4, "I")
    for array, extra in pages:
        array = np.ascontiguousarray(array)
        height, width, bands = (*array.shape, 1)[:3]
        data = array.astype(array.dtype.newbyteorder(order)).tobytes()
        place = len(out)
        out += data + b"\0" * (len(data) % 2)
        number_kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
        tags = {
            256: (4, (width,)), 257: (4, (height,)), 258: (3, (array.itemsize * 8,) * bands),
            259: (3, (1,)), 262: (3, (2 if bands > 2 else 1,)), 273: (4, (place,)),
            277: (3, (bands,)), 278: (4, (height,)), 279: (4, (len(data),)),
            339: (3, (number_kind,) * bands), **extra,
        }  # fmt: skip
        entries = b"".join(_entry(out, order, word, tag, *tags[tag]) for tag in sorted(tags))
        struct.pack_into(order + word, out, patch, len(out))
        out += struct.pack(f"{order}{'Q' if big else 'H'}", len(tags)) + entries
        patch = len(out)
        out += bytes(struct.calcsize(word))
    return bytes(out)


def _entry(out, order, word, tag, kind, values):
    """Return the entry of a tag; values that do not fit are put behind what is there."""
    if kind == 2:
        raw, count = values.encode() + b"\0", len(values) + 1
    else:
        raw, count = struct.pack(f"{order}{len(values)}{_CODES[kind]}", *values), len(values)
    width = struct.calcsize(word)
    if len(raw) > width:
        place = len(out)
        out += raw + b"\0" * (len(raw) % 2)
        raw = struct.pack(order + word, place)
    return struct.pack(f"{order}HH{word}", tag, kind, count) + raw.ljust(width, b"\0")
